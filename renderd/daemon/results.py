"""Steps after the work: finish, give back or give up what the runners report."""

import contextlib
import logging

from renderd.core import causes, policy
from renderd.core import job as job_record
from renderd.daemon import blame, hand, hunt, paces, shortages
from renderd.daemon.memory import judge
from renderd.daemon.node import JobMemory, Node, Rest
from renderd.daemon.work import NOTE_LINES, Ending, Result, Work
from renderd.errors import RenderdError
from renderd.spool import claims, control, frames, orders, tickets
from renderd.spool.moves import Outcome

WORTH_A_LINE = 0.5  #: seconds from which a finished chunk is worth a line in the log
FAILURES_IN_A_ROW = 3  #: of different chunks, after which the node pauses itself
PAUSE_FIRST, PAUSE_LAST = 300.0, 14400.0
BUSY_FOR = 60.0  #: seconds for which others may try to put a chunk's frames in place
_log = logging.getLogger(__name__)


def report(node: Node, result: Result) -> None:
    """Take a runner's report: its slot is free, its chunk is to be settled."""
    node.running.remove(result.work)
    for memory in list(node.jobs.values()) if result.work.ram else ():
        memory.checked = float("-inf")  # there may be room now for what found none
    node.settling.extend(hand.dealt(result))


def settle(node: Node, now: float, clock: float) -> None:
    """Move the chunks of reported results on; what the share leaves unsure stays for later."""
    for _ in range(len(node.settling)):
        result = node.settling[0]
        node.settling.rotate(-1)  # it stays until its move has an answer, also when that raises
        result = judge(node, result, now)
        outcome = _move_on(node, result)
        if outcome is Outcome.UNSURE:
            return
        node.settling.pop()
        node.held.pop(result.work.claim.key, None)
        _after(node, result, outcome, now, clock)


def _move_on(node: Node, result: Result) -> Outcome:
    claim = result.work.claim
    if result.ending is Ending.DONE:
        return claims.finish(node.spool, claim)
    if result.ending.is_failure and claim.chunk.failures + 1 > result.work.job.info.retries:
        return claims.give_up(node.spool, claim)
    return claims.give_back(node.spool, claim, is_failure=result.ending.is_failure)


def _after(node: Node, result: Result, outcome: Outcome, now: float, clock: float) -> None:
    work = result.work
    _write_journal(node, result, outcome, clock)
    _tell(result, outcome)
    if work.lacking:
        with contextlib.suppress(OSError, RenderdError):  # somebody edits it: the log has it
            control.warn(node.spool, work.job.jid, f"rendered all the same: {work.lacking}")
    if work.output is not None and result.ending is not Ending.DONE and not result.keeps:
        frames.clear_attempt(node.spool, work.output, work.stem)
    memory = node.jobs.get(work.job.jid)
    if memory is not None:
        memory.frame_bytes = max(memory.frame_bytes, work.frame_bytes)
    if result.ending is Ending.DONE:
        node.shortages.over(result)
        node.rest.failures = 0
        node.failed_jobs.clear()
        node.count("done" if outcome is Outcome.WON else "lost finishes")
        node.paces.add(work.job.jid, paces.of_chunk(work, result.wall))
        if memory is not None and outcome is Outcome.WON and _may_be_last(node, memory):
            hunt.look_after_end(node, memory, now)
        return
    if outcome is Outcome.WON:
        claims.note_error(node.spool, work.claim, error_note(result))
    if result.ending is Ending.HELD:
        _hold(node, result)
    _learn(node, result, now, clock)
    if outcome is not Outcome.WON:
        return
    if result.ending is Ending.KILLED:  # of a cancelled job this may have been the last
        node.next_chores, node.must_tidy = min(node.next_chores, now), True
    gave_up = result.ending.is_failure and work.claim.chunk.failures + 1 > work.job.info.retries
    if memory is not None and (gave_up or memory.failures_here >= policy.BLOCK_AFTER):
        hunt.stop_job(node, memory)
    if gave_up and memory is not None:
        hunt.look_after_end(node, memory, now)
    if not gave_up:
        tickets.bump(node.spool, work.job.jid)
    node.next_poll = min(node.next_poll, now)


def _hold(node: Node, result: Result) -> None:
    """Hold the job, unless a person accepted meanwhile what this node holds it for."""
    jid, changed = result.work.job.jid, result.work.changed
    if not changed or control.read(node.spool, jid).source != changed:
        orders.stop(node.spool, jid, result.reason, changed)


