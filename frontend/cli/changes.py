"""What the verbs that change several jobs share: one order a job, one report."""

import argparse
from collections.abc import Callable
from typing import Any

from frontend.cli import output
from frontend.cli.farm import nudge, open_farm, pick
from frontend.farm import patiently
from renderd.errors import RenderdError
from renderd.spool.layout import Spool
from renderd.spool.orders import Turned

PARTLY = 3
Change = Callable[[Spool, str], dict[str, Any]]  #: the order; what it changed, with `says`


def apply(args: argparse.Namespace, change: Change) -> int:
    """Give one order to each job that is named, and report each; 3 when only some obeyed."""
    spool = open_farm(args)
    results: list[dict[str, Any]] = []
    errors: list[tuple[str, RenderdError]] = []
    for _, ticket in pick(spool, args.jobs):
        try:
            results.append(_once(spool, ticket.jid, change))
        except RenderdError as error:
            errors.append((ticket.jid, error))
    if not results and len(errors) == 1:
        raise errors[0][1]
    if results:
        nudge(args, spool)
    code = 0 if not errors else PARTLY if results else errors[0][1].exit_status
    if args.json:
        failed = [{"jid": jid, "error": e.message, "remedy": e.remedy} for jid, e in errors]
        changed = [{k: v for k, v in r.items() if k != "says"} for r in results]
        return output.emit({"jobs": changed, "errors": failed}, code)
    for result in results:
        output.say(str(result["says"]))
    for _, trouble in errors:
        output.talk(f"render: {trouble}")
    return code


def _once(spool: Spool, jid: str, change: Change) -> dict[str, Any]:
    return patiently(lambda: change(spool, jid))


def turned(result: Turned, says: str, unchanged: str) -> dict[str, Any]:
    """A ticket's move as JSON and as a sentence."""
    text = says if result.is_changed else unchanged
    return {
        "jid": result.jid,
        "name": result.slug,
        "was": result.was,
        "state": result.now,
        "priority": result.priority,
        "changed": result.is_changed,
        "says": f"{result.jid} {result.slug}: {text}",
    }
