"""Steps of work: poll, choose a job, claim a chunk, and do what each look finds due."""

import contextlib
import logging
from collections.abc import Sequence
from functools import partial

from renderd.core import infofile, policy
from renderd.core import job as job_record
from renderd.core.amounts import plural
from renderd.core.chunk import Chunk
from renderd.core.job import Job
from renderd.core.names import Ticket, parse_adopting, parse_ticket
from renderd.daemon import blame, fitness, hand, life, sight
from renderd.daemon.node import JobMemory, Node
from renderd.daemon.work import Ending, Result, Work
from renderd.errors import RenderdError
from renderd.spool import claims, closing, control, frames, jobs, orders, sources, tickets
from renderd.spool.claims import Claim
from renderd.spool.layout import ADOPTING, BAD, FAILED, HELD, QUEUE
from renderd.spool.moves import SETTLE, Outcome, move, names
from renderd.spool.survey import Sight, Survey

POLL_FIRST, POLL_LAST, POLL_GROWTH = 2.0, 10.0, 1.5
LOST_RACES = 3  #: losses in a row after which what was seen is too old
CLOSE_FAILED_AFTER = SETTLE  #: a failed job is closed by two lists this far apart
_log = logging.getLogger(__name__)


def poll(node: Node, now: float) -> None:
    """List the queue and the root when that is due; adopt what was dropped."""
    if now < node.next_poll:
        return
    found = [t for n in node.queue.look(node.spool, now) if (t := parse_ticket(n))]
    is_news = {t.name for t in found} != {t.name for t in node.tickets}
    node.tickets = found
    node.met |= {t.jid for t in found}
    node.polled = now
    works = [*node.running, *(result.work for result in node.settling)]
    for jid in set(node.jobs) - {t.jid for t in found} - {w.job.jid for w in works}:
        del node.jobs[jid]
    wants_more = node.adopter.look(node.root.look(node.spool, now), now)
    # News are no hurry where no slot is free: a large farm's busy nodes would all ask at once.
    if wants_more or (is_news and node.free_slots):
        node.poll_period = POLL_FIRST
    else:
        node.poll_period = min(node.poll_period * POLL_GROWTH, POLL_LAST)
    if node.is_once:
        node.poll_period = 0.5
        _leave_when_done(node, wants_more=wants_more)
    spread = 0.5 + node.rng.random()
    node.next_poll = now + (SETTLE / 4 if wants_more else node.poll_period * spread)
    _close_failed(node, now)
    if not is_news and node.free_slots:
        _look_again(node, now)


def _close_failed(node: Node, now: float) -> None:
    """The second look at jobs all of whose chunks were seen ended, some of them failed."""
    for memory in list(node.jobs.values()):
        since = memory.ended_since
        if since is not None and now - since >= CLOSE_FAILED_AFTER:
            look_at_all(node, memory, now)
            _try_close(node, memory, now)


def look_at_all(node: Node, memory: JobMemory, now: float) -> None:
    """A fresh pass over every group that is not done for good."""
    memory.survey.begin_pass()
    for group in memory.survey.unseen():
        if look(node, memory, group, now).waiting:
            memory.exhausted = ""


def _leave_when_done(node: Node, *, wants_more: bool) -> None:
    """With --once: leave when the queue holds nothing that this node could ever take."""
    takable = [t for t in node.tickets if not _refused(node, t)]
    is_busy = bool(takable or wants_more or node.running or node.settling)
    knows = node.able.knows_blenders and node.able.knows_gpus
    is_busy = is_busy or bool(node.tickets and not knows)
    if is_busy or any(map(parse_adopting, names(node.spool, node.spool.at(ADOPTING)))):
        node.quiet_polls = 0
        return
    node.quiet_polls += 1  # twice: what was adopted just now shows at the next poll only
    if node.quiet_polls > 1:
        node.wants_exit = "nothing is left to do"


def _refused(node: Node, ticket: Ticket) -> bool:
    memory = node.jobs.get(ticket.jid)
    if memory is None or memory.shortage or sight.is_open(memory.why_not):
        return False
    return bool(memory.why_not)


