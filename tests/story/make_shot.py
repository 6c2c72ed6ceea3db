"""Run inside Blender: a shot whose every pixel has one colour that no window has.

blender --factory-startup -b -P make_shot.py -- shot.blend
"""

import os
import sys

import bpy

scene = bpy.context.scene
scene.name = "Sky"
for one in list(scene.collection.all_objects):
    if one.type != "CAMERA":
        bpy.data.objects.remove(one)
world = bpy.data.worlds.new("sky")
world.use_nodes = True
world.node_tree.nodes["Background"].inputs["Color"].default_value = (1.0, 0.0, 0.5, 1.0)
scene.world = world
scene.frame_start, scene.frame_end = 1, 12
scene.render.engine = "CYCLES"
scene.cycles.samples = 16
scene.cycles.use_denoising = False
scene.view_settings.view_transform = "Standard"
scene.render.resolution_x, scene.render.resolution_y = 320, 180
scene.render.resolution_percentage = 100
bpy.ops.wm.save_as_mainfile(filepath=os.path.abspath(sys.argv[-1]))
