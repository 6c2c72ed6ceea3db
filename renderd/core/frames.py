"""Frame ranges: parse, write, split, gather.  Pure: no I/O.

The grammar is the strict part of what studios write: `1-250x2,300,-20--11`.  A run goes upwards,
`x` is the step and counts from the run's first frame.  A frame named twice counts where it stands
first, so `1-100x10,1-100` renders every tenth frame and then the others.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from renderd.errors import FramesError

MAX_FRAME = 2**31 - 1  #: Blender and the file names both keep frames in 32 bits
MAX_COUNT = 10_000_000
#: ranges that cross each other are sorted out frame by frame, which costs memory
MAX_CROSSING = 1_000_000

_ITEM = re.compile(r"(-?[0-9]+)(?:-(-?[0-9]+)(?:x([0-9]+))?)?")
_EXAMPLE = "write frames as 1-250, 1-250x2, 300 or -20--11, with commas between"


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """Frames of equal step, upwards, both ends included; one frame has step 1."""

    first: int
    last: int
    step: int = 1

    def __post_init__(self) -> None:
        if self.step < 1 or self.last < self.first or (self.last - self.first) % self.step:
            raise ValueError(f"no run: {self.first} to {self.last} step {self.step}")
        if self.first == self.last and self.step != 1:
            object.__setattr__(self, "step", 1)

    def __len__(self) -> int:
        return (self.last - self.first) // self.step + 1

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1, self.step))

    def __contains__(self, frame: object) -> bool:
        # a range asked for anything but an int compares every one of its members
        return isinstance(frame, int) and frame in range(self.first, self.last + 1, self.step)

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        step = f"x{self.step}" if self.step > 1 else ""
        return f"{self.first}-{self.last}{step}"


def parse(text: str) -> tuple[Run, ...]:
    """Read `1-250x2,300,-20--11` into runs in the written order, no frame twice.

    Raises FramesError with one sentence when the text is no range or names too many frames.
    """
    if not text.strip():
        raise FramesError("no frames are given", _EXAMPLE)
    runs = tuple(_run(item.strip(), text) for item in text.split(","))
    if count(runs) > MAX_COUNT:
        raise FramesError(
            f"the range names {count(runs):,} frames, more than {MAX_COUNT:,}",
            "make several jobs of it",
        )
    return _without_repeats(runs) if _cross(runs) else runs


def text(runs: Iterable[Run]) -> str:
    """Write runs as one line that parse() reads back."""
    return ",".join(map(str, runs))


def count(runs: Iterable[Run]) -> int:
    """Say how many frames the runs hold together."""
    return sum(map(len, runs))


def split(runs: Iterable[Run], size: int) -> Iterator[Run]:
    """Cut runs into pieces of at most `size` frames; the step's phase stays, runs never mix."""
    if size < 1:
        raise ValueError(f"a piece of {size} frames")
    for run in runs:
        frames = range(run.first, run.last + 1, run.step)
        for at in range(0, len(frames), size):
            piece = frames[at : at + size]
            yield Run(piece[0], piece[-1], run.step)


def gather(frames: Iterable[int]) -> tuple[Run, ...]:
    """Write any frames as few runs, in ascending order, each frame once.

    Two frames that are not neighbours stay two runs: `1,9` reads better than `1-9x8`.
    """
    ordered = sorted(set(frames))
    if ordered and max(-ordered[0], ordered[-1]) > MAX_FRAME:
        raise FramesError(f"frame numbers go from {-MAX_FRAME} to {MAX_FRAME}")
    if len(ordered) > MAX_COUNT:
        raise FramesError(f"{len(ordered):,} frames are more than {MAX_COUNT:,}")
    return tuple(_gathered(ordered))


def _gathered(ordered: list[int]) -> Iterator[Run]:
    at = 0
    while at < len(ordered):
        end = at + 1
        step = ordered[end] - ordered[at] if end < len(ordered) else 1
        while end < len(ordered) and ordered[end] - ordered[end - 1] == step:
            end += 1
        if end - at == 2 and step > 1:
            end = at + 1
        yield Run(ordered[at], ordered[end - 1], step if end - at > 1 else 1)
        at = end


def _run(item: str, whole: str) -> Run:
    found = _ITEM.fullmatch(item)
    if found is None:
        raise FramesError(_complaint(item, whole), _EXAMPLE)
    first, last, step = (_number(part, item) for part in found.groups(default=""))
    if not found[2]:
        return Run(first, first)
    if last < first:
        raise FramesError(f"the range {_short(item)!r} runs backwards", f"write {last}-{first}")
    if found[3] and step < 1:
        raise FramesError(f"the step in {_short(item)!r} is not at least 1", _EXAMPLE)
    step = step or 1
    return Run(first, last - (last - first) % step, step)


def _number(digits: str, item: str) -> int:
    # without its zeros, since int() refuses text of thousands of digits
    plain = digits.lstrip("-0") or "0"
    if len(plain) > 10 or int(plain) > MAX_FRAME:
        raise FramesError(
            f"a number in {_short(item)!r} is too large",
            f"frame numbers go from {-MAX_FRAME} to {MAX_FRAME}",
        )
    return -int(plain) if digits.startswith("-") else int(plain)


def _complaint(item: str, whole: str) -> str:
    if not item:
        return f"nothing stands between two commas in {_short(whole)!r}"
    return f"{_short(item)!r} is no frame range"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def _cross(runs: tuple[Run, ...]) -> bool:
    """Tell whether any two runs reach into each other, whatever their steps."""
    ordered = sorted(runs)
    return any(later.first <= earlier.last for earlier, later in pairwise(ordered))


def _without_repeats(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    if count(runs) > MAX_CROSSING:
        raise FramesError(
            f"ranges that cross each other name {count(runs):,} frames, more than {MAX_CROSSING:,}",
            "name each frame once",
        )
    seen: set[int] = set()
    kept: list[Run] = []
    for run in runs:
        rest = [frame for frame in run if frame not in seen]
        seen.update(rest)
        kept.extend((run,) if len(rest) == len(run) else gather(rest))
    return tuple(kept)
