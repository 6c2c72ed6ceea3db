"""`render skip JOB`: count chunks as done without running them."""

import argparse
from typing import Any

from frontend.cli import picking
from frontend.cli.changes import apply
from renderd.core.amounts import plural
from renderd.core.chunk import Chunk, State
from renderd.errors import UsageError
from renderd.spool import orders
from renderd.spool.layout import Spool


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "skip",
        help="count chunks as done without running them",
        description="Count waiting or failed chunks as done without running them, so that the "
        "job can end.\nRunning chunks are left alone.",
    )
    parser.add_argument("jobs", nargs=1, metavar="JOB", help="by id, unique prefix, or name")
    picking.add_options(parser, "skip")
    parser.add_argument("--failed", action="store_true", help="skip every failed chunk")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Skip the chunks that are named."""
    chosen = picking.picked(args)
    if chosen is None and not args.failed:
        raise UsageError(
            "which chunks are to be skipped?", "say --chunks 3-5, --frames 1-20 or --failed"
        )

    def is_meant(chunk: Chunk) -> bool:
        is_failed = args.failed and chunk.state is State.FAIL
        return is_failed or (chosen is not None and chosen(chunk))

    def skip(spool: Spool, jid: str) -> dict[str, Any]:
        found = orders.skip(spool, jid, is_meant)
        count = plural(len(found.indices), "chunk")
        done = "; the job is done" if found.now == "done" else ""
        says = f"skipped {count}{done}" if found.indices else "no such chunk waits or failed"
        return {
            "jid": jid,
            "name": found.slug,
            "state": found.now,
            "chunks": list(found.indices),
            "changed": bool(found.indices),
            "says": f"{jid} {found.slug}: {says}",
        }

    return apply(args, skip)
