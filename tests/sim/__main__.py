"""python -m tests.sim --seeds N: schedules of the real protocol code, each from one seed."""

import argparse
import contextlib
import logging
import os
import sys
import time
import traceback
from collections import Counter

if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set must not change a schedule
    os.execve(
        sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"}
    )

from tests.sim import exhaustive, releases
from tests.sim.farm import Plan, simulate
from tests.sim.mutants import MUTANTS, applied
from tests.sim.space import KINDS
from tests.sim.world import Violation


def main() -> int:
    """Run schedules or mutants as the command line says; 1 when a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    add = parser.add_argument
    add("--seeds", type=int, default=100, metavar="N", help="schedules to run, 100")
    add("--start", type=int, default=0, metavar="S", help="the first seed")
    add("--nodes", type=int, default=0, metavar="N", help="machines at the start")
    add("--forgetful", action="store_true", help="the server may lose what it acknowledged")
    add("--steps", type=int, default=0, metavar="N", help="calls of the share before the calm")
    add("--mutant", metavar="NAME", help="leave one rule out, and stop where that is caught")
    add("--mutants", action="store_true", help="the same for each of them")
    add("--exhaustive", type=int, metavar="FAULTS", help="every order of a small farm's calls")
    add("--kinds", default=",".join(KINDS), metavar="KIND,…", help="faults of that search, all")
    add("--beside", metavar="RELEASE", help="half of the programs are of this past release")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    plan = Plan(nodes=args.nodes, steps=args.steps, is_forgetful=args.forgetful)
    if args.exhaustive is not None:
        rule = applied(args.mutant) if args.mutant else contextlib.nullcontext()
        with rule:
            return exhaustive.main(args.exhaustive, tuple(args.kinds.split(",")))
    if args.beside:
        return releases.main(args.beside, range(args.start, args.start + args.seeds), plan)
    if args.mutants or args.mutant:
        return hunt_mutants([args.mutant] if args.mutant else list(MUTANTS), args, plan)
    return run_schedules(args, plan)


def run_schedules(args: argparse.Namespace, plan: Plan) -> int:
    """Run a row of seeds; what each broke, and what happened in all of them."""
    counts: Counter[str] = Counter()
    began, steps, bad = time.process_time(), 0, 0
    for seed in range(args.start, args.start + args.seeds):
        try:
            world = simulate(seed, plan)
        except Violation as error:
            bad += 1
            print(f"seed {seed}: {error}", flush=True)
            continue
        except Exception:
            bad += 1
            print(f"seed {seed}: {traceback.format_exc()}", flush=True)
            continue
        counts.update(world.counts)
        steps += world.steps
    took = time.process_time() - began
    print(
        f"{args.seeds} schedules, {steps:,} calls, {steps / took:,.0f} a second; {bad} violations"
    )
    for what, count in sorted(counts.items()):
        print(f"  {count:>9,} {what}")
    return 1 if bad else 0


def hunt_mutants(names: list[str], args: argparse.Namespace, plan: Plan) -> int:
    """Run each mutant until a schedule catches it; 1 when one survived."""
    alive = 0
    for name in names:
        with applied(name):
            for seed in range(args.start, args.start + args.seeds):
                try:
                    simulate(seed, plan)
                except Exception as error:
                    kind = "" if isinstance(error, Violation) else f"{type(error).__name__}: "
                    print(f"{name}: seed {seed}: {kind}{str(error)[:110]}", flush=True)
                    break
            else:
                alive += 1
                print(f"{name}: SURVIVED {args.seeds}", flush=True)
    print(f"{len(names) - alive} of {len(names)} mutants caught")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
