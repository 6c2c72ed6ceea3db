"""`render info`: every file answered, in words or JSON, whatever is wrong with one."""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

HERE = Path(__file__)
sys.path.insert(0, str(HERE.parents[1] / "blend"))

from blendmaker import (  # noqa: E402
    CAMERA,
    MODERN,
    Age,
    blend,
    gzipped,
    with_settings,
    zstded,
)
from shotmaker import shot  # noqa: E402

from frontend.cli import app, findings, info  # noqa: E402
from renderd.preflight import Finding, Kind, Severity  # noqa: E402

NOW = Age(304)
ROWS = [(b"Main", 1, 250), (b"Sz\xe4ne", -20, -3)]


@pytest.fixture
def ask(capsys):
    """A function that runs the verb and gives its status, output and errors."""
    parser = argparse.ArgumentParser()
    info.add_parser(parser.add_subparsers())

    def run(*words):
        args = parser.parse_args(["info", *map(str, words)])
        status = args.run(args)
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def folder(tmp_path):
    values = {"id.name": b"SCMain", "camera": CAMERA, "r.efra": 9, "r.pic": b"//o/####\xff"}
    files = {
        "plain": blend(NOW, ROWS, (8, 4)),
        "zstd": zstded(blend(Age(500, is_large=True), ROWS[:1])),
        "gzip": gzipped(blend(Age(249, 4, "big"))),
        "broken": b"BLENDER-v3",
        "set": with_settings(NOW, MODERN, [values | {"r.im_format.imtype": 24}]),
        "\x1b[2Jevil": blend(NOW, [(b"\x1b]0;x\x07\n", 5, 1)]),
    }
    for name, data in files.items():
        (tmp_path / f"{name}.blend").write_bytes(data)
    return tmp_path


def test_json_is_exactly_as_documented(ask, folder):
    status, out, err = ask("--json", folder / "plain.blend", folder / "zstd.blend")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "schema": 1,
        "files": [
            {
                "path": str(folder / "plain.blend"),
                "version": "3.4",
                "compression": "none",
                "pointer_size": 8,
                "endian": "little",
                "scenes": [
                    {"name": "Main", "name_hex": "4d61696e", "start": 1, "end": 250},
                    {"name": None, "name_hex": "537ae46e65", "start": -20, "end": -3},
                ],
                "thumbnail": {"width": 8, "height": 4},
            },
            {
                "path": str(folder / "zstd.blend"),
                "version": "5.0",
                "compression": "zstd",
                "pointer_size": 8,
                "endian": "little",
                "scenes": [{"name": "Main", "name_hex": "4d61696e", "start": 1, "end": 250}],
                "thumbnail": None,
            },
        ],
    }


def test_one_broken_file_does_not_silence_the_others(ask, folder):
    words = [folder / "broken.blend", folder / "gzip.blend", folder / "missing.blend"]
    status, out, err = ask("--json", *words)
    broken, good, missing = json.loads(out)["files"]
    assert status == 1
    assert broken.keys() == missing.keys() == {"path", "error"}
    assert (good["version"], good["endian"], good["scenes"]) == ("2.49", "big", [])
    assert err.splitlines() == [f"render: {broken['error']}", f"render: {missing['error']}"]


def test_words_name_version_packing_scenes_and_picture(ask, folder):
    status, out, err = ask(folder / "plain.blend", folder / "broken.blend")
    assert status == 1
    assert "Blender 3.4, not packed, 64-bit little-endian, thumbnail 8x4" in out
    assert "  Main      1-250\n  Sz\\xe4ne  -20--3\n" in out
    assert err.count("\n") == 1


def test_hostile_names_do_not_reach_the_terminal(ask, folder):
    _, out, _ = ask("--settings", folder / "\x1b[2Jevil.blend")
    assert all(line.isprintable() for line in out.splitlines())
    assert r"\x1b]0;x\x07\n" in out
    assert "no frame" in out


def test_settings_come_only_when_asked_for(ask, folder):
    _, without, _ = ask("--json", folder / "set.blend")
    _, asked, _ = ask("--json", "--settings", folder / "set.blend")
    assert "settings" not in json.loads(without)["files"][0]
    (scene,) = json.loads(asked)["files"][0]["settings"]
    assert (scene["name"], scene["camera"], scene["listed"]) == ("Main", "Cam", False)
    assert (scene["format"], scene["movie"], scene["end"]) == ("FFMPEG", True, 9)
    assert (scene["output"], scene["output_hex"]) == (None, b"//o/####\xff".hex())


