"""Settings of scenes, found through the catalogue a file carries about itself."""

import contextlib
import struct

import blendmaker
import pytest
from blendmaker import (
    CAMERA,
    MODERN,
    OLD,
    Age,
    blend,
    block,
    dna1,
    end,
    gzipped,
    object_block,
    scene_block,
    with_settings,
    zstded,
)

from renderd.blend import read, read_settings
from renderd.errors import BlendError

NOW = Age(306)
VALUES = {
    "id.name": b"SCShot 1",
    "camera": CAMERA,
    "r.im_format.imtype": 17,
    "r.imtype": 17,
    "r.sfra": -3,
    "r.efra": 240,
    "r.frame_step": 4,
    "r.xsch": 1920,
    "r.ysch": 1080,
    "r.size": 50,
    "r.frs_sec": 30,
    "r.frs_sec_base": 1.0,
    "r.pic": b"//out/shot_####",
    "r.engine": b"CYCLES",
    "r.scemode": 1 | 1 << 4,
}


def one(saved, age=NOW, structs=MODERN, **changes):
    values = VALUES | {"r." + key: value for key, value in changes.items()}
    (scene,) = read_settings(saved(with_settings(age, structs, [values])))
    return scene


@pytest.mark.parametrize("pack", [bytes, gzipped, zstded])
@pytest.mark.parametrize(
    "age",
    [Age(265, 4), Age(265, 4, "big"), NOW, Age(279, 8, "big"), Age(500), Age(502, is_large=True)],
    ids=str,
)
def test_settings_are_read_in_every_age_and_packing(age, pack, saved):
    (scene,) = read_settings(saved(pack(with_settings(age, MODERN, [VALUES]))))
    assert (scene.name, scene.start, scene.end, scene.step) == ("Shot 1", -3, 240, 4)
    assert (scene.width, scene.height, scene.percent, scene.fps) == (1920, 1080, 50, 30.0)
    assert (scene.output, scene.engine, scene.camera) == ("//out/shot_####", "CYCLES", "Cam")
    assert (scene.format, scene.is_movie) == ("PNG", False)


@pytest.mark.parametrize("age", [Age(225, 4, "big"), Age(249, 4), Age(249)], ids=str)
def test_what_an_old_version_lacks_has_its_old_meaning(age, saved):
    scene = one(saved, age, OLD)
    assert (scene.format, scene.engine, scene.step) == ("PNG", "BLENDER_RENDER", 1)
    assert (scene.start, scene.end, scene.width, scene.height) == (-3, 240, 1920, 1080)
    assert (scene.fps, scene.camera, scene.output) == (30.0, "Cam", "//out/shot_####")


def test_scenes_that_are_not_listed_are_told_as_such(saved):
    scenes = [VALUES, VALUES | {"id.name": b"SCOther"}]
    data = with_settings(NOW, MODERN, scenes, [(b"Other", 1, 2)])
    found = {scene.name: scene.is_listed for scene in read_settings(saved(data))}
    assert found == {"Shot 1": False, "Other": True}


@pytest.mark.parametrize(
    ("imtype", "name", "is_movie"),
    [
        (4, "JPEG", False),
        (28, "OPEN_EXR_MULTILAYER", False),
        (24, "FFMPEG", True),
        (99, "99", False),
    ],
)
def test_formats_have_the_names_of_blenders_python(imtype, name, is_movie, saved):
    scene = one(saved, **{"im_format.imtype": imtype})
    assert (scene.format, scene.is_movie) == (name, is_movie)


@pytest.mark.parametrize(
    ("field", "bit", "claim"),
    [
        ("mode", 9, "uses_border"),
        ("mode", 11, "crops_to_border"),
        ("mode", 23, "makes_placeholders"),
        ("scemode", 0, "uses_sequencer"),
        ("scemode", 4, "adds_extension"),
        ("scemode", 6, "uses_compositing"),
        ("scemode", 21, "uses_multiview"),
    ],
)
def test_flags_are_told_one_by_one(field, bit, claim, saved):
    assert getattr(one(saved, **{field: 1 << bit}), claim)
    assert not getattr(one(saved, **{field: 0}), claim)


def test_skipping_frames_that_exist_is_told(saved):
    assert one(saved).overwrites
    assert not one(saved, mode=1 << 22).overwrites


def test_eevee_next_is_eevee(saved):
    assert one(saved, engine=b"BLENDER_EEVEE_NEXT").engine == "BLENDER_EEVEE"


def test_fps_has_a_base(saved):
    assert one(saved, frs_sec_base=1.25).fps == 24.0


