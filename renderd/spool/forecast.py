"""When queued jobs will be done, from what the nodes say of their frames."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from renderd.core import eta, policy
from renderd.core.control import Control
from renderd.core.eta import Demand, Eta, Pace
from renderd.core.job import Job
from renderd.spool.ability import able

if TYPE_CHECKING:
    from renderd.spool.records import NodeView

MOST = 200  #: jobs planned, the first in the queue; an end beyond so many is a guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A queued job as the lists show it."""

    job: Job
    control: Control
    open: int  #: chunks that wait or run


@dataclass(slots=True)
class _Told:
    """What the nodes' own words say together."""

    slots: dict[str, int] = field(default_factory=dict)
    paces: dict[str, dict[str, Pace]] = field(default_factory=dict)  #: by job and node
    running: list[tuple[str, str, float, float]] = field(default_factory=list)
    #: node, job, frames left and seconds left as the node guesses


def read(queued: Sequence[Queued], nodes: "Sequence[NodeView]") -> dict[str, Eta]:
    """The ends of jobs, in seconds from now, by id; the jobs in the order nodes claim them.

    What nodes that are gone said of their frames counts too.
    """
    told = _told(nodes)
    planned = queued[:MOST]
    alive = [node for node in nodes if node.state != "dead"]
    # What running chunks use now is free again for the next.
    abilities = [(node.node, replace(able(node), ram_free=None)) for node in alive]
    demands = []
    for one in planned:
        terms = one.control.terms(one.job)
        takers = (name for name, can in abilities if not policy.why_not(can, one.job, terms))
        demands.append(_demand(one, frozenset(takers), told))
    wanted = {demand.jid for demand in demands}
    busy: dict[str, list[float]] = {}
    for node, jid, left, guess in told.running:
        if jid not in wanted:
            pace = told.paces.get(jid, {}).get(node)
            busy.setdefault(node, []).append(left * pace.mean if pace else guess)
    return eta.forecast(demands, told.slots, busy)


def _demand(one: Queued, takers: frozenset[str], told: _Told) -> Demand:
    job = one.job
    frames = sum(map(len, job.info.frames or ())) or job.chunks
    running = [(node, left) for node, jid, left, _ in told.running if jid == job.jid]
    return Demand(
        jid=job.jid,
        chunks=max(one.open - len(running), 0),
        frames=frames / max(job.chunks, 1),
        nodes=takers,
        paces=told.paces.get(job.jid, {}),
        running=tuple(running),
        limit=one.control.limit(job),
    )


def _told(nodes: "Iterable[NodeView]") -> _Told:
    told = _Told()
    # The living last: what a node says now stands for what it said before it was started anew.
    for node in sorted(nodes, key=lambda n: n.state != "dead"):
        for jid, pace in _paces(node.status.get("paces")).items():
            told.paces.setdefault(jid, {})[node.node] = pace
        if node.state == "dead":
            continue
        slots = node.status.get("slots")
        told.slots[node.node] = slots if isinstance(slots, int) and 0 < slots < 1000 else 1
        running = node.status.get("running")
        for run in running if isinstance(running, list) else ():
            if isinstance(run, dict):
                told.running.append((node.node, str(run.get("job")), *_left(run)))
    return told


def _left(run: Mapping[str, Any]) -> tuple[float, float]:
    """Frames and seconds left of a chunk in work, as its node says.

    Of a movie no frame is in place before all are: its command's own word counts, too.
    """
    frames = max(_number(run.get("total"), 1.0), 1.0)
    done = max(_number(run.get("done"), 0.0), frames * _number(run.get("percent"), 0.0) / 100)
    return max(frames - done, 0.0), _number(run.get("eta"), eta.NEVER)


def _paces(value: Any) -> dict[str, Pace]:
    """The paces in a status; what makes no sense is left out."""
    found = {}
    for jid, said in value.items() if isinstance(value, dict) else ():
        if isinstance(said, list) and len(said) == 3:
            frames, mean, spread = (_number(part, -1.0) for part in said)
            if frames >= 1 and mean >= 0 and spread >= 0:
                found[jid] = Pace(int(frames), mean, spread)
    return found


def _number(value: Any, otherwise: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else otherwise
