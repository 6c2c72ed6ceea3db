"""Temporary folders for commands: each its own, below one of this daemon's.

A renderer that is killed leaves its temporary files where they are.  So every attempt gets an
empty TMPDIR of its own, what it leaves there goes with it, and what a killed daemon left the next
one removes, whoever of this user's that is: the lock in a daemon's folder is free as soon as the
daemon is gone.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import IO

import portalocker

PREFIX = "renderd-tmp-"
_NEW = "renderd-new-"
_LOCK = "lock"
LONGEST = 80  #: bytes of a TMPDIR; programs make sockets there, and those take 108 at most


class Scratch:
    """One daemon's folder for temporary files, there as long as the daemon is."""

    def __init__(self, path: str, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock
        self._spare: list[str] = []  #: empty folders: most attempts leave theirs so

    @classmethod
    def open(cls, parent: str = "") -> "Scratch":
        """Make one in the folder for temporary files.  Raises OSError."""
        parent = parent or tempfile.gettempdir()
        made = tempfile.mkdtemp(prefix=_NEW, dir=parent)
        lock = open(os.path.join(made, _LOCK), "w", encoding="ascii")  # noqa: SIM115
        portalocker.lock(lock, portalocker.LOCK_EX | portalocker.LOCK_NB)
        # It gets the name that others look for when it is locked, or it would seem abandoned.
        path = os.path.join(parent, PREFIX + made.rpartition(_NEW)[2])
        os.rename(made, path)
        return cls(path, lock)

    @contextlib.contextmanager
    def folder(self) -> Iterator[str]:
        """An empty folder for one attempt; "" where none can be made that is short enough."""
        made = self._spare.pop() if self._spare else self._make()
        try:
            yield made
        finally:
            if made:
                self._put_back(made)

    def _make(self) -> str:
        with contextlib.suppress(OSError):
            made = tempfile.mkdtemp(prefix="", dir=self.path)
            if len(os.fsencode(made)) <= LONGEST:
                return made
            os.rmdir(made)
        return ""

    def _put_back(self, made: str) -> None:
        try:
            is_empty = not os.listdir(made)
        except OSError:
            return
        if is_empty:
            self._spare.append(made)
        else:
            shutil.rmtree(made, ignore_errors=True)

    def close(self) -> None:
        """Remove all of it; what a command that will not end still writes stays for a sweep."""
        _remove(self.path)
        self._lock.close()


def sweep(parent: str = "") -> int:
    """Remove the folders of this user's daemons that are gone; how many there were."""
    parent, count = parent or tempfile.gettempdir(), 0
    with contextlib.suppress(OSError), os.scandir(parent) as found:
        for one in found:
            if one.name.startswith(PREFIX) and one.is_dir(follow_symlinks=False):
                count += _sweep(one.path)
    return count


def _sweep(path: str) -> bool:
    try:
        if os.lstat(path).st_uid != os.geteuid():
            return False
        with open(os.path.join(path, _LOCK), "r+", encoding="ascii") as lock:
            portalocker.lock(lock, portalocker.LOCK_EX | portalocker.LOCK_NB)
            _remove(path)
    except (OSError, portalocker.LockException):
        return False
    return True


def _remove(path: str) -> None:
    """The lock goes last: a folder that cannot be emptied now must be found again."""
    with contextlib.suppress(OSError):
        with os.scandir(path) as found:
            left = [one for one in found if one.name != _LOCK]
        for one in left:
            if one.is_dir(follow_symlinks=False):
                shutil.rmtree(one.path, ignore_errors=True)
            else:
                os.unlink(one.path)
        if os.listdir(path) == [_LOCK]:
            os.unlink(os.path.join(path, _LOCK))
            os.rmdir(path)
