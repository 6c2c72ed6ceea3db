"""Bounded reading of a picture's file, and the record that verifying gives."""

from dataclasses import dataclass
from typing import BinaryIO

from renderd.errors import BrokenImage

#: Read in pieces of this size: large enough that reading dominates, small enough to hold.
PIECE = 1 << 18
#: libpng's own limit for a side; anything larger is a damaged header, not a picture.
SIDE_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """What a whole picture says of itself; sizes are None where its format is not known."""

    kind: str
    width: int | None = None
    height: int | None = None


class Source:
    """A seekable binary file read by offset; never holds more than one piece of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        self._start = 0
        self._block = memoryview(b"")

    def at(self, offset: int, length: int) -> bytes:
        """Exactly these bytes; BrokenImage when the file ends before them."""
        if offset < 0 or offset + length > self.size:
            raise BrokenImage(f"the file ends at byte {self.size}, inside its data")
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._block):
            self._fill(offset, length)
            begin = 0
        return bytes(self._block[begin : begin + length])

    def some(self, offset: int, limit: int) -> memoryview:
        """At least one and at most `limit` bytes from here, whatever is at hand; for sweeps."""
        begin = offset - self._start
        if not 0 <= begin < len(self._block):
            if offset >= self.size:
                raise BrokenImage(f"the file ends at byte {self.size}, inside its data")
            self._fill(offset, min(PIECE, self.size - offset))
            begin = 0
        return self._block[begin : begin + limit]

    def head(self, offset: int, limit: int) -> bytes:
        """Up to `limit` bytes from here, fewer only where the file ends."""
        return self.at(offset, max(0, min(limit, self.size - offset)))

    def _fill(self, offset: int, length: int) -> None:
        # Headers are read 512 bytes at a time: chunk headers of an EXR lie far apart.
        wanted = min(max(length, 512), self.size - offset)
        self._file.seek(offset)
        pieces = []
        left = wanted
        while left:
            piece = self._file.read(left)
            if not piece:
                raise BrokenImage("the file became shorter while it was read")
            pieces.append(piece)
            left -= len(piece)
        self._block = memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        self._start = offset


def sized(kind: str, width: int, height: int) -> Picture:
    """The record of a picture whose sides make sense; BrokenImage when they do not."""
    if not (0 < width <= SIDE_LIMIT and 0 < height <= SIDE_LIMIT):
        raise BrokenImage(f"its header says {width} x {height} pixels")
    return Picture(kind, width, height)


def require(condition: bool, reason: str) -> None:
    """Raise BrokenImage with this reason unless the condition holds."""
    if not condition:
        raise BrokenImage(reason)
