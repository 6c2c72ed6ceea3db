"""Info files: text to Info and back.  Pure: no I/O.

Either just command lines, or `key: value` lines, a blank line, and command lines; `#` starts a
comment line.  Words are split as a shell would, without a shell.  A value in double quotes is a
JSON string, so that any scene name can be written.  What parse() cannot understand it refuses
with the line, the word and the nearest valid one: a farm must not guess what to run.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from renderd.core import amounts, frames, infovalue, video, words
from renderd.core.frames import Run
from renderd.core.label import label, nearest, slug
from renderd.core.needs import NO_NEEDS, Needs
from renderd.core.template import escape, fill, splice, used
from renderd.core.video import Video
from renderd.errors import InfoFileError, RenderdError

__all__ = [
    "AUTO",
    "DEFAULT_CHUNK",
    "MAX_BYTES",
    "Info",
    "Needs",
    "escape",
    "fill",
    "label",
    "lacking",
    "parse",
    "slug",
    "splice",
    "text",
]

MAX_BYTES = 2**20
AUTO = 0  #: `chunk: auto`
DEFAULT_CHUNK = 10  #: frames a chunk where nothing is said
_HEADER = re.compile(r"([a-z][a-z-]*):(?:[ \t]|$)")
_ALMOST_HEADER = re.compile(r"([A-Za-z][A-Za-z-]*)[ \t]*:")
_EXTRA = re.compile(r"x-[a-z-]+")
_SAID = 200  #: longest sentence about a value, which may itself be a mebibyte
_BLANK = " \t"  # str.strip() alone would also take characters that a file name may end in


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What an info file says; a field at its default was not said."""

    commands: tuple[tuple[str, ...], ...]  #: may be empty when `blend` is given
    name: str = ""
    frames: tuple[Run, ...] | None = None
    chunk: int | None = None  #: frames a chunk; None: DEFAULT_CHUNK, or AUTO
    blend: str = ""
    scene: str = ""
    out: str = ""
    priority: int = 50
    pool: tuple[str, ...] = ()
    needs: Needs = NO_NEEDS
    after: tuple[str, ...] = ()
    hold: bool = False
    nodes: int | None = None
    timeout: float | None = None
    missing: str = "fail"  #: or "warn"
    whole: bool = False
    warm: bool = True
    env: tuple[tuple[str, str], ...] = ()
    keep: float | None = None  #: seconds; None: as long as the farm keeps jobs
    retries: int = 3
    video: Video | None = None  #: the movie that is made of the frames
    extra: tuple[tuple[str, str], ...] = ()  #: `x-…` keys, kept as they are

    def __post_init__(self) -> None:
        if self.needs.pool:
            pool = dict.fromkeys((*self.pool, *self.needs.pool))
            needs = Needs(
                ram=self.needs.ram,
                blender=self.needs.blender,
                gpu=self.needs.gpu,
                tags=self.needs.tags,
            )
            object.__setattr__(self, "pool", tuple(pool))
            object.__setattr__(self, "needs", needs)


def parse(data: bytes | str) -> Info:
    """Read an info file; a BOM and CRLF are tolerated.

    Raises InfoFileError naming the line, the word, and the remedy or nearest valid word.
    """
    lines = _lines(data)
    first = next((at for at, (_, line) in enumerate(lines) if _says(line)), None)
    if first is None:
        raise InfoFileError("the info file is empty", "write at least one command line")
    number, line = lines[first]
    if _HEADER.match(line) is None:
        _refuse_almost_header(number, line)
        return Info(commands=_commands(lines[first:]))
    end = next((at for at in range(first, len(lines)) if not lines[at][1]), len(lines))
    values, extra = _headers(lines[first:end])
    info = Info(commands=_commands(lines[end:]), extra=extra, **values)
    if not info.commands and not info.blend:
        raise InfoFileError(
            "there is no command line", "write one after a blank line, or name a file with blend:"
        )
    return info


