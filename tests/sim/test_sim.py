"""The farm holds in every schedule that is tried, and a farm with one rule less does not.

A failing schedule is run again by `python -m tests.sim --seeds 1 --start SEED`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEEDS = os.environ.get("SIM_SEEDS", "120")
#: what a few schedules catch; python -m tests.sim --mutants tries all
QUICK = (
    "a dead nodes adoption is left",
    "a failed chunk is swept away",
    "a job without waiting chunks is never closed by others",
    "an outage does not reset the counts",
    "an unsure finish is forgotten",
    "claim by copy",
    "dependants are released by the closer alone",
    "enter by create",
    "frames are not verified",
    "only the own shard is watched",
    "publish before the job is complete",
    "reclaim without a bump",
    "sweep by absence",
    "the worker is not registered before the claim",
)


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.sim", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("quarter", range(4))
def test_what_must_hold_holds_in_every_schedule(quarter: int) -> None:
    share = int(SEEDS) // 4
    done = simulate("--seeds", str(share), "--start", str(quarter * share))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_server_that_forgets_harms_no_job_of_which_it_forgot_nothing() -> None:
    done = simulate("--seeds", "40", "--forgetful")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "change forgotten" in done.stdout


@pytest.mark.parametrize("mutant", QUICK)
def test_a_rule_left_out_is_caught(mutant: str) -> None:
    done = simulate("--mutant", mutant, "--seeds", "200")
    assert "1 of 1 mutants caught" in done.stdout, done.stdout + done.stderr


def test_a_seed_decides_everything() -> None:
    first, second = (simulate("--seeds", "2", "--start", "7").stdout for _ in range(2))
    same = [line for line in first.splitlines() if "a second" not in line]
    assert same == [line for line in second.splitlines() if "a second" not in line]
