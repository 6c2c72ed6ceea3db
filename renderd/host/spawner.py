"""The guard process itself: starts commands, reaps them, leaves nothing of them behind.

One thread, one poll.  It is the subreaper of every command, so what a command leaves
behind becomes its child and is found; the end of its socket is the end of the daemon,
SIGKILL included, and then everything below it is ended.
Should the guard itself be killed, the kernel kills the commands (see launch.py for short
ones) and the daemon what they started; its other name keeps a `pkill -f` from hitting both.
"""

import contextlib
import ctypes
import gc
import os
import resource  # noqa: F401  # os.wait4 would load it at its first call, from who knows where
import select
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass

from renderd.host import background, cgroup, launch, process
from renderd.host import guard_wire as wire

_LAST_WISH = 1.0  # seconds between TERM and KILL once the daemon is gone
_SETTLE_LOOKS, _SETTLE_AGAIN, _SETTLE_TRIES = (0.11, 0.5, 2.0), 0.11, 100  # seconds, times
_LOOK_AGAIN = 0.02
_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_SHORT = 1.0  # seconds: when the last command took less, the next is started cheaply


@dataclass(slots=True, eq=False)
class _Command:
    pid: int
    control: socket.socket
    mark: bytes
    started_at: float
    group: str  # its control group; empty where there are none
    settle_at: float  # when to look at its background settings again; 0: they are made
    looks: int = 0
    is_killed: bool = False
    record: bytes = b""  # how it ended; told once nothing of it is left


class Spawner:
    """Owns every command of one daemon; `run` returns when the daemon is gone."""

    def __init__(self, daemon: socket.socket) -> None:
        self._daemon = daemon
        self._running: dict[int, _Command] = {}  # by pid
        self._ended: dict[int, _Command] = {}  # by pid; something of them may be left
        self._controls: dict[int, _Command] = {}  # by descriptor
        self._poll = select.poll()
        self._last_took = _SHORT
        self._groups, self._number = cgroup.base(), 0

    def run(self) -> None:
        """Serve until the daemon's end of the socket closes, then end everything."""
        bell, ringer = os.pipe()
        os.set_blocking(bell, False)
        os.set_blocking(ringer, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ringer, warn_on_full_buffer=False)
        for fd in (bell, self._daemon.fileno()):
            self._poll.register(fd, select.POLLIN)
        try:
            while self._serve(bell):
                pass
        finally:
            self._end_everything()

    def _serve(self, bell: int) -> bool:
        """One turn of the loop; False once the daemon is gone."""
        for fd, _ in self._poll.poll(self._patience_ms()):
            if fd == bell:
                with contextlib.suppress(BlockingIOError):
                    os.read(bell, 4096)
            elif fd in self._controls:
                self._obey(self._controls[fd])
            elif fd == self._daemon.fileno() and not self._accept():
                return False
        self._reap()
        for command in self._running.values():
            if command.settle_at and time.monotonic() >= command.settle_at:
                self._settle(command)
        return True

    def _patience_ms(self) -> float | None:
        if self._ended or any(command.is_killed for command in self._running.values()):
            return _LOOK_AGAIN * 1000
        waits = [command.settle_at for command in self._running.values() if command.settle_at]
        return max(0.0, min(waits) - time.monotonic()) * 1000 + 1 if waits else None

    def _accept(self) -> bool:
        """Read one request and start its command; False at the end of the socket."""
        try:
            count, memory, (mark, folder, *words), fds = wire.receive_request(self._daemon)
        except (EOFError, OSError):
            return False
        control = socket.socket(fileno=fds[1])
        env = dict(entry.split(b"=", 1) for entry in words[count:])
        source = fds[2] if len(fds) > 2 else None
        group = self._make_group(memory)
        order = launch.Order(words[:count], env, folder, fds[0], control, source, group)
        is_short = self._last_took < _SHORT and source is None  # who is fed goes on for long
        pid = launch.launch(order, is_short=is_short)
        for fd in (fds[0], *fds[2:]):
            os.close(fd)
        if pid == 0:
            cgroup.remove(group)
            control.close()
            return True
        now = time.monotonic()
        command = _Command(pid, control, mark, now, group, now + _SETTLE_LOOKS[0])
        self._running[pid] = self._controls[control.fileno()] = command
        self._poll.register(control.fileno(), select.POLLIN)
        wire.tell(control, wire.STARTED, pid)
        return True

    def _make_group(self, memory: int) -> str:
        """A control group for the next command; empty where we may make none."""
        if not self._groups:
            return ""
        self._number += 1
        return cgroup.make(self._groups, f"{os.getpid()}-{self._number}", memory)

    def _obey(self, command: _Command) -> None:
        """Do what the daemon asks of one command; a closed control socket means: kill it."""
        try:
            order = command.control.recv(1)
        except OSError:
            order = b""
        if not order:
            self._poll.unregister(command.control.fileno())
            order = wire.KILL
        if order == wire.KILL:
            command.is_killed = True
            self._signal(command, signal.SIGKILL)
        elif order == wire.TERMINATE:
            cgroup.freeze(command.group, is_frozen=False)
            self._signal(command, signal.SIGTERM)
            self._signal(command, signal.SIGCONT)  # a stopped process would not notice
        elif order == wire.SUSPEND:
            self._signal(command, signal.SIGSTOP)
            cgroup.freeze(command.group, is_frozen=True)  # whatever it forked meanwhile
        elif order == wire.RESUME:
            cgroup.freeze(command.group, is_frozen=False)
            self._signal(command, signal.SIGCONT)

    def _signal(self, command: _Command, number: int) -> None:
        """Signal the group at once, then those of its descendants that left the group."""
        if not process.signal_group(command.pid, number):  # it has not reached its setsid
            process.signal_all([command.pid], number)
        below = process.descendants(command.pid)
        for stranger in self._strangers():
            if self._owner(stranger) is command:
                below += [stranger, *process.descendants(stranger)]
        for pid in below:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) != command.pid:
                    os.kill(pid, number)

    def _reap(self) -> None:
        try:
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    break
                command = self._running.pop(pid, None)
                if command is None:
                    continue
                self._last_took = time.monotonic() - command.started_at
                peak = usage.ru_maxrss * _RSS_UNIT
                command.record = wire.RECORD.pack(
                    wire.ENDED, status, usage.ru_utime, usage.ru_stime, peak
                )
                self._ended[pid] = command
        except ChildProcessError:  # not one process is below us: nothing can be left over
            self._tell_ended(set())
            return
        if self._ended:
            self._sweep()
        for command in self._running.values():
            if command.is_killed:
                self._signal(command, signal.SIGKILL)

    def _sweep(self) -> None:
        """Kill what ended commands left behind; tell the end of those that left nothing."""
        dirty: set[_Command] = set()
        for stranger in self._strangers():
            owner = self._owner(stranger)
            if owner is None and not self._running:
                dirty.update(self._ended.values())  # nobody's: no command may leave it
            elif owner is not None and owner.pid in self._ended:
                dirty.add(owner)
            else:
                continue
            process.signal_all([stranger, *process.descendants(stranger)], signal.SIGKILL)
        self._tell_ended(dirty)

    def _tell_ended(self, dirty: set[_Command]) -> None:
        for command in [c for c in self._ended.values() if c not in dirty]:
            del self._ended[command.pid]
            del self._controls[command.control.fileno()]
            with contextlib.suppress(KeyError):  # _obey saw its end
                self._poll.unregister(command.control.fileno())
            cgroup.remove(command.group)
            wire.send_record(command.control, command.record)
            command.control.close()

    def _strangers(self) -> list[int]:
        """Our children that are no command: orphans of commands, given to us by the kernel."""
        return [pid for pid in process.children(os.getpid()) if pid not in self._running]

    def _owner(self, stranger: int) -> _Command | None:
        """The command an orphan came from, by its session, else by its environment."""
        try:
            session = os.getsid(stranger)
        except OSError:
            return None
        found = self._running.get(session) or self._ended.get(session)
        if found is not None:
            return found
        for command in (*self._ended.values(), *self._running.values()):
            if process.carries(stranger, command.mark):
                return command
        return None

    def _settle(self, command: _Command) -> None:
        """Set again what the kernel refused, or what a fork at the start slipped past."""
        is_settled = background.apply_to(command.pid)
        command.looks += 1
        command.settle_at = 0.0
        if command.looks < len(_SETTLE_LOOKS):
            command.settle_at = command.started_at + _SETTLE_LOOKS[command.looks]
        elif not is_settled and command.looks < _SETTLE_TRIES:
            command.settle_at = time.monotonic() + _SETTLE_AGAIN

    def _end_everything(self) -> None:
        """TERM, one second, then KILL until not one process is below us."""
        kill_at = time.monotonic() + _LAST_WISH
        for command in self._running.values():
            cgroup.freeze(command.group, is_frozen=False)
        below = process.descendants(os.getpid())
        process.signal_all(below, signal.SIGTERM)
        process.signal_all(below, signal.SIGCONT)
        while _reap_any():
            if time.monotonic() >= kill_at:
                process.signal_all(process.descendants(os.getpid()), signal.SIGKILL)
            time.sleep(_LOOK_AGAIN)


