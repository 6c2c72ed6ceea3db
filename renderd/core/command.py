"""What a command line means to a renderer we know; so far Blender.

Order of work on a chunk's words: fill the placeholders (infofile), then ``finish`` them
for the chunk's run, or ``for_frames`` for what is missing of it.  Every function here
takes and gives argument vectors; nothing is ever quoted or split.  Read a scene's name
from words that are filled for good: before that its braces are doubled.

Negative frames: ``-s -5`` is relative in Blender (five before the start), so absolute ones
are written ``-s 0 -s -5``: the second counts from the first.  That keeps ``-a``, which an
expression with one render call a frame would not (a second of shader compiling each).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from renderd.core import frames
from renderd.core.frames import Run
from renderd.core.infovalue import UNWRITABLE
from renderd.core.options import RANGE, RENDERING, SCRIPTS, Option, is_mistakable, walk
from renderd.core.pitfalls import PATH_LIMIT, find_pitfalls, ranges_of
from renderd.core.template import escape
from renderd.errors import FramesError, UsageError

#: Blender clamps every frame to ± this and says nothing (MAXFRAME in its DNA).
LAST_FRAME = 1_048_574
#: Formats that become one file a run: such a job cannot be cut into chunks.
MOVIE_FORMATS = frozenset({"FFMPEG", "MPEG", "AVIRAW", "AVIJPEG", "FRAMESERVER"})
#: What a scene is called for one run when its own name would be taken for an option.
SAFE_SCENE = "renderd scene"

_WRAPPERS = frozenset(
    ("env", "nice", "ionice", "nohup", "stdbuf", "time", "timeout", "taskset", "xvfb-run")
)
_BLENDER = re.compile(r"blender(?:[-_.]?\d[\w.+-]*|-softwaregl|-launcher)?(?:\.exe)?", re.I)
_PYTHON = re.compile(r"python[\d.]*w?(?:\.exe)?", re.I)
_WRAPPER_VALUE = re.compile(r"-.*|\d+(?:\.\d+)?[smhd]?|\w+=.*", re.S)
_RENAME = re.compile(r"import bpy; bpy\.data\.scenes\[bytes\.fromhex\('([0-9a-f]*)'\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlenderCommand:
    """One command line as Blender understands it; later settings win, order is obeyed."""

    program: tuple[str, ...]  #: ``("blender",)``, ``("python", "-m", "renderd.blender")`` …
    options: tuple[Option, ...]
    blend: str = ""
    scene: str = ""  #: "" is the scene the file was saved with
    out: str = ""  #: "" is the file's own output path
    format: str = ""  #: as in ``-F``; "" is the file's own
    engine: str = ""
    extension: bool | None = None  #: ``-x``; None is the file's own setting
    autoexec: bool | None = None  #: ``-y`` True, ``-Y`` False, None the user's preference
    factory_startup: bool = False
    renders: str = ""  #: "a" a range, "f" single frames, "af" both, "" nothing by itself
    runs_script: bool = False
    runs: tuple[Run, ...] | None = None  #: its own range; None where the file must say
    problems: tuple[str, ...] = ()  #: why this line would not do what it says: refuse it
    notes: tuple[str, ...] = ()  #: what we do not know about it

    @property
    def is_movie(self) -> bool:
        """Whether ``-F`` asks for a movie, which is one file a run."""
        return self.format in MOVIE_FORMATS

    def runs_in(self, start: int, end: int, step: int = 1) -> tuple[Run, ...]:
        """The frames it renders from a file whose scene has this range and step."""
        return ranges_of(self.options, start, end, step).runs or ()


def is_blender(words: Sequence[str]) -> bool:
    """Whether the command starts a Blender, also behind env, nice, flatpak or python -m."""
    return _program_length(words) > 0


def parse(words: Sequence[str]) -> BlenderCommand | None:
    """What the words mean to Blender, with every pitfall named; None for other programs.

    Placeholders such as ``{start}`` count as given later.
    """
    length = _program_length(words)
    if not length:
        return None
    options = tuple(walk(words[length:]))
    before = options[: _first(options, RENDERING)]
    flags = {option.name for option in options}
    found = find_pitfalls(options)
    ranges = ranges_of(options)
    return BlenderCommand(
        program=tuple(words[:length]),
        options=options,
        blend=_last_value(before, ""),
        scene=_scene(before),
        out=_last_value(before, "-o"),
        format=_last_value(before, "-F"),
        engine=_last_value(before, "-E"),
        extension={"0": False, "1": True}.get(_last_value(before, "-x")[:1]),
        autoexec=_autoexec(options),
        factory_startup="--factory-startup" in flags,
        renders="".join(name[1] for name in ("-a", "-f") if name in flags),
        runs_script=bool(flags & SCRIPTS) and not _is_only_rename(options),
        runs=ranges.runs,
        problems=(*found.problems, *ranges.problems),
        notes=found.notes,
    )


def template(
    blend: str = "{blend}",
    scene: str = "",
    out: str = "{out}",
    factory_startup: bool = True,
    autoexec: bool = False,
    *,
    program: Sequence[str] = ("blender",),
) -> tuple[str, ...]:
    """The words that render a scene in chunks, with {start}, {end} and {step} left open.

    Blend and out are in info-file syntax (``{proj}`` is a path root, ``{{`` a brace) and
    stand in the words as given; the scene is any string, its braces are doubled here.
    An empty out keeps the file's own output path.
    """
    words = [*program]
    if factory_startup:
        words.append("--factory-startup")
    words += ["-y" if autoexec else "-Y", "-b", _not_an_option(blend)]
    if scene:
        words += [escape(word) for word in scene_words(scene)]
    if out:
        words += ["-o", _not_an_option(out)]
    return (*words, "-s", "{start}", "-e", "{end}", "-j", "{step}", "-a")


def scene_words(scene: str) -> tuple[str, ...]:
    """The words that make a scene the active one, whatever its name.

    A name that Blender would take for an option (``-y`` switches scripts on), or that no
    line of text can hold, is changed to a harmless one in memory first; the file is not.
    """
    if not is_mistakable(scene) and not UNWRITABLE.search(scene):
        return ("-S", scene)
    name = scene.encode("utf-8", "surrogateescape").hex()
    rename = f"import bpy; bpy.data.scenes[bytes.fromhex('{name}').decode()].name = '{SAFE_SCENE}'"
    return ("--python-exit-code", "1", "--python-expr", rename, "-S", SAFE_SCENE)


def finish(words: Sequence[str], run: Run, out: str = "") -> tuple[str, ...]:
    """The same command for exactly this run, and into this pattern when one is given.

    Words of other programs, and of a Blender whose script renders by itself, come back
    as they are.  Raises FramesError for frames that Blender would clamp.
    """
    return for_runs(words, (run,), out)


def for_frames(words: Sequence[str], wanted: Sequence[int], out: str) -> tuple[str, ...]:
    """The same command for only these frames, in any order, into the given pattern."""
    return for_runs(words, frames.gather(wanted), out)


def for_runs(words: Sequence[str], runs: Sequence[Run], out: str = "") -> tuple[str, ...]:
    """The same command for these runs, one ``-s -e -j -a`` group each."""
    check_runs(runs)
    if len(out.encode("utf-8", "surrogateescape")) > PATH_LIMIT:
        raise UsageError(f"the output path is longer than Blender's {PATH_LIMIT} bytes: {out}")
    length = _program_length(words)
    if not length:
        return tuple(words)
    return (*words[:length], *_replaced(tuple(walk(words[length:])), runs, out))


def governed(
    words: Sequence[str], *, autoexec: bool, addons: Sequence[str] = (), keeps_device: bool = True
) -> tuple[str, ...]:
    """The same Blender command under a farm's policy, whatever it says itself.

    Scripts inside the file run with `autoexec` alone, whether it says `-y` or `-Y`.  Unless it
    `keeps_device`, its `--cycles-device`, which Cycles would obey, goes.
    """
    length = _program_length(words)
    options = list(walk(words[length:]))
    said = [word for option in options if option.name not in ("-y", "-Y") for word in option.words]
    if not keeps_device:
        said = _without_device(said)
    switches = ["-y" if autoexec else "-Y", *(["--addons", ",".join(addons)] if addons else [])]
    return (*words[:length], *switches, *said)


def _without_device(words: list[str]) -> list[str]:
    if "--" not in words or "--cycles-device" not in words[words.index("--") :]:
        return words
    at = words.index("--cycles-device", words.index("--"))
    return _without_device([*words[:at], *words[at + 2 :]])


def before_rendering(words: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """The same Blender command with more words before its first render; others as they are.

    A Blender in a sandbox (flatpak, snap) does not see every file: it stays as it is, too.
    """
    length = _program_length(words)
    if not length or _base(words[length - 1]).startswith("org.") or "run" in words[:length]:
        return tuple(words)
    options = list(walk(words[length:]))
    at = next((length + option.at for option in options if option.name in RENDERING), None)
    return tuple(words) if at is None else (*words[:at], *more, *words[at:])


def check_runs(runs: Sequence[Run]) -> None:
    """Raise FramesError for frames that Blender would clamp, saying nothing."""
    for run in runs:
        if run.first < -LAST_FRAME or run.last > LAST_FRAME:
            raise FramesError(
                f"Blender has no frame {run.last if run.last > LAST_FRAME else run.first}",
                f"keep frames between -{LAST_FRAME} and {LAST_FRAME}",
            )


def resolve_out(out: str, blend: str) -> str:
    """An output pattern with Blender's leading ``//`` put into the file's folder."""
    if not out.startswith("//"):
        return out
    cut = max(blend.rfind("/"), blend.rfind("\\"))
    return blend[: cut + 1] + out[2:].lstrip("/")


def _replaced(options: Sequence[Option], runs: Sequence[Run], out: str) -> list[str]:
    """The options' words with the ranges exchanged, and the output where one is given."""
    renders = any(option.name in RENDERING for option in options)
    if not renders and any(option.name in SCRIPTS for option in options):
        return [word for option in options for word in option.words]
    new = ["-o", _not_an_option(out)] if out else []
    new += _range_words(runs)
    dropped = (RANGE if renders else frozenset()) | ({"-o"} if out else frozenset())
    place = _first(options, RENDERING if renders else frozenset({"--"}))
    words: list[str] = []
    for index, option in enumerate(options):
        if index == place:
            words += new
        if option.name not in dropped:
            words += option.words
    return words if place < len(options) else words + new


def _range_words(runs: Sequence[Run]) -> list[str]:
    words: list[str] = []
    if len(runs) > 1 and all(run.first == run.last >= 0 for run in runs):
        return ["-f", ",".join(str(run.first) for run in runs)]
    for run in runs:
        words += [*_absolute("-s", run.first), *_absolute("-e", run.last)]
        words += ["-j", str(run.step), "-a"]
    return words


def _absolute(option: str, frame: int) -> list[str]:
    return [option, str(frame)] if frame >= 0 else [option, "0", option, str(frame)]


def _program_length(words: Sequence[str]) -> int:
    """How many words start Blender, options of wrappers included; 0 for another program."""
    at = 0
    while at < len(words) and _base(words[at]) in _WRAPPERS:
        at += 1
        while at < len(words) and _WRAPPER_VALUE.fullmatch(words[at]):
            at += 1
    if at == len(words):
        return 0
    base = _base(words[at])
    if _BLENDER.fullmatch(base):
        return at + 1
    if base in ("flatpak", "snap") and list(words[at + 1 : at + 2]) == ["run"]:
        at += 2
        ending: tuple[str, ...] = ("org.blender.Blender", "blender")
    elif _PYTHON.fullmatch(base):
        at += 1
        ending = ("renderd.blender",)
    else:
        return 0
    while at < len(words) and words[at].startswith("-"):
        at += 1
    return at + 1 if at < len(words) and words[at] in ending else 0


def _base(word: str) -> str:
    return word[max(word.rfind("/"), word.rfind("\\")) + 1 :]


def _first(options: Sequence[Option], names: frozenset[str]) -> int:
    found = (at for at, option in enumerate(options) if option.name in names)
    return next(found, len(options))


def _last_value(options: Sequence[Option], name: str) -> str:
    values = [o.value for o in options if o.name == name and (o.has_value or not name)]
    return values[-1] if values else ""


def _scene(options: Sequence[Option]) -> str:
    scene = _last_value(options, "-S")
    rename = _RENAME.match(_last_value(options, "--python-expr"))
    if scene == SAFE_SCENE and rename:
        return bytes.fromhex(rename[1]).decode("utf-8", "surrogateescape")
    return scene


def is_rename(expression: str) -> bool:
    """Whether a Python expression is the one of `scene_words`, which is no person's."""
    return _RENAME.match(expression) is not None


def _is_only_rename(options: Sequence[Option]) -> bool:
    scripts = [option for option in options if option.name in SCRIPTS]
    return all(is_rename(option.value) for option in scripts)


def _autoexec(options: Sequence[Option]) -> bool | None:
    switches = [option.name for option in options if option.name in ("-y", "-Y")]
    return switches[-1] == "-y" if switches else None


def _not_an_option(path: str) -> str:
    return f"./{path}" if path.startswith("-") else path
