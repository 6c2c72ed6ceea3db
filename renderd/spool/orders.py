"""What a person may do to jobs and nodes: each order is safe to repeat and to race.

An order looks where the job is, makes the one rename that the protocol has for it, and says what
it changed.  Daemons may move the same ticket meanwhile; whoever renames it owns the move, so an
order that comes late finds nothing to do or says what the job has become.
"""

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from renderd.core import wire
from renderd.core.amounts import plural
from renderd.core.chunk import Chunk, State, parse
from renderd.core.control import Control
from renderd.core.label import nearest
from renderd.core.names import host_of
from renderd.errors import InfoFileError, OutputOwned, RenderdError, ShareUnsure, UsageError
from renderd.spool import claims, closing, control, frames, jobs, nodes, regaining, sources, tickets
from renderd.spool.layout import (
    CANCELLED,
    DONE,
    FAILED,
    HELD,
    JOBS,
    OPEN,
    QUEUE,
    TRASH,
    WAITING,
    Spool,
)
from renderd.spool.listing import chunks
from renderd.spool.moves import Outcome, move, names
from renderd.spool.survey import Survey

_TRIES = 20
_LOOKS = 3
HELD_BY = "held by "  #: how a person's reason begins; any other is the farm's own
Progress = Callable[[int, int], None]
Picked = Callable[[Chunk], bool]


@dataclass(frozen=True, slots=True)
class Turned:
    """A ticket's move: the folder and priority before and now."""

    jid: str
    slug: str
    was: str
    now: str
    priority: int
    was_priority: int

    @property
    def is_changed(self) -> bool:
        """False when the job was already what the order asks for."""
        return (self.was, self.was_priority) != (self.now, self.priority)


@dataclass(frozen=True, slots=True)
class Chunks:
    """Chunks of a job that were moved, by index, and the state the job has now."""

    jid: str
    slug: str
    indices: tuple[int, ...]
    now: str


@dataclass(frozen=True, slots=True)
class Limited:
    """What a job's control file says after a change."""

    jid: str
    slug: str
    control: Control


@dataclass(frozen=True, slots=True)
class Sent:
    """An order left in the inboxes of a node's live incarnations."""

    op: str
    node: str
    incarnations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """A job that is no longer there, and where its folder went."""

    jid: str
    slug: str
    was: str
    is_swept: bool  #: False: another program won the move and sweeps it


def where(spool: Spool, jid: str) -> tickets.Place:
    """Where a job's ticket is.  Raises UsageError where no list shows it, OSError."""
    for _ in range(_LOOKS):  # a ticket that moves while we list may be missed
        place = tickets.find(spool, jid)
        if place is not None:
            return place
    raise UsageError(f"job {jid} is not in this spool", "see: render jobs")


def hold(spool: Spool, jid: str, by: str, reason: str = "") -> Turned:
    """Start nothing more of a job; what runs goes on to its end."""
    return _turn(spool, jid, HELD, OPEN, f"{HELD_BY}{by}" + (f": {reason}" if reason else ""))


def stop(spool: Spool, jid: str, reason: str, changed: str = "") -> bool:
    """Let a queued job hold itself, with the reason that `why` shows; True when it did now.

    A person's `release` lets it go on, and accepts the `changed` .blend.  Raises OSError,
    SpoolNotMounted.
    """
    with contextlib.suppress(OSError, RenderdError):  # words only: the hold matters more
        control.change(spool, jid, reason=reason, changed=changed)
    place = tickets.find(spool, jid)
    if place is None or place[0] != QUEUE:
        return False
    return tickets.turn(spool, place, HELD) is Outcome.WON


