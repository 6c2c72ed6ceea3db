"""Holding a chunk still: its command stopped, its clock too."""

import threading
import time
from collections.abc import Callable

from renderd.host.guard import Child


class Suspension:
    """One chunk's stops.  Any thread may call.

    Time spent suspended is nobody's: neither a hang nor a frame's nor over a limit.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._since: float | None = None
        self._past = 0.0
        self.reason = ""  #: why it is held; empty while it goes on
        self.pid = 0  #: of the command; 0 where none runs

    @property
    def seconds(self) -> float:
        """How long it was held in all."""
        since = self._since
        return self._past + (self._clock() - since if since is not None else 0.0)

    def begin(self, child: Child) -> None:
        """A command of the chunk has started; it stops at once where the chunk is held.

        Waits until it is there, so that nobody else has to.  Raises GuardDied.
        """
        with self._lock:
            self._child = child
            if self._since is not None:
                child.suspend()
        self.pid = child.pid

    def end(self) -> None:
        """The command is over."""
        with self._lock:
            self._child, self.pid = None, 0

    def hold(self, reason: str) -> bool:
        """Stop what runs and keep it; False where it was held already."""
        with self._lock:
            was_held, self.reason = self._since is not None, reason
            if not was_held:
                self._since = self._clock()
            if self._child is not None:  # also again: a process may have slipped past
                self._child.suspend()
        return not was_held

    def release(self) -> bool:
        """Let it go on; False where it was not held."""
        with self._lock:
            if self._since is None:
                return False
            self._past += self._clock() - self._since
            self._since, self.reason = None, ""
            if self._child is not None:
                self._child.resume()
        return True
