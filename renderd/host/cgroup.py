"""Control groups (version 2) for commands, where this daemon may make any.

Between groups nice values and SCHED_IDLE count for nothing; a group's own weight does.  A freeze
stops a whole group in one moment, whatever it forks meanwhile.
"""

import contextlib
import os

from renderd.host.facts import LEAF, own_group

_PREFIX = "command-"
_CONTROLLERS = ("cpu", "io", "memory")
_SYSTEMD = "/run/systemd/system"


def settle() -> str:
    """Make room for groups of commands; the folder they go into, empty where that is not allowed.

    To be called by a daemon before it has started any process.  It is allowed in a group that
    was delegated to it (systemd's Delegate=), or to root where no systemd manages groups.
    """
    base = own_group().rstrip("/")
    if os.path.basename(base) == LEAF:  # a daemon that began anew, or another guard of ours
        return os.path.dirname(base)
    if not base or not os.access(base, os.W_OK) or not _is_ours(base):
        return ""
    try:
        if os.path.exists(f"{base}/cgroup.type"):  # not the root, which may hold processes
            os.makedirs(f"{base}/{LEAF}", exist_ok=True)
            _put(f"{base}/{LEAF}/cgroup.procs", str(os.getpid()))
        for name in _CONTROLLERS:
            with contextlib.suppress(OSError):
                _put(f"{base}/cgroup.subtree_control", f"+{name}")
    except OSError:
        return ""
    return base


def base() -> str:
    """The folder that `settle` of this process or its parent made room in; empty where none."""
    own = own_group().rstrip("/")
    if os.path.basename(own) == LEAF:
        return os.path.dirname(own)
    return own if own and not os.path.exists(f"{own}/cgroup.type") and _is_ours(own) else ""


def make(folder: str, name: str, limit_bytes: int = 0) -> str:
    """A group for one command, that gets what all others leave; empty where it cannot be made.

    With a limit, the kernel takes memory beyond it back, and slows the command down for it.
    """
    group = f"{folder}/{_PREFIX}{name}"
    try:
        os.mkdir(group)
    except OSError:
        return ""
    wanted = [("cpu.idle", "1"), ("cpu.weight", "1"), ("io.bfq.weight", "1"), ("io.weight", "1")]
    wanted += [("memory.high", str(limit_bytes))] if limit_bytes else []
    for key, value in wanted:  # an idle group has no weight, old kernels have no idle ones
        with contextlib.suppress(OSError):
            _put(f"{group}/{key}", value)
    return group


def enter(group: str, pid: int = 0) -> None:
    """Move a process (0: this one) into a group; what it has started by now stays behind."""
    if group:
        with contextlib.suppress(OSError):
            _put(f"{group}/cgroup.procs", str(pid))


def freeze(group: str, *, is_frozen: bool) -> None:
    """Stop everything in a group, or let it go on."""
    if group:
        with contextlib.suppress(OSError):
            _put(f"{group}/cgroup.freeze", str(int(is_frozen)))


def remove(group: str) -> None:
    """Take a group away that nothing is left in."""
    if group:
        with contextlib.suppress(OSError):
            os.rmdir(group)


def _is_ours(folder: str) -> bool:
    """Whether groups may be made here: nobody else keeps house in it."""
    if not os.path.exists(f"{folder}/cgroup.procs"):
        return False
    if not os.path.exists(_SYSTEMD):
        is_root_group = not os.path.exists(f"{folder}/cgroup.type")
        return os.geteuid() == 0 and (is_root_group or _is_alone(folder))
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError, AttributeError):
            if os.getxattr(folder, name) == b"1":
                return _is_alone(folder)
    return False


def _is_alone(folder: str) -> bool:
    with open(f"{folder}/cgroup.procs", encoding="ascii") as file:
        return {int(line) for line in file} <= {os.getpid()}


def _put(path: str, value: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)
