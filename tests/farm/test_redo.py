"""Frames are rendered again while their job goes on, and after it."""

import subprocess
import sys

from farm import PYTHON

from renderd.spool import jobs, listing


def render(farm, *words: str, status: int = 0) -> str:
    """Run a verb of `render` as a person does; what it said."""
    line = [sys.executable, "-m", "frontend.cli.app", "--spool", str(farm.root), *words]
    env = {"PATH": "/usr/bin:/bin", "RENDERD_CONFIG": str(farm.local / "config.toml")}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stdout + done.stderr


def times(farm) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in farm.frames()}


def jid_of(said: str) -> str:
    return said.split(maxsplit=1)[0]


def test_a_frame_of_a_done_job_is_replaced_and_no_other(farm):
    jid = farm.add(farm.info(frames="1-6", chunk=3))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    before = times(farm)
    again = jid_of(render(farm, "redo", "shot", "--frames", "2,5"))
    assert farm.ended(again) == "done"
    after = times(farm)
    assert [name for name in after if after[name] != before[name]] == [
        *("shot_0002.png", "shot_0005.png")
    ]
    farm.until(lambda: not farm.litter(), "nothing is left beside the frames")


def test_a_frame_is_done_again_while_its_job_goes_on(farm):
    gate = farm.folder / "gate"
    script = farm.folder / "wait.py"
    script.write_text(
        "import os, sys, time\n"
        "while sys.argv[1] != '1' and not os.path.exists(sys.argv[2]):\n    time.sleep(0.05)\n"
    )
    head = farm.info(frames="1-4", chunk=2)
    jid = farm.add(head.replace("\n\n", f"\n\n{PYTHON} {script} {{start}} {gate}\n", 1))
    farm.up("ws1", "--slots", "2")
    farm.until(lambda: len(farm.frames()) == 2 and farm.tally(jid)["done"] == 1, "half is done")
    before = times(farm)
    said = render(farm, "redo", jid, "--frames", "1,3", status=2)
    assert f"frame 3 is not rendered yet: job {jid} will render it" in said
    again = jid_of(render(farm, "redo", jid, "--frames", "1", "--now"))
    assert farm.ended(again) == "done"
    assert farm.state(jid) == "queue"
    during = times(farm)
    assert during["shot_0001.png"] != before["shot_0001.png"]
    assert during["shot_0002.png"] == before["shot_0002.png"]
    gate.touch()
    assert farm.ended(jid) == "done"
    assert times(farm)["shot_0001.png"] == during["shot_0001.png"]
    kept = farm.root / "jobs" / jid / "frames.jsonl"
    lines = farm.until(lambda: kept.read_text().splitlines(), "its receipts are kept")
    assert str(during["shot_0001.png"]) in lines[0]
    farm.until(lambda: not farm.litter(), "nothing is left beside the frames")


def test_broken_frames_are_found_and_rendered_again(farm):
    jid = farm.add(farm.info(frames="1-4"))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    whole = farm.frames()[2].read_bytes()
    farm.frames()[2].write_bytes(whole[:-6])
    farm.frames()[0].unlink()
    assert "render redo" in render(farm, "verify", jid, status=1)
    again = jid_of(render(farm, "redo", jid, "--broken"))
    found = farm.ended(again)
    assert (found, len(farm.frames()), farm.frames()[2].read_bytes()) == ("done", 4, whole)
    assert [str(c.run) for c in listing.chunks(farm.spool, again)] == ["1", "3"]
    assert jobs.read(farm.spool, again).redoes == jid
    assert "nothing was queued" in render(farm, "redo", jid, "--broken")
