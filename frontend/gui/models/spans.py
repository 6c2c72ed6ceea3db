"""How long jobs render: from when their first chunk began until their last one ended, or now."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from frontend.farm import open_farm
from frontend.figures import is_attempt
from renderd.config import Settings
from renderd.spool import history
from renderd.spool.layout import Spool
from renderd.spool.records import JobView

Found = Mapping[str, tuple[float, float]]  #: by job: first begin and last end, seconds since 1970
_AT_ONCE = 32  #: journals looked at in one reading
_MUCH = 1 << 20  #: bytes read at once


@dataclass(slots=True)
class Spans:
    """When jobs began and ended, as far as journals and machines told."""

    known: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, found: Found) -> None:
        """Learn of begins and ends; the first begin and the last end stay."""
        for jid, (began, ended) in found.items():
            before = self.known.get(jid, (began, ended))
            self.known[jid] = min(before[0], began), max(before[1], ended)

    def hear(self, running: Iterable[tuple[str, Any]], now: float) -> None:
        """Learn from the seconds for which chunks of jobs run."""
        for jid, elapsed in running:
            if isinstance(elapsed, int | float) and 0 <= elapsed < now:
                self.take({jid: (now - elapsed, 0.0)})

    def seconds(self, job: JobView, now: float) -> float | None:
        """How long it renders, or rendered; None where that is not known."""
        began, ended = self.known.get(job.jid, (0.0, 0.0))
        if not began:
            return None
        if job.running:
            return max(now - began, 0.0)
        return ended - began if ended > began else None


class SpansReading:
    """Reads on in some journals at each call, in turn; for one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._spool: Spool | None = None
        self._places: dict[str, int] = {}
        self._left: list[str] = []  #: journals whose turn is still to come

    def __call__(self) -> Found:
        """What is new.  Raises RenderdError, OSError."""
        spool = self._spool = self._spool or open_farm(self._settings)
        self._left = self._left or history.written(spool)[::-1]
        spans, much = Spans(), 0
        for _ in range(_AT_ONCE):
            if not self._left or much >= _MUCH:
                break
            inc = self._left.pop()
            with contextlib.suppress(OSError):
                place = self._places.get(inc, 0)
                events, self._places[inc] = history.read_on(spool, inc, place)
                much += self._places[inc] - place
                spans.take(_spans(events))
        return spans.known


def _spans(events: Iterable[Mapping[str, Any]]) -> Found:
    spans = Spans()
    for event in events:
        end, wall = event.get("t"), event.get("wall")
        if is_attempt(event) and isinstance(end, int | float) and isinstance(wall, int | float):
            spans.take({str(event.get("jid")): (end - max(wall, 0), end)})
    return spans.known
