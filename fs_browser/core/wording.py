"""Sizes, times and what a file holds, in the words of lists and windows."""

import time
from collections.abc import Sequence

from renderd.blend.names import shown
from renderd.blend.scenes import Scene


def size(size_bytes: int | None) -> str:
    """Three signs and a unit of 1,024; nothing where it is not known."""
    if size_bytes is None:
        return ""
    value = float(size_bytes)
    for unit in "BKMG":
        if round(value) < 1024:
            return f"{value:.0f}{unit}" if value >= 9.95 or unit == "B" else f"{value:.1f}{unit}"
        value /= 1024
    return f"{value:.1f}T"


def moment(mtime_ns: int | None) -> str:
    """Local time to the minute; nothing where it is not known."""
    if mtime_ns is None:
        return ""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(mtime_ns // 1_000_000_000))
    except (OverflowError, ValueError, OSError):
        return ""  # a broken file system's year 292277026596


def scenes(found: Sequence[Scene], most: int, dash: str = "-") -> str:
    """The first scenes with their frames, and how many there are beside them."""
    told = [f"{shown(one.name)} {frames(one.start, one.end, dash)}" for one in found[:most]]
    more = len(found) - len(told)
    return (", ".join(told) + (f" and {more:,} more" if more else "")) or "no scene listed"


def frames(start: int, end: int, dash: str = "-") -> str:
    """A scene's range, also one that holds nothing."""
    if end < start:
        return f"{start}{dash}{end} (no frame: it ends before it starts)"
    return f"{start}{dash}{end}" if end > start else str(start)
