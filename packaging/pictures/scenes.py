"""Run inside Blender: the shots of the farm in the documentation's pictures.

blender --factory-startup -b --python-exit-code 1 -P scenes.py -- FOLDER
"""

import math
import os
import random
import sys
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parents[1] / "demo"))

import make_scene as kit

WIDTH, HEIGHT = 384, 216
TURN = 2 * math.pi


def main(folder: str) -> None:
    """Build and save every shot."""
    for name, build in SHOTS.items():
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
        scene = bpy.context.scene
        scene.name = "Shot"
        build(scene)
        path = os.path.join(folder, f"{name}.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path, compress=False)  # so that `stamp` can add to it


def begin(scene: bpy.types.Scene, last: int, samples: int = 20) -> None:
    """Size, range and samples of a shot."""
    kit.set_up(scene, "beauty")
    scene.frame_start, scene.frame_end = 1, last
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.render.filepath = "//render/####"
    scene.cycles.samples = samples
    scene.cycles.diffuse_bounces = 2
    scene.view_settings.view_transform = "Filmic"
    scene.view_settings.look = "Medium High Contrast"


def dunes(scene: bpy.types.Scene) -> None:
    """Red sand at dusk, and a row of mirrors that float over it."""
    begin(scene, 40)
    sky = ((0.98, 0.46, 0.22), (0.05, 0.10, 0.34))
    kit.light(scene, sky=sky, sun=(1.25, 0.0, 0.9), power=4.5)
    sand = kit.material("sand", (0.62, 0.24, 0.09), roughness=0.9)
    ground(
        scene,
        sand,
        lambda x, y: 1.5 * ridge(x * 0.11 + y * 0.04) + 0.35 * ridge(y * 0.3 - x * 0.12),
    )
    mirror = kit.material("mirror", (0.95, 0.95, 0.97), metallic=1.0, roughness=0.02)
    ball = kit.ball_mesh("ball")
    for at in range(7):
        where = ((at - 3) * 2.6, 2.0 + 1.1 * abs(at - 3), 3.3 + 0.25 * math.sin(at))
        kit.put(scene, ball, f"mirror {at}", where, 0.95 - 0.06 * abs(at - 3), mirror)
    walk(scene, (-4.5, -13.0, 4.4), (4.5, -12.0, 3.6), (0.0, 3.0, 2.6), 34)


def city(scene: bpy.types.Scene) -> None:
    """Towers at night, their tops lit."""
    begin(scene, 60, samples=24)
    kit.light(scene, sky=((0.20, 0.06, 0.26), (0.004, 0.006, 0.03)), sun=(0.9, 0.2, 2.4), power=0.5)
    kit.floor(scene, (0.012, 0.013, 0.02), (0.02, 0.02, 0.03), roughness=0.12)
    dice = random.Random(11)
    wall = kit.material("wall", (0.05, 0.055, 0.075), roughness=0.35)
    lights = [
        glow("cyan", (0.05, 0.75, 1.0)),
        glow("pink", (1.0, 0.08, 0.42)),
        glow("amber", (1.0, 0.5, 0.08)),
    ]
    box = box_mesh()
    for x in range(-7, 8):
        for y in range(-3, 12):
            if x == 0:
                continue  # the street
            high = 0.6 + 3.8 * dice.random() ** 3 + 0.12 * max(0, y)
            spot = (x * 1.5, y * 1.5, high)
            tower = kit.put(scene, box, f"tower {x} {y}", spot, 1.0, wall)
            tower.scale = (0.55, 0.55, high)
            if dice.random() < 0.6:
                rim = kit.put(
                    scene,
                    box,
                    f"rim {x} {y}",
                    (x * 1.5, y * 1.5, 2 * high),
                    1.0,
                    dice.choice(lights),
                )
                rim.scale = (0.56, 0.56, 0.05)
    walk(scene, (-5.0, -15.0, 10.5), (5.0, -15.0, 9.0), (0.0, 3.0, 0.6), 34)


def rings(scene: bpy.types.Scene) -> None:
    """Rings of four colours turn through each other."""
    begin(scene, 24)
    kit.light(scene, sky=((0.72, 0.82, 0.95), (0.22, 0.42, 0.80)), sun=(0.6, 0.25, 0.4), power=2.6)
    kit.floor(scene, (0.86, 0.83, 0.78), (0.80, 0.77, 0.72), roughness=0.5)
    paints = ((0.95, 0.24, 0.12), (0.02, 0.36, 0.42), (0.98, 0.66, 0.10), (0.90, 0.88, 0.84))
    for at, paint in enumerate(paints):
        bpy.ops.mesh.primitive_torus_add(
            major_radius=1.25, minor_radius=0.27, major_segments=96, minor_segments=32
        )
        ring = bpy.context.object
        ring.name = f"ring {at}"
        for face in ring.data.polygons:
            face.use_smooth = True
        ring.data.materials.append(kit.material(ring.name, paint, roughness=0.16))
        ring.location = (1.5 * (at - 1.5), 0.12 * at, 1.62)
        ring.rotation_euler = (TURN / 4 + 0.5 * (at % 2), 0.6 * (at % 2), 0.35 * at)
        kit.spin(ring, TURN / 2 * (1 if at % 2 else -1))
    walk(scene, (1.2, -9.2, 3.0), (-1.2, -9.2, 2.6), (0.0, 0.0, 1.5), 42)


def forest(scene: bpy.types.Scene) -> None:
    """Paper trees; its second scene lacks a camera, and its bark lies nowhere."""
    begin(scene, 90)
    kit.light(scene, sky=((0.80, 0.90, 0.84), (0.18, 0.48, 0.52)), sun=(0.7, 0.3, 0.2), power=3.0)
    kit.floor(scene, (0.16, 0.30, 0.17), (0.13, 0.26, 0.15), roughness=0.9)
    dice = random.Random(5)
    greens = [
        kit.material(f"leaf {i}", kit.hsv(0.30 + 0.05 * i, 0.7, 0.55), roughness=0.8)
        for i in range(4)
    ]
    for at in range(46):
        x, y = dice.uniform(-10, 10), dice.uniform(-3, 16)
        high = dice.uniform(1.6, 3.6)
        bpy.ops.mesh.primitive_cone_add(
            vertices=6, radius1=high * 0.36, depth=high, location=(x, y, high / 2)
        )
        bpy.context.object.data.materials.append(greens[at % 4])
    bark = bpy.data.images.new("bark_albedo", 4, 4)
    bark.source, bark.filepath = "FILE", "//textures/bark_albedo.png"
    node = greens[0].node_tree.nodes.new("ShaderNodeTexImage")
    node.image = bark
    walk(scene, (0.0, -9.0, 2.6), (0.0, -6.0, 2.2), (0.0, 4.0, 1.2), 32)
    blind = scene.copy()
    blind.name = "Overhead"
    blind.camera = None
    blind.frame_end = 48


SHOTS = {
    "sq010_sh020_dunes": dunes,
    "sq010_sh040_city": city,
    "sq020_sh010_rings": rings,
    "sq030_sh010_forest": forest,
}


def ridge(value: float) -> float:
    """Waves with sharp crests, from 0 to 1."""
    return 1.0 - abs(math.sin(value * math.pi)) ** 0.7


def ground(scene: bpy.types.Scene, paint: bpy.types.Material, height) -> None:  # noqa: ANN001
    """A mesh of this height at every place."""
    side, cells = 90.0, 260
    step = side / cells
    points = [
        (x * step - side / 2, y * step - side / 3, height(x * step - side / 2, y * step - side / 3))
        for y in range(cells + 1)
        for x in range(cells + 1)
    ]
    row = cells + 1
    faces = [
        (y * row + x, y * row + x + 1, (y + 1) * row + x + 1, (y + 1) * row + x)
        for y in range(cells)
        for x in range(cells)
    ]
    mesh = bpy.data.meshes.new("ground")
    mesh.from_pydata(points, [], faces)
    for face in mesh.polygons:
        face.use_smooth = True
    kit.put(scene, mesh, "ground", (0, 0, 0), 1.0, paint)


def glow(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    """A surface that shines."""
    made = kit.material(name, colour)
    surface = made.node_tree.nodes["Principled BSDF"]
    surface.inputs["Emission"].default_value = (*colour, 1.0)
    surface.inputs["Emission Strength"].default_value = 6.0
    return made


def box_mesh() -> bpy.types.Mesh:
    """A cube from -1 to 1."""
    bpy.ops.mesh.primitive_cube_add(size=2.0)
    maker = bpy.context.object
    mesh = maker.data
    bpy.data.objects.remove(maker)
    return mesh


def walk(scene: bpy.types.Scene, start: tuple, end: tuple, towards: tuple, lens: float) -> None:
    """A camera that moves from one place to another and looks at a point."""
    kit.camera(scene, start, towards, lens)
    camera = scene.camera
    for frame, place in ((scene.frame_start, start), (scene.frame_end, end)):
        camera.location = place
        gaze = [b - a for a, b in zip(place, towards, strict=True)]
        flat = math.hypot(gaze[0], gaze[1])
        camera.rotation_euler = (math.atan2(flat, -gaze[2]), 0.0, math.atan2(-gaze[0], gaze[1]))
        camera.keyframe_insert("location", frame=frame)
        camera.keyframe_insert("rotation_euler", frame=frame)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[sys.argv.index("--") + 1]))
