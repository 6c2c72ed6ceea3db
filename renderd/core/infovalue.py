"""The kinds of value an info file's keys have: read one, write one.

A reader raises ValueError or RenderdError with the sentence for a person; a writer does so for a
value that its reader would not give back.
"""

import json
import re
from collections.abc import Callable

from renderd.core import amounts, jsonvalue, needs
from renderd.core.label import UNSEEN
from renderd.core.needs import NO_NEEDS, Needs
from renderd.errors import InfoFileError

#: variables that a job may set; a program's own settings go on its command line
ENV_NAMES = (
    "OCIO",
    "OCIO_*",
    "OMP_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "BLENDER_USER_*",
    "BLENDER_SYSTEM_*",
    "CYCLES_*",
    "RENDERD_X_*",
)
_ENV_ALLOWED = re.compile("|".join(name.replace("*", "[A-Z0-9_]+") for name in ENV_NAMES))
_ENV_ITEM = re.compile(
    r'[ \t]*([A-Za-z_][A-Za-z0-9_]*)=("(?:[^"\\]|\\.)*"|[^",][^,]*|)[ \t]*(?:,|$)'
)
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  #: no line of a text file has these
#: what a command line cannot say, even quoted: it is one line of UTF-8
UNWRITABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
#: bytes that are not UTF-8 stand as U+DC80…DCFF (surrogateescape); other surrogates are nothing
_NOTHING = re.compile("[\x00\ud800-\udc7f\udd00-\udfff]")


def anything(value: str) -> str:
    """Read free text; in double quotes it is a JSON string if it can be one."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    try:
        read = jsonvalue.parse(value)
    except ValueError:
        return value
    return _some(read) if isinstance(read, str) else value


def anything_text(value: str) -> str:
    """Write free text, quoted only where it would not be read back plain."""
    _some(value)
    plain = value == value.strip(" \t") and value[:1] not in {"", '"'}
    return value if plain and not UNWRITABLE.search(value) else json.dumps(value)


def visible(value: str) -> str:
    """Read text for people: no control, direction or line signs, not empty."""
    read = anything(value)
    if not read.strip() or UNSEEN.search(read):
        raise ValueError(f"{read!r} holds signs that cannot be seen, or nothing")
    return read


def visible_text(value: str) -> str:
    """Write text for people; ValueError for signs that cannot be seen."""
    return anything_text(visible(json.dumps(value)))


def path(value: str) -> str:
    """Read a path or pattern: no line breaks or other control characters."""
    read = anything(value)
    if not read or CONTROL.search(read) or "\t" in read or "\n" in read:
        raise ValueError(
            f"{read!r} is no path (in double quotes a backslash is written twice, or not quoted)"
        )
    return read


def path_text(value: str) -> str:
    """Write a path or pattern."""
    return anything_text(path(json.dumps(value)))


def number(value: str, least: int, most: int, otherwise: str = "") -> int:
    """Read a whole number from `least` to `most`."""
    if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise ValueError(" ".join(f"{value!r} is no number {least}-{most} {otherwise}".split()))
    return int(value)


def number_text(value: int, least: int, most: int) -> str:
    """Write a whole number from `least` to `most`."""
    return str(number(str(value), least, most))


def between(least: int, most: int) -> tuple[Callable[[str], int], Callable[[int], str]]:
    """Return reader and writer of a whole number."""
    return (
        lambda value: number(value, least, most),
        lambda value: number_text(value, least, most),
    )


def choice(*words: str) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Return reader and writer of one word out of a few."""

    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is neither {' nor '.join(words)}")
        return value

    return read, read


def yes(value: str) -> bool:
    """Read yes or no."""
    if value not in {"yes", "no"}:
        raise ValueError(f"{value!r} is neither yes nor no")
    return value == "yes"


def yes_text(value: bool) -> str:
    """Write yes or no."""
    return "yes" if value else "no"


def duration_text(value: float) -> str:
    """Write seconds as a duration."""
    if not amounts.is_duration(value):
        raise ValueError(f"{value!r} s is no duration")
    return amounts.duration_text(value)


def pools(value: str) -> tuple[str, ...]:
    """Read pool names with commas or blanks between, each once."""
    return tuple(dict.fromkeys(needs.name(word, "pool") for word in re.split(r"[, \t]+", value)))


def pools_text(value: tuple[str, ...]) -> str:
    """Write pool names."""
    written = ", ".join(value)
    if pools(written) != value:
        raise ValueError(f"{value!r} are no names of pools, each once")
    return written


def wanted(value: str) -> Needs:
    """Read needs, at least one."""
    found = Needs.parse(value)
    if found == NO_NEEDS:
        raise ValueError("nothing is asked for")
    return found


def needs_text(value: Needs) -> str:
    """Write needs, of which there is at least one."""
    written = value.text()
    if Needs.parse(written) != value:
        raise ValueError(f"{written!r} cannot be asked for in this form")
    return written


def names(value: str) -> tuple[str, ...]:
    """Read job ids or names with commas between; names may hold blanks."""
    found = tuple(visible(part.strip()) if part.strip() else "" for part in value.split(","))
    if not all(found):
        raise ValueError("a name between two commas is missing")
    return found


def names_text(value: tuple[str, ...]) -> str:
    """Write job ids or names; one with a comma cannot be named, only its id."""
    written = ", ".join(value)
    if names(written) != value:
        raise ValueError(f"{value!r} cannot be named here; use the jobs' ids")
    return written


def env(value: str) -> tuple[tuple[str, str], ...]:
    """Read `OCIO=/p/config.ocio, CYCLES_X="a, b"`; only allowed names, each once."""
    found: dict[str, str] = {}
    at = 0
    while at < len(value):
        item = _ENV_ITEM.match(value, at)
        if item is None:
            raise InfoFileError(f"{value[at:].strip()!r} is no NAME=value", "put commas between")
        name, at = item[1], item.end()
        if name in found:
            raise InfoFileError(f"{name!r} is set a second time", "set it once")
        found[_allowed(name)] = _env_value(item[2])
    return tuple(found.items())


def env_text(value: tuple[tuple[str, str], ...]) -> str:
    """Write variables, quoting the values that need it."""
    written = ", ".join(f"{name}={_env_quoted(content)}" for name, content in value)
    if env(written) != value:
        raise ValueError(f"{value!r} cannot be set")
    return written


def _some(text: str) -> str:
    bad = _NOTHING.search(text)
    if bad:
        raise ValueError(f"{text!r} holds {bad[0]!r}, which no name can")
    return text


def _allowed(name: str) -> str:
    if _ENV_ALLOWED.fullmatch(name):
        return name
    raise InfoFileError(f"a job may not set {name!r}", "allowed are " + ", ".join(ENV_NAMES))


def _env_value(written: str) -> str:
    if not written.startswith('"'):
        return written.strip(" \t")
    try:
        return _some(str(jsonvalue.parse(written)))
    except ValueError:
        raise InfoFileError(f"{written} is no quoted text", 'write "…" with \\" and \\\\') from None


def _env_quoted(value: str) -> str:
    return json.dumps(_some(value)) if "," in value else anything_text(value) if value else ""
