"""Run by a Python that has bpy: the extension switched on, and some lines executed with it.

python session.py FOLDER_OF_EXTENSIONS LINES
"""

import sys
from importlib import import_module

import bpy

FOLDER, LINES = sys.argv[1:]
addon_utils = import_module("addon_utils")  # bpy makes it known


def scene_of(name, start, end, filepath="//own/f_", step=1, with_camera=True):
    """A new scene that renders in milliseconds."""
    scene = bpy.data.scenes.new(name)
    scene.frame_start, scene.frame_end, scene.frame_step = start, end, step
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = 48, 32
    scene.render.resolution_percentage = 100
    scene.render.filepath = filepath
    if with_camera:
        scene.camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
        scene.collection.objects.link(scene.camera)
    return scene


def only(*scenes):
    """Remove all other scenes; the first one is in view."""
    bpy.context.window.scene = scenes[0]
    for scene in set(bpy.data.scenes) - set(scenes):
        bpy.data.scenes.remove(scene)


def save(path):
    bpy.ops.wm.save_as_mainfile(filepath=path)


def send():
    """Press the button; the error's text where it does not go."""
    try:
        bpy.ops.render.renderd_send()
    except RuntimeError as error:
        print("HINDERED", str(error).removeprefix("Error: ").strip())


class Paper:
    """Draws nothing; every function and argument must be one of a Blender type's."""

    def __init__(self, kind):
        object.__setattr__(self, "kind", kind)

    def __getattr__(self, name):
        known = self.kind.bl_rna.functions[name].parameters.keys()

        def call(*_values, **said):
            for key in ("text", "title"):
                if said.get(key):
                    print("TEXT", said[key])
            assert set(said) <= set(known), (name, said)
            return self

        return call


class Drawn:
    """A panel, a menu or a context as far as drawing asks for it."""

    def __init__(self, layout, **values):
        self.layout = layout
        vars(self).update(values)


def extension(name):
    """A module of the extension."""
    return import_module(f"bl_ext.tried.neogeo_renderd.{name}")


def preferences():
    return bpy.context.preferences.addons["bl_ext.tried.neogeo_renderd"].preferences


bpy.ops.wm.read_factory_settings(use_empty=True)
repos = bpy.context.preferences.extensions.repos
repo = repos.new(name="tried", module="tried", custom_directory=FOLDER)
repo.use_custom_directory = True
assert addon_utils.enable("bl_ext.tried.neogeo_renderd", default_set=True)
exec(LINES)
