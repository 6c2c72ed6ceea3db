"""Half of the programs on a spool are of the last release, and all that must hold holds."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_old_and_present_programs_share_a_spool() -> None:
    command = [sys.executable, "-m", "tests.sim", "--beside", "0.1.0", "--seeds", "60"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for who in ("daemon of 0.1.0", "daemon of now"):
        assert re.search(rf"[1-9]\d* {who}", done.stdout), done.stdout
