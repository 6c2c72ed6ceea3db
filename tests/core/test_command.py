"""What a command line means to Blender, and how it is cut into runs."""

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderd.core.command import (
    SAFE_SCENE,
    finish,
    for_frames,
    is_blender,
    parse,
    resolve_out,
    template,
)
from renderd.core.frames import Run
from renderd.core.options import is_early
from renderd.core.template import fill
from renderd.errors import FramesError, UsageError


def command(line):
    found = parse(shlex.split(line))
    assert found is not None
    return found


def filled(words, run):
    """The words as a node gets them."""
    return fill(words, {"start": str(run.first), "end": str(run.last), "step": str(run.step)})


@pytest.mark.parametrize(
    "line",
    [
        "blender -b x.blend -a",
        "/opt/blender-4.2.3-linux-x64/blender -b x.blend -a",
        "blender-4.5 -b x.blend -a",
        "C:\\\\Blender\\\\blender.exe -b x.blend -a",
        "/Applications/Blender.app/Contents/MacOS/Blender -b x.blend -a",
        "python3 -m renderd.blender -b x.blend -a",
        "/usr/bin/python3.11 -u -m renderd.blender -b x.blend -a",
        "env LANG=C nice -n 5 blender -b x.blend -a",
        "xvfb-run -a blender -b x.blend -a",
        "flatpak run org.blender.Blender -b x.blend -a",
        "snap run blender -b x.blend -a",
    ],
)
def test_blender_is_known_however_it_is_started(line):
    assert is_blender(shlex.split(line))
    assert command(line).blend == "x.blend"


@pytest.mark.parametrize(
    "line", ["", "nuke -x s.nk", "blend -b x", "python3 blender.py", "sh -c 'blender -b x'", "env"]
)
def test_other_programs_are_not_blender(line):
    words = shlex.split(line)
    assert parse(words) is None
    assert finish(words, Run(1, 5)) == tuple(words)


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("-s 1 -e 250 -a", (Run(1, 250),)),
        ("-s 1 -e 10 -j 3 -a", (Run(1, 10, 3),)),
        ("-s 1 -e 12 -j 3 -a", (Run(1, 10, 3),)),
        ("-f 5", (Run(5, 5),)),
        ("-f 1..250", (Run(1, 250),)),
        ("-f 1,5,7..9", (Run(1, 1), Run(5, 5), Run(7, 9))),
        ("--frame-start 2 --frame-end 4 --render-anim", (Run(2, 4),)),
        ("-s 1 -e 3 -a -s 7 -e 9 -a", (Run(1, 3), Run(7, 9))),
        ("-f 3 -f 2 -f 1", (Run(1, 3),)),
        ("-s 0 -s -5 -e 0 -e -3 -a", (Run(-5, -3),)),
        ("-s 10 -s +5 -e 20 -a", (Run(15, 20),)),
        ("-a", None),
        ("-s 5 -a", None),
        ("-s {start} -e {end} -a", None),
    ],
)
def test_its_own_range_is_read(line, runs):
    found = command(f"blender -b x.blend {line}")
    assert found.runs == runs
    assert found.problems == ()


def test_a_list_too_long_to_sort_out_is_refused():
    found = command("blender -b x.blend -f 1..1000000,1..1000000")
    assert found.runs is None
    assert "1,000,000 frames" in found.problems[0]


def test_what_is_not_said_comes_from_the_file():
    found = command("blender -b x.blend -s 5 -a")
    assert found.runs_in(1, 20, 2) == (Run(5, 19, 2),)
    assert command("blender -b x.blend -a").runs_in(-20, -3) == (Run(-20, -3),)
    assert command("blender -b x.blend -f -3").runs_in(1, 10) == (Run(8, 8),)


