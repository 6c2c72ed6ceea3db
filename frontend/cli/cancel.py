"""`render cancel JOB…`: start nothing more of a job and stop what runs."""

import argparse
from typing import Any

from frontend.cli.changes import apply, turned
from frontend.cli.parser import jobs_argument
from renderd.spool import orders
from renderd.spool.layout import Spool


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "cancel",
        help="start nothing more of a job and stop what runs",
        description="Start nothing more of a job and stop what runs; finished frames stay.\n"
        "A cancelled job is over: add it again to render it.",
    )
    jobs_argument(parser)
    parser.add_argument("--reason", default="", metavar="TEXT", help="shown beside the job")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Give the order to each job that is named."""

    def cancel(spool: Spool, jid: str) -> dict[str, Any]:
        found = orders.cancel(spool, jid, args.reason)
        done = "cancelled; what runs stops at its node's next beat"
        return turned(found, done, "was cancelled already")

    return apply(args, cancel)
