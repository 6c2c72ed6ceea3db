"""The local socket: one thread, many clients, none of which can stop the daemon.

Each connection has limits (connection.Limits); whoever breaks one is dropped.  What needs the
share goes to the ShareReader's thread; what comes back late is answered with how long the share
has hung.  Answers from memory never wait for either.
"""

import contextlib
import logging
import os
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from renderd.core.wire import (
    BadRequest,
    Event,
    Failure,
    Kind,
    Op,
    Reply,
    Request,
    decode_request,
    encode_answer,
)
from renderd.daemon import listener
from renderd.daemon.connection import Connection, Dropped, Limits
from renderd.daemon.handlers import HANDLERS, Answer, Daemon, FromShare, Now, StatusStream
from renderd.daemon.reader import ShareReader, Task, failure
from renderd.errors import SpoolError

log = logging.getLogger(__name__)
_NEWS_EVERY: Final = 0.1  # seconds between two news of a stream; what comes meanwhile melts
_ACCEPT_AGAIN: Final = 1.0  # seconds without accepting when the process is out of descriptors


class Server:
    """Serves one socket file from one thread, between `start` and `stop`."""

    def __init__(self, path: str, daemon: Daemon, limits: Limits | None = None) -> None:
        self.path = path
        self._daemon = daemon
        self._limits = limits or Limits()
        self._listener = listener.listen(path)
        self._selector = selectors.DefaultSelector()
        self._woken, self._wakes = socket.socketpair()
        self._reader = ShareReader(self.wake)
        self._connections: dict[int, Connection] = {}
        self._is_stopping = threading.Event()
        self._accepts_from = 0.0
        self._counts: Counter[str] = Counter()
        for end in (self._woken, self._wakes):
            end.settimeout(0)
        self._selector.register(self._listener.socket, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        # A daemon thread: should it ever fail to end, the process must end all the same.
        self._thread = threading.Thread(target=self._run, name="socket", daemon=True)

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End the streams, send what clients take at once, remove the socket file."""
        self._is_stopping.set()
        self.wake()
        if self._thread.ident is None:
            self._close()
        else:
            self._thread.join(2.0)

    @property
    def is_serving(self) -> bool:
        """False before `start`, after `stop`, and if the thread ever died."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Have the socket thread look around; any thread may, at any time, and never waits."""
        with contextlib.suppress(OSError):  # full: it is awake already; closed: nobody is left
            self._wakes.send(b"x")

    def _run(self) -> None:
        try:
            while not self._is_stopping.is_set():
                self._turn()
        finally:
            self._close()

    def _turn(self) -> None:
        ready = self._selector.select(self._patience())
        now = time.monotonic()
        for key, events in ready:
            if key.fileobj is self._listener.socket:
                self._accept(now)
            elif key.fileobj is self._woken:
                with contextlib.suppress(OSError):
                    self._woken.recv(4096)
            elif key.fd in self._connections:
                connection = self._connections[key.fd]
                self._guarded(connection, partial(connection.move, events, now))
        for connection in list(self._connections.values()):
            self._guarded(connection, partial(self._attend, connection, now))
        self._accept_again(now)

    def _patience(self) -> float | None:
        """Seconds until something is due by time alone; None when nothing is."""
        times = [self._accepts_from] if self._accepts_from else []
        for connection in self._connections.values():
            due = connection.deadline()
            times += [due] if due is not None else []
        return max(min(times) - time.monotonic(), 0.0) if times else None

    # -- clients come ---------------------------------------------------------------------

    def _accept(self, now: float) -> None:
        for _ in range(listener.BACKLOG):
            try:
                accepted, _ = self._listener.socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # out of descriptors: the backlog would spin the loop
                log.warning("the socket cannot accept for a moment: %s", error)
                self._selector.unregister(self._listener.socket)
                self._accepts_from = now + _ACCEPT_AGAIN
                return
            self._admit(accepted)

    def _accept_again(self, now: float) -> None:
        if self._accepts_from and now >= self._accepts_from:
            self._accepts_from = 0.0
            self._selector.register(self._listener.socket, selectors.EVENT_READ)

    def _admit(self, accepted: socket.socket) -> None:
        accepted.settimeout(0)
        uid = listener.peer_uid(accepted)
        if not listener.may_ask(uid):
            me = os.geteuid()
            log.warning("refused a client of uid %s on %s", uid, self.path)
            why = Failure(0, Kind.REFUSED, f"this daemon answers uid {me} and root, not {uid}")
        elif len(self._connections) >= self._limits.connections:
            most = self._limits.connections
            why = Failure(0, Kind.BUSY, f"{most} clients are connected already", "try again")
        else:
            connection = Connection(accepted, self._limits)
            self._connections[accepted.fileno()] = connection
            self._watch(connection)
            self._counts["clients"] += 1
            return
        self._counts["refused"] += 1
        with contextlib.suppress(OSError):
            accepted.send(encode_answer(why))
        accepted.close()

    # -- clients ask ----------------------------------------------------------------------

    def _guarded(self, connection: Connection, act: Callable[[], None]) -> None:
        """Do something for one client; whatever it meets there costs that client only."""
        if connection.socket.fileno() < 0:
            return
        try:
            act()
            self._watch(connection)
        except Dropped as why:
            log.debug("a client was dropped: %s", why)
            self._drop(connection)
        except Exception:
            log.exception("a client was dropped for a fault of the daemon's own")
            self._drop(connection)

    def _attend(self, connection: Connection, now: float) -> None:
        """Everything due for one client: answers, questions, news, limits."""
        self._settle_readings(connection, now)
        while not connection.is_full and (line := connection.next_line(now)) is not None:
            self._serve(connection, line, now)
        self._tell_news(connection, now)
        connection.check(now)
        if connection.is_finished:
            raise Dropped("it has its answers")

    def _serve(self, connection: Connection, line: bytes, now: float) -> None:
        self._counts["requests"] += 1
        id_ = 0
        try:
            request = decode_request(line)
            id_ = request.id
            self._start(connection, request, now)
        except BadRequest as bad:
            self._counts["bad requests"] += 1
            connection.is_closing = connection.is_closing or bad.is_fatal
            connection.send(encode_answer(bad.failure), now)
        except Dropped:
            raise
        except Exception as error:
            connection.send(encode_answer(failure(id_, error)), now)

    def _start(self, connection: Connection, request: Request, now: float) -> None:
        answer = self._ask(request)
        if isinstance(answer, FromShare):
            self._read(connection, request, answer, now)
        elif isinstance(answer, Now):
            connection.send(encode_answer(Reply(request.id, answer.value)), now)
        elif len(connection.streams) >= self._limits.streams:
            answer.close()
            raise BadRequest(Kind.BUSY, "too many streams on one connection", "", request.id)
        else:
            replaced = connection.streams.get(request.id)
            if replaced is not None:
                replaced.close()
            connection.streams[request.id] = answer

    def _ask(self, request: Request) -> Answer:
        if request.op is Op.SUBSCRIBE:
            return StatusStream(self._daemon, self.wake)
        answer = HANDLERS[request.op](self._daemon, request)
        if request.op is Op.STATS and isinstance(answer, Now):
            counts = {**self._counts, "connected": len(self._connections)}
            return Now({**answer.value, "socket": counts})
        return answer

    def _read(
        self, connection: Connection, request: Request, answer: FromShare, now: float
    ) -> None:
        task = Task(request.id, self._daemon.spool, answer.read, now)
        if self._reader.hangs_for() >= self._limits.hang:
            raise self._hangs(task)
        is_many = len(connection.readings) >= self._limits.readings
        if is_many or not self._reader.submit(task):
            raise BadRequest(Kind.BUSY, "too many readings of the spool wait", "", request.id)
        connection.readings.append(task)

    def _settle_readings(self, connection: Connection, now: float) -> None:
        for task in list(connection.readings):
            line, waited = task.line, now - task.asked_at
            if line is None and waited >= self._limits.hang:
                line = self._excuse(task, waited)
            if line is not None:
                task.is_dropped = True
                connection.readings.remove(task)
                connection.send(line, now)

    def _excuse(self, task: Task, waited: float) -> bytes | None:
        """Why there is no answer yet; None where the reading moves on and may take longer."""
        if self._reader.hangs_for() >= self._limits.hang:
            return encode_answer(self._hangs(task).failure)
        if waited < self._limits.slow:
            return None
        words = f"the spool could not be read within {self._limits.slow:.0f} s"
        return encode_answer(Failure(task.id, Kind.FAILED, words, "", SpoolError.exit_status))

    def _hangs(self, task: Task) -> BadRequest:
        since = self._reader.hangs_for()
        return BadRequest(
            Kind.SHARE_HANGS,
            f"the share hangs since {since:.0f} s ({task.spool.root})",
            "see whether its server answers; status of this node works all the same",
            task.id,
        )

    def _tell_news(self, connection: Connection, now: float) -> None:
        if not connection.streams or connection.is_full or now < connection.news_at:
            return
        for id_, stream in list(connection.streams.items()):
            for event, value in stream.news():
                connection.send(encode_answer(Reply(id_, value, event)), now)
                connection.news_at = now + _NEWS_EVERY
            if stream.is_over:
                connection.end_stream(id_)
                connection.send(encode_answer(Reply(id_, None, Event.END)), now)

    # -- clients go -----------------------------------------------------------------------

    def _watch(self, connection: Connection) -> None:
        """Tell the selector what this client is waited for."""
        wanted = connection.wanted_events()
        if wanted == connection.watched_events:
            return
        if not connection.watched_events:
            self._selector.register(connection.socket, wanted)
        elif wanted:
            self._selector.modify(connection.socket, wanted)
        else:
            self._selector.unregister(connection.socket)
        connection.watched_events = wanted

    def _drop(self, connection: Connection) -> None:
        descriptor = connection.socket.fileno()
        if connection.watched_events:
            self._selector.unregister(connection.socket)
        self._connections.pop(descriptor, None)
        connection.close()

    def _close(self) -> None:
        """Say the last words and let everything go."""
        now = time.monotonic()
        for connection in list(self._connections.values()):
            with contextlib.suppress(Dropped, OSError):
                for id_ in list(connection.streams):
                    connection.end_stream(id_)
                    connection.send(encode_answer(Reply(id_, None, Event.END)), now)
            self._drop(connection)
        self._listener.close()
        self._selector.close()
        self._reader.close()
        self._woken.close()
        self._wakes.close()