def _look_again(node: Node, now: float) -> None:
    """An idle poll lists one remembered group again: a lost bump costs a minute, not the job."""
    remembered = [m for t in node.tickets if (m := node.jobs.get(t.jid))]
    if not remembered:
        return
    memory = remembered[node.counts.get("idle polls", 0) % len(remembered)]
    node.count("idle polls")
    groups = [g for g in memory.survey.groups if g not in memory.survey.done_groups]
    if groups:
        group = groups[node.rng.randrange(len(groups))]
        if look(node, memory, group, now).waiting:
            memory.exhausted = ""
    _try_close(node, memory, now)


def claim(node: Node, now: float) -> None:
    """Fill the free slots with chunks of the best jobs this node may take."""
    if node.rest.reason or node.wants_exit or not node.standing.may_work:
        node.cool()
        return
    if not node.free_slots:
        return
    if not all(t.jid in node.jobs for t in node.tickets):
        for ticket in node.tickets:
            _remember(node, ticket)
    for ticket in policy.order(node.tickets, {j: m.born for j, m in node.jobs.items()}):
        memory = node.jobs.get(ticket.jid)
        if memory is None or memory.exhausted == ticket.name:
            continue
        memory.why_not = fitness.why_not(node, memory)
        if sight.is_looking(memory.why_not):  # the answer is due any moment
            node.next_poll = min(node.next_poll, now + SETTLE / 4)
        while node.free_slots and not memory.why_not and fitness.has_room(node, memory):
            if not _claim_one(node, ticket, memory, now):
                break
        if not node.free_slots:
            return


def _remember(node: Node, ticket: Ticket) -> None:
    if ticket.jid in node.jobs:
        return
    try:
        job = jobs.read(node.spool, ticket.jid)
    except (OSError, RenderdError) as error:
        node.trouble = f"job.info of {ticket.jid} cannot be read: {error}"
        return
    born = tickets.born(node.spool, ticket.jid)
    node.jobs[ticket.jid] = JobMemory(job, born, Survey(ticket.jid, job.chunks))


def _claim_one(node: Node, ticket: Ticket, memory: JobMemory, now: float) -> bool:
    """Claim one chunk of the job and start it; False when nothing of it is left for us now."""
    has_dropped = False
    most = hand.wanted(node, memory)
    while True:
        waiting = _next_waiting(node, memory, now, most)
        if waiting is None:
            memory.exhausted = ticket.name
            _try_close(node, memory, now)
            return False
        outcome, held = _try(node, memory, waiting)
        if outcome is Outcome.WON:
            memory.losses = 0
            _start(node, memory, held, hand.draw(node, memory, held, most, _try), now)
            return True
        if outcome is Outcome.UNSURE:
            return False
        memory.losses += 1
        node.count("lost races")
        if memory.losses >= LOST_RACES:
            memory.losses = 0
            memory.survey.drop()
            if has_dropped:  # a list that stays stale: later again, the beat cannot wait for it
                return False
            has_dropped = True


def _try(node: Node, memory: JobMemory, waiting: Chunk) -> tuple[Outcome, Claim]:
    jid = memory.job.jid
    if waiting.group not in memory.intents:
        claims.declare_intent(node.spool, node.inc, jid, waiting.group)
        memory.intents.add(waiting.group)
    held = claims.prepare(node.spool, node.inc, jid, waiting)
    node.held[held.key] = None
    outcome = Outcome.UNSURE
    try:
        refresh = partial(memory.survey.refresh, waiting.group)
        outcome = claims.take(node.spool, held, waiting, refresh)
    finally:
        if outcome is not Outcome.WON:
            # Also when unsure: were it ours after all, the next look finds a leftover of mine.
            node.held.pop(held.key, None)
    return outcome, held


def _next_waiting(node: Node, memory: JobMemory, now: float, most: int) -> Chunk | None:
    survey = memory.survey
    has_looked = False
    while True:
        chunk = _takable(node, memory, now, most)
        if chunk is not None:
            return chunk
        groups = survey.unseen()
        if not groups and has_looked:
            return None
        if groups:
            look(node, memory, groups[node.rng.randrange(len(groups))], now)
            has_looked = True
        else:
            survey.begin_pass()  # what we know may be older than what is there
            has_looked = not survey.unseen()


