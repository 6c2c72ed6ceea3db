"""How long four daemons of unequal speed take for 250 uneven frames, against the ideal.

    python bench/makespan.py [--frames 250]

The renderer sleeps (bench/uneven.py), so that four machines fit on one.  Ideal: all the work
divided by all the speed.  Beside `chunk: auto` the usual chunks of 10.
"""

import argparse
import sys
import time

import uneven
from farm import HERE, farm

from renderd import plan
from renderd.core import infofile
from renderd.spool import jobs

NODES = ("n0", "n1", "n2", "n3")


def ideal(count: int) -> float:
    """Seconds if no machine ever waited."""
    work = sum(uneven.seconds(frame) for frame in range(1, count + 1))
    return work / sum(uneven.SPEEDS.get(node, uneven.SLOW) for node in NODES)


def makespan(count: int, chunk: str) -> float:
    """Seconds from the release of the job to done."""
    with farm() as one:
        out = one.folder / "out"
        out.mkdir()
        head = f"name: uneven\nframes: 1-{count}\nchunk: {chunk}\nout: {out}/f_####.png\n"
        line = f"{sys.executable} {HERE / 'uneven.py'} {{start}} {{end}} {{step}} {{out}}"
        info = infofile.parse(f"{head}\n{line}\n")
        draft = plan.from_info(info, "uneven", one.spool.farm, sys.platform)
        jid = jobs.publish(one.spool, draft, jobs.Order("bench@farm", is_held=True))
        for node in NODES:
            one.start(node=node)
        one.wait_idle(len(NODES))
        began = time.perf_counter()
        one.release(jid)
        return one.wait_done(jid, pause=0.05) - began


def measure(count: int) -> dict[str, float]:
    """Seconds at best, and both ways of cutting against it."""
    best = ideal(count)
    auto, ten = makespan(count, "auto"), makespan(count, "10")
    return {"ideal_s": best, "auto_ratio": auto / best, "ten_ratio": ten / best}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=250)
    row = measure(parser.parse_args().frames)
    print(f"ideal: {row['ideal_s']:.1f} s")
    print(f"chunk: auto: {row['auto_ratio']:.2f} times that (goal 1.10)")
    print(f"chunk: 10: {row['ten_ratio']:.2f} times that")


if __name__ == "__main__":
    main()
