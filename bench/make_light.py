"""Run inside Blender: light.blend, a cube in Cycles that takes some milliseconds a frame."""

import sys

import bpy

bpy.ops.wm.read_factory_settings()
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.resolution_x = scene.render.resolution_y = 64
scene.render.resolution_percentage = 100
scene.frame_start, scene.frame_end = 1, 100
cube = bpy.data.objects["Cube"]
cube.keyframe_insert("rotation_euler", frame=1)
cube.rotation_euler[2] = 6.0
cube.keyframe_insert("rotation_euler", frame=100)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1], compress=False)
