"""The farm holds in every schedule that is tried, and a farm with one rule less does not.

A failing schedule is run again, and made short, by `python -m tests.sim --seeds 1 --start SEED`.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim import caught

ROOT = Path(__file__).parents[2]
SEEDS = int(os.environ.get("SIM_SEEDS", "1000"))
PIECES = 10  #: of the row of seeds, for as many workers
OTHERS = 300  #: seeds tried on a mutant that the one in the table does not catch any more
READABLE = 60  #: lines that a person reads


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.sim", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("piece", range(PIECES))
def test_what_must_hold_holds_in_every_schedule(piece: int) -> None:
    share = SEEDS // PIECES
    done = simulate("--seeds", str(share), "--start", str(piece * share))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_server_that_forgets_harms_no_job_of_which_it_forgot_nothing() -> None:
    done = simulate("--seeds", "40", "--forgetful")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "change forgotten" in done.stdout


@pytest.mark.parametrize("mutant", sorted(caught.read()))
def test_a_rule_left_out_is_caught(mutant: str) -> None:
    known = str(caught.read().get(mutant, 0))
    arguments = ("--mutant", mutant, "--patience", "0")
    done = simulate(*arguments, "--seeds", "1", "--start", known)
    if done.returncode == 0:  # not where it was caught before
        done = simulate(*arguments, "--until-caught", "--seeds", str(OTHERS))
    assert done.returncode == 1, f"{done.stdout}\nmake anew: python -m tests.sim --mutants --write"
    misfit = [error.__name__ for error in caught.MISFITS if error.__name__ in done.stdout]
    assert not misfit, done.stdout


def test_a_seed_decides_everything() -> None:
    first, second = (simulate("--seeds", "2", "--start", "7").stdout for _ in range(2))
    same = [line for line in first.splitlines() if "a second" not in line]
    assert same == [line for line in second.splitlines() if "a second" not in line]


def test_telling_a_schedule_does_not_change_it() -> None:
    told = simulate("--start", "7", "--seeds", "1", "--trace")
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.splitlines()[-1].endswith("no law is broken")


@pytest.mark.parametrize("mutant", ["claim by copy", "sweep by absence"])
def test_a_violation_shrinks_to_what_a_person_can_read(mutant: str) -> None:
    """And what is left of it breaks the same law again."""
    leaves_out = ("--mutant", mutant)
    many = ("--seeds", "2000", "--until-caught")
    done = simulate("--small", *leaves_out, *many, "--patience", "40")
    assert done.returncode == 1, done.stdout + done.stderr
    _, _, short = done.stdout.partition("what is left of it")
    *lines, again = short.splitlines()
    assert len(lines) <= READABLE, done.stdout
    law = lines[-1].split()[2]
    _, _, command = again.partition("python -m tests.sim ")
    replayed = simulate(*leaves_out, *shlex.split(command))
    assert replayed.returncode == 1, replayed.stdout + replayed.stderr
    assert replayed.stdout.splitlines()[-1].split()[2] == law