def text(info: Info) -> str:
    """Write an info file in its one canonical form: parse(text(info)) == info.

    Raises InfoFileError when the Info holds what no info file can say.
    """
    head = [f"{key}: {value}" for key, value in _written(info)]
    head += [_extra_line(key, value) for key, value in info.extra]
    if not info.commands and not info.blend:
        raise InfoFileError("there is no command line and no blend:")
    # a header's look-alike is only mistaken for one where the commands open the file
    commands = [_command_line(words, opens=not head) for words in info.commands]
    parts = ["\n".join(part) for part in (head, commands) if part]
    written = "\n\n".join(parts) + "\n"
    if len(written) > MAX_BYTES or len(written.encode()) > MAX_BYTES:
        raise InfoFileError("the info file is larger than 1 MiB")
    return written


def lacking(info: Info) -> tuple[str, ...]:
    """Name the placeholders that the commands use and the headers give no value for."""
    names = used(word for words in info.commands for word in words)
    given = {
        **dict.fromkeys(("start", "end", "step", "frames"), info.frames is not None),
        "out": bool(info.out),
        "blend": bool(info.blend),
    }
    return tuple(name for name in names if not given.get(name, True))


def _lines(data: bytes | str) -> list[tuple[int, str]]:
    """Decode, check and number the lines, blanks around each stripped."""
    whole = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(whole) > MAX_BYTES:
        raise InfoFileError("the info file is larger than 1 MiB", "a script belongs in a file")
    try:
        decoded = whole.decode().removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = whole[: error.start].count(b"\n") + 1
        raise InfoFileError(
            f"line {line}: byte {whole[error.start]:#04x} is not UTF-8", "save the file as UTF-8"
        ) from None
    bad = infovalue.CONTROL.search(decoded)
    if bad:
        line = decoded.count("\n", 0, bad.start()) + 1
        what = "a NUL" if bad[0] == "\0" else f"the control character {bad[0]!r}"
        raise InfoFileError(f"line {line}: the info file holds {what}", "a text file has none")
    return [(at, line.strip(_BLANK)) for at, line in enumerate(decoded.split("\n"), 1)]


def _says(line: str) -> bool:
    return bool(line) and not line.startswith("#")


def _headers(
    lines: list[tuple[int, str]],
) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    values: dict[str, Any] = {}
    extra: dict[str, str] = {}
    for number, line in filter(lambda numbered: _says(numbered[1]), lines):
        found = _HEADER.match(line)
        if found is None:
            raise InfoFileError(
                f"line {number}: {label(line, 40)!r} is no `key: value`",
                "leave a blank line before the command lines",
            )
        key, value = found[1], line[found.end() :].strip(_BLANK)
        if key in values or key in extra:
            raise InfoFileError(
                f"line {number}: {label(key, 40)!r} is said a second time", "say it once"
            )
        kept = extra if _EXTRA.fullmatch(key) else values
        kept[key] = _value(number, key, value)
    return values, tuple(extra.items())


def _value(number: int, key: str, value: str) -> Any:
    own = _EXTRA.fullmatch(key) is not None
    read = infovalue.anything if own else _READERS.get(key)
    if read is None:
        unknown = repr(label(key, 40))
        raise InfoFileError(f"line {number}: there is no key {unknown}", nearest(key, _READERS))
    if not value and not own:
        raise InfoFileError(f"line {number}: {key!r} has no value", "leave the line away")
    try:
        return read(value)
    except RenderdError as error:
        said = label(error.message, _SAID)
        raise InfoFileError(f"line {number}: {key}: {said}", error.remedy) from None
    except ValueError as error:
        said = label(str(error), _SAID)
        raise InfoFileError(f"line {number}: {key}: {said}") from None


