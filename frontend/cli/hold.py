"""`render hold JOB…`: start nothing more of a job."""

import argparse
from typing import Any

from frontend.cli.changes import apply, turned
from frontend.cli.parser import jobs_argument
from frontend.farm import me
from renderd.spool import orders
from renderd.spool.layout import Spool


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "hold",
        help="start nothing more of a job",
        description="Start nothing more of a job; the chunks that run go on to their end.",
    )
    jobs_argument(parser)
    parser.add_argument("--reason", default="", metavar="TEXT", help="shown beside the job")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Give the order to each job that is named."""

    def hold(spool: Spool, jid: str) -> dict[str, Any]:
        found = orders.hold(spool, jid, me(), args.reason)
        return turned(found, f"held; go on with: render release {jid}", "was held already")

    return apply(args, hold)
