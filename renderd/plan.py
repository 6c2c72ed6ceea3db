"""What a person asked for → drafts ready to publish; the one way in for window and daemon."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from renderd import blend
from renderd.blend import BlendFile, SceneSettings
from renderd.core import command, infofile, label, outputs
from renderd.core.command import BlenderCommand
from renderd.core.farm import Farm
from renderd.core.frames import Run
from renderd.core.infofile import DEFAULT_CHUNK, Info
from renderd.core.job import Draft, Writes
from renderd.errors import BlendError, InfoFileError, UsageError


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of the .blend behind a command, without Blender."""

    file: BlendFile
    settings: tuple[SceneSettings, ...]

    def scene(self, name: str) -> SceneSettings:
        """The settings of a named scene; of the scene Blender opens with where none is named.

        Raises InfoFileError that names the nearest scene.
        """
        listed = [s for s in self.settings if s.is_listed] or list(self.settings)
        chosen = [s for s in self.settings if s.name == name] if name else listed
        if chosen:
            return chosen[0]
        known = ", ".join(repr(label.label(s.name)) for s in self.settings[:8]) or "no scene"
        wanted = repr(label.label(name)) if name else "a scene"
        raise InfoFileError(f"{self.file.path} has no scene {wanted}", f"it has {known}")


def from_info(info: Info, name: str, farm: Farm, platform: str) -> Draft:
    """The job that an info file means.

    Raises InfoFileError for what would not render what it says, BlendError where the .blend
    must be read for it and cannot be.
    """
    if not info.commands:
        words = command.template(
            infofile.escape(info.blend), info.scene, "{out}" if info.out else ""
        )
        info = replace(info, commands=(words,))
    blender = [
        (i, c) for i, w in enumerate(info.commands) if (c := command.parse(_filled(w, info)))
    ]
    for _, found in blender:
        if found.problems:
            raise InfoFileError("; ".join(found.problems[:3]), "see docs/reference/blender.md")
    if not blender:
        return _plain(info, name)
    rendering = [c for _, c in blender if c.renders]
    return _of_blender(info, name, rendering or [blender[0][1]], _Reader(farm, platform))


def _filled(words: Sequence[str], info: Info) -> tuple[str, ...]:
    # Range and step stay open; a path root in the .blend is expanded when it is read.
    return infofile.fill(words, {"blend": info.blend, "out": info.out or "{out}"})


def _plain(info: Info, name: str) -> Draft:
    uses_out = any("{out}" in word for words in info.commands for word in words)
    if uses_out and not info.out:
        raise InfoFileError(
            "the command has {out} but there is no `out:`", "add out: /path/####.png"
        )
    writes = Writes.NOTHING
    if info.out:
        _check_absolute(info.out)
        if info.frames is None:
            raise InfoFileError("`out:` without `frames:` names no frame", "add frames: 1-100")
        writes = Writes.PRIVATE if uses_out else Writes.ITSELF
    return _draft(info, name, info.frames, info.out, writes)


def _of_blender(info: Info, name: str, commands: list[BlenderCommand], reader: "_Reader") -> Draft:
    first = commands[0]
    runs = info.frames if info.frames is not None else first.runs
    out = info.out or first.out
    if not first.renders and info.frames is None:
        return _draft(info, name, None, "", Writes.NOTHING)  # a script that does what it likes
    source = reader.read(first.blend, is_needed=runs is None or not out)
    scene = source.scene(first.scene) if source and source.settings else None
    if runs is None:
        assert scene is not None
        runs = first.runs_in(scene.start, scene.end, scene.step)
    if not runs:
        raise InfoFileError("the command renders no frame", "add frames: 1-100")
    if not out:
        assert scene is not None
        out = scene.output
    resolved = outputs.hashed(_absolute(command.resolve_out(out, first.blend), scene))
    is_movie = first.is_movie or (not first.format and scene is not None and scene.is_movie)
    if source:
        info = replace(info, extra=(*info.extra, ("x-blend-version", source.file.version)))
    if is_movie:
        return _draft(replace(info, whole=True), name, runs, resolved, Writes.MOVIE)
    return _draft(info, name, runs, resolved, Writes.PRIVATE)


