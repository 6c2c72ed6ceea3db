"""Neighbouring chunks taken in one go and run as one command line; see core/hand.py.

Each chunk keeps its own name, claim and end: another node sees nothing but chunks that one node
runs, and a death in between frees each of them by itself.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from renderd.core import hand, infofile
from renderd.core import job as job_record
from renderd.core.chunk import Chunk
from renderd.core.frames import Run
from renderd.core.job import Writes
from renderd.daemon.node import JobMemory, Node
from renderd.daemon.work import Ending, Result, Work
from renderd.errors import RenderdError
from renderd.spool import claims, tickets
from renderd.spool.claims import Claim
from renderd.spool.moves import Outcome

Try = Callable[[Node, JobMemory, Chunk], tuple[Outcome, Claim]]


def wanted(node: Node, memory: JobMemory) -> int:
    """How many chunks of the job one slot of this node should take now."""
    job = memory.job
    is_whole = job.info.whole or job.writes is not Writes.PRIVATE
    if job.info.chunk != 0 or is_whole or job.info.frames is None:
        return 1
    farm = node.spool.farm
    return hand.count(
        frame_s=node.paces.usual(job.jid),
        chunk=hand.size(sum(map(len, job.info.frames))),
        waiting=memory.survey.left,
        slots=max(1, len(node.live)) * node.slots if farm.tail else 0,
        aim_s=farm.auto_s,
    )


def draw(node: Node, memory: JobMemory, lead: Claim, most: int, take: Try) -> list[Claim]:
    """Claim what follows the lead, as far as it may run in the lead's command line."""
    drawn: list[Claim] = []
    run = lead.chunk.run
    if run is None or most < 2 or not _is_as_published(node, memory, lead):
        return drawn
    for chunk in memory.survey.following(lead.chunk, most - 1):
        longer = hand.joined(run, chunk.run) if chunk.run is not None else None
        if longer is None or memory.avoided.get(chunk.index, 0.0) > node.polled:
            break
        held = _drawn(node, memory, chunk, take)
        if held is None:
            break
        drawn.append(held)
        run = longer
        node.breathe()
    return drawn


def _drawn(node: Node, memory: JobMemory, chunk: Chunk, take: Try) -> Claim | None:
    """The chunk, where it could be claimed and may run with others.

    The lead is ours already and must be started whatever the share answers here.
    """
    memory.survey.forget(chunk)
    try:
        outcome, held = take(node, memory, chunk)
        if outcome is not Outcome.WON:
            return None
        if _is_as_published(node, memory, held):
            return held
        node.held.pop(held.key, None)  # a person's own words run by themselves
        if claims.give_back(node.spool, held, is_failure=False) is Outcome.WON:
            tickets.bump(node.spool, memory.job.jid)
    except (OSError, RenderdError) as error:
        node.trouble = str(error)
    return None


def _is_as_published(node: Node, memory: JobMemory, held: Claim) -> bool:
    job = memory.job
    with contextlib.suppress(OSError, RenderdError):
        text = claims.read_text(node.spool, held)
        return text == job_record.chunk_text(job.info, held.chunk.run, job.out).encode()
    return False


def run_of(lead: Claim, more: Sequence[Claim]) -> Run | None:
    """The frames of the lead and all that follows it."""
    run = lead.chunk.run
    for claim in more:
        run = hand.joined(run, claim.chunk.run) if run and claim.chunk.run else None
    return run


def words(memory: JobMemory, run: Run | None) -> tuple[tuple[str, ...], ...]:
    """The command lines that do all of a hand's frames."""
    job = memory.job
    text = job_record.chunk_text(job.info, run, job.out)
    return infofile.parse(text).commands


def dealt(result: Result) -> list[Result]:
    """One result for each chunk of a hand; that of a single chunk as it is.

    Of a hand that ended without success, chunks whose frames are all in place are done, the first
    other one has what happened, and those behind it go back: nobody tried them.
    """
    work = result.work
    if not work.more:
        return [result]
    found: list[Result] = []
    has_blamed = False
    for claim in (work.claim, *work.more):
        frames = list(claim.chunk.run or ())
        share = len(frames) / max(1, len(work.frames))
        is_there = result.ending is Ending.DONE or work.in_place.issuperset(frames)
        one = replace(
            result,
            work=_part(work, claim),
            wall=result.wall * share,
            cpu=result.cpu * share,
        )
        if is_there:
            one = replace(one, ending=Ending.DONE, reason="", advice="", cause="", where="")
        elif has_blamed and result.ending is not Ending.KILLED:
            said = f"it goes back with another chunk: {result.reason}"
            one = replace(one, ending=Ending.KILLED, reason=said, cause="")
        has_blamed = has_blamed or not is_there
        found.append(one)
    return found


def _part(work: Work, claim: Claim) -> Work:
    """The work as one of its chunks; what all share stays shared."""
    return replace(work, claim=claim, more=(), joined=None, lead=work.stem, saved_after=[])
