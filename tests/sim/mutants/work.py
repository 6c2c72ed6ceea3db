"""Mutants of the hunt for chunks, of dropped files and of frames."""

from dataclasses import replace
from typing import Any

from renderd.core.frameset import UNKNOWN, FrameSet
from renderd.core.names import Adopting, new_jid
from renderd.daemon import chores, gathering, hand, hunt, landing
from renderd.spool import adopt, claims, frames, moves
from renderd.spool.adopt import Adopter
from renderd.spool.layout import ADOPTING
from renderd.spool.moves import Outcome
from tests.sim.mutants.rule import Patch, mutant, nothing


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