def _absolute(out: str, scene: SceneSettings | None) -> str:
    out = out.replace("\\", "/") if scene and out == scene.output else out
    _check_absolute(out)
    return out


def _check_absolute(out: str) -> None:
    if not out.startswith(("/", "{")):
        raise InfoFileError(
            f"the output {label.label(out)!r} is not absolute: every node would write elsewhere",
            "begin it with / or a path root of farm.toml",
        )


def _draft(info: Info, name: str, runs: tuple[Run, ...] | None, out: str, writes: Writes) -> Draft:
    return Draft(
        name=label.label(name),
        slug=label.slug(name),
        info=info,
        runs=runs,
        size=info.chunk or DEFAULT_CHUNK,
        out=out,
        writes=writes,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a .blend at this machine's path; silent where it is not needed and not seen here."""

    farm: Farm
    platform: str

    def read(self, path: str, *, is_needed: bool) -> Source | None:
        local = self.farm.expand_roots(path, self.platform)
        try:
            file = blend.read(local)
            return Source(file, blend.read_settings(local))
        except BlendError:
            if is_needed or os.path.exists(local):
                raise
            return None


def _nothing_said() -> Info:
    return Info(commands=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `render add FILE.blend` or the window's dialog asks for; empty means the file's own."""

    scenes: tuple[str, ...] = ()  #: every listed scene where none is named
    frames: tuple[Run, ...] | None = None
    out: str = ""
    name: str = ""
    uses_factory_startup: bool = True
    info: Info = field(
        default_factory=_nothing_said
    )  #: priority, chunk, pool, needs, retries … of every job


def from_blend(path: str, wish: Wish) -> list[Draft]:
    """One draft a scene of a .blend, with the range its file says.

    Raises BlendError, and UsageError for a scene it does not have or a range it lacks.
    """
    path = os.path.abspath(path)
    source = Source(blend.read(path), blend.read_settings(path))
    if not source.settings:
        raise BlendError(f"{path} holds no scene to render", "open and save it in Blender")
    named = [source.scene(name) for name in wish.scenes]
    listed = {s.raw_name for s in source.file.scenes}
    chosen = named or [s for s in source.settings if s.raw_name in listed] or [source.scene("")]
    if len(chosen) > 1 and wish.out and "{scene}" not in wish.out:
        raise UsageError(
            f"{len(chosen)} scenes would write one output",
            "put {scene} into --out, or name --scene",
        )
    return [_scene_draft(path, source, scene, wish, is_only=len(chosen) == 1) for scene in chosen]


def _scene_draft(
    path: str, source: Source, scene: SceneSettings, wish: Wish, *, is_only: bool
) -> Draft:
    runs = wish.frames
    if runs is None:
        if scene.start > scene.end:
            raise UsageError(
                f"scene {label.label(scene.name)!r} of {path} starts at {scene.start}"
                f" and ends at {scene.end}",
                "name the frames: --frames 1-250",
            )
        last = scene.start + (scene.end - scene.start) // scene.step * scene.step
        runs = (Run(scene.start, last, scene.step if last > scene.start else 1),)
    stem = os.path.splitext(os.path.basename(path))[0]
    out = wish.out.replace("{scene}", label.slug(scene.name)) or scene.output
    out = command.resolve_out(out.replace("\\", "/"), path)
    if not out.startswith(("/", "{")):
        out = os.path.abspath(out)
    words = command.template(infofile.escape(path), scene.name, "{out}", wish.uses_factory_startup)
    info = replace(
        wish.info,
        commands=(words,),
        frames=runs,
        blend=path,
        scene=scene.name,
        out=outputs.hashed(out),
        extra=(*wish.info.extra, ("x-blend-version", source.file.version)),
    )
    name = wish.name or (stem if is_only else f"{stem} {scene.name}")
    writes = Writes.MOVIE if scene.is_movie else Writes.PRIVATE
    if scene.is_movie:
        info = replace(info, whole=True)
    return _draft(replace(info, name=label.label(name)), name, runs, info.out, writes)
