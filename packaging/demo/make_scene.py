"""Makes demo.blend: two small Cycles scenes that render anywhere in half a second a frame.

    blender --factory-startup -b --python-exit-code 1 -P make_scene.py -- demo.blend

No textures, no scripts, no add-ons, nothing outside the file; a CPU is enough.
"""

import colorsys
import math
import os
import sys

import bpy

FRAMES = 48
WIDTH, HEIGHT, SAMPLES = 320, 180, 12
TURN = 2 * math.pi

Triple = tuple[float, float, float]


def main(path: str) -> None:
    """Build both scenes in an empty file and save it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    first = bpy.context.scene
    first.name = "Turntable"
    build_turntable(first)
    second = bpy.data.scenes.new("Juggler")
    build_juggler(second)
    bpy.ops.wm.save_as_mainfile(filepath=os.path.abspath(path), compress=True)


def build_turntable(scene: bpy.types.Scene) -> None:
    """A cube of coloured balls turns one way, a ring of chrome ones the other."""
    set_up(scene, "turntable")
    light(scene, sky=((0.62, 0.50, 0.48), (0.05, 0.09, 0.22)), sun=(0.85, 0.1, 0.5), power=3.4)
    floor(scene, (0.05, 0.055, 0.07), (0.11, 0.12, 0.145), roughness=0.12)
    ball = ball_mesh("ball")
    cube = empty(scene, "cube")
    cube.location.z = 1.5
    cube.rotation_euler.z = TURN / 16
    for index in range(27):
        x, y, z = index % 3 - 1, index // 3 % 3 - 1, index // 9 - 1
        if (x, y, z) == (0, 0, 0):
            continue
        hue = (math.atan2(y, x) / TURN + 0.08 * z) % 1.0
        paint = material(f"paint {index}", hsv(hue, 0.78, 0.9), roughness=0.12)
        one = put(scene, ball, f"ball {index}", (x * 0.82, y * 0.82, z * 0.82), 0.44, paint)
        one.parent = cube
    spin(cube, TURN)
    ring = empty(scene, "ring")
    chrome = material("chrome", (0.92, 0.92, 0.95), metallic=1.0, roughness=0.03)
    gold = material("gold", (1.0, 0.66, 0.22), metallic=1.0, roughness=0.12)
    for index in range(12):
        angle = TURN * index / 12
        where = (2.75 * math.cos(angle), 2.75 * math.sin(angle), 0.3)
        paint = gold if index % 3 == 0 else chrome
        put(scene, ball, f"bead {index}", where, 0.3, paint).parent = ring
    spin(ring, -TURN / 4)
    camera(scene, (0.0, -10.6, 4.6), (0.0, 0.0, 1.05), lens=46)


def build_juggler(scene: bpy.types.Scene) -> None:
    """Chrome balls fly round above a chequered floor, as on the computers of 1987."""
    set_up(scene, "juggler")
    light(scene, sky=((0.42, 0.58, 0.85), (0.05, 0.14, 0.46)), sun=(0.75, -0.35, 0.7), power=2.4)
    floor(scene, (0.62, 0.58, 0.48), (0.02, 0.14, 0.05), roughness=0.4)
    ball = ball_mesh("mirror ball")
    chrome = material("mirror", (0.95, 0.95, 0.97), metallic=1.0, roughness=0.02)
    red = material("red", (0.75, 0.03, 0.03), roughness=0.15)
    blue = material("blue", (0.03, 0.10, 0.70), roughness=0.15)
    for index in range(6):
        one = put(scene, ball, f"juggled {index}", (0, 0, 0), 0.42, chrome)
        one.animation_data_create()
        for frame in range(1, FRAMES + 2):
            one.location = on_the_way((frame - 1) / FRAMES + index / 6)
            one.keyframe_insert("location", frame=frame)
    for side, paint in ((-1, red), (1, blue)):
        hand = put(scene, ball, f"hand {side}", (side * 1.9, 0, 0.62), 0.62, paint)
        for frame in range(1, FRAMES + 2):
            beat = (frame - 1) * 6 / FRAMES + (0.5 if side > 0 else 0.0)
            hand.location.z = 0.62 + 0.14 * math.sin(TURN * beat)
            hand.keyframe_insert("location", frame=frame)
    camera(scene, (1.4, -8.6, 2.6), (0.0, 0.0, 1.75), lens=44)


def on_the_way(turn: float) -> tuple[float, float, float]:
    """Where a juggled ball is: a high throw to the right, a flat pass back."""
    turn %= 1.0
    if turn < 0.7:
        part = turn / 0.7
        return -1.9 + 3.8 * part, 0.0, 1.55 + 6.6 * part * (1 - part)
    part = (turn - 0.7) / 0.3
    return 1.9 - 3.8 * part, -0.75 * math.sin(math.pi * part), 1.55 + 0.9 * part * (1 - part)


def set_up(scene: bpy.types.Scene, name: str) -> None:
    """Size, range, engine and output of a scene."""
    scene.frame_start, scene.frame_end = 1, FRAMES
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    render.fps = 24
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.filepath = f"//frames/{name}_####"
    render.use_persistent_data = True
    scene.view_settings.view_transform = "Standard"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples = SAMPLES
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = False  # not every build has a denoiser
    cycles.max_bounces, cycles.glossy_bounces, cycles.diffuse_bounces = 5, 4, 1
    cycles.sample_clamp_indirect = 2.0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.seed = 7


def light(scene: bpy.types.Scene, sky: tuple[Triple, Triple], sun: Triple, power: float) -> None:
    """A sky that fades from the horizon up, and one soft sun."""
    world = bpy.data.worlds.new(f"{scene.name} sky")
    scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    height = nodes.new("ShaderNodeSeparateXYZ")
    ramp = nodes.new("ShaderNodeValToRGB")
    low, high = ramp.color_ramp.elements
    low.position, low.color = 0.0, (*sky[0], 1.0)
    high.position, high.color = 0.55, (*sky[1], 1.0)
    links.new(place.outputs["Generated"], height.inputs[0])
    links.new(height.outputs["Z"], ramp.inputs[0])
    links.new(ramp.outputs[0], nodes["Background"].inputs[0])
    data = bpy.data.lights.new(f"{scene.name} sun", "SUN")
    data.energy, data.angle, data.color = power, 0.06, (1.0, 0.93, 0.82)
    lamp = bpy.data.objects.new(data.name, data)
    lamp.rotation_euler = sun
    scene.collection.objects.link(lamp)


def floor(scene: bpy.types.Scene, one: Triple, other: Triple, roughness: float) -> None:
    """A chequered plane out to the horizon."""
    mesh = bpy.data.meshes.new(f"{scene.name} floor")
    size = 60.0
    corners = [(-size, -size, 0), (size, -size, 0), (size, size, 0), (-size, size, 0)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    paint = material(f"{scene.name} floor", one, roughness=roughness)
    nodes, links = paint.node_tree.nodes, paint.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    check = nodes.new("ShaderNodeTexChecker")
    check.inputs["Color1"].default_value = (*one, 1.0)
    check.inputs["Color2"].default_value = (*other, 1.0)
    check.inputs["Scale"].default_value = 0.8
    links.new(place.outputs["Object"], check.inputs["Vector"])
    links.new(check.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    put(scene, mesh, mesh.name, (0, 0, 0.0001), 1.0, paint)


def material(
    name: str, colour: Triple, metallic: float = 0.0, roughness: float = 0.4
) -> bpy.types.Material:
    """A plain surface."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    surface = made.node_tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*colour, 1.0)
    surface.inputs["Metallic"].default_value = metallic
    surface.inputs["Roughness"].default_value = roughness
    return made


