"""`render limit JOB…`: change what may change while a job runs."""

import argparse
from dataclasses import replace
from typing import Any

from frontend import terms
from frontend.cli.changes import apply
from frontend.cli.parser import jobs_argument
from renderd.core import amounts
from renderd.core.control import ANY, Control
from renderd.core.label import label
from renderd.errors import UsageError
from renderd.spool import orders
from renderd.spool.layout import Spool

_SAID = ("nodes", "pool", "needs", "ram", "note", "block", "unblock")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "limit",
        help="change a running job's nodes, pools, needs, memory, blocklist or note",
        description="Change what may change while a job runs; it stands in the job's control file."
        "\nExample: render limit shot010 --nodes 4 --block ws07",
    )
    jobs_argument(parser)
    parser.add_argument("--nodes", type=int, metavar="N", help="most nodes at once; 0: no limit")
    parser.add_argument("--pool", metavar="A,B", help=f"only nodes of these pools; {ANY}: all")
    parser.add_argument(
        "--needs", metavar="NEEDS", help=f"what a node must have, as for render add; {ANY}: nothing"
    )
    parser.add_argument("--ram", metavar="SIZE", help="least memory of a node, like 16G; 0: any")
    parser.add_argument("--note", metavar="TEXT", help="your words, shown beside the job")
    parser.add_argument(
        "--block", action="append", metavar="NODE", help="do not run it on this node"
    )
    parser.add_argument(
        "--unblock", action="append", metavar="NODE", help="run it on this node again"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Give the order to each job that is named."""
    if all(getattr(args, name) is None for name in _SAID):
        raise UsageError("what is to be changed?", "say --nodes N, --pool A,B, --ram 16G, --note …")
    if args.nodes is not None and args.nodes < 0:
        raise UsageError(f"{args.nodes} nodes cannot be", "0 lifts the limit")
    changed = {
        **({"nodes": args.nodes} if args.nodes is not None else {}),
        **({"pool": terms.pools(args.pool)} if args.pool is not None else {}),
        **({"needs": terms.wanted(args.needs)} if args.needs is not None else {}),
        **({"needs_ram": _ram(args.ram)} if args.ram is not None else {}),
        **({"note": args.note} if args.note is not None else {}),
    }

    def edit(before: Control) -> Control:
        gone = set(args.unblock or ())
        blocked = dict.fromkeys((*before.blocked, *(n.lower() for n in args.block or ())))
        kept = tuple(name for name in blocked if name not in gone)
        return replace(before, blocked=kept, **changed)

    def change(spool: Spool, jid: str) -> dict[str, Any]:
        found = orders.limit(spool, jid, edit)
        said = found.control
        values = {
            "nodes": said.nodes,
            "pool": None if said.pool is None else list(said.pool),
            "needs": None if said.needs is None else said.needs.text(),
            "ram": said.needs_ram,
            "blocked": list(said.blocked),
            "note": said.note,
        }
        return {
            "jid": jid,
            "name": found.slug,
            "control": values,
            "says": f"{jid} {found.slug}: {_words(said)}",
        }

    return apply(args, change)


def _ram(text: str) -> int | None:
    if text.strip() == "0":
        return None
    try:
        return amounts.size(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _words(said: Control) -> str:
    parts = [
        "" if said.nodes is None else f"at most {said.nodes} nodes" if said.nodes else "any number",
        "" if said.pool is None else f"pool {label(', '.join(said.pool)) or ANY}",
        "" if said.needs is None else f"needs {label(said.needs.text()) or 'nothing'}",
        f"at least {amounts.size_text(said.needs_ram)} of memory" if said.needs_ram else "",
        f"not on {label(', '.join(said.blocked))}" if said.blocked else "",
        f"note: {label(said.note, 400)}" if said.note else "",
    ]
    return "; ".join(filter(None, parts)) or "its own terms"
