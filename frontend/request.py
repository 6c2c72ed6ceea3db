"""What a person asks to have rendered of .blend files, and the command lines that ask the same."""

import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from frontend import submission
from frontend.submission import Asked, Terms
from renderd import plan
from renderd.core import frames, needs, video
from renderd.core.amounts import plural
from renderd.core.farm import Farm
from renderd.core.frames import Run
from renderd.core.infofile import AUTO, Info
from renderd.core.job import Draft, chunk_size
from renderd.core.label import label
from renderd.core.needs import Needs
from renderd.errors import RenderdError, UsageError
from renderd.preflight import Finding, Kind, Preflight, Severity
from renderd.spool.layout import Spool

PRIORITY = 50  #: where nothing is said
MOST_FRAMES = 100_000  #: of a chunk
_BEGINS = re.compile(r"/|\{[a-z]|[A-Za-z]:[/\\]")  #: of an output that is the same everywhere
_PATH_SHOWN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A .blend and which of its scenes are asked for."""

    path: str
    scenes: tuple[str, ...]
    is_own_choice: bool = True  #: they are what the file itself lists
    ranges: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)  #: not the file's own
    sizes: Mapping[str, int] = field(default_factory=dict)  #: of chunks, other than all jobs'

    @property
    def is_plain(self) -> bool:
        """Whether it is asked for as it is."""
        return self.is_own_choice and not self.ranges and not self.sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What holds for every job of one request; texts as the command line takes them."""

    chunk: int | None = None  #: frames, or AUTO; None: as usual on the farm
    priority: int = PRIORITY
    out: str = ""
    pool: str = ""
    needs: str = ""
    blender: str = ""
    after: tuple[str, ...] = ()
    video: str = ""
    holds: bool = False
    copies: bool = True
    warns: bool = False  #: missing files are no failure
    is_whole: bool = False
    replaces: bool = False
    forces: bool = False
    spool: str = ""  #: where it is not the one that this machine takes anyway

    def info(self) -> Info:
        """What every job is told; what is as usual stays unsaid.  Raises InfoFileError."""
        wanted = [*filter(None, (self.needs.strip(),)), *blender_needs(self.blender or None)]
        said: dict[str, Any] = {
            "chunk": self.chunk,
            "needs": Needs.parse(", ".join(wanted)),
            "pool": pools([self.pool]),
            "video": video.parse(self.video) if self.video else None,
            "missing": "warn" if self.warns else "fail",
        }
        return Info(
            commands=(), priority=self.priority, hold=self.holds, whole=self.is_whole, **said
        )

    def terms(self) -> Terms:
        """How the jobs are to be queued."""
        return Terms(
            after=self.after, replaces=self.replaces, copies=self.copies, forces=self.forces
        )

    def words(self) -> list[str]:
        """The options of `render add` that say the same, without where frames go."""
        usual = Choices()
        texts = [
            ("--chunk", str(self.chunk or "auto"), self.chunk is not None),
            ("--priority", str(self.priority), self.priority != usual.priority),
            ("--pool", self.pool, self.pool),
            ("--needs", self.needs, self.needs),
            ("--blender", self.blender, self.blender),
            *(("--after", job, True) for job in self.after),
            ("--video", self.video, self.video),
            ("--missing-files", "warn", self.warns),
        ]
        flags = [
            ("--hold", self.holds),
            ("--whole", self.is_whole),
            ("--replace", self.replaces),
            ("--no-snapshot", not self.copies),
            ("--force", self.forces),
        ]
        said = [word for flag, text, is_said in texts if is_said for word in _option(flag, text)]
        return said + [flag for flag, is_said in flags if is_said]


def blender_needs(spec: str | None) -> list[str]:
    """What `--blender` asks for, as `--needs` would say it.  Raises InfoFileError."""
    if spec is None:
        return []
    said = needs.conditions(spec)
    return [f"blender={said}"] if said == needs.ANY else [f"blender{c}" for c in said.split(",")]


