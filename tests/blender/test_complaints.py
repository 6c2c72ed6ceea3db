"""What a scene lacks or cannot do here is named, and nothing else, by real Blenders."""

import re
import subprocess
from pathlib import Path

import pytest

import renderd.blender

ROOT = str(Path(__file__).parents[2])
SCRIPT = Path(renderd.blender.__file__).parent / "inside" / "complaints.py"

MAKE = """
import bpy, os, sys
folder = sys.argv[-1]
bpy.ops.wm.read_factory_settings(use_empty=False)
scene = bpy.context.scene

def image(name, path, source="FILE"):
    made = bpy.data.images.new(name, 4, 4, tiled=source == "TILED")
    made.filepath, made.source = path, source
    return made

def textured(name, picture):
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = picture
    return material

there = os.path.join(folder, "there.png")
saved = bpy.data.images.new("saved", 4, 4)
saved.filepath_raw, saved.file_format = there, "PNG"
saved.save()
mesh = bpy.data.objects["Cube"].data
mesh.materials.clear()
for name, path, source in (
    ("here", there, "FILE"),
    ("gone", "/nowhere/gone.png", "FILE"),
    ("tiles", "/nowhere/tile.<UDIM>.png", "TILED"),
    ("frames", "/nowhere/seq/f_0001.png", "SEQUENCE"),
):
    mesh.materials.append(textured(name, image(name, path, source)))
packed = bpy.data.images.load(there)
packed.pack()
packed.filepath = "/nowhere/packed.png"
mesh.materials.append(textured("packed", packed))
group = bpy.data.node_groups.new("group", "ShaderNodeTree")
group.nodes.new("ShaderNodeTexImage").image = image("deep", "/nowhere/deep.png")
scene.world.use_nodes = True
scene.world.node_tree.nodes.new("ShaderNodeGroup").node_tree = group
textured("stale", image("stale", "/nowhere/stale.png")).use_fake_user = True
image("kept", "/nowhere/kept.png").use_fake_user = True
other = bpy.data.scenes.new("Other")
plane = bpy.data.objects.new("Plane", bpy.data.meshes.new("Plane"))
plane.data.materials.append(textured("elsewhere", image("elsewhere", "/nowhere/other's.png")))
other.collection.objects.link(plane)
scene.sequence_editor_create()
strips = getattr(scene.sequence_editor, "strips", None) or scene.sequence_editor.sequences
strips.new_image("strip", "/nowhere/strip.png", 1, 1)
strips.new_image("quiet", "/nowhere/quiet.png", 2, 1).mute = True
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "made.blend"))
"""


@pytest.fixture(scope="module")
def made(blender, tmp_path_factory):
    """A file whose scenes miss files of every kind."""
    folder = tmp_path_factory.mktemp("missing")
    words = [blender, "--factory-startup", "-b", "--python-exit-code", "1", "--python-expr", MAKE]
    done = subprocess.run([*words, "--", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "made.blend"


def missing(done):
    return set(re.findall(r"^renderd: missing '(.*)' \(", done.text, re.M))


BROKEN = """
import bpy, os, sys
folder = sys.argv[-1]

def fresh():
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x, scene.render.resolution_y = 16, 16
    return scene

def save(name):
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, name + ".blend"))

def driven(expression):
    fresh()
    driver = bpy.data.objects["Cube"].driver_add("location", 0).driver
    driver.type, driver.expression = "SCRIPTED", expression

class Mine(bpy.types.ShaderNode):
    bl_idname, bl_label = "AddonsOwnNode", "Mine"

fresh()
save("library")
scene = fresh()
with bpy.data.libraries.load(os.path.join(folder, "library.blend"), link=True) as (_, into):
    into.objects = ["Cube"]
scene.collection.objects.link(into.objects[0])
save("linked")
os.remove(os.path.join(folder, "library.blend"))
fresh()
save("whole")
fresh()
bpy.utils.register_class(Mine)
material = bpy.data.materials["Material"]
material.use_nodes = True
material.node_tree.nodes.new("AddonsOwnNode").name = "It's mine"
save("node")
driven("frame + len('abc')")
save("safe driver")
driven("open('/etc/hostname') and 1")
save("driver")
fresh()
cache = bpy.data.objects["Cube"].modifiers.new("cache", "MESH_CACHE")
cache.filepath = "//gone.mdd"
save("cache")
fresh()
lamp = bpy.data.objects["Light"].data
lamp.use_nodes = True
profile = lamp.node_tree.nodes.new("ShaderNodeTexIES")
profile.mode, profile.filepath = "EXTERNAL", "//gone.ies"
save("profile")
"""


@pytest.fixture(scope="module")
def broken(make_with, each_blender, tmp_path_factory):
    """A folder of files that each lack something, made by the Blender that renders them."""
    folder = tmp_path_factory.mktemp("broken")
    make_with(each_blender, BROKEN, folder)
    return folder


@pytest.mark.blender
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("linked", "missing-file"),
        ("node", "unknown-node"),
        ("driver", "driver"),
        ("cache", "missing-file"),
        ("profile", "missing-file"),
        ("whole", None),
        ("safe driver", None),
    ],
)
def test_what_makes_another_picture_is_told(run, each_blender, broken, out, name, cause):
    words = [*each_blender, "--factory-startup", "-Y", "-b", broken / f"{name}.blend"]
    done = run([*words, "-o", out / "f_", "-P", SCRIPT, "-f", "1"], PYTHONPATH=ROOT)
    assert (done.status, done.files) == (0, ["f_0001.png"])
    assert "cannot be told" not in done.text
    assert {event.cause for event in done.watch.failures} == ({cause} if cause else set())


