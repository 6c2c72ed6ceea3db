"""Which programs a host runs and where frames may go: its allow-lists."""

import os
import shutil
from collections.abc import Sequence
from fnmatch import fnmatchcase


def program_allowed(argv0: str, allowed: Sequence[str]) -> bool:
    """True where the host's list holds this program; an empty list allows every one.

    An entry is a bare name, found on the daemon's PATH, or an absolute path in which `*` stands
    for anything within one folder's name.
    """
    if not allowed:
        return True
    if "/" not in argv0:
        found = shutil.which(argv0)
        return argv0 in allowed or (found is not None and program_allowed(found, allowed))
    if not os.path.isabs(argv0) or ".." in argv0.split("/"):
        return False
    names = [entry for entry in allowed if "/" not in entry]
    homes = {os.path.realpath(found) for name in names if (found := shutil.which(name))}
    if os.path.realpath(argv0) in homes:
        return True
    return any(_fits(argv0, entry) for entry in allowed if os.path.isabs(entry))


def output_allowed(path: str, roots: Sequence[str]) -> bool:
    """True where a frame written here ends inside one of the roots, all links followed.

    An empty list allows every absolute path; `..` is never allowed.
    """
    if not os.path.isabs(path) or ".." in path.split("/"):
        return False
    if not roots:
        return True
    if not any(_is_below(os.path.normpath(path), os.path.normpath(root)) for root in roots):
        return False
    real = os.path.realpath(path)
    return any(_is_below(real, os.path.realpath(root)) for root in roots)


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _fits(path: str, pattern: str) -> bool:
    words, wanted = os.path.normpath(path).split("/"), os.path.normpath(pattern).split("/")
    return len(words) == len(wanted) and all(map(fnmatchcase, words, wanted))
