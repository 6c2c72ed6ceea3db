"""The entries of one folder, by a single scandir, and their order."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from fs_browser.core.kinds import Kind, of_file
from renderd.core.litter import is_litter

_NUMBERS = re.compile(r"([0-9]+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder; of a link, what it leads to."""

    name: str  #: holds surrogates where the bytes are no UTF-8
    kind: Kind
    size_bytes: int | None  #: None for folders, and where the file system does not tell
    mtime_ns: int | None
    is_link: bool = False

    @property
    def is_hidden(self) -> bool:
        """Whether it is shown only when asked for: `.name`, `name~`, litter of servers."""
        return is_hidden(self.name)


def is_hidden(name: str) -> bool:
    """Tell names that Blender hides, `.name` and `name~`, and what servers leave: `@eaDir` …"""
    return name.startswith(".") or name.endswith("~") or is_litter(name)


def scan(folder: str, *, with_hidden: bool = False) -> Iterator[Entry]:
    """Yield the folder's entries as the file system gives them; OSError when it cannot be read.

    Nothing is opened.  What vanishes meanwhile is left out; a link that leads nowhere is told
    as itself.
    """
    found = os.scandir(folder)
    with closing(found):
        for one in found:
            if (with_hidden or not is_hidden(one.name)) and (entry := _entry(one)):
                yield entry


def _entry(one: "os.DirEntry[str]") -> Entry | None:
    name = one.name
    is_link = one.is_symlink()
    try:
        status = _status(one)
    except FileNotFoundError:
        return None
    except OSError:
        # a folder may be read though its names may not be followed
        return Entry(name, Kind.FOLDER if _is_folder(one) else of_file(name), None, None, is_link)
    if stat.S_ISREG(status.st_mode):
        return Entry(name, of_file(name), status.st_size, status.st_mtime_ns, is_link)
    kind = Kind.FOLDER if stat.S_ISDIR(status.st_mode) else Kind.OTHER
    return Entry(name, kind, None, status.st_mtime_ns, is_link)


def _status(one: "os.DirEntry[str]") -> os.stat_result:
    try:
        return one.stat()
    except OSError:
        if not one.is_symlink():
            raise
    return one.stat(follow_symlinks=False)


def _is_folder(one: "os.DirEntry[str]") -> bool:
    try:
        return one.is_dir()
    except OSError:
        return False


def natural(name: str) -> tuple[list[str | int], str]:
    """Return a key that sorts as people do: numbers by value, letters whatever their case."""
    parts: list[str | int] = list(_NUMBERS.split(name.casefold()))
    # casefold leaves digits alone, and every second part is one: text meets text, number number
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return parts, name
