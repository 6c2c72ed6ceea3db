"""Mutants of moves and names, and of what becomes of jobs.

A failed job is closed by two lists 2 s apart, and looked at once more after that.  Each covers for
the other: 2,000 schedules without the one or without the other found nothing, so a mutant leaves
out both.
"""

import contextlib
import sys
from typing import Any

from renderd.core.chunk import Chunk, State, parse
from renderd.core.names import Ticket
from renderd.daemon import chores, hunt, life
from renderd.spool import adopt, claims, jobs, moves, nodes, orders, tickets
from renderd.spool.janitor import Janitor
from renderd.spool.layout import DONE, FAILED, QUEUE, TICKETS
from renderd.spool.moves import Outcome
from renderd.spool.survey import Survey
from tests.sim.mutants.rule import Patch, mutant, nothing


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
