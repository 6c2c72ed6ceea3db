"""New folders and new names, never over what is there; for a thread of its own."""

import errno
import os

_NEW = "New folder"


def make_folder(parent: str) -> str:
    """Make a folder with a free name; the name.  Raises OSError."""
    at = 1
    while True:
        name = _NEW if at == 1 else f"{_NEW} {at}"
        try:
            os.mkdir(os.path.join(parent, name))
        except FileExistsError:
            at += 1
        else:
            return name


def complaint(name: str) -> str:
    """Why a file cannot have a name; empty where it can."""
    if name.strip() in ("", ".", ".."):
        return "a name needs a letter or a number"
    if "/" in name or "\0" in name:
        return "a name holds no /"
    if len(os.fsencode(name)) > 255:
        return "a name has at most 255 bytes"
    return ""


def rename(folder: str, old: str, new: str) -> None:
    """Give a file or folder another name.  Raises OSError, also where the name is taken."""
    source, target = os.path.join(folder, old), os.path.join(folder, new)
    if os.path.lexists(target) and not _is_same(source, target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    os.rename(source, target)


def _is_same(one: str, other: str) -> bool:
    # a folder that tells no letters' case apart: `Shot` may become `shot`
    return one.casefold() == other.casefold() and os.path.samefile(one, other)