def release(spool: Spool, jid: str) -> Turned:
    """Let a held job run, or wait for the jobs it comes after.

    Takes its output over where that is free now; raises OutputOwned where another open job
    writes it.  The failures known now no longer make the job stop itself, and a .blend that was
    changed, for which a node held it, is taken as that node saw it.
    """
    place = where(spool, jid)
    _demand(place, (QUEUE, WAITING, HELD))
    job = jobs.read(spool, jid)
    regaining.own_if_lost(spool, job)  # also where it was queued by hand and nobody had done so
    if place[0] != HELD:
        return _unchanged(place)
    for ticket in jobs.videos_of(spool, jid) if job.info.video is not None else ():
        regaining.own_if_lost(spool, jobs.read(spool, ticket.jid))
    said = control.read(spool, jid)
    if said.reason or said.forgiven or said.changed:
        failed = len(chunks(spool, jid, {State.FAIL}))
        source = said.changed or said.source
        control.change(spool, jid, reason="", forgiven=failed, changed="", source=source)
    target = WAITING if jobs.unfinished(spool, job.info.after) else QUEUE
    return _turn(spool, jid, target, (HELD,))


def cancel(spool: Spool, jid: str, reason: str = "") -> Turned:
    """Start nothing more of a job and its movie, stop what runs; nodes see it at a beat."""
    turned = _turn(spool, jid, CANCELLED, (*OPEN, FAILED), reason)
    cancel_videos(spool, jid)
    with contextlib.suppress(OSError, RenderdError):  # there may be no node to clear up after it
        if not running(spool, jid):
            closing.clear(spool, jobs.read(spool, jid))
    return turned


def cancel_videos(spool: Spool, jid: str) -> None:
    """Cancel the open movies of a job that was cancelled; raises OSError."""
    why = f"job {jid}, whose frames it was to show, was cancelled"
    for ticket in jobs.videos_of(spool, jid):
        with contextlib.suppress(UsageError):  # somebody else moved it on
            _turn(spool, ticket.jid, CANCELLED, OPEN, why)


def set_priority(spool: Spool, jid: str, priority: int) -> Turned:
    """Give a job that is not over another priority, 0 to 99."""
    if not 0 <= priority <= 99:
        raise UsageError(f"{priority} is no priority", "use 0 (last) to 99 (first)")
    place = where(spool, jid)
    _demand(place, (*OPEN, FAILED))
    if place[1].priority == priority:
        return _unchanged(place)
    among = (*OPEN, FAILED)
    folder, ticket = tickets.turn_surely(spool, jid, "", priority=priority, among=among)
    return Turned(jid, ticket.slug, place[0], folder, priority, place[1].priority)


def limit(spool: Spool, jid: str, change: Callable[[Control], Control]) -> Limited:
    """Change what a running job's control file says; raises as control.edit."""
    place = where(spool, jid)
    _demand(place, (*OPEN, FAILED))
    return Limited(jid, place[1].slug, control.edit(spool, jid, change))


def retry(spool: Spool, jid: str, picked: Picked | None = None) -> Chunks:
    """Revive a job's failed chunks with a clean record, and reopen the job.

    A job that stopped itself goes on; one that a person held stays held.  Also reopens a failed
    job whose chunks wait already: an earlier retry that was cut short.  A job that is reopened
    takes its output over where that is free; raises OutputOwned where another open job writes it.
    """
    place = where(spool, jid)
    _demand(place, (*OPEN, FAILED))
    wanted = [c for c in chunks(spool, jid, {State.FAIL}) if picked is None or picked(c)]
    if place[0] == FAILED and (wanted or chunks(spool, jid, {State.WAIT})):
        regaining.own_if_lost(spool, jobs.read(spool, jid))
    # An unsure answer counts: a ticket turned for nothing costs a listing, one not turned a job.
    revived = [c.index for c in wanted if claims.retry(spool, jid, c) is not Outcome.LOST]
    if revived or (place[0] == FAILED and chunks(spool, jid, {State.WAIT})):
        _bump(spool, jid)
        _go_on(spool, jid)
        if place[0] == FAILED:
            _own_once_more(spool, jid)
    if still := [c for c in chunks(spool, jid, {State.FAIL}) if c in wanted]:
        raise ShareUnsure(
            f"{plural(len(still), 'chunk')} of {jid} could not be revived", "retry again"
        )
    return Chunks(jid, place[1].slug, tuple(revived), where(spool, jid)[0])


