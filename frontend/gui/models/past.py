"""What the farm did: journals read on and on, as figures for charts and tables."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from frontend import words
from frontend.farm import open_farm
from frontend.figures import FAILURES, HOUR, Hours, Sum, cause_of, is_attempt, number
from fs_browser.column import Column
from fs_browser.table import Table
from renderd.config import Settings
from renderd.core.label import label
from renderd.core.names import host_of
from renderd.spool import history, tickets
from renderd.spool.layout import Spool

_KEPT = 50_000  #: attempts that can be added up by machine, hour and cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One machine or job, added up."""

    key: str
    name: str
    sum: Sum


@dataclass(frozen=True, slots=True)
class Scope:
    """Which attempts the tables add up; of what is empty, all."""

    host: str = ""
    hours: tuple[int, int] | None = None  #: from and to, the latter left out
    cause: str = ""

    def __bool__(self) -> bool:
        return bool(self.host or self.hours or self.cause)

    def holds(self, event: Mapping[str, Any]) -> bool:
        """Whether the end of an attempt is asked for."""
        if self.host and host_of(str(event["inc"])) != self.host:
            return False
        if self.hours and not self.hours[0] <= number(event, "t") // HOUR < self.hours[1]:
            return False
        if not self.cause:
            return True
        return event.get("ev") in FAILURES and cause_of(str(event.get("why") or "")) == self.cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The figures at one moment."""

    hour: int  #: the present one, from 1970
    frames: Mapping[int, float]  #: by hour
    busy: Mapping[str, Mapping[int, float]]  #: by host and hour: 0 to 1, all its slots
    causes: Mapping[int, Mapping[str, int]]  #: failures by hour and cause
    machines: tuple[Row, ...]
    jobs: tuple[Row, ...]
    now: float = 0.0  #: seconds since 1970
    first: float = 0.0  #: when the first attempt that is known of began; 0: none is
    scope: Scope = Scope()  #: what machines and jobs add up

    def since(self, hours: int) -> float:
        """From when on something is known of the last hours; seconds since 1970."""
        return max(self.first or self.now, self.now - hours * HOUR)

    def rates(self, hours: int, step: int = 1) -> list[float]:
        """Frames an hour over so many hours, oldest first, each the mean of `step` hours."""
        first = self.hour - hours + 1
        found = [self.frames.get(first + at, 0.0) for at in range(hours)]
        return [sum(found[at : at + step]) / step for at in range(0, hours, step)]

    def shares(self, hours: int, step: int = 1) -> list[tuple[str, list[float], float]]:
        """How busy each host was, oldest first, and on average; not those that did nothing."""
        first, found = self.hour - hours + 1, []
        for host, busy in sorted(self.busy.items()):
            parts = [busy.get(first + at, 0.0) for at in range(hours)]
            means = [sum(parts[at : at + step]) / step for at in range(0, hours, step)]
            if any(means):
                known = [known_of(first + at, self.first, self.now) for at in range(hours)]
                worked = sum(part * one for part, one in zip(parts, known, strict=True))
                found.append((host, means, worked / max(sum(known), 1.0)))
        return found

    def failures(self, hours: int) -> list[tuple[str, int]]:
        """Causes of failures with their numbers, the most frequent first."""
        total: Counter[str] = Counter()
        for hour, counted in self.causes.items():
            if hour > self.hour - hours:
                total.update(counted)
        return total.most_common()


@dataclass(slots=True)
class PastReading:
    """Reads every journal, then what is new in each; for one thread."""

    settings: Settings
    is_wanted: Callable[[], bool]
    now: Callable[[], float]
    slots: Callable[[], Mapping[str, int]]
    scope: Callable[[], Scope] = Scope
    _spool: Spool | None = None
    _places: dict[str, int] = field(default_factory=dict)
    _seen: set[tuple[Any, ...]] = field(default_factory=set)
    _hours: Hours = field(default_factory=Hours)
    _machines: dict[str, Sum] = field(default_factory=dict)
    _jobs: dict[str, Sum] = field(default_factory=dict)
    _last: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _first: float = 0.0

    def __call__(self) -> Past | None:
        """The figures; None where nobody looks.  Raises OSError, RenderdError."""
        if not self.is_wanted():
            return None
        spool = self._spool = self._spool or open_farm(self.settings)
        for inc in history.written(spool):
            self._read(spool, inc)
        now = self.now()
        self._hours.forget(now)
        names = {jid: ticket.slug for jid, (_, ticket) in tickets.everywhere(spool).items()}
        slots, scope, first = self.slots(), self.scope(), self._first
        machines, jobs = self._sums(scope)
        return Past(
            hour=int(now // HOUR),
            frames=dict(self._hours.frames),
            busy={
                host: {
                    at: min(s / known_of(at, first, now) / max(slots.get(host, 1), 1), 1.0)
                    for at, s in one.items()
                }
                for host, one in self._hours.busy.items()
            },
            causes={hour: dict(one) for hour, one in self._hours.causes.items()},
            machines=_rows(machines, {}),
            jobs=_rows(jobs, names),
            now=now,
            first=first,
            scope=scope,
        )

    def _sums(self, scope: Scope) -> tuple[dict[str, Sum], dict[str, Sum]]:
        if not scope:
            return self._machines, self._jobs
        machines: dict[str, Sum] = {}
        jobs: dict[str, Sum] = {}
        for event in filter(scope.holds, self._last):
            machines.setdefault(host_of(str(event["inc"])), Sum()).add(event)
            jobs.setdefault(str(event["jid"]), Sum()).add(event)
        return machines, jobs

    def _read(self, spool: Spool, inc: str) -> None:
        try:
            events, self._places[inc] = history.read_on(spool, inc, self._places.get(inc, 0))
        except OSError:
            return
        for event in events:
            mark = tuple(str(event.get(key)) for key in ("jid", "chunk", "attempt", "ev", "t"))
            if is_attempt(event) and (inc, *mark) not in self._seen:
                self._seen.add((inc, *mark))  # what a journal was given twice counts once
                self._take({**event, "inc": inc})

    def _take(self, event: Mapping[str, Any]) -> None:
        self._machines.setdefault(host_of(str(event["inc"])), Sum()).add(event)
        self._jobs.setdefault(str(event["jid"]), Sum()).add(event)
        self._hours.add(event)
        self._last.append(event)
        began = number(event, "t") - max(number(event, "wall"), 0.0)
        if began > 0:
            self._first = min(self._first or began, began)


def known_of(hour: int, first: float, now: float) -> float:
    """Seconds of an hour between when the first attempt began and now, one at least."""
    if not now:
        return HOUR
    return max(min(now, (hour + 1) * HOUR) - max(first, hour * HOUR), 1.0)


def _rows(sums: Mapping[str, Sum], names: Mapping[str, str]) -> tuple[Row, ...]:
    return tuple(
        Row(key=key, name=label(names.get(key, "" if names else key), 60), sum=replace(one))
        for key, one in sums.items()
    )


def table(what: str) -> Table[Row]:
    """An empty table of sums: those that worked longest first."""
    return Table((_name(what), *_FIGURES), lambda row: (-row.sum.wall, row.key))


def _name(what: str) -> Column[Row]:
    return Column(
        key="name",
        title=what,
        text=lambda r: r.name or f"{label(r.key, 20)}  (removed)",
        width=18,
    )


def _count(key: str, title: str, explains: str = "") -> Column[Row]:
    return Column(
        key=key,
        title=title,
        text=lambda r: f"{getattr(r.sum, key):,}" if getattr(r.sum, key) else "",
        order=lambda r: getattr(r.sum, key),
        is_number=True,
        width=7,
        explains=explains,
    )


def _time(key: str, title: str, explains: str) -> Column[Row]:
    return Column(
        key=key,
        title=title,
        text=lambda r: words.age(getattr(r.sum, key)) if getattr(r.sum, key) else "",
        order=lambda r: getattr(r.sum, key),
        is_number=True,
        width=7,
        explains=explains,
    )


def _pace(row: Row) -> float | None:
    return row.sum.wall / row.sum.frames if row.sum.frames else None


_FIGURES: tuple[Column[Row], ...] = (
    _count("chunks", "Chunks", "Finished"),
    _count("frames", "Frames"),
    _count("failed", "Failed", "Attempts that failed"),
    _count("stopped", "Stopped", "Attempts given back without blame: stopped by a person, no room"),
    _count("lost", "Lost", "Finished after the chunk had gone to another machine"),
    _time("wall", "Time", "Of finished chunks"),
    _time("cpu", "CPU", "Processor time of finished chunks"),
    Column(
        key="pace",
        title="A frame",
        text=lambda r: "" if (p := _pace(r)) is None else f"{p:.1f} s" if p < 60 else words.age(p),
        order=_pace,
        is_number=True,
        width=7,
        explains="Time of a frame, on average",
    ),
    Column(
        key="peak",
        title="Memory",
        text=lambda r: words.size(r.sum.peak) if r.sum.peak else "",
        order=lambda r: r.sum.peak,
        is_number=True,
        width=7,
        explains="The most that a chunk used at once",
    ),
)
