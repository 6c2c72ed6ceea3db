"""How long what is over stays, and how much of it: closed jobs, journals, refused files.

Days are everybody's rule: each node looks at a few closed jobs a sweep.  How much all of it fills
is measured by whoever comes first after an hour.  A closed job changes no more, so what it fills
is measured once, and remembered for all nodes in `history/sizes`.  Then the oldest go first.
"""

import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from renderd.core import jsonvalue
from renderd.core.names import Ticket, is_incarnation
from renderd.errors import InfoFileError, RenderdError
from renderd.spool import history, jobs, nodes, orders, tickets
from renderd.spool.layout import CANCELLED, DONE, FAILED, HISTORY, TRASH, Spool
from renderd.spool.moves import BREATH, Outcome, move, names, write
from renderd.spool.tickets import Place

DAY, HOUR = 86400.0, 3600.0
GB = 1 << 30
MEASURE_EVERY = HOUR
SIZES = "sizes"  #: in history/, no journal's name
JOBS_A_SWEEP = 20  #: looked at for their age, and removed for what they fill
FILES_A_SWEEP = 5000  #: measured; the rest a minute later
_SIZES_LIMIT = 1 << 26
_OVER = (DONE, FAILED, CANCELLED)


@dataclass(frozen=True, slots=True)
class Size:
    """What a closed job fills, and since when it is as it is, in seconds of the server's clock."""

    bytes: int
    since: float


@dataclass(slots=True)
class Sizes:
    """What all nodes know together of what closed jobs fill, by the names of their tickets."""

    jobs: dict[str, Size] = field(default_factory=dict)
    is_whole: bool = False  #: no closed job was left out
    measured: float = float("-inf")  #: when, by the server's clock


