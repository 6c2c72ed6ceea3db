"""How large a picture is, in pixels: words, their order, and what an OpenEXR header says."""

import struct

_EXR = b"\x76\x2f\x31\x01"
_TIMES = " × "
HEAD_BYTES = 1 << 16  #: of an OpenEXR file; headers with longer notes tell nothing


def words(width: int, height: int) -> str:
    """`1920 × 1080`."""
    return f"{width}{_TIMES}{height}"


def area(text: str) -> int:
    """The pixels of such words; 0 where they say no size."""
    width, times, height = text.partition(_TIMES)
    return int(width) * int(height) if times else 0


def of_exr(head: bytes) -> tuple[int, int] | None:
    """Width and height of the picture that an OpenEXR file shows; None where that is not told.

    Each attribute is its name, its type, its length and as many bytes; a box holds the corners,
    both within.
    """
    if head[:4] != _EXR:
        return None
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
