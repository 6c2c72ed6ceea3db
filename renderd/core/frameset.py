"""A frame is the set of its files: which ones, by names with `#` for the frame.

The first frame of a job that lands says what its set is; every other frame must have the same
files, each of the same size in pixels.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from renderd.core import jsonvalue
from renderd.core.outputs import DIGITS, fill, parts

Size = tuple[int, int]  #: width and height in pixels; (0, 0) where a format does not tell
UNKNOWN: Size = (0, 0)


@dataclass(frozen=True, slots=True)
class FrameSet:
    """The files of a job's frames: abstract name → size; `is_told` once a program listed them."""

    sizes: Mapping[str, Size]
    is_told: bool = True  #: False: found by their names only, so there may be more

    def text(self) -> str:
        """One line of JSON, which parse_set() reads back."""
        return json.dumps({"files": dict(self.sizes), "told": self.is_told}) + "\n"

    def why_not(self, found: Mapping[str, Size], frame: int) -> str:
        """Why a frame with these files is not one of the job's, in a sentence; "" when it is."""
        if self.is_told:
            if why := self.why_fewer(found, frame):
                return why
            for name in found:
                if name not in self.sizes:
                    return f"it has {fill(name, frame)!r}, which the job's other frames have not"
        for name, size in found.items():
            known = self.sizes.get(name, UNKNOWN)
            if UNKNOWN not in (size, known) and size != known:
                base = fill(name, frame).rpartition("/")[2]
                return (
                    f"{base} has {size[0]}×{size[1]} pixels,"
                    f" the job's other frames have {known[0]}×{known[1]}"
                )
        return ""

    def why_fewer(self, found: Mapping[str, Size], frame: int) -> str:
        """Which file of the set a frame with these lacks, in a sentence; "" when none."""
        for name in self.sizes:
            if name not in found:
                other = next((fill(n, frame) for n in found if n not in self.sizes), "")
                instead = f", and has {other!r}" if other else ""
                return f"it lacks {fill(name, frame)!r}, which the job's other frames have{instead}"
        return ""


def parse_set(text: str) -> FrameSet | None:
    """The set in a record; None where it is torn or foreign."""
    try:
        value = jsonvalue.parse(text)
        sizes = {str(name): (int(s[0]), int(s[1])) for name, s in value["files"].items()}
        return FrameSet(sizes, bool(value["told"]))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


def abstract(name: str, frame: int, patterns: Sequence[str]) -> str | None:
    """The file name with `#` in place of the frame; None for one that does not hold it.

    A pattern says where the frame stands, `_L` of a stereo view or an ending may follow it; else
    it is the last number in the name that is the frame.
    """
    for pattern in patterns:
        found = parts(pattern)
        whole = found.prefix + fill("#" * found.width, frame) + found.suffix
        if found.suffix[:1].isdigit() and name.startswith(whole):
            return found.prefix + "#" * found.width + name[len(whole) - len(found.suffix) :]
        match = re.match(re.escape(found.prefix) + r"(-?\d+)", name)
        if match and int(match[1]) == frame:
            return found.prefix + "#" * found.width + name[match.end() :]
    for match in reversed(list(re.finditer(r"-?\d+", name))):
        if int(match[0]) == frame or int(match[0].lstrip("-")) == frame:
            text = match[0] if int(match[0]) == frame else match[0].lstrip("-")
            end = match.end()
            return name[: end - len(text)] + "#" * DIGITS + name[end:]
    return None
