"""A .blend packed with gzip, as Blender up to 2.9x wrote it."""

import zlib

from renderd.blend.source import Packed

_MAGIC = b"\x1f\x8b"
_WITH_HEADER = 31
_READ = 1 << 14
#: Members beyond these, each shorter than the second number, are only there to cost time.
_MEMBERS = 20_000
_MEMBER_BYTES = 64


class Gzip(Packed):
    """Unpacks member after member; junk behind the last one is no part of the file."""

    __slots__ = ("_input", "_member", "_members")

    def __init__(self, path: str, descriptor: int, size: int, first: bytes) -> None:
        super().__init__(path, descriptor, size, first)
        self.compression = "gzip"
        self._input = first
        self._member = zlib.decompressobj(_WITH_HEADER)
        self._members = 1

    def _unpack(self, count: int) -> bytes:
        while True:
            if self._member.eof and not self._has_next():
                return b""
            if not self._input:
                self._input = self._more(_READ)
            is_last = not self._input
            try:
                piece = self._member.decompress(self._input, count)
            except zlib.error as error:
                raise self._spoiled(error) from error
            self._input = self._member.unconsumed_tail or self._member.unused_data
            if piece or is_last:
                return piece

    def _has_next(self) -> bool:
        while len(self._input) < len(_MAGIC):
            more = self._more(_READ)
            if not more:
                return False
            self._input += more
        if not self._input.startswith(_MAGIC):
            return False
        self._members += 1
        if self._members > _MEMBERS + self._produced // _MEMBER_BYTES:
            raise self._spoiled("more gzip members than content")
        self._member = zlib.decompressobj(_WITH_HEADER)
        return True
