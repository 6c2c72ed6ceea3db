"""Runs inside Blender: says which simulations of the scene to render are not baked, or are lost.

A simulation counts on from frame to frame, so a chunk that starts in the middle of an unbaked one
renders another motion than its neighbour, and exits 0.  The daemon holds the job for it, unless
the whole job is one run that starts where the simulation starts (RENDERD_WHOLE=run), or a person
said `whole: yes` (RENDERD_WHOLE=yes).  Then the scene is stepped through first, which fills the
caches in memory: while it renders with Cycles, Blender does not simulate at all.
A bake whose files this node lacks is a missing file: Blender says nothing and renders without it,
or puts something between the frames that it finds.
It knows Blender 2.8 to 5.x and never ends the render.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator
from typing import Any

import bpy

WHOLE = os.environ.get("RENDERD_WHOLE", "")
FIRST = os.environ.get("RENDERD_START", "")
LAST = os.environ.get("RENDERD_END", "")


def report() -> None:
    """Print one line for each simulation that this run would render wrongly; run the others."""
    scene = bpy.context.scene
    for what, name, folder in sorted(_lost(scene)):
        shown, where = ascii(name)[1:-1], ascii(folder)[1:-1]
        sys.stdout.write(f"renderd: missing '{where}' (baked {what} of '{shown}')\n")
    found = sorted(_unbaked(scene))
    late = [one for one in found if not FIRST or int(FIRST) > one[2]]
    if found and FIRST and LAST and (WHOLE == "yes" or (WHOLE == "run" and not late)):
        _step(scene, min(start for _, _, start in found))
        return
    for what, name, _ in late if WHOLE == "run" else found:
        shown = ascii(name)[1:-1]
        sys.stdout.write(f"renderd: unbaked {what} of '{shown}'\n")
    sys.stdout.flush()


def _step(scene: Any, start: int) -> None:
    sys.stdout.write(f"renderd: steps through frames {start} to {LAST}: not everything is baked\n")
    sys.stdout.flush()
    for frame in range(start, int(LAST) + 1):
        scene.frame_set(frame)
    scene.frame_set(int(FIRST))


def _unbaked(scene: Any) -> Iterator[tuple[str, str, int]]:
    """What is simulated, whose it is, and the frame it starts at."""
    for what, owner, cache in _caches(scene):
        if not (cache.is_baked or cache.use_external):
            yield what, owner.name, cache.frame_start
    for thing, modifier in _modifiers(scene):
        if modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
            if not _is_fluid_baked(modifier.domain_settings):
                yield "fluid", thing.name, modifier.domain_settings.cache_frame_start
        elif modifier.type == "NODES" and modifier.node_group is not None:
            for start in _of_zones(modifier):
                yield "simulation zone", thing.name, start


def _lost(scene: Any) -> Iterator[tuple[str, str, str]]:
    """What was baked to disk, whose it is, and the folder or the first file that is not here."""
    for what, owner, cache in _caches(scene):
        if cache.use_external or (cache.is_baked and cache.use_disk_cache):
            path = _first_lost(owner, cache)
            if path:
                yield what, owner.name, path
    for thing, modifier in _modifiers(scene):
        if modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
            folder = bpy.path.abspath(modifier.domain_settings.cache_directory)
            if modifier.domain_settings.has_cache_baked_any and not _has_files(folder):
                yield "fluid", thing.name, folder


def _first_lost(owner: Any, cache: Any) -> str:
    """The folder of a cache where it is empty, else the first file that this run needs of it."""
    home = bpy.path.abspath(owner.library.filepath) if owner.library else bpy.data.filepath
    stem = os.path.splitext(os.path.basename(home))[0]
    folder = os.path.join(os.path.dirname(home), f"blendcache_{stem}")
    if cache.use_external:
        folder = bpy.path.abspath(cache.filepath, library=owner.library)
    if not _has_files(folder):
        return folder
    # Its own name, else the bytes of its object's in hex; rigid bodies of a scene have neither.
    name = cache.name or (owner.name.encode().hex().upper() if hasattr(owner, "modifiers") else "*")
    low, high, step = cache.frame_start, cache.frame_end, max(cache.frame_step, 1)
    frames = range(int(FIRST), int(LAST) + 1) if FIRST and LAST else ()
    for frame in sorted({min(max(f, low), high) for f in frames}):
        pattern = name if name == "*" else glob.escape(name)
        found = glob.glob(os.path.join(glob.escape(folder), f"{pattern}_{frame:06d}*.bphys"))
        if (frame - low) % step == 0 and not found:
            return os.path.join(folder, f"{name}_{frame:06d}.bphys")
    return ""


def _caches(scene: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every point cache of what is rendered: what is simulated, whose it is, the cache."""
    world = scene.rigidbody_world
    bodies = world.collection.objects if world is not None and world.collection else ()
    is_moving = any(body.rigid_body and body.rigid_body.type == "ACTIVE" for body in bodies)
    if is_moving and world.enabled:
        yield "rigid bodies", scene, world.point_cache
    for thing, modifier in _modifiers(scene):
        for what, cache in _of_modifier(modifier):
            yield what, thing, cache