def pools(said: Sequence[str]) -> tuple[str, ...]:
    """The pools that are named, each once; commas may stand between.  Raises InfoFileError."""
    names = [needs.name(w, "pool") for one in said for w in one.split(",") if w.strip()]
    return tuple(dict.fromkeys(names))


def output(text: str) -> str:
    """An output as it is typed.  Raises UsageError for one that depends on where we stand."""
    if text and not _BEGINS.match(text):
        raise UsageError("an output begins with / or a path root", "// is the .blend's own folder")
    return text


def complaint(parse: Callable[[str], object], text: str) -> str:
    """What is wrong with what was typed; empty where nothing is."""
    try:
        parse(text)
    except RenderdError as error:
        return str(error)
    return ""


# -- planning and looking --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """One job as it would be queued."""

    shot: Shot
    draft: Draft
    found: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """What a request comes to."""

    jobs: tuple[Looked, ...] = ()
    refused: tuple[tuple[str, Finding], ...] = ()  #: files that make no job, by their paths
    lines: tuple[str, ...] = ()  #: command lines that queue the same
    usual_chunk: int = AUTO  #: frames, where nobody said how many

    def says(self) -> str:
        """What it will write, in one sentence."""
        drafts = [one.draft for one in self.jobs]
        count = sum(frames.count(one.runs or ()) for one in drafts)
        folders = dict.fromkeys(one.out.rpartition("/")[0] or "/" for one in drafts if one.out)
        where = label(next(iter(folders), "nowhere that is known"), _PATH_SHOWN)
        more = f" and {plural(len(folders) - 1, 'other folder')}" if len(folders) > 1 else ""
        chunks = plural(sum(one.count() for one in drafts), "chunk")
        scenes = plural(len(drafts), "scene")
        return f"{scenes}, {plural(count, 'frame')}, {chunks} → {where}{more}"


def drafts_of(shot: Shot, choices: Choices, farm: Farm) -> list[Draft]:
    """The jobs that a file makes.  Raises RenderdError."""
    wish = plan.Wish(
        scenes=shot.scenes, ranges=shot.ranges, out=output(choices.out), info=choices.info()
    )
    drafts = plan.from_blend(shot.path, wish, farm, sys.platform)
    return [_resized(one, shot.sizes) for one in drafts]


def _resized(draft: Draft, sizes: Mapping[str, int]) -> Draft:
    info = replace(draft.info, chunk=sizes.get(draft.info.scene, draft.info.chunk))
    return replace(draft, info=info, size=chunk_size(info, draft.runs))


def _sized(choices: Choices, sizes: Mapping[str, int], scene: str) -> Choices:
    """The choices for one scene, which may have chunks of its own size."""
    return replace(choices, chunk=sizes.get(scene, choices.chunk))


def chunk_of(text: str) -> int:
    """Frames of a chunk as they are typed; 0 for `auto`.  Raises UsageError."""
    said = text.strip()
    if said == "auto":
        return 0
    if not said.isdecimal() or not 0 < int(said) <= MOST_FRAMES:
        raise UsageError(f"{label(said, 20)!r} is no number of frames", "like 10, or auto")
    return int(said)


def ask(shots: Sequence[Shot], choices: Choices, farm: Farm) -> Asked:
    """All jobs, for `submission.submit`.  Raises RenderdError where a file makes none."""
    drafts = [draft for shot in shots for draft in drafts_of(shot, choices, farm)]
    return Asked(drafts, choices.terms())


