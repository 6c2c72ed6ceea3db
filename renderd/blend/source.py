"""The bytes of one .blend in order, whatever it is packed in.

A source unpacks no more than was asked for, never believes a size from the file, and turns
everything that can go wrong into one BlendError.  Two limits hold for packed files: what
comes out (a bomb), and what goes in without anything coming out (padding).
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from renderd.blend.names import shown
from renderd.errors import BlendError

Compression = Literal["none", "gzip", "zstd"]

DAMAGED = "it is damaged: restore a backup or save it again in Blender"
_CUT = "it is incomplete: wait until the copy has ended, or copy it again"

_LONGEST_STEP = 1 << 16
_LONGEST_LEAP = 1 << 18
#: A packed file may hold this much, or this many times its own size.
_ROOM = 1 << 28
_RATIO = 100
_PADDING = 1 << 24


class Source:
    """A plain file, and the base of the packed ones: take, skip and say where."""

    __slots__ = ("_at", "_buffer", "_descriptor", "_start", "_step", "compression", "path", "size")

    def __init__(self, path: str, descriptor: int, size: int, first: bytes) -> None:
        self.compression: Compression = "none"
        self.path = path
        self.size = size  #: bytes on disk
        self._descriptor = descriptor
        self._buffer = first
        self._at = 0
        self._start = 0
        self._step = 4096

    @property
    def offset(self) -> int:
        """Where the next byte lies, counted in the unpacked file."""
        return self._start + self._at

    @property
    def ahead(self) -> memoryview:
        """What has been read and not yet taken; empty at the end of it."""
        return memoryview(self._buffer)[self._at :]

    def upto(self, count: int) -> bytes:
        """Take count bytes, or fewer where the file ends; the caller bounds count."""
        end = self._at + count
        if end > len(self._buffer):
            self._fill(count)
            end = count
        piece = self._buffer[self._at : end]
        self._at += len(piece)
        return piece

    def take(self, count: int, what: str) -> bytes:
        """Take exactly count bytes of something; BlendError when the file ends inside it."""
        piece = self.upto(count)
        if len(piece) < count:
            raise self.cut(f"inside {what}")
        return piece

    def skip(self, count: int, what: str) -> None:
        """Leave count bytes out; BlendError when the file ends before."""
        if count <= len(self._buffer) - self._at:
            self._at += count
        else:
            self._leap(count, what)

    def expect(self, count: int, what: str) -> None:
        """Refuse a file known to end within the next count bytes; packed ones do not know."""
        if self.offset + count > self.size:
            raise self.error(f"ends inside {what} at byte {self.size}", _CUT)

    def tail(self, count: int) -> bytes:
        """The last bytes of the unpacked file, if they can be had without the rest; else none."""
        if self.compression != "none":
            return b""
        with reading(self.path):
            return os.pread(self._descriptor, count, max(0, self.size - count))

    def release(self) -> None:
        """Give back what unpacking borrowed; nothing can be taken afterwards."""

    def error(self, what: str, remedy: str = "") -> BlendError:
        """An error about this file; the caller raises it."""
        return BlendError(f"{shown(self.path)}: {what}", remedy)

    def damaged(self, what: str, at: int, remedy: str = DAMAGED) -> BlendError:
        """An error that says at which unpacked byte something is wrong."""
        return self.error(f"{what} at byte {at}", remedy)

    def cut(self, where: str) -> BlendError:
        """An error for a file that ends too early."""
        return self.error(f"ends {where} at byte {self.offset}", _CUT)

    def _fill(self, count: int) -> None:
        pieces = [self._buffer[self._at :]]
        have = len(pieces[0])
        while have < count:
            piece = self._pull(max(count - have, self._step))
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
            self._step = min(2 * self._step, _LONGEST_STEP)
        self._start += self._at
        self._buffer = b"".join(pieces)
        self._at = 0

    def _pull(self, count: int) -> bytes:
        with reading(self.path):
            return os.read(self._descriptor, count)

    def _leap(self, count: int, what: str) -> None:
        self.expect(count, what)
        target = self.offset + count
        with reading(self.path):
            os.lseek(self._descriptor, target, os.SEEK_SET)
        self._buffer, self._start, self._at = b"", target, 0


class Packed(Source, ABC):
    """A source that must be unpacked from its beginning on, within limits."""

    __slots__ = ("_consumed", "_produced")

    def __init__(self, path: str, descriptor: int, size: int, first: bytes) -> None:
        super().__init__(path, descriptor, size, b"")
        self._consumed = len(first)
        self._produced = 0
        self._step = 1024

    def expect(self, count: int, what: str) -> None:
        """Nothing: only unpacking would tell."""

    @abstractmethod
    def _unpack(self, count: int) -> bytes:
        """At most so many further bytes; fewer only at the end."""

    def _pull(self, count: int) -> bytes:
        piece = self._unpack(min(count, _LONGEST_LEAP))
        self._produced += len(piece)
        self._allow(self._produced)
        return piece

    def _leap(self, count: int, what: str) -> None:
        self._allow(self.offset + count)
        left = count - (len(self._buffer) - self._at)
        self._start, self._at = self._start + len(self._buffer), 0
        self._buffer = b""
        while left > 0:
            piece = self._pull(max(left, self._step))
            if not piece:
                raise self.cut(f"inside {what}")
            self._start += min(left, len(piece))
            self._buffer = piece[left:]
            left -= len(piece)

    def _allow(self, produced: int) -> None:
        if produced > _ROOM + _RATIO * self.size:
            raise self.error(
                f"unpacks to {produced} bytes or more from {self.size}",
                "no Blender writes such a file; do not open it",
            )

    def _more(self, count: int) -> bytes:
        with reading(self.path):
            piece = os.read(self._descriptor, count)
        self._consumed += len(piece)
        if self._consumed > 2 * self._produced + _PADDING:
            raise self.error(f"holds nothing but padding before byte {self._consumed}", DAMAGED)
        return piece

    def _spoiled(self, reason: object) -> BlendError:
        # The libraries put "Error -3 while decompressing data: " before the reason.
        reason = str(reason).rpartition(": ")[2]
        words = f"has {self.compression} data that cannot be unpacked ({reason})"
        return self.error(f"{words} before byte {self._consumed} of the file", DAMAGED)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn what the system says about a path into a sentence about a .blend."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BlendError(f"{shown(path)}: cannot be read: {reason}", _advice(path)) from error


def _advice(path: str) -> str:
    try:
        if os.path.islink(path) and not os.path.exists(path):
            return f"it is a link to {shown(os.readlink(path))}: mend the link"
    except OSError:
        return ""
    return "" if os.path.exists(path) else "check the spelling and whether its folder is mounted"
