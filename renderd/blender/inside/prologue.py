"""Runs inside Blender: sends all files of a chunk into the attempt's folder, frame by frame.

Blender writes File Output nodes wherever they say, half-written and under their final names; here
each is turned into `passes/<key>/` below RENDERD_PRIVATE, with its own file names kept, and
`passes.json` tells the daemon where they belong.  When Blender says that a frame is written, all
its files go into `frame.<n>/` by one rename: what lies there is whole and is the frame's set.
The folders speak and not the output, because file names may hold anything.
It knows Blender 2.8 to 5.x and never ends the render.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import bpy

PRIVATE = os.environ.get("RENDERD_PRIVATE", "")
PASSES = os.path.join(PRIVATE, "passes")
HAS_TEMPLATES = bpy.app.version >= (5, 0, 0)
kept: set[str] = set()  #: what lay in the folder before, which is no frame's
changed: list[tuple[Any, str, str]] = []  #: what was redirected, with the value it had


def begin() -> None:
    """Redirect what the scene writes and listen for written frames."""
    for scene in bpy.data.scenes:
        # Either of them lets Blender skip frames and exit 0.
        scene.render.use_overwrite = True
        scene.render.use_placeholder = False
    os.makedirs(PASSES, exist_ok=True)
    table: dict[str, dict[str, Any]] = {}
    used = {tree.name_full for tree in _reached(_tree(bpy.context.scene), [])}
    for tree in _trees():
        for node in tree.nodes:
            if node.bl_idname == "CompositorNodeOutputFile":
                _redirect(node, table, is_used=tree.name_full in used and not node.mute)
    new = os.path.join(PRIVATE, "passes.json.new")
    with open(new, "w", encoding="ascii") as file:
        json.dump(table, file)
    os.replace(new, os.path.join(PRIVATE, "passes.json"))
    kept.update(os.listdir(PRIVATE))
    bpy.app.handlers.render_write.append(bpy.app.handlers.persistent(keep))
    _say("passes")


def _say(text: str) -> None:
    sys.stdout.write(f"renderd: {text}\n")
    sys.stdout.flush()


def _tree(scene: Any) -> Any:
    """The scene's compositor; None where it has none, or does not use it."""
    if not scene.render.use_compositing:
        return None
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def _trees() -> Iterator[Any]:
    """Every compositor of the file: a strip of the sequencer may render another scene's."""
    for scene in bpy.data.scenes:
        if not hasattr(scene, "compositing_node_group") and scene.node_tree is not None:
            yield scene.node_tree
    yield from (tree for tree in bpy.data.node_groups if tree.type == "COMPOSITING")


def _reached(tree: Any, seen: list[Any]) -> list[Any]:
    if tree is not None and tree not in seen:
        seen.append(tree)
        for node in tree.nodes:
            if node.type == "GROUP" and not node.mute:
                _reached(node.node_tree, seen)
    return seen


def _redirect(node: Any, table: dict[str, dict[str, Any]], *, is_used: bool) -> None:
    """Turn one node's folders into ours; the file names stay Blender's own."""
    is_linked = [socket.is_linked for socket in node.inputs]

    def key_of(folder: str, patterns: list[str], *, is_linked: bool) -> str:
        key = str(len(table))
        whole = os.path.abspath(bpy.path.abspath(_expanded(folder, node)))
        owns = is_used and is_linked
        table[key] = {"folder": whole, "patterns": patterns, "node": node.name, "owns": owns}
        os.makedirs(os.path.join(PASSES, key), exist_ok=True)
        return key

    if hasattr(node, "file_output_items"):  # 5.0 and later
        folder, name = _split(node.directory, node.file_name)
        name = name.replace("{blend_name}", _said(_blend_name()))
        is_one = node.format.file_format == "OPEN_EXR_MULTILAYER"
        names = [name] if is_one else [name + item.name for item in node.file_output_items]
        key = key_of(folder, names, is_linked=any(is_linked))
        _change(node, "directory", _said(os.path.join(PASSES, key)))
        _change(node, "file_name", name)
    elif node.format.file_format == "OPEN_EXR_MULTILAYER":
        folder, name = _split(node.base_path, "")
        key = key_of(folder, [name], is_linked=any(is_linked))
        _change(node, "base_path", os.path.join(PASSES, key, name))
    else:
        for slot, has_link in zip(node.file_slots, is_linked):  # noqa: B905  Python 3.7
            folder, name = _split(node.base_path, slot.path)
            _change(slot, "path", f"{key_of(folder, [name], is_linked=has_link)}/{name}")
        _change(node, "base_path", PASSES)


