"""Blenders that stay open between chunks, on a farm of real daemons."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from shots import blender, pixels
from test_blender import landed, plain, queue, scenes  # noqa: F401  fixtures

from renderd.core.wire import Op

pytestmark = pytest.mark.blender


def processes(farm, jid):
    """The open Blenders that a job's logs name, in the order of its chunks."""
    return [int(pid) for pid in re.findall(r"in an open Blender.* \(process (\d+)", farm.logs(jid))]


def runs(pid):
    return os.path.exists(f"/proc/{pid}")


def test_chunks_of_two_jobs_are_rendered_by_one_blender_as_a_plain_one_does(farm, scenes, plain):  # noqa: F811
    path = scenes / "scenes.blend"
    jobs = [*queue(farm, path, "Wood", chunk=1), *queue(farm, path, "Steps", chunk=2)]
    farm.up("ws1")
    assert [farm.ended(jid) for jid in jobs] == ["done", "done"]
    assert landed(farm, "wood") == plain("Wood")
    assert landed(farm, "steps") == plain("Steps")
    farm.until(lambda: [len(processes(farm, jid)) for jid in jobs] == [6, 2], "all is logged")
    assert len({pid for jid in jobs for pid in processes(farm, jid)}) == 1


def test_who_says_warm_no_gets_a_blender_a_chunk(farm, scenes, plain):  # noqa: F811
    (jid,) = queue(farm, scenes / "scenes.blend", "Wood", chunk=3, warm=False)
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert landed(farm, "wood") == plain("Wood")
    assert processes(farm, jid) == []


def test_a_machine_may_keep_none_open(farm, scenes):  # noqa: F811
    (jid,) = queue(farm, scenes / "scenes.blend", "Wood", chunk=6)
    farm.up("ws1", env={"RENDERD_WARM": "no"})
    assert farm.ended(jid) == "done"
    assert processes(farm, jid) == []


def test_a_blender_that_crashes_costs_the_frame_in_work(farm, scenes, plain):  # noqa: F811
    (jid,) = queue(farm, scenes / "scenes.blend", "Slow", chunk=6)
    farm.up("ws1")
    farm.until(lambda: landed(farm, "slow"), "a frame is in place")
    there = {p: p.stat().st_mtime_ns for p in farm.out.glob("slow_*.png")}
    (pid,) = processes(farm, jid) or farm.until(lambda: processes(farm, jid), "the log names it")
    os.kill(pid, signal.SIGSEGV)
    assert farm.ended(jid) == "done", farm.errors(jid)
    farm.logged(jid, "a Blender of its own goes on")
    assert {p: p.stat().st_mtime_ns for p in there} == there
    assert [(c.attempt, c.failures) for c in farm.chunks(jid)] == [(1, 0)]
    assert landed(farm, "slow") == plain("Slow")


def test_a_paused_machine_keeps_no_blender_open(farm, scenes):  # noqa: F811
    (jid,) = queue(farm, scenes / "scenes.blend", "Wood", chunk=6)
    daemon = farm.up("ws1")
    assert farm.ended(jid) == "done"
    (pid,) = set(farm.until(lambda: processes(farm, jid), "the log is written"))
    assert runs(pid)
    with daemon.client() as client:
        client.order(Op.PAUSE)
    farm.until(lambda: not runs(pid), "its Blender ends")


def test_an_open_blender_ends_with_a_killed_daemon(farm, scenes):  # noqa: F811
    (jid,) = queue(farm, scenes / "scenes.blend", "Wood", chunk=6)
    daemon = farm.up("ws1")
    assert farm.ended(jid) == "done"
    (pid,) = set(farm.until(lambda: processes(farm, jid), "the log is written"))
    daemon.kill()
    farm.until(lambda: not runs(pid), "its Blender ends")


def test_a_file_that_was_saved_between_two_jobs_is_rendered_as_it_is(farm, scenes):  # noqa: F811
    path = farm.local / "shot.blend"
    shutil.copy(scenes / "scenes.blend", path)
    (first,) = queue(farm, path, "Wood", chunk=2)
    farm.up("ws1")
    assert farm.ended(first) == "done"
    before = landed(farm, "wood")
    save = "import bpy; bpy.data.scenes['Wood'].objects['Wood lamp'].data.energy = 1"
    blender(path, "--python-expr", f"{save}; bpy.ops.wm.save_mainfile()")
    (second,) = queue(farm, path, "Wood", chunk=2)
    assert farm.ended(second) == "done"
    folder = farm.local / "plain"
    blender(path, "-S", "Wood", "-o", folder / "####", "-a")
    now = landed(farm, "wood")
    assert now == {int(p.stem): pixels(p) for p in Path(folder).iterdir()}
    assert all(now[frame] != before[frame] for frame in now)
    assert len({*processes(farm, first), *processes(farm, second)}) == 1
