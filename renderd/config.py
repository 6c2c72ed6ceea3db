"""This machine's settings: default < system file < user file < environment < flag.

A setting is one field of Settings.  Its key in the files, its variable RENDERD_<FIELD> and its
flag --<field> are derived from the field's name, so none can be forgotten.
"""

import argparse
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from types import MappingProxyType
from typing import Any

import platformdirs

from renderd.core import amounts, courtesy, hours, needs, table
from renderd.core.label import nearest
from renderd.core.table import Table
from renderd.errors import ConfigError, InfoFileError

APP = "neogeo-renderd"  # Debian has another package called renderd
SYSTEM_FILE = f"/etc/{APP}/config.toml"
PREFIX = "RENDERD_"
LOG_LEVELS = ("info", "debug", "warning", "error")
MAX_BYTES = 2**20
DEFAULT = "default"
#: variables that commands get from the daemon, and the one that names the file itself
_NO_SETTINGS = ("CONFIG", "JOB", "CHUNK", "FRAMES", "ATTEMPT")
_YES, _NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")

_Reader = Callable[[Table, str], Any]


def _text(values: Table, key: str) -> str:
    return values.text(key)


def _flag(values: Table, key: str) -> bool:
    return values.flag(key)


def _slots(values: Table, key: str) -> int:
    return values.whole(key, 1, 1, 64)


def _level(values: Table, key: str) -> str:
    return values.choice(key, LOG_LEVELS)


def _when(values: Table, key: str) -> str:
    return values.choice(key, tuple(courtesy.When))


def _hours(values: Table, key: str) -> str:
    text = values.text(key)
    try:
        hours.parse(text)
    except ValueError:
        raise values.wrong(key, f"hours like {hours.OFFICE!r}") from None
    return text


def _causes(values: Table, key: str) -> tuple[str, ...]:
    words = values.words(key)
    if not set(words) <= set(courtesy.YIELDS):
        raise values.wrong(key, "a list of " + ", ".join(courtesy.YIELDS))
    return words


def _percent(values: Table, key: str) -> int:
    return values.whole(key, 0, 0, 100)


def _degrees(values: Table, key: str) -> int:
    return values.whole(key, 0, 0, 100)


def _duration(values: Table, key: str) -> float:
    return values.duration(key, 0)


def _size(values: Table, key: str) -> int:
    return values.size(key, 0)


def _path(values: Table, key: str) -> str:
    path = os.path.expanduser(values.text(key))
    if path and not os.path.isabs(path):
        raise values.wrong(key, "a whole path")
    return path


def _paths(values: Table, key: str) -> tuple[str, ...]:
    paths = tuple(map(os.path.expanduser, values.words(key)))
    if not all(map(os.path.isabs, paths)):
        raise values.wrong(key, "a list of whole paths")
    return paths


def _words(values: Table, key: str) -> tuple[str, ...]:
    return values.words(key)


def _names(values: Table, key: str) -> tuple[str, ...]:
    words = values.words(key)
    try:
        return tuple(dict.fromkeys(needs.name(word, key[:-1]) for word in words))
    except InfoFileError as error:
        raise values.wrong(key, f"names; {error.remedy}") from None


