"""One connection to a daemon: questions and their answers."""

import socket
import time
from collections.abc import Iterator
from typing import Any

from renderd.core import wire
from renderd.core.wire import Event, Failure, Kind, Op, Reply, Request
from renderd.errors import RenderdError, ShareHangs, SpoolError, UsageError, WireError

CONNECT_TIMEOUT = 2.0  #: seconds for a daemon to say hello
ANSWER_TIMEOUT = 5.0  #: seconds for an answer from its memory
READING_TIMEOUT = 65.0  #: seconds for one that it reads; it says after 2 that the share hangs
_ELSEWHERE = (Kind.BUSY, Kind.TOO_LONG, Kind.UNKNOWN_OP, Kind.VERSION, Kind.REFUSED)
_READINGS = (Op.FARM, Op.JOBS, Op.CHUNKS, Op.NODES, Op.LOG)


class Declined(RenderdError):
    """The daemon cannot answer this one; the spool may."""


class NotHere(UsageError):
    """The chunk does not run on this machine's node."""


class Dialog:
    """One connection to a daemon."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._received = bytearray()
        self._id = 0

    @classmethod
    def open(cls, path: str) -> "Dialog":
        """Connect.  Raises OSError where nobody answers."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(CONNECT_TIMEOUT)
            connected.connect(path)
        except OSError:
            connected.close()
            raise
        return cls(connected)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ask(self, request: Request) -> Any:
        """The value of one answer; raises what the daemon says went wrong, OSError."""
        patience = CONNECT_TIMEOUT if request.op is Op.HELLO else ANSWER_TIMEOUT
        patience = READING_TIMEOUT if request.op in _READINGS else patience
        id_ = self._send(request)
        return self._receive(id_, patience).value

    def stream(self, request: Request) -> Iterator[tuple[Event, Any]]:
        """The answers of a stream until its end; waits as long as it takes."""
        id_ = self._send(request)
        while True:
            reply = self._receive(id_, None)
            if reply.event is Event.END:
                return
            if reply.event is not None:
                yield reply.event, reply.value

    def _send(self, request: Request) -> int:
        self._id += 1
        line = wire.encode_request(Request(request.op, request.args, self._id))
        self._socket.settimeout(ANSWER_TIMEOUT)
        self._socket.sendall(line)
        return self._id

    def _receive(self, id_: int, patience: float | None) -> Reply:
        deadline = None if patience is None else time.monotonic() + patience
        while True:
            answer = wire.decode_answer(self._read_line(deadline))
            if isinstance(answer, Failure) and answer.id in (id_, 0):
                raise _error(answer)
            if isinstance(answer, Reply) and answer.id == id_:
                return answer

    def _read_line(self, deadline: float | None) -> bytes:
        scanned = 0
        while (end := self._received.find(b"\n", scanned)) < 0:
            scanned = len(self._received)
            if scanned > wire.MAX_REPLY:
                raise WireError("the daemon's answer does not end", "restart the daemon")
            left = None if deadline is None else max(deadline - time.monotonic(), 0.001)
            self._socket.settimeout(left)
            data = self._socket.recv(1 << 18)
            if not data:
                raise WireError("the daemon hung up")
            self._received += data
        line = bytes(self._received[: end + 1])
        del self._received[: end + 1]
        return line


def _error(failure: Failure) -> RenderdError:
    """The error a daemon's answer stands for."""
    if failure.kind in _ELSEWHERE:
        return Declined(failure.message, failure.remedy)
    if failure.kind is Kind.SHARE_HANGS:
        return ShareHangs(failure.message, failure.remedy)
    if failure.kind is Kind.NOT_HERE:
        return NotHere(failure.message, failure.remedy)
    for known in (SpoolError, UsageError):
        if failure.exit_status == known.exit_status:
            return known(failure.message, failure.remedy)
    error = RenderdError(failure.message, failure.remedy)
    error.exit_status = failure.exit_status
    return error
