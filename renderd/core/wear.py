"""When an open Blender is replaced by a fresh one.  Pure: no I/O, no clock."""

MOST_USES = 500  #: requests, for what leaks too slowly to be seen
GROWTH = 1.5  #: what it holds, against what it held after the first request with this file
GRAIN = 256 << 20  #: bytes; a growth below it proves nothing
MARK = 0.5  #: of the memory for jobs: who holds more ends when its request does
RESERVE = 0.1  #: of the memory for jobs: with less available nothing stays open idly


def why_replace(*, uses: int, rss: int, first_rss: int, ram: int) -> str:
    """Why it should take no further request, in one clause; empty while it may.

    Sizes in bytes; a `ram` of 0 is unknown.
    """
    if uses >= MOST_USES:
        return f"it has done {uses} command lines"
    if first_rss and rss > GROWTH * first_rss and rss - first_rss > GRAIN:
        return f"it grew from {first_rss >> 20} to {rss >> 20} MB"
    if ram and rss > MARK * ram:
        return f"it holds {rss >> 20} MB"
    return ""


def is_short(available: int, ram: int) -> bool:
    """Whether so little memory is left that idle Blenders should go."""
    return bool(ram) and available < RESERVE * ram
