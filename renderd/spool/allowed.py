"""Where frames may go on a host: below its output roots, all links followed."""

import os
from collections.abc import Sequence


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
