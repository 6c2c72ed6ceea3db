"""One Blender kept open: started by the guard, fed over a socket, ended by it.

It is a command like any other to the guard, which ends it when the daemon goes.  Its stdin is our
socket: a line of JSON is a request, the answer comes when all it printed is out.  While it works a
`Task` stands for the command line that it acts out, so that whoever watches commands can watch it.
"""

import contextlib
import json
import os
import select
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from renderd.blender.request import Request, Start
from renderd.host import process_use
from renderd.host.exit import Exit
from renderd.host.guard import Child, Guard, GuardDied

_LONGEST = 1 << 20  #: bytes of an answer; ours are short


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request came to, as the script inside tells it."""

    status: int  #: the exit status that the command line would have had
    refused: str = ""  #: why only a fresh Blender can do it; nothing was rendered
    opened: bool = True  #: False where the file was open already
    is_worn: bool = False  #: the process changed in a way that nothing restores
    cpu: float = 0.0  #: seconds
    rss: int = 0  #: bytes, now
    peak: int = 0  #: bytes, at most during the request


class OpenBlender:
    """A Blender that waits for requests.  One thread at a time uses it."""

    def __init__(self, start: Start, child: Child, output: int, channel: socket.socket) -> None:
        self.start = start
        self.child = child
        self.output = output  #: what it prints; not blocking
        self.uses = 0  #: requests so far
        self.is_ready = False  #: our script runs in it
        self.version = ""  #: its own word, as soon as it is ready
        self.first_rss = 0  #: bytes after the first request with the present file
        self.rss = 0  #: bytes after the last one
        self._channel = channel
        self._unread = b""

    @classmethod
    def launch(
        cls, guard: Guard, start: Start, environ: Mapping[str, str], folder: str
    ) -> "OpenBlender":
        """Start one, and do not wait until it is ready.  Raises OSError, GuardDied."""
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        try:
            child = guard.spawn(start.words, environ, folder, write_end, theirs.fileno())
        except BaseException:
            ours.close()
            os.close(read_end)
            raise
        finally:
            theirs.close()
            os.close(write_end)
        os.set_blocking(read_end, False)
        ours.settimeout(0)
        return cls(start, child, read_end, ours)

    @property
    def pid(self) -> int:
        """Its process; 0 where none could be started."""
        return self.child.pid

    @property
    def where(self) -> str:
        """What the log of a chunk says of it; its first use has Blender's own line."""
        version = f" {self.version}" if self.version else ""
        return f"in an open Blender{version} (process {self.pid}, use {self.uses})"

    def begin(self, request: Request) -> "Task":
        """Hand over a request; one that it does not read any more ends like a crash."""
        self.uses += 1
        data = json.dumps(request.message()).encode("ascii") + b"\n"
        self._channel.settimeout(10.0)  # it reads whenever it has nothing to do
        try:
            self._channel.sendall(data)
        except OSError:
            self._kill()
        finally:
            self._channel.settimeout(0)
        return Task(self)

    def is_well(self) -> bool:
        """Whether it waits for a request: it runs, and said nothing unasked."""
        poller = select.poll()
        for fd in (self._channel.fileno(), self.child.fileno()):
            if fd >= 0:
                poller.register(fd, select.POLLIN)
        said = poller.poll(0)
        if any(fd != self._channel.fileno() for fd, _ in said):
            with contextlib.suppress(GuardDied):
                return self.child.wait(0) is None
        return not said and self.child.fileno() >= 0

    def answer(self) -> Answer | None:
        """The answer to the request in work, as soon as it is there."""
        while b"\n" not in self._unread:
            try:
                data = self._channel.recv(1 << 16)
            except OSError:
                return None
            if not data or len(self._unread) > _LONGEST:
                return None
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        said = json.loads(line)
        if "ready" in said:
            self.is_ready = True
            self.version = ".".join(map(str, said["ready"]))
            return self.answer()
        found = Answer(**{k: v for k, v in said.items() if k in Answer.__slots__})
        self.first_rss = found.rss if found.opened else self.first_rss
        self.rss = found.rss
        return found

    def channel_fileno(self) -> int:
        """The descriptor that becomes readable when it answers."""
        return self._channel.fileno()

    def measured_rss(self) -> int:
        """Bytes that it holds now; 0 when it is gone."""
        use = process_use.measure(self.pid) if self.pid else None
        return use.rss_bytes if use is not None else 0

    def end(self) -> None:
        """Kill it, and all it started; what hangs in the kernel is left to the guard."""
        self._channel.close()
        self._kill()
        self.child.close()
        os.close(self.output)

    def _kill(self) -> None:
        if self.child.fileno() >= 0:  # else its end was read before
            with contextlib.suppress(GuardDied):  # which killed it, too
                self.child.stop(0.0)


class Task:
    """One request in work, to be waited for and stopped like a command of its own."""

    def __init__(self, blender: OpenBlender) -> None:
        self._blender = blender
        self.answer: Answer | None = None
        self.has_died = False
        self.is_stopped = False  #: by us

    @property
    def pid(self) -> int:
        """The Blender's process."""
        return self._blender.pid

    @property
    def refusal(self) -> str:
        """Why only a fresh Blender can do it; empty where it was tried."""
        return self.answer.refused if self.answer is not None else ""

    def fileno(self) -> int:
        """What becomes readable with the answer; -1 once it is there."""
        return -1 if self.answer is not None else self._blender.channel_fileno()

    def has_answered(self) -> bool:
        """Whether the answer is there; all that was printed before it is out."""
        if self.answer is None:
            self.answer = self._blender.answer()
        return self.answer is not None

    def wait(self, timeout: float | None = None) -> Exit | None:
        """How the request ended, or the Blender did; None after `timeout` seconds."""
        if not self.has_died and self.has_answered():
            return self._exit()
        ended = self._blender.child.wait(timeout)
        self.has_died = ended is not None
        return ended

    def terminate(self) -> None:
        """Ask the Blender to end."""
        self.is_stopped = True
        self._blender.child.terminate()

    def stop(self, grace: float = 10.0, patience: float = 5.0) -> Exit | None:
        """End the Blender: no request of it can be ended alone."""
        self.is_stopped = True
        return self._blender.child.stop(grace, patience)

    def _exit(self) -> Exit:
        found = self.answer
        assert found is not None
        return Exit((found.status & 0xFF) << 8, self.pid, found.cpu, 0.0, found.peak)
