"""What files of real Blenders refer to outside, against what those Blenders say themselves."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from blendmaker import MODERN, Age, block, dna1, gzipped, zstded

from renderd.blend import read_dependencies
from renderd.errors import BlendError

HERE = Path(__file__).parent


def blenders():
    """Command lines that run a script in Blender, by name; bpy where RENDERD_BPY_PYTHONS says."""
    found = {}
    if program := shutil.which("blender"):
        words = (program, "-b", "--factory-startup", "--python-exit-code", "1", "-P")
        found["blender"] = words
    for python in filter(None, os.environ.get("RENDERD_BPY_PYTHONS", "").split(os.pathsep)):
        found[f"bpy{len(found)}"] = (python,)
    return found


BLENDERS = blenders()
pytestmark = pytest.mark.skipif(not BLENDERS, reason="no blender on PATH")


def run(name, script, folder):
    words = [*BLENDERS[name], str(HERE / script), "--", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", params=BLENDERS)
def shot(request, tmp_path_factory):
    """shot.blend and all that it refers to, and what Blender says that is."""
    folder = tmp_path_factory.mktemp("shot")
    run(request.param, "make_external.py", folder)
    return folder


@pytest.fixture(scope="module", params=BLENDERS)
def physics(request, tmp_path_factory):
    """One file a kind of simulation."""
    folder = tmp_path_factory.mktemp("physics")
    run(request.param, "make_physics.py", folder)
    return folder


@pytest.fixture
def told(shot):
    """Each reference of shot.blend by kind and name."""
    found = read_dependencies(shot / "shot.blend")
    assert found.broken == ()
    return {(one.kind, one.name): one for one in found.references}


def own_paths(shot):
    """What the shot itself names, without what Blender tells and no render needs."""
    truth = json.loads((shot / "truth.json").read_text())
    never_rendered = {str(shot / "abc/off.pc2"), str(shot / "strip/muted.png")}
    return set(truth["paths"]) - never_rendered


def test_the_paths_are_those_that_blender_names(shot):
    found = read_dependencies(shot / "shot.blend")
    own = [one for one in found.references if one.file == str(shot / "shot.blend")]
    tiles = {str(shot / f"tex/skin.{number}.png") for number in (1001, 1002, 1011)}
    named = {path for one in own for path in one.paths} - tiles
    assert named == own_paths(shot) - {str(shot / "tex/skin.<UDIM>.png")}


def test_paths_are_counted_from_the_file_they_stand_in(told, shot):
    assert told["image", "relative"].written == "//tex/relative.png"
    assert told["image", "relative"].paths == (str(shot / "tex/relative.png"),)
    assert told["image", "prop"].written == "//prop.png"
    assert told["image", "prop"].paths == (str(shot / "props/prop.png"),)
    assert told["image", "base"].paths == (str(shot / "props/deep/base.png"),)
    assert told["library", "base.blend"].file == str(shot / "props/prop.blend")


def test_what_is_packed_generated_or_built_in_is_not_outside(told):
    names = {name for _, name in told}
    assert not names & {"packed", "generated", "Render Result", "Bfont"}


def test_every_tile_of_a_tiled_picture_is_named(told, shot):
    paths = told["image", "tiled"].paths
    assert [Path(path).name for path in paths] == [
        "skin.1001.png",
        "skin.1002.png",
        "skin.1011.png",
    ]


def test_a_sequence_is_known_as_one(told):
    assert told["image", "sequence"].is_sequence
    assert told["volume", "smoke"].is_sequence
    assert not told["image", "absolute"].is_sequence


def test_a_strip_names_all_its_pictures_and_a_muted_one_none(told, shot):
    names = [Path(path).name for path in told["strip", "pictures"].paths]
    assert names == ["p.01.png", "p.02.png", "p.03.png"]
    assert ("strip", "muted") not in told


def test_a_scene_without_camera_is_blind_unless_it_renders_strips(shot):
    assert read_dependencies(shot / "shot.blend").blind == ()
    assert read_dependencies(shot / "props/prop.blend").blind == ("Main",)


def test_what_nothing_rendered_leads_to_is_told_as_unused(told):
    unused = {key for key, one in told.items() if not one.is_used}
    assert unused == {("image", "stale")}


@pytest.mark.parametrize("pack", [gzipped, zstded, lambda data: zstded(data, has_table=False)])
def test_packing_changes_nothing(shot, pack):
    data = (shot / "shot.blend").read_bytes()
    (shot / "again.blend").write_bytes(pack(data))
    plain = [one.paths for one in read_dependencies(shot / "shot.blend").references]
    assert [one.paths for one in read_dependencies(shot / "again.blend").references] == plain


def test_what_only_looks_like_the_catalogue_is_not_taken_for_it(shot):
    data = (shot / "shot.blend").read_bytes()
    age = Age(304) if data[7:8] == b"-" else Age(500, is_large=True)
    end = data.rindex(b"ENDB")
    lure = block(age, b"USER", dna1(age, MODERN)) + data[end:]
    (shot / "lure.blend").write_bytes(data[:end] + lure)
    plain = [one.paths for one in read_dependencies(shot / "shot.blend").references]
    assert [one.paths for one in read_dependencies(shot / "lure.blend").references] == plain


def test_of_a_library_only_what_is_linked_counts(told):
    assert ("image", "base") in told
    assert ("image", "unlinked") not in told


def test_a_modifier_that_is_off_for_renders_needs_nothing(told, shot):
    paths = {path for one in told.values() for path in one.paths}
    assert str(shot / "abc/walk.pc2") in paths
    assert str(shot / "abc/off.pc2") not in paths


def test_a_library_that_cannot_be_read_is_told(shot, tmp_path):
    folder = shutil.copytree(shot, tmp_path / "copy")
    (folder / "props/deep/base.blend").write_bytes(b"BLENDER-v3")
    library = folder / "props/prop.blend"
    found = read_dependencies(library)
    assert [path for path, _ in found.broken] == [str(folder / "props/deep/base.blend")]
    assert isinstance(found.broken[0][1], BlendError)


def test_a_library_that_is_missing_is_told_where_it_is_referred_to(shot, tmp_path):
    folder = shutil.copytree(shot, tmp_path / "copy")
    (folder / "props/deep/base.blend").unlink()
    found = read_dependencies(folder / "props/prop.blend")
    assert [one.paths for one in found.references if one.kind == "library"] == [
        (str(folder / "props/deep/base.blend"),)
    ]
    assert found.broken == ()


def test_libraries_that_use_one_another_end(shot, tmp_path):
    folder = shutil.copytree(shot, tmp_path / "copy")
    # A library in its own place: base.blend is now one that leads to base.blend.
    shutil.copy(folder / "props/prop.blend", folder / "props/deep/base.blend")
    (folder / "props/deep/deep").symlink_to(".")
    found = read_dependencies(folder / "props/prop.blend")
    assert {one.name for one in found.references if one.kind == "library"} == {"base.blend"}


@pytest.mark.parametrize(
    ("name", "what", "holder"),
    [
        ("cloth", "cloth", "Flag"),
        ("soft", "soft body", "Jelly"),
        ("particles", "particles", "Sparks"),
        ("hair", "hair dynamics", "Fur"),
        ("rigid", "rigid bodies", "Scene"),
        ("paint", "dynamic paint", "Canvas"),
        ("fluid", "fluid", "Tank"),
        ("zone", "simulation nodes", "Growth"),
        ("zone_linked", "simulation nodes", "Growth"),
    ],
)
def test_a_simulation_is_unbaked_until_it_is_baked(physics, name, what, holder):
    if not (physics / f"{name}_baked.blend").exists():
        assert name in ("zone", "zone_linked", "fluid")  # this Blender has no such thing
        return
    (one,) = read_dependencies(physics / f"{name}.blend").unbaked
    assert (one.what, one.holder) == (what, holder)
    assert read_dependencies(physics / f"{name}_baked.blend").unbaked == ()


@pytest.mark.parametrize("name", ["still", "combed", "rigid_off", "off", "zone_off"])
def test_what_does_not_move_or_is_not_rendered_needs_no_bake(physics, name):
    assert read_dependencies(physics / f"{name}.blend").unbaked == ()


def test_another_scenes_simulation_is_not_this_ones(physics):
    path = physics / "elsewhere.blend"
    assert read_dependencies(path, ["Scene"]).unbaked == ()
    assert [one.holder for one in read_dependencies(path, ["Other"]).unbaked] == ["Far"]


def test_a_bake_on_disk_is_a_folder_that_must_be_there(physics):
    (one,) = read_dependencies(physics / "cloth_disk.blend").references
    assert (one.kind, one.name, one.is_folder) == ("cloth cache", "Flag", True)
    assert one.paths == (str(physics / "blendcache_cloth_disk"),)
    assert os.listdir(one.paths[0])


def test_nodes_baked_to_disk_and_gone_are_unbaked(physics, tmp_path):
    folder = shutil.copytree(physics, tmp_path / "copy")
    if not (folder / "blendcache_zone").exists():  # 5.0 bakes into the file, 3.4 not at all
        for baked in folder.glob("zone_baked.blend"):
            assert read_dependencies(baked).unbaked == ()
        return
    assert read_dependencies(folder / "zone_baked.blend").unbaked == ()
    shutil.rmtree(folder / "blendcache_zone")
    assert [one.holder for one in read_dependencies(folder / "zone_baked.blend").unbaked] == [
        "Growth"
    ]
