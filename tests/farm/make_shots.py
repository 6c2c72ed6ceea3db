"""Run inside Blender: one small file for each way in which a picture can be wrong."""

import os
import sys
import zlib

import bpy

FOLDER = sys.argv[sys.argv.index("--") + 1]
SIDE = 32
SLOW = 8000  #: samples
IS_OLD = bpy.app.version < (4, 2, 0)


def empty():
    """A file with one scene, and nothing of anybody's preferences."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def settle(scene, name, last, samples=1):
    """The settings that all shots share."""
    scene.name = name
    render = scene.render
    scene.frame_start, scene.frame_end = 1, last
    render.engine = "CYCLES"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = False  # Debian's Blender has no denoiser and fails
    scene.cycles.use_adaptive_sampling = False
    render.resolution_x = render.resolution_y = SIDE
    render.resolution_percentage = 100
    render.use_stamp_date = render.use_stamp_render_time = render.use_stamp_time = False
    render.threads_mode, render.threads = "FIXED", 1
    render.dither_intensity = 0  # a red frame is red in every pixel
    render.filepath = f"//own/{name.lower()}_####"
    scene.view_settings.view_transform = "Standard"
    camera = add(scene, "camera", bpy.data.cameras.new("camera"))
    camera.location = (0, 0, 8)
    scene.camera = camera
    sky(scene, (0.05, 0.05, 0.05))


def add(scene, name, data):
    """A new object in the scene."""
    thing = bpy.data.objects.new(name, data)
    scene.collection.objects.link(thing)
    return thing


def sky(scene, colour, strength=1.0):
    """What is seen where nothing stands."""
    world = scene.world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    node = next(n for n in world.node_tree.nodes if n.type == "BACKGROUND")
    node.inputs["Color"].default_value = (*colour, 1)
    node.inputs["Strength"].default_value = strength


def glow(colour=None, image=None):
    """A material that shines by itself, in a colour or as an image."""
    made = bpy.data.materials.new("glow")
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()
    shine = tree.nodes.new("ShaderNodeEmission")
    end = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(shine.outputs[0], end.inputs["Surface"])
    if colour:
        shine.inputs["Color"].default_value = (*colour, 1)
    if image:
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image = image
        tree.links.new(texture.outputs["Color"], shine.inputs["Color"])
    return made


def plane(name, side=2.0, cuts=1):
    """A square of quads with UVs, lying in the picture's plane."""
    marks = [i / cuts for i in range(cuts + 1)]
    corners = [((x - 0.5) * side, (y - 0.5) * side, 0) for y in marks for x in marks]
    row = cuts + 1
    faces = [
        (a, a + 1, a + 1 + row, a + row)
        for a in (y * row + x for y in range(cuts) for x in range(cuts))
    ]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], faces)
    layer = mesh.uv_layers.new()
    for loop, uv in zip(mesh.loops, layer.data, strict=True):
        x, y, _ = corners[loop.vertex_index]
        uv.uv = (x / side + 0.5, y / side + 0.5)
    return mesh


def mover(scene, name="mover", colour=(0.1, 0.8, 0.2), last=20):
    """A square that stands elsewhere in each frame."""
    thing = add(scene, name, plane(name, 1.2))
    thing.data.materials.append(glow(colour))
    for frame, x in ((1, -1.4), (last, 1.4)):
        thing.location, thing.rotation_euler = (x, x / 3, 0), (0, 0, x)
        thing.keyframe_insert("location", frame=frame)
        thing.keyframe_insert("rotation_euler", frame=frame)
    return thing


def save(name):
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(FOLDER, f"{name}.blend"), compress=False)


def png(path, colour):
    """A picture of one colour, written without Blender."""
    rows = (b"\0" + bytes(colour) * 4) * 4
    size = (4).to_bytes(4, "big") * 2
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in (
            (b"IHDR", size + bytes((8, 2, 0, 0, 0))),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        ):
            check = zlib.crc32(kind + data).to_bytes(4, "big")
            file.write(len(data).to_bytes(4, "big") + kind + data + check)


# -- colours: who rendered this? -------------------------------------------------------------