def _is(read: _Reader, says: str, default: Any) -> Any:
    return field(default=default, metadata={"read": read, "help": says})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this machine was told; `origins` says of each field where its value comes from."""

    spool: str = _is(_path, "folder that is the farm", default="")
    node: str = _is(_text, "this node's name; the host's name where none is given", default="")
    pools: tuple[str, ...] = _is(_names, "pools this node is in", default=())
    tags: tuple[str, ...] = _is(_names, "what this node offers, for `needs: tag=…`", default=())
    slots: int = _is(_slots, "chunks at the same time", default=1)
    memory: int = _is(_size, "memory for jobs on this machine; 0: all of it", default=0)
    when: str = _is(_when, "always, away, off-hours or never", default="always")
    away: float = _is(
        _duration, "idle time after which a machine counts as left", default=courtesy.AWAY
    )
    office: str = _is(_hours, "hours in which off-hours rests", default=hours.OFFICE)
    yields: tuple[str, ...] = _is(
        _causes, "what makes it suspend its work", default=tuple(map(str, courtesy.YIELDS))
    )
    yield_load: int = _is(_percent, "load of others, in percent, that counts", default=90)
    yield_stall: int = _is(_percent, "waiting for memory, in percent, that counts", default=15)
    yield_free: int = _is(_percent, "free memory, in percent, below which it counts", default=3)
    yield_battery: int = _is(_percent, "battery left, in percent, that counts", default=100)
    yield_heat: int = _is(
        _degrees, "degrees below a sensor's critical value from which it counts", default=3
    )
    suspend_below: int = _is(
        _percent, "memory, in percent, from which a renderer is ended, not suspended", default=25
    )
    awake: bool = _is(_flag, "keep this machine from falling asleep over work", default=True)
    once: bool = _is(_flag, "work until nothing is left, then exit", default=False)
    allow_root: bool = _is(_flag, "run jobs although the daemon is root", default=False)
    programs: tuple[str, ...] = _is(
        _words, "programs that jobs may run here; none: any", default=()
    )
    outputs: tuple[str, ...] = _is(
        _paths, "folders that jobs may write below; none: any", default=()
    )
    key: str = _is(_path, "file with the farm's key, for signed info files", default="")
    blender: tuple[str, ...] = _is(
        _words, "Blender programs on this machine, besides PATH", default=()
    )
    warm: bool = _is(_flag, "keep Blender open between chunks", default=True)
    hang: float = _is(_duration, "silence after which a command counts as hung", default=600.0)
    log_cap: int = _is(_size, "most that one attempt's log may fill", default=64 * 2**20)
    log_level: str = _is(_level, "debug, info, warning or error", default="info")
    state_dir: str = _is(_path, "folder for what outlives a restart", default="")
    runtime_dir: str = _is(_path, "folder for sockets and locks", default="")
    socket: str = _is(_path, "path of the daemon's socket", default="")
    origins: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}), compare=False, repr=False
    )


def policy(settings: Settings) -> courtesy.Policy:
    """When this machine works for the farm, as the settings say."""
    return courtesy.Policy(
        when=courtesy.When(settings.when),
        away=settings.away,
        office=hours.parse(settings.office),
        yields=frozenset(settings.yields),
        limits=courtesy.Limits(
            load=settings.yield_load,
            stall=settings.yield_stall,
            free=settings.yield_free,
            held=settings.suspend_below,
            battery=settings.yield_battery,
            heat=settings.yield_heat,
        ),
    )


#: the settings' names, in the order of the reference
NAMES = tuple(one.name for one in fields(Settings) if one.name != "origins")


def load(
    flags: Mapping[str, object] = MappingProxyType({}),
    environ: Mapping[str, str] = os.environ,
    *,
    system_file: str = SYSTEM_FILE,
) -> Settings:
    """Gather the settings; a flag that is None was not given, strings are read as variables are.

    RENDERD_CONFIG names the only file that is read then.  Raises ConfigError naming the file,
    variable or flag, the key, and the nearest known one.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(NAMES, DEFAULT)
    for where, given in _sources(flags, environ, system_file):
        one = Table(given, where, NAMES)
        for key in given:
            values[key] = _field(key).metadata["read"](one, key)
            origins[key] = where
    return Settings(**values, origins=MappingProxyType(origins))


def files(environ: Mapping[str, str], system_file: str = SYSTEM_FILE) -> tuple[str, ...]:
    """Name the config files, weakest first; RENDERD_CONFIG stands alone."""
    if environ.get("RENDERD_CONFIG"):
        return (os.path.abspath(environ["RENDERD_CONFIG"]),)
    by_systemd = environ.get("CONFIGURATION_DIRECTORY", "").partition(":")[0]
    system = os.path.join(by_systemd, "config.toml") if by_systemd else system_file
    return (system, os.path.join(platformdirs.user_config_dir(APP, appauthor=False), "config.toml"))


