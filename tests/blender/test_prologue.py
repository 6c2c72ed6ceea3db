"""All files of a frame come into the attempt's folder, whatever the scene writes, by real Blenders.

What Blender writes without the prologue is what must come out with it, only elsewhere.
"""

import json
import os
from pathlib import Path

import pytest

import renderd.blender
from tests.blender.test_open_blender import Kitchen

pytestmark = pytest.mark.blender
ROOT = str(Path(__file__).parents[2])
SCRIPT = Path(renderd.blender.__file__).parent / "inside" / "prologue.py"

MAKE = """
import bpy, os, sys
folder = sys.argv[-1]
new = bpy.app.version >= (5, 0, 0)

def fresh():
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x, scene.render.resolution_y = 32, 24
    scene.render.use_overwrite, scene.render.use_placeholder = False, True
    scene.view_layers[0].use_pass_z = True
    return scene

def tree_of(scene):
    if not new:
        scene.use_nodes = True
        return scene.node_tree
    tree = scene.compositing_node_group = bpy.data.node_groups.new("c", "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    layers, out = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("NodeGroupOutput")
    tree.links.new(layers.outputs["Image"], out.inputs[0])
    return tree

def write(tree, base, names, kind="OPEN_EXR", source=None):
    if source is None:
        layers = next(n for n in tree.nodes if n.bl_idname == "CompositorNodeRLayers")
        source = layers.outputs["Image"]
    node = tree.nodes.new("CompositorNodeOutputFile")
    if new:
        many = kind == "OPEN_EXR_MULTILAYER"
        node.format.media_type = "MULTI_LAYER_IMAGE" if many else "IMAGE"
        node.directory, node.file_name = base, "all_" if many else ""
        if not many:
            node.format.file_format = kind
        for name in names:
            node.file_output_items.new("RGBA", name)
    else:
        node.format.file_format = kind
        node.base_path = base + ("all_" if kind == "OPEN_EXR_MULTILAYER" else "")
        if kind == "OPEN_EXR_MULTILAYER":
            node.layer_slots.clear()
            [node.layer_slots.new(name) for name in names]
        else:
            node.file_slots.clear()
            [node.file_slots.new(name) for name in names]
    for socket in [s for s in node.inputs if s.type == "RGBA"][:len(names)]:
        tree.links.new(source, socket)
    return node

def save(name):
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, name, name + ".blend"))

def group_that_writes(name):
    inner = bpy.data.node_groups.new("inner", "CompositorNodeTree")
    if bpy.app.version >= (4, 0, 0):
        inner.interface.new_socket("Image", in_out="INPUT", socket_type="NodeSocketColor")
    else:
        inner.inputs.new("NodeSocketColor", "Image")
    into = inner.nodes.new("NodeGroupInput")
    write(inner, "//passes/", [name], source=into.outputs[0])
    return inner

def hold(scene, inner):
    tree = tree_of(scene)
    holder = tree.nodes.new("CompositorNodeGroup")
    holder.node_tree = inner
    layers = next(n for n in tree.nodes if n.bl_idname == "CompositorNodeRLayers")
    tree.links.new(layers.outputs["Image"], holder.inputs[0])

def start(name):
    os.makedirs(os.path.join(folder, name))
    return fresh()

scene = start("slots")
tree = tree_of(scene)
write(tree, "//passes/", ["shadow_", "deep/mist##_x"] if not new else ["shadow_", "mist##_x"])
write(tree, "//../beside slots/", ["it's_"], "PNG")
write(tree, "//nothing/", []).mute = True
save("slots")

scene = start("layers")
write(tree_of(scene), "//passes/", ["one", "two"], "OPEN_EXR_MULTILAYER")
scene.view_layers.new("second")
if new:
    scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
save("layers")

scene = start("stereo")
write(tree_of(scene), "//passes/", ["shadow_"])
scene.render.use_multiview = True
scene.render.image_settings.views_format = "INDIVIDUAL"
save("stereo")

scene = start("both eyes")
scene.render.use_multiview = True
if new:
    scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
scene.render.image_settings.views_format = "MULTIVIEW"
save("both eyes")

scene = start("border")
scene.render.use_border, scene.render.use_crop_to_border = True, False
scene.render.border_min_x, scene.render.border_max_x = 0.25, 0.5
scene.render.image_settings.file_format = "OPEN_EXR"
save("border")

scene = start("preview")
scene.render.image_settings.file_format = "OPEN_EXR"
if hasattr(scene.render.image_settings, "use_preview"):
    scene.render.image_settings.use_preview = True
save("preview")

scene = start("group")
hold(scene, group_that_writes("inner_"))
save("group")

scene = start("library")
inner = group_that_writes("far_")
bpy.data.libraries.write(os.path.join(folder, "library", "nodes.blend"), {inner})
scene = fresh()
path = os.path.join(folder, "library", "nodes.blend")
with bpy.data.libraries.load(path, link=True) as (_, into):
    into.node_groups = ["inner"]
hold(scene, into.node_groups[0])
save("library")

scene = start("plain")
write(tree_of(scene), "//passes/", ["shadow_"])
scene.render.use_compositing = False
save("plain")

scene = start("words")
if new:
    node = write(tree_of(scene), "//{blend_name}/{node_name}/{resolution_x}/", ["x_"])
    node.name, node.file_name = "br{ace}", "{blend_name}_"
else:
    write(tree_of(scene), "//{blend_name}/", ["x_"])
save("words")

scene = start("film")
write(tree_of(scene), "//passes/", ["shadow_"])
if new:
    scene.render.image_settings.media_type = "VIDEO"
scene.render.image_settings.file_format = "FFMPEG"
save("film")
"""