def _takable(node: Node, memory: JobMemory, now: float, most: int) -> Chunk | None:
    while (chunk := memory.survey.take(node.spool, most)) is not None:
        if memory.unfit.get(chunk.index, 0.0) > now:
            continue
        if memory.avoided.get(chunk.index, 0.0) <= now or fitness.is_alone(node):
            return chunk
        if blame.failed_everywhere(node, memory.job.jid, chunk.index):
            return chunk
    return None


def _start(node: Node, memory: JobMemory, held: Claim, more: Sequence[Claim], now: float) -> None:
    run, refusal = hand.run_of(held, more), ""
    commands: tuple[tuple[str, ...], ...] = ()
    try:
        commands = hand.words(memory, run) if more else _commands(node, memory.job, held)
    except OSError as error:  # they may be a person's own: the job's would be the wrong ones
        refusal = f"its file cannot be read: {error.strerror or error}"
    work = Work(
        claim=held,
        more=tuple(more),
        joined=run,
        job=memory.control.applied(memory.job),
        commands=commands,
        output=frames.locate(node.spool, memory.job),
        started=now,
        frame_bytes=memory.frame_bytes,
    )
    work.ram, work.frames_total = memory.ram, len(work.frames)
    node.held |= dict.fromkeys((held.key, *(one.key for one in more)), work)
    if refusal:
        node.settling.append(Result(work=work, ending=Ending.UNABLE, reason=refusal))
        return
    node.running.append(work)
    node.count("claims", 1 + len(more))
    if node.last_job != work.job.jid:  # a line a job, not one a chunk: chunks may take no time
        node.last_job = work.job.jid
        _log.info("%s (%s): starts with %s", work.job.name, work.job.jid, work.label)
    node.start(work)


def _commands(node: Node, job: Job, held: Claim) -> tuple[tuple[str, ...], ...]:
    """The chunk's own command lines; rebuilt from job.info where a power cut tore its file.

    The start of a text may well be a command, of other frames or without its output.
    Raises OSError.
    """
    whole = job_record.chunk_text(job.info, held.chunk.run, job.out).encode()
    text = claims.read_text(node.spool, held)
    with contextlib.suppress(RenderdError):
        if not whole.startswith(text):
            return infofile.parse(text).commands
    return job_record.chunk_words(job.info, held.chunk.run, job.out)


def look(node: Node, memory: JobMemory, group: str, now: float) -> Sight:
    """List one group and do all that is due in it: leftovers, dead owners, twins."""
    sight = memory.survey.look(node.spool, group)
    jid = memory.job.jid
    for chunk in sight.running:
        held = Claim(jid, chunk)
        if claims.is_mine(chunk, node.inc):
            if held.key not in node.held:
                _settle_leftover(node, memory, held)
        elif chunk.owner in node.dead:
            life.reclaim(node, jid, held)
    for chunk in sight.twins:
        _remove_twin(node, memory, chunk, now)
    return sight


def _settle_leftover(node: Node, memory: JobMemory, held: Claim) -> None:
    """A run name of mine that no worker holds: finish it if its frames are in place.

    Still there after a move that was won it goes to a name never used.  A server of SMB that lost
    power forgets a move, and its client, which knows both names for one file, does no other to it.
    """
    output = frames.locate(node.spool, memory.job)
    run, before = held.chunk.run, node.settled.get(held.key, 0)
    node.count("leftovers")
    if output is not None and run is not None and not before:
        in_place = frames.receipted(node.spool, output, run)
        if len(in_place) == len(run):
            if claims.finish(node.spool, held) is Outcome.WON:
                node.settled[held.key] = 1
            return
    if claims.give_back(node.spool, held, is_failure=False, beyond=before) is Outcome.WON:
        node.settled[held.key] = before + 1
        tickets.bump(node.spool, memory.job.jid)


