"""What Blender really does with its command line: every claim that the farm leans on."""

import shutil
from pathlib import Path

import pytest

from renderd.blender import formats
from renderd.blender.versions import ask_version, too_new
from renderd.core.command import finish, for_frames, parse, resolve_out, template
from renderd.core.frames import Run
from renderd.core.template import fill

pytestmark = pytest.mark.blender
SHARED = Path(__file__).parents[3] / "shared" / "blend"
NASTY = "a{b} '\"\n$(x)"


@pytest.fixture
def start(blender, tiny):
    """The words before the options."""
    return [blender, "--factory-startup", "-b", str(tiny / "tiny.blend")]


def chunk(tiny, out, scene, run):
    """The words of one chunk, as the farm makes them."""
    words = template(str(tiny / "tiny.blend"), scene, str(out / "f_####"))
    return fill(finish(words, run), {})


def pngs(*frames):
    return sorted(f"f_{frame}.png" for frame in frames)


def test_a_signed_start_is_relative_to_the_files_own(run, start, out):
    done = run([*start, "-o", out / "f_", "-s", "-2", "-e", "1", "-a"])
    assert (done.status, done.files) == (0, pngs("-0001", "0000", "0001"))
    assert parse([*start, "-s", "-2", "-e", "1", "-a"]).problems


def test_a_chunk_of_negative_frames_renders_exactly_them(run, tiny, out):
    done = run(chunk(tiny, out, "A", Run(-5, -3)))
    assert (done.status, done.files) == (0, pngs("-0005", "-0004", "-0003"))


def test_a_chunk_across_zero_keeps_its_step(run, tiny, out):
    done = run(chunk(tiny, out, "A", Run(-4, 2, 3)))
    assert (done.status, done.files) == (0, pngs("-0004", "-0001", "0002"))


def test_a_chunk_keeps_the_phase_of_the_whole_step(run, tiny, out):
    done = run(chunk(tiny, out, "B", Run(13, 19, 3)))
    assert done.files == pngs("0013", "0016", "0019")


def test_several_ranges_in_one_line_are_all_rendered(run, tiny, out):
    words = template(str(tiny / "tiny.blend"), "A", str(out / "f_####"))
    done = run(for_frames(words, [1, 2, 7, 9, 11, -2], str(out / "f_####")))
    assert done.status == 0
    assert done.files == pngs("-0002", "0001", "0002", "0007", "0009", "0011")


def test_the_files_step_counts_for_a_range_but_not_for_single_frames(run, start, out):
    done = run([*start, "-S", "B", "-o", out / "f_", "-s", "1", "-e", "5", "-a", "-f", "10..11"])
    assert done.files == pngs("0001", "0004", "0010", "0011")


@pytest.mark.parametrize("late", [["-o", "/late_"], ["-S", "B"], ["-s", "3"], ["-F", "JPEG"]])
def test_what_stands_after_the_render_is_ignored(run, start, out, late):
    words = [*start, "-o", out / "f_", "-e", "1", "-a", *late]
    done = run(words)
    assert (done.status, done.files) == (0, pngs("0001"))
    assert "stands after '-a'" in parse([str(word) for word in words]).problems[0]


def test_what_stands_before_the_file_is_replaced_by_it(run, blender, tiny, out):
    words = [blender, "--factory-startup", "-b", "-F", "JPEG", str(tiny / "tiny.blend")]
    words += ["-o", str(out / "f_"), "-f", "1"]
    assert run(words).files == pngs("0001")
    assert "stands before the .blend" in parse(words).problems[0]


def test_a_range_before_the_scene_changes_another_scene(run, start, out):
    words = [*start, "-e", "1", "-j", "40", "-S", "B", "-o", str(out / "f_"), "-j", "15", "-a"]
    assert run(words).files == pngs("0001", "0016")
    assert "'-e 1' stands before '-S'" in parse(words).problems[0]


def test_an_unknown_scene_renders_another_and_exits_0(run, start, out):
    done = run([*start, "-S", "Nobody", "-o", out / "f_", "-f", "1"])
    assert (done.status, done.files) == (0, pngs("0001"))
    assert done.watch.reason.cause == "wrong-scene"
    assert done.watch.reason.is_fatal


@pytest.mark.parametrize("scene", ["-y", "-v", NASTY, "//"])
def test_a_scene_of_any_name_is_rendered_and_nothing_else_happens(run, tiny, out, scene):
    look = "import bpy; print('SCENE', ascii(bpy.context.scene.name), bpy.app.autoexec_fail)"
    words = [*chunk(tiny, out, scene, Run(1, 2)), "--python-expr", look]
    words[-2:-2] = [
        "--python-expr",
        "import bpy; print('AUTO', bpy.context.preferences.filepaths.use_scripts_auto_execute)",
    ]
    done = run(words)
    assert (done.status, done.files) == (0, pngs("0001", "0002"))
    shown = "renderd scene" if scene.startswith("-") or "\n" in scene else scene
    assert f"SCENE {shown!a}" in done.text
    assert "AUTO False" in done.text
    assert not done.watch.failures


def test_a_scene_named_like_an_option_is_taken_for_it(run, start, out):
    done = run([*start, "-S", "-v", "-o", out / "f_", "-f", "1"])
    assert (done.status, done.files) == (0, [])
    assert "takes the value for its own option" in parse([*start, "-S", "-v", "-a"]).problems[0]


