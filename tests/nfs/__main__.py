"""python -m tests.nfs: every scenario on every network, its costs, or faults for hours."""

import argparse
import random
import signal
import sys
import time

from tests.nfs import costs, matrix, scenarios
from tests.nfs.lab import lacking
from tests.nfs.matrix import Trial
from tests.nfs.networks import NETWORKS, Present

LINE = "{:<13}{:<14}{:>7}  {}"


def main() -> int:
    """Play what the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.nfs", description=__doc__)
    add = parser.add_argument
    add("--only", default="", metavar="WORD", help="one network, or trials with this word")
    add("--costs", action="store_true", help="count RPCs, no faults")
    add("--soak", type=float, default=0, metavar="HOURS", help="random faults for so long")
    add("--seed", type=int, default=None, help="of the soak's order; else a random one")
    args = parser.parse_args()
    if reason := lacking():
        print(reason, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # guests must not outlive us
    present = Present()
    try:
        if args.costs:
            return count(present)
        if args.soak:
            seed = random.randrange(1 << 32) if args.seed is None else args.seed
            return soak(present, args.soak * 3600, seed)
        return table(present, chosen(args.only))
    finally:
        present.end()


def chosen(word: str) -> list[Trial]:
    """The trials of a network, or those whose name holds a word."""
    if word in NETWORKS:
        return [trial for trial in matrix.WHOLE if trial.network == word]
    return [trial for trial in matrix.WHOLE if word in str(trial)]


def table(present: Present, trials: list[Trial]) -> int:
    """Play all trials once; how many broke a promise is told at the end."""
    print(LINE.format("network", "scenario", "seconds", "result"))
    broken = sum(played(present, trial) for trial in trials)
    print(f"{len(trials)} trials, {broken} with complaints")
    return int(broken > 0)


def played(present: Present, trial: Trial, slug: str = "") -> bool:
    """Play one trial and print its line; whether a promise was broken."""
    outcome = matrix.play(present, trial, slug)
    result = "; ".join(outcome.complaints) or "nothing lost"
    words = (trial.network, trial.scenario.name, f"{outcome.seconds:.0f}", result)
    print(LINE.format(*words), flush=True)
    return bool(outcome.complaints)


def count(present: Present) -> int:
    """Print what the farm costs the server."""
    missed = 0
    for name in ("v3", "v4.2"):
        found = costs.all_of(present.fleet(name), idle_for=120)
        print(f"== {NETWORKS[name].what}")
        for cost in found.costs:
            missed += not cost.is_met
            print(cost if cost.is_met else f"{cost}: MISSED")
        for what, kinds in found.kinds.items():
            parts = ", ".join(f"{kind} {number:g}" for kind, number in kinds.most_common())
            print(f"  {what}: {sum(kinds.values()):.2f} ({parts})", flush=True)
    return int(missed > 0)


def soak(present: Present, seconds: float, seed: int) -> int:
    """Let faults in an order that the seed decides befall one network after the other."""
    print(f"seed {seed}: again with --seed {seed}")
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    broken = rounds = 0
    while time.monotonic() < end:
        network = rng.choice(["v3", "v4.2", "v3-soft", "v4.2-soft", "uids"])
        for scenario in scenarios.random_row(rng):
            if time.monotonic() < end:
                rounds += 1
                slug = f"{scenario.name}-{rounds}"
                broken += played(present, Trial(network, scenario), slug)
    print(f"{rounds} faults, {broken} with complaints, seed {seed}")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
