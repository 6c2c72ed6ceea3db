"""What a newcomer sees first: `make demo`, with fewer frames."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from renderd.spool.image import verify_file
from renderd.spool.share import PosixShare

DEMO = Path(__file__).parents[1] / "packaging" / "demo"

pytestmark = [
    pytest.mark.farm,
    pytest.mark.blender,
    pytest.mark.skipif(shutil.which("blender") is None, reason="no blender on PATH"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """One run of the demo: its folder for temporary files, its output folder, what it said."""
    temporary, out = tmp_path_factory.mktemp("tmp"), tmp_path_factory.mktemp("out")
    words = [sys.executable, str(DEMO / "run.py"), "--frames", "1-7x3", "--out", str(out)]
    done = subprocess.run(
        words,
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=os.environ | {"TMPDIR": str(temporary), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return temporary, out, done.stdout


def test_a_killed_daemon_costs_no_frame(demo):
    _, out, said = demo
    assert "SIGKILL" in said
    frames = sorted(path for path in out.glob("*_????.png"))
    assert [path.name for path in frames] == [
        f"{scene}_{number:04d}.png" for scene in ("juggler", "turntable") for number in (1, 4, 7)
    ]
    assert {verify_file(PosixShare(), str(path)).width for path in frames} == {320}


def test_the_farm_makes_its_own_contact_sheet(demo):
    _, out, said = demo
    sheet = out / "contact-sheet.png"
    assert str(sheet) in said
    assert verify_file(PosixShare(), str(sheet)).width > 320


def test_nothing_of_the_demo_stays_but_its_output(demo):
    temporary, out, _ = demo
    assert list(temporary.iterdir()) == []
    running = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    assert not [line for line in running if str(temporary) in line or str(out) in line]
