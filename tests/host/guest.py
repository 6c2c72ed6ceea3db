"""Control groups version 2 and real swapping, in a User-Mode-Linux guest that has both."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INIT = Path(__file__).resolve().with_name("guest-init")
CASES = Path(__file__).resolve().with_name("guest_cases.py")
SWAP_BYTES = 1 << 30
PATIENCE = 500.0


def test_what_a_machine_of_its_own_shows(tmp_path):
    disk = tmp_path / "swap"
    with disk.open("wb") as file:
        file.truncate(SWAP_BYTES)
    words = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-rP")
    words = (*words, "-q", "--timeout=400", str(CASES))
    line = ["linux.uml", "mem=448M", f"ubd0={disk}", "rootfstype=hostfs", "rootflags=/", "ro"]
    line += ["root=/dev/root", f"init={INIT}", "con=null", "con0=null,fd:1", "quiet"]
    line += [f"folder={ROOT}", f"words={','.join(words)}"]
    environ = {"PATH": os.environ["PATH"], "HOME": "/", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        line, capture_output=True, timeout=PATIENCE, check=False, env=environ, cwd=tmp_path
    )
    said = done.stdout.decode(errors="replace")
    print(said)
    assert "exit status 0" in said
    assert re.search(r"\d+ passed", said)
    assert "skipped" not in said
