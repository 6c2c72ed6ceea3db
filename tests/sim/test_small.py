"""Two nodes, one chunk, two attempts: every order of their calls, with two faults at most."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def search(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.sim", "--exhaustive", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(("kinds", "searches"), [("crash", 2), ("lost reply,stale", 4)])
def test_what_must_hold_holds_in_every_order(kinds: str, searches: int) -> None:
    """None of these faults, one, and two of them, of one kind or of both."""
    done = search(str(len(kinds.split(","))), "--kinds", kinds)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("all of it") == searches
    assert "NOT" not in done.stdout


@pytest.mark.parametrize(
    ("mutant", "faults", "kind"),
    [
        ("claim by copy", "0", "late"),
        ("a failed chunk is swept away", "0", "late"),
        ("a job without waiting chunks is never closed by others", "0", "late"),
        ("own leftovers are left", "1", "error after"),
        ("an unsure finish is forgotten", "1", "error before"),
    ],
)
def test_a_rule_left_out_is_found_missing(mutant: str, faults: str, kind: str) -> None:
    done = search(faults, "--kinds", kind, "--mutant", mutant)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "I2:" in done.stdout or "I6:" in done.stdout, done.stdout + done.stderr


def test_a_search_whose_time_was_over_says_so_by_its_exit_status() -> None:
    done = search("1", "--kinds", "late", "--seconds", "0")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "NOT all of it" in done.stdout
