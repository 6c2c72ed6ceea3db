"""BMP, DPX and Cineon: files whose header says how long they are."""

import struct

from renderd.errors import BrokenImage
from renderd.spool.formats.source import Picture, Source, require, sized

DPX_SIGNATURES = (b"SDPX", b"XPDS")
CINEON_SIGNATURES = (b"\x80\x2a\x5f\xd7", b"\xd7\x5f\x2a\x80")
#: Values a pixel has, by DPX descriptor (SMPTE 268M table 1); others count as one.
DPX_VALUES = {50: 3, 51: 4, 52: 4, 100: 2, 101: 3, 102: 3, 103: 4}


def verify_bmp(source: Source) -> Picture:
    """BMP: the length in its header and, where not compressed, all rows are there."""
    mark, length, _, data, header = struct.unpack("<2sIIII", source.at(0, 18))
    require(mark == b"BM" and header >= 40, "it does not start as a BMP does")
    width, height, _, depth, compression = struct.unpack("<iiHHI", source.at(18, 16))
    rows = abs(height)
    picture = sized("bmp", width, rows)
    if compression in (0, 3, 6):
        length = max(length, data + (width * depth + 31) // 32 * 4 * rows)
    require(0 < length <= source.size, f"{source.size} of {length} bytes are there")
    return picture


def verify_dpx(source: Source) -> Picture:
    """DPX: the length in its header and enough bytes for all its pixels."""
    order = ">" if source.at(0, 4) == b"SDPX" else "<"
    require(source.at(0, 4) in DPX_SIGNATURES, "it does not start as a DPX does")
    data, length = _pair(source, order, 4, 16)
    (width, height) = _pair(source, order, 772, 776)
    picture = sized("dpx", width, height)
    descriptor, depth = source.at(800, 1)[0], source.at(803, 1)[0]
    encoding = int.from_bytes(source.at(806, 2), "big")
    if encoding == 0:
        pixels = width * height * DPX_VALUES.get(descriptor, 1) * depth // 8
        length = max(length if length != 0xFFFFFFFF else 0, data + pixels)
    require(data >= 808, "its header is damaged")
    require(0 < length <= source.size, f"{source.size} of {length} bytes are there")
    return picture


def verify_cineon(source: Source) -> Picture:
    """Cineon: the length in its header and enough bytes for all its pixels."""
    order = ">" if source.at(0, 4) == CINEON_SIGNATURES[0] else "<"
    require(source.at(0, 4) in CINEON_SIGNATURES, "it does not start as a Cineon file does")
    data, length = _pair(source, order, 4, 20)
    channels, depth = source.at(193, 1)[0], source.at(198, 1)[0]
    (width, height) = _pair(source, order, 200, 204)
    picture = sized("cineon", width, height)
    length = max(length, data + width * height * channels * depth // 8)
    require(data >= 1024 and 1 <= channels <= 8, "its header is damaged")
    require(length <= source.size, f"{source.size} of {length} bytes are there")
    return picture


def _pair(source: Source, order: str, first: int, second: int) -> tuple[int, int]:
    (one,) = struct.unpack(f"{order}I", source.at(first, 4))
    (two,) = struct.unpack(f"{order}I", source.at(second, 4))
    return one, two


def verify_unknown(source: Source) -> Picture:
    """A kind that nothing here knows: all that can be said is that something is in it."""
    if source.size == 0:
        raise BrokenImage("it is empty")
    return Picture("unknown")
