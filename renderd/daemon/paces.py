"""Frame times that this node has seen, per job: what the farm's forecasts are made of."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from renderd.core.eta import Pace
from renderd.daemon.work import Work

JOBS_KEPT = 32
JOBS_TOLD = 12  #: so that they fit a status file beside the rest
FRAMES_KEPT = 200  #: of a job; the latest tell most of those to come


@dataclass(slots=True)
class Paces:
    """The latest frame times of the jobs that this node worked on last, in seconds."""

    _times: dict[str, deque[float]] = field(default_factory=dict)
    _rows: dict[str, list[Any]] = field(default_factory=dict)  #: what they came to when last told

    def add(self, jid: str, times: Sequence[float]) -> None:
        """Take in a job's frame times, the latest last; jobs not heard of for long are dropped."""
        if not times:
            return
        kept = self._times.pop(jid, deque(maxlen=FRAMES_KEPT))
        kept.extend(times)
        self._times[jid] = kept
        self._rows.pop(jid, None)  # reckoned when somebody asks: chunks may end by the hundred
        while len(self._times) > JOBS_KEPT:
            oldest = next(iter(self._times))
            del self._times[oldest]
            self._rows.pop(oldest, None)

    def usual(self, jid: str) -> float | None:
        """The job's usual frame time here; None where no chunk of it was finished."""
        kept = self._times.get(jid)
        return sorted(kept)[len(kept) // 2] if kept else None

    def told(self, running: Iterable[Work]) -> dict[str, list[Any]]:
        """Frames, mean and spread by job, those of running chunks too; see socket.md."""
        begun: dict[str, list[float]] = {}
        for work in running:
            begun.setdefault(work.job.jid, []).extend(_steps(work.saved_after))
        jids = [*begun, *(jid for jid in reversed(self._times) if jid not in begun)]
        found = {}
        for jid in jids[:JOBS_TOLD]:
            if steps := begun.get(jid):
                found[jid] = _row([*self._times.get(jid, ()), *steps])
            elif kept := self._times.get(jid):
                found[jid] = self._rows[jid] = self._rows.get(jid) or _row(kept)
        return found


def _row(times: Sequence[float]) -> list[Any]:
    pace = Pace.of(times)
    return [pace.frames, round(pace.mean, 3), round(pace.spread, 3)]


def of_chunk(work: Work, wall: float) -> list[float]:
    """The frame times of a chunk that took `wall` seconds, what was around them shared out."""
    steps = _steps(work.saved_after)
    if not steps:
        frames = len(work.frames)
        return [wall / frames] * frames if frames else []
    around = max(wall - sum(steps), 0.0) / len(steps)
    return [step + around for step in steps]


def _steps(saved_after: Sequence[float]) -> list[float]:
    """From the moments at which frames were saved to how long each took."""
    moments = list(saved_after)
    return [after - before for before, after in pairwise([0.0, *moments])]
