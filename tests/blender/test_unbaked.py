"""Simulations that a chunk would render wrongly are named, and no others, by real Blenders."""

import re
from pathlib import Path

import pytest

import renderd.blender

pytestmark = pytest.mark.blender
ROOT = str(Path(__file__).parents[2])
SCRIPT = Path(renderd.blender.__file__).parent / "inside" / "unbaked.py"

MAKE = """
import bpy, os, shutil, sys
folder = sys.argv[-1]

def fresh():
    bpy.ops.wm.read_factory_settings(use_empty=False)
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    return bpy.context.scene, bpy.data.objects["Cube"]

def save(name):
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, name + ".blend"))

scene, cube = fresh()
save("still")
scene, cube = fresh()
cloth = cube.modifiers.new("cloth", "CLOTH")
save("cloth")
cloth.show_render = False
save("cloth that is not rendered")
cloth.show_render, cube.hide_render = True, True
save("hidden cloth")
cube.hide_render = False
cache = cloth.point_cache
cache.frame_end = 5
bpy.ops.ptcache.bake_all(bake=True)
assert cache.is_baked
save("baked cloth")
scene, cube = fresh()
save("cloth on disk")
cloth = cube.modifiers.new("cloth", "CLOTH")
cache = cloth.point_cache
cache.frame_end, cache.use_disk_cache = 5, True
bpy.ops.ptcache.bake_all(bake=True)
save("cloth on disk")
save("lost cloth")
shutil.rmtree(os.path.join(folder, "blendcache_lost cloth"), ignore_errors=True)
cache.use_external, cache.filepath = True, "//nowhere"
save("cloth elsewhere")
scene, cube = fresh()
cube.name = "It's a cube"
cube.modifiers.new("p", "PARTICLE_SYSTEM")
save("particles")
hair = cube.particle_systems[0].settings
hair.type = "HAIR"
save("hair")
scene, cube = fresh()
bpy.ops.rigidbody.world_add()
scene.rigidbody_world.collection = bpy.data.collections.new("bodies")
scene.rigidbody_world.collection.objects.link(cube)
save("bodies")
cube.rigid_body.type = "PASSIVE"
save("bodies that stand")
scene, cube = fresh()
fluid = cube.modifiers.new("f", "FLUID")
fluid.fluid_type = "DOMAIN"
save("fluid")
if bpy.app.version >= (4, 1, 0):
    scene, cube = fresh()
    tree = bpy.data.node_groups.new("zone", "GeometryNodeTree")
    for side in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("G", in_out=side, socket_type="NodeSocketGeometry")
    first, last = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    into = tree.nodes.new("GeometryNodeSimulationInput")
    out = tree.nodes.new("GeometryNodeSimulationOutput")
    into.pair_with_output(out)
    tree.links.new(first.outputs[0], into.inputs["Geometry"])
    tree.links.new(into.outputs["Geometry"], out.inputs["Geometry"])
    tree.links.new(out.outputs["Geometry"], last.inputs[0])
    nodes = cube.modifiers.new("n", "NODES")
    nodes.node_group = tree
    scene.frame_set(2)
    if hasattr(nodes, "bake_target"):
        nodes.bake_target = "DISK"
    nodes.bake_directory = "//nothing there"
    save("zone")
    nodes.bake_directory = "//bakes"
    scene.frame_end = 3
    bake = nodes.bakes[0]
    bpy.ops.object.geometry_node_bake_single(
        session_uid=cube.session_uid, modifier_name="n", bake_id=bake.bake_id
    )
    save("baked zone")
"""


@pytest.fixture(scope="module")
def made(make_with, each_blender, tmp_path_factory):
    """A folder of files with a simulation each."""
    folder = tmp_path_factory.mktemp("simulations")
    make_with(each_blender, MAKE, folder)
    return folder


@pytest.fixture
def unbaked(run, each_blender, made):
    """What the script says of a file, as a set."""

    def ask(name, **env):
        blend = made / f"{name}.blend"
        if not blend.exists():
            assert "zone" in name, "only old Blenders lack something, and that is zones"
            return None
        words = [*each_blender, "--factory-startup", "-Y", "-b", blend, "-P", SCRIPT]
        done = run(words, PYTHONPATH=ROOT, **env)
        assert "cannot be told" not in done.text
        return re.findall(r"^renderd: unbaked (.*)$", done.text, re.M)

    return ask


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("still", []),
        ("cloth", ["cloth of 'Cube'"]),
        ("cloth that is not rendered", []),
        ("hidden cloth", []),
        ("baked cloth", []),
        ("particles", ["particles of 'It\\'s a cube'"]),
        ("hair", []),
        ("bodies", ["rigid bodies of 'Scene'"]),
        ("bodies that stand", []),
        ("fluid", ["fluid of 'Cube'"]),
        ("zone", ["simulation zone of 'Cube'"]),
        ("baked zone", []),
    ],
)
def test_what_is_simulated_and_not_baked_is_named(unbaked, name, said):
    found = unbaked(name)
    if found is not None:
        assert [line.replace("\\", "") for line in found] == [s.replace("\\", "") for s in said]


LOOK = """
import bpy
for thing in bpy.data.objects:
    for one in thing.modifiers:
        if one.type == "CLOTH":
            print("CACHE", one.point_cache.info)
print("NOW", bpy.context.scene.frame_current)
"""


def test_a_whole_job_counts_its_simulations_before_it_renders(run, each_blender, made):
    # Else Cycles renders the cloth standing still in every frame.
    words = [*each_blender, "--factory-startup", "-Y", "-b", made / "cloth.blend", "-P", SCRIPT]
    env = {"RENDERD_WHOLE": "yes", "RENDERD_START": "3", "RENDERD_END": "6", "PYTHONPATH": ROOT}
    done = run([*words, "--python-expr", LOOK], **env)
    assert "renderd: steps through frames 1 to 6" in done.text
    assert "CACHE 6 frames" in done.text
    assert "NOW 3" in done.text


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("cloth on disk", ""),
        ("baked cloth", ""),
        ("lost cloth", "blendcache_lost cloth"),
        ("cloth elsewhere", "nowhere"),
    ],
)
def test_a_bake_whose_files_are_not_here_is_missing(run, each_blender, made, name, lost):
    words = [*each_blender, "--factory-startup", "-Y", "-b", made / f"{name}.blend", "-P", SCRIPT]
    done = run(words, PYTHONPATH=ROOT)
    said = [f"renderd: missing '{made / lost}' (baked cloth of 'Cube')"] if lost else []
    assert re.findall(r"^renderd: .*$", done.text, re.MULTILINE) == said
    assert [event.cause for event in done.watch.failures] == ["missing-file"] * len(said)


def test_one_run_that_starts_with_the_simulation_needs_no_bake(unbaked):
    asked = {"RENDERD_WHOLE": "run", "RENDERD_END": "3"}
    assert unbaked("cloth", **asked, RENDERD_START="1") == []
    assert unbaked("cloth", **asked, RENDERD_START="2") == ["cloth of 'Cube'"]


def test_what_a_person_wants_whole_is_not_asked_for_a_bake(unbaked):
    assert unbaked("cloth", RENDERD_WHOLE="yes", RENDERD_START="2", RENDERD_END="3") == []