def test_the_settings_before_the_render_are_read():
    found = command(
        "blender --factory-startup -Y -b /p/x.blend -S 'Shot B' -E CYCLES -F OPEN_EXR -x 0"
        " -o //r/b_#### -t 4 -a -- --cycles-device CUDA"
    )
    assert (found.scene, found.engine, found.format) == ("Shot B", "CYCLES", "OPEN_EXR")
    assert (found.out, found.extension, found.autoexec) == ("//r/b_####", False, False)
    assert found.factory_startup
    assert found.renders == "a"
    assert found.problems == found.notes == ()
    assert resolve_out(found.out, found.blend) == "/p/r/b_####"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("blender x.blend -a", "'-b' is missing"),
        ("blender -a -b x.blend", "'-b' stands after '-a'"),
        ("blender -b x.blend", "neither '-a' nor '-f'"),
        ("blender -b -a", "it names no .blend file"),
        ("blender -b x.blend y.blend -a", "it names 2 files"),
        ("blender -b x.blend -a -o /p/x", "'-o /p/x' stands after '-a', where Blender ignores it"),
        ("blender -b x.blend -a -S B", "'-S B' stands after '-a'"),
        ("blender -b x.blend -f 3 -E CYCLES", "'-E CYCLES' stands after '-f'"),
        ("blender -b x.blend -a -s 5", "'-s 5' stands after '-a'"),
        ("blender -b -o /p/x x.blend -a", "'-o /p/x' stands before the .blend file"),
        ("blender -b -a x.blend", "'-a' stands before the .blend file"),
        ("blender -b x.blend -s 1 -S B -a", "'-s 1' stands before '-S'"),
        ("blender -b x.blend -a -S B -a", "'-S' changes between two renders"),
        ("blender -b x.blend -s -5 -a", "'-s -5' counts back from the file's own start"),
        ("blender -b x.blend -e -3 -a", "frames: -3"),
        ("blender -b x.blend -s +5 -a", "'-s +5' counts from the file's own start"),
        ("blender -b x.blend -f -2", "'-f -2' counts back from the file's own end"),
        ("blender -b x.blend -s 10 -e 5 -a", "first frame 10 lies behind the last 5"),
        ("blender -b x.blend -f 9..5", "counts down"),
        ("blender -b x.blend -s ten -a", "'ten' in '-s ten' is no frame number"),
        ("blender -b x.blend -s 1 -e 1048575 -a", "beyond Blender's last"),
        ("blender -b x.blend -j 0 -a", "'-j 0' is no step"),
        ("blender -b x.blend -F EXRX -a", "'-F EXRX' is no format"),
        ("blender -b x.blend -x true -a", "'-x true' means nothing"),
        ("blender -b x.blend -a -s", "'-s' lacks its value"),
        ("blender -b x.blend -S -y -a", "takes the value for its own option '-y'"),
        ("blender -b x.blend -o f_ -a", "relative to whatever folder"),
        (f"blender -b x.blend -o /{'x' * 1023} -a", "longer than Blender's 1023 bytes"),
        ("blender -b x.blend -v -a", "'-v' makes Blender leave"),
        ("blender -b x.blend --python-console", "waits for a person"),
    ],
)
def test_a_line_that_would_lie_is_named(line, sentence):
    assert any(sentence in problem for problem in command(line).problems)


def test_a_script_may_render_by_itself():
    found = command("blender -b x.blend -P render.py -- {start} {end}")
    assert found.runs_script
    assert found.renders == ""
    assert found.problems == ()
    assert finish(["blender", "-b", "x", "-P", "r.py"], Run(1, 2)) == (
        "blender",
        "-b",
        "x",
        "-P",
        "r.py",
    )


def test_what_follows_two_dashes_belongs_to_the_script():
    assert command("blender -b x.blend -a -- -o late -S also").problems == ()


def test_an_option_we_do_not_know_is_a_doubt_and_no_refusal():
    found = command("blender -b x.blend --shiny 3 -a")
    assert found.problems == ()
    assert "'--shiny'" in found.notes[0]


def test_movies_are_told_by_the_format():
    assert command("blender -b x.blend -F FFMPEG -a").is_movie
    assert not command("blender -b x.blend -F PNG -a").is_movie


def test_the_template_puts_everything_in_the_order_that_blender_needs():
    words = template("/p/x.blend", "Shot", "{out}")
    assert " ".join(words) == (
        "blender --factory-startup -Y -b /p/x.blend -S Shot -o {out}"
        " -s {start} -e {end} -j {step} -a"
    )
    found = parse(words)
    assert found.problems == found.notes == ()