def test_an_unknown_format_is_ignored_with_exit_0(run, start, out):
    done = run([*start, "-F", "EXRX", "-o", out / "f_", "-f", "1"])
    assert (done.status, done.files) == (0, pngs("0001"))
    assert done.watch.reason.is_fatal


def test_a_word_that_is_no_number_is_ignored_with_exit_0(run, start, out):
    done = run([*start, "-s", "two", "-e", "1", "-o", out / "f_", "-a"])
    assert (done.status, done.files) == (0, pngs("0001"))
    assert done.watch.reason.is_fatal


def test_a_range_that_counts_down_renders_nothing_with_exit_0(run, start, out):
    done = run([*start, "-o", out / "f_", "-s", "10", "-e", "5", "-a"])
    assert (done.status, done.files) == (0, [])


def test_frames_behind_the_last_are_moved_there_with_exit_0(run, start, out):
    done = run([*start, "-o", out / "f_", "-s", "1048575", "-e", "1048580", "-a"])
    assert (done.status, done.files) == (0, pngs("1048574"))


def test_an_unknown_option_is_opened_as_a_file_and_fails(run, start, out):
    done = run([*start, "--shiny", "-o", out / "f_", "-f", "1"])
    assert (done.status, done.files) == (1, [])
    assert done.watch.reason.cause == "unknown-option"


def test_no_camera_exits_1(run, blender, tiny, out):
    done = run([blender, "-b", tiny / "blind.blend", "-o", out / "f_", "-f", "1"])
    assert (done.status, done.files) == (1, [])
    assert done.watch.reason.cause == "no-camera"


def test_an_unknown_engine_exits_1(run, start, out):
    done = run([*start, "-E", "SPEEDY", "-o", out / "f_", "-f", "1"])
    assert (done.status, done.watch.reason.cause) == (1, "engine")


def test_a_frame_that_cannot_be_written_exits_1(run, start, out):
    (out / "file").write_text("in the way")
    done = run([*start, "-o", out / "file" / "f_", "-f", "1"])
    assert (done.status, done.watch.reason.cause) == (1, "save")


def test_a_missing_file_exits_1(run, blender, out):
    done = run([blender, "-b", out / "none.blend", "-f", "1"])
    assert (done.status, done.watch.reason.cause) == (1, "no-blend")


def test_a_file_of_the_new_header_is_called_no_blend_file(run, blender, tiny, out, tmp_path):
    newer = tmp_path / "newer.blend"
    newer.write_bytes(b"BLENDER17-01v9900" + (tiny / "tiny.blend").read_bytes()[12:])
    done = run([blender, "-b", newer, "-o", out / "f_", "-f", "1"])
    assert (done.status, done.files) == (1, [])
    assert done.watch.reason.cause in ("not-a-blend", "too-new")


def test_a_file_that_crashes_this_blender_is_held_back(run, blender, out):
    blend = SHARED / "generated" / "b4515_single_zstd.blend"
    if not blend.exists():
        pytest.skip(f"needs a file of Blender 4.5 at {blend}")
    version = ask_version([blender])
    if version >= (4, 0, 0):
        pytest.skip("this Blender opens files of 4.x without a crash")
    done = run([blender, "-b", blend, "-o", out / "f_", "-f", "1"], TMPDIR=str(out))
    assert done.status != 0
    assert done.watch.reason.cause == "crash"
    assert "cannot open" in too_new(405, version)


def test_the_files_own_output_lies_beside_it(run, blender, tiny, out):
    blend = out / "copy.blend"
    shutil.copy(tiny / "tiny.blend", blend)
    done = run([blender, "-b", blend, "-f", "2"])
    assert (done.status, done.files) == (0, ["A_0002.png", "copy.blend"])
    assert resolve_out("//own/A_", str(blend)) == str(out / "own" / "A_")
    assert done.watch.saved == [str(out / "own" / "A_0002.png")]


def test_a_path_longer_than_its_field_is_cut_with_exit_0(run, start, out):
    deep = out
    while len(str(deep)) < 1000:
        deep /= "d" * 20
    words = [*start, "-o", str(deep / ("e" * 80)), "-f", "1"]
    done = run(words)
    assert done.status == 0
    assert len(done.watch.saved[0]) < len(words[-3])
    assert "longer than Blender's" in parse(words).problems[0]


CASES = [
    ("PNG", "1", "a_"),
    ("JPEG", "1", "b_##_c"),
    ("OPEN_EXR", "1", "d.png"),
    ("OPEN_EXR", "1", "e_#.png"),
    ("TIFF", "1", "f_####.tiff"),
    ("TGA", "0", "g_###"),
    ("BMP", "1", "h.v2_####"),
]


def test_every_format_makes_the_file_that_we_expect(run, start, out):
    words = [*start]
    for name, extension, pattern in CASES:
        words += ["-F", name, "-x", extension, "-o", out / pattern, "-f", "7"]
    done = run(words)
    wanted = [formats.expected_path(p, 7, name, x == "1") for name, x, p in CASES]
    assert done.files == sorted(wanted)


def test_a_movie_is_one_file_a_run(run, start, out):
    done = run([*start, "-F", "AVIJPEG", "-x", "1", "-o", out / "m_", "-s", "1", "-e", "2", "-a"])
    if "not compiled" in done.text:
        pytest.skip("this Blender writes no AVI")
    assert done.files == ["m_0001-0002.avi"]
    assert formats.is_movie("AVIJPEG")
    assert done.watch.done == {1, 2}
