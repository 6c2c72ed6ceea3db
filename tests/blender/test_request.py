"""Which command lines an open Blender may act out, and which Blender may."""

import pytest

from renderd.blender.request import OBEY, understand

ENVIRON = {"PATH": "/bin", "RENDERD_JOB": "j", "RENDERD_CHUNK": "3", "TMPDIR": "/tmp/x"}


def asked(line, job="j1", **environ):
    return understand(line.split(), {**ENVIRON, **environ}, "/home", job)


LINE = "blender --factory-startup -Y -b /p/a.blend -S A -o /o/f_#### -s 1 -e 9 -j 2 -a"


def test_a_chunks_line_becomes_steps_in_their_order():
    found = asked(LINE)
    assert found.file == "/p/a.blend"
    assert found.steps == (
        *(("-S", "A"), ("-o", "/o/f_####"), ("-s", "1"), ("-e", "9"), ("-j", "2"), ("-a", "")),
    )
    assert found.start.words == ("blender", "--factory-startup", "-Y", "-b", "-P", OBEY)
    assert found.argv == tuple(LINE.split())
    assert found.keeps
    assert not found.runs_scripts


@pytest.mark.parametrize(
    "line",
    [
        "true",
        "nice -n 5 blender -Y -b /p/a.blend -s 1 -e 2 -j 1 -a",
        "timeout 60 blender -Y -b /p/a.blend -s 1 -e 2 -j 1 -a",
        "flatpak run org.blender.Blender -Y -b /p/a.blend -s 1 -e 2 -j 1 -a",
        "blender -Y -b /p/a.blend",
        "blender -Y -b /p/a.blend -P /p/render.py",
        "blender -b /p/a.blend -s 1 -e 2 -j 1 -a",  # the user's preferences say of scripts
        "blender -Y -b /p/a.blend /p/b.blend -s 1 -e 2 -j 1 -a",
        "blender -Y -P /p/x.py -b /p/a.blend -s 1 -e 2 -j 1 -a",
        "blender -Y -b /p/a.blend --addons x -s 1 -e 2 -j 1 -a",
        "blender -Y -b /p/a.blend --debug -s 1 -e 2 -j 1 -a",
        "blender -Y -b /p/a.blend --gpu-backend opengl -s 1 -e 2 -j 1 -a",
        "blender -Y -b /p/a.blend --python-text x -s 1 -e 2 -j 1 -a",
        "blender -Y -b /p/a.blend --unheard-of -s 1 -e 2 -j 1 -a",
        "blender -Y -b /p/a.blend -F PICTURE -s 1 -e 2 -j 1 -a",
        "blender -Y -b /p/a.blend -f -3",
        "blender -Y -b /p/a.blend -f 1..9999999",
    ],
)
def test_what_is_not_understood_runs_plainly(line):
    assert asked(line) is None


def test_what_needs_another_start_needs_another_blender():
    lines = [LINE, *(LINE.replace("-Y", more) for more in ("-Y -t 2", "-Y --addons x", "-y"))]
    lines += [LINE.replace("--factory-startup ", ""), f"/opt/b/{LINE}"]
    lines += [f"{LINE} -- --cycles-device CPU"]
    starts = [asked(line).start for line in lines] + [asked(LINE, OCIO="/x").start]
    assert len(set(starts)) == len(starts)
    assert asked(LINE, RENDERD_CHUNK="4", TMPDIR="/tmp/y").start == starts[0]


def test_chunks_of_one_job_share_the_open_file_and_other_settings_do_not():
    other = LINE.replace("-s 1 -e 9", "-s 11 -e 19").replace("/o/f_", "/o/other/f_")
    assert asked(other).key == asked(LINE).key
    assert asked(LINE, job="j2").key != asked(LINE).key
    assert asked(LINE.replace("-S A", "-S B")).key != asked(LINE).key
    assert asked(LINE.replace("-S A", "-S A -E CYCLES")).key != asked(LINE).key


def test_a_persons_python_keeps_its_blender_to_its_job_and_no_file_open():
    for more in ("-P /p/x.py", "--python-expr pass"):
        mine, others = (asked(LINE.replace("-a", f"{more} -a"), job) for job in ("j1", "j2"))
        assert mine.start != others.start
        assert not mine.keeps
    assert asked(LINE.replace("-Y", "-y")).start.owner == "j1"


def test_a_line_that_leaves_the_range_to_the_file_opens_it_anew():
    assert not asked("blender -Y -b /p/a.blend -a").keeps
    assert not asked("blender -Y -b /p/a.blend -s 3 -e 4 -a").keeps
    assert asked("blender -Y -b /p/a.blend -f 3,7..9").steps == (("-f", "3,7,8,9"),)
    assert asked("blender -Y -b /p/a.blend -f 3").keeps


def test_the_package_is_started_as_a_script_and_takes_its_threads_from_the_file():
    line = LINE.replace("blender", "/v/bin/python -m renderd.blender", 1).replace("-Y", "-Y -t 2")
    found = asked(line)
    assert found.start.words == (*("/v/bin/python", OBEY, "--factory-startup", "-Y", "-t", "2"),)
    assert found.steps[0] == ("-t", "2")
    assert found.argv[0] == "blender"
