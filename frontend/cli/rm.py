"""`render rm JOB…`: remove jobs that are over."""

import argparse
from typing import Any

from frontend import removal
from frontend.cli.changes import apply
from frontend.cli.parser import jobs_argument
from renderd.spool.layout import Spool


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
        found = removal.remove(spool, jid, cancels=args.yes)
        return {
            "jid": jid,
            "name": found.slug,
            "was": found.was,
            "changed": True,
            "says": f"{jid} {found.slug}: removed; its frames stay where they are",
        }

    return apply(args, remove)
