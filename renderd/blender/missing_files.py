"""Runs inside Blender: says which files the scene to render uses and this node lacks.

Blender renders a missing texture pink, prints nothing and exits 0; this is how a frame comes to
fail for it (`missing: fail`).  Only what the scene reaches counts: files keep stale references.
It imports nothing of ours, knows Blender 2.8 to 5.x, and never ends the render.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

import bpy

SAYS = "renderd: missing"  #: what the daemon listens for; see core/causes.py


def report() -> None:
    """Print one line for each missing file."""
    gone = {block: paths for block, paths in _blocks() if paths}
    used = _reaching(list(gone), bpy.context.scene) if gone else set()
    for block, paths in gone.items():
        if block in used:
            _say(paths[0], f"{block.bl_rna.name.lower()} {block.name!r}")
    for path, name in _strips(bpy.context.scene):
        if not os.path.exists(whole := os.path.normpath(bpy.path.abspath(path))):
            _say(whole, f"strip {name!r}")


def _say(path: str, where: str) -> None:
    shown = ascii(path).strip("'\"")
    sys.stdout.write(f"{SAYS} '{shown}' ({ascii(where)[1:-1]})\n")
    sys.stdout.flush()


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
    editor = scene.sequence_editor
    if editor is None or not scene.render.use_sequencer:
        return
    for strip in getattr(editor, "strips_all", None) or editor.sequences_all:
        if strip.mute:
            continue
        if strip.type == "MOVIE":
            yield strip.filepath, strip.name
        elif strip.type == "IMAGE" and len(strip.elements):
            yield os.path.join(strip.directory, strip.elements[0].filename), strip.name


try:
    report()
except Exception as error:
    sys.stdout.write(f"renderd: which files are missing cannot be told: {error!r}\n")