def remember_spool(root: str, environ: Mapping[str, str] = os.environ) -> str:
    """Write the spool into the user's file, which may hold other settings and remarks; its path.

    Raises ConfigError where that file cannot be read or written, or says nonsense.
    """
    path = files(environ)[-1]
    line = f"spool = {_toml(root)}"
    _file(path, must_exist=False)  # what is no TOML is not written to
    try:
        with open(path, encoding="utf-8") as stream:
            old = stream.read()
    except FileNotFoundError:
        old = ""
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    top, section, rest = re.match(
        r"(.*?)(^[ \t]*\[|\Z)(.*)", old, re.DOTALL | re.MULTILINE
    ).groups()  # type: ignore[union-attr]
    said = re.compile(r"^[ \t]*spool[ \t]*=.*$", re.MULTILINE)
    top = said.sub(lambda _: line, top, count=1) if said.search(top) else f"{line}\n{top}"
    new = top + section + rest
    if table.load(new, path).get("spool") != root:
        raise ConfigError(f"{path} could not be changed", f"write into it: {line}")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as stream:
            stream.write(new)
        os.replace(path + ".new", path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
    return path


def shown(settings: Settings) -> tuple[tuple[str, str, str], ...]:
    """Return name, value as it stands in a file, and origin of every setting."""
    return tuple(
        (name, _toml(getattr(settings, name)), settings.origins.get(name, DEFAULT))
        for name in NAMES
    )


def add_flags(parser: argparse.ArgumentParser, names: Collection[str] = NAMES) -> None:
    """Give a parser the flags of some settings; what is not given stays None."""
    for name in names:
        one = _field(name)
        flag, says = "--" + name.replace("_", "-"), one.metadata["help"].replace("%", "%%")
        if isinstance(one.default, bool):
            parser.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=None, help=says
            )
            continue
        metavar = {str: "TEXT", int: "N", float: "TIME", tuple: "A,B"}[type(one.default)]
        parser.add_argument(flag, default=None, metavar=_METAVARS.get(name, metavar), help=says)


def doubtful(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return RENDERD_ variables that are none of ours but look like one, with a remedy."""
    found = []
    for name in sorted(environ):
        key = name.removeprefix(PREFIX)
        if key == name or key.startswith("X_") or key in _NO_SETTINGS or key.lower() in NAMES:
            continue
        remedy = nearest(key, NAMES)
        if remedy.startswith("did"):
            found.append((name, re.sub(r"'(.*)'", lambda m: PREFIX + m[1].upper(), remedy)))
    return tuple(found)


_METAVARS = {
    "spool": "DIR",
    "node": "NAME",
    "log_cap": "SIZE",
    "when": "WHEN",
    "office": "HOURS",
    "log_level": "LEVEL",
    "key": "FILE",
    "state_dir": "DIR",
    "runtime_dir": "DIR",
    "socket": "PATH",
}


def _field(name: str) -> "Field[Any]":
    return next(one for one in fields(Settings) if one.name == name)


def _sources(
    flags: Mapping[str, object], environ: Mapping[str, str], system_file: str
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each source's name and values, weakest first."""
    must_exist = bool(environ.get("RENDERD_CONFIG"))
    for path in files(environ, system_file):
        yield path, _file(path, must_exist=must_exist)
    for name in NAMES:
        variable = PREFIX + name.upper()
        if environ.get(variable):
            yield f"environment {variable}", {name: _loose(name, environ[variable])}
    for name, value in flags.items():
        if value is not None:
            given = _loose(name, value) if isinstance(value, str) and name in NAMES else value
            yield f"flag --{name.replace('_', '-')}", {name: given}


def _file(path: str, *, must_exist: bool) -> dict[str, object]:
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise ConfigError(f"there is no {path}", "RENDERD_CONFIG names it") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than 1 MiB")
    return table.load(text, path)


def _loose(name: str, text: str) -> object:
    """Turn a variable's or flag's text into what a file would hold; nonsense stays text."""
    one = _field(name)
    if isinstance(one.default, bool):
        word = text.strip().lower()
        return word in _YES if word in _YES + _NO else text
    if isinstance(one.default, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(one.default, int) and re.fullmatch("[0-9]{1,18}", text.strip()):
        return int(text)
    # a person types a path where he stands, a file stands anywhere
    return os.path.abspath(os.path.expanduser(text)) if one.metadata["read"] is _path else text


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f'"{amounts.duration_text(value)}"'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
