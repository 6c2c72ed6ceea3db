"""Which Blenders this machine has, and which of them may open a file.

Asking a Blender for its version takes 0.4 s, too long before a first claim: the answer is
kept in the state folder until the program changes.
"""

import contextlib
import glob
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Version = tuple[int, int, int]
_T = TypeVar("_T", int, str)

CACHE_NAME = "blenders.json"
#: A Blender that has not told its version by then is broken, or its share hangs.
ANSWER_SECONDS = 30.0

_VERSION = re.compile(r"^Blender (\d+)\.(\d+)(?:\.(\d+))?", re.M)
_VERSION_FOLDER = re.compile(r"(\d)\.(\d{1,2})")


@dataclass(frozen=True, slots=True)
class BlenderProgram:
    """One Blender of this machine: the words that start it and what it is."""

    words: tuple[str, ...]
    version: Version | None  #: None while nobody has asked it
    is_module: bool = False  #: the bpy package rather than the program
    fault: str = ""  #: why it cannot render as farm.toml asks, in one clause
    addons: tuple[str, ...] = ()  #: modules of farm.toml's add-ons, as this version calls them

    @property
    def text(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version)) if self.version else "unknown"


class VersionCache:
    """Versions by program file, kept on disk; a changed file is asked anew."""

    def __init__(self, state_dir: str) -> None:
        self._path = os.path.join(state_dir, CACHE_NAME)
        self._known: dict[str, list[int]] = read_json(self._path, int)

    def ask(self, program: str) -> Version | None:
        """What the program's ``-v`` says, run once until the program changes.

        Of one that says nothing the folder beside it tells the version but for corrections.
        """
        key = file_key(program)
        known = self._known.get(key) if key else None
        if known and len(known) == 3:
            return known[0], known[1], known[2]
        version = ask_version((program,))
        if key and version:
            self._known[key] = list(version)
            write_json(self._path, self._known)
        return version or _version_beside(program)


def find_blenders(
    globs: Sequence[str], search_path: str, cache: VersionCache
) -> list[BlenderProgram]:
    """Every Blender named by the farm's globs, on PATH, and as a package; newest first."""
    found = [
        BlenderProgram((program,), cache.ask(program)) for program in _programs(globs, search_path)
    ]
    module = find_module()
    if module:
        found.append(module)
    # Not [::-1] afterwards: of equal ones the first named stays first, as a shell takes it.
    return sorted(
        found, key=lambda one: (one.version or (0, 0, 0), not one.is_module), reverse=True
    )


def find_module() -> BlenderProgram | None:
    """The bpy package of this Python, started like a Blender; None where it is absent."""
    if importlib.util.find_spec("bpy") is None:
        return None
    try:
        version = _parse(f"Blender {importlib.metadata.version('bpy')}")
    except importlib.metadata.PackageNotFoundError:
        version = None
    return BlenderProgram((sys.executable, "-m", "renderd.blender"), version, is_module=True)


def ask_version(words: Sequence[str]) -> Version | None:
    """What the program answers to ``-v``; None where it fails, hangs or is no Blender."""
    try:
        answer = subprocess.run(
            [*words, "-v"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _parse(answer.stdout.decode("utf-8", "replace"))


def too_new(file_version: int, blender_version: Version) -> str | None:
    """Why this Blender must not open a file with this header version (405 is 4.5), else None.

    Blender 3.4 does not refuse a file of 4.x but crashes on it; a newer file of the same
    major version opens with parts silently missing.
    """
    theirs = divmod(file_version, 100)
    ours = blender_version[:2]
    if theirs <= ours:
        return None
    saved = f"{theirs[0]}.{theirs[1]}"
    here = f"{ours[0]}.{ours[1]}"
    if theirs[0] == ours[0]:
        return f"the file was saved by Blender {saved}, and {here} would lose what it does not know"
    return f"the file was saved by Blender {saved}, which {here} cannot open"


def choose(programs: Iterable[BlenderProgram], file_version: int) -> BlenderProgram | None:
    """The program nearest to the one that saved the file, never an older one; None if none fits.

    What a newer Blender changed on opening is smaller the nearer it is.
    """
    able = [
        program
        for program in programs
        if program.version and not too_new(file_version, program.version)
    ]
    return min(able, key=_age, default=None)


def _age(program: BlenderProgram) -> tuple[int, int, int, bool]:
    """Older first, but the latest corrections of one version, and programs before the package."""
    major, minor, patch = program.version or (0, 0, 0)
    return major, minor, -patch, program.is_module


def _programs(globs: Sequence[str], search_path: str) -> list[str]:
    """Executable files, each once however many names lead to it."""
    named = [path for pattern in globs for path in sorted(glob.glob(os.path.expanduser(pattern)))]
    for folder in search_path.split(os.pathsep):
        named.append(os.path.join(folder, "blender"))
    seen: set[str] = set()
    programs = []
    for path in named:
        if not os.path.isabs(path) or not os.path.isfile(path) or not os.access(path, os.X_OK):
            continue
        real = os.path.realpath(path)
        # Snap starts every program through one file, so there the name must count.
        identity = path if os.path.basename(real) == "snap" else real
        if identity not in seen:
            seen.add(identity)
            programs.append(path)
    return programs


def file_key(program: str) -> str | None:
    """What changes when the program file does; None where there is none."""
    try:
        real = os.path.realpath(program)
        stat = os.stat(real)
    except OSError:
        return None
    return f"{program}|{real}|{stat.st_mtime_ns}|{stat.st_size}"


def _version_beside(program: str) -> Version | None:
    """The version that the installation's own data folder is named after."""
    folder = os.path.dirname(os.path.realpath(program))
    for place in (folder, os.path.join(os.path.dirname(folder), "Resources")):
        try:
            names = [_VERSION_FOLDER.fullmatch(name) for name in os.listdir(place)]
        except OSError:
            continue
        found = [
            (int(name[1]), int(name[2]), 0)
            for name in names
            if name and os.path.isdir(os.path.join(place, name[0], "scripts"))
        ]
        if len(found) == 1:
            return found[0]
    return None


def _parse(text: str) -> Version | None:
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def write_json(path: str, known: Mapping[str, object]) -> None:
    """Keep what was learnt; where that fails only speed is lost: the next start asks again."""
    new = f"{path}.{os.getpid()}.tmp"
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(new, "w", encoding="utf-8") as file:
            json.dump(known, file)
        os.replace(new, path)


def read_json(path: str, kind: type[_T]) -> dict[str, list[_T]]:
    """What was learnt before: lists of one kind by name; empty where that cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {
        key: value
        for key, value in known.items()
        if isinstance(value, list) and all(isinstance(part, kind) for part in value)
    }