@pytest.fixture(scope="module")
def made(make_with, each_blender, tmp_path_factory):
    """A folder with a folder for each scene."""
    folder = tmp_path_factory.mktemp("writes")
    make_with(each_blender, MAKE, folder)
    return folder


def below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class Told:
    """A run with the prologue: what it printed and left in the private folder."""

    def __init__(self, done, private):
        self.done, self.private = done, private
        self.table = json.loads((private / "passes.json").read_text())

    def belongs(self, frame):
        """The files of a frame, where they belong; the main ones by base name."""
        home = self.private / f"frame.{frame}"
        pairs = [(path.parent.name, path.name) for path in home.rglob("*") if path.is_file()]
        return sorted(
            name if key == "main" else os.path.join(self.table[key]["folder"], name)
            for key, name in pairs
        )


@pytest.fixture
def tell(run, each_blender, made, tmp_path):
    """Render a scene with the prologue."""

    def go(name, *words, first="2", last="3", **env):
        private = tmp_path / "00001.1.ws07-0123abcd{x}"
        private.mkdir()
        (private / "started").touch()
        pattern = str(private / "f_####")
        if is_new(run, each_blender):
            pattern = pattern.replace("{", "{{").replace("}", "}}")
        start = [*each_blender, "--factory-startup", "-Y", "-b", made / name / f"{name}.blend"]
        sets = ["-o", pattern, "-s", "0", "-s", first, "-e", "0", "-e", last, *words]
        done = run(
            [*start, *sets, "-P", SCRIPT, "-a"],
            PYTHONPATH=ROOT,
            RENDERD_PRIVATE=str(private),
            **env,
        )
        assert done.status == 0, done.text
        assert "cannot be" not in done.text
        return Told(done, private)

    return go


def is_new(run, words):
    said = run([*words, "-v"], PYTHONPATH=ROOT).text
    return said.startswith("Blender 5") or "\nBlender 5" in said


def test_every_slot_keeps_its_name_and_says_where_it_belongs(tell, made):
    before = below(made)
    told = tell("slots")
    for frame in (2, 3):
        listed = told.belongs(frame)
        assert listed[-1] == f"f_000{frame}.png"
        files = {os.path.relpath(path, made) for path in listed[:-1]}
        mist = "mist" if any("/mist" in f and "deep" not in f for f in files) else "deep/mist"
        assert files == {
            f"slots/passes/shadow_000{frame}.exr",
            f"slots/passes/{mist}0{frame}_x.exr",
            f"beside slots/it's_000{frame}.png",
        }
    assert below(made) == before  # nothing went where it says
    assert {event.frame for event in told.done.watch.failures} == set()
    assert told.done.watch.done == {2, 3}
    assert told.done.watch.knows_sets


def test_what_is_muted_or_not_linked_is_not_owned(tell):
    owned = {Path(one["folder"]).name for one in tell("slots").table.values() if one["owns"]}
    assert "nothing" not in owned
    assert {"passes", "beside slots"} <= owned


def test_a_multilayer_file_is_one_file(tell, made):
    told = tell("layers")
    assert told.belongs(2) == [str(made / "layers" / "passes" / "all_0002.exr"), "f_0002.exr"]


