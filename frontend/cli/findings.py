"""What the pre-flight found, as a table a person can act on and as JSON."""

import argparse
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from frontend.cli import output
from renderd.core.amounts import plural
from renderd.core.label import label

if TYPE_CHECKING:
    from renderd.preflight import Finding

STOPPED = 1  #: the exit status where something stops a job
_COLOURS = {"stop": "red", "warn": "yellow", "note": "grey"}
_MOST_ROWS = 12  #: of one kind; a shot that lost its textures has thousands
_WIDEST = 1200


def facts(found: Sequence["Finding"]) -> list[dict[str, str]]:
    """The findings for JSON."""
    return [one.to_dict() for one in found]


def stopping(found: Sequence["Finding"]) -> int:
    """How many of them stop a job."""
    return sum(one.severity == "stop" for one in found)


def table(args: argparse.Namespace, found: Sequence["Finding"]) -> list[str]:
    """The findings by weight and kind, worst first, each kind's remedies below it."""
    colours = output.has_colour(args)
    lines: list[str] = []
    ranked = sorted(found, key=lambda one: (list(_COLOURS).index(one.severity), one.kind))
    for (severity, _), group in groupby(ranked, key=lambda one: (one.severity, one.kind)):
        alike = list(group)
        word = output.paint(f"{severity:<4}", _COLOURS[severity], is_on=colours)
        for one in alike[:_MOST_ROWS]:
            lines.append(f"{word}  {label(one.sentence, _WIDEST)}")
        if len(alike) > _MOST_ROWS:
            lines.append(f"{word}  and {len(alike) - _MOST_ROWS:,} more; --json lists them all")
        remedies = dict.fromkeys(one.remedy for one in alike[:_MOST_ROWS] if one.remedy)
        lines += [f"      → {label(remedy, _WIDEST)}" for remedy in remedies]
    return lines


def tell(args: argparse.Namespace, found: Sequence["Finding"], *, is_refused: bool) -> None:
    """The findings: all where they are the answer, else those that may spoil frames."""
    is_answer = is_refused or args.dry_run
    shown = [one for one in found if is_answer or one.severity != "note"]
    for line in table(args, shown):
        (output.say if is_answer else output.talk)(line)
    if is_refused:
        done = "would not be queued" if args.dry_run else "nothing was queued"
        count = plural(stopping(found), "finding")
        output.talk(f"render: {done}: {count} would spoil frames; mend that, or say --force")
