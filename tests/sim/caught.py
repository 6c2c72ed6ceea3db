"""Which seed catches which mutant: a table for CI, made anew by one command.

`python -m tests.sim --mutants --write` keeps the first seed that caught each; a change of the code
moves them, so that whoever reads the table tries that seed first, and then others.
"""

import json
import multiprocessing
from argparse import Namespace
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from tests.sim.farm import Plan, simulate
from tests.sim.mutants import applied
from tests.sim.shrink import say

TABLE = Path(__file__).with_name("caught.json")
MISFITS = (TypeError, AttributeError, NameError)  #: a mutant that the code has outgrown
Catch = tuple[str, int | None, str]  #: the mutant, the seed, what was broken


class MutantMisfits(Exception):
    """A mutant fell over its own patch, which shows nothing of the rule."""


def read() -> dict[str, int]:
    """The seed that caught each mutant when the table was made."""
    table: dict[str, int] = json.loads(TABLE.read_text())
    return table


def write(found: dict[str, int]) -> None:
    """Keep the seeds."""
    TABLE.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n")


def catch(name: str, seeds: Iterable[int], plan: Plan) -> Catch:
    """The first seed whose schedule breaks a law when one rule is left out, and only then."""
    for seed in seeds:
        with applied(name):
            said = _broken(name, seed, plan)
        if said and not _broken("", seed, plan):
            return name, seed, said
    return name, None, ""


def _broken(name: str, seed: int, plan: Plan) -> str:
    try:
        simulate(seed, plan)
    except MISFITS as error:
        raise MutantMisfits(f"{name}: {error!r}") from error
    except Exception as error:
        return say(error)
    return ""


def _one(args: Namespace, plan: Plan, table: dict[str, int], name: str) -> Catch:
    known = [table[name]] if name in table else []
    return catch(name, [*known, *range(args.start, args.start + args.seeds)], plan)


def hunt(names: list[str], args: Namespace, plan: Plan, table: dict[str, int]) -> Iterator[Catch]:
    """Catch each mutant, in `args.jobs` processes."""
    task = partial(_one, args, plan, table)
    # A process each: what one mutant leaves behind must not catch the next.
    with multiprocessing.Pool(args.jobs, maxtasksperchild=1) as pool:
        yield from pool.imap_unordered(task, names)