@pytest.mark.blender
def test_every_missing_file_that_the_scene_uses_is_named(run, blender, made):
    done = run([blender, "--factory-startup", "-b", made, "-P", SCRIPT])
    assert missing(done) == {
        "/nowhere/gone.png",
        "/nowhere/tile.1001.png",
        "/nowhere/seq",
        "/nowhere/deep.png",
        "/nowhere/strip.png",
    }
    assert "cannot be told" not in done.text
    assert {event.cause for event in done.watch.failures} == {"missing-file"}


@pytest.mark.blender
def test_another_scene_misses_its_own_files(run, blender, made):
    done = run([blender, "--factory-startup", "-b", made, "-S", "Other", "-P", SCRIPT])
    assert missing(done) == {"/nowhere/other's.png"}
    assert done.status == 0


SEQUENCES = """
import bpy, os, sys
folder = sys.argv[-1]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples = "CYCLES", 1
scene.cycles.use_denoising = False
scene.render.resolution_x = scene.render.resolution_y = 4
scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
scene.collection.objects.link(scene.camera)
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "made.blend"))
for mode in ("CLIP", "EXTEND", "REPEAT", "PING_PONG"):
    volume = bpy.data.volumes.new(mode)
    volume.filepath, volume.is_sequence = f"//{mode.lower()}_05.vdb", True
    volume.frame_start, volume.frame_duration, volume.frame_offset = 2, 3, 4
    volume.sequence_mode = mode
    scene.collection.objects.link(bpy.data.objects.new(mode, volume))
with open(os.path.join(folder, "truth"), "w") as file:
    for frame in range(12):
        scene.frame_set(frame)
        for volume in bpy.data.volumes:
            volume.grids.load()
            if volume.grids.frame < 1000:
                file.write(f"{frame} {volume.name.lower()}_{volume.grids.frame:02d}.vdb\\n")
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "made.blend"))
"""


def test_each_frames_own_file_of_a_volume_is_looked_for(run, each_blender, make_with, tmp_path):
    make_with(each_blender, SEQUENCES, tmp_path)
    truth = {}
    for line in (tmp_path / "truth").read_text().splitlines():
        frame, name = line.split()
        truth.setdefault(frame, set()).add(name)
    assert set(map(len, truth.values())) == {3, 4}, "one of the four shows nothing at times"
    for frame in ("0", "1", "3", "8", "11"):  # each alone: a file is named once a run
        words = ["--factory-startup", "-b", tmp_path / "made.blend", "-P", SCRIPT]
        words += ["-o", tmp_path / "f_", "-f", frame]
        done = run([*each_blender, *words], PYTHONPATH=ROOT)
        assert {Path(path).name for path in missing(done)} == truth[frame]
