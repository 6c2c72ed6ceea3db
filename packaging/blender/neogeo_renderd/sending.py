"""From the scenes that are ticked to jobs in the spool."""

import os
import sys
from dataclasses import dataclass, replace

import bpy

from . import jobs, spool, watch
from .jobs import Hindrance, Job
from .spool import Farm

ON_WINDOWS = sys.platform == "win32"
_NO_FARM = Farm("", {})


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent."""

    names: tuple[str, ...]
    frames: int
    was_saved: bool
    is_held: bool

    def sentence(self, file: str) -> str:
        """What is told to the artist."""
        many = "" if len(self.names) == 1 else "s"
        frames = f"{self.frames:,} frame" + ("" if self.frames == 1 else "s")
        held = ", held" if self.is_held else ""
        saved = f"Saved {file}. " if self.was_saved else ""
        return f"{saved}{len(self.names)} job{many}, {frames} sent{held}; see: render"


def spool_folder(context: bpy.types.Context) -> str:
    """The folder of the preferences, else this machine's own; empty where none is set."""
    addon = context.preferences.addons.get(__package__)
    said = addon.preferences.spool.strip() if addon else ""
    return bpy.path.abspath(said) if said else spool.configured()[0]


def own(file: bpy.types.BlendData) -> list[bpy.types.Scene]:
    """The file's scenes without those that other files lend it."""
    return [scene for scene in file.scenes if scene.library is None]


def chosen(context: bpy.types.Context) -> list[bpy.types.Scene]:
    """The scenes that are ticked; where none is, the one in view."""
    ticked = [scene for scene in own(context.blend_data) if scene.renderd.is_sent]
    return ticked or [context.scene]


def frames_of(scene: bpy.types.Scene) -> str:
    """The frames to render: what was typed, else the scene's own range."""
    own_range = jobs.own_frames(scene.frame_start, scene.frame_end, scene.frame_step)
    frames = scene.renderd.frames.strip() or own_range
    if not frames:
        raise Hindrance(f"{scene.name!r} ends at {scene.frame_end}, before it starts")
    return frames


def hindrances(context: bpy.types.Context) -> list[str]:
    """What hinders sending as far as memory tells; touches no file, so a panel may ask."""
    if not context.blend_data.filepath:
        return ["The file was never saved: save it where all machines see it"]
    found: list[str] = []
    for scene in chosen(context):
        try:
            _job(context, scene, _NO_FARM)
        except Hindrance as hindrance:
            found.append(str(hindrance))
        if not _has_camera(scene):
            found.append(f"{scene.name!r} has no camera")
    return found + _meeting(chosen(context))


def _has_camera(scene: bpy.types.Scene) -> bool:
    edits = scene.render.use_sequencer and scene.sequence_editor is not None
    return bool(scene.camera or edits or any(mark.camera for mark in scene.timeline_markers))


def _meeting(scenes: list[bpy.types.Scene]) -> list[str]:
    """Scenes that would write over each other's frames."""
    first: dict[str, str] = {}
    found = []
    for scene in scenes:
        path = scene.render.filepath
        if "{" in path and bpy.app.version >= (5, 0):
            continue
        other = first.setdefault(path, scene.name)
        if path and other != scene.name:
            found.append(f"{other!r} and {scene.name!r} both write {path!r}")
    return found


def _job(context: bpy.types.Context, scene: bpy.types.Scene, farm: Farm) -> Job:
    """The job of a scene; Hindrance says why there can be none."""
    file = context.blend_data.filepath
    wish, common = scene.renderd, context.scene.renderd
    out = jobs.whole_output(scene.render.filepath, file, scene.name)
    write = jobs.templated if bpy.app.version >= (5, 0) else jobs.rooted
    on_windows = ON_WINDOWS and farm is not _NO_FARM
    stem = os.path.splitext(os.path.basename(file))[0]
    job = Job(
        name=stem if len(chosen(context)) == 1 else f"{stem} {scene.name}",
        blend=jobs.rooted(file, farm.roots, on_windows=on_windows),
        scene=scene.name,
        frames=frames_of(scene),
        out=write(out, farm.roots, on_windows=on_windows),
        blender=".".join(map(str, bpy.app.version[:2])),
        chunk=common.chunk,
        priority=common.priority,
        pool=jobs.pools(common.pool),
        is_held=common.is_held,
    )
    if jobs.count(job.frames) and wish.frames.strip():
        return replace(job, frames="".join(job.frames.split()))
    return job


def send(context: bpy.types.Context) -> Sent:
    """Save the file where it has changes and drop a job a scene; Hindrance says why not."""
    folder = spool_folder(context)
    if not folder:
        raise Hindrance("No spool folder is set: name it in the preferences of this extension")
    if found := hindrances(context):
        raise Hindrance("\n".join(found))
    farm = spool.look(folder)
    planned = [_job(context, scene, farm) for scene in chosen(context)]
    _refuse_local(context, farm)
    is_there = os.path.exists(context.blend_data.filepath)
    was_saved = bool(context.blend_data.is_dirty) or not is_there
    if was_saved:
        _save()
    names: list[str] = []
    for job in planned:
        try:
            names.append(spool.drop(farm, job.slug(), job.text()))
        except Hindrance as hindrance:
            many = f"{len(names)} of {len(planned)} jobs were sent, then: " if names else ""
            raise Hindrance(f"{many}{hindrance}") from None
    watch.begin(farm, names)
    total = sum(jobs.count(job.frames) for job in planned)
    return Sent(tuple(names), total, was_saved, planned[0].is_held)


def _refuse_local(context: bpy.types.Context, farm: Farm) -> None:
    """What only this machine sees no other can render, nor put together with its own frames."""
    table, file = spool.mounts(), context.blend_data.filepath
    if spool.only_here(file, farm, table):
        raise Hindrance(f"{file} is on a disk of this machine alone: save it on the share")
    for scene in chosen(context):
        out = jobs.whole_output(scene.render.filepath, file, scene.name)
        if spool.only_here(os.path.dirname(out), farm, table):
            raise Hindrance(
                f"{scene.name!r} writes to {out}, on a disk of this machine alone:"
                " choose an output path on the share"
            )


def _save() -> None:
    try:
        bpy.ops.wm.save_mainfile()
    except RuntimeError as error:
        raise Hindrance(f"The file could not be saved: {error}") from None
