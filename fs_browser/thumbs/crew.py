"""Threads for small pieces of work, the latest asked for first: what a person looks at now."""

import threading
import time
from collections.abc import Callable, Hashable

_HANGS = 5.0  #: seconds after which a piece of work counts as hung
_MOST = 8  #: threads, with those that hang
_QUEUE = 256  #: pieces that wait; more than a screen shows


class Crew:
    """Does work in daemon threads, which never hold the program up at its end."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._waiting: dict[Hashable, Callable[[], None]] = {}
        self._began: dict[int, float] = {}  #: of threads at work
        self._threads = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def ask(self, key: Hashable, work: Callable[[], None]) -> None:
        """Have something done before all that waits; asked again, it only moves to the front."""
        with self._changed:
            if self._is_closed:
                return
            self._waiting.pop(key, None)
            self._waiting[key] = work
            if len(self._waiting) > _QUEUE:  # scrolled past: asked again where it is seen again
                del self._waiting[next(iter(self._waiting))]
            if self._threads < _MOST and self._threads - self._hung() < self._size:
                self._threads += 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
            self._changed.notify()

    def forget(self) -> None:
        """Do nothing of what still waits."""
        with self._changed:
            self._waiting.clear()

    def close(self) -> None:
        """Do nothing more; the threads end, those that hang when they come back."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _hung(self) -> int:
        now = time.monotonic()
        return sum(now - began > _HANGS for began in self._began.values())

    def _work(self) -> None:
        me = threading.get_ident()
        while True:
            with self._changed:
                self._began.pop(me, None)
                while not self._waiting and not self._is_closed:
                    self._changed.wait()
                if self._is_closed:
                    return
                _, work = self._waiting.popitem()
                self._began[me] = time.monotonic()
            work()
