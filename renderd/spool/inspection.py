"""Are the frames of a job or of a pattern whole, alike and all there?

What is expected comes from the job's record, the files of each frame from its receipts; of a bare
pattern both from the folder.  Judging is pure: it gets what looking at the files found.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

from renderd.core import frames as ranges
from renderd.core import jsonvalue, outputs
from renderd.core.chunk import State
from renderd.core.job import Job, Writes
from renderd.core.litter import is_litter
from renderd.errors import BrokenImage, UsageError
from renderd.spool import frames, image, listing
from renderd.spool.layout import OPEN, Spool
from renderd.spool.moves import names
from renderd.spool.output import Output
from renderd.spool.share import Share
from renderd.spool.tickets import Place

SMALL_SHARE = 0.1  #: of the job's median file, below which a frame looks suspicious
MOST_GAPS = 100_000  #: missing frames of a pattern, beyond which its ends are no range's
SMALL_AMONG = 5  #: files, below which a median says nothing
Decode = Callable[[str, str], bool | None]  #: a path and its kind → black, or not decoded


class Fault(StrEnum):
    """What is wrong with a frame; the values are what people and JSON read."""

    MISSING = "missing"
    BROKEN = "broken"
    SIZE = "differing"  #: other pixels, or of another kind, than the job's other frames
    SMALL = "small"  #: suspiciously few bytes
    BLACK = "black"  #: every pixel is zero

    @property
    def is_sure(self) -> bool:
        """False where it may be meant: a fade begins black, and black takes few bytes."""
        return self in (Fault.MISSING, Fault.BROKEN, Fault.SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The frames that are to be looked at, and the files that each consists of."""

    folder: str  #: on this machine
    pattern: str
    wanted: tuple[int, ...]
    files: Mapping[int, tuple[str, ...]]  #: the main image last; frames without any are missing
    unrendered: tuple[int, ...] = ()  #: an open job renders them still


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one file of a frame turned out to be."""

    frame: int
    file: str
    is_main: bool
    fault: Fault | None = None  #: missing or broken; nothing else is known then
    says: str = ""
    size_bytes: int = 0
    pixels: tuple[int, int] = (0, 0)
    is_black: bool | None = None  #: None: not decoded
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of one frame."""

    frame: int
    fault: Fault
    file: str
    says: str

    @property
    def sentence(self) -> str:
        """What is wrong with which file, a pass elsewhere by its whole path."""
        name = f"'{self.file.rpartition('/')[2]}'"
        if name in self.says:
            return self.says.replace(name, f"'{self.file}'")
        return self.says if self.file in self.says else f"{self.file} {self.says}"


@dataclass(slots=True)
class Report:
    """All findings, and what was looked at."""

    subject: Subject
    findings: list[Finding] = field(default_factory=list)
    undecoded: set[str] = field(default_factory=set)  #: kinds whose pixels were not looked at

    def frames(self, *faults: Fault) -> list[int]:
        """The frames that have one of the faults, in order."""
        return sorted({f.frame for f in self.findings if f.fault in faults})

    def told(self, fault: Fault) -> list[Finding]:
        """The findings of a fault that need words: of a frame without its image none do."""
        found = [f for f in self.findings if f.fault is fault]
        if fault is not Fault.MISSING:
            return found
        files = self.subject.files
        bare = {f.frame for f in found if f.file == (files.get(f.frame) or (f.file,))[-1]}
        return [f for f in found if f.frame not in bare]

    @property
    def sure(self) -> list[int]:
        """Frames to render again without a further look."""
        return self.frames(*(f for f in Fault if f.is_sure))

    @property
    def doubtful(self) -> list[int]:
        """Frames that a person should look at first."""
        sure = set(self.sure)
        return [f for f in self.frames(Fault.SMALL, Fault.BLACK) if f not in sure]


def of_job(spool: Spool, place: Place, job: Job) -> Subject:
    """What a job was to write, as its record and receipts say.

    Raises UsageError for a job without frames to look at, OSError.
    """
    output = frames.locate(spool, job)
    if output is None or job.info.frames is None:
        raise UsageError(
            f"job {job.jid} has no output that the farm knows of", "name a pattern instead"
        )
    if output.writes is Writes.MOVIE:
        raise UsageError(f"job {job.jid} writes a movie, not frames", "play it")
    demand_seen(spool, output)
    known = receipts(spool, output)
    wanted = sorted(frame for run in job.info.frames for frame in run)
    done = set(wanted)
    if place[0] in OPEN:
        runs = [c.run for c in listing.chunks(spool, job.jid, {State.DONE}) if c.run]
        done = {frame for run in runs for frame in run} | set(known)
    return Subject(
        folder=output.folder,
        pattern=output.pattern,
        wanted=tuple(f for f in wanted if f in done),
        files=_completed(known, frames.fresh_files(spool, output.folder, output), wanted),
        unrendered=tuple(f for f in wanted if f not in done),
    )


