"""Every given file, made by real Blenders or by malice, answers as it must."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from renderd.blend import read, read_dependencies, read_settings, read_thumbnail

SHARED = Path(__file__).parents[2].parent / "shared" / "blend"
FILES = (
    json.loads((SHARED / "truth.json").read_text())["files"]
    if (SHARED / "truth.json").exists()
    else {}
)
WELL = {path: record for path, record in FILES.items() if record["expect"] == "ok"}
MALFORMED = {path: record for path, record in FILES.items() if record["expect"] != "ok"}
FURTHER = ("settings", "thumbnail", "dependencies")
#: Blender invents a scene where a file has none; linked scenes' settings lie in the library.
INVENTED = "datablocks_only"

pytestmark = pytest.mark.skipif(not FILES, reason="../shared/blend is not here")


def locate(path, special):
    """The file itself, or its like made here: some cannot be handed around."""
    return SHARED / path if (SHARED / path).exists() else special / Path(path).name


@pytest.mark.parametrize("path", WELL)
def test_a_well_formed_file_answers_as_the_truth(path, special):
    truth = FILES[path]
    file = read(locate(path, special))
    rows = [(scene.raw_name.hex(), scene.start, scene.end) for scene in file.scenes]
    right = [(row["name_hex"], row["start"], row["end"]) for row in truth["rend"]]
    size = file.thumbnail and {"w": file.thumbnail.width, "h": file.thumbnail.height}
    assert rows in (right, truth.get("alt_rend"))
    assert size == truth["thumbnail"]
    assert (file.version_number, file.compression, file.pointer_size, file.endian) == (
        truth["version"],
        truth["compression"],
        truth["pointer_size"],
        truth["endian"],
    )


@pytest.mark.parametrize("path", WELL)
def test_a_picture_is_as_large_as_it_says(path, special):
    size = FILES[path]["thumbnail"]
    picture = read_thumbnail(locate(path, special))
    assert (picture and len(picture.pixels)) == (size and 4 * size["w"] * size["h"])


#: Well-formed in front only: made to try the scene list, without a catalogue.
SHORT = ("synthetic/", "sparse")


@pytest.mark.parametrize("path", [path for path in WELL if not any(s in path for s in SHORT)])
def test_what_a_well_formed_file_needs_can_be_told(path, special):
    found = read_dependencies(locate(path, special))
    assert found.broken == ()
    assert found.unbaked == ()


@pytest.mark.parametrize("path", [path for path in WELL if WELL[path].get("settings")])
def test_settings_are_those_blender_shows(path):
    told = {scene.name: scene for scene in read_settings(SHARED / path)}
    local = {
        name: right
        for name, right in FILES[path]["settings"].items()
        if not right["linked"] and INVENTED not in path
    }
    assert told.keys() == local.keys()
    for name, right in local.items():
        scene = told[name]
        assert right == {
            "camera": scene.camera,
            "end": scene.end,
            "engine": scene.engine,
            "fmt": scene.format,
            "linked": False,
            "path": scene.output,
            "res": [scene.width, scene.height, scene.percent],
            "start": scene.start,
            "step": scene.step,
        }


@pytest.fixture(scope="module")
def limited(special):
    """What children of limited memory and processor time say to every malformed file."""
    jobs = []
    for path, record in MALFORMED.items():
        place = str(locate(path, special))
        limits = {"mb": record["max_mb"], "seconds": 1 + round(record["max_seconds"])}
        jobs.append({"path": place, "what": "scenes", **limits})
        # These walk on behind the scenes, for which the truth sets no limits.
        limits = {"mb": 128, "seconds": 5}
        jobs += [{"path": place, "what": what, **limits} for what in FURTHER]
    child = subprocess.run(
        [sys.executable, Path(__file__).with_name("limited.py")],
        input="\n".join(json.dumps(job) for job in jobs),
        capture_output=True,
        text=True,
        check=True,
        timeout=500,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    said = [json.loads(line) for line in child.stdout.splitlines()]
    return {(Path(one["path"]).name, one["what"]): one for one in said}


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux only")
@pytest.mark.parametrize("path", MALFORMED)
def test_a_malformed_file_costs_little_and_gives_one_clear_answer(path, limited):
    record = FILES[path]
    said = limited[Path(path).name, "scenes"]
    if "error" in said:
        assert said["error"].isprintable()
        assert Path(path).name in said["error"]
        return
    assert record["expect"] == "error_or_ok", said
    right = [[row["name_hex"], row["start"], row["end"]] for row in record["accept_rend"]]
    assert said["scenes"] == right
    assert not (said["picture"] and record.get("thumbnail") == "refused")


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux only")
@pytest.mark.parametrize("what", FURTHER)
@pytest.mark.parametrize("path", MALFORMED)
def test_looking_further_into_a_malformed_file_is_bounded_too(path, what, limited):
    said = limited[Path(path).name, what]
    assert "error" in said or what in said, said
