"""Starting one command in a session of its own: safely, or cheaply where they are short."""

import ctypes
import errno
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import NoReturn

from renderd.host import background, cgroup
from renderd.host import guard_wire as wire

_PR_SET_PDEATHSIG = 1
#: the signals the guard holds back
HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)
#: what Python or the daemon changed and a command must find at its default
DEFAULTS = (*HELD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Order:
    """One command to start, and where to say how that went."""

    words: list[bytes]
    env: dict[bytes, bytes]
    folder: bytes
    output: int
    control: socket.socket
    source: int | None = None  #: its stdin; None: nothing to read
    group: str = ""  #: its control group; empty: the guard's


def launch(order: Order, *, is_short: bool) -> int:
    """Start a command and return its pid, or 0 when its failure was told already.

    By fork it dies with the guard (PR_SET_PDEATHSIG) and a share that hangs holds up only
    itself.  But copying this interpreter costs 0.9 ms of processor time, twice what a
    short command takes; for those posix_spawn has to do, without either.
    """
    try:
        return _spawn(order) if is_short else _fork(order)
    except (OSError, ValueError) as problem:
        wire.tell(order.control, wire.UNSTARTED, _number(problem))
        return 0


def _fork(order: Order) -> int:
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(order, guard)
    return pid


def _become(order: Order, guard: int) -> NoReturn:
    """In the fork: turn into the command."""
    try:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guard:
            os._exit(127)
        os.setsid()
        cgroup.enter(order.group)
        background.apply_to(os.getpid())  # here, so that all it starts inherits it
        os.dup2(os.open(os.devnull, os.O_RDONLY) if order.source is None else order.source, 0)
        os.dup2(order.output, 1)
        os.dup2(order.output, 2)
        for number in DEFAULTS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if _enter(order):
            os.execve(_find_program(order), order.words, order.env)  # noqa: S606
    except (OSError, ValueError) as problem:
        wire.tell(order.control, wire.UNSTARTED, _number(problem))
    finally:
        os._exit(127)


def _spawn(order: Order) -> int:
    try:
        if not _enter(order):
            return 0
        pid = os.posix_spawn(
            _find_program(order),
            order.words,
            order.env,
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
                if order.source is None
                else (os.POSIX_SPAWN_DUP2, order.source, 0),
                (os.POSIX_SPAWN_DUP2, order.output, 1),
                (os.POSIX_SPAWN_DUP2, order.output, 2),
            ),
            setsid=True,
            setsigmask=(),
            setsigdef=DEFAULTS,
        )
        cgroup.enter(order.group, pid)
        background.apply_to(pid)  # may miss what it forks this instant: the guard looks again
        return pid
    finally:
        os.chdir("/")  # or the guard would keep the share from being unmounted


def _enter(order: Order) -> bool:
    try:
        os.chdir(order.folder)
    except (OSError, ValueError) as problem:
        wire.tell(order.control, wire.NO_FOLDER, _number(problem))
        return False
    return True


def _find_program(order: Order) -> bytes:
    """The file a command name means on the command's PATH, as the shell would find it."""
    name = order.words[0]
    if b"/" in name:
        return name
    problem = errno.ENOENT
    for folder in order.env.get(b"PATH", os.fsencode(os.defpath)).split(b":"):
        file = os.path.join(folder or b".", name)
        if os.access(file, os.X_OK) and not os.path.isdir(file):
            return file
        if os.path.isfile(file):
            problem = errno.EACCES
    raise OSError(problem, os.strerror(problem))


def _number(problem: Exception) -> int:
    return getattr(problem, "errno", None) or errno.EINVAL