def _commands(lines: list[tuple[int, str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(_words(number, line) for number, line in lines if _says(line))


def _words(number: int, line: str) -> tuple[str, ...]:
    try:
        found = words.split(line)
    except ValueError as error:
        raise InfoFileError(
            f"line {number}: {error} in {label(line, 40)!r}", "quote words as for a shell"
        ) from None
    if not found[0]:
        raise InfoFileError(f"line {number}: the program's name is empty")
    return found


def _refuse_almost_header(number: int, line: str) -> None:
    """Refuse `Name: x` and `name:x`, which would run a program called `Name:`."""
    found = _ALMOST_HEADER.match(line)
    if found and found[1].lower() in _READERS:
        raise InfoFileError(
            f"line {number}: {label(line, 40)!r} is almost a header",
            f"write `{found[1].lower()}: value`, in lower case, with a blank after the colon",
        )


def _written(info: Info) -> Iterator[tuple[str, str]]:
    """Yield key and value of every field that differs from its default."""
    for field, write in _WRITERS.items():
        value = getattr(info, field)
        if value != _DEFAULTS[field]:
            try:
                yield field, write(value)
            except ValueError as error:
                raise InfoFileError(f"{field}: {label(str(error), _SAID)}") from None
            except RenderdError as error:
                said = label(error.message, _SAID)
                raise InfoFileError(f"{field}: {said}", error.remedy) from None


def _extra_line(key: str, value: str) -> str:
    if not _EXTRA.fullmatch(key):
        raise InfoFileError(f"{label(key, 40)!r} is no key of one's own", "write x-…")
    try:
        return f"{key}: {infovalue.anything_text(value)}" if value else f"{key}:"
    except ValueError as error:
        raise InfoFileError(f"{key}: {error}") from None


def _command_line(words: tuple[str, ...], *, opens: bool) -> str:
    if not words or not words[0]:
        raise InfoFileError("a command line has no program")
    if infovalue.UNWRITABLE.search("".join(words)):
        raise InfoFileError(f"no command line can hold {label(' '.join(words), 60)!r}")
    quoted = shlex.join(words)
    if opens and _ALMOST_HEADER.match(quoted):
        return " ".join((f"'{words[0]}'", *map(shlex.quote, words[1:])))
    return quoted


def _frames_text(runs: tuple[Run, ...]) -> str:
    if not runs:
        raise ValueError("no frames are given")
    return frames.text(runs)


def _chunk(value: str) -> int:
    return 0 if value == "auto" else infovalue.number(value, 1, frames.MAX_COUNT, "or auto")


def _chunk_text(value: int) -> str:
    return "auto" if value == 0 else infovalue.number_text(value, 1, frames.MAX_COUNT)


_CODECS: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "name": (infovalue.visible, infovalue.visible_text),
    "frames": (frames.parse, _frames_text),
    "chunk": (_chunk, _chunk_text),
    "blend": (infovalue.path, infovalue.path_text),
    "scene": (infovalue.anything, infovalue.anything_text),
    "out": (infovalue.path, infovalue.path_text),
    "priority": infovalue.between(0, 99),
    "pool": (infovalue.pools, infovalue.pools_text),
    "needs": (infovalue.wanted, infovalue.needs_text),
    "after": (infovalue.names, infovalue.names_text),
    "hold": (infovalue.yes, infovalue.yes_text),
    "nodes": infovalue.between(1, 100_000),
    "timeout": (amounts.duration, infovalue.duration_text),
    "missing": infovalue.choice("fail", "warn"),
    "whole": (infovalue.yes, infovalue.yes_text),
    "warm": (infovalue.yes, infovalue.yes_text),
    "env": (infovalue.env, infovalue.env_text),
    "keep": (amounts.duration, infovalue.duration_text),
    "retries": infovalue.between(0, 99),
    "video": (video.parse, video.text),
}
_READERS = {key: codec[0] for key, codec in _CODECS.items()}
_WRITERS = {key: codec[1] for key, codec in _CODECS.items()}
_DEFAULTS = {field.name: field.default for field in fields(Info)}
