"""What in a Blender command line would not do what it says."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from renderd.core import frames
from renderd.core.frames import Run
from renderd.core.options import (
    LEAVING,
    ON_SCENE,
    RENDERING,
    SCRIPTS,
    Option,
    is_early,
    value_count,
)

_FORMATS = """
    TGA RAWTGA JPEG IRIS IRIZ AVIRAW AVIJPEG PNG BMP HDR TIFF OPEN_EXR OPEN_EXR_MULTILAYER EXR
    MULTILAYER MPEG FFMPEG FRAMESERVER CINEON DPX DDS JP2 WEBP"""
FORMATS = frozenset(_FORMATS.split())  #: of all versions from 2.7
_LIMIT = 1_048_574
PATH_LIMIT = 1023  #: bytes of an output path; Blender cuts longer ones and says nothing
_MOST = 1_000_000  #: frames in a list, which is sorted out one by one
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_ANCHORED = re.compile(r"[/\\{]|[A-Za-z]:[/\\]")
_NUMBER = re.compile(r"\d{1,18}")
_TO_SET = {"-s": "the first frame", "-e": "the last frame", "-j": "the step"}


@dataclass(frozen=True, slots=True)
class Findings:
    """Reasons to refuse a line, and doubts that do not stop it; one sentence each."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranges:
    """The frames a line renders; None where only the file knows."""

    runs: tuple[Run, ...] | None
    problems: tuple[str, ...]


def find_pitfalls(options: Sequence[Option]) -> Findings:
    """Every way in which the line would lie, in the order a person would mend them."""
    rules = (_background, _purpose, _files, _places, _scene_order, _values, _output)
    problems = [sentence for rule in rules for sentence in rule(options)]
    notes = [
        f"'{option.words[0]}' is no option we know; a Blender that does not know it either"
        " opens it as a file and fails"
        for option in options
        if option.name.startswith("-")
        and option.name != "--"
        and value_count(option.name) is None
        and option.name not in LEAVING
    ]
    return Findings(tuple(dict.fromkeys(problems)), tuple(notes))


def _background(options: Sequence[Option]) -> Iterator[str]:
    names = [option.name for option in options]
    if "-b" not in names:
        yield "'-b' is missing, so Blender would open a window; put it right after the program"
    elif "-a" in names and names.index("-b") > names.index("-a"):
        yield (
            "'-b' stands after '-a', where Blender has already started its player;"
            " put it right after the program"
        )


def _purpose(options: Sequence[Option]) -> Iterator[str]:
    names = {option.name for option in options}
    for option in options:
        if option.name in LEAVING:
            yield f"'{option.words[0]}' makes Blender leave without rendering; take it out"
    if not names & RENDERING and not names & SCRIPTS:
        yield "neither '-a' nor '-f' is given, so nothing would be rendered; add '-a' at the end"
    if "--python-console" in names:
        yield "'--python-console' waits for a person at a keyboard; take it out"


def _files(options: Sequence[Option]) -> Iterator[str]:
    files = [option for option in options if not option.name]
    if len(files) > 1:
        yield (
            f"it names {len(files)} files ('{files[0].value}', '{files[1].value}' …);"
            " give each its own line in its own info file"
        )
    if not files and not any(option.name in SCRIPTS for option in options):
        yield "it names no .blend file; put one right after '-b'"


def _places(options: Sequence[Option]) -> Iterator[str]:
    """Options that come before the file which replaces them, or after the render."""
    opens = max((at for at, option in enumerate(options) if not option.name), default=-1)
    renders = [at for at, option in enumerate(options) if option.name in RENDERING]
    between = set()
    for at, option in enumerate(options):
        said = " ".join(option.words)
        if option.name in ON_SCENE | RENDERING and at < opens:
            yield f"'{said}' stands before the .blend file, which replaces it; put it behind"
        elif option.name in ON_SCENE and renders and at > renders[-1]:
            action = options[renders[-1]].words[0]
            yield f"'{said}' stands after '{action}', where Blender ignores it; put it before"
        elif option.name in ON_SCENE - {"-s", "-e", "-j"} and renders and at > renders[0]:
            between.add(option.words[0])
    for word in sorted(between):
        yield f"'{word}' changes between two renders in one line; write two info files"


def _scene_order(options: Sequence[Option]) -> Iterator[str]:
    """What stands before -S was set on another scene."""
    last = max((at for at, option in enumerate(options) if option.name == "-S"), default=-1)
    for option in options[: max(last, 0)]:
        if option.name in ON_SCENE - {"-S"}:
            said = " ".join(option.words)
            yield f"'{said}' stands before '-S' and changes another scene; put '-S' first"


def _values(options: Sequence[Option]) -> Iterator[str]:
    for option in options:
        if value_count(option.name) and not option.has_value:
            yield f"'{option.words[0]}' lacks its value"
        elif option.name and option.has_value and is_early(option.value):
            yield (
                f"in '{' '.join(option.words)}' Blender takes the value for its own option"
                f" '{option.value}'; give the scene or file another name"
            )
        elif option.name == "-F" and not _is_open(option) and option.value not in FORMATS:
            yield (
                f"'-F {option.value}' is no format of Blender, which would keep the file's own;"
                " usual ones are PNG, OPEN_EXR, JPEG and TIFF"
            )
        elif option.name == "-x" and option.value[:1] not in ("0", "1") and not _is_open(option):
            yield f"'-x {option.value}' means nothing to Blender; write '-x 1' or '-x 0'"