def _own_once_more(spool: Spool, jid: str) -> None:
    # Who took the output a moment ago saw a job that was over, and took its mark away.
    try:
        regaining.own_if_lost(spool, jobs.read(spool, jid))
    except OutputOwned as owned:
        stop(spool, jid, str(owned))
        raise


def _go_on(spool: Spool, jid: str) -> None:
    """Take back what the farm itself said against going on; a person's hold stands.

    So does one for a changed .blend, which only a person's release may accept.
    """
    said, folder = control.read(spool, jid), where(spool, jid)[0]
    if folder == HELD:
        if said.reason and not said.reason.startswith(HELD_BY) and not said.changed:
            release(spool, jid)
        return
    failed = len(chunks(spool, jid, {State.FAIL}))
    if said.reason or failed > said.forgiven:
        control.change(spool, jid, reason="", forgiven=failed)


def skip(spool: Spool, jid: str, picked: Picked) -> Chunks:
    """Count waiting and failed chunks as done without running them; close the job if all are.

    A chunk that runs meanwhile is left alone.
    """
    place = where(spool, jid)
    _demand(place, (*OPEN, FAILED))
    skipped, unsure = [], 0
    for chunk in chunks(spool, jid, {State.WAIT, State.FAIL}):
        if not picked(chunk):
            continue
        waiting = chunk
        if chunk.state is State.FAIL:
            outcome = claims.retry(spool, jid, chunk)
            unsure += outcome is Outcome.UNSURE  # it may wait again a while from now
            if outcome is not Outcome.WON:
                continue
            waiting = chunk.retried()
        if claims.skip(spool, jid, waiting) is not Outcome.LOST:  # unsure counts, as in retry
            skipped.append(chunk.index)
    if skipped or place[0] == FAILED:  # also after a skip that was cut short
        _close_look(spool, jid)
    still = sum(c.index in skipped for c in chunks(spool, jid, {State.WAIT}))
    if still or unsure:
        raise ShareUnsure(
            f"{plural(still + unsure, 'chunk')} of {jid} could not be skipped", "skip again"
        )
    return Chunks(jid, place[1].slug, tuple(skipped), where(spool, jid)[0])


def running(spool: Spool, jid: str) -> list[Chunk]:
    """The chunks of a job that a node not known to be dead still holds.  Raises OSError."""
    gone = nodes.dead(spool)
    return [c for c in chunks(spool, jid, {State.RUN}) if c.owner not in gone]


def remove(spool: Spool, jid: str, *, while_running: bool = False) -> Removed:
    """Remove a job that is over: its ticket, then its folder; the frames stay where they are.

    Raises UsageError for an open job and for one that an open job waits for, which would wait for
    ever; RenderdError while nodes still stop its chunks: they must see the ticket in cancelled/.
    """
    for _ in range(_TRIES):
        place = where(spool, jid)
        _demand(place, (DONE, FAILED, CANCELLED))
        jobs.demand_unawaited(spool, place[1])
        if not while_running and (held := running(spool, jid)):
            raise RenderdError(
                f"{plural(len(held), 'chunk')} of {jid} still running on {held[0].owner}",
                "try again in a moment",
            )
        folder, ticket = place
        outcome = move(spool, spool.at(folder, ticket.name), spool.at(TRASH, ticket.name))
        if outcome is Outcome.WON:
            return Removed(jid, ticket.slug, folder, _sweep(spool, jid))
    raise ShareUnsure(f"job {jid} could not be removed", "look again: render jobs")


def live(spool: Spool) -> list[str]:
    """The incarnations that beat and have no certificate, by name.  Raises OSError."""
    return sorted(set(nodes.everyone(spool)) - nodes.dead(spool))


def incarnations(spool: Spool, word: str) -> list[str]:
    """The live incarnations that a node's name, host or incarnation means.

    Raises UsageError that names the nearest, OSError.
    """
    called = {inc: (inc, host_of(inc), node_name(spool, inc)) for inc in live(spool)}
    found = [inc for inc, known in called.items() if word in known]
    if not found:
        known = {name for names_ in called.values() for name in names_[1:] if name}
        remedy = nearest(word, known) if known else "no node is alive"
        raise UsageError(f"no live node is called {word!r}", remedy)
    return found


