"""Numbered files as one row: shot_####.exr 1-250, 3 missing.

The number is the last one before the ending.  Padding is Blender's: the zeros count, a minus does
not (`-0003` is `####`), and a number too large for its zeros goes on (`0999`, `1000`, `10000`).
One name with different paddings (`a_1`, `a_01`) is as many sequences, so that pattern and frame
always give the file's name.  A hyphen is a minus where a divider or nothing stands before it
(`shot_-0003`); after a letter only where the sequence without it exists (`shot-0003`, `shot0001`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import gcd

from fs_browser.core.kinds import Kind
from fs_browser.core.listing import Entry
from renderd.core.frames import MAX_FRAME, Run, gather, text

#: one row a file: each has more to tell than its number
_SINGLE = frozenset({Kind.FOLDER, Kind.BLEND, Kind.BACKUP, Kind.MOVIE, Kind.SOUND, Kind.FONT})
#: what stands around the number; `_L` behind it is how Blender names the views of a stereo camera
_NUMBERED = re.compile(
    r"((?:.*[^0-9#])?)(?:([0-9]{3,10})((?:_[A-Za-z]+)?(?:\.[A-Za-z]+)*)|([0-9]{1,2})((?:\.[A-Za-z]+)*))",
    re.DOTALL,
)
_LETTER = re.compile("[A-Za-z]")

_Place = tuple[Kind, str, str]  #: kind, what stands before the number, what after it
_Pile = dict[str, Entry]  #: number as written, with its minus → file


@dataclass(frozen=True, slots=True)
class FileSequence:
    """Two or more files that differ in one number of one padding."""

    kind: Kind
    prefix: str
    width: int  #: the least digits of a number, its minus not counted
    suffix: str
    frames: tuple[int, ...]  #: ascending, none twice
    entries: tuple[Entry, ...]  #: of each frame, in the same order

    @property
    def name(self) -> str:
        """The pattern as Blender writes it: `shot_####.exr`."""
        return f"{self.prefix}{'#' * self.width}{self.suffix}"

    def file_of(self, frame: int) -> str:
        """Return the name that a frame has or would have."""
        sign = "-" if frame < 0 else ""
        return f"{self.prefix}{sign}{abs(frame):0{self.width}}{self.suffix}"

    @property
    def span(self) -> Run:
        """From the first to the last frame, by the step that all of them are on.

        Two files alone are taken for the ends of a sequence of step 1.
        """
        step = 1
        if len(self.frames) > 2:
            step = gcd(*(after - before for before, after in pairwise(self.frames)))
        return Run(self.frames[0], self.frames[-1], step)

    @property
    def missing(self) -> int:
        """How many frames of the span have no file."""
        return _length(self.span) - len(self.frames)

    def gaps(self) -> Iterator[Run]:
        """Yield the missing frames, ascending."""
        step = self.span.step
        for before, after in pairwise(self.frames):
            if after - before > step:
                yield Run(before + step, after - step, step)

    @property
    def present(self) -> str:
        """The frames that are there, as a range that `render add --frames` takes."""
        return text(gather(self.frames))

    @property
    def summary(self) -> str:
        """The span and how much of it is missing: `1-250, 3 missing`."""
        return f"{self.span}, {self.missing:,} missing" if self.missing else str(self.span)

    @property
    def size_bytes(self) -> int:
        """All files together; those of unknown size count nothing."""
        return sum(entry.size_bytes or 0 for entry in self.entries)

    @property
    def mtime_ns(self) -> int | None:
        """When the newest of the files was written."""
        return max((e.mtime_ns for e in self.entries if e.mtime_ns is not None), default=None)


Row = Entry | FileSequence


class Grouping:
    """Entries of one folder as they come in, and the rows that they make so far."""

    def __init__(self) -> None:
        self._alone: list[Entry] = []
        self._piles: defaultdict[_Place, _Pile] = defaultdict(dict)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take further entries in."""
        for entry in entries:
            found = None if entry.kind in _SINGLE else _take_apart(entry.name)
            if found is None:
                self._alone.append(entry)
            else:
                prefix, digits, suffix = found
                self._piles[entry.kind, prefix, suffix][digits] = entry

    def rows(self) -> list[Row]:
        """Return every entry once: alone, or in the sequence it is part of; in no order."""
        rows: list[Row] = list(self._alone)
        _find_minus(self._piles)
        for place, pile in self._piles.items():
            if len(pile) == 1:
                rows += pile.values()
                continue
            for width, numbers in _by_width(pile):
                if len(numbers) == 1:
                    rows.append(pile[numbers[0]])
                else:
                    rows.append(_sequence(place, width, {int(n): pile[n] for n in numbers}))
        return rows


def group(entries: Iterable[Entry]) -> list[Row]:
    """Return every entry once: alone, or in the sequence it is part of; in no order."""
    found = Grouping()
    found.add(entries)
    return found.rows()


def _take_apart(name: str) -> tuple[str, str, str] | None:
    head, dot, ending = name.rpartition(".")
    # the digits of .mp3 and .x3d are no frames, those of `shot.0001` are
    head, ending = (head, dot + ending) if dot and _LETTER.search(ending) else (name, "")
    found = _NUMBERED.fullmatch(head)
    if found is None:
        return None
    prefix, digits, tail = found[1], found[2] or found[4], found[3] or found[5] or ""
    number = int(digits)
    if number > MAX_FRAME:
        return None
    # there is no -0: such a file would meet the one without the hyphen
    if number and prefix[-1:] == "-" and not prefix[-2:-1].isalnum():
        return prefix[:-1], "-" + digits, tail + ending
    return prefix, digits, tail + ending


def _find_minus(piles: defaultdict[_Place, _Pile]) -> None:
    for kind, prefix, suffix in [place for place in piles if place[1][-1:] == "-"]:
        positive = piles.get((kind, prefix[:-1], suffix))
        if positive is None or not prefix[-2:-1].isalnum():
            continue
        pile = piles[kind, prefix, suffix]
        for digits in [one for one in pile if one[0] != "-" and int(one)]:
            positive["-" + digits] = pile.pop(digits)


def _by_width(numbers: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Share numbers out to paddings: zeros tell theirs, others join the widest that fits."""
    bare = {number: number.lstrip("-") for number in numbers}
    widths = sorted({len(digits) for digits in bare.values() if digits[0] == "0" != digits})
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for number, digits in bare.items():
        groups[max((w for w in widths if w <= len(digits)), default=0)].append(number)
    for width, members in groups.items():
        yield width or min(len(bare[number]) for number in members), members


def _sequence(place: _Place, width: int, files: dict[int, Entry]) -> FileSequence:
    frames = tuple(sorted(files))
    kind, prefix, suffix = place
    return FileSequence(kind, prefix, width, suffix, frames, tuple(files[f] for f in frames))


def _length(run: Run) -> int:
    # len() of what spans more than a C index would overflow on 32 bits
    return (run.last - run.first) // run.step + 1
