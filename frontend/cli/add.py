"""`render add`: queue the scenes of .blend files, an info file or any command."""

import argparse
import os
import shlex
import sys
from dataclasses import replace
from typing import Any

from frontend import submission, words
from frontend.cli import output
from frontend.cli.farm import nudge, open_farm
from frontend.cli.findings import STOPPED, facts, tell
from frontend.request import blender_needs, pools
from frontend.submission import Added, Asked, Progress, Submission, Terms
from renderd import plan
from renderd.core import amounts, frames, infofile, outputs, video, videojob
from renderd.core import job as job_record
from renderd.core.amounts import plural
from renderd.core.infofile import Info
from renderd.core.job import Draft
from renderd.core.label import label
from renderd.core.needs import Needs
from renderd.errors import UsageError
from renderd.spool.layout import HELD, Spool

PARTLY = 3
_MANY = 1000  #: chunks from which publishing shows its progress
_EXAMPLES = """\
Examples:
  render add shot010.blend                     every scene, its own range
  render add shot010.blend --scene Main --frames 1-250x2,300 --chunk 5
  render add a.blend b.blend --priority 70 --pool gpu --needs 'ram>=16G'
  render add --command 'prog {start} {end}' --frames 1-100
  render add job.info                          an info file; - reads one from stdin
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "add",
        help="queue the scenes of .blend files, an info file or any command",
        description=f"{_EXAMPLES}\nQueue the scenes that a .blend lists for rendering, one job "
        "each, with the\nranges that the file says.  Scenes left out are named; --scene adds them.",
    )
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help=".blend files, info files, - for stdin")
    add("--command", action="append", metavar="LINE", help="a command line in place of a .blend")
    add("--scene", action="append", metavar="S", help="only this scene; may be repeated")
    add("--frames", metavar="RANGE", help="like 1-250x2,300; else the file's own")
    add("--chunk", metavar="N", help="frames a chunk, or auto; auto for a .blend, else 10")
    add("--priority", type=int, metavar="N", help="0 to 99, 50 where nothing is said")
    add("--out", metavar="PATTERN", help="where frames go, # for digits; {scene} is its name")
    add("--name", metavar="N", help="the job's name; else the file's and the scene's")
    add("--pool", action="append", metavar="P", help="only nodes of this pool")
    add("--needs", action="append", metavar="NEED", help="ram>=16G, blender>=4.2, gpu, tag=x")
    add("--blender", metavar="SPEC", help="like >=4.2 or any; else the version that saved the file")
    add("--after", action="append", metavar="JOB", help="start when this job is done")
    add("--nodes", type=int, metavar="N", help="most nodes at once")
    add("--retries", type=int, metavar="N", help="failures a chunk may have, 3")
    add("--timeout", metavar="TIME", help="longest time of a chunk, like 2h30m")
    add("--env", action="append", metavar="K=V", help="a variable for the command")
    add("--video", metavar="PRESET", help="then make a movie: h264, prores or av1, then a path")
    add("--hold", action="store_true", help="queue it held")
    add("--missing", action="store_true", help="render only frames that are not there whole")
    add(
        "--missing-files",
        choices=("fail", "warn"),
        help="what a texture or library that is not there does to its frames; fail",
    )
    add("--replace", action="store_true", help="cancel the open job that writes the same frames")
    add("--no-snapshot", action="store_true", help="render the file itself, not a copy beside it")
    add("--force", action="store_true", help="queue it though the pre-flight says stop")
    add("--whole", action="store_true", help="one chunk, never resumed in the middle")
    add(
        "--factory-startup",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="start Blender without the user's own settings and add-ons (the default)",
    )
    add("-n", "--dry-run", action="store_true", help="say what would be queued, change nothing")
    parser.set_defaults(run=run, stdin=b"")


def run(args: argparse.Namespace) -> int:
    """Plan every job first, so that a mistake queues nothing; then publish them."""
    if bool(args.files) == bool(args.command):
        raise UsageError("what is to be rendered?", "name FILE.blend, or say --command 'prog …'")
    spool = open_farm(args)
    done = submission.submit(spool, lambda: _asked(args, spool), output.talk, _progress)
    if not args.dry_run and not done.error and not done.is_refused:
        nudge(args, spool)
    return _report(args, done)


def _asked(args: argparse.Namespace, spool: Spool) -> Asked:
    drafts = _drafts(args, spool)  # first: an info file says `after`, too
    terms = Terms(
        after=tuple(args.after or ()),
        keeps_whole=args.missing,
        replaces=args.replace,
        copies=not args.no_snapshot,
        forces=args.force,
        only_looks=args.dry_run,
    )
    return Asked(drafts, terms)


def _drafts(args: argparse.Namespace, spool: Spool) -> list[Draft]:
    info = _info(args)
    if args.command:
        commands = tuple(_words(line) for line in args.command)
        name = args.name or os.path.basename(commands[0][0])
        whole = replace(info, commands=commands, name=label(name))
        _refuse_lacking(whole)
        return [plan.from_info(whole, name, spool.farm, sys.platform)]
    drafts: list[Draft] = []
    for path in args.files:
        if path == "-" or path.lower().endswith(".info"):
            drafts.append(_from_info_file(args, spool, path))
        else:
            wish = _wish(args, info)
            drafts += plan.from_blend(path, wish, spool.farm, sys.platform, output.talk)
    return drafts


def _wish(args: argparse.Namespace, info: Info) -> plan.Wish:
    return plan.Wish(
        scenes=tuple(args.scene or ()),
        frames=info.frames,
        out=args.out or "",
        name=args.name or "",
        uses_factory_startup=args.factory_startup,
        info=replace(info, frames=None, out=""),
    )


def _from_info_file(args: argparse.Namespace, spool: Spool, path: str) -> Draft:
    data = _read(args, path)
    said = infofile.parse(data)
    given = {k: v for k, v in _given(args).items() if v is not None}
    stem = "stdin" if path == "-" else os.path.splitext(os.path.basename(path))[0]
    info = replace(said, **given)
    _refuse_lacking(info)
    if info.after and not args.after:
        args.after = list(info.after)
    return plan.from_info(info, info.name or stem, spool.farm, sys.platform)


def _read(args: argparse.Namespace, path: str) -> bytes:
    if path == "-":  # can be read once, and is planned again where its .blend is saved meanwhile
        args.stdin = args.stdin or sys.stdin.buffer.read(infofile.MAX_BYTES + 1)
        return bytes(args.stdin)
    try:
        with open(path, "rb") as file:
            return file.read(infofile.MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def _info(args: argparse.Namespace) -> Info:
    """The options that every job of this command line has."""
    given = {key: value for key, value in _given(args).items() if value is not None}
    return replace(Info(commands=()), **given)


def _given(args: argparse.Namespace) -> dict[str, Any]:
    wanted = [*(args.needs or ()), *blender_needs(args.blender)]
    needed = Needs.parse(", ".join(wanted)) if wanted else None
    return {
        "name": label(args.name) if args.name else None,
        "frames": frames.parse(args.frames) if args.frames else None,
        "chunk": _chunk(args.chunk),
        "out": args.out,
        "priority": _within("--priority", args.priority, 0, 99),
        "pool": pools(args.pool or ()) or None,
        "needs": needed,
        "nodes": _within("--nodes", args.nodes, 1, 100_000),
        "retries": _within("--retries", args.retries, 0, 99),
        "timeout": _duration(args.timeout),
        "video": video.parse(args.video) if args.video else None,
        "env": tuple(_pair(word) for word in args.env) if args.env else None,
        "hold": True if args.hold else None,
        "missing": args.missing_files,
        "whole": True if args.whole else None,
    }


def _words(line: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"{line!r} cannot be split into words: {error}") from None
    if not words or not words[0]:
        raise UsageError("the command line is empty", "say --command 'prog {start} {end}'")
    return words


def _refuse_lacking(info: Info) -> None:
    lacking = infofile.lacking(info)
    if lacking:
        flag = {"out": "--out", "blend": "a FILE.blend"}.get(lacking[0], "--frames")
        raise UsageError(f"the command has {{{lacking[0]}}}, which nothing fills", f"say {flag}")


def _chunk(word: str | None) -> int | None:
    if word is None:
        return None
    if word == "auto":
        return 0
    if not word.isdigit() or not 1 <= int(word) <= frames.MAX_COUNT:
        raise UsageError(f"{word!r} is no number of frames", "say --chunk 10, or auto")
    return int(word)


def _within(flag: str, value: int | None, low: int, high: int) -> int | None:
    if value is not None and not low <= value <= high:
        raise UsageError(f"{flag} {value} is out of range", f"say {low} to {high}")
    return value


def _duration(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return amounts.duration(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise UsageError(f"{word!r} sets no variable", "write --env NAME=VALUE")
    return name, value


def _progress(draft: Draft) -> Progress | None:
    """A line that counts, for a job that takes a while to write."""
    if not sys.stderr.isatty() or sum(1 for _ in draft.pieces()) <= _MANY:
        return None

    def show(count: int, total: int) -> None:
        end = "\r\x1b[K" if count == total else ""
        sys.stderr.write(f"\r{draft.name}: {count:,} of {plural(total, 'chunk')} written{end}")
        sys.stderr.flush()

    return show


def _facts(one: Added) -> dict[str, Any]:
    draft = one.draft
    first = next(draft.pieces())
    lines = job_record.chunk_words(draft.info, first, draft.out)
    return {
        "jid": one.jid,
        "name": draft.name,
        "scene": draft.info.scene,
        "frames": frames.text(draft.runs) if draft.runs else "",
        "chunks": draft.count(),
        "out": outputs.hashed(draft.out) if draft.out else "",
        "state": one.state,
        "priority": draft.info.priority,
        "command": shlex.join(lines[0]) if lines else "",
        **({"video": videojob.out_of(draft)} if draft.info.video is not None else {}),
        **({"kept": one.kept} if one.kept is not None else {}),
    }


def _report(args: argparse.Namespace, done: Submission) -> int:
    added, error, found = [_facts(one) for one in done.added], done.error, done.found
    code = PARTLY if error else STOPPED if done.is_refused else 0
    if args.json:
        said = {"error": error.message, "remedy": error.remedy} if error else {}
        value = {"dry_run": args.dry_run, "jobs": added, "findings": facts(found), **said}
        return output.emit(value, code)
    for job in added:
        chunks = plural(job["chunks"], "chunk")
        span = f"  {job['frames']}" if job["frames"] else ""
        kept = f", {plural(job['kept'], 'frame')} kept" if "kept" in job else ""
        head = job["jid"] or "would add"
        state = words.STATES.get(job["state"], ("",))[0]
        output.say(f"{head}  {label(job['name'])}{span}  {chunks}{kept}  {state}".rstrip())
        if args.dry_run:
            output.say(f"  frames go to {label(job['out'])}" if job["out"] else "  no output known")
            output.say(f"  first chunk: {label(job['command'], 1000)}")
        if "video" in job:
            output.say(f"  then a movie: {label(job['video'], 400)}")
    tell(args, found, is_refused=done.is_refused)
    if error:
        output.talk(f"render: {error}")
    elif added and not args.dry_run:
        jids = " ".join(job["jid"] for job in added)
        held = all(job["state"] == HELD for job in added)
        output.say(f"Next: render {'release' if held else 'wait'} {jids}")
    return code