def node_name(spool: Spool, inc: str) -> str:
    """The name a node registered under; its host where it does not say."""
    return str(nodes.read_facts(spool, inc).get("node") or host_of(inc))


def send(spool: Spool, word: str, request: wire.Request) -> Sent:
    """Leave an order (pause, resume, drain, undrain, restart, quit, kill) for its next beat.

    It lies in the inbox as the request that its local socket would take.  Raises UsageError
    where no live node is so called, OSError.
    """
    found = incarnations(spool, word)
    order = {"v": wire.VERSION, "id": 0, "op": request.op.value, "args": dict(request.args)}
    for inc in found:
        nodes.send(spool, inc, order)
    return Sent(request.op.value, word, tuple(found))


def held_by(spool: Spool, inc: str) -> list[tuple[str, Chunk]]:
    """The running chunks of one incarnation, found by the intents it declares.  Raises OSError."""
    found = []
    for jid, group in sorted(nodes.intents(spool, inc)):
        seen = (c for n in names(spool, spool.job(jid, group)) if (c := parse(n)))
        found += [(jid, c) for c in seen if claims.is_mine(c, inc)]
    return found


def _turn(spool: Spool, jid: str, target: str, among: tuple[str, ...], reason: str = "") -> Turned:
    place = where(spool, jid)
    if place[0] == target:
        return _unchanged(place)
    _demand(place, among)
    if reason:  # first: after a lock that was held the whole order can be given again
        control.change(spool, jid, reason=reason)
    # The target counts as a source: another person's same order may win the first race.
    folder, ticket = tickets.turn_surely(spool, jid, target, among=(*among, target))
    return Turned(jid, ticket.slug, place[0], folder, ticket.priority, place[1].priority)


def _unchanged(place: tickets.Place) -> Turned:
    folder, ticket = place
    return Turned(ticket.jid, ticket.slug, folder, folder, ticket.priority, ticket.priority)


def _demand(place: tickets.Place, among: Collection[str]) -> None:
    folder, ticket = place
    if folder not in among:
        state, allowed = "queued" if folder == QUEUE else folder, ", ".join(among)
        over = "a job that is over can be added again; " if folder in (DONE, CANCELLED) else ""
        raise UsageError(
            f"job {ticket.jid} ({ticket.slug}) is {state}", f"{over}this works in: {allowed}"
        )


def _bump(spool: Spool, jid: str) -> None:
    if not tickets.bump(spool, jid):
        raise ShareUnsure(f"job {jid} has chunks to run but its ticket did not move", "retry again")


def _close_look(spool: Spool, jid: str) -> None:
    """Close the job if all its chunks are done, its ticket's name read before they are listed."""
    place = where(spool, jid)
    if place[0] not in (QUEUE, HELD, FAILED):
        return
    job = jobs.read(spool, jid)
    survey = Survey(jid, job.chunks)
    for group in survey.groups:
        survey.look(spool, group)
    done, failed, waiting, _ = survey.totals()
    if done == survey.chunks:
        if jobs.close(spool, place, survey, has_failed=False):
            sources.remove(spool, job)
            with contextlib.suppress(OSError):
                closing.collect(spool, job)
    elif place[0] == FAILED and waiting and done + failed < survey.chunks:
        _bump(spool, jid)  # a revived chunk that somebody else must run now


def _sweep(spool: Spool, jid: str) -> bool:
    # Only after our own rename of the ticket: nobody can publish or run this job any more.
    with contextlib.suppress(OSError, InfoFileError):
        job = jobs.read(spool, jid)
        sources.remove(spool, job)
        frames.disown(spool, job)
    with contextlib.suppress(OSError):
        spool.share.rename(spool.at(JOBS, jid), spool.at(TRASH, jid))
        return True
    return False
