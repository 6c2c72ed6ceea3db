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
    """Wait until every file of any frame is in place: the others of its chunk are in work."""
    sets = [{name.format(f"{n:04d}") for name in SETS[shot]} for n in range(1, 7)]

    def is_there():
        there = set(landed(farm, project))
        return any(names <= there for names in sets)

    farm.until(is_there, "a frame is in place")


def kill(pids):
    """Kill what is still there of these; which were."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids


def goes_on(farm, jid):
    """An open Blender that crashed costs no attempt: one of its own does the rest."""
    farm.logged(jid, "a Blender of its own goes on")
    assert {(c.attempt, c.failures) for c in farm.chunks(jid)} == {(1, 0)}


def runs_again(farm, jid):
    farm.until(lambda: any(c.attempt == 2 and c.owner for c in farm.chunks(jid)), "it runs again")


@pytest.mark.parametrize(("shot", "is_warm"), [*((shot, "yes") for shot in SETS), ("passes", "no")])
def test_every_file_of_every_frame_is_in_place_although_blender_and_daemon_are_killed(
    farm, project, plain, shot, is_warm
):
    jid = farm.queue(project / f"{shot}.blend", "--chunk", 3)
    first = farm.up("ws1", env={"RENDERD_WARM": is_warm})
    first_frame(farm, project, shot)
    farm.until(lambda: kill(farm.commands(jid)), "a Blender is killed")
    (goes_on if is_warm == "yes" else runs_again)(farm, jid)
    before = len(landed(farm, project))
    whole = 6 * len(SETS[shot])
    farm.until(lambda: len(landed(farm, project)) > min(before, whole - 1), "it goes on")
    first.kill()
    farm.up("ws1")
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert landed(farm, project) == wanted(plain, shot)
    assert len(landed(farm, project)) == whole
    farm.until(lambda: farm.litter() == [], "nothing is left beside the frames")
