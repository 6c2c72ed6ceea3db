"""`render stats`: what the journals know of frames, hours and failures."""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from frontend import words
from frontend.cli import output
from frontend.cli.farm import open_farm, pick
from renderd.core.label import label, nearest
from renderd.core.names import host_of
from renderd.errors import UsageError
from renderd.spool import history, tickets

_BY = ("node", "job")
_FAILURES = ("fail", "bad-output", "timeout")
_HEAD = ("CHUNKS", "FRAMES", "FAILED", "STOPPED", "LOST", "TIME", "CPU", "S/FRAME", "PEAK")


@dataclass(slots=True)
class Sum:
    """What was done, added up."""

    chunks: int = 0
    frames: int = 0
    failed: int = 0
    stopped: int = 0  #: killed, or given back without blame
    lost: int = 0  #: finished, but no longer its own
    wall: float = 0.0  #: seconds of finished chunks
    cpu: float = 0.0
    peak: int = 0  #: bytes

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event of a journal."""
        kind = event.get("ev")
        if kind == "done":
            self.chunks += 1
            self.frames += int(_number(event, "frames"))
            self.wall += _number(event, "wall")
            self.cpu += _number(event, "cpu")
            self.peak = max(self.peak, int(_number(event, "peak")))
        elif kind in _FAILURES:
            self.failed += 1
        elif kind == "lost":
            self.lost += 1
        elif "attempt" in event:
            self.stopped += 1


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


def add_up(events: Iterable[dict[str, Any]], by: str) -> tuple[dict[str, Sum], Sum]:
    """The sums per node's host or per job, and of all."""
    sums: dict[str, Sum] = defaultdict(Sum)
    total = Sum()
    for event in events:
        if "jid" not in event or event.get("ev") in ("reclaimed", "closed"):
            continue
        key = str(event["jid"]) if by == "job" else host_of(str(event["inc"]))
        sums[key].add(event)
        total.add(event)
    return dict(sums), total


def _number(event: dict[str, Any], key: str) -> float:
    value = event.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


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