@dataclass(slots=True)
class Retention:
    """One node's part in removing what is over; `now` is its own CLOCK_BOOTTIME."""

    spool: Spool
    breathe: Callable[[], None] = lambda: None
    _seen: dict[str, float] = field(default_factory=dict)  #: closed jobs: first seen when
    _awaited: set[str] = field(default_factory=set)  #: jobs that open ones wait for
    _dependants: set[str] = field(default_factory=set)  #: open jobs that were asked for them
    _left: int = 0  #: files that this sweep may still measure

    def sweep(self, now: float, clock: float) -> bool:
        """Remove what is too old or too much; False where there is more to do soon.

        `clock` is the server's time in seconds.  Raises OSError.
        """
        over = [(f, t) for f in _OVER for t in tickets.listed(self.spool, f)]
        self._note(over, now)
        self._awaited, self._dependants = set(), set()
        self._ask_dependants()
        self._remove_old(over, now, clock)
        if not self.spool.farm.keep_gb:
            return True
        return self._remove_surplus(over, now, clock)

    def _note(self, over: Iterable[Place], now: float) -> None:
        present = {ticket.name for _, ticket in over}
        for name in self._seen.keys() - present:
            del self._seen[name]
        for name in present:
            self._seen.setdefault(name, now)

    def _remove_old(self, over: list[Place], now: float, clock: float) -> None:
        # Any of them, or the same few young ones would be looked at for ever.
        some = self.spool.rng.sample(over, min(JOBS_A_SWEEP, len(over)))
        for place in some:
            with contextlib.suppress(RenderdError):
                if closed_at(self.spool, place[1].jid) + self._keep(place[1]) < clock:
                    self._remove(place, now)

    def _keep(self, ticket: Ticket) -> float:
        """Seconds for which a closed job stays; its own word over the farm's."""
        own = None
        with contextlib.suppress(InfoFileError):
            own = jobs.read(self.spool, ticket.jid).info.keep
        return self.spool.farm.keep_days * DAY if own is None else own

    def _ask_dependants(self) -> None:
        """Learn what open jobs wait for, of those not asked before in this sweep."""
        new = [t for t in jobs.dependants(self.spool) if t.jid not in self._dependants]
        self._awaited |= jobs.parents(self.spool, new).keys()
        self._dependants |= {t.jid for t in new}

    def _remove(self, place: Place, now: float) -> bool:
        """Remove a closed job that nothing needs; False where it stays."""
        folder, ticket = place
        # An hour: a node that slept may still hold a chunk, and must see the ticket first.
        is_new = now - self._seen.get(ticket.name, now) < HOUR
        if is_new or ticket.jid in self._awaited or orders.running(self.spool, ticket.jid):
            return False
        gone = self.spool.at(TRASH, ticket.next().name)
        if move(self.spool, self.spool.at(folder, ticket.name), gone) is not Outcome.WON:
            return False
        self._ask_dependants()
        if ticket.jid in self._awaited:  # by one that was added in this moment
            move(self.spool, gone, self.spool.at(folder, ticket.next().next().name))
            return False
        jobs.discard(self.spool, ticket.jid)
        return True

    # How much.

    def _remove_surplus(self, over: list[Place], now: float, clock: float) -> bool:
        known = read_sizes(self.spool)
        if known.is_whole and clock - known.measured < MEASURE_EVERY:
            return True
        sizes = self._measure(over, known)
        _write_sizes(self.spool, sizes)
        if not sizes.is_whole:
            return False
        journals = self._journals()
        surplus = sum(size.bytes for size in (*sizes.jobs.values(), *journals.values()))
        surplus -= int(self.spool.farm.keep_gb * GB)
        if surplus <= 0:
            return True
        return self._remove_oldest(over, sizes, journals, surplus, now)

    def _measure(self, over: list[Place], known: Sizes) -> Sizes:
        found = Sizes(is_whole=True)
        self._left = FILES_A_SWEEP
        # In any order: nodes that measure at the same time then share the work.
        for _, ticket in self.spool.rng.sample(over, len(over)):
            size = known.jobs.get(ticket.name)
            if size is None and self._left > 0:
                with contextlib.suppress(OSError):
                    filled = self._filled(self.spool.job(ticket.jid))
                    size = Size(filled, closed_at(self.spool, ticket.jid))
            if size is None:
                found.is_whole = False
            else:
                found.jobs[ticket.name] = size
        return found

    def _filled(self, path: str, depth: int = 0) -> int:
        """Bytes of the files in a job's folder, in its logs and notes; chunks are small."""
        total = 0
        for name in names(self.spool, path):
            if name.isdigit():
                continue
            self._left -= 1
            if self._left % BREATH == 0:
                self.breathe()
            with contextlib.suppress(FileNotFoundError):
                found = self.spool.share.stat(f"{path}/{name}")
                if found.is_folder and depth == 0:
                    total += self._filled(f"{path}/{name}", 1)
                elif found.is_file:
                    total += found.size
        return total

    def _journals(self) -> dict[str, Size]:
        """The journals of all nodes, by name."""
        found = {}
        for number, name in enumerate(names(self.spool, self.spool.at(HISTORY)), 1):
            if number % BREATH == 0:
                self.breathe()
            if is_incarnation(name.removesuffix(history.SUFFIX)):
                with contextlib.suppress(FileNotFoundError):
                    stat = self.spool.share.stat(self.spool.at(HISTORY, name))
                    found[name] = Size(stat.size, stat.mtime_ns / 1e9)
        return found

    def _remove_oldest(
        self,
        over: list[Place],
        sizes: Sizes,
        journals: dict[str, Size],
        surplus: int,
        now: float,
    ) -> bool:
        living = set(nodes.everyone(self.spool))
        things: list[tuple[Size, Place | str]] = [
            (sizes.jobs[place[1].name], place) for place in over if place[0] != FAILED
        ]
        things += [
            (size, name)
            for name, size in journals.items()
            if name.removesuffix(history.SUFFIX) not in living
        ]
        removed = 0
        for size, thing in sorted(things, key=lambda one: one[0].since):
            if surplus <= 0:
                return True
            if removed >= JOBS_A_SWEEP:
                return False
            if self._gives_way(thing, now):
                surplus -= size.bytes
                removed += 1
        return True

    def _gives_way(self, thing: Place | str, now: float) -> bool:
        """Remove a closed job or a dead node's journal; False where it stays."""
        with contextlib.suppress(OSError, RenderdError):
            if isinstance(thing, str):
                self.spool.share.unlink(self.spool.at(HISTORY, thing))
                return True
            if jobs.read(self.spool, thing[1].jid).info.keep is None:  # a promise of its own
                return self._remove(thing, now)
        return False


def closed_at(spool: Spool, jid: str) -> float:
    """When a job's files last changed, in seconds of the server's clock.  Raises OSError."""
    times = [spool.share.stat(spool.job(jid)).mtime_ns]
    for name in names(spool, spool.job(jid)):
        # A ticket's move leaves no time: that of its last chunk, log or note is near enough.
        if name.isdigit() or name in ("log", "err"):
            with contextlib.suppress(FileNotFoundError):
                times.append(spool.share.stat(spool.job(jid, name)).mtime_ns)
    return max(times) / 1e9


def read_sizes(spool: Spool) -> Sizes:
    """What was measured last; nothing where that cannot be read."""
    path = spool.at(HISTORY, SIZES)
    try:
        value = jsonvalue.parse(spool.share.read(path, _SIZES_LIMIT))
        found = {str(k): Size(int(b), float(s)) for k, (b, s) in value["jobs"].items()}
        return Sizes(found, bool(value["whole"]), spool.share.stat(path).mtime_ns / 1e9)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Sizes()


def _write_sizes(spool: Spool, sizes: Sizes) -> None:
    rows = {name: [size.bytes, round(size.since, 3)] for name, size in sizes.jobs.items()}
    text = json.dumps({"whole": sizes.is_whole, "jobs": rows}, separators=(",", ":"))
    write(spool, spool.at(HISTORY, SIZES), text.encode())
