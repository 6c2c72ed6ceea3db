"""The daemon's side of its guard process: start commands, wait for them, stop them."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Self

from renderd.errors import RenderdError
from renderd.host import background, cgroup, process, spawner
from renderd.host import guard_wire as wire
from renderd.host.exit import Exit, start_failure

_MARK = "RENDERD_COMMAND"  #: in every command's environment: whose it is, should it hide
_GUARD_HANGS = 3.0  # seconds after which the daemon itself kills what the guard should have


class GuardDied(RenderdError):
    """The guard process ended unasked; its commands were killed with it."""


class Child:
    """One command run by the guard.  Any thread may wait for it, stop it or suspend it.

    `fileno()` becomes readable when there is news: poll it beside the command's output.
    """

    def __init__(self, program: str, control: socket.socket, guard: "Guard", nonce: str) -> None:
        self.program = program
        self._nonce = nonce  # which of the guards, should it have been replaced
        self._control = control
        self._guard = guard
        self._lock = threading.Lock()  # one thread at a time reads the control socket
        self._pid = 0
        self._exit: Exit | None = None
        self._is_orphan = False  # its guard died; whoever asks is told so

    def fileno(self) -> int:
        """The descriptor that becomes readable at news; -1 once the end was read."""
        return self._control.fileno()

    @property
    def pid(self) -> int:
        """The command's process, group and session id; 0 when no process was started."""
        while not self._pid and self._exit is None:
            with self._lock:
                if not self._pid and self._exit is None:
                    self._read_record()
        return self._pid

    def wait(self, timeout: float | None = None) -> Exit | None:
        """How it ended, or None after `timeout` seconds; GuardDied when the guard was killed.

        An Exit is given only when no process that the command started is left.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._exit is None:
            left = -1 if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._lock.acquire(timeout=left):
                break
            try:
                if self._is_orphan or (self._exit is None and _is_readable(self._control, left)):
                    self._read_record()
                elif self._exit is None:
                    return None
            finally:
                self._lock.release()
        return self._exit

    def terminate(self) -> None:
        """Ask the command and all it started to end (TERM), and do not wait."""
        self._order(wire.TERMINATE)

    def stop(self, grace: float = 10.0, patience: float = 5.0) -> Exit | None:
        """TERM to all of it, after `grace` seconds KILL, until all of it is gone.

        None when something could not be killed within `patience` more seconds (a process
        that hangs in the kernel, on a dead share for one); a later `wait` may still succeed.
        GuardDied when the guard was killed, as `wait`.
        """
        if grace > 0:
            self._order(wire.TERMINATE)
            ended = self.wait(grace)
            if ended is not None:
                return ended
        self._order(wire.KILL)
        ended = self.wait(min(patience, _GUARD_HANGS))
        if ended is None and self._pid:  # the guard may hang in starting another command
            process.signal_group(self._pid, signal.SIGKILL)
            process.signal_all(process.descendants(self._pid), signal.SIGKILL)
            ended = self.wait(max(0.0, patience - _GUARD_HANGS))
        return ended

    def suspend(self) -> None:
        """Freeze the command and all it started (SIGSTOP); it keeps its memory."""
        self._order(wire.SUSPEND)

    def resume(self) -> None:
        """Let a suspended command go on (SIGCONT)."""
        self._order(wire.RESUME)

    def close(self) -> None:
        """Let go of the command; the guard kills what still runs of it."""
        self._order(wire.KILL)
        if self._lock.acquire(blocking=False):  # else a waiting thread reads the end, and closes
            self._control.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _order(self, order: bytes) -> None:
        with contextlib.suppress(OSError):  # ended, or the guard died: wait() tells which
            self._control.send(order)

    def _read_record(self) -> None:
        """Take one record off the socket; the caller holds the lock."""
        try:
            record = self._control.recv(wire.RECORD.size, socket.MSG_WAITALL)
        except OSError:
            record = b""
        if len(record) < wire.RECORD.size:
            self._is_orphan = True
            self._control.close()
            self._guard.bury(self._nonce)
            if self._pid:
                process.signal_group(self._pid, signal.SIGKILL)
            said = self._guard.last_words.strip().rpartition("\n")[2]
            raise GuardDied(
                f"the guard process was killed, and its commands with it {said}".strip()
            )
        kind, number, user, system, peak = wire.RECORD.unpack(record)
        if kind == wire.STARTED:
            self._pid = number
            return
        if kind == wire.ENDED:
            self._exit = Exit(number, self._pid, user, system, peak)
        elif kind == wire.NO_FOLDER:
            text = f"cannot enter the working folder: {os.strerror(number)}"
            self._exit = Exit(126 << 8, start_failure=text)
        else:
            self._exit = start_failure(self.program, number)
        self._control.close()


class Guard:
    """One guard process.  Start it before the daemon has threads; share it among them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._count = 0
        self._nonce = ""
        self._is_closed = False
        self.memory_bytes = 0  #: that a command should not use more of; 0: what there is
        self.last_words = ""  #: what a guard that failed said

    @classmethod
    def start(cls) -> Self:
        """Start the guard: a fork while we are single-threaded, else a fresh interpreter."""
        guard = cls()
        cgroup.settle()
        with guard._lock:
            guard._launch()
        return guard

    @property
    def pid(self) -> int:
        """The guard's process id; it changes when a dead guard was replaced."""
        return self._pid

    def spawn(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str,
        stdout_fd: int,
        stdin_fd: int | None = None,
    ) -> Child:
        """Start a command in the background: stdout and stderr to `stdout_fd`, stdin null or given.

        Returns at once; a command that cannot be started has an Exit with `start_failure`.
        The descriptors may be closed right after.  A guard that died is replaced first.
        Raises ValueError for NUL in a word, GuardDied when no guard can be started.
        """
        argv = (*background.PREFIX, *argv)
        ours, theirs = socket.socketpair()
        try:
            with self._lock, theirs:
                if self._is_closed:
                    raise GuardDied("the daemon stops its commands: none is started any more")
                self._count += 1
                fds = [stdout_fd, theirs.fileno()]
                fds += [stdin_fd] if stdin_fd is not None else []
                if self._socket is None or not self._send(argv, env, cwd, fds):
                    self._bury()
                    self._launch()
                    if not self._send(argv, env, cwd, fds):
                        raise GuardDied("no guard process can be started", self.last_words)
                nonce = self._nonce
        except BaseException:
            ours.close()
            raise
        return Child(argv[len(background.PREFIX)], ours, self, nonce)

    def is_alive(self) -> bool:
        """Whether the guard process runs."""
        return bool(self._pid) and process.alive(self._pid)

    def bury(self, nonce: str) -> None:
        """After the death of the guard of this nonce: kill all that its commands left."""
        with self._lock:
            if self._pid and nonce == self._nonce:  # no other thread did it meanwhile
                self._bury()

    def close(self, patience: float = 10.0) -> bool:
        """End the guard and with it all commands, for good; False when some cannot be killed."""
        with self._lock:
            self._is_closed = True
            if self._socket is not None:
                self._socket.close()
            self._socket = None
            return self._reap(patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, fds: list[int]) -> bool:
        assert self._socket is not None
        mark = f"{_MARK}={self._nonce}.{self._count}"
        body = _pack(mark, argv, env, cwd)
        request = wire.REQUEST.pack(len(body), len(argv), self.memory_bytes) + body
        try:
            sent = socket.send_fds(self._socket, [request], fds)
            if sent < len(request):
                self._socket.sendall(request[sent:])
        except OSError:
            return False
        return True

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        self._nonce = os.urandom(6).hex()
        if threading.active_count() == 1:
            sys.stdout.flush()
            sys.stderr.flush()
            self._pid = os.fork()
            if self._pid == 0:
                spawner.serve(theirs.fileno())
            self._process = None
        else:
            fd = theirs.fileno()
            line = [sys.executable, "-m", "renderd.host.spawner", str(fd)]
            env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
            self._process = subprocess.Popen(
                line, pass_fds=[fd], stdin=subprocess.DEVNULL, cwd="/", env=env
            )
            self._pid = self._process.pid
        theirs.close()
        self._socket = ours

    def _bury(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                said = self._socket.recv(4096, socket.MSG_DONTWAIT)
                self.last_words = said.decode(errors="replace")
            self._socket.close()
            self._socket = None
        process.signal_all([self._pid] if self._pid else [], signal.SIGKILL)
        self._reap(1.0)
        process.end_all(lambda: process.marked(f"{_MARK}={self._nonce}.*"))

    def _reap(self, patience: float) -> bool:
        """Wait for the guard to end, and forget it; False when it has not."""
        deadline = time.monotonic() + patience
        while self._pid:
            if self._process is not None:
                is_gone = self._process.poll() is not None
            else:
                is_gone = _waited(self._pid)
            if is_gone:
                self._pid, self._process = 0, None
            elif time.monotonic() > deadline:
                return False
            else:
                time.sleep(0.01)
        return True


def _waited(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _is_readable(control: socket.socket, timeout: float) -> bool:
    poll = select.poll()
    poll.register(control, select.POLLIN)
    return bool(poll.poll(None if timeout < 0 else timeout * 1000))


def _pack(mark: str, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> bytes:
    words = [mark, cwd, *argv, *[f"{name}={value}" for name, value in env.items()], mark]
    text = "\0".join(words)
    if not argv or text.count("\0") != len(words) - 1:
        raise ValueError("a command needs a program, and no NUL character anywhere")
    return os.fsencode(text)