def ball_mesh(name: str) -> bpy.types.Mesh:
    """A smooth unit sphere, shared by all balls of a scene."""
    bpy.ops.mesh.primitive_uv_sphere_add(segments=48, ring_count=24, radius=1.0)
    maker = bpy.context.object
    mesh = maker.data
    mesh.name = name
    for face in mesh.polygons:
        face.use_smooth = True
    bpy.data.objects.remove(maker)
    return mesh


def put(
    scene: bpy.types.Scene,
    mesh: bpy.types.Mesh,
    name: str,
    where: Triple,
    size: float,
    paint: bpy.types.Material,
) -> bpy.types.Object:
    """An object of this mesh with its own surface."""
    made = bpy.data.objects.new(name, mesh)
    if not mesh.materials:
        mesh.materials.append(None)
    made.material_slots[0].link = "OBJECT"
    made.material_slots[0].material = paint
    made.location, made.scale = where, (size, size, size)
    scene.collection.objects.link(made)
    return made


def empty(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    """Something to turn the others by."""
    made = bpy.data.objects.new(name, None)
    scene.collection.objects.link(made)
    return made


def spin(target: bpy.types.Object, angle: float) -> None:
    """A steady turn by this angle; the frame behind the last equals the first."""
    target.keyframe_insert("rotation_euler", frame=1)
    target.rotation_euler.z += angle
    target.keyframe_insert("rotation_euler", frame=FRAMES + 1)
    target.rotation_euler.z -= angle


def camera(scene: bpy.types.Scene, where: Triple, towards: Triple, lens: float) -> None:
    """A camera that looks at a point."""
    data = bpy.data.cameras.new(f"{scene.name} camera")
    data.lens = lens
    made = bpy.data.objects.new(data.name, data)
    made.location = where
    gaze = [b - a for a, b in zip(where, towards, strict=True)]
    flat = math.hypot(gaze[0], gaze[1])
    made.rotation_euler = (math.atan2(flat, -gaze[2]), 0.0, math.atan2(-gaze[0], gaze[1]))
    scene.collection.objects.link(made)
    scene.camera = made


def hsv(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    """A colour in the linear light that surfaces are given in."""
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return red**2.2, green**2.2, blue**2.2


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1])
