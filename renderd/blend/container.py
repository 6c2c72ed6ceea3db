"""Opening a .blend: what may be opened at all, and what it is packed in."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from renderd.blend.gzip import Gzip
from renderd.blend.names import shown
from renderd.blend.source import Source, reading
from renderd.blend.zstd import Zstd
from renderd.errors import BlendError

_FIRST = 4096
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Source]:
    """Open a .blend to be read in order; links are followed, only regular files opened.

    Looks before it opens: opening a pipe would wait for ever, opening a device may act.
    """
    name = os.fspath(path)
    if "\0" in name:
        raise BlendError(f"{shown(name)}: cannot be a path: it holds a NUL", "check the spelling")
    with reading(name):
        _require_file(name, os.stat(name))
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with reading(name):
            found = os.fstat(descriptor)
            _require_file(name, found)
            first = os.read(descriptor, _FIRST)
        source = _kind(first)(name, descriptor, found.st_size, first)
        try:
            yield source
        finally:
            source.release()
    finally:
        os.close(descriptor)


def _kind(first: bytes) -> type[Source]:
    # By content, never by suffix: Blender itself writes .blend1, and packs without renaming.
    if first.startswith(_GZIP):
        return Gzip
    if first.startswith(_ZSTD) or (first[1:4] == _SKIPPABLE and first[0] >> 4 == 5):
        return Zstd
    return Source


def _require_file(path: str, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    for is_kind, words in _KINDS:
        if is_kind(found.st_mode):
            raise BlendError(f"{shown(path)}: is {words}, not a file", "choose a .blend file")
    raise BlendError(f"{shown(path)}: is no regular file", "choose a .blend file")
