"""PNG: every chunk's length and CRC, up to IEND."""

import struct
import zlib

from renderd.errors import BrokenImage
from renderd.spool.formats.source import Picture, Source, require, sized

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Bit depths a colour type may have (PNG specification, table 11.1).
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def verify(source: Source) -> Picture:
    """Follow the chunks to IEND; BrokenImage names the first one that is cut or damaged."""
    require(source.head(0, 8) == SIGNATURE, "it does not start as a PNG does")
    picture, offset = _header(source)
    # libpng writes 8 KiB a chunk; a file of far smaller ones is made to waste our time.
    chunks_left = 1_000 + source.size // 512
    has_data = False
    while chunks_left:
        kind, length = _chunk(source, offset)
        offset += 12 + length
        chunks_left -= 1
        if kind == b"IEND":
            require(length == 0, "its IEND chunk is not empty")
            require(has_data, "it has no picture data")
            return picture
        has_data = has_data or (kind == b"IDAT" and length > 0)
    raise BrokenImage("it consists of too many tiny chunks")


def _header(source: Source) -> tuple[Picture, int]:
    kind, length = _chunk(source, 8)
    require(kind == b"IHDR" and length == 13, "its first chunk is not IHDR")
    fields = struct.unpack(">IIBBBBB", source.at(16, 13))
    width, height, depth, colour, compression, filtering, interlace = fields
    require(depth in DEPTHS.get(colour, ()), f"colour type {colour} with {depth} bits")
    require(compression == 0 and filtering == 0 and interlace <= 1, "its IHDR is damaged")
    return sized("png", width, height), 8 + 12 + 13


def _chunk(source: Source, offset: int) -> tuple[bytes, int]:
    """Kind and length of the chunk here, its CRC checked over all its bytes."""
    length, kind = struct.unpack(">I4s", source.at(offset, 8))
    require(length < 1 << 31 and kind.isalpha(), f"no chunk starts at byte {offset}")
    data, end = offset + 8, offset + 8 + length
    require(end + 4 <= source.size, f"its {kind.decode()} chunk is cut short")
    crc = zlib.crc32(kind)
    while data < end:
        piece = source.some(data, end - data)
        crc = zlib.crc32(piece, crc)
        data += len(piece)
    stored = int.from_bytes(source.at(end, 4), "big")
    require(crc == stored, f"its {kind.decode()} chunk at byte {offset} has a wrong checksum")
    return kind, length
