"""What the farm did: journals read on and on, as figures for charts and tables."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from frontend import words
from frontend.farm import open_farm
from frontend.figures import HOUR, Hours, Sum, is_attempt
from fs_browser.column import Column
from fs_browser.table import Table
from renderd.config import Settings
from renderd.core.label import label
from renderd.core.names import host_of
from renderd.spool import history, tickets
from renderd.spool.layout import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One machine or job, added up."""

    key: str
    name: str
    sum: Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The figures at one moment."""

    hour: int  #: the present one, from 1970
    frames: Mapping[int, float]  #: by hour
    busy: Mapping[str, Mapping[int, float]]  #: by host and hour: 0 to 1, all its slots
    causes: Mapping[int, Mapping[str, int]]  #: failures by hour and cause
    machines: tuple[Row, ...]
    jobs: tuple[Row, ...]

    def rates(self, hours: int, step: int = 1) -> list[float]:
        """Frames an hour over so many hours, oldest first, each the mean of `step` hours."""
        first = self.hour - hours + 1
        found = [self.frames.get(first + at, 0.0) for at in range(hours)]
        return [sum(found[at : at + step]) / step for at in range(0, hours, step)]

    def shares(self, hours: int, step: int = 1) -> list[tuple[str, list[float]]]:
        """How busy each host was, oldest first; those that did nothing are left out."""
        first, found = self.hour - hours + 1, []
        for host, busy in sorted(self.busy.items()):
            parts = [busy.get(first + at, 0.0) for at in range(hours)]
            means = [sum(parts[at : at + step]) / step for at in range(0, hours, step)]
            if any(means):
                found.append((host, means))
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
    _spool: Spool | None = None
    _places: dict[str, int] = field(default_factory=dict)
    _seen: set[tuple[Any, ...]] = field(default_factory=set)
    _hours: Hours = field(default_factory=Hours)
    _machines: dict[str, Sum] = field(default_factory=dict)
    _jobs: dict[str, Sum] = field(default_factory=dict)

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
        slots = self.slots()
        return Past(
            hour=int(now // HOUR),
            frames=dict(self._hours.frames),
            busy={
                host: {at: min(s / HOUR / max(slots.get(host, 1), 1), 1.0) for at, s in one.items()}
                for host, one in self._hours.busy.items()
            },
            causes={hour: dict(one) for hour, one in self._hours.causes.items()},
            machines=_rows(self._machines, {}),
            jobs=_rows(self._jobs, names),
        )

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
