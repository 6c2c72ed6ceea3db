"""What happened: one append-only journal a node, statistics and ETA out of all of them."""

import contextlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from renderd.core.names import is_incarnation
from renderd.spool.layout import HISTORY, Spool
from renderd.spool.moves import names

SUFFIX = ".jsonl"


def append(
    spool: Spool, inc: str, happened: Iterable[dict[str, Any]], *, again: bool = False
) -> bool:
    """Add events to this incarnation's own journal; False where they may be lost or torn.

    Then give the same events `again`: what is given twice counts once.
    """
    text = "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in happened)
    try:
        spool.share.append(spool.at(HISTORY, inc + SUFFIX), ("\n" * again + text).encode())
    except OSError:
        return False
    return True


def events(spool: Spool) -> Iterator[dict[str, Any]]:
    """All events of all nodes, each with its `inc`; torn and repeated lines are passed over."""
    for name in sorted(names(spool, spool.at(HISTORY))):
        inc = name.removesuffix(SUFFIX)
        if inc == name or not is_incarnation(inc):
            continue
        try:
            text = spool.share.read(spool.at(HISTORY, name), 1 << 26)
        except OSError:
            continue
        for line in dict.fromkeys(text.splitlines()):
            with contextlib.suppress(ValueError, RecursionError):
                value = json.loads(line)
                if isinstance(value, dict):
                    yield {**value, "inc": inc}


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a job's frames were, from the journals."""

    frames: int  #: frames counted
    median_s: float  #: seconds a frame
    nodes: int  #: nodes that finished some


def pace(spool: Spool, jid: str) -> Pace | None:
    """The pace of one job; None before its first committed chunk."""
    times: list[float] = []
    nodes: set[str] = set()
    count = 0
    for event in events(spool):
        if event.get("ev") != "done" or event.get("jid") != jid:
            continue
        frames, wall = event.get("frames") or 1, event.get("wall", 0)
        if isinstance(frames, int) and frames > 0 and _is_duration(wall):
            times.append(wall / frames)
            nodes.add(str(event["inc"]))
            count += frames
    return Pace(count, median(times), len(nodes)) if times else None


def _is_duration(value: Any) -> bool:
    """True for seconds as a node wrote them; a journal may hold anything a person put there."""
    return isinstance(value, int | float) and 0 <= value < math.inf
