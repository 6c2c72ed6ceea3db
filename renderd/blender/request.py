"""A Blender command line as a request to an open Blender; None where only a fresh one will do.

Understood is what we know to come out the same: the options below, one file, each in its place.
What only the open file can tell (a scene or engine that is not there, negative frames) the script
inside refuses before it renders anything.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from renderd import blender
from renderd.blender.formats import format_name
from renderd.core import command
from renderd.core.options import ON_SCENE, RENDERING, Option

#: what runs inside Blender
INSIDE = os.path.join(os.path.dirname(blender.__file__), "inside")
OBEY = os.path.join(INSIDE, "obey.py")
#: the first Blender whose Python and API the script inside is written for
SINCE = (2, 93, 0)
#: options that act once, when Blender starts
_AT_START = frozenset({"-b", "-y", "-Y", "--factory-startup", "--addons", "-noaudio", "-t", "--"})
_SCRIPTS = frozenset({"-P", "--python-expr"})
_IN_ORDER = ON_SCENE | RENDERING | _SCRIPTS | {"--python-exit-code"}
_RANGE = frozenset({"-s", "-e", "-j"})
_MOST = 10_000  #: single frames in one line
_NUMBER = re.compile(r"[0-9]{1,7}")
#: what of a chunk's environment is the chunk's own; all else is there from Blender's start
OF_CHUNK = frozenset(
    f"RENDERD_{name}"
    for name in (
        *("JOB", "JOB_NAME", "CHUNK", "FRAMES", "ATTEMPT", "BLEND", "OUT", "PRIVATE"),
        *("WHOLE", "START", "END"),
    )
) | {"TMPDIR"}


@dataclass(frozen=True, slots=True)
class Start:
    """What makes an open Blender fit: equal ones may take each other's requests."""

    words: tuple[str, ...]
    environ: tuple[tuple[str, str], ...]  #: without what is each chunk's own
    owner: str = ""  #: the one job it may serve, where a person's Python runs in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command line for an open Blender."""

    start: Start
    argv: tuple[str, ...]  #: the whole line, which scripts read in sys.argv
    file: str
    steps: tuple[tuple[str, str], ...]
    environ: Mapping[str, str]
    folder: str
    key: str  #: of the open file: what must be equal for it to stay open
    keeps: bool  #: whether it may stay open for the next request with this key
    runs_scripts: bool  #: those inside the file

    def message(self) -> dict[str, object]:
        """What the script inside reads."""
        return {
            "argv": self.argv,
            "file": self.file,
            "steps": self.steps,
            "environ": dict(self.environ),
            "folder": self.folder,
            "key": self.key,
            "keeps": self.keeps,
            "runs_scripts": self.runs_scripts,
        }


def understand(
    words: Sequence[str], environ: Mapping[str, str], folder: str, job: str
) -> Request | None:
    """The request that does what the words do; None where they must run plainly.

    `environ` and `folder` are what the command would be started with.
    """
    found = command.parse(words)
    if found is None or found.problems or found.notes or not found.renders or not found.blend:
        return None
    options = list(found.options)
    is_package = found.program[1:] == ("-m", "renderd.blender")
    is_bare = is_package or len(found.program) == 1  # no sandbox, no `timeout`, no `nice`
    if not is_bare or not _is_in_place(options) or found.autoexec is None:
        return None
    steps = [_step(option) for option in options if option.name in _IN_ORDER]
    steps += [("-t", o.value) for o in options if o.name == "-t"] if is_package else []
    if not all(steps):
        return None
    has_own_python = found.autoexec or any(map(_is_persons, options))
    kept = tuple(one for one in steps if one and one[0] not in _RANGE | RENDERING | {"-o"})
    is_whole = "--python-expr" not in {option.name for option in options}
    is_whole = is_whole and ("a" not in found.renders or _says_range(options))
    return Request(
        start=Start(
            _starting(found.program, options, is_package=is_package),
            tuple(sorted((k, v) for k, v in environ.items() if k not in OF_CHUNK)),
            job if has_own_python else "",
        ),
        argv=("blender" if is_package else words[0], *words[len(found.program) :]),
        file=found.blend,
        steps=tuple(sorted((s for s in steps if s), key=lambda step: step[0] != "-t")),
        environ={k: v for k, v in environ.items() if k in OF_CHUNK and k != "TMPDIR"},
        folder=folder,
        key=f"{job} {kept!r}",
        keeps=is_whole and not has_own_python,
        runs_scripts=found.autoexec,
    )


def _is_in_place(options: Sequence[Option]) -> bool:
    """Whether we know every option, and none acts before the file that it is meant for."""
    files = [at for at, option in enumerate(options) if not option.name]
    if len(files) != 1 or not all(o.name in _AT_START | _IN_ORDER for o in options if o.name):
        return False
    before, after = options[: files[0]], options[files[0] + 1 :]
    acts_late = any(option.name == "--addons" for option in after)
    return not acts_late and not any(option.name in _IN_ORDER for option in before)


def _step(option: Option) -> tuple[str, str] | None:
    """What the script inside is to do; None where Blender makes something else of it."""
    name, value = option.name, option.value if option.has_value else ""
    if name == "-a":
        return name, ""
    if not option.has_value or (value.startswith("-") and name not in _RANGE):
        return None
    if name == "-F":
        value = format_name(value)
        return (name, value) if value else None
    if name == "-x":
        return (name, value) if value in ("0", "1") else None
    if name == "-f":
        return (name, _listed(value)) if _listed(value) else None
    return name, value


def _listed(value: str) -> str:
    """Single frames and ranges as single frames; empty where only the file tells which."""
    frames: list[str] = []
    for part in value.split(","):
        first, dots, last = part.partition("..")
        if not (_NUMBER.fullmatch(first) and _NUMBER.fullmatch(last if dots else first)):
            return ""
        frames += map(str, range(int(first), int(last if dots else first) + 1)[:_MOST])
    return ",".join(frames) if len(frames) < _MOST else ""


def _is_persons(option: Option) -> bool:
    """Whether it runs Python that is not ours."""
    if option.name == "-P":
        return os.path.dirname(option.value) != INSIDE
    return option.name == "--python-expr" and not command.is_rename(option.value)


def _says_range(options: Sequence[Option]) -> bool:
    return {option.name for option in options} >= _RANGE


def _starting(
    program: Sequence[str], options: Sequence[Option], *, is_package: bool
) -> tuple[str, ...]:
    """The words that start Blender with nothing open, and our script in it."""
    said = [option for option in options if option.name in _AT_START - {"-b"}]
    rest = [word for option in said if option.name == "--" for word in option.words]
    words = [word for option in said if option.name != "--" for word in option.words]
    if is_package:
        return (program[0], OBEY, *words, *rest)
    return (*program, *words, "-b", "-P", OBEY, *rest)
