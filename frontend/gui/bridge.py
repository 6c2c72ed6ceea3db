"""Threads that read the farm and run errands for the window; results arrive as signals.

A call of a hung share never comes back, so nothing here is ever waited for: a reader says for how
long its present call has been out, and its thread ends with the program.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from PyQt6.QtCore import QObject, pyqtSignal

from renderd.errors import RenderdError

_SHARE = 10  #: a reader rests so many times as long as its last reading took, at least
_LONGEST = 20.0  #: … but no longer: a share that hung for minutes is read again once it answers
PATIENCE = 0.3  #: seconds that ended threads may take together: the window stands still so long


class Reader(QObject):
    """One thing read again and again by a thread of its own, and then closed, if it can be."""

    arrived = pyqtSignal(object)
    failed = pyqtSignal(object)  #: RenderdError or OSError

    def __init__(self, name: str, read: Callable[[], Any], every: float) -> None:
        super().__init__()
        self._read = read
        self.every = every  #: seconds from one reading to the next; longer where one takes long
        self.rests = _SHARE
        self.slows = 1.0  #: by how much it reads more rarely, while nobody looks
        self.has_read = False  #: at least once
        self._began = 0.0
        self._asked = threading.Event()
        self._ends = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Read from now on."""
        self._thread.start()

    def hurry(self) -> None:
        """Read again at once."""
        self._asked.set()

    def end(self) -> None:
        """Read no more."""
        self._ends = True
        self._asked.set()

    def join(self, seconds: float) -> None:
        """Wait so long for the end of the reading that is under way."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def out_for(self) -> float:
        """Seconds since the present reading began; 0 between readings."""
        began = self._began
        return time.monotonic() - began if began else 0.0

    def _run(self) -> None:
        try:
            self._read_on()
        finally:
            if callable(close := getattr(self._read, "close", None)):
                close()

    def _read_on(self) -> None:
        while not self._ends:
            self._asked.clear()
            began = self._began = time.monotonic()
            signal, value = self._once()
            took, self._began = time.monotonic() - began, 0.0
            self.has_read = True
            if self._ends or not _tell(self, signal, value):
                return
            self._asked.wait(max(self.every * self.slows, min(took * self.rests, _LONGEST)))

    def _once(self) -> tuple[str, Any]:
        try:
            return "arrived", self._read()
        except (RenderdError, OSError) as error:
            return "failed", error


class Work(Protocol):
    """What an errand does, in the errands' thread; a sentence of what was done."""

    def __call__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Errand:
    """One thing a person asked for, as it is told of meanwhile, and how it is taken back."""

    title: str
    work: Work
    undo: "Errand | None" = None


class Errands(QObject):
    """What a person asked for, done one after the other by one thread."""

    done = pyqtSignal(object, str)  #: the errand, what was done
    failed = pyqtSignal(object, object)  #: the errand, RenderdError or OSError

    def __init__(self, name: str) -> None:
        super().__init__()
        self._waiting: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()
        self._began = 0.0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def run(self, errand: Errand) -> None:
        """Do it as soon as those before it are done."""
        self._waiting.put(errand)

    def out_for(self) -> float:
        """Seconds since the present errand began; 0 where none is under way."""
        began = self._began
        return time.monotonic() - began if began else 0.0

    def end(self) -> None:
        """Do what was asked for until now, and then no more."""
        self._waiting.put(None)

    def join(self, seconds: float) -> None:
        """Wait so long for the end of what is under way."""
        self._thread.join(seconds)

    def _run(self) -> None:
        while (errand := self._waiting.get()) is not None:
            self._began = time.monotonic()
            try:
                words = errand.work()
            except (RenderdError, OSError) as error:
                told = _tell(self, "failed", errand, error)
            else:
                told = _tell(self, "done", errand, words)
            self._began = 0.0
            if not told:
                return


def leave(workers: Iterable[Reader | Errands], seconds: float = PATIENCE) -> None:
    """End threads and wait so long for all of them; those that hang are left behind."""
    ended = tuple(workers)
    for one in ended:
        one.end()
    until = time.monotonic() + seconds
    for one in ended:
        one.join(max(0.0, until - time.monotonic()))


class Latest(QObject):
    """One question asked again and again: only the answer to the newest is told.

    Each is worked at in a thread of its own, so that one that hangs keeps no other from its answer.
    """

    came = pyqtSignal(object)
    failed = pyqtSignal(object)  #: RenderdError or OSError
    _ended = pyqtSignal(int, object, bool)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._newest = 0
        self._is_out = False
        self._ended.connect(self._take)

    def ask(self, work: Callable[[Callable[[], bool]], Any]) -> None:
        """Work at this now; `work` is given a test of whether anybody still wants the answer."""
        self._newest += 1
        self._is_out = True
        number = self._newest
        thread = threading.Thread(
            target=self._run, args=(number, work), name=self._name, daemon=True
        )
        thread.start()

    def drop(self) -> None:
        """Want no answer any more."""
        self._newest += 1
        self._is_out = False

    @property
    def is_out(self) -> bool:
        """Whether an answer is still to come."""
        return self._is_out

    def _run(self, number: int, work: Callable[[Callable[[], bool]], Any]) -> None:
        try:
            value, is_good = work(lambda: number == self._newest), True
        except (RenderdError, OSError) as error:
            value, is_good = error, False
        _tell(self, "_ended", number, value, is_good)

    def _take(self, number: int, value: object, is_good: bool) -> None:
        if number != self._newest:
            return
        self._is_out = False
        (self.came if is_good else self.failed).emit(value)


def _tell(sender: QObject, signal: str, *values: Any) -> bool:
    """Emit; False where the window, and the sender with it, is gone already."""
    try:
        getattr(sender, signal).emit(*values)
    except RuntimeError:
        return False
    return True
