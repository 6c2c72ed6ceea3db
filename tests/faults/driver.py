"""Runs a scenario once for every call, every error and every death, and counts."""

import errno
import os
import random
import shutil
import signal
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from renderd.errors import RenderdError
from renderd.spool.layout import DONE
from tests.faults import aftermath
from tests.faults.failpoints import DEATH, Fault, faults_of
from tests.faults.farm import Farm
from tests.faults.scenario import SCENARIOS, Act


@dataclass
class Tally:
    """What was tried of one scenario, and what came of it."""

    name: str
    calls: int = 0
    tried: Counter[str] = field(default_factory=Counter)  #: errors, deaths
    outcomes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)  #: the fault and what it led to


class Unfinished(AssertionError):
    """The fresh node did not come to an end."""


@contextmanager
def farm_of(name: str) -> Iterator[tuple[Farm, Act]]:
    """A fresh farm, prepared for a scenario."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    home = tempfile.mkdtemp(prefix="faults.", dir=memory)
    try:
        farm = Farm(Path(home))
        act = SCENARIOS[name](farm)
        farm.retries, farm.is_given = act.again, act.is_given
        yield farm, act
    finally:
        shutil.rmtree(home)


def calls_of(name: str) -> list[str]:
    """The calls of a scenario without a fault; what it leaves is looked at too."""
    with farm_of(name) as (farm, act):
        farm.points.is_armed = True
        act.run()
        farm.points.is_armed = False
        _look_after(farm, loses=False, is_told=True)
        return list(farm.points.calls)


def run(name: str, fault: Fault, *, loses: bool, second: Fault | None = None) -> str:
    """One run with a fault; the outcome in a word.  Raises AssertionError for a violation.

    With `loses` the programs that met an error are gone afterwards; else they go on.
    """
    with farm_of(name) as (farm, act):
        farm.points.fault, farm.points.is_armed = fault, True
        if fault.number == DEATH:
            outcome = _die(farm, act)
        else:
            act.run()
            outcome = _met(farm)
        is_told = not farm.said and fault.number != DEATH
        farm.points.is_armed = False
        if second is not None:
            if not is_told:  # the order was refused: until it is repeated others render the job
                for ends in farm.ends.values():
                    ends.add(DONE)
            _meet_again(farm, second)
        loses = loses or fault.number == DEATH
        _look_after(farm, loses=loses, is_told=is_told)
        return outcome


def _met(farm: Farm) -> str:
    if not farm.points.struck:
        return "not reached"
    if farm.said or any(driven.node.trouble for driven in farm.nodes):
        return "said so"
    return "carried on"


def _die(farm: Farm, act: Act) -> str:
    """The programs of a scenario run in a process of their own, which is killed at the call."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            act.run()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    farm.points.era += 1
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return "died"
    assert status == 0, "the program broke before it died"
    return "not reached"


def _meet_again(farm: Farm, second: Fault) -> None:
    """The node that takes over meets a fault of its own, and is lost as the first were."""
    farm.forgotten |= farm.live()
    farm.lose()
    farm.points.calls.clear()
    farm.points.fault, farm.points.is_armed, farm.points.struck = second, True, ""

    def take_over() -> None:
        farm.node("ws08-00000008")
        farm.go_on(120.0)

    if second.number == DEATH:
        _die(farm, Act(take_over))
        farm.forgotten.add("ws08-00000008")
    else:
        try:
            take_over()
        except Exception as error:  # a daemon that cannot start says why and ends
            if farm.nodes or not _is_said(error):
                raise
    farm.points.is_armed = False


def _is_said(error: Exception) -> bool:
    return isinstance(error, OSError | RenderdError)


def _look_after(farm: Farm, *, loses: bool, is_told: bool) -> None:
    if loses:
        farm.forgotten |= farm.live()
        farm.lose()
    if not is_told:
        farm.repeat()
    if not farm.recover():
        raise Unfinished(f"not over after half an hour: {_tree(farm)}")
    wrong = list(aftermath.violations(farm))
    if wrong:
        raise AssertionError("; ".join(wrong))
    if left := aftermath.litter(farm):
        raise AssertionError(f"left behind: {', '.join(left)}")


def _tree(farm: Farm) -> str:
    root = Path(farm.spool.root)
    files = (str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())
    return ", ".join(f for f in sorted(files) if not f.startswith(("history", "nodes")))


def try_all(name: str, *, thin: int = 1) -> Tally:
    """Every fault at every call; of the errors each `thin`-th, of the deaths all.

    After an error the programs that met it go on, or are gone: with `thin` in turn, else both.
    """
    tally, number = Tally(name), 0
    for at, call in enumerate(_calls_of(tally), 1):
        for fault in faults_of(call, at):
            number += 1
            fates = (True, False) if thin == 1 else (number // thin % 2 == 0,)
            if fault.number == DEATH:
                _try(tally, fault, loses=True)
            elif number % thin == 0:
                for loses in fates:
                    _try(tally, fault, loses=loses)
    return tally


def try_pairs(name: str, *, count: int, seed: int) -> Tally:
    """Faults of which each is followed by another one, that hits the node which takes over."""
    rng, tally = random.Random(f"{seed} {name}"), Tally(name)
    calls = _calls_of(tally)
    every = [fault for at, call in enumerate(calls, 1) for fault in faults_of(call, at)]
    for _ in range(count if every else 0):
        call = rng.choice(("rename", "create", "listdir", "read"))
        second = rng.choice(faults_of(call, rng.choice((rng.randrange(1, 40), rng.randrange(200)))))
        _try(tally, rng.choice(every), loses=True, second=second)
    return tally


def first_broken(name: str) -> str:
    """The first fault that breaks a scenario, and what it leads to; empty where none does."""
    tally = Tally(name)
    calls = _calls_of(tally)
    faults = (f for at, call in enumerate(calls, 1) for f in faults_of(call, at))
    for fault in faults:
        if not tally.broken and fault.number in (DEATH, errno.EIO):
            for loses in (True, False):
                _try(tally, fault, loses=loses)
    return tally.broken[0] if tally.broken else ""


def _calls_of(tally: Tally) -> list[str]:
    """The calls of a scenario without a fault."""
    try:
        calls = calls_of(tally.name)
    except Exception as error:
        tally.broken.append(f"{tally.name} without a fault: {_told(error)}")
        return []
    tally.calls = len(calls)
    return calls


def _try(tally: Tally, fault: Fault, *, loses: bool, second: Fault | None = None) -> None:
    tally.tried["deaths" if fault.number == DEATH else "errors"] += 1
    try:
        tally.outcomes[run(tally.name, fault, loses=loses, second=second)] += 1
    except Exception as error:
        what = f"{fault}+{second}" if second else f"{fault}"
        tally.broken.append(f"{tally.name} {what}{' --lost' * loses}: {_told(error)}")


def _told(error: Exception) -> str:
    """What broke; of an exception that nobody foresaw, where it came from."""
    return str(error) if isinstance(error, AssertionError) else traceback.format_exc()


def names(words: Iterable[str]) -> list[str]:
    """The scenarios that some words name; all where there is none."""
    return [n for n in SCENARIOS if not words or n in set(words)]