def _output(options: Sequence[Option]) -> Iterator[str]:
    for option in options:
        if option.name != "-o" or not option.has_value:
            continue
        if not _ANCHORED.match(option.value):
            yield (
                f"'-o {option.value}' is relative to whatever folder the daemon runs in;"
                " begin it with '/' or, for the .blend's folder, with '//'"
            )
        if len(option.value.encode("utf-8", "surrogateescape")) > PATH_LIMIT:
            yield f"the path behind '-o' is longer than Blender's {PATH_LIMIT} bytes; shorten it"


def _is_open(option: Option) -> bool:
    return _PLACEHOLDER.fullmatch(option.value) is not None


def ranges_of(
    options: Sequence[Option],
    start: int | None = None,
    end: int | None = None,
    step: int | None = None,
) -> Ranges:
    """The frames these options render in a scene with this range (None: not known).

    With an unknown step and no ``-j`` the step counts as 1.
    """
    reader = _RangeReader(start, end, step)
    for option in options:
        if option.name in _TO_SET and option.has_value:
            reader.set(option)
        elif option.name == "-a":
            reader.render_range()
        elif option.name == "-f" and option.has_value:
            reader.render_list(option)
    runs = None
    if reader.rendered and not reader.is_open:
        if len(reader.rendered) > 1 and frames.count(reader.rendered) > _MOST:
            reader.problems.append(f"it lists more than {_MOST:,} frames; make several jobs of it")
        else:
            runs = _union(reader.rendered)
    return Ranges(runs, tuple(dict.fromkeys(reader.problems)))


def _union(runs: Sequence[Run]) -> tuple[Run, ...]:
    """One run stays as it is; of several, neighbours join, so that chunks are not one frame."""
    if len(runs) == 1:
        return tuple(runs)
    return frames.gather(frame for run in runs for frame in run)


@dataclass(slots=True)
class _RangeReader:
    """Plays -s, -e, -j, -a and -f in order, as Blender's last walk does."""

    start: int | None
    end: int | None
    step: int | None
    rendered: list[Run] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_open: bool = False  #: something depends on the file or on a placeholder

    def set(self, option: Option) -> None:
        if _is_open(option):
            value = None
        elif option.name == "-j":
            value = self._step(option)
        elif option.name == "-s":
            value = self._frame(option, option.value, self.start, self.start)
        else:
            value = self._frame(option, option.value, self.end, self.end)
        if option.name == "-s":
            self.start = value
        elif option.name == "-e":
            self.end = value
        else:
            self.step = value

    def render_range(self) -> None:
        if self.start is None or self.end is None:
            self.is_open = True
        elif self.start > self.end:
            self.problems.append(
                f"the first frame {self.start} lies behind the last {self.end},"
                " so Blender would render nothing; exchange them"
            )
        else:
            step = self.step or 1
            last = self.start + (self.end - self.start) // step * step
            self.rendered.append(Run(self.start, last, step if last > self.start else 1))

    def render_list(self, option: Option) -> None:
        if _is_open(option):
            self.is_open = True
            return
        for part in option.value.split(","):
            first, dots, last = part.partition("..")
            behind = None if self.end is None else self.end + 1
            a = self._frame(option, first, self.start, behind)
            b = self._frame(option, last, self.start, behind) if dots else a
            if a is None or b is None:
                self.is_open = True
            elif a > b:
                self.problems.append(f"'{part}' in '-f {option.value}' counts down; exchange it")
            else:
                self.rendered.append(Run(a, b))

    def _frame(self, option: Option, text: str, plus: int | None, minus: int | None) -> int | None:
        """One frame, absolute or relative to what is set before; None where not known."""
        sign = text[:1] if text[:1] in ("+", "-") else ""
        digits = text[len(sign) :]
        if not _NUMBER.fullmatch(digits):
            said = " ".join(option.words)
            self.problems.append(f"'{text}' in '{said}' is no frame number")
            return None
        base = {"+": plus, "-": minus, "": 0}[sign]
        if base is None:
            self.problems.append(_relative(option, text))
            return None
        value = base - int(digits) if sign == "-" else base + int(digits)
        if abs(value) > _LIMIT:
            self.problems.append(
                f"frame {value} is beyond Blender's last, {_LIMIT}, and would be moved there"
            )
            return None
        return value

    def _step(self, option: Option) -> int | None:
        if _NUMBER.fullmatch(option.value) and 1 <= int(option.value) <= _LIMIT:
            return int(option.value)
        self.problems.append(f"'-j {option.value}' is no step; give a whole number from 1 up")
        return None


def _relative(option: Option, text: str) -> str:
    """Why a signed frame is refused, and what to write instead."""
    said = " ".join(option.words)
    if text.startswith("+"):
        which = "end" if option.name == "-e" else "start"
        return f"'{said}' counts from the file's own {which}; give an absolute number"
    which = "start" if option.name == "-s" else "end"
    return (
        f"'{said}' counts back from the file's own {which}; for the negative frame itself"
        f" write 'frames: {text}' in the info file or give --frames={text}"
    )
