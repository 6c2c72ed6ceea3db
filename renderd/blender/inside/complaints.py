"""Runs inside Blender: says what of the scene to render is missing, unknown or failing here.

Blender renders a missing texture pink and a shader node that it does not know black, prints
nothing and exits 0; this is how a frame comes to fail for it (`missing: fail`).  Only what the
scene reaches counts: files keep stale references.  Of a sequence each frame's own file is looked
for when its turn comes.  What Blender itself complains of (libraries, caches, Python drivers while
a frame is evaluated) is in core/causes.py.
It knows Blender 2.8 to 5.x and never ends the render.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import bpy

said: set[str] = set()  #: files of sequences that were named already


def report() -> None:
    """Print one line for each thing that makes the picture a wrong one."""
    _complain([*_missing(), *_node_troubles(), *_failed_drivers()], bpy.context.scene)
    for path, name in _strips(bpy.context.scene):
        whole = os.path.normpath(bpy.path.abspath(path))
        if not os.path.exists(whole):
            _say(f"missing {_quoted(whole)} (strip {_quoted(name)})")


def report_frame(scene: Any, *_: object) -> None:
    """Print one line for each file that the frame to render takes from a sequence and lacks."""
    try:
        frame = scene.frame_current
        gone = [(one, p) for one, p in _sequence_files(frame) if p not in said and _is_gone(p)]
        _complain([(one, f"missing {_quoted(path)}") for one, path in gone], scene)
        for path, name in _strip_files(scene, frame):
            if path not in said and _is_gone(path):
                _say(f"missing {_quoted(path)} (strip {_quoted(name)})")
                said.add(path)
        said.update(path for _, path in gone)
    except Exception as error:
        _say(f"what is missing cannot be told: {error!r}")


def _complain(found: list[tuple[Any, str]], scene: Any) -> None:
    """Print those sentences whose data block the scene uses."""
    used = _reaching([block for block, _ in found], scene) if found else set()
    for block, sentence in found:
        if block in used:
            _say(f"{sentence} ({block.bl_rna.name.lower()} {_quoted(block.name)})")


def _is_gone(path: str) -> bool:
    return not os.path.exists(path)


def _say(sentence: str) -> None:
    # What the daemon listens for: see core/causes.py.
    sys.stdout.write(f"renderd: {sentence}\n")
    sys.stdout.flush()


def _quoted(text: str) -> str:
    """A name or path on one line, whatever stands in it."""
    shown = ascii(text)[1:-1]
    return f"'{shown}'"


def _missing() -> Iterator[tuple[Any, str]]:
    for block, paths in (*_blocks(), *_caches(), *_node_files()):
        if paths:
            yield block, f"missing {_quoted(paths[0])}"


def _caches() -> Iterator[tuple[Any, list[str]]]:
    """Objects with caches that are named by a modifier, not by a data block."""
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            if modifier.type == "MESH_CACHE" and modifier.show_render and modifier.filepath:
                path = _absolute(thing, modifier.filepath)
                yield thing, [] if os.path.exists(path) else [path]


def _node_files() -> Iterator[tuple[Any, list[str]]]:
    """Light profiles and shader scripts that a node names itself."""
    for owner, node in _nodes():
        if node.type in {"TEX_IES", "SCRIPT"} and node.mode == "EXTERNAL" and node.filepath:
            path = _absolute(owner, node.filepath)
            yield owner, [] if os.path.exists(path) else [path]


def _node_troubles() -> Iterator[tuple[Any, str]]:
    """Nodes of add-ons that are not here, or of newer Blenders: they do nothing."""
    for owner, node in _nodes():
        if node.bl_idname == "NodeUndefined" and not node.mute:
            yield owner, f"unknown node {_quoted(node.name)}"


def _nodes() -> Iterator[tuple[Any, Any]]:
    """Every node with the data block that holds it."""
    data = bpy.data
    blocks = (data.materials, data.worlds, data.lights, data.linestyles, data.textures, data.scenes)
    for owner in (block for collection in blocks for block in collection):
        tree = getattr(owner, "node_tree", None)
        for node in tree.nodes if tree is not None and _uses_nodes(owner) else ():
            yield owner, node
    for tree in data.node_groups:
        for node in tree.nodes:
            yield tree, node


def _uses_nodes(owner: Any) -> bool:
    # From 5.0 on there are nodes or none, and asking warns.
    return bpy.app.version >= (5, 0, 0) or bool(getattr(owner, "use_nodes", True))


def _failed_drivers() -> Iterator[tuple[Any, str]]:
    """Python expressions that failed when the file was opened: scripts are off, or absent.

    A driver whose path leads nowhere fails on every machine alike, so that is no complaint.
    """
    for block in _animated():
        for driver in (curve.driver for curve in block.animation_data.drivers):
            is_python = driver.type == "SCRIPTED" and not driver.is_simple_expression
            if is_python and not driver.is_valid:
                yield block, f"driver {_quoted(driver.expression)} was not executed"


def _animated() -> Iterator[Any]:
    for name in dir(bpy.data):
        collection = getattr(bpy.data, name)
        if isinstance(collection, bpy.types.bpy_prop_collection):
            for block in collection:
                if getattr(block, "animation_data", None):
                    yield block


def _blocks() -> Iterator[tuple[Any, list[str]]]:
    """Data blocks that stand for files, each with those of its files that are not there."""
    data = bpy.data
    for image in data.images:
        if image.source in {"FILE", "MOVIE", "SEQUENCE", "TILED"} and not _is_packed(image):
            yield image, [p for p in _image_paths(image) if not os.path.exists(p)]
    others = [*data.cache_files, *data.movieclips, *data.sounds, *getattr(data, "volumes", ())]
    others += [font for font in data.fonts if not font.filepath.startswith("<")]
    for block in others:
        if block.filepath and not _is_packed(block):
            path = _absolute(block, block.filepath)
            if getattr(block, "is_sequence", False) or getattr(block, "source", "") == "SEQUENCE":
                path = os.path.dirname(path)
            yield block, [] if os.path.exists(path) else [path]


def _sequence_files(frame: int) -> Iterator[tuple[Any, str]]:
    """Images and volumes of sequences with the file that this frame takes from them."""
    for _, node in _nodes():
        image: Any = getattr(node, "image", None)
        user = getattr(node, "image_user", node)  # the compositor's nodes have its settings
        is_sequence = image is not None and image.source == "SEQUENCE" and not _is_packed(image)
        if is_sequence and hasattr(user, "frame_duration") and not node.mute:
            number = _number(user, frame)
            path = _numbered(_absolute(image, image.filepath), number)
            if path:
                yield image, path
    for volume in getattr(bpy.data, "volumes", ()):
        if volume.is_sequence and not _is_packed(volume):
            number = _volume_number(volume, frame)
            path = _numbered(_absolute(volume, volume.filepath), number)
            if path:
                yield volume, path


def _number(user: Any, frame: int) -> int | None:
    """Which file of a sequence a frame takes; None before its first, as Blender counts."""
    length, at = user.frame_duration, frame - user.frame_start + 1
    if length and getattr(user, "use_cyclic", False):
        at = (at - 1) % length + 1
    return min(at, length) + user.frame_offset if length and at > 0 else None


def _volume_number(volume: Any, frame: int) -> int | None:
    """Which file of its sequence a volume shows in a frame; None where it shows none."""
    length, at = volume.frame_duration, frame - volume.frame_start
    if length < 1 or (volume.sequence_mode == "CLIP" and not 0 <= at < length):
        return None
    if volume.sequence_mode == "REPEAT":
        at %= length
    elif volume.sequence_mode == "PING_PONG":
        there_and_back = max(2 * (length - 1), 1)
        at %= there_and_back
        at = min(at, there_and_back - at)
    return int(min(max(at, 0), length - 1) + 1 + volume.frame_offset)


def _numbered(path: str, number: int | None) -> str:
    """The path with its last digits exchanged for the number; "" where that cannot be."""
    folder, name = os.path.split(path)
    stem, ending = os.path.splitext(name)
    found = re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", stem)
    if found is None or number is None:
        return ""
    digits = f"{number:0{len(found[2])}d}"
    return os.path.join(folder, f"{found[1]}{digits}{found[3]}{ending}")


def _is_packed(block: Any) -> bool:
    return bool(getattr(block, "packed_file", None) or getattr(block, "packed_files", None))


def _image_paths(image: Any) -> list[str]:
    path = _absolute(image, image.filepath)
    if not image.filepath:
        return []
    if image.source == "SEQUENCE":  # which of its files are used only the frame tells
        return [os.path.dirname(path)]
    if image.source == "TILED":
        return [path.replace("<UDIM>", str(tile.number)) for tile in image.tiles]
    return [path]


def _absolute(block: Any, path: str) -> str:
    return str(os.path.normpath(bpy.path.abspath(path, library=block.library)))


def _reaching(blocks: list[Any], scene: Any) -> set[Any]:
    """Those of the blocks that the scene uses, through whatever lies between."""
    users = bpy.data.user_map()
    return {block for block in blocks if _reaches(block, scene, users)}


def _reaches(block: Any, scene: Any, users: dict[Any, set[Any]]) -> bool:
    seen, left = {block}, [block]
    while left:
        for user in users.get(left.pop(), ()):
            if user == scene:
                return True
            if user not in seen:
                seen.add(user)
                left.append(user)
    return False


def _strips(scene: Any) -> Iterator[tuple[str, str]]:
    """Files of the sequencer's strips, which are no data blocks."""
    for strip in _shown_strips(scene):
        if strip.type == "MOVIE":
            yield strip.filepath, strip.name
        elif strip.type == "IMAGE" and len(strip.elements):
            yield os.path.join(strip.directory, strip.elements[0].filename), strip.name


def _shown_strips(scene: Any) -> Iterator[Any]:
    """The strips of the sequencer that come into the picture."""
    editor = scene.sequence_editor
    if editor is not None and scene.render.use_sequencer:
        # 4.4 names them anew, 5.0 knows only the new name.
        strips = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
        yield from (strip for strip in strips if not strip.mute)


def _strip_files(scene: Any, frame: int) -> Iterator[tuple[str, str]]:
    """The file that the frame takes of each strip of images."""
    for strip in _shown_strips(scene):
        if strip.type == "IMAGE" and strip.frame_final_start <= frame < strip.frame_final_end:
            element = strip.strip_elem_from_frame(frame)
            if element is not None:
                path = os.path.join(strip.directory, element.filename)
                yield os.path.normpath(bpy.path.abspath(path)), strip.name


try:
    bpy.app.handlers.render_pre.append(bpy.app.handlers.persistent(report_frame))
    report()
except Exception as error:
    sys.stdout.write(f"Warning: what is missing cannot be told: {error!r}\n")
