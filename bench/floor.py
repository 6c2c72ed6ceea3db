"""The least it can cost to run no-op commands in the background, from one bare Python process.

    python bench/floor.py COUNT FOLDER

Each command gets what the daemon gives its commands: a session of its own, nice 19, SCHED_IDLE,
its autogroup at 19 and a log file; one after the other.  posix_spawn, because it is the fastest
start Python has: subprocess with a preexec_fn needs three times as long.  Prints the seconds all
of them took, and the CPU seconds of this process.
"""

import contextlib
import os
import sys
import time

QUIET = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)


def into_background(pid: int) -> None:
    """Tell the scheduler that a command matters less than everything else."""
    os.setpriority(os.PRIO_PROCESS, pid, 19)
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        descriptor = os.open(f"/proc/{pid}/autogroup", os.O_WRONLY)
        os.write(descriptor, b"19")
        os.close(descriptor)


def run_one(log: str) -> None:
    """Start one command, wait for its end."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o660)
    to_log = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number in (1, 2)]
    pid = os.posix_spawnp("true", ["true"], os.environ, file_actions=[QUIET, *to_log], setsid=True)
    os.close(descriptor)
    into_background(pid)
    os.waitpid(pid, 0)


def main() -> None:
    count, folder = int(sys.argv[1]), sys.argv[2]
    began, used = time.perf_counter(), time.process_time()
    for number in range(count):
        run_one(f"{folder}/{number:06d}.log")
    print(time.perf_counter() - began, time.process_time() - used)


if __name__ == "__main__":
    main()