def demand_seen(spool: Spool, output: Output) -> None:
    """Raise UsageError where this machine does not see the folder that a job wrote into."""
    try:
        is_there = spool.share.stat(f"{output.folder}/.").is_folder
    except (FileNotFoundError, NotADirectoryError):
        is_there = False
    if not is_there:
        raise UsageError(
            f"{output.folder} is not there on this machine",
            "mount the output share, or say it on a machine that sees it",
        )


def receipts(spool: Spool, output: Output) -> dict[int, tuple[str, ...]]:
    """The files of each frame that a job has put in place, open or closed.

    A base name lies beside the others, a pass elsewhere has its whole path.  Raises OSError.
    """
    found: dict[int, tuple[str, ...]] = {}
    texts: list[tuple[str, bytes]] = []
    # First those beside the frames: what takes them away wrote frames.jsonl before.
    for name in names(spool, f"{output.own}/ok"):
        with contextlib.suppress(FileNotFoundError):
            text = spool.share.read(output.receipt(name), frames.RECEIPT_LIMIT)
            texts.append((name, text))
    with contextlib.suppress(FileNotFoundError):
        # Of a hundred thousand frames it is some tens of megabytes.
        data = spool.share.read(spool.job(output.jid, "frames.jsonl"), 1 << 30)
        texts[:0] = [("", line) for line in data.splitlines()]
    for name, text in texts:
        with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
            value = jsonvalue.parse(text)
            listed = (str(entry[0]) for entry in value["files"])
            files = tuple(spool.local(n) if "/" in n else n for n in listed)
            found[int(name or value["frame"])] = files
    return found


def of_pattern(share: Share, pattern: str, runs: Sequence[ranges.Run] | None) -> Subject:
    """The frames of a pattern in a folder; without `runs` from the first there to the last.

    Raises UsageError where there are none, or where these are too far apart to be one range.
    """
    folder, _, base = outputs.hashed(pattern).rpartition("/")
    try:
        listed = sorted(n for n in share.listdir(folder or "/") if not is_litter(n))
    except OSError as error:
        raise UsageError(
            f"{folder}: {error.strerror or error}", "name /path/shot_####.png"
        ) from None
    found: dict[int, tuple[str, ...]] = {}
    for name in listed:
        frame = outputs.frame_of(base, name)
        if frame is not None:
            found[frame] = (*found.get(frame, ()), name)
    if runs is None and not found:
        raise UsageError(f"no file in {folder} is a frame of {base}", "name the frames: --frames")
    if runs is None and max(found) - min(found) >= MOST_GAPS + len(found):
        raise UsageError(
            f"{base} has {len(found)} frames in {folder}, the first {min(found)}, the last"
            f" {max(found)}",
            "say which belong: --frames 1-250",
        )
    wanted = (
        tuple(range(min(found), max(found) + 1))
        if runs is None
        else tuple(sorted({frame for run in runs for frame in run}))
    )
    return Subject(folder=folder, pattern=base, wanted=wanted, files=found)


def look(share: Share, subject: Subject, frame: int, decode: Decode | None) -> list[Look]:
    """Look at all files of one frame; `decode` is told of whole files only.  Raises OSError."""
    files = subject.files.get(frame, ())
    if not files:
        name = outputs.fill(subject.pattern, frame)
        return [
            Look(frame=frame, file=name, is_main=True, fault=Fault.MISSING, says="is not there")
        ]
    return [
        _look_at(share, subject.folder, frame, name, decode, is_main=name == files[-1])
        for name in files
    ]


def _look_at(
    share: Share, folder: str, frame: int, name: str, decode: Decode | None, *, is_main: bool
) -> Look:
    path = name if name.startswith("/") else f"{folder}/{name}"
    try:
        size = share.stat(path).size
        found = image.verify_file(share, path)
        is_black = decode(path, found.kind) if decode is not None else None
    except FileNotFoundError:
        fault, says = Fault.MISSING, "is not there"
    except BrokenImage as error:
        fault, says = Fault.BROKEN, error.message
    else:
        return Look(
            frame=frame,
            file=name,
            is_main=is_main,
            size_bytes=size,
            pixels=(found.width or 0, found.height or 0),
            is_black=is_black,
            kind=found.kind,
        )
    return Look(frame=frame, file=name, is_main=is_main, fault=fault, says=says)


