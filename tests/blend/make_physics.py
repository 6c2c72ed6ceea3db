"""Run inside Blender: one file a kind of simulation, baked and not, in the folder named last."""

import contextlib
import itertools
import os
import sys

import bpy

FOLDER = sys.argv[sys.argv.index("--") + 1]
SUBJECTS = []


def subject(make):
    SUBJECTS.append(make)
    return make


def grid(name, location=(0, 0, 0)):
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=3, y_subdivisions=3, location=location)
    one = bpy.context.object
    one.name = name
    return one


@subject
def cloth():
    return grid("Flag").modifiers.new("Cloth", "CLOTH").point_cache


@subject
def soft():
    return grid("Jelly").modifiers.new("Softbody", "SOFT_BODY").point_cache


@subject
def particles():
    one = grid("Sparks")
    one.modifiers.new("Particles", "PARTICLE_SYSTEM")
    one.particle_systems[0].settings.count = 5
    return one.particle_systems[0].point_cache


@subject
def still():
    """Particles that do not move need no bake."""
    one = grid("Stones")
    one.modifiers.new("Particles", "PARTICLE_SYSTEM")
    one.particle_systems[0].settings.physics_type = "NO"
    return one.particle_systems[0].point_cache


@subject
def hair():
    one = grid("Fur")
    one.modifiers.new("Particles", "PARTICLE_SYSTEM")
    system = one.particle_systems[0]
    system.settings.type, system.settings.count = "HAIR", 5
    system.use_hair_dynamics = True
    return system.point_cache


@subject
def combed():
    """Hair without dynamics stands still."""
    one = grid("Beard")
    one.modifiers.new("Particles", "PARTICLE_SYSTEM")
    one.particle_systems[0].settings.type = "HAIR"


@subject
def rigid():
    bpy.ops.rigidbody.world_add()
    grid("Brick", (0, 0, 3))
    bpy.ops.rigidbody.object_add(type="ACTIVE")
    return bpy.context.scene.rigidbody_world.point_cache


@subject
def rigid_off():
    """A world that is switched off moves nothing."""
    rigid()
    bpy.context.scene.rigidbody_world.enabled = False


@subject
def paint():
    one = grid("Canvas")
    one.modifiers.new("Paint", "DYNAMIC_PAINT").ui_type = "CANVAS"
    bpy.ops.dpaint.type_toggle(type="CANVAS")
    return one.modifiers[0].canvas_settings.canvas_surfaces[0].point_cache


@subject
def off():
    """What is not rendered is not missed."""
    one = grid("Off")
    one.modifiers.new("Cloth", "CLOTH").show_render = False


@subject
def elsewhere():
    """Another scene's cloth."""
    scene = bpy.data.scenes.new("Other")
    one = grid("Far")
    one.modifiers.new("Cloth", "CLOTH")
    scene.collection.objects.link(one)
    bpy.context.scene.collection.objects.unlink(one)


@subject
def fluid():
    domain = grid("Tank")
    domain.modifiers.new("Fluid", "FLUID").fluid_type = "DOMAIN"
    settings = domain.modifiers[0].domain_settings
    settings.resolution_max, settings.cache_frame_end = 6, 2
    settings.cache_directory = "//cache_fluid"
    settings.cache_type = "ALL"
    return domain


@subject
def zone():
    """A simulation zone inside a group inside the modifier's own group."""
    if not hasattr(bpy.types, "GeometryNodeSimulationOutput"):
        return None
    inner = bpy.data.node_groups.new("Inner", "GeometryNodeTree")
    outer = bpy.data.node_groups.new("Outer", "GeometryNodeTree")
    for tree in (inner, outer):
        for way in ("INPUT", "OUTPUT"):
            tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
        tree.nodes.new("NodeGroupInput")
        tree.nodes.new("NodeGroupOutput")
    begin = inner.nodes.new("GeometryNodeSimulationInput")
    end = inner.nodes.new("GeometryNodeSimulationOutput")
    begin.pair_with_output(end)
    chain(inner, begin, end)
    group = outer.nodes.new("GeometryNodeGroup")
    group.node_tree = inner
    chain(outer, group)
    one = grid("Growth")
    one.modifiers.new("Nodes", "NODES").node_group = outer
    return one


@subject
def zone_linked():
    """A zone in a group that lies in a library."""
    if found := zone():
        library = os.path.join(FOLDER, "zones.blend")
        bpy.data.libraries.write(library, {found.modifiers[0].node_group})
        found.modifiers[0].node_group = None
        for tree in list(bpy.data.node_groups):
            bpy.data.node_groups.remove(tree)
        with bpy.data.libraries.load(library, link=True) as (_, into):
            into.node_groups = ["Outer"]
        found.modifiers[0].node_group = into.node_groups[0]
    return found


@subject
def zone_off():
    """A zone whose group is muted simulates nothing."""
    if found := zone():
        tree = found.modifiers[0].node_group
        next(node for node in tree.nodes if node.type == "GROUP").mute = True


def chain(tree, *between):
    nodes = [tree.nodes["Group Input"], *between, tree.nodes["Group Output"]]
    for left, right in itertools.pairwise(nodes):
        out = next(s for s in left.outputs if s.type == "GEOMETRY")
        tree.links.new(out, next(s for s in right.inputs if s.type == "GEOMETRY"))


def bake(found):
    if isinstance(found, bpy.types.Object):
        bpy.context.view_layer.objects.active = found
        if found.modifiers[0].type == "FLUID":
            return bpy.ops.fluid.bake_all() == {"FINISHED"}
        session = {"session_uid": found.session_uid, "modifier_name": found.modifiers[0].name}
        for entry in found.modifiers[0].bakes:
            bpy.ops.object.geometry_node_bake_single(**session, bake_id=entry.bake_id)
        return True
    with bpy.context.temp_override(point_cache=found):
        return bpy.ops.ptcache.bake(bake=True) == {"FINISHED"}


def save(name):
    path = os.path.join(FOLDER, f"{name}.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=True)


bpy.context.preferences.filepaths.save_version = 0
for make in SUBJECTS:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.frame_end = 3
    save(make.__name__)
    found = make()
    save(make.__name__)
    if isinstance(found, bpy.types.PointCache):
        found.frame_end = 3
    if found is not None:
        with contextlib.suppress(RuntimeError):
            if bake(found):
                save(f"{make.__name__}_baked")
    if isinstance(found, bpy.types.PointCache) and make is cloth:
        save("cloth_disk")  # the folder of its cache is named after the file
        found.use_disk_cache = True
        if bake(found):
            save("cloth_disk")
