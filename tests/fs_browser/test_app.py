"""`fs DIR`: a folder in lines and in JSON, whatever lies in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__)
sys.path.insert(0, str(HERE.parents[1] / "blend"))

from blendmaker import Age, blend  # noqa: E402

from fs_browser import app  # noqa: E402
from fs_browser.core.kinds import Kind  # noqa: E402

REFERENCE = HERE.parents[2] / "docs" / "reference" / "fs.md"
MALFORMED = HERE.parents[2].parent / "shared" / "blend" / "malformed"
SCENES = [(b"Main", 1, 250), (b"Sz\xe4ne", -20, -3), (b"Still", 7, 7), (b"None", 9, 1)]


@pytest.fixture
def run(capsys):
    """A function that runs the command and gives its status, output and errors."""

    def run(*words):
        status = app.main(["--list", *map(str, words)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def folder(tmp_path):
    """A shot's folder with a bit of everything."""
    for frame in (1, 2, 3, 5, 10):
        (tmp_path / f"shot_{frame:04}.exr").write_bytes(bytes(1000))
    (tmp_path / "takes10").mkdir()
    (tmp_path / "takes9").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.png").touch()
    (tmp_path / "scene.blend").write_bytes(blend(Age(304), SCENES, (8, 4)))
    (tmp_path / "cut.blend").write_bytes(blend(Age(304), SCENES)[:40])
    for raw in (b"caf\xe9.png", b"line\nbreak\x1b[2J.txt"):
        with open(os.fsencode(tmp_path) + b"/" + raw, "wb"):
            pass
    return tmp_path


def names(out):
    """The names in lines, which stand behind size and time."""
    return [line[25:].split("  ")[0].rstrip() for line in out.splitlines()]


def by_name(out):
    return {row["name"]: row for row in json.loads(out)["rows"]}


def test_folders_come_first_and_numbers_in_order(run, folder):
    status, out, err = run(folder)
    assert (status, err) == (0, "")
    assert names(out) == [
        "takes9/",
        "takes10/",
        r"caf\xe9.png",
        "cut.blend",
        r"line\nbreak\x1b[2J.txt",
        "notes.txt",
        "scene.blend",
        "shot_####.exr",
    ]


def test_the_urls_of_a_desktop_open_one_folder(run, folder):
    urls = [(folder / name).as_uri() for name in ("ü 1.blend", "b.blend2")]
    assert run(*urls) == run(folder)
    assert run(folder.as_uri()) == run(folder)


def test_a_sequence_is_one_line_with_what_is_missing(run, folder):
    line = next(line for line in run(folder)[1].splitlines() if "####" in line)
    assert line.split()[0] == "4.9K"
    assert line.endswith("shot_####.exr           1-10, 5 missing: 4,6-9")


def test_a_blend_tells_its_scenes_and_what_is_wrong_with_it(run, folder):
    lines = {line.split()[3]: line for line in run(folder, "--filter", "blend")[1].splitlines()}
    assert lines["scene.blend"].endswith(
        r"Main 1-250, Sz\xe4ne -20--3, Still 7, None 9-1 (no frame: it ends before it starts)"
    )
    assert "ends inside a REND block at byte 40; it is incomplete" in lines["cut.blend"]
    assert str(folder) not in lines["cut.blend"]


def test_many_scenes_are_counted_and_none_is_said(run, tmp_path):
    rows = [(b"S%d" % at, 1, 2) for at in range(9)]
    (tmp_path / "many.blend").write_bytes(blend(Age(500, is_large=True), rows))
    (tmp_path / "none.blend").write_bytes(blend(Age(500, is_large=True), []))
    many, none = run(tmp_path)[1].splitlines()
    assert many.endswith("S0 1-2, S1 1-2, S2 1-2, S3 1-2 and 5 more")
    assert none.endswith("no scene listed")


def test_the_json_tells_everything_with_stable_keys(run, folder):
    status, out, _ = run(folder, "--json")
    answer = json.loads(out)
    rows = by_name(out)
    assert (status, answer["schema"], answer["code"]) == (0, 1, 0)
    assert answer["path"] == str(folder)
    sequence = dict(rows["shot_####.exr"])
    assert sequence.pop("mtime_ns") == os.stat(folder / "shot_0010.exr").st_mtime_ns
    assert sequence == {
        "name": "shot_####.exr",
        "kind": "image",
        "sequence": True,
        "size": 5000,
        "hidden": False,
        "first": 1,
        "last": 10,
        "step": 1,
        "count": 5,
        "frames": "1-3,5,10",
        "missing": 5,
        "missing_frames": "4,6-9",
    }
    assert rows["scene.blend"]["version"] == "3.4"
    assert rows["scene.blend"]["scenes"][1] == {
        "name": None,
        "name_hex": "537ae46e65",
        "start": -20,
        "end": -3,
    }
    assert "incomplete" in rows["cut.blend"]["error"]
    assert rows["takes9"] | {"mtime_ns": 0} == {
        "name": "takes9",
        "kind": "folder",
        "sequence": False,
        "size": None,
        "mtime_ns": 0,
        "hidden": False,
        "link": False,
    }


def test_a_name_that_is_no_text_has_its_bytes_in_the_json(run, folder):
    assert by_name(run(folder, "--json")[1])[None]["name_hex"] == b"caf\xe9.png".hex()


