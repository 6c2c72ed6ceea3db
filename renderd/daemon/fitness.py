"""Whether this node takes a job now: the farm's one predicate, and what only this node sees."""

from dataclasses import replace
from functools import partial

from renderd.core import policy, videojob
from renderd.core.chunk import Chunk
from renderd.core.control import Control
from renderd.core.names import host_of
from renderd.core.policy import Able
from renderd.daemon import dispute, roots, sight
from renderd.daemon.memory import free_bytes
from renderd.daemon.node import JobMemory, Node
from renderd.spool import control, frames, movies, passes, sources
from renderd.spool.allowed import output_allowed
from renderd.spool.output import Output


def why_not(node: Node, memory: JobMemory) -> str:
    """Why the node takes no chunk of the job, in one clause; empty when it does.

    Found anew at each poll.
    """
    if memory.checked == node.polled:
        return memory.why_not
    memory.checked, memory.unseen, memory.shortage = node.polled, "", ""
    try:
        said = control.read(node.spool, memory.job.jid)
    except OSError as error:  # no reason to leave the other jobs alone
        return f"cannot read the job's control file: {error.strerror}"
    memory.control = said
    reason = _by_policy(node, memory, said)
    if not reason:
        reason = memory.unseen = _seen_here(node, memory)
    return reason


def is_alone(node: Node) -> bool:
    """True where no other host is alive that could take what this one leaves."""
    hosts = {host_of(inc) for inc in node.live}
    return len(node.live) <= 1 or len(hosts) <= 1


def _by_policy(node: Node, memory: JobMemory, said: Control) -> str:
    """The predicate that `render why` computes for every node from its files, too."""
    terms = said.terms(memory.job, frozenset(), _failures_held_against(node, memory))
    if terms.nodes is not None:
        terms = replace(terms, owners=_owners(node, memory))
    memory.ram = policy.needed_ram(memory.job, terms)
    return policy.why_not(able_now(node), memory.job, terms)


def able_now(node: Node) -> Able:
    """What the node can do, with what changes by the minute."""
    unseen = roots.unseen(node.spool.farm, node.sight)
    return replace(node.able, unseen=unseen, ram_free=free_bytes(node))


def has_room(node: Node, memory: JobMemory) -> bool:
    """Whether a further chunk of the job finds the memory it needs, chunks begun just now
    counted."""
    return not memory.ram or memory.ram <= free_bytes(node)


def _seen_here(node: Node, memory: JobMemory) -> str:
    """What only this machine can tell: does it see the job's output and its .blend."""
    job = memory.job
    output = frames.locate(node.spool, job)
    if output is not None:
        if not all(output_allowed(output.folder, roots) for roots in node.outputs):
            return f"does not allow output in {output.folder}"
        marks = partial(frames.why_not_able, node.spool, output)
        reason = node.sight.ask((job.jid, output.folder), marks)
        if not sight.is_open(reason):
            dispute.settle(node, job, output, is_refused=bool(reason))
        if reason:
            return reason
        asked = (job.jid, f"{output.folder}#passes")
        if reason := node.sight.ask(asked, partial(passes.why_not_able, node.spool, output)):
            return reason
    if film := videojob.film_of(job):
        asked = (job.jid, f"{film.images}#writers")
        if reason := node.sight.ask(asked, partial(movies.why_not_yet, node.spool, film)):
            return reason
    if path := sources.needed(node.spool, job):
        asked = (job.jid, path)
        if reason := node.sight.ask(asked, partial(sources.why_not_able, node.spool, job)):
            return reason
    return _short_of(node, memory, output)


def _short_of(node: Node, memory: JobMemory, output: Output | None) -> str:
    """What lacks here at present and comes back by itself: room, a share, a licence."""
    known, job = node.shortages, memory.job
    about = f"{job.jid}#{known.lessons}", output.folder if output is not None else node.spool.root
    question = partial(known.why_not, job, output, memory.frame_bytes, node.polled)
    reason = node.sight.ask(about, question)
    memory.shortage = "" if sight.is_open(reason) else reason
    return reason


def _failures_held_against(node: Node, memory: JobMemory) -> int:
    """The failures for which others should take the job; none where nobody else could."""
    if node.polled - memory.failed_at > policy.FORGIVE:
        memory.failures_here = 0  # or a job that failed on every node would stay open for ever
    return 0 if is_alone(node) else memory.failures_here


def _owners(node: Node, memory: JobMemory) -> frozenset[str]:
    memory.survey.begin_pass()
    running: list[Chunk] = []
    for group in memory.survey.unseen():
        running += memory.survey.look(node.spool, group).running
    return frozenset(c.owner for c in running)
