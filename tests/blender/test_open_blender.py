"""A Blender that stays open makes the same pictures as one started for each command."""

import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from renderd.blender.open_blender import OpenBlender
from renderd.blender.request import understand
from renderd.host.guard import Guard
from tests.blender.pictures import album

pytestmark = pytest.mark.blender
ROOT = Path(__file__).parents[2]
SHARED = ROOT.parents[1] / "shared" / "blend" / "render"
PATIENCE = 300.0
SCENES = ("Cycles", "Kept", "Bench", "Eevee", "Exr")


class Kitchen:
    """One Blender, open and plain: the same words to both."""

    def __init__(self, words):
        self.words, self.out = words, Path()
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.guard = Guard.start()
        self.open = self.answer = None
        self.text = ""

    def end(self):
        if self.open is not None:
            self.open.end()
            self.open = None

    def close(self):
        self.end()
        self.guard.close()

    def request(self, words, job="j1", **environ):
        return understand([*self.words, *words], {**self.environ, **environ}, "/", job)

    def warm(self, words, job="j1", **environ):
        """Act the words out in the open Blender; its answer, or how it ended."""
        request = self.request(words, job, **environ)
        assert request is not None, words
        if self.open is None or self.open.start != request.start:
            self.end()
            start = dict(request.start.environ)
            self.open = OpenBlender.launch(self.guard, request.start, start, "/")
        task = self.open.begin(request)
        self.text = self.follow(task)
        self.answer = task.answer
        return self.answer if self.answer is not None else task.wait(PATIENCE)

    def follow(self, task, enough=lambda _text: False):
        """Read what is printed until the answer, the end, or enough; all of it."""
        said, deadline = b"", time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            poller = select.poll()
            for fd in (self.open.output, task.fileno()):
                poller.register(fd, select.POLLIN)
            for fd, _ in poller.poll(1000):
                if fd == self.open.output:
                    data = os.read(fd, 1 << 16)
                    if not data:
                        return said.decode("utf-8", "replace")
                    said += data
                elif task.has_answered():
                    return said.decode("utf-8", "replace")
            if enough(said.decode("utf-8", "replace")):
                return said.decode("utf-8", "replace")
        raise AssertionError("no answer")

    def plain(self, words, **environ):
        """Run the words as a command; its exit status."""
        done = subprocess.run(
            [*self.words, *map(str, words)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env={**self.environ, **environ},
        )
        return done.returncode

    def both(self, blend, *words, job="j1", scene=""):
        """Render with both into folders of their own; the pictures of each, which are there."""
        found = []
        for how in (self.plain, self.warm):
            out = self.out / how.__name__
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            line = ["-Y", "--factory-startup", "-b", str(blend)]
            line += ["-S", scene] if scene else []
            line += ["-o", str(out / "f_####"), *words]
            status = how(line) if how == self.plain else how(line, job)
            found.append((getattr(status, "status", status), album(out)))
        return found


@pytest.fixture(scope="module")
def warm_folder(each_blender, make_with, tmp_path_factory):
    """warm.blend with a scene of each engine, and other.blend, whose pictures differ."""
    folder = tmp_path_factory.mktemp("warm")
    make_with(each_blender, (Path(__file__).parent / "make_warm.py").read_text(), folder)
    return folder


@pytest.fixture(scope="module")
def open_kitchen(each_blender):
    """One for all tests: what one leaves behind is the next one's trouble, as on a farm."""
    made = Kitchen(each_blender)
    yield made
    made.close()


@pytest.fixture
def kitchen(open_kitchen, tmp_path):
    open_kitchen.out = tmp_path
    return open_kitchen


def same(found):
    (plain_status, plain), (warm_status, warm) = found
    assert warm.keys() == plain.keys()
    assert [name for name in plain if warm[name] != plain[name]] == []
    assert bool(warm_status) == bool(plain_status)
    return list(plain)


def test_every_engine_makes_the_same_pictures_one_after_another(kitchen, warm_folder):
    for scene in SCENES:
        names = same(kitchen.both(warm_folder / "warm.blend", *_range(3, 4), scene=scene))
        assert names or scene in ("Bench", "Eevee")  # which need a screen, or a driver without one


def test_chunks_of_one_job_go_on_with_the_open_file(kitchen, warm_folder):
    for scene in ("Cycles", "Kept", "Exr"):
        for first in (1, 3, 20, 2):
            words = _range(first, first + 1)
            assert len(same(kitchen.both(warm_folder / "warm.blend", *words, scene=scene))) == 2
            assert kitchen.answer.opened is (first == 1)


def test_a_file_that_was_saved_again_is_opened_again(kitchen, warm_folder, tmp_path):
    path = tmp_path / "shot.blend"
    shutil.copy(warm_folder / "warm.blend", path)
    (_, before), _ = kitchen.both(path, *_range(1, 1))
    shutil.copy(warm_folder / "other.blend", path)
    found = kitchen.both(path, *_range(1, 1))
    same(found)
    assert found[0][1] != before


def test_another_job_opens_the_same_file_again(kitchen, warm_folder, tmp_path):
    line = ["-Y", "--factory-startup", "-b", str(warm_folder / "warm.blend")]
    line += ["-o", str(tmp_path / "f_"), *_range(1, 1)]
    opened = [kitchen.warm(line, job).opened for job in ("j1", "j1", "j2")]
    assert opened == [True, False, True]


def test_steps_single_frames_and_several_ranges_come_out_as_in_plain_blender(kitchen, warm_folder):
    blend = warm_folder / "warm.blend"
    assert len(same(kitchen.both(blend, "-s", "1", "-e", "7", "-j", "3", "-a"))) == 3
    assert len(same(kitchen.both(blend, "-f", "2,5"))) == 2
    assert len(same(kitchen.both(blend, *_range(1, 2), *_range(5, 5)))) == 3
    assert len(same(kitchen.both(blend, "-a"))) == 3  # the file's own range and step
    assert len(same(kitchen.both(blend, "-F", "TGA", "-x", "1", *_range(1, 1)))) == 1
    assert len(same(kitchen.both(blend, "-E", "CYCLES", *_range(1, 1), scene="Bench"))) == 1


@pytest.mark.parametrize(
    "words",
    [("-S", "Nobody"), ("-E", "NOTHING")],
    ids=" ".join,
)
def test_what_plain_blender_does_otherwise_is_refused_before_anything_is_rendered(
    kitchen, warm_folder, tmp_path, words
):
    out = tmp_path / "refused"
    line = ["-Y", "--factory-startup", "-b", str(warm_folder / "warm.blend"), *words]
    answer = kitchen.warm([*line, "-o", str(out / "f_"), *_range(1, 1)])
    assert answer.refused
    assert not out.exists()


def test_a_format_that_would_lose_the_files_colours_is_refused(kitchen, warm_folder, tmp_path):
    line = ["-Y", "--factory-startup", "-b", str(warm_folder / "warm.blend"), "-F", "BMP"]
    answer = kitchen.warm([*line, "-o", str(tmp_path / "bmp" / "f_"), *_range(1, 1)])
    is_package = len(kitchen.words) > 1  # which sets it as we do, when it runs plainly
    assert bool(answer.refused) is not is_package
    assert (tmp_path / "bmp").exists() is is_package


def test_negative_frames_are_left_to_plain_blender(kitchen, warm_folder, tmp_path):
    line = ["-Y", "--factory-startup", "-b", str(warm_folder / "warm.blend"), "-o"]
    line += [str(tmp_path / "neg" / "f_"), "-s", "0", "-s", "-3", "-e", "1", "-j", "1", "-a"]
    assert kitchen.warm(line).refused
    assert not (tmp_path / "neg").exists()


def test_a_file_without_a_camera_or_none_at_all_fails_and_the_next_request_works(
    kitchen, warm_folder, tmp_path
):
    line = ["-Y", "--factory-startup", "-b", str(tmp_path / "gone.blend"), "-o", str(tmp_path)]
    assert kitchen.warm([*line, *_range(1, 1)]).status == 1
    same(kitchen.both(warm_folder / "warm.blend", *_range(1, 1)))


SPOILER = """
import bpy, os, sys
bpy.app.handlers.render_pre.append(bpy.app.handlers.persistent(lambda *_: print("LEFT OVER")))
bpy.app.driver_namespace["left"] = 1
os.environ["LEFT"] = "1"
sys.path.append("/left")
os.chdir("/tmp")
print("ARGV", sys.argv[-1], __name__, os.environ["RENDERD_CHUNK"])
"""
LOOKER = """
import bpy, os, sys
said = [os.environ.get("LEFT"), bpy.app.driver_namespace.get("left"), "/left" in sys.path]
print("FOUND", said, os.getcwd(), os.environ["RENDERD_CHUNK"])
"""


def test_what_a_script_changes_is_gone_for_the_next_chunk(kitchen, warm_folder, tmp_path):
    for name, text in (("spoiler.py", SPOILER), ("looker.py", LOOKER)):
        (tmp_path / name).write_text(text)
    line = ["-Y", "--factory-startup", "-b", str(warm_folder / "warm.blend")]
    line += ["-o", str(tmp_path / "f_"), "-P"]
    kitchen.warm([*line, str(tmp_path / "spoiler.py"), *_range(1, 1)], RENDERD_CHUNK="7")
    pid = kitchen.open.pid
    assert f"ARGV {_range(1, 1)[-1]} __main__ 7" in kitchen.text
    assert "LEFT OVER" in kitchen.text
    kitchen.warm([*line, str(tmp_path / "looker.py"), *_range(1, 1)], RENDERD_CHUNK="8")
    assert "FOUND [None, None, False] / 8" in kitchen.text
    assert "LEFT OVER" not in kitchen.text
    assert kitchen.open.pid == pid


def test_one_jobs_script_runs_in_no_others_blender(kitchen, warm_folder, tmp_path):
    script = tmp_path / "mine.py"
    script.write_text("pass\n")
    blend = str(warm_folder / "warm.blend")
    line = ["-Y", "--factory-startup", "-b", blend, "-P", str(script), *_range(1, 1)]
    mine, others = (kitchen.request(line, job) for job in ("j1", "j2"))
    assert mine.start != others.start
    assert not mine.keeps


def test_a_script_that_fails_ends_the_request_where_it_should(kitchen, warm_folder, tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("raise ValueError('as meant')\n")
    line = ["-Y", "--factory-startup", "-b", str(warm_folder / "warm.blend"), "-o"]
    out = [str(tmp_path / "broken" / "f_")]
    rest = ["-P", str(script), *_range(1, 1)]
    assert kitchen.warm([*line, *out, "--python-exit-code", "3", *rest]).status == 3
    assert "as meant" in kitchen.text
    assert not (tmp_path / "broken").exists()
    assert kitchen.warm([*line, *out, *rest]).status == 0  # as Blender goes on without
    assert (tmp_path / "broken").exists()


def test_a_blender_that_is_killed_is_told_from_one_that_answered(kitchen, warm_folder, tmp_path):
    line = ["-Y", "--factory-startup", "-b", str(warm_folder / "warm.blend")]
    line += ["-o", str(tmp_path / "f_"), *_range(1, 1)]
    kitchen.warm(line)
    assert kitchen.open.is_well()
    task = kitchen.open.begin(kitchen.request([*line[:-1], "-j", "1", "-e", "100000", "-a"]))
    kitchen.follow(task, lambda text: "Fra:" in text)
    os.kill(kitchen.open.pid, signal.SIGKILL)
    ended = task.wait(PATIENCE)
    assert (ended.code, task.answer) == (-signal.SIGKILL, None)
    assert task.has_died
    assert not kitchen.open.is_well()
    kitchen.end()


def test_an_open_blender_ends_with_its_guard(kitchen, warm_folder, tmp_path):
    line = ["-Y", "--factory-startup", "-b", str(warm_folder / "warm.blend")]
    kitchen.warm([*line, "-o", str(tmp_path / "f_"), *_range(1, 1)])
    pid = kitchen.open.pid
    kitchen.guard.close()
    assert not os.path.exists(f"/proc/{pid}")
    kitchen.end()
    kitchen.guard = Guard.start()


def test_the_answer_tells_what_the_request_used(kitchen, warm_folder, tmp_path):
    line = ["-Y", "--factory-startup", "-b", str(warm_folder / "warm.blend")]
    answer = kitchen.warm([*line, "-o", str(tmp_path / "f_"), *_range(1, 2)])
    assert answer.cpu > 0
    assert answer.peak >= answer.rss > 50 << 20


def test_hundreds_of_chunks_make_it_no_larger(kitchen, warm_folder, tmp_path):
    """Two files in turn, each opened anew: what a request leaves behind would add up."""
    sizes = []
    for at in range(200):
        path = warm_folder / ("warm.blend", "other.blend")[at % 2]
        line = ["-Y", "--factory-startup", "-b", str(path), "-o", str(tmp_path / "f_")]
        answer = kitchen.warm([*line, *_range(1, 1)], f"j{at % 2}")
        assert (answer.status, answer.opened) == (0, True)
        sizes.append(answer.rss)
    assert max(sizes[150:]) - max(sizes[50:100]) < 16 << 20


def test_the_shared_scenes_come_out_the_same(kitchen):
    """Where the files are: every one that this Blender renders, in one open Blender."""
    for path in sorted(SHARED.glob("*.blend")) if SHARED.is_dir() else ():
        if path.stem != "heavy_cycles":
            same(kitchen.both(path, *_range(1, 3), job=path.stem))


def _range(first, last):
    return ["-s", str(first), "-e", str(last), "-j", "1", "-a"]
