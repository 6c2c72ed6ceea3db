"""`render release JOB…`: let a held job run again."""

import argparse
from typing import Any

from frontend.cli.changes import apply, turned
from frontend.cli.parser import jobs_argument
from renderd.spool import orders
from renderd.spool.layout import Spool


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "release",
        help="let a held job run again",
        description="Let a held job run again, or wait for the jobs it comes after.",
    )
    jobs_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Give the order to each job that is named."""

    def release(spool: Spool, jid: str) -> dict[str, Any]:
        found = orders.release(spool, jid)
        now = "waits for other jobs" if found.now == "waiting" else "queued"
        return turned(found, now, f"was not held, it is {now}")

    return apply(args, release)
