"""Whose fault failures are: a job's that fails on every host, or this node's."""

import contextlib

from renderd.core.chunk import State
from renderd.core.names import host_of
from renderd.daemon.node import JobMemory, Node
from renderd.daemon.work import Ending
from renderd.spool import listing
from renderd.spool.moves import names

_FAILURES = tuple(e.value for e in Ending if e.is_failure)


def live_hosts(node: Node) -> frozenset[str]:
    """The hosts that beat as this node last saw, itself included."""
    return frozenset(map(host_of, (*node.live, node.inc)))


def failed_hosts(node: Node, jid: str, chunk: int | None = None) -> frozenset[str]:
    """The hosts whose notes tell of a failure in a job, or in one of its chunks.

    Reads a note a host at least; raises OSError.
    """
    known = listing.attempts(names(node.spool, node.spool.job(jid, "err")))
    notes = known.get(chunk, []) if chunk is not None else [n for k in known.values() for n in k]
    found: set[str] = set()
    for note in notes:
        host = host_of(listing.owner_of(note))
        if host in found:
            continue
        if listing.first_line(node.spool, jid, note).startswith(_FAILURES):
            found.add(host)
    return frozenset(found)


def failed_everywhere(node: Node, jid: str, chunk: int) -> bool:
    """True when no live host is left that has not failed at a chunk.  Raises OSError."""
    return live_hosts(node) <= failed_hosts(node, jid, chunk)


def is_ours(node: Node, memory: JobMemory) -> bool:
    """True when failures in a row speak against this node: several jobs', or others do better.

    Without this one bad job would have every node of the farm pause itself.
    """
    if len(node.failed_jobs) > 1:
        return True
    with contextlib.suppress(OSError):
        for group in memory.survey.groups:
            for chunk in memory.survey.chunks_of(node.spool, group):
                if chunk.state is State.DONE and host_of(chunk.owner) != host_of(node.inc):
                    return True
    return False
