"""Keep a command out of the artist's way: scheduler, disk and memory priorities.

A session of its own gives a command its own autogroup, and between autogroups nice and
SCHED_IDLE count for nothing: the autogroup's own nice value is what protects the desktop.
Nor is what runs in such a group interrupted before its turn on the processor is over, so that
each wake-up of a program of the artist's would wait for up to 3 ms: turns are made short.
"""

import contextlib
import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass
from typing import Protocol

from renderd.host import process

NICE = 19
TURN_NS = 100_000  #: the shortest that Linux grants; from 6.12 on, older ones pass over it
OOM_SCORE = 500  #: the renderer dies before the artist's session does
_IDLE_CLASS = 3
_IOPRIO_CLASS_SHIFT = 13
_IOPRIO_WHO_PROCESS = 1
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30, "ppc64le": 273, "i686": 289}
_IOPRIO_GET = {"x86_64": 252, "aarch64": 31, "riscv64": 31, "ppc64le": 274, "i686": 290}
_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274, "ppc64le": 355, "i686": 351}
_GETATTR = {"x86_64": 315, "aarch64": 275, "riscv64": 275, "ppc64le": 356, "i686": 352}
#: size, policy, flags, nice, priority, runtime, deadline, period
_SCHED_ATTR = struct.Struct("=IIQiIQQQ")
#: what starts a command in the background: on macOS its band for that (untested)
PREFIX = ("/usr/sbin/taskpolicy", "-b") if sys.platform == "darwin" else ()
#: Windows' names: only what nobody else wants, of the processor and of the disk
IDLE_PRIORITY_CLASS, IO_PRIORITY_VERY_LOW = 0x40, 0

_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
_idle = os.sched_param(0) if hasattr(os, "sched_param") else None
_set_number = _IOPRIO_SET.get(platform.machine())
_get_number = _IOPRIO_GET.get(platform.machine())
_setattr_number = _SETATTR.get(platform.machine())
_getattr_number = _GETATTR.get(platform.machine())


@dataclass(frozen=True, slots=True)
class BackgroundFacts:
    """How one process is scheduled; None where the kernel does not say."""

    nice: int | None
    is_sched_idle: bool | None
    is_io_idle: bool | None
    oom_score_adj: int | None
    autogroup_nice: int | None

    @property
    def is_complete(self) -> bool:
        """Whether everything this kernel offers is set; what it lacks does not count."""
        return (
            self.nice in (None, NICE)
            and self.is_sched_idle in (None, True)
            and self.is_io_idle in (None, True)
            and (self.oom_score_adj is None or self.oom_score_adj >= OOM_SCORE)
            and self.autogroup_nice in (None, NICE)
        )


def apply_to(pid: int) -> bool:
    """Put a process, just started as a session leader, into the background; never raises.

    Covers what it has started by now, but for a fork under way: that child carries the old
    values and shows only later.  False: to be tried again in 0.1 s, for the kernel lets
    unprivileged users change an autogroup only ten times a second on the whole machine.
    """
    done: set[int] = set()
    fresh = [pid]
    is_settled = True
    while fresh:
        for task in fresh:
            is_settled &= _lower(task)
        done.update(fresh)
        fresh = [task for task in process.tasks(pid) if task not in done]
    return _write(f"/proc/{pid}/autogroup", NICE) and is_settled


def _lower(task: int) -> bool:
    """Scheduler and disk priority, kept for each thread; False: try the OOM score again."""
    if sys.platform == "win32":
        return _lower_on_windows(task)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, task, NICE)
    if _idle is not None:
        with contextlib.suppress(OSError):
            # Who is idle may be no more, and keeps the turns it had.
            if os.sched_getscheduler(task) != os.SCHED_IDLE:
                shorten(task)
                os.sched_setscheduler(task, os.SCHED_IDLE, _idle)
    if _libc is not None and _set_number is not None and sys.platform == "linux":
        value = _IDLE_CLASS << _IOPRIO_CLASS_SHIFT
        _libc.syscall(_set_number, _IOPRIO_WHO_PROCESS, task, value)
    if (oom_score(task) or 0) >= OOM_SCORE:
        return True
    return _write(f"/proc/{task}/oom_score_adj", OOM_SCORE)


