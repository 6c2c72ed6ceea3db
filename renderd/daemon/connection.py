"""One client's connection: its buffers and what it may not do."""

import selectors
import socket
from collections import deque
from dataclasses import dataclass, field

from renderd.core.wire import MAX_REPLY, MAX_REQUEST
from renderd.daemon.handlers import Stream
from renderd.daemon.reader import Task

RECEIVE = 64 << 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, and all of them, may use; times in seconds."""

    connections: int = 64
    streams: int = 8  #: at once, a connection
    readings: int = 4  #: of the spool at once, a connection
    half_line: float = 10.0  #: within which a begun line must end
    stall: float = 10.0  #: without a byte taken, while some are waiting
    full: int = 256 << 10  #: bytes unsent beyond which nothing more is read or streamed
    unsent: int = 2 * MAX_REPLY  #: bytes unsent beyond which the client is dropped
    hang: float = 2.0  #: after which a reading is answered with "the share hangs"
    slow: float = 60.0  #: after which a reading that moves on is given up all the same


class Dropped(Exception):
    """The client is gone or broke a limit: close its connection."""


@dataclass(slots=True)
class Connection:
    """A client's socket, half-read requests and unsent answers."""

    socket: socket.socket
    limits: Limits
    streams: dict[int, Stream] = field(default_factory=dict)  #: by the request's id
    readings: list[Task] = field(default_factory=list)
    is_closing: bool = False  #: once its answers are sent; its questions are not heard any more
    has_ended: bool = False  #: it sends no more, and may still read
    watched_events: int = 0  #: what the selector waits for
    news_at: float = 0.0  #: no news of streams before
    half_since: float | None = None  #: when the line began that has not ended
    _moved_at: float = 0.0  #: when it last took a byte, or had none to take
    _received: bytearray = field(default_factory=bytearray)
    _unsent: deque[memoryview] = field(default_factory=deque)
    _unsent_bytes: int = 0

    @property
    def is_full(self) -> bool:
        """True when the client must read before anything more is done for it."""
        return self._unsent_bytes >= self.limits.full

    @property
    def is_finished(self) -> bool:
        """True when nothing is left to be done for it."""
        if self.has_ended and self.streams:
            return True  # nobody reads a stream who has closed the other direction
        is_last = self.is_closing or self.has_ended
        return is_last and not (self._unsent or self.readings or self._received)

    def wanted_events(self) -> int:
        """What the selector is to wait for: room to send, questions to hear."""
        wanted = selectors.EVENT_WRITE if self._unsent else 0
        if not (self.is_full or self.is_closing or self.has_ended):
            wanted |= selectors.EVENT_READ
        return wanted

    def move(self, events: int, now: float) -> None:
        """Take and give what the socket is ready for.  Raises Dropped where the client is gone."""
        if events & selectors.EVENT_WRITE:
            self.flush(now)
        if events & selectors.EVENT_READ:
            self._receive(now)

    def _receive(self, now: float) -> None:
        try:
            data = self.socket.recv(RECEIVE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            raise Dropped(str(error)) from error
        if not data:
            self.has_ended = True
        self._received += data
        self._time_half_line(now, is_new=self.half_since is None)

    def next_line(self, now: float) -> bytes | None:
        """A whole request's line, its newline included; None when there is none yet.

        A line beyond the limit comes cut to one byte more than the limit; the last line of a
        client that sends no more may lack its newline.
        """
        if self.is_closing:
            self._received.clear()
        end = self._received.find(b"\n") + 1
        if not end and len(self._received) > MAX_REQUEST:
            end = MAX_REQUEST + 1
        if not end and self.has_ended:
            end = len(self._received)
        if not end:
            return None
        line = bytes(self._received[:end])
        del self._received[:end]
        self._time_half_line(now, is_new=True)
        return line

    def _time_half_line(self, now: float, *, is_new: bool) -> None:
        if not self._received or b"\n" in self._received:
            self.half_since = None
        elif is_new:
            self.half_since = now

    def send(self, line: bytes, now: float) -> None:
        """Queue an answer and send what the client takes.  Raises Dropped."""
        if not self._unsent_bytes:
            self._moved_at = now
        self._unsent.append(memoryview(line))
        self._unsent_bytes += len(line)
        self.flush(now)
        if self._unsent_bytes > self.limits.unsent:
            raise Dropped("it does not read its answers")

    def flush(self, now: float) -> None:
        """Send what the client takes without waiting.  Raises Dropped."""
        while self._unsent:
            try:
                sent = self.socket.send(self._unsent[0])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                raise Dropped(str(error)) from error
            self._moved_at = now
            self._unsent_bytes -= sent
            if sent == len(self._unsent[0]):
                self._unsent.popleft()
            else:
                self._unsent[0] = self._unsent[0][sent:]

    def check(self, now: float) -> None:
        """Raise Dropped where a time limit has passed."""
        if self._unsent and now - self._moved_at > self.limits.stall:
            raise Dropped("it does not read its answers")
        if self.half_since is not None and now - self.half_since > self.limits.half_line:
            raise Dropped("its line does not end")

    def deadline(self) -> float | None:
        """When something is due by time alone; None when nothing is under way."""
        times = [self._moved_at + self.limits.stall] if self._unsent else []
        if self.half_since is not None:
            times.append(self.half_since + self.limits.half_line)
        times += [task.asked_at + self.limits.hang for task in self.readings]
        if not self.is_full and any(stream.is_due for stream in self.streams.values()):
            times.append(self.news_at)
        return min(times) if times else None

    def end_stream(self, id_: int) -> None:
        """Close a stream and forget it."""
        self.streams.pop(id_).close()

    def close(self) -> None:
        """Let go of everything done on the client's behalf."""
        for stream in self.streams.values():
            stream.close()
        for task in self.readings:
            task.is_dropped = True
        self.streams.clear()
        self.readings.clear()
        self.socket.close()
