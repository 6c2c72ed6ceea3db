"""When queued jobs will be done, from frame times and what is ahead.  Pure: no clock.

Every slot of a node is a lane that is free at some moment.  The jobs take the lanes in the order
in which nodes claim them, whole chunks at a time, each as early as its lanes allow.  What a job
of unknown frame times may take is free nobody knows when, so what comes behind it has no end
either.  The plan is made three times: with the frame times seen, and with those that may as well
turn out shorter or longer.
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

KNOWN = 3  #: frames of a job before which nothing is said of its end
LEAST_DOUBT = 0.05  #: share by which frame times may be off however many were seen
LIKELY = 1.28  #: standard deviations either way: four ends of five lie within
NEVER = math.inf
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Pace:
    """Frame times of one job on one node: how many, their mean and spread in seconds."""

    frames: int
    mean: float
    spread: float = 0.0  #: standard deviation

    @classmethod
    def of(cls, times: Sequence[float]) -> "Pace":
        """The pace of some frame times; there must be one."""
        mean = math.fsum(times) / len(times)
        variance = math.fsum((t - mean) ** 2 for t in times) / len(times)
        return cls(len(times), mean, math.sqrt(variance))


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one queued job still asks of the farm."""

    jid: str
    chunks: int  #: that wait
    frames: float  #: in each of them, on average
    nodes: frozenset[str]  #: that may take it
    paces: Mapping[str, Pace] = field(default_factory=dict)  #: by node, also of nodes now gone
    running: tuple[tuple[str, float], ...] = ()  #: node and frames left of each chunk in work
    limit: int | None = None  #: most nodes at once


@dataclass(frozen=True, slots=True)
class Eta:
    """Seconds from now to the end of a job, and between what it may well turn out."""

    at: float
    low: float
    high: float


def forecast(
    demands: Sequence[Demand],
    slots: Mapping[str, int],
    busy: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, Eta]:
    """The end of each job that can be told, the jobs given in the order nodes claim them.

    `slots` of the nodes that are alive; `busy`: seconds to the end of what they run beside the
    demands.
    """
    plans = [_Plan(slots, busy or {}, demands, doubt) for doubt in (-1, 0, 1)]
    found = {}
    for demand in demands:
        low, at, high = (plan.end_of(demand) for plan in plans)
        if at < NEVER:
            found[demand.jid] = Eta(at, min(low, at), max(high, at))
    return found


@dataclass(slots=True)
class _Lane:
    """One slot of a node."""

    node: str
    free_at: float


class _Speed:
    """How long a frame of one job takes on each node, at one end of the doubt."""

    def __init__(self, demand: Demand, doubt: int) -> None:
        self._paces = demand.paces
        self.is_known = sum(pace.frames for pace in demand.paces.values()) >= KNOWN
        if not self.is_known:
            return
        means = [pace.mean for pace in demand.paces.values()]
        self._usual = math.fsum(means) / len(means)
        share = 1 + _doubt(demand)
        self._factor = {-1: 1 / share, 0: 1.0, 1: share}[doubt]

    def on(self, node: str) -> float:
        """Seconds a frame; that of the other nodes where this one is new to the job."""
        if not self.is_known:
            return NEVER
        own = self._paces.get(node)
        mean = self._usual if own is None or own.frames < KNOWN else own.mean
        return max(mean * self._factor, _EPSILON)


