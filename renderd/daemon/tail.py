"""The last lines of a running command, for whoever follows it."""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

KEPT_LINES = 1000
LINE_LIMIT = 2000  #: letters of one line that are kept


@dataclass(frozen=True, slots=True)
class Lines:
    """What came since a place in the output: pass `next` to ask for what follows."""

    texts: tuple[str, ...]
    next: int  #: lines written so far
    lost: int  #: lines between the place and the first text that are no longer kept


class Tail:
    """A short memory of one attempt's output.  Its reader thread adds, any thread asks."""

    def __init__(self, kept: int = KEPT_LINES) -> None:
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=kept)
        self._written = 0

    def append(self, line: str) -> None:
        """Take one line without its newline."""
        with self._lock:
            self._lines.append(line[:LINE_LIMIT])
            self._written += 1

    def __iter__(self) -> Iterator[str]:
        """The lines kept, oldest first, as they were at the call."""
        return iter(self.since(0).texts)

    def __len__(self) -> int:
        return len(self._lines)

    def since(self, place: int) -> Lines:
        """The lines after the first `place` ones, as far as they are kept."""
        with self._lock:
            first_kept = self._written - len(self._lines)
            start = max(place, first_kept)
            texts = tuple(self._lines)[start - first_kept :]
            return Lines(texts, self._written, max(first_kept - place, 0))
