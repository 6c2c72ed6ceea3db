"""Targa and Radiance HDR: run-length packets counted to the last pixel."""

import struct
from collections.abc import Iterator

from renderd.errors import BrokenImage
from renderd.spool.formats.source import PIECE, Picture, Source, require, sized

HDR_SIGNATURES = (b"#?RADIANCE", b"#?RGBE")
#: A picture of noise takes about one packet in 64 pixels; far more of them waste our time.
PACKETS_LIMIT = 1 << 24
TGA_KINDS = (1, 2, 3, 9, 10, 11)


class Bytes:
    """One byte after the other with jumps between, fed piece by piece from a source."""

    def __init__(self, source: Source, offset: int) -> None:
        self._source, self._offset = source, offset
        self._piece, self._index = memoryview(b""), 0

    def take(self) -> int:
        if self._index >= len(self._piece):
            self._offset += self._index
            self._piece, self._index = self._source.some(self._offset, PIECE), 0
        self._index += 1
        return self._piece[self._index - 1]

    def skip(self, length: int) -> None:
        self._index += length

    @property
    def offset(self) -> int:
        return self._offset + self._index


def looks_like_tga(head: bytes) -> bool:
    """Whether 18 bytes could be a Targa header; the format has no signature."""
    return (
        len(head) >= 18
        and head[1] <= 1
        and head[2] in TGA_KINDS
        and head[16] in (8, 15, 16, 24, 32)
    )


def verify_tga(source: Source) -> Picture:
    """Targa: every pixel is there, run-length packets counted."""
    head = source.at(0, 18)
    require(looks_like_tga(head), "it does not start as a Targa does")
    colours, bits = struct.unpack_from("<HB", head, 5)
    width, height, depth = struct.unpack_from("<HHB", head, 12)
    picture = sized("tga", width, height)
    data = 18 + head[0] + (colours * -(-bits // 8) if head[1] else 0)
    pixel = -(-depth // 8)
    if head[2] < 9:
        length = data + width * height * pixel
        require(length <= source.size, f"{source.size} of {length} bytes are there")
        return picture
    stream = Bytes(source, data)
    left = width * height
    for _ in _packets():
        packet = stream.take()
        left -= (packet & 127) + 1
        stream.skip(pixel if packet & 128 else pixel * ((packet & 127) + 1))
        if left <= 0:
            break
    require(stream.offset <= source.size, "its last packet is cut short")
    return picture


def verify_hdr(source: Source) -> Picture:
    """Radiance HDR: every row is there, run-length packets counted."""
    width, height, data = _hdr_header(source)
    picture = sized("hdr", width, height)
    if not 8 <= width < 32_768 or source.head(data, 2) != b"\x02\x02":
        length = data + width * height * 4
        # Old-style runs may make it shorter: then there is no length to hold it to.
        require(data < source.size, f"{source.size} of {length} bytes are there")
        return picture
    stream = Bytes(source, data)
    packets = _packets()
    start = bytes((2, 2, width >> 8, width & 255))
    for row in range(height):
        if bytes(stream.take() for _ in range(4)) != start:
            raise BrokenImage(f"its row {row + 1} of {height} is damaged")
        for _ in range(4):
            _hdr_channel(stream, width, packets)
    require(stream.offset <= source.size, "its last packet is cut short")
    return picture


def _hdr_channel(stream: Bytes, width: int, packets: Iterator[int]) -> None:
    left = width
    while left > 0:
        next(packets)
        count = stream.take()
        if count > 128:
            count -= 128
            stream.skip(1)
        else:
            stream.skip(count)
        require(0 < count <= left, "a run of it is damaged")
        left -= count


def _hdr_header(source: Source) -> tuple[int, int, int]:
    head = source.head(0, 16_384)
    require(head.startswith(HDR_SIGNATURES), "it does not start as a Radiance HDR does")
    _, blank, rest = head.partition(b"\n\n")
    line, newline, _ = rest.partition(b"\n")
    words = line.split()
    is_sane = bool(blank and newline) and len(words) == 4 and words[1].isdigit()
    require(is_sane and words[3].isdigit() and len(line) < 64, "its size is not readable")
    sides = {words[0][-1:]: int(words[1]), words[2][-1:]: int(words[3])}
    data = head.index(b"\n\n") + 2 + len(line) + 1
    return sides.get(b"X", 0), sides.get(b"Y", 0), data


def _packets() -> Iterator[int]:
    yield from range(PACKETS_LIMIT)
    raise BrokenImage("it consists of too many tiny packets")
