"""`python -m tests.faults`: breaks every call of every scenario and prints what came of it."""

import argparse
import logging
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.faults import driver
from tests.faults.driver import Tally
from tests.faults.failpoints import parse
from tests.sim import mutants

HEAD = ("scenario", "calls", "errors", "deaths", "carried on", "said so", "died", "broken")


def row(tally: Tally) -> tuple[str, ...]:
    """One line of the table."""
    counts = [tally.tried["errors"], tally.tried["deaths"]]
    counts += [tally.outcomes[word] for word in ("carried on", "said so", "died")]
    return tally.name, str(tally.calls), *map(str, counts), str(len(tally.broken))


def total(tallies: list[Tally]) -> Tally:
    """The last line of the table."""
    whole = Tally("all", sum(t.calls for t in tallies))
    for tally in tallies:
        whole.tried += tally.tried
        whole.outcomes += tally.outcomes
        whole.broken += tally.broken
    return whole


def show(cells: tuple[str, ...], wide: int) -> None:
    """Print one line of the table, its first column so wide."""
    others = (cell.rjust(len(head)) for cell, head in zip(cells[1:], HEAD[1:], strict=True))
    print(cells[0].ljust(wide), *others, sep="  ", flush=True)


def notice(rule: str, words: list[str]) -> int:
    """Leave a rule out until a fault shows it; 1 where none does."""
    with mutants.applied(rule):
        for name in driver.names(words):
            if found := driver.first_broken(name):
                print(f"noticed at {found}")
                return 0
    print("not noticed")
    return 1


def main() -> int:
    """Run what the command line asks for; 1 where something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("scenario", nargs="*", help="all where none is named")
    parser.add_argument("--thin", type=int, default=1, metavar="N", help="each N-th error only")
    parser.add_argument("--fault", help="one fault, as the report names it: EIO:after:17")
    parser.add_argument("--lost", action="store_true", help="its programs are gone afterwards")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes")
    parser.add_argument("--twice", type=int, metavar="N", help="N pairs of faults a scenario")
    parser.add_argument("--seed", type=int, default=1, help="which pairs")
    parser.add_argument("--without", metavar="RULE", help="a mutant's name: until it is noticed")
    given = parser.parse_args()
    logging.disable()  # thousands of nodes that say what the share answers
    if given.fault:
        first, _, second = given.fault.partition("+")
        again = parse(second) if second else None
        name = given.scenario[0]
        print(driver.run(name, parse(first), loses=given.lost, second=again))
        return 0
    if given.without:
        return notice(given.without, given.scenario)
    logging.disable()  # thousands of nodes that say what the share answers
    began = time.monotonic()
    names, tallies = driver.names(given.scenario), []
    wide = max(map(len, names))
    show(HEAD, wide)
    with ProcessPoolExecutor(given.jobs) as pool:
        tried = partial(driver.try_all, thin=given.thin)
        if given.twice:
            tried = partial(driver.try_pairs, count=given.twice, seed=given.seed)
        for tally in pool.map(tried, names):
            tallies.append(tally)
            show(row(tally), wide)
    whole = total(tallies)
    show(row(whole), wide)
    print(*whole.broken, f"{time.monotonic() - began:.0f} seconds", sep="\n")
    return bool(whole.broken)


if __name__ == "__main__":
    sys.exit(main())
