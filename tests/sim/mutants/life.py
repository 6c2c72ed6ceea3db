"""Mutants of life and death."""

import contextlib
import sys
from typing import Any

from renderd.core import lease
from renderd.daemon import hunt, life
from renderd.spool import claims, moves, nodes
from renderd.spool.layout import BEATS, DEAD
from renderd.spool.moves import Outcome
from tests.sim.mutants.rule import Patch, mutant, nothing


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
