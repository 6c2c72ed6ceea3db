"""The protocol with one rule left out, one at a time: what the simulation must catch.

Each mutant replaces a function of the real code by one that a hurried programmer might have
written.  `python -m tests.sim --mutants` says how many schedules it took to catch each.

A failed job is closed by two lists 2 s apart, and looked at once more after that.  Each covers for
the other: 2,000 schedules without the one or without the other found nothing, so a mutant leaves
out both.
"""

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from renderd.core import lease
from renderd.core.chunk import Chunk, State, parse
from renderd.core.frameset import UNKNOWN, FrameSet
from renderd.core.names import Adopting, Ticket, new_jid
from renderd.daemon import chores, gathering, hand, hunt, landing, life
from renderd.spool import adopt, claims, frames, jobs, moves, nodes, orders, tickets
from renderd.spool.adopt import Adopter
from renderd.spool.janitor import Janitor
from renderd.spool.layout import ADOPTING, BEATS, DEAD, DONE, FAILED, QUEUE, TICKETS
from renderd.spool.moves import Outcome
from renderd.spool.survey import Survey

Patch = Callable[[Any, str, Any], None]
Mutant = Callable[[Patch], None]
MUTANTS: dict[str, Mutant] = {}


def mutant(make: Mutant) -> Mutant:
    """Register a mutant under the words of its name."""
    MUTANTS[make.__name__.replace("_", " ")] = make
    return make


@contextlib.contextmanager
def applied(name: str) -> Iterator[None]:
    """Run the protocol with one rule left out."""
    undo: list[tuple[Any, str, Any]] = []

    def patch(owner: Any, attribute: str, value: Any) -> None:
        real = getattr(owner, attribute)
        undo.append((owner, attribute, real))
        if callable(real):
            _demand_fit(f"{name}: {attribute}", real, value)
        setattr(owner, attribute, value)

    MUTANTS[name](patch)
    try:
        yield
    finally:
        for owner, attribute, value in reversed(undo):
            setattr(owner, attribute, value)


def _demand_fit(what: str, real: Any, value: Any) -> None:
    """Raise TypeError where the real arguments do not fit: such a mutant proves nothing."""
    given = inspect.signature(real).parameters.values()
    named = {p.name: None for p in given if p.kind is p.KEYWORD_ONLY}
    try:
        inspect.signature(value).bind(*[None] * (len(given) - len(named)), **named)
    except TypeError as error:
        raise TypeError(f"the mutant {what} does not fit the code any more: {error}") from error


def nothing(*_args: Any, **_named: Any) -> None:
    """What a forgotten step does."""


# Moves and names.


@mutant
def an_error_counts_as_done(patch: Patch) -> None:
    def move(spool: Any, old: str, new: str, *_seen: Any) -> Outcome:
        try:
            spool.share.rename(old, new)
        except FileNotFoundError:
            return Outcome.LOST
        except OSError:
            return Outcome.WON
        return Outcome.WON

    _patch_move(patch, move)


@mutant
def a_lost_race_counts_as_won(patch: Patch) -> None:
    def move(spool: Any, old: str, new: str, *_seen: Any) -> Outcome:
        with contextlib.suppress(OSError):
            spool.share.rename(old, new)
        return Outcome.WON

    _patch_move(patch, move)


def _patch_move(patch: Patch, move: Any) -> None:
    for module in (moves, claims, jobs, tickets, nodes, adopt, orders):
        if hasattr(module, "move"):
            patch(module, "move", move)


@mutant
def claim_by_copy(patch: Patch) -> None:
    def take(spool: Any, claim: Any, waiting: Any, *_seen: Any) -> Outcome:
        try:
            data = spool.share.read(spool.chunk(claim.jid, waiting))
            spool.share.create(spool.chunk(claim.jid, claim.chunk), data)
            spool.share.unlink(spool.chunk(claim.jid, waiting))
        except FileNotFoundError:
            return Outcome.LOST
        except OSError:
            return Outcome.UNSURE
        return Outcome.WON

    patch(claims, "take", take)


@mutant
def a_ticket_keeps_its_name(patch: Patch) -> None:
    def follow(self: Ticket, *, priority: int | None = None) -> Ticket:
        same = self.priority if priority is None else priority
        return Ticket(same, self.jid, self.g, self.slug)

    patch(Ticket, "next", follow)


@mutant
def enter_by_create(patch: Patch) -> None:
    def enter(spool: Any, path: str, data: bytes, *, sync: bool = True) -> None:
        spool.share.create(path, data, sync=sync)

    _patch_enter(patch, enter)


