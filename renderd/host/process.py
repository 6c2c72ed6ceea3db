"""Processes of this machine: who descends from whom, who is left over, ending them."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

ON_LINUX: bool = sys.platform.startswith("linux")  #: elsewhere psutil answers, untested
_KILL_ROUND = 0.05  # seconds between two looks whether the killed are gone


def children(pid: int) -> list[int]:
    """The direct children of a process, zombies among them; empty when it is gone."""
    return _look(pid)[1]


def _look(pid: int) -> tuple[list[int], list[int]]:
    """The threads and the direct children of a process."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return ([], []) if ON_LINUX else ([pid], _children_elsewhere(pid))
    found: list[int] = []
    for thread in threads:  # a child stands under the thread that forked it
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:
                found += map(int, file.read().split())
        except FileNotFoundError:
            if os.path.exists(f"/proc/{pid}/task/{thread}"):  # no CONFIG_PROC_CHILDREN
                found = _children_elsewhere(pid)
                break
        except OSError:
            continue  # it ended
    return list(map(int, threads)), found


def _children_elsewhere(pid: int) -> list[int]:
    import psutil  # noqa: PLC0415  # 5 MB that the guard need not carry on Linux

    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, parents before children; the process itself is not listed."""
    return _below(pid)[1]


def tasks(pid: int) -> list[int]:
    """The ids of all threads of a process and of everything below it."""
    return _below(pid)[0]


def wants_cpu(pid: int) -> bool:
    """Whether a thread of a process, or of what is below it, computes or waits for its turn to.

    Where others take all of the processor nothing else tells such a one from one that hangs.
    """
    for task in tasks(pid) if ON_LINUX else ():
        stat = read_stat(task)  # a thread is found by its id, though not listed
        if stat is not None and stat[0] == b"R":
            return True
    return False


def _below(pid: int) -> tuple[list[int], list[int]]:
    """The threads of a process and all below it, and the processes below it."""
    threads: list[int] = []
    found: list[int] = []
    seen = {pid}
    todo = [pid]
    while todo:
        own_threads, own_children = _look(todo.pop())
        fresh = [child for child in own_children if child not in seen]
        threads += own_threads
        seen.update(fresh)
        found += fresh
        todo += fresh
    return threads, found


def start_time(pid: int) -> float | None:
    """When a process started, in clock ticks since boot (Linux); None when it is gone.

    Together with the pid and the boot id it names a process for good: pids are used again.
    """
    stat = read_stat(pid)
    if stat is not None:
        return float(stat[19])
    if ON_LINUX:
        return None
    import psutil  # noqa: PLC0415

    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def read_stat(pid: int) -> list[bytes] | None:
    """The fields of /proc/<pid>/stat after the name: [0] is the state, [1] the parent."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def alive(pid: int, started: float | None = None) -> bool:
    """Whether a process runs (a zombie does not), and is the one that started then."""
    stat = read_stat(pid)
    if stat is not None and stat[0] in (b"Z", b"X"):
        return False
    if stat is None and (ON_LINUX or start_time(pid) is None):
        return False
    return started is None or start_time(pid) == started


def signal_all(pids: Iterable[int], number: int) -> int:
    """Send a signal to each process that still exists and is ours; how many got it."""
    sent = 0
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            sent += 1
    return sent


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a whole process group; False when none of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def marked(entry: str) -> list[int]:
    """Processes of ours started with this `NAME=value` in their environment.

    An entry that ends in '*' also matches any longer value.
    """
    wanted = os.fsencode(entry)
    if wanted.endswith(b"*"):
        start = wanted[:-1]
        return [p for p in _all_pids() if any(e.startswith(start) for e in _environment(p))]
    return [pid for pid in _all_pids() if carries(pid, wanted)]


def _all_pids() -> list[int]:
    if ON_LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    import psutil  # noqa: PLC0415

    return psutil.pids()


def _environment(pid: int) -> list[bytes]:
    if ON_LINUX:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                return file.read().split(b"\0")
        except OSError:
            return []
    import psutil  # noqa: PLC0415

    try:
        return [os.fsencode(f"{k}={v}") for k, v in psutil.Process(pid).environ().items()]
    except (psutil.Error, OSError):
        return []


def carries(pid: int, entry: bytes) -> bool:
    """Whether a process was started with exactly this `NAME=value` in its environment."""
    return entry in _environment(pid)


def end_all(find: Callable[[], Iterable[int]], patience: float = 10.0) -> int:
    """Kill what `find` lists, again and again until it lists nothing living.

    Returns how many processes were ended; gives up on unkillable ones after `patience`.
    """
    ended: set[int] = set()
    deadline = time.monotonic() + patience
    while True:
        left = [pid for pid in find() if pid != os.getpid() and alive(pid)]
        if not left or time.monotonic() > deadline:
            return len(ended - set(left))
        ended.update(left)
        for pid in left:
            signal_all([*descendants(pid), pid], signal.SIGKILL)
        time.sleep(_KILL_ROUND / 10 if len(ended) == len(left) else _KILL_ROUND)


def end_strays(incarnation: str) -> int:
    """End every process that a dead daemon's commands left behind; how many there were.

    Call it only for an incarnation of this host whose daemon is known to be gone.
    """
    return end_all(lambda: marked(f"RENDERD_INCARNATION={incarnation}"))
