"""Frames of several files: all of them or none, whatever is killed meanwhile."""

import os
import signal

import pytest
from shots import pictures

pytestmark = pytest.mark.blender
#: which files a frame has, by the shot
SETS = {
    "passes": ("shot_{}.png", "beauty_{}.png", "alpha_{}.png"),
    "layers": ("shot_{}.png", "near_{}.exr", "far_{}.exr"),
    "stereo": ("shot_{}_L.png", "shot_{}_R.png"),
    "multilayer": ("shot_{}.exr",),
    "border": ("shot_{}.exr",),
}


def landed(farm, project):
    """All pictures in place by their names, wherever a File Output node says they go."""
    found = [*pictures(farm.out).items(), *pictures(project / "passes").items()]
    return {path.rpartition("/")[2]: shown for path, shown in found}


def wanted(plain, shot):
    return {path.rpartition("/")[2]: shown for path, shown in plain(shot).items()}


def first_frame(farm, project, shot):
    """Wait until every file of a frame is in place."""
    names = {name.format("0001") for name in SETS[shot]}
    farm.until(lambda: names <= set(landed(farm, project)), "the first frame is in place")


def kill(pids):
    """Kill what is still there of these; which were."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids


@pytest.mark.parametrize("shot", SETS)
def test_every_file_of_every_frame_is_in_place_although_blender_and_daemon_are_killed(
    farm, project, plain, shot
):
    jid = farm.queue(project / f"{shot}.blend", "--chunk", 2)
    first = farm.up("ws1")
    first_frame(farm, project, shot)
    farm.until(lambda: kill(farm.commands(jid)), "a Blender is killed")
    farm.until(lambda: any(c.attempt == 2 and c.owner for c in farm.chunks(jid)), "it runs again")
    before = len(landed(farm, project))
    whole = 6 * len(SETS[shot])
    farm.until(lambda: len(landed(farm, project)) > min(before, whole - 1), "it goes on")
    first.kill()
    farm.up("ws1")
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert landed(farm, project) == wanted(plain, shot)
    assert len(landed(farm, project)) == whole
    farm.until(lambda: farm.litter() == [], "nothing is left beside the frames")
