"""What a command prints: lines, a capped log on the share, a tail in memory."""

import contextlib
from collections.abc import Iterator

from renderd.daemon.tail import Tail
from renderd.spool.layout import Spool

FLUSH_BYTES = 64 << 10
FLUSH_EVERY = 1.0  #: seconds; a person who follows a log sees it this late
LONGEST_LINE = 64 << 10


class Printout:
    """Collects one attempt's output.  Nothing it does can stop the attempt."""

    def __init__(self, spool: Spool, path: str, tail: Tail, cap_bytes: int) -> None:
        self._part_bytes = cap_bytes // 2  # turned over at this size; one older part is kept
        self._spool = spool
        self._path = path
        self._tail = tail
        self._unsaved: list[bytes] = []
        self._unsaved_bytes = 0
        self._size = 0
        self._partial = b""
        self._flushed = float("-inf")

    def note(self, text: str) -> None:
        """Add a line of our own."""
        line = " ".join(text.splitlines())  # a word with a line break must not look like output
        self._keep(f"# {line}\n".encode("utf-8", "surrogateescape"))

    def feed(self, data: bytes, now: float) -> Iterator[str]:
        """Take in output; the lines completed by it."""
        self._keep(data)
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > LONGEST_LINE:
            lines, self._partial = [*lines, self._partial], b""
        if self._unsaved_bytes >= FLUSH_BYTES or now - self._flushed >= FLUSH_EVERY:
            self.flush(now)
        for line in lines:
            text = line.decode("utf-8", "replace")
            self._tail.append(text.rstrip("\r"))
            yield text

    def finish(self) -> Iterator[str]:
        """The last line where it had no end."""
        if self._partial:
            text, self._partial = self._partial.decode("utf-8", "replace"), b""
            self._tail.append(text)
            yield text

    def _keep(self, data: bytes) -> None:
        self._unsaved.append(data)
        self._unsaved_bytes += len(data)

    def flush(self, now: float) -> None:
        """Write what is new to the log; a full or absent share loses only log lines."""
        self._flushed = now
        if not self._unsaved:
            return
        data = b"".join(self._unsaved)
        self._unsaved, self._unsaved_bytes = [], 0
        with contextlib.suppress(OSError):
            if self._size and self._size + len(data) > self._part_bytes:
                self._spool.share.rename(self._path, self._path + ".1")
                self._size = 0
            self._spool.share.append(self._path, data[-self._part_bytes :])
            self._size += len(data)
