"""`render rm JOB…`: remove jobs that are over."""

import argparse
import time
from typing import Any

from frontend.cli.changes import apply
from frontend.cli.parser import jobs_argument
from renderd.errors import RenderdError, UsageError
from renderd.spool import jobs, orders
from renderd.spool.layout import OPEN, Spool

PATIENCE = 30.0  #: seconds for nodes to stop what runs of a job that was just cancelled


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "rm",
        help="remove jobs that are over",
        description="Remove jobs that are done, failed or cancelled, with their logs.  Frames stay "
        "where they are.\nAn open job must be cancelled first, or say --yes.",
    )
    jobs_argument(parser)
    parser.add_argument("--yes", action="store_true", help="cancel open jobs first")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Remove each job that is named."""

    def remove(spool: Spool, jid: str) -> dict[str, Any]:
        place = orders.where(spool, jid)
        if place[0] in OPEN:
            if not args.yes:
                raise UsageError(
                    f"job {jid} ({place[1].slug}) is still open", "cancel it first, or say --yes"
                )
            jobs.demand_unawaited(spool, place[1])
            orders.cancel(spool, jid)
        found = _when_stopped(spool, jid)
        return {
            "jid": jid,
            "name": found.slug,
            "was": found.was,
            "changed": True,
            "says": f"{jid} {found.slug}: removed; its frames stay where they are",
        }

    return apply(args, remove)


def _when_stopped(spool: Spool, jid: str) -> orders.Removed:
    """Remove a job as soon as the nodes have seen that it is cancelled."""
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