@pytest.mark.parametrize("base", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_base_gives_no_fps(base, saved):
    assert one(saved, frs_sec_base=base).fps == 0.0


def test_a_scene_without_a_camera_has_none(saved):
    data = with_settings(NOW, MODERN, [VALUES | {"camera": 0}])
    assert read_settings(saved(data))[0].camera is None


@pytest.mark.parametrize("pack", [bytes, zstded])
def test_a_camera_behind_very_many_objects_is_found(pack, saved):
    crowd = b"".join(object_block(NOW, MODERN, b"o", address=n) for n in range(1, 20_100))
    rest = scene_block(NOW, MODERN, VALUES) + crowd + object_block(NOW, MODERN, b"Last")
    rest += dna1(NOW, MODERN) + end(NOW)
    assert read_settings(saved(pack(blend(NOW, rest=rest))))[0].camera == "Last"


def test_a_file_without_scenes_needs_no_catalogue(saved):
    assert read_settings(saved(blend(NOW))) == ()


def test_scenes_without_a_catalogue_are_an_error(saved):
    data = blend(NOW, rest=scene_block(NOW, MODERN, VALUES) + end(NOW))
    with pytest.raises(BlendError, match="without a DNA1 block"):
        read_settings(saved(data))


def test_a_file_cut_far_behind_is_incomplete_for_settings_only(saved):
    data = with_settings(NOW, MODERN, [VALUES], [(b"Shot 1", 1, 2)])[:-30]
    assert read(saved(data)).scenes
    with pytest.raises(BlendError, match="incomplete"):
        read_settings(saved(data))


def test_a_block_that_only_claims_to_be_a_scene_is_refused(saved):
    rest = block(NOW, b"SC", bytes(200), kind=0) + dna1(NOW, MODERN) + end(NOW)
    with pytest.raises(BlendError, match="no Scene"):
        read_settings(saved(blend(NOW, rest=rest)))


def test_a_scene_shorter_than_its_struct_reads_as_zeros(saved):
    rest = scene_block(NOW, MODERN, VALUES)
    kind = [name for name, _ in MODERN].index("Scene")
    rest = block(NOW, b"SC", b"", kind=kind) + dna1(NOW, MODERN) + end(NOW)
    assert read_settings(saved(blend(NOW, rest=rest)))[0].end == 0


def test_a_scene_of_many_megabytes_is_refused(saved):
    rest = block(NOW, b"SC", bytes(1 << 19)) + dna1(NOW, MODERN) + end(NOW)
    with pytest.raises(BlendError, match="bytes of scenes"):
        read_settings(saved(blend(NOW, rest=rest)))


@pytest.mark.parametrize("code", [b"SC", b"REND"])
def test_scenes_without_end_are_refused(code, saved):
    many = block(NOW, code, b"0123456789" if code == b"REND" else b"") * 10_001
    with pytest.raises(BlendError, match="too many scenes"):
        read_settings(saved(blend(NOW, rest=many + end(NOW))))


CATALOGUE = dna1(NOW, MODERN)[24:]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        CATALOGUE.replace(b"SDNA", b"XDNA"),
        CATALOGUE.replace(b"TYPE", b"TYPO"),
        CATALOGUE.replace(b"STRC", b"STRX"),
        CATALOGUE[:60],
        CATALOGUE[: len(CATALOGUE) // 2],
        CATALOGUE[:-6],
        b"SDNANAME" + struct.pack("<i", -1) + CATALOGUE[12:],
        b"SDNANAME" + struct.pack("<i", 1 << 30) + CATALOGUE[12:],
        CATALOGUE.replace(b"*camera\0", b"!camera\0"),
        bytes(len(CATALOGUE)),
        b"SDNANAME" + struct.pack("<i", 90_000) + bytes(90_000),
    ],
)
def test_a_broken_catalogue_is_told(broken, saved):
    rest = scene_block(NOW, MODERN, VALUES) + block(NOW, b"DNA1", broken) + end(NOW)
    with pytest.raises(BlendError, match="broken DNA1"):
        read_settings(saved(blend(NOW, rest=rest)))


def test_a_catalogue_of_megabytes_is_refused(saved):
    rest = scene_block(NOW, MODERN, VALUES) + block(NOW, b"DNA1", bytes(3 << 20)) + end(NOW)
    with pytest.raises(BlendError, match="bytes of DNA1"):
        read_settings(saved(blend(NOW, rest=rest)))


def test_a_catalogue_that_calls_frames_a_fraction_breaks_nothing(saved):
    render = [
        ("float" if name == "sfra" else kind, name) for kind, name in dict(MODERN)["RenderData"]
    ]
    structs = [(name, render if name == "RenderData" else fields) for name, fields in MODERN]
    assert one(saved, NOW, structs, sfra=float("nan")).start == 0


def test_a_struct_that_holds_itself_breaks_nothing(saved):
    names = CATALOGUE.replace(b"RenderData\0", b"Scene\0rata\0")
    rest = scene_block(NOW, MODERN, VALUES) + block(NOW, b"DNA1", names) + end(NOW)
    with contextlib.suppress(BlendError):
        read_settings(saved(blend(NOW, rest=rest)))


def test_the_maker_and_the_reader_agree_on_sizes():
    assert blendmaker.size_of(NOW, MODERN, "ID") == 24 + 66
