"""Two jobs and one folder: whose pictures they are is never left to chance."""

import contextlib
import os
import signal

import pytest
from shots import colours

from renderd.errors import RenderdError
from tests.farm.workstation import is_stopped

pytestmark = pytest.mark.blender
NAMES = [f"shot_{n:04d}" for n in range(1, 7)]


def freeze(farm, jid):
    """Stop the job's Blender where it is, so that the job stays open; what lets it go on."""

    def stopped():
        for pid in farm.commands(jid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return [p for p in farm.commands(jid) if is_stopped(p)]

    pids = farm.until(stopped, "its Blender stands still")
    return lambda: [os.kill(pid, signal.SIGCONT) for pid in pids]


def is_idle(daemon):
    with contextlib.suppress(RenderdError):  # it may just be starting anew
        return daemon.status()["state"] == "idle"


@pytest.fixture
def red(farm, project):
    """A job of red frames; the first of a chunk is in place, the other in work."""
    jid = farm.queue(project / "slow_red.blend", "--chunk", 2, "--name", "red")
    farm.up("ws1", "--slots", "1")
    farm.until(lambda: colours(farm.out), "a red frame is in place")
    return jid


def test_a_second_job_for_the_same_frames_is_refused_and_the_first_named(farm, project, red):
    go_on = freeze(farm, red)
    said = farm.render("add", project / "blue.blend", "--out", farm.out / "shot_####", status=1)
    assert red in said
    assert "--replace" in said
    go_on()
    assert farm.ended(red) == "done"
    assert colours(farm.out) == dict.fromkeys(NAMES, "red")


def test_what_replaces_a_job_cancels_it_and_every_frame_is_the_new_ones(farm, project, red):
    freeze(farm, red)
    blue = farm.queue(project / "blue.blend", "--chunk", 2, "--replace")
    assert farm.ended(blue) == "done", farm.errors(blue)
    assert farm.state(red) == "cancelled"
    assert colours(farm.out) == dict.fromkeys(NAMES, "blue")
    farm.until(lambda: farm.litter() == [], "only frames are left")


def test_a_dropped_file_for_the_same_frames_is_held_and_goes_on_when_it_is_told(farm, project, red):
    go_on = freeze(farm, red)
    farm.drop(f"blender -b {project}/blue.blend -o {farm.out}/shot_#### -a\n", "blue.info")
    farm.until(lambda: farm.state(farm.named("blue")) == "held", "the drop is held")
    blue = farm.named("blue")
    assert red in farm.render("why", blue)
    go_on()
    assert farm.ended(red) == "done"
    assert colours(farm.out) == dict.fromkeys(NAMES, "red")
    farm.render("release", blue)
    assert farm.ended(blue) == "done", farm.errors(blue)
    assert colours(farm.out) == dict.fromkeys(NAMES, "blue")


def test_a_daemon_that_missed_the_change_puts_no_frame_of_the_old_job_in_place(farm, project, red):
    """Asleep while its job was replaced, it wakes with red frames in hand."""
    (asleep,) = farm.daemons
    farm.until(lambda: farm.commands(red), "a red frame is in work")
    asleep.freeze()
    blue = farm.queue(project / "blue.blend", "--chunk", 2, "--replace")
    farm.up("ws2")
    assert farm.ended(blue) == "done", farm.errors(blue)
    asleep.thaw()
    farm.until(lambda: not farm.commands(red), "nothing red runs any more")
    farm.until(lambda: is_idle(asleep), "it looked around")
    assert colours(farm.out) == dict.fromkeys(NAMES, "blue")


def test_a_job_whose_passes_are_another_open_jobs_is_held_before_it_renders(farm, project):
    """The main images go to different places, those of the File Output nodes to one."""
    shot = project / "passes.blend"
    first = farm.queue(shot, "--out", farm.out / "first_####", "--chunk", 2)
    farm.up("ws1", "--slots", "1")
    farm.until(lambda: colours(project / "passes"), "a pass is in place")
    freeze(farm, first)
    second = farm.queue(shot, "--out", farm.out / "second_####", "--chunk", 6)
    farm.up("ws2")
    farm.until(lambda: farm.state(second) == "held", "the second is held")
    assert first in farm.render("why", second)
    assert not list(farm.out.glob("second_*"))
    assert [c.failures for c in farm.chunks(second)] == [0]
    farm.render("cancel", first)
    farm.render("release", second)
    assert farm.ended(second) == "done", farm.errors(second)
    assert len(list(farm.out.glob("second_*.png"))) == 6
    assert len(colours(project / "passes")) == 12
