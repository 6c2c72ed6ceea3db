"""What a person asked for → drafts ready to publish; the one way in for window and daemon.

Paths stand in info-file syntax throughout: `{proj}` is a path root of farm.toml, `{{` a brace.
What comes from a disk or a .blend is written so first; what a person wrote is taken as written.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from renderd import blend
from renderd.blend import SceneSettings
from renderd.core import command, frames, infofile, label, outputs, video, videojob
from renderd.core.command import BlenderCommand
from renderd.core.farm import Farm
from renderd.core.frames import Run
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes, chunk_size
from renderd.core.source import SNAPSHOT, Planned, original, with_extra
from renderd.errors import BlendError, InfoFileError, UsageError
from renderd.place import LEADING_ROOT, Place, Source

_VERSION = "x-blend-version"
_TEMPLATES_SINCE = 500  #: Blender 5.0 fills {blend_name} and others into output paths
_NO_FILE_NAME = re.compile(r'[/\\:*?"<>|\x00-\x1f]')


@dataclass(frozen=True, slots=True)
class _Line:
    """A Blender command line, and its two paths as an info file writes them."""

    command: BlenderCommand
    blend: str
    out: str
    leaves_range: bool  #: it says `-s {start}`: the chunks' range, which is the scene's


def from_info(info: Info, name: str, farm: Farm, platform: str) -> Draft:
    """The job that an info file means.

    Raises InfoFileError for what would not render what it says, BlendError where the .blend
    must be read for it and cannot be.
    """
    info = _own_words(info)
    if not info.commands:
        words = command.template("{blend}", info.scene, "{out}" if info.out else "")
        info = replace(info, commands=(words,))
    lines = [line for words in info.commands if (line := _line(words, info))]
    if problems := [problem for line in lines for problem in line.command.problems]:
        raise InfoFileError("; ".join(problems[:3]), "see docs/reference/blender.md")
    place = Place(farm, platform)
    rendering = [line for line in lines if line.command.renders]
    if len(rendering) > 1:
        raise InfoFileError(
            f"{len(rendering)} of its command lines render, and a job has one range and one output",
            "give each its own info file",
        )
    return _rendering(info, name, rendering[0], place) if rendering else _plain(info, name, place)


def _own_words(info: Info) -> Info:
    """The info without what only publishing may say; the artist's file where it names a copy."""
    path = original(info) if dict(info.extra).get(SNAPSHOT) else info.blend
    return replace(info, blend=path, extra=with_extra(info.extra, {}))


def _line(words: Sequence[str], info: Info) -> _Line | None:
    open_ = infofile.splice(words, {"blend": info.blend, "out": info.out or "{out}"})
    written = command.parse(open_)
    meant = command.parse(infofile.fill(open_, {}))
    if written is None or meant is None:
        return None
    leaves = any(name in word for word in words for name in ("{start}", "{end}", "{frames}"))
    return _Line(meant, written.blend, "" if written.out == "{out}" else written.out, leaves)


def _plain(info: Info, name: str, place: Place) -> Draft:
    """A command that we cannot read, or a Blender whose script does what it likes."""
    if not info.out:
        return _draft(info, name, info.frames, "", Writes.NOTHING)
    place.check(info.out, "output", is_here=True)
    if info.frames is None:
        raise InfoFileError("`out:` without `frames:` names no frame", "add frames: 1-100")
    uses_out = any("{out}" in word for words in info.commands for word in words)
    writes = Writes.PRIVATE if uses_out else Writes.ITSELF
    return _draft(info, name, info.frames, info.out, writes)


def _rendering(info: Info, name: str, line: _Line, place: Place) -> Draft:
    found = line.command
    out = info.out or line.out
    runs = info.frames if info.frames is not None else found.runs
    if line.blend:
        place.check(line.blend, ".blend", is_here=False)
    source = place.read(line.blend, is_needed=runs is None or not out) if line.blend else None
    scene = source.scene(found.scene) if source is not None and source.settings else None
    if scene is None and (runs is None or not out):
        what = "which frames it renders" if runs is None else "where its frames go"
        raise InfoFileError(f"nothing says {what}", "add frames: 1-100 and out: /path/shot_####")
    if runs is None and scene is not None:
        own = own_runs(scene)
        runs = own if line.leaves_range else found.runs_in(scene.start, scene.end, scene.step)
        if not runs:
            raise InfoFileError(_nothing_to_render(scene, line.blend), "add frames: 1-100")
    assert runs is not None
    command.check_runs(runs)
    if source is not None and scene is not None:
        out = _spoken(out, scene, source, place)
        out = out or _scene_output(scene, source, line.blend, place)
    resolved = outputs.hashed(command.resolve_out(out, line.blend))
    place.check(resolved, "output", is_here=True)
    planned = None
    if source is not None:
        info = _of_file(info, source, scene, takes_its_own=found.program == ("blender",))
        info = replace(info, blend=info.blend or line.blend)
        planned = Planned(line.blend, source.stamp) if info.blend == line.blend else None
    is_movie = found.is_movie or (not found.format and scene is not None and scene.is_movie)
    info = replace(info, whole=info.whole or is_movie)
    writes = Writes.MOVIE if is_movie else Writes.PRIVATE
    return replace(_draft(info, name, runs, resolved, writes), source=planned)


