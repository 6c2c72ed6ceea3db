"""Many daemons on one machine: the short form of `make many`."""

import subprocess
import sys
from pathlib import Path

MANY = Path(__file__).parents[2] / "bench" / "many.py"


def test_twenty_daemons_do_five_hundred_chunks_once_each_and_nobody_is_declared_dead() -> None:
    words = [sys.executable, str(MANY), "--daemons", "20", "--chunks", "500", "--jobs", "5"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "500 done once, 0 more often, 0 lost, 0 failed" in done.stdout
