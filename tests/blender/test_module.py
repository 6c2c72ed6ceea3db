"""The bpy package driven by Blender's command line: ``python -m renderd.blender``."""

from pathlib import Path

import pytest

from renderd.core.command import finish, parse, template
from renderd.core.frames import Run
from renderd.core.template import fill

pytestmark = pytest.mark.blender
ROOT = Path(__file__).parents[2]


@pytest.fixture
def act(run, module_words):
    """Run the package with these words behind it."""
    return lambda *words: run([*module_words, *words], PYTHONPATH=str(ROOT))


@pytest.fixture
def start(tiny):
    return ["--factory-startup", "-Y", "-b", tiny / "tiny.blend"]


def pngs(*frames):
    return sorted(f"f_{frame}.png" for frame in frames)


def test_it_tells_its_version_as_blender_does(act):
    assert act("-v").text.startswith("Blender ")


def test_a_chunk_of_the_farm_renders_the_same_frames(act, tiny, out, module_words):
    words = template(str(tiny / "tiny.blend"), "B", str(out / "f_"), program=module_words)
    words = fill(finish(words, Run(13, 19, 3)), {})
    assert parse(words).scene == "B"
    done = act(*words[len(module_words) :])
    assert (done.status, done.files) == (0, pngs("0013", "0016", "0019"))
    assert done.watch.done == {13, 16, 19}


def test_negative_frames_are_named_as_blender_names_them(act, start, out):
    done = act(*start, "-o", out / "f_", "-s", "0", "-s", "-3", "-e", "1", "-j", "2", "-a")
    assert (done.status, done.files) == (0, pngs("-0003", "-0001", "0001"))


def test_a_list_of_frames_is_rendered(act, start, out):
    done = act(*start, "-o", out / "f_", "-f", "2,5..6")
    assert (done.status, done.files) == (0, pngs("0002", "0005", "0006"))


def test_the_format_and_its_ending_are_set(act, start, out):
    done = act(*start, "-F", "OPEN_EXR", "-x", "1", "-o", out / "f_", "-f", "1")
    assert (done.status, done.files) == (0, ["f_0001.exr"])


def test_a_scene_named_like_an_option_is_rendered(act, tiny, out):
    words = fill(finish(template(str(tiny / "tiny.blend"), "-y", str(out / "f_")), Run(1, 1)), {})
    assert act(*words[1:]).files == pngs("0001")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["-S", "Nobody", "-f", "1"], "wrong-scene"),
        (["-E", "SPEEDY", "-f", "1"], "engine"),
        (["-F", "EXRX", "-f", "1"], "option"),
        (["-s", "two", "-a"], "option"),
    ],
)
def test_what_it_cannot_do_ends_it_with_1(act, start, out, words, cause):
    done = act(*start, "-o", out / "f_", *words)
    assert (done.status, done.files) == (1, [])
    assert done.watch.reason.cause == cause


def test_no_camera_ends_it_with_1(act, tiny, out):
    done = act("-b", tiny / "blind.blend", "-o", out / "f_", "-f", "1")
    assert (done.status, done.files, done.watch.reason.cause) == (1, [], "no-camera")


def test_a_missing_file_ends_it_with_1(act, out):
    done = act("-b", out / "none.blend", "-a")
    assert (done.status, done.watch.reason.cause) == (1, "no-blend")


def test_python_runs_in_its_place_and_its_failure_can_be_final(act, start, out):
    set_end = "import bpy; bpy.context.scene.render.filepath += 'by_script_'"
    done = act(*start, "-o", out / "f_", "--python-expr", set_end, "-f", "1")
    assert done.files == ["f_by_script_0001.png"]
    failed = act(*start, "--python-exit-code", "7", "--python-expr", "1/0", "-o", out / "n", "-a")
    assert failed.status == 7
    assert failed.files == done.files
