"""python -m tests.sim --seeds N: schedules of the real protocol code, each from one seed."""

import argparse
import contextlib
import logging
import os
import random
import sys
from pathlib import Path
from shlex import quote

if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set must not change a schedule
    os.execve(
        sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"}
    )

from tests.sim import caught, exhaustive, releases
from tests.sim.farm import Plan
from tests.sim.mutants import MUTANTS, applied
from tests.sim.record import read_totals, run_row
from tests.sim.shrink import KEPT_ALL, Case, parse_words, shrink
from tests.sim.size import LARGE, SMALL
from tests.sim.space import KINDS
from tests.sim.trace import Line

SEEDS_OF_A_BASE = 10**9


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    add = made.add_argument
    add("--seeds", type=int, default=100, metavar="N", help="schedules to run, 100")
    add("--start", type=int, default=0, metavar="S", help="the first seed")
    add("--random-start", action="store_true", help="a first seed that is drawn, and printed")
    add("--small", action="store_true", help="two or three machines, one job at first, short days")
    add("--nodes", type=int, default=0, metavar="N", help="machines at the start; else drawn")
    add("--steps", type=int, default=0, metavar="N", help="calls before the calm; else drawn")
    add("--forgetful", action="store_true", help="the server may lose what it acknowledged")
    add("--jobs", type=int, default=1, metavar="N", help="processes, 1")
    add("--trace", action="store_true", help="every call of the first schedule, not only a summary")
    add("--patience", type=float, default=60.0, metavar="S",
        help="seconds to make the first violation short, 60; 0: print its seed only")  # fmt: skip
    add("--only", metavar="EVENTS", help="of the first schedule only these, as a shorter one says")
    add("--turns", type=int, default=0, metavar="N", help="its order of turns")
    add("--record", type=Path, metavar="FILE", help="append what was run, a line each 500 seeds")
    add("--release", default="", metavar="WORDS", help="which code that was, for the record")
    add("--totals", type=Path, metavar="FILE", help="sum up a record, and run nothing")
    add("--mutant", metavar="NAME", help="leave one rule out")
    add("--until-caught", action="store_true", help="stop at the first violation")
    add("--mutants", action="store_true", help="each of them, until a schedule catches it")
    add("--exhaustive", type=int, metavar="FAULTS", help="every order of a small farm's calls")
    add("--seconds", type=float, default=exhaustive.SECONDS, metavar="S",
        help="of processor time that each such search may take, %(default).0f")  # fmt: skip
    add("--kinds", default=",".join(KINDS), metavar="KIND,…", help="faults of that search, all")
    add("--beside", metavar="RELEASE", help="half of the programs are of this past release")
    add("--write", action="store_true", help="with --mutants: keep the seeds that caught them")
    return made


def main() -> int:
    """Run schedules or mutants as the command line says; 1 when a law was broken."""
    args = parser().parse_args()
    logging.disable(logging.CRITICAL)
    if args.random_start:
        args.start = random.SystemRandom().randrange(SEEDS_OF_A_BASE)
        print(f"seeds from {args.start}", flush=True)
    size = SMALL if args.small else LARGE
    plan = Plan(size=size, nodes=args.nodes, steps=args.steps, is_forgetful=args.forgetful)
    if args.totals:
        print(read_totals(args.totals))
        return 0
    if args.beside:
        return releases.main(args.beside, range(args.start, args.start + args.seeds), plan)
    if args.mutants:
        return hunt_mutants(args, plan)
    with applied(args.mutant) if args.mutant else contextlib.nullcontext():
        if args.exhaustive is not None:
            kinds = tuple(args.kinds.split(","))
            return exhaustive.main(args.exhaustive, kinds, args.seconds, args.jobs)
        return run_schedules(args, plan)


def run_schedules(args: argparse.Namespace, plan: Plan) -> int:
    """Run a row of seeds; what each broke, and what happened in all of them."""
    script = None if args.only is None else parse_words(args.only)
    if args.trace or script is not None:
        lines = Case(args.start, plan, script, args.turns).told(is_whole=args.trace)
        print_lines(lines)
        return 0 if lines[-1].text == KEPT_ALL else 1
    first: list[int] = []

    def found(seed: int, said: str) -> None:
        first.append(seed)
        print(f"seed {seed}: {said}", flush=True)
        print(f"  again: {plan.command} --start {seed} --seeds 1", flush=True)

    tally = run_row(args, plan, found)
    print(tally)
    if first and args.patience:
        print_short(Case(min(first), plan), args.patience)
    return 1 if first else 0


def print_short(case: Case, patience: float) -> None:
    """The shortest schedule found that breaks the same law."""
    print(f"seed {case.seed}, made shorter ({patience:.0f} s at most) …", flush=True)
    small = shrink(case, patience=patience)
    print(f"what is left of it: {len(small.script or ())} events; times are seconds")
    print_lines(small.told())
    turns = f" --turns {small.turns}" if small.turns else ""
    print(f"  again: {case.plan.command} --start {case.seed}{turns} --only {quote(small.words)}")


def print_lines(lines: list[Line]) -> None:
    """Print a trace."""
    for line in lines:
        print(line)


def hunt_mutants(args: argparse.Namespace, plan: Plan) -> int:
    """Run each mutant until a schedule catches it; 1 when one survived."""
    table = caught.read()
    found: dict[str, int] = {}
    for name, seed, said in caught.hunt(list(MUTANTS), args, plan, table):
        if seed is None:
            print(f"{name}: SURVIVED {args.seeds} schedules", flush=True)
            continue
        found[name] = seed
        print(f"{name}: seed {seed}: {said[:110]}", flush=True)
    print(f"{len(found)} of {len(MUTANTS)} mutants caught")
    if args.write:
        caught.write(found)
    return 1 if len(found) < len(MUTANTS) else 0


if __name__ == "__main__":
    sys.exit(main())
