"""What this node says of itself: the snapshot for the socket, the status for the spool."""

from collections.abc import Mapping
from typing import Any

import renderd
from renderd.daemon import roots
from renderd.daemon.memory import free_bytes
from renderd.daemon.node import Node
from renderd.daemon.work import Work
from renderd.host.load import Load

REFUSED_SHOWN, SHORTAGES_SHOWN = 8, 4  #: a status has 4 KiB
SLOW_TIMES = 5  #: times a job's usual frame from which a frame is worth a word
SLOW_AT_LEAST = 10.0  #: seconds
MEASURED = ("load", "ram_free")  #: what is read of the machine, at each beat


def state_of(node: Node) -> str:
    """One word: rendering, suspended, waiting, idle, yielding, paused, draining … or leaving."""
    if node.restarts:
        return "restarting"
    if node.wants_exit and not node.rest.is_drain:
        return "leaving"
    if node.rest.is_drain:
        return "draining"
    if node.rest.reason and not node.running:
        return "paused"
    if node.running:
        is_held = all(work.suspension.reason for work in node.running)
        return "suspended" if is_held else "rendering"
    if not node.standing.may_work:
        return "yielding"
    return "waiting" if any(memory.shortage for memory in node.jobs.values()) else "idle"


def _shortages(node: Node) -> list[str]:
    """What lacks here and comes back by itself, each thing once."""
    found = dict.fromkeys(m.shortage[:120] for m in list(node.jobs.values()) if m.shortage)
    return list(found)[:SHORTAGES_SHOWN]


def snapshot(node: Node, load: Load | None, now: float) -> dict[str, Any]:
    """This node now, as JSON values; the keys are documented in docs/reference/socket.md.

    Without a `load` what is read of the machine is left out: `load` and `ram_free`.
    """
    return {
        "node": node.name,
        "inc": node.inc,
        "version": renderd.__version__,
        "state": state_of(node),
        "reason": _reason(node),
        "until": node.rest.until,
        "since": node.rest.since,
        "policy": _policy(node),
        "awake": node.is_awake,
        "slots": node.slots,
        "pools": sorted(node.able.pools),
        "tags": sorted(node.able.tags),
        "blenders": list(node.able.blenders),
        "unseen": roots.unseen(node.spool.farm, node.sight),
        "refuses": _refused(node),
        "ram_free": free_bytes(node) if load is not None else None,
        "running": [_running(node, work, now) for work in node.running],
        "paces": node.paces.told(node.running),
        "load": _load(load),
        "up": round(now - node.started, 1),
        "trouble": node.trouble,
        "shortages": _shortages(node),
        "stats": dict(node.counts),
    }


def _reason(node: Node) -> str:
    """Why it takes nothing new: people's word before the machine's own."""
    if node.restarts:
        return node.wants_exit
    return node.rest.reason or node.standing.says


def _policy(node: Node) -> dict[str, Any]:
    """When this machine works for the farm, and what it makes way for now."""
    policy, standing = node.policy, node.standing
    return {
        "when": policy.when.value,
        "away": policy.away,
        "office": policy.office.text,
        "ordered": policy != node.configured,
        "cause": standing.cause.value if standing.cause is not None else "",
        "says": standing.says,
    }


def _refused(node: Node) -> dict[str, str]:
    """Jobs that this node does not take for what only it can tell, and why."""
    found = {m.job.jid: m.unseen[:300] for m in list(node.jobs.values()) if m.unseen}
    return dict(list(found.items())[:REFUSED_SHOWN])


def _running(node: Node, work: Work, now: float) -> dict[str, Any]:
    held = work.suspension.seconds
    elapsed = now - work.started - held
    return {
        "job": work.job.jid,
        "name": work.job.name[:60],
        "chunk": work.claim.chunk.index,
        "attempt": work.claim.chunk.attempt,
        "frames": work.span,
        "frame": work.frame,
        "percent": work.percent,
        "done": work.frames_done,
        "total": work.frames_total,
        "elapsed": round(elapsed, 1),
        "suspended": work.suspension.reason,
        "held": round(held, 1),
        "eta": _eta(work, elapsed),
        "peak": work.peak_bytes,
        "pid": work.suspension.pid,
        "message": work.message[:120],
        "warnings": work.warnings,
        "slow": _slowness(node, work, now),
    }


def _slowness(node: Node, work: Work, now: float) -> str:
    """A word on a frame far beyond the job's usual: a close-up, a first kernel compile, or stuck.

    Never a reason to kill it; only silence without any work is.
    """
    usual = node.paces.usual(work.job.jid)
    if usual is None:
        return ""
    worked = now - work.started - work.suspension.seconds
    since = worked - (work.saved_after[-1] if work.saved_after else 0.0)
    if not usual or since < max(SLOW_TIMES * usual, SLOW_AT_LEAST):
        return ""
    return f"this frame takes {since / usual:.0f} times the job's usual {usual:.1f} s"


def _eta(work: Work, elapsed: float) -> float | None:
    """Seconds to the end of the chunk, by the frames it finished so far."""
    share = (work.percent or 0) / 100
    if work.frames_total:
        share = max(share, work.frames_done / work.frames_total)
    return round(elapsed * (1 - share) / share, 1) if share > 0 else None


def _load(load: Load | None) -> Mapping[str, Any]:
    if load is None:
        return {}
    return {
        "load1": round(load.load1, 2),
        "cpu_percent": round(load.cpu_percent, 1),
        "memory_used": load.memory_used_bytes,
        "memory_total": load.memory_total_bytes,
        "swap_used": load.swap_used_bytes,
        "swap_total": load.swap_total_bytes,
        "swap_in": round(load.swap_in_bytes_per_s),
        "swap_out": round(load.swap_out_bytes_per_s),
        "temperature": load.celsius,
        "disk_free": load.disk_free_bytes,
        "gpu_percent": load.gpu_percent,
        "memory_past": load.memory_past,
        "swap_past": load.swap_past,
    }