def own_runs(scene: SceneSettings) -> tuple[Run, ...]:
    """The range that the file says; none where it is reversed."""
    if scene.start > scene.end:
        return ()
    last = scene.start + (scene.end - scene.start) // scene.step * scene.step
    return (Run(scene.start, last, scene.step if last > scene.start else 1),)


def _nothing_to_render(scene: SceneSettings, path: str) -> str:
    said = f"scene {label.label(scene.name)!r} of {path} starts at {scene.start}"
    return f"{said} and ends at {scene.end}, so the command renders no frame"


def _scene_output(scene: SceneSettings, source: Source, path: str, place: Place) -> str:
    """The scene's own output: hostile until written as an info file writes it."""
    output = scene.output
    if source.file.version_number >= _TEMPLATES_SINCE:
        output = infofile.fill((output,), _variables(scene, source))[0]
    if output.startswith("//"):
        beside = infofile.escape(output.replace("\\", "/"))
        return command.resolve_out(beside, path)
    rooted = place.rooted(output)
    return rooted if LEADING_ROOT.match(rooted) else rooted.replace("\\", "/")


def _variables(scene: SceneSettings, source: Source) -> dict[str, str]:
    """What Blender 5 fills into output paths, as far as the file tells it."""
    stem = os.path.splitext(os.path.basename(source.file.path))[0]
    names = {"blend_name": stem, "scene_name": scene.name, "camera_name": scene.camera or ""}
    found = {key: _NO_FILE_NAME.sub("_", value) for key, value in names.items() if value}
    return found | {
        "resolution_x": str(scene.width * scene.percent // 100),
        "resolution_y": str(scene.height * scene.percent // 100),
    }


def _spoken(out: str, scene: SceneSettings, source: Source, place: Place) -> str:
    """A person's output with Blender's variables filled in, whichever Blender will run."""
    roots = {root.name for root in place.farm.roots}
    known = _variables(scene, source).items()
    return infofile.splice((out,), {k: infofile.escape(v) for k, v in known if k not in roots})[0]


def _of_file(
    info: Info, source: Source, scene: SceneSettings | None, *, takes_its_own: bool = True
) -> Info:
    """The info with what nodes and movies need to know of the file; said once, also again.

    Where nothing was said of Blender, the bare word means the one that saved the file.
    """
    extra = {**dict(info.extra), _VERSION: source.file.version}
    if scene is not None and (rate := video.rate(scene.fps)):
        extra.setdefault(videojob.RATE, rate)
    needs = info.needs
    if takes_its_own and not needs.blender:
        needs = replace(needs, blender=f"=={source.file.version}")
    return replace(info, needs=needs, extra=tuple(extra.items()))


def _draft(info: Info, name: str, runs: tuple[Run, ...] | None, out: str, writes: Writes) -> Draft:
    filled = replace(info, frames=runs or None, out=out)
    if lacking := infofile.lacking(filled):
        key = {"out": "out: /path/shot_####.png", "blend": "blend: /path/shot.blend"}
        raise InfoFileError(
            f"the command has {{{lacking[0]}}}, which nothing fills",
            f"add {key.get(lacking[0], 'frames: 1-100')}",
        )
    if writes is Writes.MOVIE and runs is not None and len(runs) > 1:
        raise InfoFileError(
            f"a movie is one file a run, and {frames.text(runs)} makes {len(runs)} runs",
            "name one range, or render single frames",
        )
    if info.whole and runs is not None and len(runs) > 1:
        raise InfoFileError(
            f"a job in one piece (whole) has one range, and {frames.text(runs)} makes {len(runs)}",
            "name one range, or leave whole away",
        )
    draft = Draft(
        name=label.label(name),
        slug=label.slug(name),
        info=info,
        runs=runs,
        size=chunk_size(info, runs),
        out=out,
        writes=writes,
    )
    draft.check()
    videojob.check(draft)
    return draft


def _nothing_said() -> Info:
    return Info(commands=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `render add FILE.blend` or the window's dialog asks for; empty means the file's own."""

    scenes: tuple[str, ...] = ()  #: every listed scene where none is named
    frames: tuple[Run, ...] | None = None
    ranges: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)  #: of single scenes
    out: str = ""
    name: str = ""
    uses_factory_startup: bool = True
    info: Info = field(
        default_factory=_nothing_said
    )  #: priority, chunk, pool, needs, retries … of every job


def usual_chunk(farm: Farm) -> int:
    """Frames a chunk of a .blend's scenes where nobody said how many; auto in open Blenders."""
    return infofile.AUTO if farm.warm else infofile.DEFAULT_CHUNK


def from_blend(
    path: str,
    wish: Wish,
    farm: Farm,
    platform: str,
    remark: Callable[[str], None] = lambda _text: None,
) -> list[Draft]:
    """One draft a scene of a .blend, with the range its file says.

    Paths below a root of farm.toml are written with its name, so that nodes of every platform
    find them.  `remark` is told of scenes that nobody named and the file does not
    list.  Raises BlendError, and UsageError for a scene it does not have or a range it lacks.
    """
    path = os.path.abspath(path)
    source = Source.read(path)
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
    if not named and (others := [s.name for s in source.settings if s not in chosen]):
        remark(_left_out(path, others))
    place = Place(farm, platform)
    return [_scene_draft(source, scene, wish, place, is_only=len(chosen) == 1) for scene in chosen]


def with_libraries(draft: Draft, farm: Farm, platform: str) -> Draft:
    """The draft with the libraries that its .blend links, theirs too, for a change to be told.

    What cannot be read is left out: the farm's nodes will say what they make of it.
    """
    if draft.source is None:
        return draft
    path = farm.expand_roots(draft.source.path, platform)
    try:
        needed = blend.read_dependencies(path, (draft.info.scene,) if draft.info.scene else ())
    except BlendError:
        return draft
    place = Place(farm, platform)
    linked = [one for one in needed.references if one.kind == "library" and one.is_used]
    paths = dict.fromkeys(place.rooted(path) for one in linked for path in one.paths)
    return replace(draft, libraries=tuple(paths))


def _left_out(path: str, scenes: Sequence[str]) -> str:
    """Blender lists the scene of its window, so a file of several seldom lists them all."""
    shown = ", ".join(label.label(s) for s in scenes[:4]) + ", …" * (len(scenes) > 4)
    return f"{os.path.basename(path)}: left out {shown}, not listed for rendering; --scene adds it"


def _scene_draft(
    source: Source, scene: SceneSettings, wish: Wish, place: Place, *, is_only: bool
) -> Draft:
    literal = source.file.path
    if any("\ud800" <= sign <= "\udfff" for sign in scene.name):
        raise UsageError(
            f"the scene {label.label(scene.name)!r} of {literal} has a name that is not UTF-8",
            "rename it in Blender",
        )
    path = place.rooted(literal)
    runs = _runs_of(scene, wish, literal)
    wished = _spoken(wish.out.replace("{scene}", label.slug(scene.name)), scene, source, place)
    out = _wished_output(wished, place, path) or _scene_output(scene, source, path, place)
    if not out.startswith(("/", "{")) and not re.match(r"[A-Za-z]:|\\", out):
        out = place.rooted(_below_here(out))
    out = outputs.hashed(out)
    place.check(out, "output", is_here=True)
    words = command.template("{blend}", scene.name, "{out}", wish.uses_factory_startup)
    info = replace(
        _of_file(wish.info, source, scene),
        commands=(words,),
        frames=runs,
        blend=path,
        scene=scene.name,
        out=out,
        whole=wish.info.whole or scene.is_movie,
        chunk=usual_chunk(place.farm) if wish.info.chunk is None else wish.info.chunk,
    )
    stem = os.path.splitext(os.path.basename(literal))[0]
    name = wish.name or (stem if is_only else f"{stem} {scene.name}")
    writes = Writes.MOVIE if scene.is_movie else Writes.PRIVATE
    draft = _draft(replace(info, name=label.label(name)), name, runs, out, writes)
    return replace(draft, source=Planned(path, source.stamp))


def _runs_of(scene: SceneSettings, wish: Wish, path: str) -> tuple[Run, ...]:
    runs = wish.ranges.get(scene.name) or wish.frames or own_runs(scene)
    if not runs:
        raise UsageError(
            f"scene {label.label(scene.name)!r} of {path} starts at {scene.start}"
            f" and ends at {scene.end}",
            "name the frames (--frames 1-250) or other scenes (--scene NAME)",
        )
    command.check_runs(runs)
    return runs


def _wished_output(out: str, place: Place, path: str) -> str:
    if not out or out.startswith("{"):
        return out
    if out.startswith("//"):
        return command.resolve_out(out, path)
    literal = place.farm.expand_roots(out, place.platform)
    return place.rooted(literal if literal.startswith("/") else _below_here(literal))


def _below_here(path: str) -> str:
    """A relative path as a whole one; a slash at its end says that it is a folder."""
    return os.path.abspath(path) + ("/" if path.endswith("/") else "")
