"""How large a picture is, in pixels: words, their order, and what headers say of it."""

import re
import struct

_EXR = b"\x76\x2f\x31\x01"
#: SMPTE 268M and Kodak's Cineon, whose first word is written in the order of all others: that
#: order, and where width and height stand
_FILM = {
    b"SDPX": (">2I", 772),
    b"XPDS": ("<2I", 772),
    b"\x80\x2a\x5f\xd7": (">2I", 200),
    b"\xd7\x5f\x2a\x80": ("<2I", 200),
}
#: Radiance: lines of notes, a blank one, and the size; of the axes, the one of the lines is first
_HDR = re.compile(rb"#\?(?:[^\n]+\n)+\n[-+]([XY]) (\d{1,9}) [-+]([XY]) (\d{1,9})\n")
_TIMES = " × "
_UNTOLD = 0xFFFFFFFF  #: what DPX writes where it says nothing
HEAD_BYTES = 1 << 16  #: of a file; headers with longer notes tell nothing


def words(width: int, height: int) -> str:
    """`1920 × 1080`."""
    return f"{width}{_TIMES}{height}"


def area(text: str) -> int:
    """The pixels of such words; 0 where they say no size."""
    width, times, height = text.partition(_TIMES)
    return int(width) * int(height) if times else 0


def of_head(head: bytes) -> tuple[int, int] | None:
    """Width and height by the start of an OpenEXR, DPX, Cineon or Radiance file; else None."""
    if head[:4] == _EXR:
        return _of_exr(head)
    if head[:4] in _FILM:
        form, at = _FILM[head[:4]]
        width, height = struct.unpack_from(form, head, at) if len(head) >= at + 8 else (0, 0)
        return (width, height) if 0 < width < _UNTOLD and 0 < height < _UNTOLD else None
    if (found := _HDR.match(head)) and found[1] != found[3]:
        lines, columns = int(found[2]), int(found[4])
        return (columns, lines) if found[1] == b"Y" else (lines, columns)
    return None


def _of_exr(head: bytes) -> tuple[int, int] | None:
    """Width and height of the picture that an OpenEXR file shows; None where that is not told.

    Each attribute is its name, its type, its length and as many bytes; a box holds the corners,
    both within.
    """
    at = 8  # after the version
    while (end := head.find(b"\0", at)) > at:
        kind = head.find(b"\0", end + 1)
        if kind < 0 or kind + 5 > len(head):
            return None
        (length,) = struct.unpack_from("<I", head, kind + 1)
        begins = kind + 5
        if head[at:end] == b"displayWindow" and length == 16 and begins + 16 <= len(head):
            left, top, right, bottom = struct.unpack_from("<4i", head, begins)
            return (right - left + 1, bottom - top + 1) if right >= left and bottom >= top else None
        at = begins + length
    return None