def _lower_on_windows(pid: int) -> bool:
    """The whole process, and what it starts from then on (untested)."""
    import psutil  # noqa: PLC0415  # 5 MB that the guard need not carry on Linux

    with contextlib.suppress(psutil.Error, OSError):
        put_into_idle_class(psutil.Process(pid))
    return True


class WindowsProcess(Protocol):
    """What psutil offers of a process on Windows."""

    def nice(self, value: int) -> object:
        """Set the priority class."""

    def ionice(self, ioclass: int) -> object:
        """Set the disk's priority."""


def put_into_idle_class(it: WindowsProcess) -> None:
    """What Windows' background mode sets, which a process may enter but not put another into."""
    it.nice(IDLE_PRIORITY_CLASS)
    it.ionice(IO_PRIORITY_VERY_LOW)


def shorten(task: int) -> None:
    """Give a task of normal priority nice 19 and the shortest turns; never raises."""
    if _libc is not None and _setattr_number is not None and sys.platform == "linux":
        wanted = _SCHED_ATTR.pack(_SCHED_ATTR.size, os.SCHED_OTHER, 0, NICE, 0, TURN_NS, 0, 0)
        _libc.syscall(_setattr_number, task, wanted, 0)


def turn(task: int) -> int | None:
    """Nanoseconds of a turn of a task of normal priority; None where the kernel does not say."""
    if _libc is None or _getattr_number is None or sys.platform != "linux":
        return None
    said = ctypes.create_string_buffer(_SCHED_ATTR.size)
    if _libc.syscall(_getattr_number, task, said, _SCHED_ATTR.size, 0):
        return None
    return _SCHED_ATTR.unpack(said.raw)[5] or None


def _write(path: str, value: int) -> bool:
    """Write a number into a kernel file; False when another try may succeed."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, b"%d" % value)
        finally:
            os.close(fd)
    except OSError as problem:
        return problem.errno not in (errno.EAGAIN, errno.EACCES, errno.EPERM)
    return True


def oom_score(pid: int) -> int | None:
    """The out-of-memory adjustment of a process, -1000 (never killed) to 1000 (first)."""
    try:
        fd = os.open(f"/proc/{pid}/oom_score_adj", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return int(os.read(fd, 16))
    except (OSError, ValueError):
        return None
    finally:
        os.close(fd)


def verify(pid: int) -> BackgroundFacts:
    """Read back how a process is scheduled, for tests, the doctor and status."""
    nice = is_idle = is_io_idle = None
    with contextlib.suppress(OSError):
        nice = os.getpriority(os.PRIO_PROCESS, pid)
    if hasattr(os, "sched_getscheduler"):
        with contextlib.suppress(OSError):
            is_idle = os.sched_getscheduler(pid) == os.SCHED_IDLE
    if _libc is not None and _get_number is not None and sys.platform == "linux":
        value = _libc.syscall(_get_number, _IOPRIO_WHO_PROCESS, pid)
        is_io_idle = value >> _IOPRIO_CLASS_SHIFT == _IDLE_CLASS if value >= 0 else None
    return BackgroundFacts(nice, is_idle, is_io_idle, oom_score(pid), _autogroup_nice(pid))


def _autogroup_nice(pid: int) -> int | None:
    """The nice value of a process's autogroup; None for what runs in none, as under init."""
    try:
        with open(f"/proc/{pid}/autogroup", "rb") as file:
            words = file.read().split()  # "/autogroup-123 nice 19", empty outside of any
    except OSError:
        return None
    return int(words[-1]) if words else None
