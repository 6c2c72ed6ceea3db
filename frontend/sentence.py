"""The farm in one sentence: who renders, what is left, and when it will be done."""

from collections import Counter
from collections.abc import Collection

from frontend import words
from renderd.core.amounts import plural
from renderd.spool.records import JobView, NodeView

_WORK = ("running", "queue", "waiting")


def tell(jobs: Collection[JobView], nodes: Collection[NodeView], now: float) -> str:
    """`6 of 8 machines rendering, 3 jobs, done ≈ 17:40`; `now` by the server's clock."""
    return ", ".join(filter(None, (_machines(nodes), _jobs(jobs), _end(jobs, nodes, now))))


def _machines(nodes: Collection[NodeView]) -> str:
    alive = [node for node in nodes if node.state != "dead"]
    if not alive:
        return "no machine is on"
    said = Counter(_does(node) for node in alive)
    whole = plural(len(alive), "machine")
    if said["rendering"]:
        return f"{said['rendering']} of {whole} rendering"
    if said["paused"] == len(alive):
        return f"{whole} paused"
    return f"{whole} idle" + (f", {said['paused']} of them paused" if said["paused"] else "")


def _does(node: NodeView) -> str:
    state = str(node.status.get("state") or "")
    if state == "rendering" or node.status.get("running"):
        return "rendering"
    return "idle" if state in ("", "idle", "waiting") else "paused"


def _jobs(jobs: Collection[JobView]) -> str:
    states = Counter(words.shown_state(job) for job in jobs)
    left = sum(states[key] for key in _WORK)
    said = [plural(left, "job") if left else "nothing to render"]
    said += [f"{states[key]} {key}" for key in ("held", "failed") if states[key]]
    return ", ".join(said)


def _end(jobs: Collection[JobView], nodes: Collection[NodeView], now: float) -> str:
    left = [job for job in jobs if words.shown_state(job) in _WORK]
    ends = [job.eta for job in left if job.eta is not None]
    if not ends or all(node.state == "dead" for node in nodes):
        return ""
    # What waits for other jobs, or never rendered a frame, has no end that is known.
    sign = "≈" if len(ends) == len(left) else "after"
    return f"done {sign} {words.moment(max(ends), now)}"
