"""Two queued jobs with one output: the later owner goes on, the other is held or waits its turn.

Adding refuses an output that an open job writes, but two jobs that are added in one moment see
nothing of each other.  Left alone the one that is not the owner would wait for ever.
"""

from renderd.core.job import Job
from renderd.daemon.node import Node
from renderd.errors import OutputOwned
from renderd.spool import frames, orders, regaining
from renderd.spool.moves import SETTLE
from renderd.spool.output import Output


def settle(node: Node, job: Job, output: Output, *, is_refused: bool) -> None:
    """Hold a queued job whose output another open job owns; take it back where none does.

    Only what two looks SETTLE apart show counts.  Raises OSError.
    """
    key = f"output:{job.jid}"
    if not is_refused or not frames.is_lost(node.spool, output):
        node.doubts.pop(key, None)
        return
    first = node.doubts.setdefault(key, node.polled)
    if node.polled - first < SETTLE:
        return
    del node.doubts[key]
    try:
        regaining.own_again(node.spool, job)
    except OutputOwned as owned:
        if orders.stop(node.spool, job.jid, str(owned)):
            node.count("stopped jobs")
