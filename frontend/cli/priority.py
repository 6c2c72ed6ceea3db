"""`render priority N JOB…`: give jobs another priority."""

import argparse
from typing import Any

from frontend.cli.changes import apply, turned
from frontend.cli.parser import jobs_argument
from renderd.errors import UsageError
from renderd.spool import orders
from renderd.spool.layout import Spool


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "priority",
        help="give a job another priority",
        description="Give jobs another priority: 0 (last) to 99 (first); 50 is usual.",
    )
    parser.add_argument("priority", metavar="N", help="0 to 99")
    jobs_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Give the order to each job that is named."""
    if not args.priority.isdecimal():
        raise UsageError(
            f"{args.priority!r} is no priority", "write: render priority 70 JOB, 0 to 99"
        )
    number = int(args.priority)

    def change(spool: Spool, jid: str) -> dict[str, Any]:
        found = orders.set_priority(spool, jid, number)
        says = f"priority {found.was_priority} → {found.priority}"
        return turned(found, says, f"has priority {number} already")

    return apply(args, change)
