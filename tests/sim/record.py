"""What was run: schedules, calls, faults by kind, violations; in processes, and kept in a file."""

import gc
import json
import multiprocessing
import os
import sys
import time
import traceback
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.sim.farm import Plan, run
from tests.sim.world import Violation, World

PIECE = 25  #: seeds that a process runs at a time
GARBAGE = 20_000, 20, 100  #: a world is mostly garbage at its end alone
KEPT = 500  #: seeds a line of the record
TOLD_EVERY = 60.0  #: seconds between lines of progress


@dataclass(slots=True)
class Tally:
    """The sum of some schedules."""

    schedules: int = 0
    calls: int = 0
    seconds: float = 0.0  #: of processor time
    counts: Counter[str] = field(default_factory=Counter)
    violations: dict[int, str] = field(default_factory=dict)  #: by seed

    def add(self, other: "Tally") -> None:
        """Add another's figures."""
        self.schedules += other.schedules
        self.calls += other.calls
        self.seconds += other.seconds
        self.counts.update(other.counts)
        self.violations.update(other.violations)

    def __str__(self) -> str:
        speed = self.calls / (self.seconds or 1)
        lines = [
            f"{self.schedules:,} schedules, {self.calls:,} calls, {speed:,.0f} a second; "
            f"{len(self.violations)} violations"
        ]
        lines += [f"  {count:>11,} {what}" for what, count in sorted(self.counts.items())]
        return "\n".join(lines)


def run_piece(start: int, seeds: int, plan: Plan) -> Tally:
    """Run some schedules one after the other."""
    tally = Tally()
    gc.set_threshold(*GARBAGE)
    began = time.process_time()
    for seed in range(start, start + seeds):
        tally.schedules += 1
        world = World(seed)
        try:
            run(world, plan)
        except Violation as error:
            tally.violations[seed] = str(error)
        except Exception:
            tally.violations[seed] = traceback.format_exc()
        tally.counts.update(world.counts)
        tally.calls += world.steps
    tally.seconds = time.process_time() - began
    return tally


def _pieces(args: Namespace, plan: Plan) -> Iterator[tuple[int, int, Plan]]:
    end = args.start + args.seeds
    piece = 1 if args.until_caught else PIECE
    for start in range(args.start, end, piece):
        yield start, min(piece, end - start), plan


def _star(piece: tuple[int, int, Plan]) -> Tally:
    return run_piece(*piece)


def run_row(args: Namespace, plan: Plan, found: Callable[[int, str], None]) -> Tally:
    """Run all seeds in `args.jobs` processes; tells violations at once, progress now and then."""
    total, kept, told = Tally(), Tally(), time.monotonic()
    first = args.start
    with multiprocessing.Pool(args.jobs) if args.jobs > 1 else _Nobody() as pool:
        each = pool.imap if args.jobs > 1 else map
        for tally in each(_star, _pieces(args, plan)):
            total.add(tally)
            kept.add(tally)
            for seed, said in tally.violations.items():
                found(seed, said)
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                print(str(total).partition("\n")[0], "so far", file=sys.stderr, flush=True)
            if args.record and (kept.schedules >= KEPT or total.schedules == args.seeds):
                _append(args.record, first, kept, args.release)
                first, kept = first + kept.schedules, Tally()
            if args.until_caught and total.violations:
                break
    return total


class _Nobody:
    """No other processes."""

    def __enter__(self) -> "_Nobody":
        return self

    def __exit__(self, *_: object) -> None:
        return


def _append(path: Path, first: int, tally: Tally, release: str) -> None:
    line = {
        "start": first, "schedules": tally.schedules, "release": release, "calls": tally.calls,
        "seconds": round(tally.seconds, 1), "counts": dict(sorted(tally.counts.items())),
        "violations": {str(seed): said for seed, said in tally.violations.items()},
    }  # fmt: skip
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_totals(path: Path) -> Tally:
    """The sum of a record."""
    total = Tally()
    for text in path.read_text().splitlines():
        line = json.loads(text)
        violations = {int(seed): said for seed, said in line["violations"].items()}
        counts = Counter(line["counts"])
        total.add(Tally(line["schedules"], line["calls"], line["seconds"], counts, violations))
    return total
