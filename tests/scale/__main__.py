"""python -m tests.scale: what farms of many nodes ask of their file server."""

import argparse
import logging
import os
import resource
import sys
import time

from tests.scale.crowd import Crowd

PLACES = int(os.environ.get("PLACES", "0"))
SETTLED = 120.0  #: seconds of farm time until everybody has looked around
MEASURED = 120.0


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


def scale(count: int) -> None:
    """The four situations of a farm of so many nodes, one after the other."""
    crowd = Crowd(seed=count)
    crowd.enter(count, within=60.0)
    crowd.run(60.0)
    show(crowd, "all started within a minute", 60.0)
    crowd.run(SETTLED)
    crowd.tally.clear()
    crowd.run(MEASURED)
    show(crowd, "idle", MEASURED)
    crowd.publish(10 * count, "big")
    crowd.tally.clear()
    crowd.run(30.0)
    show(crowd, "a job of ten chunks a node is submitted: first 30 s", 30.0)
    crowd.run(90.0)
    crowd.tally.clear()
    finished = crowd.finished
    crowd.run(MEASURED)
    show(crowd, f"busy, {(crowd.finished - finished) / MEASURED:.0f} chunks/s", MEASURED)
    dead = crowd.kill(0.1)
    crowd.tally.clear()
    crowd.run(240.0)
    freed = crowd.count("reclaimed")
    show(crowd, f"{dead:,} nodes die, {freed:,} chunks freed within 240 s", 240.0)


def show(crowd: Crowd, what: str, seconds: float) -> None:
    print(told(crowd, what, seconds), flush=True)
    if PLACES:
        for place, count in crowd.tally.places.most_common(PLACES):
            print(f"    {count / seconds:8.2f}/s {place}")
    crowd.tally.clear()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("nodes", type=int, nargs="*", default=[100, 1000, 10000])
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print("| nodes | situation | requests/s | changing | busiest second | calls a second |")
    print("| --- | --- | --- | --- | --- | --- |")
    for count in args.nodes:
        began = time.process_time()
        scale(count)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"{time.process_time() - began:.0f} s, {used} MB", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
