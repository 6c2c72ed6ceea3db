"""`render info FILE…`: what .blend files say, without starting Blender."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from frontend.cli import output
from frontend.cli.findings import facts, stopping, table
from renderd.errors import BlendError

if TYPE_CHECKING:
    from renderd.blend import BlendFile, Scene, SceneSettings
    from renderd.preflight import Preflight

_SCHEMA = 1
_NO_SCENES = "no scene listed: its window shows a linked one, or it was saved as a library"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "info",
        help="say which scenes and frames .blend files hold",
        description="Say what .blend files hold, without Blender.  "
        "Exit status 1 when one of them cannot be read, or with --check would not render right.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help=".blend files, packed or not")
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="one JSON object for programs",
    )
    parser.add_argument(
        "--settings",
        action="store_true",
        help="also resolution, output, engine and camera of every scene (reads the whole file)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="also which files, bakes and Blenders its scenes lack on this farm",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Answer for every file; those that cannot be read go to stderr and make it 1."""
    as_json = getattr(args, "json", False)
    answers: list[dict[str, Any]] = []
    status = 0
    flight = _preflight(args) if args.check else None
    for path in args.files:
        try:
            answer, lines = _ask(path, with_settings=args.settings)
            if flight is not None:
                found = flight.check_blend(path)
                status = max(status, bool(stopping(found)))
                answer["findings"] = facts(found)
                lines += [f"  {line}" for line in table(args, found)] or ["  nothing is missing"]
        except BlendError as error:
            output.talk(f"render: {error}")
            answer, lines = {"path": path, "error": str(error)}, []
            status = error.exit_status
        answers.append(answer)
        if not as_json:
            sys.stdout.writelines(_printable(line) + "\n" for line in lines)
    if as_json:
        json.dump({"schema": _SCHEMA, "files": answers}, sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
    return status


def _preflight(args: argparse.Namespace) -> "Preflight":
    """The examination, by the eyes of the farm where one is named."""
    from frontend.cli.farm import open_farm, settings  # noqa: PLC0415
    from renderd import preflight  # noqa: PLC0415
    from renderd.core.farm import Farm  # noqa: PLC0415
    from renderd.spool import ground  # noqa: PLC0415

    if not settings(args).spool:
        sys.stderr.write("no farm is named, so what its nodes see and have is not checked\n")
        return preflight.Preflight(Farm(), sys.platform, ground.Ground())
    spool = open_farm(args)
    looked = ground.survey(spool, sys.platform)
    return preflight.Preflight(spool.farm, sys.platform, looked, spool)


def _ask(path: str, *, with_settings: bool) -> tuple[dict[str, Any], list[str]]:
    # Only here: the other verbs must not wait for it.
    from renderd import blend  # noqa: PLC0415

    file = blend.read(path)
    settings = blend.read_settings(path) if with_settings else None
    answer = _facts(file)
    if settings is not None:
        answer["settings"] = [_setting_facts(one) for one in settings]
    return answer, _lines(file, settings)


def _printable(line: str) -> str:
    # A name may hold letters that the terminal's encoding lacks.
    encoding = sys.stdout.encoding or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)


def _facts(file: "BlendFile") -> dict[str, Any]:
    size = file.thumbnail
    return {
        "path": file.path,
        "version": file.version,
        "compression": file.compression,
        "pointer_size": file.pointer_size,
        "endian": file.endian,
        "scenes": [
            {**_naming(scene), "start": scene.start, "end": scene.end} for scene in file.scenes
        ],
        "thumbnail": size and {"width": size.width, "height": size.height},
    }


def _setting_facts(scene: "SceneSettings") -> dict[str, Any]:
    return {
        **_naming(scene),
        "listed": scene.is_listed,
        "start": scene.start,
        "end": scene.end,
        "step": scene.step,
        "width": scene.width,
        "height": scene.height,
        "percent": scene.percent,
        "output": _text(scene.output),
        "output_hex": scene.output.encode("utf-8", "surrogateescape").hex(),
        "engine": _text(scene.engine),
        "camera": _text(scene.camera),
        "format": scene.format,
        "movie": scene.is_movie,
        "fps": scene.fps,
        "extension": scene.adds_extension,
        "overwrite": scene.overwrites,
        "placeholders": scene.makes_placeholders,
        "border": scene.uses_border,
        "crop": scene.crops_to_border,
        "multiview": scene.uses_multiview,
        "sequencer": scene.uses_sequencer,
        "compositing": scene.uses_compositing,
    }


def _naming(scene: "Scene | SceneSettings") -> dict[str, Any]:
    return {"name": _text(scene.name), "name_hex": scene.raw_name.hex()}


def _text(name: str | None) -> str | None:
    from renderd.blend.names import is_text  # noqa: PLC0415

    return name if name is not None and is_text(name) else None


def _lines(file: "BlendFile", settings: "tuple[SceneSettings, ...] | None") -> list[str]:
    from renderd.blend.names import shown  # noqa: PLC0415

    packing = "not packed" if file.compression == "none" else f"packed with {file.compression}"
    size = file.thumbnail
    picture = f"thumbnail {size.width}x{size.height}" if size else "no thumbnail"
    width = f"{8 * file.pointer_size}-bit {file.endian}-endian"
    lines = [f"{shown(file.path)}: Blender {file.version}, {packing}, {width}, {picture}"]
    longest = max((len(shown(scene.name)) for scene in file.scenes), default=0)
    lines += [f"  {shown(s.name):{longest}}  {_frames(s.start, s.end)}" for s in file.scenes]
    if not file.scenes:
        lines.append(f"  {_NO_SCENES}")
    for scene in settings or ():
        lines += _setting_lines(scene)
    return lines


def _setting_lines(scene: "SceneSettings") -> list[str]:
    from renderd.blend.names import shown  # noqa: PLC0415

    step = f" every {scene.step}" if scene.step != 1 else ""
    camera = "no camera" if scene.camera is None else f"camera {shown(scene.camera)}"
    kind = f"{scene.format}, one movie file" if scene.is_movie else scene.format
    notes = [words for words, is_so in _notes(scene) if is_so]
    lines = [
        f"  settings of {shown(scene.name)}",
        f"    frames   {_frames(scene.start, scene.end)}{step}, {scene.fps:g} a second",
        f"    picture  {scene.width}x{scene.height} at {scene.percent} %, {kind}",
        f"    output   {shown(scene.output)}",
        f"    engine   {shown(scene.engine)}, {camera}",
    ]
    return [*lines, f"    note     {', '.join(notes)}"] if notes else lines


def _notes(scene: "SceneSettings") -> tuple[tuple[str, bool], ...]:
    return (
        ("not among the scenes listed for rendering", not scene.is_listed),
        ("adds no file extension", not scene.adds_extension),
        ("skips frames that exist", not scene.overwrites),
        ("makes placeholders", scene.makes_placeholders),
        ("renders a border only", scene.uses_border),
        ("several views", scene.uses_multiview),
    )


def _frames(start: int, end: int) -> str:
    if end < start:
        return f"{start}-{end}, which is no frame: the end lies before the start"
    return f"{start}-{end}" if end > start else str(start)