def colours():
    for name, colour in (("red", (1, 0, 0)), ("blue", (0, 0, 1)), ("green", (0, 1, 0))):
        scene = empty()
        settle(scene, name.title(), 6)
        sky(scene, colour)
        save(name)
        if name == "red":  # so slow that it can be stopped between two frames
            scene.cycles.samples = SLOW
            save("slow_red")


# -- sources: files beside the file ----------------------------------------------------------


def textured():
    os.makedirs(os.path.join(FOLDER, "tex"), exist_ok=True)
    png(os.path.join(FOLDER, "tex", "wall.png"), (0, 255, 0))
    scene = empty()
    settle(scene, "Textured", 2)
    wall = add(scene, "wall", plane("wall", 20))
    save("textured")  # so that the image's path can be relative
    image = bpy.data.images.load(os.path.join(FOLDER, "tex", "wall.png"))
    image.filepath = "//tex/wall.png"
    wall.data.materials.append(glow(image=image))
    save("textured")


def plate():
    """A wall that shows one picture of a sequence a frame, and a strip of the same pictures."""
    os.makedirs(os.path.join(FOLDER, "plate"), exist_ok=True)
    names = [f"plate_{number:03d}.png" for number in range(11, 17)]
    for name in names:
        png(os.path.join(FOLDER, "plate", name), (0, 255, 0))
    scene = empty()
    settle(scene, "Plate", 6)
    wall = add(scene, "wall", plane("wall", 20))
    save("plate")
    image = bpy.data.images.load(os.path.join(FOLDER, "plate", names[0]))
    image.source, image.filepath = "SEQUENCE", f"//plate/{names[0]}"
    wall.data.materials.append(glow(image=image))
    (node,) = (n for n in wall.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
    user = node.image_user
    user.frame_start, user.frame_duration, user.frame_offset = 1, 6, 10
    user.use_auto_refresh = True
    save("plate")
    scene = empty()
    settle(scene, "Strip", 6)
    save("strip")
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strip = strips.new_image("plate", f"//plate/{names[0]}", 1, 1, fit_method="STRETCH")
    for name in names[1:]:
        strip.elements.append(name)
    strip.frame_final_duration = 6
    save("strip")


def linked():
    os.makedirs(os.path.join(FOLDER, "lib"), exist_ok=True)
    scene = empty()
    settle(scene, "Library", 1)
    wall = add(scene, "prop", plane("prop", 20))
    wall.data.materials.append(glow((0, 1, 0)))
    save("lib/prop")
    scene = empty()
    settle(scene, "Linked", 2)
    save("linked")
    path = os.path.join(FOLDER, "lib", "prop.blend")
    with bpy.data.libraries.load(path, link=True, relative=True) as (_, wanted):
        wanted.objects = ["prop"]
    scene.collection.objects.link(wanted.objects[0])
    save("linked")


# -- sets: more than one file a frame --------------------------------------------------------


def passes():
    scene = of_sets("Passes")
    scene.view_layers[0].use_pass_z = True
    tree, layers = compositor(scene)
    files = tree.nodes.new("CompositorNodeOutputFile")
    if IS_OLD or bpy.app.version < (5, 0, 0):
        files.base_path = "//passes/"
        files.format.file_format = "PNG"
        files.file_slots.clear()
        for name in ("beauty_", "alpha_"):
            files.file_slots.new(name)
    else:
        files.directory, files.file_name = "//passes/", ""
        files.format.media_type, files.format.file_format = "IMAGE", "PNG"
        for name in ("beauty_", "alpha_"):
            files.file_output_items.new("RGBA" if name == "beauty_" else "FLOAT", name)
    tree.links.new(layers.outputs["Image"], files.inputs[0])
    tree.links.new(layers.outputs["Alpha"], files.inputs[1])
    save("passes")


def compositor(scene):
    """The compositor's tree with render layers going into the picture."""
    if bpy.app.version >= (5, 0, 0):
        tree = scene.compositing_node_group = bpy.data.node_groups.new("c", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        end = tree.nodes.new("NodeGroupOutput")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        end = tree.nodes.new("CompositorNodeComposite")
    layers = tree.nodes.new("CompositorNodeRLayers")
    tree.links.new(layers.outputs["Image"], end.inputs[0])
    return tree, layers


def multilayer():
    scene = of_sets("Multilayer")
    scene.view_layers[0].use_pass_z = True
    scene.view_layers[0].use_pass_normal = True
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.image_settings.exr_codec = "ZIP"
    save("multilayer")


def stereo():
    scene = of_sets("Stereo")
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "INDIVIDUAL"
    save("stereo")


def layers():
    """Two view layers, each into pictures of its own."""
    scene = of_sets("Layers")
    scene.view_layers[0].name = "near"
    scene.view_layers.new("far").use_pass_z = True
    tree, first = compositor(scene)
    first.layer = "near"
    second = tree.nodes.new("CompositorNodeRLayers")
    second.layer = "far"
    files = tree.nodes.new("CompositorNodeOutputFile")
    files.base_path = "//passes/"
    files.format.file_format = "OPEN_EXR"
    files.file_slots.clear()
    for name, node in (("near_", first), ("far_", second)):
        files.file_slots.new(name)
        tree.links.new(node.outputs["Image"], files.inputs[name])
    save("layers")


def border():
    scene = of_sets("Border")
    render = scene.render
    render.image_settings.file_format = "OPEN_EXR"
    render.use_border, render.use_crop_to_border = True, False
    render.border_min_x, render.border_max_x = 0.25, 0.75
    render.border_min_y, render.border_max_y = 0.25, 0.75
    scene.cycles.samples *= 4  # of a quarter of the pixels
    save("border")


def of_sets(name):
    """Slow enough that it can be killed between two frames."""
    scene = empty()
    settle(scene, name, 6, samples=6000)
    mover(scene, last=6)
    return scene


# -- time: frames that depend on the ones before ---------------------------------------------


def motion():
    scene = empty()
    settle(scene, "Motion", 20, samples=4)
    scene.render.use_motion_blur = True
    scene.render.motion_blur_shutter = 0.8
    mover(scene)
    save("motion")


def cloth(name, *, baked):
    """A cloth that falls; its frames are right only with all those before them, or baked."""
    scene = empty()
    settle(scene, name.title(), 20)
    scene.render.use_motion_blur = baked == "disk"
    sheet = add(scene, "sheet", plane("sheet", 2.5, 6))
    sheet.data.materials.append(glow((0.9, 0.5, 0.1)))
    sheet.rotation_euler = (0.6, 0.2, 0)
    scene.gravity = (0, -6, -2)
    made = sheet.modifiers.new("cloth", "CLOTH")
    cache = made.point_cache
    cache.frame_start, cache.frame_end = 1, 20
    save(name)
    if baked:
        cache.use_disk_cache = baked == "disk"
        bpy.context.view_layer.update()
        bpy.ops.ptcache.bake_all(bake=True)
        save(name)


def particles():
    """Sparks from a baked emitter: the cache lies in the file itself."""
    scene = empty()
    settle(scene, "Sparks", 20)
    scene.render.use_motion_blur = True
    spark = add(scene, "spark", plane("spark", 0.5))
    spark.data.materials.append(glow((1, 0.8, 0.1)))
    spark.location = (0, 0, 50)
    source = add(scene, "source", plane("source", 1))
    source.modifiers.new("sparks", "PARTICLE_SYSTEM")
    settings = source.particle_systems[0].settings
    settings.count, settings.frame_start, settings.frame_end = 60, 1, 15
    settings.lifetime, settings.normal_factor, settings.factor_random = 30, 0.5, 2
    settings.render_type, settings.instance_object = "OBJECT", spark
    settings.particle_size = 1
    cache = source.particle_systems[0].point_cache
    cache.frame_start, cache.frame_end = 1, 20
    save("sparks")
    bpy.ops.ptcache.bake_all(bake=True)
    save("sparks")


SHOTS = {
    "colours": colours, "textured": textured, "plate": plate, "linked": linked, "passes": passes,
    "multilayer": multilayer, "stereo": stereo, "layers": layers, "border": border,
    "motion": motion, "particles": particles,
    "baked": lambda: cloth("baked", baked="disk"),
    "settled": lambda: cloth("settled", baked="file"),
    "cloth": lambda: cloth("cloth", baked=""),
}  # fmt: skip

for wanted in sys.argv[sys.argv.index("--") + 2 :] or SHOTS:
    SHOTS[wanted]()