def test_settings_in_words_warn_of_what_bites_a_farm(ask, folder):
    _, out, _ = ask("--settings", folder / "set.blend")
    assert "FFMPEG, one movie file" in out
    assert "not among the scenes listed for rendering" in out


def test_a_file_cut_far_behind_fails_only_where_settings_are_asked(ask, folder):
    data = (folder / "set.blend").read_bytes()
    (folder / "cut.blend").write_bytes(data[:-40])
    assert ask(folder / "cut.blend")[0] == 0
    assert ask("--settings", folder / "cut.blend")[0] == 1


def test_a_terminal_without_the_letters_gets_them_escaped(folder):
    (folder / "japan.blend").write_bytes(blend(NOW, [("日本".encode(), 1, 2)]))
    program = (
        "import argparse, sys; from frontend.cli import info; parser = argparse.ArgumentParser();"
        "info.add_parser(parser.add_subparsers()); args = parser.parse_args(sys.argv[1:]);"
        "sys.exit(args.run(args))"
    )
    words = [sys.executable, "-c", program, "info", folder / "japan.blend"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    root = HERE.parents[2]
    said = subprocess.run(words, check=True, env=environment, cwd=root, capture_output=True)
    assert said.stderr == b""
    assert rb"\u65e5\u672c  1-2" in said.stdout


def test_nothing_of_the_reader_is_imported_for_the_other_verbs():
    program = "import sys, frontend.cli.info; sys.exit('renderd.blend' in sys.modules)"
    root = HERE.parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, timeout=60)


@pytest.fixture
def check(capsys, monkeypatch, tmp_path):
    """Run `render info --check` where no farm is named; its status, output and errors."""
    monkeypatch.delenv("RENDERD_SPOOL", raising=False)
    monkeypatch.setenv("RENDERD_CONFIG", str(tmp_path / "none.toml"))
    (tmp_path / "none.toml").write_text("")

    def run(*words):
        status = app.main(["info", "--check", *map(str, words)])
        return status, *capsys.readouterr()

    return run


def test_check_tells_what_is_missing_and_what_to_do(check, tmp_path):
    path = tmp_path / "shot.blend"
    path.write_bytes(shot([b"//wood.png"], unused=[b"//old.png"], cloth=False))
    status, out, err = check(path)
    assert status == 1
    assert f"stop  image 'wood' is missing: {tmp_path / 'wood.png'}" in out
    assert "→ put it there, or mend the path in shot.blend" in out
    assert out.index("stop") < out.index("warn  cloth 'Flag'") < out.index("note  image 'old'")
    assert "no farm is named" in err


def test_check_of_a_whole_shot_succeeds(check, tmp_path):
    path = tmp_path / "shot.blend"
    path.write_bytes(shot())
    assert check(path)[0] == 0


def test_check_tells_programs_the_same(check, tmp_path):
    path = tmp_path / "shot.blend"
    path.write_bytes(shot([b"//wood.png"]))
    status, out, _ = check("--json", path, tmp_path / "none.blend")
    here, gone = json.loads(out)["files"]
    assert (status, gone.keys()) == (1, {"path", "error"})
    assert here["findings"] == [
        {
            "severity": "stop",
            "kind": "missing",
            "block": "image 'wood'",
            "file": str(path),
            "written": "//wood.png",
            "path": str(tmp_path / "wood.png"),
            "sentence": f"image 'wood' is missing: {tmp_path / 'wood.png'}",
            "remedy": "put it there, or mend the path in shot.blend",
        }
    ]


def test_of_thousands_alike_the_table_shows_some():
    one = Finding(severity=Severity.STOP, kind=Kind.MISSING, sentence="x is missing", remedy="y")
    found = [replace(one, sentence=f"{number} is missing") for number in range(2_000)]
    lines = findings.table(argparse.Namespace(color=False), found)
    assert len(lines) < 20
    assert "and 1,988 more" in lines[-2]
    assert lines[-1].endswith("→ y")