def _reap_any() -> bool:
    """Reap what has ended; False when no process is left below us."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _rename(title: str) -> None:
    """Show the guard under its own name in ps, top and pkill."""
    if sys.platform != "linux" or background._libc is None:
        return
    background._libc.prctl(_PR_SET_NAME, title.encode()[:15], 0, 0, 0)
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])  # arg_start, arg_end
    except (OSError, IndexError, ValueError):
        return
    if 0 < start < end:
        size = end - start
        ctypes.memmove(start, title.encode()[: size - 1].ljust(size, b"\0"), size)


def serve(fd: int) -> None:
    """Become the guard on this end of a socket pair; never returns."""
    status = 1
    try:
        fd = os.dup2(fd, 3, inheritable=False) if fd != 3 else fd
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        daemon = socket.socket(fileno=fd)
        try:
            _settle_in()
            Spawner(daemon).run()
            status = 0
        except BaseException:
            with contextlib.suppress(OSError):
                daemon.send(traceback.format_exc().encode()[-4096:])
    finally:
        os._exit(status)


def _settle_in() -> None:
    """Leave the daemon's session, folder, streams and signals; become the subreaper."""
    signal.pthread_sigmask(signal.SIG_BLOCK, launch.HELD)  # a Ctrl-C in the terminal reaches us too
    signal.set_wakeup_fd(-1)
    for number in launch.DEFAULTS:
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        os.setsid()
    os.chdir("/")
    null = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
    if sys.platform == "linux" and background._libc is not None:
        background._libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _rename(f"command-guard {os.getppid()}")
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
