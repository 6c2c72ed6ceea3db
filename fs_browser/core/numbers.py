"""The number in a file name, counted up and down as Blender's browser does."""

import re

_LAST = re.compile(r"(.*?)([0-9]+)([^0-9]*)", re.DOTALL)
_ENDING = re.compile(r"(?<=.)\.[A-Za-z][A-Za-z0-9]*$")


def bump(name: str, by: int) -> str:
    """Add to the last number before the ending; zeros stay, below 0 it ends, none begins at 1."""
    found = _ENDING.search(name)
    stem, ending = (name[: found.start()], found[0]) if found else (name, "")
    parts = _LAST.fullmatch(stem)
    if parts is None:
        return f"{stem}{max(by, 0)}{ending}" if by > 0 else name
    before, digits, after = parts.groups()
    return f"{before}{max(int(digits) + by, 0):0{len(digits)}}{after}{ending}"
