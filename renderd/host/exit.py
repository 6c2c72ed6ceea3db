"""How a command ended, as facts and in words."""

import errno
import os
import signal
from dataclasses import dataclass

_MEANINGS = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGBUS: "bus error: memory or a mapped file went away",
    signal.SIGABRT: "aborted by the program itself",
    signal.SIGFPE: "arithmetic fault",
    signal.SIGILL: "illegal instruction: built for another processor",
    signal.SIGKILL: "killed",
    signal.SIGTERM: "asked to stop",
    signal.SIGINT: "interrupted",
    signal.SIGHUP: "hung up",
    signal.SIGPIPE: "broken pipe",
    signal.SIGXCPU: "used up its processor time limit",
    signal.SIGXFSZ: "file size limit reached",
    signal.SIGSYS: "forbidden system call",
}


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of one command: nothing that it started runs any more.

    `status` is the raw wait status.  `start_failure` says why it could not be started at
    all; then there was no process and `status` is that of a shell, 127 or 126.
    """

    status: int
    pid: int = 0
    user_seconds: float = 0.0
    system_seconds: float = 0.0
    peak_rss_bytes: int = 0
    start_failure: str = ""

    @property
    def code(self) -> int:
        """The exit code, or minus the signal that ended it, as in subprocess."""
        return os.waitstatus_to_exitcode(self.status)

    @property
    def is_success(self) -> bool:
        return self.status == 0 and not self.start_failure

    @property
    def cpu_seconds(self) -> float:
        return self.user_seconds + self.system_seconds

    def describe(self, *, oom_killed: bool | None = None) -> str:
        """One phrase for a person: 'exit status 3', 'segmentation fault (SIGSEGV)'."""
        return self.start_failure or describe_status(self.status, oom_killed=oom_killed)


def describe_status(status: int, *, oom_killed: bool | None = None) -> str:
    """A raw wait status in words; `oom_killed` is what the kernel's counters say, if known."""
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return "finished"
    if code < 0:
        return describe_signal(-code, oom_killed=oom_killed)
    if code > 128 and code - 128 in set(signal.Signals):  # a shell passing on its child's end
        return f"exit status {code}: {describe_signal(code - 128, oom_killed=oom_killed)}"
    return f"exit status {code}"


def describe_signal(number: int, *, oom_killed: bool | None = None) -> str:
    """A signal in words with its name: 'killed (SIGKILL), out of memory'."""
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"ended by signal {number}"
    words = f"{_MEANINGS.get(known, 'ended by a signal')} ({known.name})"
    if known != signal.SIGKILL or oom_killed is False:
        return words
    return words + (", out of memory" if oom_killed else ", likely out of memory")


def start_failure(program: str, number: int) -> Exit:
    """The Exit of a command that could not be started, from the errno of starting it."""
    if number == errno.ENOENT:
        text = f"no such file: {program}" if "/" in program else f"command not found: {program}"
    elif number == errno.EACCES:
        text = f"not executable: {program}"
    elif number == errno.ENOEXEC:
        text = f"not a program for this machine (and no '#!' line): {program}"
    elif number == errno.E2BIG:
        text = f"command line or environment too long: {program}"
    else:
        text = f"cannot start {program}: {os.strerror(number)}"
    return Exit((127 if number == errno.ENOENT else 126) << 8, start_failure=text)
