"""Run inside Blender: animated scenes of every engine, and a file that looks alike but is not."""

import sys

import bpy


def material(red):
    made = bpy.data.materials.new("paint")
    made.diffuse_color = (red, 0.3, 0.1, 1)
    return made


def scene_of(name, engine, red):
    """A plane that turns above a camera, so that every frame is another picture."""
    scene = bpy.data.scenes.new(name)
    scene.frame_start, scene.frame_end, scene.frame_step = 1, 6, 2
    for known in (engine, f"{engine}_NEXT"):
        try:
            scene.render.engine = known
        except TypeError:
            continue
        break
    scene.cycles.samples = 2
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = 40, 24
    scene.render.resolution_percentage = 100
    scene.render.filepath = "//own/f_"
    world = bpy.data.worlds.new(name)
    scene.world = world
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [], [(0, 1, 2, 3)])
    mesh.materials.append(material(red))
    plane = bpy.data.objects.new(f"{name} plane", mesh)
    plane.rotation_euler[2] = 0.0
    plane.keyframe_insert("rotation_euler", frame=-5)
    plane.rotation_euler[2] = 3.0
    plane.keyframe_insert("rotation_euler", frame=20)
    light = bpy.data.objects.new(f"{name} light", bpy.data.lights.new(name, "SUN"))
    light.data.energy = 1.0 + 2 * red  # from 5.0 on colours without nodes show nowhere
    camera = bpy.data.objects.new(f"{name} camera", bpy.data.cameras.new(name))
    camera.location = (0.3, 0.2, 4.0)
    for one in (plane, light, camera):
        scene.collection.objects.link(one)
    scene.camera = camera
    return scene


def make(path, red):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    first = bpy.context.scene
    scene_of("Cycles", "CYCLES", red)
    scene_of("Kept", "CYCLES", red).render.use_persistent_data = True
    scene_of("Bench", "BLENDER_WORKBENCH", red)
    scene_of("Eevee", "BLENDER_EEVEE", red)
    exr = scene_of("Exr", "CYCLES", red)
    if hasattr(exr.render.image_settings, "media_type"):
        exr.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    exr.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    bpy.context.window.scene = bpy.data.scenes["Cycles"]
    bpy.data.scenes.remove(first)
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=False)


folder = sys.argv[sys.argv.index("--") + 1]
make(f"{folder}/warm.blend", 0.9)
make(f"{folder}/other.blend", 0.1)
