"""Whatever call fails or is a program's last, a fresh node finishes the work.

A fault that a failing test names is tried again by `python -m tests.faults SCENARIO --fault FAULT`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.scenario import SCENARIOS

ROOT = Path(__file__).parents[2]
THIN = os.environ.get("FAULTS_THIN", "8")  #: of the errors each so-many-th; of the deaths all
#: rules of the protocol, each with the scenario in which its absence shows
LEFT_OUT = {
    "a dead nodes adoption is left": "adopt",
    "an adoption goes on under its old name": "take-over-an-adoption",
    "an error counts as done": "finish",
    "an unsure finish is forgotten": "finish",
    "own leftovers are left": "claim",
    "publish before the job is complete": "submit",
}


def break_calls(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A process of its own, with one thread: deaths are forks.
    command = [sys.executable, "-m", "tests.faults", "--jobs", "1", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fresh_node_finishes_what_a_fault_interrupted(scenario: str) -> None:
    done = break_calls(scenario, "--thin", THIN)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_fault_may_hit_the_node_that_takes_over() -> None:
    done = break_calls("finish-and-close", "reclaim", "--twice", "40")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("rule", "scenario"), LEFT_OUT.items())
def test_a_rule_left_out_is_noticed(rule: str, scenario: str) -> None:
    done = break_calls(scenario, "--without", rule)
    assert "noticed at" in done.stdout, done.stdout + done.stderr
