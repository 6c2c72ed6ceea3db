"""What journals tell of chunks that have ended: how long, how much memory, when."""

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from renderd.spool import history
from renderd.spool.layout import Spool
from renderd.spool.records import ChunkView

_PATIENCE = 5  #: readings of a journal that tell nothing new, after which it is left alone
_AT_ONCE = 64  #: journals asked in one reading


@dataclass(frozen=True, slots=True)
class Figures:
    """One attempt, as the machine that ended it wrote down."""

    wall: float  #: seconds
    peak: int  #: bytes
    ended: float  #: by the machine's clock


class Journals:
    """Reads on in the journals of the machines that are asked for; for one thread."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._silent: Counter[str] = Counter()
        self._figures: dict[tuple[str, int, int], Figures] = {}

    def forget_silence(self) -> None:
        """Ask again also those that told nothing: another job is looked at."""
        self._silent.clear()

    def of(self, jid: str, chunk: ChunkView) -> Figures | None:
        """What is known of the attempt that ended a chunk."""
        return self._figures.get((jid, chunk.index, chunk.attempt))

    def learn(self, spool: Spool, jid: str, chunks: Iterable[ChunkView]) -> None:
        """Read on where something may stand about these chunks; what cannot be read is left."""
        wanted = {c.node for c in chunks if c.node and self.of(jid, c) is None}
        asked = [inc for inc in sorted(wanted) if self._silent[inc] < _PATIENCE]
        for inc in asked[:_AT_ONCE]:
            events: list[dict[str, Any]] = []
            with contextlib.suppress(OSError):
                events, self._places[inc] = history.read_on(spool, inc, self._places.get(inc, 0))
            self._silent[inc] = 0 if events else self._silent[inc] + 1
            for event in events:
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        jid, chunk, attempt = (event.get(key) for key in ("jid", "chunk", "attempt"))
        if isinstance(jid, str) and isinstance(chunk, int) and isinstance(attempt, int):
            wall, peak, ended = (_number(event.get(key)) for key in ("wall", "peak", "t"))
            self._figures[jid, chunk, attempt] = Figures(wall, int(peak), ended)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e18 else 0.0
