"""Jobs taken away: as soon as the nodes have seen that they are cancelled."""

import time

from renderd.errors import RenderdError, UsageError
from renderd.spool import jobs, orders
from renderd.spool.layout import OPEN, Spool

PATIENCE = 30.0  #: seconds for nodes to stop what runs of a job that was just cancelled


def remove(spool: Spool, jid: str, *, cancels: bool) -> orders.Removed:
    """Remove a job; its frames stay where they are.

    Raises UsageError for one that is open, unless it `cancels` that, or that an open one waits for.
    """
    place = orders.where(spool, jid)
    if place[0] in OPEN:
        if not cancels:
            raise UsageError(
                f"job {jid} ({place[1].slug}) is still open", "cancel it first, or say --yes"
            )
        jobs.demand_unawaited(spool, place[1])
        orders.cancel(spool, jid)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return orders.remove(spool, jid)
        except UsageError:
            raise
        except RenderdError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