def test_every_row_of_the_json_has_a_line_of_its_own(run, folder):
    out = run(folder, "--json")[1]
    rows = json.loads(out)["rows"]
    assert [json.loads(line.rstrip(",")) for line in out.splitlines()[1:-1]] == rows


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_an_empty_folder_is_no_error(run, tmp_path, option):
    status, out, err = run(tmp_path, *option)
    assert (status, err) == (0, "")
    assert not out or json.loads(out)["rows"] == []


def test_hidden_names_come_when_asked_for(run, folder):
    assert ".hidden.png" not in by_name(run(folder, "--json")[1])
    assert by_name(run(folder, "--json", "--hidden")[1])[".hidden.png"]["hidden"] is True


def test_a_filter_may_name_several_kinds(run, folder):
    out = run(folder, "--filter", "folder", "--filter", "text")[1]
    assert names(out) == ["takes9/", "takes10/", r"line\nbreak\x1b[2J.txt", "notes.txt"]


def test_without_a_folder_it_lists_where_it_stands(run, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert run()[1] == run(folder)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--filter", "blnd"), "fs: there is no kind 'blnd'; did you mean 'blend'?\n"),
        (("--hiden",), "fs: fs does not take '--hiden'; did you mean '--hidden'?\n"),
        (("--filter",), "fs: argument --filter: expected one argument; see: fs --help\n"),
        (("a", "b"), "fs: fs takes one folder; 'b' is too many; quote a name with blanks\n"),
        (("-x",), "fs: fs does not take '-x'; see: fs --help\n"),
    ],
)
def test_a_wrong_word_is_answered_in_one_sentence(run, words, said):
    assert run(*words) == (2, "", said)


def test_a_folder_that_cannot_be_read_is_told_in_one_sentence(run, folder):
    said = "there is no such folder; check the spelling and whether it is mounted\n"
    assert run(folder / "nope") == (1, "", f"fs: {folder}/nope: {said}")
    said = "is a file, not a folder; name the folder that it is in\n"
    assert run(folder / "notes.txt") == (1, "", f"fs: {folder}/notes.txt: {said}")
    status, out, err = run("a\0b")
    assert (status, out, err.count("\n")) == (1, "", 1)


def test_with_json_an_error_is_an_object_too(run, folder):
    status, out, _ = run(folder / "nope", "--json")
    answer = json.loads(out)
    assert (status, answer["code"], answer["schema"]) == (1, 1, 1)
    assert answer["error"].endswith("there is no such folder")


def test_help_says_how_to_choose_and_how_to_list(run):
    status, out, _ = run("--help")
    assert status == 0
    assert "fs --list ~/shots --filter blend" in out
    assert run("--version")[1].startswith("fs ")


@pytest.fixture
def blind(monkeypatch):
    """A machine without a screen."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def test_without_a_screen_a_folder_is_listed(blind, folder, capsys):
    assert app.main([str(folder)]) == 0
    assert "shot_####.exr" in capsys.readouterr().out


@pytest.mark.parametrize("option", [("--choose",), ("--multiple",), ("--save", "a.blend")])
def test_without_a_screen_nothing_can_be_chosen(blind, folder, capsys, option):
    assert app.main([str(folder), *option]) == 2
    assert capsys.readouterr().err == (
        "fs: there is no screen here to show a window on; fs --list prints the rows\n"
    )


@pytest.mark.skipif(not MALFORMED.exists(), reason="../shared/blend is not here")
def test_every_malformed_blend_is_a_row(run):
    status, out, err = run(MALFORMED, "--json", "--filter", "blend")
    rows = json.loads(out)["rows"]
    assert (status, err) == (0, "")
    assert len(rows) == sum(one.is_file() for one in MALFORMED.glob("*.blend"))
    assert all(("error" in row) != ("scenes" in row) for row in rows)


@pytest.fixture
def process(folder):
    """A function that runs the command as a process of its own, output as bytes."""

    def run(*words, code="from fs_browser import app; raise SystemExit(app.main())", **env):
        command = [sys.executable, "-c", code, "--list", *words]
        return subprocess.run(
            command, capture_output=True, check=False, cwd=folder, env=os.environ | env
        )

    return run


def test_no_window_toolkit_is_loaded(process):
    code = "import sys; from fs_browser import app; app.main(); print([*sys.modules])"
    assert b"PyQt6" not in process(code=code).stdout


def test_a_terminal_that_lacks_a_letter_gets_its_code(process, folder):
    (folder / "шот.png").touch()
    done = process(PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u0448\u043e\u0442.png" in done.stdout


def test_a_reader_that_has_seen_enough_is_no_error(folder):
    for at in range(5000):
        (folder / f"{at}_single.txt").touch()
    command = [sys.executable, "-m", "fs_browser.app", "--list", str(folder)]
    root = HERE.parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root
    ) as child:
        assert child.stdout.read(10)
        child.stdout.close()
        assert (child.stderr.read(), child.wait()) == (b"", 0)


def test_a_full_disk_is_told_in_one_sentence(folder):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fs_browser.app", "--list", str(folder)],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=HERE.parents[2],
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"fs: the list cannot be written: ")


def test_the_reference_names_every_kind_and_key(run, folder):
    text = REFERENCE.read_text(encoding="utf-8")
    keys = {key for row in json.loads(run(folder, "--json")[1])["rows"] for key in row}
    assert [word for word in [*Kind, *keys] if f"`{word}`" not in text] == []
