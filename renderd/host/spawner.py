"""The guard process itself: starts commands, reaps them, leaves nothing of them behind.

One thread, one poll.  It is the subreaper of every command, so what a command leaves
behind becomes its child and is found; the end of its socket is the end of the daemon,
SIGKILL included, and then everything below it is ended.
Commands are started by posix_spawn, not fork: copying this interpreter costs 0.9 ms of
processor time a command, twice what the command's own start takes.  The price is that
PR_SET_PDEATHSIG cannot be set; the guard's other name (`_rename`) keeps a `pkill -f` of
the daemon from hitting both, and the daemon ends the commands of a guard that died.
"""

import contextlib
import ctypes
import errno
import gc
import os
import resource  # noqa: F401  # os.wait4 would load it at its first call, from who knows where
import select
import signal
import socket
import struct
import sys
import time
import traceback
from dataclasses import dataclass

from renderd.host import background, process

#: daemon → guard: length of the body, words in the command line; then the body: mark, working
#: folder, words, environment, joined by NUL.  Two descriptors travel with it: the command's
#: output and its own control socket.
REQUEST = struct.Struct("=II")
#: guard → daemon on the control socket: what happened, a number, user s, system s, peak bytes
RECORD = struct.Struct("=cqddq")
STARTED, UNSTARTED, NO_FOLDER, ENDED = b"S", b"F", b"D", b"X"  # number: pid, errno, errno, status
TERMINATE, KILL, SUSPEND, RESUME = b"T", b"K", b"Z", b"C"  # daemon → guard, on the control socket

_LAST_WISH = 1.0  # seconds between TERM and KILL once the daemon is gone
_SETTLE_AGAIN, _SETTLE_TRIES = 0.11, 100
_LOOK_AGAIN = 0.02
_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)
#: what Python or the daemon changed and a command must find at its default
_DEFAULTS = (*_HELD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)


@dataclass(slots=True, eq=False)
class _Command:
    pid: int
    control: socket.socket
    mark: bytes
    settle_at: float = 0.0  # when to try its background settings again; 0: they are made
    tries: int = 0
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
        self._oom_score = background.oom_score(os.getpid()) or 0

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
            head, fds = _receive(self._daemon)
            size, count = REQUEST.unpack(head)
            body = _receive_all(self._daemon, size)
        except (EOFError, OSError):
            return False
        control = socket.socket(fileno=fds[1])
        mark, folder, *words = body.split(b"\0")
        env = dict(entry.split(b"=", 1) for entry in words[count:])
        try:
            pid = _spawn(words[:count], env, folder, fds[0])
        except _StartFailed as failed:
            _tell(control, RECORD.pack(failed.kind, failed.errno, 0, 0, 0))
            control.close()
            return True
        finally:
            os.close(fds[0])
        command = _Command(pid, control, mark)
        self._settle(command)
        self._running[pid] = self._controls[control.fileno()] = command
        self._poll.register(control.fileno(), select.POLLIN)
        _tell(control, RECORD.pack(STARTED, pid, 0, 0, 0))
        return True

    def _obey(self, command: _Command) -> None:
        """Do what the daemon asks of one command; a closed control socket means: kill it."""
        try:
            order = command.control.recv(1)
        except OSError:
            order = b""
        if not order:
            self._poll.unregister(command.control.fileno())
            order = KILL
        if order == KILL:
            command.is_killed = True
            self._signal(command, signal.SIGKILL)
        elif order == TERMINATE:
            self._signal(command, signal.SIGTERM)
            self._signal(command, signal.SIGCONT)  # a stopped process would not notice
        elif order == SUSPEND:
            self._signal(command, signal.SIGSTOP)
        elif order == RESUME:
            self._signal(command, signal.SIGCONT)

    def _signal(self, command: _Command, number: int) -> None:
        """Signal the group at once, then those of its descendants that left the group."""
        process.signal_group(command.pid, number)
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
                peak = usage.ru_maxrss * _RSS_UNIT
                command.record = RECORD.pack(ENDED, status, usage.ru_utime, usage.ru_stime, peak)
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
            _tell(command.control, command.record)
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
        """Put a command into the background; what the kernel refused is tried again later."""
        command.tries += 1
        is_settled = background.apply_to(command.pid, self._oom_score)
        is_over = is_settled or command.tries == _SETTLE_TRIES
        command.settle_at = 0.0 if is_over else time.monotonic() + _SETTLE_AGAIN

    def _end_everything(self) -> None:
        """TERM, one second, then KILL until not one process is below us."""
        kill_at = time.monotonic() + _LAST_WISH
        below = process.descendants(os.getpid())
        process.signal_all(below, signal.SIGTERM)
        process.signal_all(below, signal.SIGCONT)
        while _reap_any():
            if time.monotonic() >= kill_at:
                process.signal_all(process.descendants(os.getpid()), signal.SIGKILL)
            time.sleep(_LOOK_AGAIN)


class _StartFailed(Exception):
    def __init__(self, kind: bytes, problem: OSError | ValueError) -> None:
        super().__init__(str(problem))
        self.kind = kind
        self.errno = getattr(problem, "errno", None) or errno.EINVAL


def _spawn(words: list[bytes], env: dict[bytes, bytes], folder: bytes, output: int) -> int:
    """Start a command as leader of its own session, its output to the given descriptor."""
    try:
        os.chdir(folder)
    except OSError as problem:
        raise _StartFailed(NO_FOLDER, problem) from None
    try:
        return os.posix_spawn(
            _find_program(words[0], env.get(b"PATH", os.fsencode(os.defpath))),
            words,
            env,
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ),
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULTS,
        )
    except (OSError, ValueError) as problem:
        raise _StartFailed(UNSTARTED, problem) from None
    finally:
        os.chdir("/")  # or the guard would keep the share from being unmounted


def _find_program(name: bytes, path: bytes) -> bytes:
    """The file a command name means on this PATH, as the shell would find it."""
    if b"/" in name:
        return name
    problem = errno.ENOENT
    for folder in path.split(b":"):
        file = os.path.join(folder or b".", name)
        if os.access(file, os.X_OK) and not os.path.isdir(file):
            return file
        if os.path.isfile(file):
            problem = errno.EACCES
    raise OSError(problem, os.strerror(problem))


def _tell(control: socket.socket, record: bytes) -> None:
    with contextlib.suppress(OSError):  # the daemon let go of this command
        control.send(record, getattr(socket, "MSG_NOSIGNAL", 0))


def _receive(daemon: socket.socket) -> tuple[bytes, list[int]]:
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    head, fds, _, _ = socket.recv_fds(daemon, REQUEST.size, 2, flags)
    if not head:
        raise EOFError
    for fd in fds:
        os.set_inheritable(fd, False)  # noqa: FBT003
    return head + _receive_all(daemon, REQUEST.size - len(head)), fds


def _receive_all(source: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = source.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


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
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)  # a Ctrl-C in the terminal reaches us too
    signal.set_wakeup_fd(-1)
    for number in _DEFAULTS:
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
