"""Steps of life: beat, watch the neighbours, declare the dead, free what they held."""

import contextlib

from renderd.core import lease
from renderd.core.chunk import State, parse
from renderd.core.names import Beat, is_incarnation
from renderd.daemon.node import Node
from renderd.errors import RenderdError
from renderd.spool import claims, frames, jobs, nodes, tickets
from renderd.spool.moves import SETTLE, Outcome, names
from renderd.spool.nodes import Life

DEAD_EVERY = 4  #: beats between two looks at the certificates
TURNS = 20  #: nodes of a large farm that do at a time what one of them would be enough for


def beat(node: Node, now: float) -> None:
    """Give a sign of life when it is due, and learn whether we were certified dead."""
    if now < node.next_beat:
        return
    period = lease.period(
        node.farm_size, _stake(node), is_busy=bool(node.running), is_slow=bool(node.trouble)
    )
    silent = now - node.beaten if node.beaten > float("-inf") else 0.0
    late = silent > 2 * node.pulse.beat.period
    life = nodes.beat(node.spool, node.pulse, period)
    node.next_beat = now + period
    if life in (Life.FENCED, Life.TWIN):
        node.is_fenced = True
        return
    if life is Life.UNSURE:
        node.observer.reset()
        node.next_beat = now + min(period, 2.0)
        return
    node.beaten = now
    node.observer.beat()
    if late:
        node.observer.reset(silent, period // 2 if node.trouble else period)  # what comes next
    node.count("beats")
    declared = node.counts.get("declared", 0)
    observe(node)
    is_due = node.observer.beats % DEAD_EVERY == 0 or node.observer.beats == 1
    if is_due or node.counts.get("declared", 0) > declared:
        free_the_dead(node, now)


def _stake(node: Node) -> float:
    """Seconds of unfinished frame work: a two-hour frame is not given away for a hiccup."""
    return max((node.beaten - w.started for w in node.running if w.frame is not None), default=0.0)


def observe(node: Node) -> None:
    """Count the beats that stand still in my shard, and in one other shard in turn."""
    turn = node.observer.beats
    mine = nodes.beats(node.spool, node.pulse.shard)
    _remember(node, node.pulse.shard, mine)
    followers = lease.neighbours(node.inc, (b.inc for b in mine))
    for peer in mine:
        if peer.inc in followers:
            _watch(node, node.pulse.shard, peer, has_hint=_lock_came_free(node, peer))
    if turn % lease.FOREIGN_EVERY:
        return
    shards = nodes.shards(node.spool)
    node.shards = len(shards)
    others = [s for s in shards if s != node.pulse.shard]
    if others:
        shard = others[turn // lease.FOREIGN_EVERY % len(others)]
        seen = nodes.beats(node.spool, shard)
        _remember(node, shard, seen)
        for peer in seen:
            _watch(node, shard, peer, has_hint=False)  # 64 locks a look would be dear


def _remember(node: Node, shard: str, seen: list[Beat]) -> None:
    for inc in [i for i, s in node.live.items() if s == shard]:
        del node.live[inc]
    node.live.update({b.inc: shard for b in seen})


def _watch(node: Node, shard: str, peer: Beat, *, has_hint: bool) -> None:
    if node.observer.look(peer, node.pulse.beat.period, has_hint=has_hint):
        node.observer.forget(peer.inc)
        if nodes.declare(node.spool, shard, peer):
            node.count("declared")
            node.journal.append({"ev": "declared", "node": peer.inc})
            node.freeing.add(peer.inc)
            node.live.pop(peer.inc, None)
            node.doubts.pop(f"lock:{peer.inc}", None)


def _lock_came_free(node: Node, peer: Beat) -> bool:
    """A hint: a silent peer's lock can be taken, and we have seen it refused before."""
    key = f"lock:{peer.inc}"
    # Asked at first sight as well: a free lock means something only where it was held before.
    if key in node.doubts and node.observer.still_for(peer) <= 1:
        return False
    was_held = node.doubts.setdefault(key, 0.0) > 0
    try:
        lock = node.spool.share.lock(node.spool.node(peer.inc, "alive"))
    except OSError:
        return False
    if lock is None:
        node.doubts[key] = 1.0
        return False
    lock.release()
    return was_held and node.observer.still_for(peer) > 1


def is_our_turn(node: Node) -> bool:
    """Whether this node does now what each may do and few need to: always on a small farm.

    Never before its first look around: a thousand nodes may have started with it.
    """
    size = node.farm_size
    return bool(size) and (size <= TURNS or node.rng.random() * size < TURNS)


def free_the_dead(node: Node, now: float) -> None:
    """Reclaim the chunks of certified nodes, as often as their intents say.

    Not everybody those of everybody: a thousand deaths would be asked about by each node.  Who
    declared one, or has begun to free it, goes on until no intent is left.
    """
    node.dead = frozenset(filter(is_incarnation, node.graves.look(node.spool, now)))
    if node.inc in node.dead:
        node.is_fenced = True
        return
    node.freeing &= node.dead
    for inc in sorted(node.dead):
        if inc not in node.freeing and not is_our_turn(node):
            continue
        declared = nodes.intents(node.spool, inc)
        (node.freeing.add if declared else node.freeing.discard)(inc)
        for jid, group in declared:
            if reclaim_group(node, inc, jid, group):
                node.doubts.pop(f"intent:{inc}:{jid}.{group}", None)
                continue
            first = node.doubts.setdefault(f"intent:{inc}:{jid}.{group}", now)
            if now - first >= SETTLE:
                with contextlib.suppress(FileNotFoundError):  # another node was as quick
                    node.spool.share.unlink(node.spool.node(inc, "in", f"{jid}.{group}"))
                node.doubts.pop(f"intent:{inc}:{jid}.{group}", None)


def reclaim_group(node: Node, inc: str, jid: str, group: str) -> int:
    """Free what a dead incarnation held in one group; how many chunks it still showed there."""
    listed = names(node.spool, node.spool.job(jid, group))
    held = [c for n in listed if (c := parse(n)) and c.owner == inc]
    running = [c for c in held if c.state is State.RUN]
    for chunk in running:
        reclaim(node, jid, claims.Claim(jid, chunk))
    return len(running)


def reclaim(node: Node, jid: str, lost: claims.Claim) -> None:
    """Free one chunk of a certified dead owner, with a note and a bump."""
    if claims.reclaim(node.spool, jid, lost.chunk) is not Outcome.WON:
        return
    owner = lost.chunk.owner
    node.count("reclaimed")
    node.journal.append({"ev": "reclaimed", "jid": jid, "chunk": lost.chunk.index, "node": owner})
    claims.note_error(node.spool, lost, f"lost: {owner} went silent while it ran this chunk\n")
    _clear_attempt(node, lost)
    tickets.bump(node.spool, jid)


def _clear_attempt(node: Node, lost: claims.Claim) -> None:
    try:
        output = frames.locate(node.spool, jobs.read(node.spool, lost.jid))
    except (OSError, RenderdError):
        return
    if output is not None:
        frames.clear_attempt(node.spool, output, lost.stem)


def certify_strangers(node: Node, owners: set[str]) -> None:
    """Certify owners that show in neither beat/ nor dead/ in four fresh looks.

    Declaring is always safe, only wasteful; without it their chunks would hang for ever.
    """
    if not owners:
        node.strangers.clear()
        return
    present = nodes.everyone(node.spool)
    node.dead = frozenset(nodes.dead(node.spool))
    missing = {o for o in owners if o not in present and o not in node.dead}
    node.strangers = {o: node.strangers.get(o, 0) + 1 for o in missing}
    for owner, looks in list(node.strangers.items()):
        if looks >= nodes.LOOKS:
            nodes.certify(node.spool, owner)
            del node.strangers[owner]
