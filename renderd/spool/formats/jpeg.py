"""JPEG and JPEG 2000: markers, size and end of the codestream."""

import re
import struct

from renderd.errors import BrokenImage
from renderd.spool.formats.source import PIECE, Picture, Source, require, sized

SIGNATURE = b"\xff\xd8\xff"
JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
J2K_SIGNATURE = b"\xff\x4f\xff\x51"
#: A marker inside entropy-coded data: not a stuffed zero, a restart or a fill byte.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
EOI, SOS = 0xD9, 0xDA
#: Start-of-frame markers: C0..CF without DHT (C4), JPG (C8) and DAC (CC).
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: A progressive JPEG has tens of segments, a large colour profile hundreds.
SEGMENT_LIMIT = 65_536


def verify(source: Source) -> Picture:
    """Follow the markers to the end of image; BrokenImage when it never comes."""
    require(source.head(0, 3) == SIGNATURE, "it does not start as a JPEG does")
    offset = 2
    picture: Picture | None = None
    has_scan = False
    for _ in range(SEGMENT_LIMIT):
        marker, offset = _marker(source, offset)
        if marker == EOI:
            break
        if marker in FRAMES:
            picture = _frame(source, offset)
        require(marker not in (0x00, 0x01) and not 0xD0 <= marker <= 0xD8, "a marker is damaged")
        offset += _length(source, offset)
        if marker == SOS:
            require(picture is not None, "its data comes before its size")
            offset = _end_of_scan(source, offset)
            has_scan = True
    else:
        raise BrokenImage("it has too many segments")
    require(has_scan, "it has no picture data")
    assert picture is not None
    return picture


def _marker(source: Source, offset: int) -> tuple[int, int]:
    """The marker here and the offset behind it; fill bytes before it are legal."""
    for _ in range(64):
        lead, code = source.at(offset, 2)
        require(lead == 0xFF, f"no marker at byte {offset}")
        if code != 0xFF:
            return code, offset + 2
        offset += 1
    raise BrokenImage(f"nothing but fill bytes before byte {offset}")


def _length(source: Source, offset: int) -> int:
    length = int.from_bytes(source.at(offset, 2), "big")
    require(length >= 2, f"the segment at byte {offset} has no length")
    return length


def _frame(source: Source, offset: int) -> Picture:
    _, _, height, width, components = struct.unpack(">HBHHB", source.at(offset, 8))
    require(components > 0, "its frame has no components")
    return sized("jpeg", width, height)


def _end_of_scan(source: Source, offset: int) -> int:
    """The offset of the first marker behind the entropy-coded data that starts here."""
    while True:
        piece = source.some(offset, PIECE)
        found = MARKER.search(piece)
        if found:
            return offset + found.start()
        # An FF at the very end of the piece may begin a marker: look at it again.
        ends_open = piece[-1] == 0xFF
        offset += len(piece)
        if ends_open and MARKER.match(source.at(offset - 1, 2)):
            return offset - 1


def verify_2000(source: Source) -> Picture:
    """JPEG 2000: boxes inside the file, a size, and the end-of-codestream marker."""
    start, end = _codestream(source)
    require(source.at(start, 4) == J2K_SIGNATURE, "its codestream does not start as JPEG 2000")
    fields = struct.unpack(">HHIIII", source.at(start + 4, 20))
    _, _, right, bottom, left, top = fields
    require(source.at(end - 2, 2) == b"\xff\xd9", "its codestream has no end marker")
    return sized("jp2", right - left, bottom - top)


def _codestream(source: Source) -> tuple[int, int]:
    if source.head(0, 4) == J2K_SIGNATURE:
        return 0, source.size
    offset = 0
    for _ in range(1_000):
        length, kind = struct.unpack(">I4s", source.at(offset, 8))
        header = 8
        if length == 1:
            length, header = int.from_bytes(source.at(offset + 8, 8), "big"), 16
        length = length or source.size - offset
        require(length >= header, f"the box at byte {offset} has no length")
        require(offset + length <= source.size, "its last box is cut short")
        if kind == b"jp2c":
            return offset + header, offset + length
        offset += length
    raise BrokenImage("it has too many boxes")