@mutant
def a_second_temp_for_a_name_in_doubt(patch: Patch) -> None:
    def enter(spool: Any, path: str, data: bytes, *, sync: bool = True) -> None:
        for _ in range(9):
            source = moves.create_fresh(spool, moves.temp(spool), data, sync=sync)
            try:
                spool.share.rename(source, path)
            except OSError:
                continue
            return

    _patch_enter(patch, enter)


def _patch_enter(patch: Patch, enter: Any) -> None:
    for module in (moves, jobs, nodes):
        patch(module, "enter", enter)


# Jobs.


@mutant
def publish_before_the_job_is_complete(patch: Patch) -> None:
    enter, settle, whole = jobs._enter_chunk, jobs.settle_publication, jobs.is_complete
    kept: dict[str, list[Any]] = {}  #: of jobs that are not published yet

    def later(spool: Any, jid: str, *more: Any) -> None:
        kept.setdefault(jid, []).append((spool, jid, *more))

    def believe(spool: Any, jid: str, chunks: int) -> bool:
        return jid in kept or whole(spool, jid, chunks)

    def then(spool: Any, place: Any, draft: Any) -> bool:
        for args in kept.pop(place[1].jid, []):
            enter(*args)
        return settle(spool, place, draft)

    patch(jobs, "_enter_chunk", later)
    patch(jobs, "is_complete", believe)
    patch(jobs, "settle_publication", then)


@mutant
def close_by_absence(patch: Patch) -> None:
    totals = Survey.totals

    def assume(self: Survey) -> tuple[int, int, int, int]:
        _, failed, waiting, running = totals(self)
        return self.chunks - failed - waiting - running, failed, waiting, running

    patch(Survey, "totals", assume)


@mutant
def close_without_a_second_look(patch: Patch) -> None:
    def close(spool: Any, place: Any, survey: Any, *, has_failed: bool) -> bool:
        del survey
        won = tickets.turn(spool, place, FAILED if has_failed else DONE) is Outcome.WON
        if won:
            jobs.release_dependants(spool)
        return won

    patch(jobs, "close", close)
    patch(hunt, "CLOSE_FAILED_AFTER", -1.0)
    patch(hunt, "look_at_all", nothing)


@mutant
def bump_once(patch: Patch) -> None:
    def bump(spool: Any, jid: str) -> bool:
        place = tickets.find(spool, jid)
        if place is not None and place[0] in (QUEUE, FAILED):
            with contextlib.suppress(OSError):
                new = spool.at(QUEUE, place[1].next().name)
                spool.share.rename(spool.at(place[0], place[1].name), new)
        return True

    patch(tickets, "bump", bump)
    patch(hunt, "_look_again", nothing)  # which finds in a minute what nobody was told of


@mutant
def retry_without_a_bump(patch: Patch) -> None:
    patch(orders, "_bump", nothing)


@mutant
def reclaim_without_a_bump(patch: Patch) -> None:
    bump = tickets.bump

    def quiet(spool: Any, jid: str) -> bool:
        return sys._getframe(1).f_code is life.reclaim.__code__ or bump(spool, jid)

    patch(tickets, "bump", quiet)
    patch(hunt, "_look_again", nothing)


@mutant
def sweep_by_absence(patch: Patch) -> None:
    sweep = Janitor.sweep

    def sweep_more(self: Janitor, now: float) -> None:
        sweep(self, now)
        spool = self.spool
        known = {t.jid for f in TICKETS for t in tickets.listed(spool, f)}
        for jid in moves.names(spool, spool.at("jobs")):
            if jid not in known:
                jobs.discard(spool, jid)

    patch(Janitor, "sweep", sweep_more)


@mutant
def dependants_are_released_by_the_closer_alone(patch: Patch) -> None:
    patch(chores.jobs, "release_dependants", lambda _spool: 0)


@mutant
def a_failed_chunk_is_swept_away(patch: Patch) -> None:
    close = jobs.close

    def tidy(spool: Any, place: Any, survey: Any, *, has_failed: bool) -> bool:
        won = close(spool, place, survey, has_failed=has_failed)
        if won and has_failed:
            for group in survey.groups:
                for name in moves.names(spool, spool.job(survey.jid, group)):
                    if (c := parse(name)) and c.state is State.FAIL:
                        spool.share.unlink(spool.chunk(survey.jid, c))
        return won

    patch(jobs, "close", tidy)


