"""Open Blenders of a slot, by a stand-in that speaks as the script inside Blender does."""

import contextlib
import os
import select
import signal
import sys
from dataclasses import replace

import pytest

from renderd.blender.request import Request, Start, understand
from renderd.blender.versions import BlenderProgram
from renderd.daemon import warmth
from renderd.daemon.warmth import Warmth
from renderd.host.guard import Guard

PATIENCE = 300.0  #: seconds; beside others what runs in the background gets a hundredth of a core
STANDIN = """
import json, os, socket, sys, time
if sys.argv[1:]:
    time.sleep(600)
channel = socket.socket(fileno=os.dup(0))
channel.sendall(b'{"ready": [3, 4, 1]}\\n')
for line in channel.makefile("rb"):
    asked = json.loads(line)
    print("acts out", asked["file"], os.environ.get("TMPDIR"), flush=True)
    if asked["file"] == "crash":
        os.abort()
    answer = {"status": int(asked["file"] == "fail"), "rss": 1 << 20}
    answer["is_worn"] = asked["file"] == "worn"
    channel.sendall(json.dumps(answer).encode() + b"\\n")
"""


class Slot:
    def __init__(self, folder):
        self.folder, self.now = folder, 0.0
        self.script = folder / "standin.py"
        self.script.write_text(STANDIN)
        self.guard = Guard.start()
        self.warmth = Warmth(self.guard, self.scratch, "/", lambda: self.now)

    @contextlib.contextmanager
    def scratch(self):
        made = self.folder / "tmp"
        made.mkdir()
        yield str(made)
        made.rmdir()

    def request(self, file="a.blend", owner=""):
        start = Start((sys.executable, str(self.script)), (), owner)
        return Request(
            start=start,
            argv=(),
            file=file,
            steps=(),
            environ={},
            folder="/",
            key="",
            keeps=True,
            runs_scripts=False,
        )

    def render(self, file="a.blend", owner=""):
        """Take a Blender, have it act something out, give it back; the Blender and why it ended."""
        blender = self.warmth.take(self.request(file, owner))
        task = blender.begin(self.request(file, owner))
        while not task.has_answered():
            poller = select.poll()
            for fd in (task.fileno(), blender.child.fileno()):
                if fd >= 0:
                    poller.register(fd)
            assert poller.poll(PATIENCE * 1000)
            if blender.pid and not blender.is_well() and task.wait(0.01) is not None:
                break
        return blender, self.warmth.give_back(task)


@pytest.fixture
def slot(tmp_path):
    made = Slot(tmp_path)
    yield made
    made.warmth.end_all()
    made.guard.close()


def runs(blender):
    return os.path.exists(f"/proc/{blender.pid}")


def test_the_next_command_line_finds_the_same_blender(slot):
    first, why = slot.render()
    second, _ = slot.render("b.blend")
    assert (first, why) == (second, "")
    assert slot.warmth.is_warm


def test_one_that_was_stopped_while_it_started_is_asked_again(slot):
    request = replace(slot.request(), start=Start((sys.executable, str(slot.script), "slow"), ()))
    task = slot.warmth.take(request).begin(request)
    task.stop(0.0)
    assert slot.warmth.give_back(task)
    assert not slot.warmth._cold


def test_one_of_another_start_is_another_and_no_more_than_two_wait(slot):
    blenders = []
    for owner in ("j1", "j2", "j3"):
        slot.scratch = contextlib.nullcontext
        slot.warmth.scratch = lambda: contextlib.nullcontext("")
        blenders.append(slot.render(owner=owner)[0])
    assert [runs(one) for one in blenders] == [False, True, True]


@pytest.mark.parametrize("file", ["fail", "worn", "crash"])
def test_what_went_wrong_ends_with_its_request(slot, file):
    blender, why = slot.render(file)
    assert why
    assert not runs(blender)
    assert not slot.warmth.is_warm
    assert not (slot.folder / "tmp").exists()


def test_an_idle_one_ends_after_two_minutes(slot):
    blender, _ = slot.render()
    slot.now = warmth.IDLE_FOR - 1
    slot.warmth.look()
    assert runs(blender)
    slot.now = warmth.IDLE_FOR
    slot.warmth.look()
    assert not runs(blender)
    assert slot.warmth.patience() is None


def test_all_end_where_the_memory_is_needed(slot):
    blender, _ = slot.render()
    slot.warmth.ram_bytes = 1 << 60  # of which next to nothing is available
    slot.warmth.look()
    assert not runs(blender)


def test_one_that_died_with_the_guard_is_let_go_and_the_next_is_fresh(slot):
    first, _ = slot.render()
    os.kill(slot.guard.pid, signal.SIGKILL)
    assert select.select([first.child], [], [], PATIENCE)[0], "the guard is gone"
    slot.warmth.look()
    assert not slot.warmth.is_warm
    second, _ = slot.render()
    os.kill(slot.guard.pid, signal.SIGKILL)
    assert select.select([second.child], [], [], PATIENCE)[0], "the guard is gone"
    third, why = slot.render()
    assert (third.uses, why) == (1, "")


def test_one_that_dies_just_before_its_request_ends_like_a_crash(slot):
    slot.render()
    blender = slot.warmth.take(slot.request())
    os.kill(blender.pid, signal.SIGKILL)
    assert select.select([blender.child], [], [], PATIENCE)[0], "it is gone"
    task = blender.begin(slot.request())
    assert task.wait(PATIENCE).code == -signal.SIGKILL
    assert slot.warmth.give_back(task)
    assert not slot.warmth.is_warm


def test_a_program_in_which_our_script_never_ran_is_not_asked_again(slot):
    line = f"{sys.executable} -Y -b /p/a.blend -s 1 -e 2 -j 1 -a".split()
    line = ["blender", *line[1:]]
    known = [BlenderProgram(("blender",), (3, 4, 1))]
    assert slot.warmth.understand(line, {}, "j", known) is not None
    assert slot.warmth.understand(line, {}, "j", []) is None
    assert slot.warmth.understand(line, {}, "j", [BlenderProgram(("blender",), None)]) is None
    assert slot.warmth.understand(line, {}, "j", [BlenderProgram(("blender",), (2, 79, 0))]) is None
    slot.warmth._cold.add(understand(line, {}, "/", "j").start.words)
    assert slot.warmth.understand(line, {}, "j", known) is None