def examine(
    spool: Spool,
    shots: Sequence[Shot],
    choices: Choices,
    flight: Preflight,
    goes_on: Callable[[], bool] = lambda: True,
) -> Examined:
    """Plan and look into every file; one that makes no job does not hide what others do.

    Ends early, with what it has, when it shall not go on.  Raises OSError.
    """
    pairs: list[tuple[Shot, Draft]] = []
    refused: list[tuple[str, Finding]] = []
    for shot in shots:
        if not goes_on():
            return Examined()
        try:
            pairs += [(shot, draft) for draft in drafts_of(shot, choices, spool.farm)]
        except RenderdError as error:
            refused.append((shot.path, _refusal(error, shot.path)))
    drafts = [draft for _, draft in pairs]
    try:
        apart = submission.told_apart(drafts)
    except RenderdError as error:
        apart, refused = drafts, [*refused, ("", _refusal(error, ""))]
    looked = []
    for (shot, _), draft in zip(pairs, apart, strict=True):
        if not goes_on():
            return Examined()
        found = flight.check(draft, replaces=choices.replaces)
        looked.append(Looked(shot, draft, tuple(found)))
    lines = () if refused else command_lines(looked, choices, is_moved=apart != drafts)
    usual = plan.usual_chunk(spool.farm)
    return Examined(tuple(looked), tuple(refused), tuple(map(shlex.join, lines)), usual)


def _refusal(error: RenderdError, path: str) -> Finding:
    return Finding(
        severity=Severity.STOP,
        kind=Kind.REFUSED,
        sentence=error.message,
        remedy=error.remedy,
        file=path,
    )


# -- as command lines ------------------------------------------------------------------------


def command_lines(
    jobs: Sequence[Looked], choices: Choices, *, is_moved: bool
) -> tuple[list[str], ...]:
    """`render add …` that queues the same jobs: one line where one can say it.

    `is_moved`: some write elsewhere than they would alone, so that they cannot be told apart in
    lines of their own.
    """
    if not jobs:
        return ()
    of: dict[str, list[Looked]] = {}
    for job in jobs:
        of.setdefault(job.shot.path, []).append(job)
    shots = [alike[0].shot for alike in of.values()]
    plain = [shot.path for shot in shots if shot.is_plain]
    others = [shot for shot in shots if not shot.is_plain]
    if is_moved and len(shots) > 1 and others:
        return tuple(_single(job, choices) for job in jobs)
    lines = [_line(plain, [], choices)] if plain else []
    for shot in others:
        if (selection := _selection(shot, choices)) is not None:
            own = _sized(choices, shot.sizes, shot.scenes[0])
            lines.append(_line([shot.path], selection, own))
        else:
            lines += [_single(job, choices) for job in of[shot.path]]
    return tuple(lines)


def _selection(shot: Shot, choices: Choices) -> list[str] | None:
    """The options that choose a file's scenes and frames; None where one line cannot."""
    spans = {shot.ranges.get(name) for name in shot.scenes}
    sizes = {shot.sizes.get(name, choices.chunk) for name in shot.scenes}
    if len(spans) > 1 or len(sizes) > 1:
        return None
    chosen = [word for name in shot.scenes for word in _option("--scene", name)]
    (runs,) = spans
    span = _option("--frames", frames.text(runs)) if runs else []
    return ([] if shot.is_own_choice else chosen) + span


def _line(paths: Sequence[str], selection: Sequence[str], choices: Choices) -> list[str]:
    out = _option("--out", choices.out) if choices.out else []
    spool = _option("--spool", choices.spool) if choices.spool else []
    return ["render", *spool, "add", *paths, *selection, *out, *choices.words()]


def _single(job: Looked, choices: Choices) -> list[str]:
    """One job by itself, with all that others would change of it."""
    scene = job.draft.info.scene
    only = replace(job.shot, scenes=(scene,), is_own_choice=False)
    selection = _selection(only, choices) or []
    named = _option("--name", job.draft.info.name)
    own = replace(_sized(choices, job.shot.sizes, scene), out=job.draft.out)
    return _line([job.shot.path], [*selection, *named], own)


def _option(flag: str, value: str) -> list[str]:
    """An option and its value, which may begin with a dash."""
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]