@mutant
def a_chunk_that_a_list_lacks_is_made_anew(patch: Patch) -> None:
    look = hunt.look
    known: dict[tuple[str, str], dict[int, Chunk]] = {}  #: as each node last saw a group

    def repair(node: Any, memory: Any, group: str, now: float) -> Any:
        sight, jid = look(node, memory, group, now), memory.job.jid
        listed = moves.names(node.spool, node.spool.job(jid, group))
        seen = {c.index: c for n in listed if (c := parse(n))}
        before = known.setdefault((node.inc, f"{jid}/{group}"), {})
        for lost in [c for index, c in before.items() if index not in seen]:
            new = Chunk(lost.index, lost.run, lost.attempt + 1)
            jobs._enter_chunk(node.spool, jid, new, memory.job)
        before.update(seen)
        return sight

    patch(hunt, "look", repair)


# Life and death.


@mutant
def beats_are_counted_by_the_wall_clock(patch: Patch) -> None:
    def watch(node: Any, shard: str, peer: Any, **_named: Any) -> None:
        seen = node.doubts.setdefault(f"beat:{peer.name}", node.beaten)
        if node.beaten - seen > lease.STILL_PERIODS * peer.period:
            nodes.declare(node.spool, shard, peer)

    patch(life, "_watch", watch)


@mutant
def declare_without_counting(patch: Patch) -> None:
    patch(lease, "limit", lambda *_args, **_named: 1)


@mutant
def an_outage_does_not_reset_the_counts(patch: Patch) -> None:
    patch(lease.Observer, "reset", nothing)


@mutant
def reclaim_without_a_certificate(patch: Patch) -> None:
    look = hunt.look

    def eager(node: Any, memory: Any, group: str, now: float) -> Any:
        sight = look(node, memory, group, now)
        for chunk in sight.running:
            if chunk.owner not in node.live and chunk.owner != node.inc:
                life.reclaim(node, memory.job.jid, claims.Claim(memory.job.jid, chunk))
        return sight

    patch(hunt, "look", eager)


def _look_without_reclaim(look: Any) -> Any:
    """A look that leaves the dead to the beat, which the rule in question is about."""

    def blind(node: Any, memory: Any, group: str, now: float) -> Any:
        dead, node.dead = node.dead, frozenset()
        try:
            return look(node, memory, group, now)
        finally:
            node.dead = dead

    return blind


@mutant
def a_death_is_dealt_with_once(patch: Patch) -> None:
    intents = nodes.intents
    seen: set[tuple[str, str]] = set()

    def once(spool: Any, inc: str) -> Any:
        if sys._getframe(1).f_code is not life.free_the_dead.__code__:
            return intents(spool, inc)
        is_new = (spool.who, inc) not in seen
        seen.add((spool.who, inc))
        return intents(spool, inc) if is_new else []

    patch(nodes, "intents", once)
    patch(hunt, "look", _look_without_reclaim(hunt.look))


@mutant
def the_intent_of_a_dead_node_goes_at_first_sight(patch: Patch) -> None:
    def free(node: Any, now: float) -> None:
        del now
        node.dead = frozenset(nodes.dead(node.spool))
        node.is_fenced = node.inc in node.dead
        for inc in sorted(node.dead):
            for jid, group in nodes.intents(node.spool, inc):
                life.reclaim_group(node, inc, jid, group)
                with contextlib.suppress(FileNotFoundError):
                    node.spool.share.unlink(node.spool.node(inc, "in", f"{jid}.{group}"))

    patch(life, "free_the_dead", free)
    patch(hunt, "look", _look_without_reclaim(hunt.look))


@mutant
def only_the_own_shard_is_watched(patch: Patch) -> None:
    patch(lease, "FOREIGN_EVERY", 10**9)


@mutant
def a_stranger_is_never_certified(patch: Patch) -> None:
    patch(life, "certify_strangers", nothing)
    patch(nodes, "certify", nothing)


@mutant
def beats_are_declared_under_any_name(patch: Patch) -> None:
    def declare(spool: Any, shard: str, still: Any) -> bool:
        for name in moves.names(spool, spool.at(BEATS, shard)):
            if name.startswith(still.inc + "."):
                return (
                    moves.move(spool, spool.at(BEATS, shard, name), spool.at(DEAD, still.inc))
                    is Outcome.WON
                )
        return False

    patch(nodes, "declare", declare)
    patch(lease, "limit", lambda *_args, **_named: 2)


# The hunt.


@mutant
def own_leftovers_are_left(patch: Patch) -> None:
    patch(hunt, "_settle_leftover", nothing)


@mutant
def a_leftover_is_finished_unseen(patch: Patch) -> None:
    def settle(node: Any, memory: Any, held: Any) -> None:
        del memory
        claims.finish(node.spool, held)

    patch(hunt, "_settle_leftover", settle)


