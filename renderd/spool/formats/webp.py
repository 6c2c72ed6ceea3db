"""WebP: the RIFF length, its chunks and the picture's size."""

import struct

from renderd.errors import BrokenImage
from renderd.spool.formats.source import Picture, Source, require, sized


def verify(source: Source) -> Picture:
    """Follow the chunks to the RIFF's end; BrokenImage when the file ends before it."""
    riff, length, form = struct.unpack("<4sI4s", source.at(0, 12))
    require(riff == b"RIFF" and form == b"WEBP", "it does not start as a WebP does")
    end = 8 + length
    require(end <= source.size, f"{source.size} of {end} bytes are there")
    offset, picture, has_data = 12, None, False
    for _ in range(65_536):
        if offset >= end:
            break
        kind, size = struct.unpack("<4sI", source.at(offset, 8))
        require(offset + 8 + size <= end, f"the chunk at byte {offset} is longer than the file")
        has_data = has_data or kind in (b"VP8 ", b"VP8L", b"ANMF")
        picture = picture or _size(source, kind, offset + 8)
        offset += 8 + size + size % 2
    else:
        raise BrokenImage("it has too many chunks")
    require(has_data, "it has no picture data")
    return picture or Picture("webp")


def _size(source: Source, kind: bytes, offset: int) -> Picture | None:
    if kind == b"VP8X":
        fields = source.at(offset, 10)
        width = int.from_bytes(fields[4:7], "little") + 1
        return sized("webp", width, int.from_bytes(fields[7:10], "little") + 1)
    if kind == b"VP8L":
        mark, bits = struct.unpack("<BI", source.at(offset, 5))
        require(mark == 0x2F, "its lossless data has no signature")
        return sized("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 ":
        mark, width, height = struct.unpack("<3sHH", source.at(offset + 3, 7))
        require(mark == b"\x9d\x01\x2a", "its lossy data has no start code")
        return sized("webp", width & 0x3FFF, height & 0x3FFF)
    return None
