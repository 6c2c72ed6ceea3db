"""Run inside Blender: files that render in milliseconds, for the tests beside this one."""

import sys

import bpy


def scene_of(name, start, end, step=1, with_camera=True):
    scene = bpy.data.scenes.new(name)
    scene.frame_start, scene.frame_end, scene.frame_step = start, end, step
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False  # Debian's Blender has no denoiser and fails
    scene.render.resolution_x, scene.render.resolution_y = 48, 32
    scene.render.resolution_percentage = 100
    scene.render.filepath = f"//own/{'AB'['B' in name]}_"
    if with_camera:
        camera = bpy.data.objects.new(f"{name} camera", bpy.data.cameras.new(name))
        scene.collection.objects.link(camera)
        scene.camera = camera
    return scene


folder = sys.argv[sys.argv.index("--") + 1]
bpy.ops.wm.read_factory_settings(use_empty=True)
first = bpy.context.scene
scene_of("A", 1, 3)
scene_of("B", 1, 30, step=3)
for name in ("-y", "-v", "a{b} '\"\n$(x)", "//"):
    scene_of(name, 1, 2)
bpy.context.window.scene = bpy.data.scenes["A"]
bpy.data.scenes.remove(first)
bpy.ops.wm.save_as_mainfile(filepath=f"{folder}/tiny.blend", compress=False)
for scene in list(bpy.data.scenes):
    if scene.name != "A":
        bpy.data.scenes.remove(scene)
bpy.data.scenes["A"].camera = None
bpy.ops.wm.save_as_mainfile(filepath=f"{folder}/blind.blend", compress=False)