class _Plan:
    """Who does what until when, frame times taken at one end of their doubt."""

    def __init__(
        self,
        slots: Mapping[str, int],
        busy: Mapping[str, Sequence[float]],
        demands: Sequence[Demand],
        doubt: int,
    ) -> None:
        self._is_late = doubt > 0
        self._speeds = {demand.jid: _Speed(demand, doubt) for demand in demands}
        self._started: dict[str, float] = {}
        taken = {node: list(busy.get(node, ())) for node in slots}
        for demand in demands:
            speed = self._speeds[demand.jid]
            for node, frames in demand.running:
                end = frames * speed.on(node) if speed.is_known else NEVER
                self._started[demand.jid] = max(self._started.get(demand.jid, 0.0), end)
                if node in taken:
                    taken[node].append(end)
        self._lanes = {
            node: [_Lane(node, t) for t in _padded(ends, slots[node])]
            for node, ends in taken.items()
        }

    def end_of(self, demand: Demand) -> float:
        """When the job ends, its lanes taken until then; NEVER where that cannot be told."""
        speed, started = self._speeds[demand.jid], self._started.get(demand.jid, 0.0)
        if not demand.chunks:
            return started if demand.running else NEVER
        times = {n: demand.frames * speed.on(n) for n in demand.nodes if n in self._lanes}
        lanes = self._choose(demand, times)
        if not speed.is_known:
            for lane in lanes[: demand.chunks]:
                lane.free_at = NEVER
            return NEVER
        lanes = [lane for lane in lanes if lane.free_at < NEVER]
        if not lanes:
            return NEVER
        begun = [(lane.free_at, times[lane.node]) for lane in lanes]
        end = _fill(lanes, times, demand.chunks)
        if self._is_late:  # a slow node may take the last chunk when a fast one is nearly free
            lengths = [time for free_at, time in begun if free_at < end]
            end += max(lengths) - min(lengths)
        return max(end, started)

    def _choose(self, demand: Demand, times: Mapping[str, float]) -> list[_Lane]:
        """The lanes the job may take, free ones first; under a limit those of its own nodes."""
        nodes = sorted(times)
        if demand.limit is not None:
            own = {node for node, _ in demand.running}
            free = {n: min(lane.free_at for lane in self._lanes[n]) for n in nodes}
            nodes.sort(key=lambda n: (n not in own, free[n] + times[n]))
            nodes = nodes[: demand.limit]
        lanes = [lane for node in nodes for lane in self._lanes[node]]
        return sorted(lanes, key=lambda lane: lane.free_at)


def _fill(lanes: Sequence[_Lane], times: Mapping[str, float], chunks: int) -> float:
    """Give the lanes so many chunks that all end as early as can be; when the last one does.

    The lanes come by the moment they are free.
    """
    level = _level(lanes, times, chunks)
    done, last, ready = 0, 0.0, []
    for index, lane in enumerate(lanes):
        time = times[lane.node]
        count = max(math.floor((level - lane.free_at) / time + _EPSILON), 0)
        if count:
            lane.free_at += count * time
            last = max(last, lane.free_at)
        done += count
        ready.append((lane.free_at + time, index))
    heapq.heapify(ready)
    while done < chunks:
        last, index = ready[0]
        lane = lanes[index]
        lane.free_at = last
        heapq.heapreplace(ready, (last + times[lane.node], index))
        done += 1
    return last


def _level(lanes: Sequence[_Lane], times: Mapping[str, float], chunks: int) -> float:
    """When the lanes would be done if chunks could be shared out like water."""
    rate = filled = level = 0.0
    for lane in lanes:
        if rate and filled + rate * (lane.free_at - level) >= chunks:
            break
        filled += rate * (lane.free_at - level)
        level = lane.free_at
        rate += 1 / times[lane.node]
    return level + (chunks - filled) / rate


def _padded(ends: Sequence[float], slots: int) -> list[float]:
    """The free moments of so many slots; of more ends than slots the latest count."""
    slots = max(slots, 1)
    return [*sorted(ends)[-slots:], *([0.0] * (slots - len(ends)))]


def _doubt(demand: Demand) -> float:
    """The share by which the mean of the frames to come may differ from that of those seen."""
    paces = demand.paces.values()
    seen = sum(pace.frames for pace in paces)
    mean = math.fsum(pace.frames * pace.mean for pace in paces) / seen
    variance = math.fsum(pace.frames * pace.spread**2 for pace in paces) / seen
    if mean <= 0:
        return LEAST_DOUBT
    left = max(demand.chunks * demand.frames + math.fsum(f for _, f in demand.running), 1.0)
    few = 1 + 2 / seen  # few frames tell little of their own spread, too
    return LEAST_DOUBT + LIKELY * few * math.sqrt(variance) / mean * math.sqrt(1 / seen + 1 / left)
