"""`render redo JOB`: render some frames of a job again, open or over."""

import argparse
import contextlib
from typing import Any

from frontend.again import NOW, redo
from frontend.cli import output
from frontend.cli.farm import nudge, open_farm, pick
from frontend.cli.parser import jobs_argument
from renderd.core import frames as ranges
from renderd.core import videojob
from renderd.core.amounts import plural
from renderd.core.frames import Run
from renderd.core.job import Job
from renderd.core.label import label
from renderd.errors import RenderdError, UsageError
from renderd.spool import jobs, redos, tickets
from renderd.spool.layout import CANCELLED, QUEUE, Spool
from renderd.spool.tickets import Place

_EXAMPLES = """\
Examples:
  render redo shot010 --frames 17,23,44-47      these again, the rest stays
  render redo shot010 --frames 17 --now         before everything else
  render redo shot010 --broken                  what does not decode, or is not there
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "redo",
        help="render some frames of a job again",
        description=f"{_EXAMPLES}\nRender frames of a job again, with its settings and one frame "
        "a chunk, while it goes on or when it is\nover.  Each old frame stays until its new one is "
        "whole.  The .blend is taken as it is now, or\nwith --same-file as the job rendered it.",
    )
    jobs_argument(parser, many=False)
    parser.add_argument("--frames", metavar="RANGE", help="like 17,23,44-47")
    parser.add_argument(
        "--broken", action="store_true", help="decode all frames, redo those missing or broken"
    )
    parser.add_argument(
        "--same-file", action="store_true", help="the .blend as the job rendered it, or nothing"
    )
    parser.add_argument("--now", action="store_true", help=f"priority {NOW}: before all others")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Queue the frames that are named or found broken."""
    runs = ranges.parse(args.frames) if args.frames else None
    if runs is None and not args.broken:
        raise UsageError("which frames are to be rendered again?", "say --frames 17,23 or --broken")
    spool = open_farm(args)
    [place] = pick(spool, [args.job])
    job = jobs.read(spool, place[1].jid)
    redos.check_kind(job)
    if args.broken:
        runs = _broken(args, spool, place, job, runs)
    if not runs:
        return _nothing(args, job)
    priority = NOW if args.now else None
    jid, draft = redo(spool, place, runs, is_same_file=args.same_file, priority=priority)
    nudge(args, spool)
    found = tickets.find(spool, jid)
    return _tell(
        args,
        {
            "jid": jid,
            "name": draft.name,
            "redoes": job.redoes or job.jid,
            "frames": ranges.text(runs),
            "chunks": draft.count(),
            "out": draft.out,
            "priority": draft.info.priority,
            "state": found[0] if found else QUEUE,
            "movies": _movies(spool, job.redoes or job.jid),
        },
    )


def _movies(spool: Spool, jid: str) -> list[str]:
    """The movies that were made of a job's frames, or wait to be: they show the old ones."""
    found = []
    for folder, ticket in tickets.everywhere(spool).values():
        if ticket.slug.endswith("video") and folder != CANCELLED:
            with contextlib.suppress(RenderdError, OSError):
                movie = jobs.read(spool, ticket.jid)
                found += [movie.out] if videojob.host_of(movie) == jid else []
    return sorted(set(found))


def _broken(
    args: argparse.Namespace, spool: Spool, place: Place, job: Job, runs: tuple[Run, ...] | None
) -> tuple[Run, ...]:
    """The frames that are missing, broken or of another size.  Decodes them all."""
    from frontend import examination  # noqa: PLC0415
    from frontend.cli import verify  # noqa: PLC0415  decoding is loaded where it is needed
    from renderd.spool import inspection  # noqa: PLC0415

    subject = examination.narrowed(inspection.of_job(spool, place, job), runs)
    report = verify.examine(spool.share, subject, says=args.job)
    if not args.json:
        for finding in report.findings:
            if finding.fault.is_sure:
                output.talk(label(finding.sentence, 200))
    return ranges.gather(report.sure)


def _nothing(args: argparse.Namespace, job: Job) -> int:
    if args.json:
        return output.emit({"changed": False, "job": None})
    output.say(f"{job.jid} {label(job.name)}: no frame is missing or broken, nothing was queued")
    return 0


def _tell(args: argparse.Namespace, facts: dict[str, Any]) -> int:
    if args.json:
        return output.emit({"changed": True, "job": facts})
    first = f"; priority {NOW}, before all others" if args.now else ""
    frames = plural(facts["chunks"], "frame")
    output.say(f"{facts['jid']}  {label(facts['name'])}  {facts['frames']}  {frames}{first}")
    output.say("The old frames stay until each is replaced.")
    if facts["movies"]:
        shown = ", ".join(label(path, 200) for path in facts["movies"])
        output.say(
            f"{shown} keeps the old frames: render video {facts['redoes']} when this is done"
        )
    output.say(f"Next: render wait {facts['jid']}")
    return 0
