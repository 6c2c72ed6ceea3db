"""python -m tests.scale: what farms of many nodes ask of their file server."""

import argparse
import functools
import gc
import logging
import resource
import sys
import time

from renderd.core import chunk, litter, names

# Thousands of nodes read the same names over and over, here in one process: read once each.
# Before the modules that take these functions over.
for module, name in ((chunk, "parse"), (litter, "is_litter"), (names, "parse_beat")):
    setattr(module, name, functools.cache(getattr(module, name)))

from tests.scale.crowd import Crowd  # noqa: E402

RUSH = 30.0  #: seconds of farm time after a job was submitted
GRIEF = 2.0  #: how many stretches are measured after deaths


def told(crowd: Crowd, what: str, seconds: float) -> str:
    """One row: requests a second, of them changing, the busiest second, and the calls behind."""
    both, changes = crowd.tally.rates(seconds)
    calls = ", ".join(
        f"{name} {count / seconds:.0f}" for name, count in crowd.tally.calls.most_common(7)
    )
    return (
        f"| {len(crowd.members):,} | {what} | {both:,.0f} | {changes:,.0f} |"
        f" {crowd.tally.peak():,} | {calls} |"
    )


def scale(count: int, stretch: float, places: int, with_idle: bool) -> None:
    """The situations of a farm of so many nodes, one after the other."""

    def show(what: str, seconds: float) -> None:
        print(told(crowd, what, seconds), flush=True)
        for place, calls in crowd.tally.places.most_common(places):
            print(f"    {calls / seconds:8.2f}/s {place}")
        crowd.tally.clear()

    crowd = Crowd(seed=count)
    crowd.enter(count, within=60.0)
    crowd.run(60.0)
    show("all start within a minute", 60.0)
    if with_idle:
        crowd.run(stretch)
        crowd.tally.clear()
        crowd.run(stretch)
        show("idle", stretch)
    crowd.publish(10 * count, "big")
    crowd.tally.clear()
    crowd.run(RUSH)
    show(f"submission of a job of {10 * count:,} chunks, {RUSH:.0f} s", RUSH)
    crowd.run(max(stretch - RUSH, 40.0))
    crowd.tally.clear()
    finished = crowd.finished
    crowd.run(stretch)
    show(f"busy, {(crowd.finished - finished) / stretch:.1f} chunks/s", stretch)
    dead = crowd.kill(0.1)
    crowd.tally.clear()
    crowd.run(GRIEF * stretch)
    freed, seconds = crowd.count("reclaimed"), GRIEF * stretch
    show(f"{dead:,} die, {freed:,} chunks freed within {seconds:.0f} s", seconds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("nodes", type=int, nargs="*", default=[100, 1000, 10000])
    parser.add_argument("--stretch", type=float, default=120.0, help="seconds measured, 120")
    parser.add_argument("--places", type=int, default=0, help="show so many kinds of calls")
    idle = argparse.BooleanOptionalAction
    parser.add_argument("--idle", action=idle, default=True, help="measure idleness, too")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    gc.set_threshold(1_000_000, 20, 100)  # with millions of objects each look at all takes seconds
    print("| nodes | situation | requests/s | changing | busiest second | calls a second |")
    print("| --- | --- | --- | --- | --- | --- |")
    for count in args.nodes:
        began = time.process_time()
        scale(count, args.stretch, args.places, args.idle)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"{time.process_time() - began:.0f} s, {used} MB", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
