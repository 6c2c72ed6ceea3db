"""Fail-points: the real share, one call of which fails or is the program's last."""

import errno
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, TypeVar

from renderd.spool.share import READ_LIMIT, Lock, PosixShare, Space, Stat

Answer = TypeVar("Answer")

DEATH = 0  #: in place of an errno: kill -9
ERRORS = (
    *(errno.EIO, errno.ESTALE, errno.ENOSPC, errno.EDQUOT, errno.EACCES),
    *(errno.EINTR, errno.EMLINK, errno.EXDEV, errno.ETIMEDOUT),
)
#: what a client's repeated request meets when the first one was done and its reply was lost
SECOND_ANSWER = {
    **dict.fromkeys(("rename", "unlink", "rmdir"), errno.ENOENT),
    **dict.fromkeys(("create", "mkdir", "symlink", "copy"), errno.EEXIST),
}
CHANGES = {*SECOND_ANSWER, "append", "rewrite"}
WRITES = {"create", "append", "rewrite", "copy"}  #: of which a part may arrive


class When(StrEnum):
    """Where in a call the fault strikes."""

    BEFORE = "before"
    TORN = "torn"  #: a part of the data was written
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and at which call."""

    at: int  #: counted from 1
    when: When
    number: int  #: an errno, or DEATH

    def __str__(self) -> str:
        what = "death" if self.number == DEATH else errno.errorcode[self.number]
        return f"{what}:{self.when}:{self.at}"


def parse(text: str) -> Fault:
    """The fault that a line of the report names, as `EIO:after:17`."""
    what, when, at = text.split(":")
    return Fault(int(at), When(when), DEATH if what == "death" else getattr(errno, what))


def faults_of(call: str, at: int) -> list[Fault]:
    """All that can go wrong with one call: each error before and after its effect, and death.

    A death before a call leaves what one after the last change left, which is tried there.
    """
    if call not in CHANGES:
        return [Fault(at, When.BEFORE, n) for n in (*ERRORS, *[DEATH] * (at == 1))]
    whens = [When.BEFORE, *[When.TORN] * (call in WRITES), When.AFTER]
    found = [Fault(at, when, number) for when in whens for number in ERRORS]
    found += [Fault(at, w, DEATH) for w in whens if w is not When.BEFORE or at == 1]
    if call in SECOND_ANSWER:
        found.append(Fault(at, When.AFTER, SECOND_ANSWER[call]))
    return found


@dataclass
class Points:
    """Counts the calls of all programs of a farm, and strikes at one of them."""

    fault: Fault | None = None
    is_armed: bool = False
    calls: list[str] = field(default_factory=list)  #: made while armed
    struck: str = ""  #: the call that was hit, and its path
    changes: Counter[str] = field(default_factory=Counter)  #: by folder
    era: int = 0  #: counts programs whose changes this one did not see

    def strikes(self, call: str, path: str) -> Fault | None:
        """Count a call; the fault that hits it."""
        if not self.is_armed:
            return None
        self.calls.append(call)
        if self.fault is None or len(self.calls) != self.fault.at:
            return None
        self.struck = f"{call} {path}"
        return self.fault


class FaultyShare(PosixShare):
    """The real share of one program of the farm."""

    def __init__(self, points: Points) -> None:
        self._points = points

    def _do(
        self,
        call: str,
        path: str,
        act: Callable[[], Answer],
        tear: Callable[[], object] | None = None,
    ) -> Answer:
        fault = self._points.strikes(call, path)
        if fault is None:
            return act()
        if fault.when is When.BEFORE:
            _strike(fault, path)
        if fault.when is When.TORN and tear is not None:
            tear()
            _strike(fault, path)
        answer = act()
        if fault.when is When.AFTER:
            _strike(fault, path)
        return answer

    def _change(
        self,
        call: str,
        path: str,
        act: Callable[[], None],
        tear: Callable[[], object] | None = None,
        *others: str,
    ) -> None:
        for one in (path, *others):
            self._points.changes[one.rpartition("/")[0]] += 1
        self._do(call, path, act, tear)

    def changed_at(self, path: str) -> int:
        # The farm's clock runs faster than that of the file system, whose times stand for 4 ms.
        points, real = self._points, super().changed_at
        change = points.changes[path] + (points.era << 20)
        return self._do("changed_at", path, lambda: real(path)) + change

    def listdir(self, path: str) -> list[str]:
        return self._do("listdir", path, lambda: sorted(PosixShare.listdir(self, path)))

    def stat(self, path: str) -> Stat:
        return self._do("stat", path, lambda: PosixShare.stat(self, path))

    def read(self, path: str, limit: int = READ_LIMIT, start: int = 0) -> bytes:
        return self._do("read", path, lambda: PosixShare.read(self, path, limit, start))

    def open(self, path: str) -> BinaryIO:
        return self._do("open", path, lambda: PosixShare.open(self, path))

    def open_target(self, path: str) -> BinaryIO:
        return self._do("open_target", path, lambda: PosixShare.open_target(self, path))

    def stat_target(self, path: str) -> Stat:
        return self._do("stat_target", path, lambda: PosixShare.stat_target(self, path))

    def lock(self, path: str, *, shared: bool = False) -> Lock | None:
        return self._do("lock", path, lambda: PosixShare.lock(self, path, shared=shared))

    def space(self, path: str) -> Space:
        return self._do("space", path, lambda: PosixShare.space(self, path))

    def sync_file(self, path: str) -> None:
        self._do("sync_file", path, lambda: None)  # a file system in memory: nothing to bring

    def sync_folder(self, path: str) -> None:
        self._do("sync_folder", path, lambda: None)

    def copy(self, source: str, target: str) -> None:
        real, half = super().copy, self._half(source)
        self._change("copy", target, lambda: real(source, target), lambda: _put(target, half()))

    def symlink(self, text: str, path: str) -> None:
        real = super().symlink
        self._change("symlink", path, lambda: real(text, path))

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        del sync
        real, half = super().create, data[: len(data) // 2]
        self._change("create", path, lambda: real(path, data), lambda: real(path, half))

    def rename(self, old: str, new: str) -> None:
        real = super().rename
        self._change("rename", old, lambda: real(old, new), None, new)

    def unlink(self, path: str) -> None:
        real = super().unlink
        self._change("unlink", path, lambda: real(path))

    def mkdir(self, path: str) -> None:
        real = super().mkdir
        self._change("mkdir", path, lambda: real(path))

    def rmdir(self, path: str) -> None:
        real = super().rmdir
        self._change("rmdir", path, lambda: real(path))

    def append(self, path: str, data: bytes) -> None:
        real, half = super().append, data[: len(data) // 2]
        self._change("append", path, lambda: real(path, data), lambda: real(path, half))

    def rewrite(self, path: str, data: bytes) -> None:
        real, half = super().rewrite, data[: len(data) // 2]
        self._change("rewrite", path, lambda: real(path, data), lambda: real(path, half))

    @staticmethod
    def _half(path: str) -> Callable[[], bytes]:
        def read() -> bytes:
            with open(path, "rb") as file:
                data = file.read()
            return data[: len(data) // 2]

        return read


def _put(path: str, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)


def _strike(fault: Fault, path: str) -> None:
    if fault.number == DEATH:
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(fault.number, os.strerror(fault.number), path)