def _remove_twin(node: Node, memory: JobMemory, chunk: Chunk, now: float) -> None:
    """Two names of one chunk, by a person's edit: the outweighed one goes, when seen twice."""
    first = memory.twins.setdefault(chunk.name, now)
    if now - first < SETTLE or chunk.owner == node.inc:
        return
    jid = memory.job.jid
    target = node.spool.at(BAD, f"{jid}~{chunk.name}")
    if move(node.spool, node.spool.chunk(jid, chunk), target) is Outcome.WON:
        why = f"{chunk.name}: another file of this chunk counts more\n".encode()
        with contextlib.suppress(OSError):
            node.spool.share.create(target.removesuffix(".info") + ".why", why)


def _queued(node: Node, memory: JobMemory) -> tickets.Place | None:
    found = next((t for t in node.tickets if t.jid == memory.job.jid), None)
    return (QUEUE, found) if found is not None else None


def _try_close(
    node: Node, memory: JobMemory, now: float, place: tickets.Place | None = None
) -> None:
    """Close the job when every chunk was seen ended after its ticket's name was read."""
    place = place or _queued(node, memory)
    if place is None:
        return
    done, failed, waiting, running = memory.survey.totals()
    if waiting or running or done + failed < memory.job.chunks:
        memory.ended_since = None
        return
    if failed:
        if memory.ended_since is None or memory.ended_as != place[1].name:  # it was told again
            memory.ended_since, memory.ended_as = now, place[1].name
        if now - memory.ended_since < CLOSE_FAILED_AFTER:
            node.next_poll = min(node.next_poll, now + CLOSE_FAILED_AFTER)
            return
    if place[0] == FAILED and failed:
        return
    if jobs.close(node.spool, place, memory.survey, has_failed=bool(failed)):
        if memory.closed_as == place[1].name:
            return
        memory.closed_as = place[1].name
        node.count("closed")
        node.journal.append({"ev": "closed", "jid": memory.job.jid, "done": done, "failed": failed})
        if not failed:
            sources.remove(node.spool, memory.job)
            closing.collect(node.spool, memory.job, node.breathe)
        node.next_poll = min(node.next_poll, now)


def look_after_end(node: Node, memory: JobMemory, now: float) -> None:
    """Whoever ends a chunk when nothing seems left looks at all of it, and closes the job."""
    place = _queued(node, memory) or tickets.find(node.spool, memory.job.jid)
    look_at_all(node, memory, now)
    if place is not None and place[0] in (QUEUE, HELD, FAILED):
        _try_close(node, memory, now, place)


def watch_tickets(node: Node, now: float) -> None:
    """Stop what runs of a cancelled job, and give back what is over a job's limit of nodes."""
    if not node.running:
        return
    seen = map(parse_ticket, node.cancelled.look(node.spool, now))
    cancelled = {ticket.jid for ticket in seen if ticket}
    for work in node.running:
        if work.job.jid in cancelled:
            work.stop("the job was cancelled")
    for jid in {w.job.jid for w in node.running}:
        memory = node.jobs.get(jid)
        if memory is None:
            continue
        limit = control.read(node.spool, jid).terms(memory.job, frozenset()).nodes
        if limit is not None:
            running = [c for g in memory.survey.groups for c in look(node, memory, g, now).running]
            if node.inc in policy.surplus(running, limit):
                for work in node.running:
                    if work.job.jid == jid:
                        work.stop(f"the job may run on {plural(limit, 'node')} at once")


def stop_job(node: Node, memory: JobMemory) -> None:
    """Let a job hold itself when its failures say that going on is a waste."""
    survey = memory.survey
    seen: list[Chunk] = []
    for group in survey.groups:
        seen += survey.chunks_of(node.spool, group)
    jid = memory.job.jid
    forgiven = control.read(node.spool, jid).forgiven
    hosts = blame.failed_hosts(node, jid)
    live = len(blame.live_hosts(node))
    reason = policy.why_stop(seen, memory.job.chunks, forgiven, hosts=hosts, live=live)
    if reason and orders.stop(node.spool, jid, reason):
        node.count("stopped jobs")
