"""Bookmarks and recent folders, kept in a text file of Blender's form.

    [Bookmarks]
    !shots
    /srv/film/shots
    [Recent]
    /srv/film/shots/010

A line that begins with `!` names the folder of the next line.  Blender's own file has the same
form, so a person's bookmarks there are taken over at first.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

_MOST_RECENT = 12
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A folder, and the name it was given; empty for none."""

    path: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file holds."""

    bookmarks: tuple[Bookmark, ...] = ()
    recent: tuple[str, ...] = field(default=())  #: the latest first

    def with_bookmark(self, path: str) -> "Kept":
        """With one more at the end; the same where it is there already."""
        if any(one.path == path for one in self.bookmarks):
            return self
        return replace(self, bookmarks=(*self.bookmarks, Bookmark(path)))

    def without_bookmark(self, path: str) -> "Kept":
        """Without the bookmarks of a folder."""
        return replace(self, bookmarks=tuple(b for b in self.bookmarks if b.path != path))

    def visited(self, path: str) -> "Kept":
        """With a folder as the latest of the recent ones."""
        others = [one for one in self.recent if one != path]
        return replace(self, recent=(path, *others)[:_MOST_RECENT])


def parse(text: str) -> Kept:
    """Read the file's text; lines that mean nothing are passed over."""
    section, name = "", ""
    bookmarks: list[Bookmark] = []
    recent: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            section, name = line.strip("[] "), ""
        elif line.startswith("!"):
            name = line[1:].strip()
        elif os.path.isabs(line):
            path = line.rstrip("/") or "/"
            if section == "Bookmarks" and all(one.path != path for one in bookmarks):
                bookmarks.append(Bookmark(path, name))
            elif section == "Recent" and path not in recent:
                recent.append(path)
            name = ""
    return Kept(tuple(bookmarks), tuple(recent[:_MOST_RECENT]))


def text(kept: Kept) -> str:
    """Write what `parse` reads."""
    lines = ["[Bookmarks]"]
    for one in kept.bookmarks:
        lines += [f"!{one.name}"] * bool(one.name) + [one.path]
    return "\n".join([*lines, "[Recent]", *kept.recent]) + "\n"


def load(path: str, blenders: str) -> Kept:
    """Read the file; where there is none yet, Blender's bookmarks below its settings' folder."""
    try:
        return parse(_read(path))
    except FileNotFoundError:
        return Kept(_of_blender(blenders).bookmarks)
    except OSError:
        return Kept()


def save(path: str, kept: Kept) -> None:
    """Write the file at once or not at all.  Raises OSError."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    # a name with a line break cannot be kept in lines
    whole = [one for one in kept.bookmarks if "\n" not in one.path]
    recent = [one for one in kept.recent if "\n" not in one]
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text(Kept(tuple(whole), tuple(recent))))
    os.replace(temporary, path)


def _of_blender(folder: str) -> Kept:
    try:
        versions = sorted(os.listdir(folder), key=_version, reverse=True)
    except OSError:
        return Kept()
    return next(_readable(os.path.join(folder, v, "config", "bookmarks.txt") for v in versions))


def _readable(paths: Iterable[str]) -> Iterator[Kept]:
    for path in paths:
        try:
            yield parse(_read(path))
        except OSError:
            continue
    yield Kept()


def _version(name: str) -> tuple[int, ...]:
    parts = name.split(".")
    return tuple(int(part) for part in parts) if all(p.isdecimal() for p in parts) else ()


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read(_MOST_BYTES)
