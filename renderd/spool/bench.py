"""What an examination of a mount works with, and what it answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from renderd.spool.layout import Spool
from renderd.spool.mount import Verdict

PATIENCE = 10.0  #: seconds until something that should show is called missing


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing examined: what was measured, and one sentence what to change."""

    name: str
    verdict: Verdict
    measured: str
    advice: str = ""


class Clock(Protocol):
    """The caller's clock: wall time, steady time, and waiting."""

    def wall(self) -> float: ...

    def steady(self) -> float: ...

    def wait(self, seconds: float) -> None: ...


class Partner(Protocol):
    """A second process on this machine, one step at a time; a race is answered twice."""

    def start(self, request: Mapping[str, Any]) -> None: ...

    def answer(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Bench:
    """What an examination works with; `folder` is its own."""

    spool: Spool
    folder: str
    clock: Clock
    partner: Partner

    def ask(self, **request: Any) -> Any:
        self.partner.start(request)
        return self.partner.answer()

    def time_until(self, is_there: Callable[[], bool], patience: float = PATIENCE) -> float:
        """Seconds until a claim is true, or more than `patience`."""
        begin = self.clock.steady()
        while not is_there():
            seconds = self.clock.steady() - begin
            if seconds > patience:
                return seconds
            self.clock.wait(0.02)
        return self.clock.steady() - begin


Examination = Callable[[Bench], Iterator[Answer]]