def _may_be_last(node: Node, memory: JobMemory) -> bool:
    """True where no claim of ours will find that the job has ended: we look for it now."""
    is_queued = any(t.jid == memory.job.jid for t in node.tickets)
    rests = node.rest.reason or node.wants_exit or not node.standing.may_work
    return bool(memory.exhausted or rests) or not is_queued


def _tell(result: Result, outcome: Outcome) -> None:
    """A line in the daemon's own log; what took no time needs none, unless it went wrong."""
    if result.ending is Ending.DONE and outcome is Outcome.WON and result.wall < WORTH_A_LINE:
        return
    work = result.work
    how = result.ending.value if outcome is Outcome.WON else "no longer ours"
    why = f": {result.reason}" if result.reason else ""
    _log.info("%s %s %s in %.1f s%s", work.job.name, work.label, how, result.wall, why)


def _write_journal(node: Node, result: Result, outcome: Outcome, clock: float) -> None:
    work, chunk = result.work, result.work.claim.chunk
    event = result.ending.value if outcome is Outcome.WON else "lost"
    node.journal.append(
        {
            "t": round(clock, 3),
            "ev": event,
            "jid": work.job.jid,
            "chunk": chunk.index,
            "attempt": chunk.attempt,
            "frames": len(work.frames),
            "wall": round(result.wall, 3),
            "cpu": round(result.cpu, 3),
            "peak": result.peak_bytes,
            **({"why": result.reason[:300]} if result.reason else {}),
        }
    )


def _learn(node: Node, result: Result, now: float, clock: float) -> None:
    """A broken host must not eat the retries: it leaves the chunk alone, and rests."""
    memory = node.jobs.get(result.work.job.jid)
    is_unable = result.ending is Ending.UNABLE and not result.where
    if memory is not None and is_unable and _has_own_words(result.work):
        _leave_alone(memory, result, now)
        return
    if result.ending in (Ending.NO_SPACE, Ending.NO_LICENCE, Ending.UNABLE):
        node.shortages.note(result, now)
        if is_unable:  # perhaps a Blender's add-on or GPU
            node.look_again()
        for other in node.jobs.values():
            other.checked = float("-inf")
        return
    if result.ending is Ending.BUSY and memory is not None:
        memory.avoided[result.work.claim.chunk.index] = now + BUSY_FOR
    if not result.ending.is_failure:
        return
    node.count("failures")
    if memory is not None:
        memory.failures_here += 1
        memory.failed_at = now
        memory.checked = float("-inf")
        memory.avoided[result.work.claim.chunk.index] = now + policy.FORGIVE
    if result.cause in causes.OF_THE_JOB:
        return
    node.rest.failures += 1
    node.failed_jobs.add(result.work.job.jid)
    if memory is not None and not blame.is_ours(node, memory):
        return
    others = [inc for inc in node.live if inc != node.inc]
    if node.rest.failures >= FAILURES_IN_A_ROW and others and not node.rest.reason:
        doublings = node.rest.failures - FAILURES_IN_A_ROW
        seconds = min(PAUSE_FIRST * 2**doublings, PAUSE_LAST)
        reason = f"{node.rest.failures} chunks in a row failed here: {result.reason}"
        node.rest = Rest(reason[:200], clock + seconds, failures=node.rest.failures)


def _has_own_words(work: Work) -> bool:
    """True where a person wrote the chunk's file anew: what it lacks, its job may not need."""
    job = work.job
    words = job_record.chunk_words(job.info, work.claim.chunk.run, job.out)
    return not work.lead and work.commands != words


def _leave_alone(memory: JobMemory, result: Result, now: float) -> None:
    """Try one chunk again after a while, and a longer one each time; the others go on."""
    chunk = result.work.claim.chunk
    seconds = min(shortages.FIRST * 2.0 ** min(chunk.attempt - 1, 10), shortages.LAST)
    memory.unfit[chunk.index] = now + seconds


def error_note(result: Result) -> str:
    """What `err/` tells a person: the kind, the reason, the advice and the last lines."""
    lines = [f"{result.ending.value}: {result.reason}"]
    if result.advice:
        lines.append(f"advice: {result.advice}")
    lines.append("")
    lines += list(result.work.tail)[-NOTE_LINES:]
    return "\n".join(lines) + "\n"
