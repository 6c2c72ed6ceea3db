"""Paths as they are written in a .blend, and where they lead."""

import os
import re

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def resolve(path: str, file: str) -> str:
    """A path as Blender reads it: // is the folder of the .blend it stands in."""
    if is_of_windows(path):
        return path
    path = path.replace("\\", "/")
    if path.startswith("//"):
        path = f"{os.path.dirname(file)}/{path[2:]}"
    return os.path.normpath(path) if path else ""


def is_relative(path: str) -> bool:
    """Whether a path is counted from the .blend it stands in."""
    return path.startswith("//")


def is_of_windows(path: str) -> bool:
    """Whether a path names a Windows drive or server; a leading // is Blender's own sign."""
    return _WINDOWS.match(path) is not None and os.name != "nt"
