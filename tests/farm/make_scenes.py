"""Run inside Blender: animated scenes that render in a blink, for the farm's tests."""

import sys

import bpy


def scene_of(name, engine, start, end, step=1, last=30):
    scene = bpy.data.scenes.new(name)
    scene.frame_start, scene.frame_end, scene.frame_step = start, end, step
    scene.render.engine = engine
    scene.cycles.samples = 4
    scene.cycles.use_denoising = False  # Debian's Blender has no denoiser and fails
    scene.render.resolution_x, scene.render.resolution_y = 64, 36
    scene.render.resolution_percentage = 100
    scene.render.filepath = f"//own/{name.lower()}_####"
    camera = bpy.data.objects.new(f"{name} camera", bpy.data.cameras.new(name))
    camera.location = (0, 0, 8)
    lamp = bpy.data.objects.new(f"{name} lamp", bpy.data.lights.new(name, "SUN"))
    lamp.data.energy = 4
    thing = bpy.data.objects.new(f"{name} thing", MESH)
    for one in (camera, lamp, thing):
        scene.collection.objects.link(one)
    scene.camera = camera
    for frame in (-20, last):  # every frame differs from every other
        thing.location, thing.rotation_euler = (frame / 10, 0, 0), (frame / 7, frame / 11, 0)
        thing.keyframe_insert("location", frame=frame)
        thing.keyframe_insert("rotation_euler", frame=frame)
    return scene


folder = sys.argv[sys.argv.index("--") + 1]
bpy.ops.wm.read_factory_settings(use_empty=True)
first = bpy.context.scene
MESH = bpy.data.meshes.new("cube")
corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
MESH.from_pydata(corners, [], faces)
scene_of("Wood", "CYCLES", 1, 6)
scene_of("Clay", "BLENDER_WORKBENCH", 3, 8)
scene_of("Steps", "CYCLES", 1, 11, 3)
slow = scene_of("Slow", "CYCLES", 1, 6)
slow.cycles.samples = 400
slow.render.resolution_x, slow.render.resolution_y = 128, 72
long = scene_of("Long", "CYCLES", 1, 200, last=200)
long.cycles.samples = 40
bpy.context.window.scene = bpy.data.scenes["Wood"]
bpy.data.scenes.remove(first)
bpy.ops.wm.save_as_mainfile(filepath=f"{folder}/scenes.blend", compress=False)
for scene in list(bpy.data.scenes):
    if scene.name != "Wood":
        bpy.data.scenes.remove(scene)
bpy.data.scenes["Wood"].camera = None
bpy.ops.wm.save_as_mainfile(filepath=f"{folder}/blind.blend", compress=False)
