"""`render retry JOB…`: run the failed chunks of a job again."""

import argparse
from typing import Any

from frontend.cli import picking
from frontend.cli.changes import apply
from frontend.cli.parser import jobs_argument
from renderd.core.amounts import plural
from renderd.spool import control, orders
from renderd.spool.layout import Spool


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "retry",
        help="run the failed chunks of a job again",
        description="Run the failed chunks of a job again, with a clean record.  A failed job is "
        "reopened and one\nthat stopped itself goes on; one that a person held stays held.",
    )
    jobs_argument(parser)
    picking.add_options(parser, "retry")
    parser.add_argument(
        "--unblock", action="store_true", help="also on nodes that the job refuses now"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Give the order to each job that is named."""
    is_meant = picking.picked(args)

    def retry(spool: Spool, jid: str) -> dict[str, Any]:
        if args.unblock:
            control.unblock(spool, jid)
        found = orders.retry(spool, jid, is_meant)
        count = plural(len(found.indices), "chunk")
        says = f"{count} to run again" if found.indices else "no failed chunk to run again"
        held = f"; it is held, go on with: render release {jid}" if found.now == "held" else ""
        return {
            "jid": jid,
            "name": found.slug,
            "state": found.now,
            "chunks": list(found.indices),
            "changed": bool(found.indices),
            "says": f"{jid} {found.slug}: {says}{held}",
        }

    return apply(args, retry)