@mutant
def remembered_groups_are_not_looked_at_again(patch: Patch) -> None:
    patch(hunt, "_look_again", nothing)
    patch(chores, "own_leftovers", nothing)


@mutant
def a_job_without_waiting_chunks_is_never_closed_by_others(patch: Patch) -> None:
    patch(hunt, "_try_close", nothing)


@mutant
def the_worker_is_not_registered_before_the_claim(patch: Patch) -> None:
    attempt = hunt._try

    def late(node: Any, memory: Any, waiting: Any) -> Any:
        outcome, held = attempt(node, memory, waiting)
        if outcome is Outcome.WON:
            node.held.pop(held.key, None)
            hunt.look(node, memory, waiting.group, node.polled)
            node.held[held.key] = None
        return outcome, held

    patch(hunt, "_try", late)


@mutant
def an_unsure_finish_is_forgotten(patch: Patch) -> None:
    finish = claims.finish

    def careless(spool: Any, claim: Any) -> Outcome:
        outcome = finish(spool, claim)
        return Outcome.LOST if outcome is Outcome.UNSURE else outcome

    patch(claims, "finish", careless)
    patch(hunt, "_settle_leftover", nothing)


# Hands of automatic chunks.


@mutant
def the_rest_of_a_hand_is_not_given_back(patch: Patch) -> None:
    deal = hand.dealt
    patch(hand, "dealt", lambda result: deal(result)[:1])


@mutant
def a_hand_is_done_with_its_first_chunk(patch: Patch) -> None:
    deal = hand.dealt

    def believe(result: Any) -> Any:
        first, *rest = deal(result)
        return [first, *(replace(one, ending=first.ending) for one in rest)]

    patch(hand, "dealt", believe)


@mutant
def what_a_person_wrote_into_a_chunk_runs_with_its_neighbours(patch: Patch) -> None:
    patch(hand, "_is_as_published", lambda *_: True)


# Dropped files.


@mutant
def adopt_in_one_hop(patch: Patch) -> None:
    def take_in(self: Adopter, name: str, now: float) -> None:
        slug = name[: -len(".info")]
        ours = Adopting(self.inc, new_jid(self.spool.rng), slug)
        self.held[ours.name] = adopt.Drop(ours.name, now)
        old, new = self.spool.at(name), self.spool.at(ADOPTING, ours.name)
        if moves.move(self.spool, old, new) is Outcome.LOST:
            self.held.pop(ours.name, None)
        self.drops.pop(name, None)

    patch(Adopter, "_take_in", take_in)


@mutant
def a_dead_nodes_adoption_is_left(patch: Patch) -> None:
    patch(Adopter, "take_over", lambda *_: set())


@mutant
def an_adoption_goes_on_under_its_old_name(patch: Patch) -> None:
    def again(self: Adopter, found: Adopting, now: float) -> adopt.Step:
        ours = Adopting(self.inc, found.key, found.slug)
        if ours.name != found.name:
            old, new = self.spool.at(ADOPTING, found.name), self.spool.at(ADOPTING, ours.name)
            if moves.move(self.spool, old, new) is not Outcome.WON:
                return adopt.Step.GONE
        self.held[ours.name] = adopt.Drop(ours.name, now)
        return adopt.Step.WAIT

    patch(Adopter, "_hop_again", again)


@mutant
def a_dropped_file_is_taken_as_first_read(patch: Patch) -> None:
    patch(adopt, "SETTLE", 0.0)
    patch(Adopter, "_looks_finished", lambda *_: True)
    read = adopt.check_drop

    def ended(*args: Any) -> bytes:
        data = read(*args)
        return data if data.endswith(b"\n") else data + b"\n"

    patch(adopt, "check_drop", ended)


# Frames.


@mutant
def frames_are_not_verified(patch: Patch) -> None:
    def believe(self: Any, frame: int, pieces: Any, *, is_said: bool = True) -> Any:
        del self, frame, is_said
        return FrameSet({piece.name: UNKNOWN for piece in pieces}, is_told=False)

    patch(gathering.Gathering, "verify", believe)


@mutant
def whose_output_it_is_is_not_asked(patch: Patch) -> None:
    patch(frames, "why_not_able", lambda *_: "")
    patch(frames, "_shut_out", nothing)  # nor is a former owner kept from it


@mutant
def a_chunk_is_done_when_its_command_ends(patch: Patch) -> None:
    patch(landing.Landing, "missing", lambda _self: "")
