"""`render stats`: what the journals know of frames, hours and failures."""

import argparse
from dataclasses import asdict

from frontend import words
from frontend.cli import output
from frontend.cli.farm import open_farm, pick
from frontend.figures import Sum, add_up
from renderd.core.label import label, nearest
from renderd.errors import UsageError
from renderd.spool import history, tickets

_BY = ("node", "job")
_HEAD = ("CHUNKS", "FRAMES", "FAILED", "STOPPED", "LOST", "TIME", "CPU", "S/FRAME", "PEAK")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "stats",
        help="show what the journals know: frames, hours, failures",
        description="Add up what the nodes' journals say, per node or per job.",
    )
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="only of these jobs")
    parser.add_argument("--by", default="node", metavar="WHAT", help="node (the default) or job")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the sums."""
    if args.by not in _BY:
        raise UsageError(f"stats cannot be added up by {args.by!r}", nearest(args.by, _BY))
    spool = open_farm(args)
    jids = {ticket.jid for _, ticket in pick(spool, args.jobs)}
    events = (e for e in history.events(spool) if not jids or e.get("jid") in jids)
    sums, total = add_up(events, args.by)
    if args.json:
        rows = [{args.by: key, **asdict(one)} for key, one in sorted(sums.items())]
        return output.emit({"by": args.by, "rows": rows, "total": asdict(total)})
    named = (
        {} if args.by == "node" else {j: t.slug for j, (_, t) in tickets.everywhere(spool).items()}
    )
    rows_shown = [(label(f"{k} {named.get(k, '')}"), *_row(v)) for k, v in sorted(sums.items())]
    lines = output.table(
        (args.by.upper(), *_HEAD), [*rows_shown, ("all", *_row(total))], right=range(1, 10)
    )
    for line in lines if sums else ["The journals say nothing of this yet."]:
        output.say(line)
    return 0


def _row(one: Sum) -> tuple[str, ...]:
    return (
        f"{one.chunks:,}",
        f"{one.frames:,}" if one.frames else "",
        str(one.failed or ""),
        str(one.stopped or ""),
        str(one.lost or ""),
        words.age(one.wall),
        words.age(one.cpu),
        f"{one.wall / one.frames:.2f}" if one.frames else "",
        words.size(one.peak) if one.peak else "",
    )
