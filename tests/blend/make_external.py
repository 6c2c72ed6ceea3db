"""Run inside Blender: files that refer to everything outside that a .blend can refer to."""

import contextlib
import json
import os
import struct
import sys
import wave
import zlib

import bpy

FOLDER = sys.argv[sys.argv.index("--") + 1]


def put(name, data=b"x"):
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return path


def png():
    def part(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0\xff\xff\xff")
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", data) + part(b"IEND", b"")


def sound(name):
    path = put(name)
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))
    return path


def image(name, path, source="FILE"):
    one = bpy.data.images.load(path)
    one.name, one.source = name, source
    return one


def new_scene(name="Main"):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = name
    return scene


def thing(name, scene):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    one = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(one)
    return one


def textured(name, images, scene):
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    for one in images:
        material.node_tree.nodes.new("ShaderNodeTexImage").image = one
    thing(name, scene).data.materials.append(material)
    return material


def save(name, compress=False):
    path = os.path.join(FOLDER, name)
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=compress, relative_remap=False)
    return path


def make_libraries():
    """props/prop.blend uses deep/base.blend, which uses it again; each has its own texture."""
    scene = new_scene()
    textured("Base", [image("base", put("props/deep/base.png", png()))], scene)
    textured("Unlinked", [image("unlinked", put("props/deep/unlinked.png", png()))], scene)
    for one in bpy.data.images:
        one.filepath = "//" + os.path.basename(one.filepath)
    save("props/deep/base.blend")
    scene = new_scene()
    with bpy.data.libraries.load(os.path.join(FOLDER, "props/deep/base.blend"), link=True) as (
        _,
        into,
    ):
        into.objects = ["Base"]
    bpy.data.libraries[0].filepath = "//deep/base.blend"
    group = bpy.data.collections.new("Prop")
    group.objects.link(into.objects[0])
    scene.collection.children.link(group)
    put("props/prop.png", png())
    own = image("prop", os.path.join(FOLDER, "props/prop.png"))
    own.filepath = "//prop.png"
    material = textured("Own", [own], scene)
    group.objects.link(bpy.data.objects["Own"])
    assert material
    save("props/prop.blend", compress=True)


def make_shot():
    scene = new_scene()
    images = [
        image("absolute", put("tex/absolute.png", png())),
        image("relative", put("tex/relative.png", png())),
        image("sequence", put("seq/plate.0001.png", png()), "SEQUENCE"),
        image("tiled", put("tex/skin.1001.png", png()), "TILED"),
        image("gone", put("tex/gone.png", png())),
        image("packed", put("tex/packed.png", png())),
        bpy.data.images.new("generated", 4, 4),
    ]
    put("seq/plate.0002.png", png())
    put("tex/skin.1002.png", png())
    images[1].filepath = "//tex/relative.png"
    images[3].filepath = "//tex/skin.<UDIM>.png"
    for number in (1002, 1011):
        images[3].tiles.new(tile_number=number)
    images[5].pack()
    material = textured("Material", images, scene)
    ies = material.node_tree.nodes.new("ShaderNodeTexIES")
    ies.mode, ies.filepath = "EXTERNAL", "//light.ies"
    put("light.ies")
    stale = image("stale", put("tex/stale.png", png()))
    stale.use_fake_user = True
    with bpy.data.libraries.load(os.path.join(FOLDER, "props/prop.blend"), link=True) as (
        _,
        into,
    ):
        into.collections = ["Prop"]
    bpy.data.libraries[0].filepath = "//props/prop.blend"
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", into.collections[0]
    scene.collection.objects.link(instance)
    add_caches(scene)
    add_strips(scene)
    for name in ("gone", "stale"):
        os.unlink(os.path.join(FOLDER, f"tex/{name}.png"))
    return save("shot.blend"), scene


def add_caches(scene):
    volume = bpy.data.volumes.new("smoke")
    volume.filepath = "//vdb/smoke_0001.vdb"
    volume.is_sequence = True
    put("vdb/smoke_0001.vdb")
    scene.collection.objects.link(bpy.data.objects.new("Smoke", volume))
    put("abc/walk.abc")
    bpy.ops.cachefile.open(filepath=os.path.join(FOLDER, "abc/walk.abc"))
    cached = thing("Cached", scene)
    cached.modifiers.new("Cache", "MESH_SEQUENCE_CACHE").cache_file = bpy.data.cache_files[0]
    points = cached.modifiers.new("Points", "MESH_CACHE")
    points.filepath = "//abc/walk.pc2"
    off = cached.modifiers.new("Off", "MESH_CACHE")
    off.filepath, off.show_render = "//abc/off.pc2", False
    curve = bpy.data.curves.new("Text", "FONT")
    fonts = [f for f in FONTS if os.path.exists(f)]
    if fonts:
        with open(fonts[0], "rb") as file:
            curve.font = bpy.data.fonts.load(put("font.ttf", file.read()))
    scene.collection.objects.link(bpy.data.objects.new("Text", curve))
    clip = bpy.data.movieclips.load(put("clip.png", png()))
    tracked = thing("Tracked", scene)
    tracked.constraints.new("FOLLOW_TRACK").clip = clip


FONTS = ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",)


def add_strips(scene):
    editor = scene.sequence_editor_create()
    strips = getattr(editor, "strips", None)
    strips = editor.sequences if strips is None else strips
    pictures = strips.new_image("pictures", put("strip/p.01.png", png()), 1, 1)
    pictures.directory = "//strip/"
    for number in (2, 3):
        pictures.elements.append(f"p.{number:02}.png")
    put("strip/p.03.png", png())
    with contextlib.suppress(RuntimeError):  # bpy 4.2 comes without sound
        strips.new_sound("noise", sound("noise.wav"), 2, 1)
    muted = strips.new_image("muted", put("strip/muted.png", png()), 3, 1)
    muted.mute = True


make_libraries()
path, scene = make_shot()
truth = {
    "paths": sorted(bpy.utils.blend_paths(absolute=True, packed=False, local=True)),
    "has_font": bool([f for f in FONTS if os.path.exists(f)]),
}
with open(os.path.join(FOLDER, "truth.json"), "w") as file:
    json.dump(truth, file)
