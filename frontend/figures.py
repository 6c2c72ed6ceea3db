"""What journals add up to: sums by machine and job, frames and work by the hour, causes."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from renderd.core import causes
from renderd.core.label import label
from renderd.core.names import host_of

HOUR = 3600
FAILURES = frozenset({"fail", "bad-output", "timeout"})
_KEPT_HOURS = 7 * 24 + 1
_OTHER_THAN_ATTEMPTS = ("reclaimed", "closed")
_PROGRAM = re.compile(r"\S{1,80}( crashed)?: ")
_STATUS = re.compile(r"exit status \d+: (?=\S)")
_DIGITS = re.compile(r"(?<!exit status )(?<!signal )\b\d+")


@dataclass(slots=True)
class Sum:
    """What was done, added up."""

    chunks: int = 0
    frames: int = 0
    failed: int = 0
    stopped: int = 0  #: killed, or given back without blame
    lost: int = 0  #: finished, but no longer its own
    wall: float = 0.0  #: seconds of finished chunks
    cpu: float = 0.0
    peak: int = 0  #: bytes

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in one event of a journal."""
        kind = event.get("ev")
        if kind == "done":
            self.chunks += 1
            self.frames += int(number(event, "frames"))
            self.wall += number(event, "wall")
            self.cpu += number(event, "cpu")
            self.peak = max(self.peak, int(number(event, "peak")))
        elif kind in FAILURES:
            self.failed += 1
        elif kind == "lost":
            self.lost += 1
        elif "attempt" in event:
            self.stopped += 1


def add_up(events: Iterable[dict[str, Any]], by: str) -> tuple[dict[str, Sum], Sum]:
    """The sums per node's host or per job, and of all."""
    sums: dict[str, Sum] = defaultdict(Sum)
    total = Sum()
    for event in events:
        if not is_attempt(event):
            continue
        key = str(event["jid"]) if by == "job" else host_of(str(event["inc"]))
        sums[key].add(event)
        total.add(event)
    return dict(sums), total


def is_attempt(event: Mapping[str, Any]) -> bool:
    """Whether an event tells of an attempt's end."""
    return "jid" in event and event.get("ev") not in _OTHER_THAN_ATTEMPTS


def number(event: Mapping[str, Any], key: str) -> float:
    """A figure of an event; 0 where it is none."""
    value = event.get(key)
    return float(value) if isinstance(value, int | float) and abs(value) < 1e18 else 0.0


def cause_of(why: str) -> str:
    """Why an attempt failed, so that what is alike counts together."""
    bare = _PROGRAM.sub("", why, 1)
    known = next((one.says for one in causes.CAUSES if bare.startswith(one.says)), "")
    said = known or _DIGITS.sub("…", _STATUS.sub("", _PROGRAM.sub(_crash, label(why, 160), 1), 1))
    return said or "no reason told"


def _crash(found: re.Match[str]) -> str:
    """Which program it was does not matter here, but that it crashed does."""
    return "crashed: " if found[1] else ""


@dataclass(slots=True)
class Hours:
    """The last week by the hour; hours count from 1970."""

    frames: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    busy: dict[str, dict[int, float]] = field(default_factory=dict)  #: a host's seconds of work
    causes: dict[int, Counter[str]] = field(default_factory=dict)

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in the end of an attempt; its frames and work count while it ran."""
        end, wall = number(event, "t"), min(max(number(event, "wall"), 0.0), _KEPT_HOURS * HOUR)
        hour = int(end // HOUR)
        if event.get("ev") in FAILURES:
            self.causes.setdefault(hour, Counter())[cause_of(str(event.get("why") or ""))] += 1
        frames = number(event, "frames") if event.get("ev") == "done" else 0.0
        busy = self.busy.setdefault(host_of(str(event["inc"])), defaultdict(float))
        for at, seconds in _spread(end - wall, end):
            busy[at] += seconds
            part = seconds / wall if wall else 1.0
            self.frames[at] += frames * part

    def forget(self, now: float) -> None:
        """Leave out what is older than a week."""
        first = int(now // HOUR) - _KEPT_HOURS
        tables: tuple[dict[int, Any], ...] = (self.frames, self.causes, *self.busy.values())
        for table in tables:
            for hour in [one for one in table if one < first]:
                del table[hour]


def _spread(start: float, end: float) -> Iterable[tuple[int, float]]:
    """The hours that a stretch of time touches, with its seconds in each."""
    hour = int(start // HOUR)
    if end <= start:
        return [(hour, 0.0)]
    return [
        (at, min(end, (at + 1) * HOUR) - max(start, at * HOUR))
        for at in range(hour, int(-(-end // HOUR)))
    ]