def judge(subject: Subject, looks: Iterable[Look]) -> Report:
    """Compare what was found: each file with those of its kind in the other frames."""
    report = Report(subject)
    looks = list(looks)
    alike: dict[str, list[Look]] = {}
    for one in looks:
        if one.fault is not None:
            report.findings.append(Finding(one.frame, one.fault, one.file, one.says))
            continue
        alike.setdefault(slot(one.file, one.frame), []).append(one)
        if one.is_black is None:
            report.undecoded.add(one.kind)
        elif one.is_black and one.is_main:  # a pass may well be: nothing glows, nothing is fog
            report.findings.append(Finding(one.frame, Fault.BLACK, one.file, "is all black"))
    report.findings += _odd_kinds([one for one in looks if one.is_main and one.kind])
    for several in alike.values():
        report.findings += [*_odd_sizes(several), *_small(several)]
    report.findings.sort(key=lambda f: (f.frame, list(Fault).index(f.fault), f.file))
    return report


def slot(name: str, frame: int) -> str:
    """A file's name with its frame number taken out: equal for one file of every frame."""
    start, end = _number_in(name, frame)
    return f"{name[:start]}#{name[end:]}" if end else name


def _number_in(name: str, frame: int) -> tuple[int, int]:
    """Where the last number that is the frame stands, with its sign; (0, 0) where none is."""
    found = [m for m in re.finditer(r"\d{1,10}", name) if int(m[0]) == abs(frame)]
    if not found:
        return 0, 0
    start, end = found[-1].span()
    has_sign = frame < 0 and name[start - 1 : start] == "-"
    return start - has_sign, end


def _completed(
    known: Mapping[int, tuple[str, ...]],
    there: Mapping[int, Sequence[str]],
    wanted: Sequence[int],
) -> dict[int, tuple[str, ...]]:
    """The files of every frame: its receipt's, else what lies there, with what most frames have."""
    sets = Counter(tuple(slot(n, f) for n in files) for f, files in known.items())
    usual = sets.most_common(1)[0][0] if sets else ()
    like = next((f for f, files in known.items() if tuple(slot(n, f) for n in files) == usual), 0)
    found = {}
    for frame in wanted:
        files = known.get(frame) or tuple(there.get(frame, ()))
        if frame not in known and len(usual) > 1:
            files = tuple(_renamed(name, like, frame) for name in known[like])
        found[frame] = files
    return found


def _renamed(name: str, old: int, new: int) -> str:
    start, end = _number_in(name, old)
    width = len(name[start:end].lstrip("-"))
    return f"{name[:start]}{'-' * (new < 0)}{abs(new):0{width}d}{name[end:]}" if end else name


def _odd_kinds(looks: Sequence[Look]) -> list[Finding]:
    counted = Counter(one.kind for one in looks)
    if len(counted) < 2:
        return []
    usual = counted.most_common(1)[0][0]
    says = f"most are {usual.upper()}"
    return [
        Finding(one.frame, Fault.SIZE, one.file, f"is {one.kind.upper()}, {says}")
        for one in looks
        if one.kind != usual
    ]


def _odd_sizes(looks: Sequence[Look]) -> list[Finding]:
    counted = Counter(one.pixels for one in looks if one.pixels != (0, 0))
    if len(counted) < 2:
        return []
    usual = counted.most_common(1)[0][0]
    return [
        Finding(
            one.frame,
            Fault.SIZE,
            one.file,
            f"has {one.pixels[0]}×{one.pixels[1]} pixels, most have {usual[0]}×{usual[1]}",
        )
        for one in looks
        if one.pixels not in (usual, (0, 0))
    ]


def _small(looks: Sequence[Look]) -> list[Finding]:
    if len(looks) < SMALL_AMONG:
        return []
    middle = median(one.size_bytes for one in looks)
    return [
        Finding(
            one.frame,
            Fault.SMALL,
            one.file,
            f"has {one.size_bytes:,} bytes, the middle one {middle:,.0f}",
        )
        for one in looks
        if one.size_bytes < middle * SMALL_SHARE
    ]
