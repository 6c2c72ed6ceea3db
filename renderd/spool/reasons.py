"""Why a job does not run: the job's own reasons, and each node's by the claimer's predicate."""

import os
from dataclasses import asdict, dataclass
from typing import Any

from renderd.core import policy, videojob
from renderd.core.chunk import State
from renderd.core.job import Job
from renderd.spool import control, frames, jobs, listing, movies, tickets, view
from renderd.spool.ability import able, refusal
from renderd.spool.layout import CANCELLED, DONE, FAILED, HELD, QUEUE, WAITING, Spool
from renderd.spool.moves import names
from renderd.spool.records import JobView, NodeView
from renderd.spool.tickets import Place

_FAILURES = ("fail:", "bad-output:", "timeout:")
_NOTES_READ = 200
_OVER = {
    HELD: "it is held",
    DONE: "it is done",
    CANCELLED: "it was cancelled",
    WAITING: "it waits for other jobs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one node makes of a job."""

    node: str
    inc: str
    takes: bool  #: nothing speaks against it
    lasts: bool = False  #: it would not take it even if it were idle and no person made it rest
    is_busy: bool = False  #: it takes it as soon as a slot is free
    runs: int = 0  #: chunks of this job that it runs now
    reason: str = ""  #: why it does not, or what it is busy with

    def to_dict(self) -> dict[str, Any]:
        """Stable keys, for JSON."""
        return asdict(self)


def read(spool: Spool, place: Place) -> tuple[JobView, list[str], list[Verdict]]:
    """A job, its own reasons for not running, and what each live node makes of it.

    The nodes' side is what their files in the spool said last; whether a node sees the output
    folder only that node can tell, so that is said as this machine sees it.  Raises OSError,
    InfoFileError.
    """
    job = jobs.read(spool, place[1].jid)
    now = view.server_now(spool)
    shown = view.read_job(spool, place, now, tickets.everywhere(spool))
    alive = [n for n in view.read_nodes(spool) if n.state != "dead"]
    running = listing.chunks(spool, job.jid, {State.RUN})
    owners = [c.owner for c in running]
    failures = _failures(spool, job.jid)
    verdicts = []
    for node in alive:
        terms = control.read(spool, job.jid).terms(
            job, frozenset(owners), failures.get(node.inc, 0)
        )
        can = able(node)
        unfit = policy.unfit_for(can, job, terms)
        # What no rest changes is told before the rest: to resume it would not help.
        reason = unfit or policy.why_not(can, job, terms) or refusal(node, job.jid)
        busy = "" if reason else _busy(node)
        verdicts.append(
            Verdict(
                node=node.node,
                inc=node.inc,
                takes=not reason,
                lasts=bool(unfit),
                is_busy=bool(busy),
                runs=owners.count(node.inc),
                reason=reason or busy,
            )
        )
    own = _own_reasons(shown, verdicts) + _failure(spool, shown)
    return shown, own + _output_reasons(spool, job, shown), verdicts


def _busy(node: NodeView) -> str:
    running = node.status.get("running")
    if not isinstance(running, list) or len(running) < int(node.status.get("slots") or 1):
        return ""
    what = [f"{r.get('name') or r.get('job')} chunk {r.get('chunk')}" for r in running[:3]]
    return f"busy with {', '.join(what)}"


def _own_reasons(job: JobView, verdicts: list[Verdict]) -> list[str]:
    reasons = []
    if job.state in _OVER:
        reasons.append(_OVER[job.state] + (f": {job.reason}" if job.reason else ""))
    elif job.state == FAILED:
        what = f"{job.failed} of {job.chunks}" if job.chunks > 1 else "its only"
        see = f"see: render log {job.jid} --errors; run again with: render retry {job.jid}"
        reasons.append(f"{what} chunk{'s' * (job.chunks > 1)} failed; {see}")
    elif job.reason:
        reasons.append(job.reason)
    if job.state == QUEUE and not job.waiting and job.chunks:
        reasons.append(f"no chunk waits: {job.running} run, {job.done} done, {job.failed} failed")
    if job.warning:
        reasons.append(f"warning: {job.warning}")
    if not verdicts:
        reasons.append("no node is alive; start one with: renderd")
    return reasons


def _failure(spool: Spool, job: JobView) -> list[str]:
    """What the first failed chunk of a job in failed/ died of."""
    failed = view.read_chunks(spool, job.jid, {State.FAIL}) if job.state == FAILED else []
    return [f"chunk {c.index}: {c.error}" for c in failed[:1] if c.error]


def _output_reasons(spool: Spool, job: Job, shown: JobView) -> list[str]:
    """What speaks against the job's output here: another job's, or not the share it should be."""
    output = frames.locate(spool, job) if shown.state == QUEUE and shown.waiting else None
    if output is None or not os.path.isdir(output.folder):
        return []
    if reason := frames.why_not_able(spool, output):
        return [f"on this machine: {reason}"]
    film = videojob.film_of(job)
    waits = movies.why_not_yet(spool, film) if film is not None else ""
    return [f"it {waits}"] if waits else []


def _failures(spool: Spool, jid: str) -> dict[str, int]:
    """How often each incarnation failed in a job, by the notes it left."""
    found: dict[str, int] = {}
    listed = listing.attempts(names(spool, spool.job(jid, "err")))
    notes = [note for several in listed.values() for note in several]
    for note in notes[:_NOTES_READ]:
        if listing.first_line(spool, jid, note).startswith(_FAILURES):
            inc = listing.owner_of(note)
            found[inc] = found.get(inc, 0) + 1
    return found
