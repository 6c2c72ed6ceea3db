"""Output patterns as Blender reads them: where the frame number goes.

The last run of `#` in the base name is the frame, padded with zeros to its length; a base name
without one gets `####` at its end.  A sign stands before the zeros: `-0003`.  Both slashes divide
folders, because a pattern may come from a file saved on Windows.
(Blender: BLI_path_frame and stringframe_chars in blenlib/intern/path_util.c.)
"""

import re
from dataclasses import dataclass

DIGITS = 4  #: what Blender appends to a name without `#`

#: endings that Blender knows as its own; a pattern with one of them means exactly that file
_KNOWN = re.compile(
    r"\.(png|exr|jpe?g|jp2|j2c|tiff?|tga|bmp|webp|hdr|dpx|cin|rgb|avi|mp4|mkv|mov|ogv|webm)",
    re.IGNORECASE,
)
_ENDING = r"(?:\.[A-Za-z0-9]{1,5})?"


@dataclass(frozen=True, slots=True)
class Parts:
    """A pattern taken apart: folder with its slash, and what stands around the frame."""

    folder: str
    prefix: str
    width: int
    suffix: str


def parts(pattern: str) -> Parts:
    """Take a pattern apart; one without `#` in its base name gets four at the end."""
    cut = max(pattern.rfind("/"), pattern.rfind("\\")) + 1
    folder, base = pattern[:cut], pattern[cut:]
    end = base.rfind("#") + 1
    if not end:
        return Parts(folder, base, DIGITS, "")
    start = len(base[:end].rstrip("#"))
    return Parts(folder, base[:start], end - start, base[end:])


def hashed(pattern: str) -> str:
    """Return the pattern with its `#` written out."""
    found = parts(pattern)
    return f"{found.folder}{found.prefix}{'#' * found.width}{found.suffix}"


def owned(pattern: str) -> str:
    """Return one text for all patterns that may name the same file of some frame.

    Frame 1000 of `f_#` is that of `f_####`, and whatever image ending `f_####` has Blender
    replaces by that of the format it writes.
    """
    found = parts(pattern)
    ending = _last_ending(found.suffix)
    known = len(ending) if _KNOWN.fullmatch(ending) else 0
    return f"{found.folder}{found.prefix}#{found.suffix[: len(found.suffix) - known]}"


def fill(pattern: str, frame: int) -> str:
    """Return the path of one frame, as Blender would name it (its own ending not added)."""
    found = parts(pattern)
    return f"{found.folder}{found.prefix}{_digits(frame, found.width)}{found.suffix}"


def frame_of(pattern: str, name: str) -> int | None:
    """Return which frame the file `name` (no folder) is in the pattern, or None.

    An ending may follow (`shot_####` has `shot_0012.png`) unless the pattern already names one.
    """
    found = parts(pattern)
    ending = "" if _KNOWN.fullmatch(_last_ending(found.suffix)) else _ENDING
    form = re.compile(
        re.escape(found.prefix) + r"(-?[0-9]{1,10})" + re.escape(found.suffix) + ending
    )
    match = form.fullmatch(name)
    if match is None or match[1] != _digits(int(match[1]), found.width):
        return None
    return int(match[1])


def _digits(frame: int, width: int) -> str:
    sign = "-" if frame < 0 else ""
    return f"{sign}{abs(frame):0{width}d}"


def _last_ending(suffix: str) -> str:
    return suffix[suffix.rfind(".") :] if "." in suffix else ""
