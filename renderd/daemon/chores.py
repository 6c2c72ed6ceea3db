"""Steps of once a minute: leftovers, waiting jobs, strangers, litter."""

import contextlib
import logging

import renderd
from renderd.core.chunk import State, parse
from renderd.core.names import host_of
from renderd.daemon import hunt, life
from renderd.daemon.node import JobMemory, Node
from renderd.errors import RenderdError
from renderd.spool import jobs, nodes, tickets
from renderd.spool.claims import is_mine
from renderd.spool.janitor import Janitor
from renderd.spool.layout import CANCELLED, DONE, FAILED
from renderd.spool.moves import SETTLE, names
from renderd.spool.survey import Survey

FACTS_READ = 20  #: nodes' own files read a minute at most
CHORES_EVERY = 60.0
FIRST_CHORES = 5.0  #: seconds to the second time, when the dead are known
_log = logging.getLogger(__name__)


def minute(node: Node, janitor: Janitor, now: float) -> None:
    """Do what is due once a minute, when it is; of a large farm some nodes do it for all."""
    if now < node.next_chores:
        return
    every = CHORES_EVERY * (0.75 + node.rng.random() / 2)
    node.next_chores = now + (every if node.counts.get("chores") else FIRST_CHORES)
    node.count("chores")
    own_leftovers(node, now)
    owners = node.adopter.take_over(set(node.dead), now)
    node.sight.forget()
    if not (node.must_tidy or node.strangers or life.is_our_turn(node)):
        return
    node.must_tidy = False
    jobs.release_dependants(node.spool)
    life.certify_strangers(node, owners | _owners_seen(node))
    janitor.sweep(now)
    compare_versions(node)


def compare_versions(node: Node) -> None:
    """Warn once of each release beside our own that live nodes run."""
    known = node.releases = {i: v for i, v in node.releases.items() if i in node.live}
    for inc in [i for i in node.live if i not in known and i != node.inc][:FACTS_READ]:
        known[inc] = str(nodes.read_facts(node.spool, inc).get("version") or "")
    for version in sorted(set(known.values()) - node.told_releases - {"", renderd.__version__}):
        node.told_releases.add(version)
        names = [host_of(inc) for inc, said in known.items() if said == version]
        _log.warning(
            "%s run(s) renderd %s, this node %s; upgrade all, then: render node restart --all",
            ", ".join(names[:4]),
            version,
            renderd.__version__,
        )


def _owners_seen(node: Node) -> set[str]:
    """Who runs chunks of the open jobs this node looks at, by a look at one group of each."""
    owners: set[str] = set()
    for memory in node.jobs.values():
        groups = [g for g in memory.survey.groups if g not in memory.survey.done_groups]
        if groups:
            group = groups[node.rng.randrange(len(groups))]
            seen = [parse(n) for n in names(node.spool, node.spool.job(memory.job.jid, group))]
            owners |= {c.owner for c in seen if c and c.state is State.RUN}
    return owners - {node.inc}


def own_leftovers(node: Node, now: float) -> None:
    """Look at every group this node declared: a run name of mine without a worker is settled."""
    ended: set[str] | None = None
    for jid, group in nodes.intents(node.spool, node.inc):
        memory = node.jobs.get(jid) or _recall(node, jid)
        if memory is None:
            continue
        sight = hunt.look(node, memory, group, now)
        if any(is_mine(c, node.inc) for c in sight.running):
            continue
        if ended is None:
            folders = (DONE, FAILED, CANCELLED)
            ended = {t.jid for f in folders for t in tickets.listed(node.spool, f)}
        _drop_intent(node, jid, group, is_ended=jid in ended, now=now)


def _recall(node: Node, jid: str) -> JobMemory | None:
    with contextlib.suppress(OSError, RenderdError):
        job = jobs.read(node.spool, jid)
        return JobMemory(job, 0, Survey(jid, job.chunks))
    return None


def _drop_intent(node: Node, jid: str, group: str, *, is_ended: bool, now: float) -> None:
    """An intent goes when its job was seen ended twice and nothing of mine runs there."""
    key = f"ended:{jid}.{group}"
    if not is_ended:
        node.doubts.pop(key, None)
        return
    first = node.doubts.setdefault(key, now)
    if now - first >= SETTLE:
        node.doubts.pop(key, None)
        with contextlib.suppress(OSError):
            node.spool.share.unlink(node.spool.node(node.inc, "in", f"{jid}.{group}"))
        memory = node.jobs.get(jid)
        if memory is not None:
            memory.intents.discard(group)