def test_without_an_output_the_file_keeps_its_own():
    assert "-o" not in template("/p/x.blend", out="")


@settings(deadline=None)
@given(st.text(min_size=1, max_size=70).filter(lambda name: "\0" not in name))
def test_any_scene_name_survives_the_template(name):
    run = Run(1, 3)
    words = finish(filled(template("/p/x.blend", name), run), run)
    found = parse(words)
    assert found.scene == name
    assert found.runs == (run,)
    assert found.problems == ()


@pytest.mark.parametrize("name", ["-y", "-v", "--", "-a", "--python-expr", "/?", "--not-yet"])
def test_a_scene_named_like_an_option_never_stands_alone(name):
    words = template("/p/x.blend", name)
    assert name not in words[words.index("/p/x.blend") + 1 : words.index("-o")] or not is_early(
        name
    )
    assert SAFE_SCENE in words
    assert parse(words).scene == name


@settings(deadline=None)
@given(st.integers(-1_048_574, 1_048_574), st.integers(1, 60), st.integers(1, 40), st.booleans())
def test_a_finished_line_renders_exactly_its_run(first, count, step, with_script):
    last = first + (count - 1) * step
    if last > 1_048_574:
        return
    run = Run(first, last, step)
    line = ["blender", "-b", "x.blend", "-S", "B", "-s", "1", "-e", "9", "-a"]
    if with_script:
        line += ["-P", "after.py", "--", "-a"]
    words = finish(line, run, "/private/f_####")
    found = parse(words)
    assert found.runs == (run,)
    assert (found.scene, found.out, found.problems) == ("B", "/private/f_####", ())
    assert words.count("-P") == with_script


def test_the_missing_frames_alone_are_asked_for():
    line = shlex.split(
        "nice blender -b x.blend -P set.py -S B -F OPEN_EXR -x 1 -o /old -s 1 -e 20 -j 1 -t 2 -a"
        " -- --cycles-device CPU"
    )
    words = for_frames(line, [20, 3, 1, 2, 11, 13, 15], "/new/f_####")
    found = parse(words)
    assert found.runs == (Run(1, 3), Run(11, 15, 2), Run(20, 20))
    assert (found.out, found.format, found.scene) == ("/new/f_####", "OPEN_EXR", "B")
    assert "/old" not in words
    assert words[-2:] == ("--cycles-device", "CPU")
    assert found.problems == ()


@settings(deadline=None)
@given(st.sets(st.integers(-50, 50), min_size=1, max_size=40))
def test_any_missing_frames_are_asked_for_once_each(frames):
    words = for_frames(["blender", "-b", "x.blend", "-a"], sorted(frames), "/n/f_")
    runs = parse(words).runs
    assert sorted(frame for run in runs for frame in run) == sorted(frames)


@pytest.mark.parametrize("run", [Run(1_048_575, 1_048_575), Run(-1_048_575, 3)])
def test_frames_that_blender_would_move_are_refused(run):
    with pytest.raises(FramesError, match="no frame"):
        finish(["blender", "-b", "x.blend", "-a"], run)


def test_an_output_that_blender_would_cut_is_refused():
    with pytest.raises(UsageError, match="1023 bytes"):
        finish(["blender", "-b", "x.blend", "-a"], Run(1, 1), "/" + "é" * 512)


@pytest.mark.parametrize(
    ("out", "blend", "path"),
    [
        ("//a/b_####", "/p/q.blend", "/p/a/b_####"),
        ("//b", "C:\\p\\q.blend", "C:\\p\\b"),
        ("/abs/b", "/p/q.blend", "/abs/b"),
        ("//b", "q.blend", "b"),
        ("//b", "{proj}/q.blend", "{proj}/b"),
    ],
)
def test_two_slashes_mean_the_files_folder(out, blend, path):
    assert resolve_out(out, blend) == path


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), max_size=12))
def test_no_words_break_the_reader(words):
    found = parse(["blender", *words])
    assert found is not None
    finish(["blender", *words], Run(-3, 5), "/o/x")