def _change(owner: Any, attribute: str, value: str) -> None:
    changed.append((owner, attribute, getattr(owner, attribute)))
    setattr(owner, attribute, value)


def restore() -> None:
    """Let the nodes write where they did: the file may stay open for the next chunk."""
    for owner, attribute, value in reversed(changed):
        setattr(owner, attribute, value)
    changed.clear()


def _split(folder: str, name: str) -> tuple[str, str]:
    """The folder and the base name of a file that Blender would join of these two."""
    start = "//" if folder.startswith("//") else ""
    whole = "/".join(part for part in (folder[len(start) :], name) if part)
    if os.sep == "/":
        whole = whole.replace("\\", "/")
    cut = whole.rfind("/") + 1
    return start + whole[:cut], whole[cut:]


def _expanded(folder: str, node: Any) -> str:
    """A folder with Blender 5's variables filled in; a snapshot has its original's name."""
    if not HAS_TEMPLATES or "{" not in folder:
        return folder
    values = {"{blend_name}": _said(_blend_name()), "{node_name}": _said(node.name)}
    for variable, value in values.items():
        folder = folder.replace(variable, value)
    render = bpy.context.scene.render
    before = render.filepath
    try:
        render.filepath = os.path.join(folder, "f")
        return str(os.path.dirname(render.frame_path(frame=1)))
    finally:
        render.filepath = before


def _blend_name() -> str:
    """The name of the file that the artist saved, also where a copy of it is rendered."""
    original = os.environ.get("RENDERD_BLEND") or bpy.data.filepath
    return os.path.splitext(os.path.basename(original))[0]


def _said(path: str) -> str:
    """A path as this Blender reads it: from 5.0 on, braces hold variables."""
    return path.replace("{", "{{").replace("}", "}}") if HAS_TEMPLATES else path


def keep(scene: Any, *_: object) -> None:
    """Gather the files of the frame that was just written."""
    try:
        frame = scene.frame_current
        if _gather(frame, has_image=not scene.render.is_movie_format):
            _say(f"whole {frame}")
    except Exception as error:
        sys.stdout.write(f"Warning: the files of a frame cannot be gathered: {error!r}\n")


def _gather(frame: int, *, has_image: bool) -> bool:
    """Move what is new into the frame's folder; False where nothing is."""
    part = os.path.join(PRIVATE, f"frame.{frame}.part")
    shutil.rmtree(part, ignore_errors=True)
    found = [(PASSES, key) for key in os.listdir(PASSES)]
    moves = [(os.path.join(*place), place[1], name) for place in found for name in _files(*place)]
    if has_image:
        moves += [(PRIVATE, "main", n) for n in _files(PRIVATE, "") if n not in kept]
    for source, key, name in moves:
        os.makedirs(os.path.join(part, key), exist_ok=True)
        os.rename(os.path.join(source, name), os.path.join(part, key, name))
    if not moves:
        return False
    whole = os.path.join(PRIVATE, f"frame.{frame}")
    shutil.rmtree(whole, ignore_errors=True)
    os.rename(part, whole)
    return True


def _files(folder: str, name: str) -> list[str]:
    with os.scandir(os.path.join(folder, name)) as entries:
        return [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]


if PRIVATE:
    try:
        begin()
    except Exception as error:
        restore()
        sys.stdout.write(f"Warning: File Output nodes cannot be redirected: {error!r}\n")