def test_a_stereo_frame_is_both_of_its_eyes(tell, made):
    listed = tell("stereo").belongs(3)
    passes = made / "stereo" / "passes"
    assert listed == [
        str(passes / "shadow_0003_L.exr"),
        str(passes / "shadow_0003_R.exr"),
        "f_0003_L.png",
        "f_0003_R.png",
    ]


@pytest.mark.parametrize("name", ["both eyes", "border"])
def test_one_file_with_all_in_it_is_one_file(tell, name):
    assert tell(name).belongs(2) == ["f_0002.exr"]


def test_a_preview_belongs_to_its_frame(tell):
    assert set(tell("preview").belongs(2)) - {"f_0002.jpg"} == {"f_0002.exr"}


def test_a_node_in_a_group_is_redirected_and_owned(tell, made):
    told = tell("group")
    assert [one["owns"] for one in told.table.values()] == [True]
    assert not (made / "group" / "passes").exists()
    assert told.belongs(2) == [str(made / "group" / "passes" / "inner_0002.exr"), "f_0002.png"]


def test_blenders_own_words_in_folders_are_filled_in_from_5_0_on(tell, made, run, each_blender):
    if not is_new(run, each_blender):
        assert tell("words").belongs(2)[0].startswith(str(made / "words/{blend_name}/"))
        return
    told = tell("words", RENDERD_BLEND="/p/shot.blend")
    assert told.belongs(2)[0] == str(made / "words/shot/br{ace}/32/shot_x_0002.exr")


def test_a_node_of_a_linked_library_is_redirected(tell, made):
    told = tell("library")
    assert [one["folder"] for one in told.table.values()] == [str(made / "library" / "passes")]
    assert not (made / "library" / "passes").exists()
    assert told.belongs(2) == [str(made / "library" / "passes" / "far_0002.exr"), "f_0002.png"]


def test_what_is_not_composited_is_not_owned(tell):
    told = tell("plain")
    assert [one["owns"] for one in told.table.values()] == [False]
    assert told.belongs(2) == ["f_0002.png"]


def test_a_folder_that_cannot_be_written_ends_no_render(run, each_blender, made, out):
    blend = made / "group" / "group.blend"
    words = [*each_blender, "--factory-startup", "-b", blend, "-o", out / "f_", "-P", SCRIPT]
    done = run([*words, "-f", "1"], PYTHONPATH=ROOT, RENDERD_PRIVATE=str(blend))
    assert (done.status, done.files) == (0, ["f_0001.png"])
    assert [event.kind for event in done.watch.warnings] == ["warning"]
    assert not done.watch.knows_sets


def test_a_film_stays_one_file_and_its_passes_are_gathered(tell, made):
    told = tell("film")
    if "FFMPEG" not in told.done.text and not list(told.private.glob("f_0002-0003*")):
        pytest.skip("this Blender writes no films")
    assert told.belongs(3) == [str(made / "film" / "passes" / "shadow_0003.exr")]
    assert len(list(told.private.glob("f_0002-0003.*"))) == 1


def test_negative_frames_are_gathered(tell):
    told = tell("border", first="-3", last="-2")
    assert told.belongs(-3) == ["f_-0003.exr"]
    assert told.belongs(-2) == ["f_-0002.exr"]


def test_another_format_on_the_command_line_holds(tell):
    assert tell("border", "-F", "JPEG", "-x", "1").belongs(2) == ["f_0002.jpg"]


@pytest.mark.parametrize("name", ["slots", "layers", "group", "library", "words"])
def test_each_chunk_of_an_open_file_says_what_the_file_says(each_blender, made, tmp_path, name):
    kitchen, found = Kitchen(each_blender), []
    try:
        for first in (2, 4):
            private = tmp_path / str(first)
            private.mkdir()
            line = ["--factory-startup", "-Y", "-b", str(made / name / f"{name}.blend")]
            line += ["-o", str(private / "f_####"), "-P", str(SCRIPT)]
            line += ["-s", str(first), "-e", str(first), "-j", "1", "-a"]
            answer = kitchen.warm(line, RENDERD_PRIVATE=str(private))
            assert answer.status == 0, kitchen.text
            told = Told(None, private)
            whole = [path.replace(f"000{first}", "####") for path in told.belongs(first)]
            found.append((told.table, [path.replace(f"0{first}_x", "##_x") for path in whole]))
        assert not answer.opened
        assert found[0] == found[1]
    finally:
        kitchen.close()