def _modifiers(scene: Any) -> Iterator[tuple[Any, Any]]:
    for thing in _shown(scene):
        for modifier in thing.modifiers:
            if modifier.show_render:
                yield thing, modifier


def _shown(scene: Any) -> set[Any]:
    """Objects that may come into the picture, those of instanced collections too."""
    seen: set[Any] = set()
    for layer in scene.view_layers:
        if layer.use:
            _gather(layer.layer_collection, seen)
    left = list(seen)
    while left:
        instanced = left.pop().instance_collection
        fresh = set(instanced.all_objects) - seen if instanced is not None else set()
        seen |= fresh
        left += fresh
    return {thing for thing in seen if not thing.hide_render}


def _gather(layer_collection: Any, seen: set[Any]) -> None:
    if layer_collection.exclude or layer_collection.collection.hide_render:
        return
    seen.update(layer_collection.collection.objects)
    for child in layer_collection.children:
        _gather(child, seen)


def _of_modifier(modifier: Any) -> Iterator[tuple[str, Any]]:
    kind = modifier.type
    if kind in {"CLOTH", "SOFT_BODY"}:
        yield kind.lower().replace("_", " "), modifier.point_cache
    elif kind == "DYNAMIC_PAINT" and modifier.canvas_settings is not None:
        for surface in modifier.canvas_settings.canvas_surfaces:
            if surface.is_active and surface.surface_format == "VERTEX":
                yield "dynamic paint", surface.point_cache
    elif kind == "PARTICLE_SYSTEM":
        system = modifier.particle_system
        if system.settings.type == "EMITTER" and system.settings.physics_type != "NO":
            yield "particles", system.point_cache
        elif system.settings.type == "HAIR" and system.use_hair_dynamics:
            yield "hair dynamics", system.point_cache


def _is_fluid_baked(domain: Any) -> bool:
    """Whether all of it is: the mesh of a liquid and the noise of smoke are baked apart."""
    if domain.domain_type == "LIQUID" and domain.use_mesh and not domain.has_cache_baked_mesh:
        return False
    if domain.domain_type == "GAS" and domain.use_noise and not domain.has_cache_baked_noise:
        return False
    return bool(domain.has_cache_baked_data)


def _of_zones(modifier: Any) -> Iterator[int]:
    """Where unbaked simulation zones start (3.6 and later): with the scene."""
    if not _has_zone(modifier.node_group, set()):
        return
    start = bpy.context.scene.frame_start
    if not hasattr(modifier, "bakes"):  # before 4.1
        if not _has_files(modifier.simulation_bake_directory):
            yield start
        return
    for bake in modifier.bakes:
        if bake.node is None or bake.node.bl_idname != "GeometryNodeSimulationOutput":
            continue
        target = getattr(bake, "bake_target", "DISK")
        if target == "INHERIT":
            target = modifier.bake_target
        if target == "PACKED":  # Python is not told whether anything is packed
            sys.stdout.write("Warning: renderd cannot see whether a packed simulation is baked\n")
            continue
        own = bake.directory if bake.use_custom_path else ""
        if not _has_files(own or os.path.join(modifier.bake_directory, str(bake.bake_id))):
            yield start


def _has_zone(tree: Any, seen: set[str]) -> bool:
    if tree is None or tree.name_full in seen:
        return False
    seen.add(tree.name_full)
    for node in tree.nodes:
        if node.bl_idname == "GeometryNodeSimulationOutput" and not node.mute:
            return True
        if node.type == "GROUP" and _has_zone(node.node_tree, seen):
            return True
    return False


def _has_files(folder: str) -> bool:
    return any(files for _, _, files in os.walk(bpy.path.abspath(folder))) if folder else False


try:
    report()
except Exception as error:
    sys.stdout.write(f"Warning: what is baked cannot be told: {error!r}\n")
