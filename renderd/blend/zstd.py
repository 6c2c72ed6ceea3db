"""A .blend packed with zstd, as Blender since 3.0 writes it."""

import os
import struct
from struct import Struct
from typing import IO, TYPE_CHECKING, cast

from renderd.blend.source import Packed, reading

if TYPE_CHECKING:
    from zstandard import ZstdDecompressor, ZstdError

#: A frame header may ask for gigabytes; `zstd --long` asks for this much at most.
_WINDOW = 1 << 27
_READ = 1 << 14
_FOOT = Struct("<IBI")  # frames, flags, magic number: the end of a seek table
_SEEKABLE = 0x8F92EAB1
_MOST_FRAMES = 1 << 20
_LONGEST_FRAME = 1 << 23

#: Unpackers nobody uses now.  A new one costs more than the rest of reading a file: its
#: fresh buffers are paged in one by one.  One that has unpacked much keeps too much memory.
_idle: list["ZstdDecompressor"] = []
_MOST_IDLE = 4
_MOST_PRODUCED = 1 << 20


class Zstd(Packed):
    """Unpacks frame after frame, with or without the seek table behind them."""

    __slots__ = ("_failure", "_first", "_reader", "_table_start", "_unpacker")

    def __init__(self, path: str, descriptor: int, size: int, first: bytes) -> None:
        super().__init__(path, descriptor, size, first)
        self.compression = "zstd"
        self._first = first
        self._table_start = size
        try:
            # Imported only when met: it takes longer than reading a hundred plain files.
            import zstandard  # noqa: PLC0415
        except ImportError as error:
            words = "is packed with zstd, and the Python module zstandard is missing"
            raise self.error(words, "install it: pip install zstandard") from error
        self._failure: type[ZstdError] = zstandard.ZstdError
        try:
            self._unpacker = _idle.pop()
        except IndexError:
            self._unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        # It only ever calls read(); its stubs ask for a whole file object.
        feed = cast("IO[bytes]", self)
        self._reader = self._unpacker.stream_reader(feed, read_size=_READ, read_across_frames=True)

    def read(self, count: int) -> bytes:
        """The next packed bytes; the decompressor calls this."""
        first, self._first = self._first, b""
        return first or self._more(count)

    def release(self) -> None:
        """Leave the unpacker to the next file."""
        del self._reader
        if self._produced <= _MOST_PRODUCED and len(_idle) < _MOST_IDLE:
            _idle.append(self._unpacker)

    def tail(self, count: int) -> bytes:
        """The last frames, by the table that Blender writes behind them; nothing without one."""
        packed = 0
        pieces: list[bytes] = []
        for length, size in reversed(self._table()):
            packed += length
            if count <= 0 or size > _LONGEST_FRAME:
                break
            with reading(self.path):
                data = os.pread(self._descriptor, length, self._table_start - packed)
            try:
                pieces.append(self._unpacker.decompress(data, max_output_size=size))
            except self._failure:
                return b""  # the walk from the beginning says what is wrong
            count -= size
        return b"".join(reversed(pieces))

    def _table(self) -> list[tuple[int, int]]:
        """Packed and unpacked length of each frame."""
        end = os.pread(self._descriptor, _FOOT.size, max(0, self.size - _FOOT.size))
        if len(end) < _FOOT.size:
            return []
        frames, flags, magic = _FOOT.unpack(end)
        length = 8 * frames + _FOOT.size
        if magic != _SEEKABLE or flags or frames > _MOST_FRAMES or length + 8 > self.size:
            return []
        self._table_start = self.size - length - 8
        data = os.pread(self._descriptor, 8 * frames, self._table_start + 8)
        return list(struct.iter_unpack("<II", data[: len(data) // 8 * 8]))

    def _unpack(self, count: int) -> bytes:
        try:
            return self._reader.read(count)
        except self._failure as error:
            raise self._spoiled(error) from error
