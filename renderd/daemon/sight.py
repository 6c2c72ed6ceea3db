"""What this machine sees of the shares, asked on threads: a hung mount blocks them, never us."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

SEEN_FOR, UNSEEN_FOR = 10.0, 1.0  #: seconds for which an answer is believed
PATIENCE = 0.1
HUNG_AFTER = 10.0  #: seconds without an answer after which a share is said to hang
MOST_THREADS = 64  #: questions under way; a share that hangs keeps one for each path
MOST_HUNG = 3  #: of them, beyond which nobody waits for a further one

LOOKING, SILENT = "is still looking for", "gets no answer about"

Question = Callable[[], str]  #: why something is not seen, empty where it is; OSError

Subject = tuple[str, str]  #: who asks (a job, a root) and for which path


class Sight:
    """Asks at once, on the caller's thread: for tests and programs that may be blocked."""

    def ask(self, about: Subject, question: Question) -> str:
        """Why a path is not seen, in one clause; empty where it is."""
        return _answer(about[1], question)

    def forget(self) -> None:
        """Drop the answers that nobody asked for lately."""


@dataclass(slots=True)
class _Asked:
    """A question under way, or its last answer."""

    began: float = 0.0
    is_over: threading.Event = field(default_factory=threading.Event)
    reason: str = ""
    ended: float | None = None


class Lookouts(Sight):
    """Asks on a thread of its own and remembers the answer for some seconds."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, patience: float = PATIENCE
    ) -> None:
        """`patience`: seconds that a first answer is waited for."""
        self._clock, self._patience = clock, patience
        self._asked: dict[Subject, _Asked] = {}

    def ask(self, about: Subject, question: Question) -> str:
        now, path = self._clock(), about[1]
        known = self._asked.get(about)
        if known is not None and known.ended is not None:
            if now - known.ended < (UNSEEN_FOR if known.reason else SEEN_FOR):
                return known.reason
            known = None
        if known is None:
            pending = [one for one in self._asked.values() if one.ended is None]
            if len(pending) >= MOST_THREADS:
                return f"{SILENT} {path}: too many questions are open"
            known = self._asked[about] = _Asked(began=now)
            threading.Thread(
                target=self._run, args=(path, question, known), name="sight", daemon=True
            ).start()
            known.is_over.wait(self._patience if len(pending) < MOST_HUNG else 0.0)
        if known.ended is not None:
            return known.reason
        if now - known.began < HUNG_AFTER:
            return f"{LOOKING} {path}"
        return f"{SILENT} {path}: does its share hang?"

    def forget(self) -> None:
        now = self._clock()
        for key, known in list(self._asked.items()):
            if known.ended is not None and now - known.ended > 10 * SEEN_FOR:
                del self._asked[key]

    def _run(self, path: str, question: Question, known: _Asked) -> None:
        known.reason = _answer(path, question)
        known.ended = self._clock()
        known.is_over.set()


def is_open(reason: str) -> bool:
    """Whether a reason only says that there is no answer yet."""
    return reason.startswith((LOOKING, SILENT))


def is_looking(reason: str) -> bool:
    """Whether a question was asked so lately that its answer is still to be expected."""
    return reason.startswith(LOOKING)


def _answer(path: str, question: Question) -> str:
    try:
        return question()
    except OSError as error:
        return f"cannot look for {path}: {error.strerror or error}"
