"""`render video JOB`: a movie of a job's frames, when the last of them is there."""

import argparse
import os
import sys

from frontend.cli import output
from frontend.cli.farm import nudge, open_farm, pick
from frontend.cli.parser import jobs_argument
from frontend.farm import me
from renderd.core import frames as ranges
from renderd.core import video, videojob
from renderd.core.job import Job
from renderd.core.label import label
from renderd.core.video import Video
from renderd.errors import RenderdError
from renderd.spool import frames, inspection, jobs, tickets
from renderd.spool.inspection import Report
from renderd.spool.layout import DONE, OPEN, QUEUE, Spool
from renderd.spool.tickets import Place

_EXAMPLES = """\
Examples:
  render video shot010                          H.264, beside the frames
  render video shot010 --preset prores --out /p/edit/shot010.mov
  render video shot010 --fps 24 --allow-gaps
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "video",
        help="make a movie of a job's frames when it is done",
        description=f"{_EXAMPLES}\nQueue a job that makes a movie of a job's frames with ffmpeg, "
        "when that job is done.  Every frame\nmust be there and whole, and every one is in the "
        "movie, or it does not get its name.",
    )
    jobs_argument(parser, many=False)
    add = parser.add_argument
    add("--preset", default="h264", metavar="P", help="h264 (.mp4), prores (.mov) or av1 (.mp4)")
    add("--fps", metavar="F", help="frames a second, like 24 or 24000/1001; else the .blend's")
    add("--out", metavar="FILE", help="where it goes; else beside the frames, called like them")
    add("--allow-gaps", action="store_true", help="leave out frames that are missing or broken")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Queue the movie."""
    spool = open_farm(args)
    [place] = pick(spool, [args.job])
    host = jobs.read(spool, place[1].jid)
    wanted = _wanted(args, spool)
    is_open = place[0] in OPEN
    fps = video.parse_rate(args.fps) if args.fps else ""
    draft = videojob.draft(host, wanted, fps=fps, allows_gaps=args.allow_gaps, waits=is_open)
    videojob.check_place(draft.out)
    if (found := frames.locate(spool, host)) is not None:
        inspection.demand_seen(spool, found)
    if not is_open and not args.allow_gaps:
        _refuse_gaps(spool, place, host)
    jid = jobs.publish(spool, draft, jobs.Order(me(), after=draft.info.after))
    nudge(args, spool)
    placed = tickets.find(spool, jid)
    state = placed[0] if placed else QUEUE
    if args.json:
        return output.emit(
            {
                "job": {
                    "jid": jid,
                    "name": draft.name,
                    "of": host.jid,
                    "out": draft.out,
                    "preset": wanted.preset,
                    "fps": dict(draft.info.extra)[videojob.RATE],
                    "frames": ranges.count(host.info.frames or ()),
                    "state": state,
                }
            }
        )
    waits = f", after {host.jid}" if is_open else ""
    output.say(f"{jid}  {label(draft.name)}  {label(draft.out, 200)}{waits}")
    output.say(f"Next: render wait {jid}")
    return 0


def _wanted(args: argparse.Namespace, spool: Spool) -> Video:
    """The movie that the options ask for, its path below a root of the farm where it has one."""
    if not args.out:
        return video.parse(args.preset)
    out = args.out
    if not out.startswith("{"):
        whole = os.path.abspath(out) + ("/" if out.endswith("/") else "")
        out = spool.farm.contract_roots(whole, sys.platform)
    return video.checked(Video(video.parse(args.preset).preset, out))


def _refuse_gaps(spool: Spool, place: Place, host: Job) -> None:
    """Raise where frames of a job that is over are missing or broken."""
    subject = inspection.of_job(spool, place, host)
    looks = [one for f in subject.wanted for one in inspection.look(spool.share, subject, f, None)]
    report: Report = inspection.judge(subject, looks)
    if not report.sure:
        return
    gone = ranges.text(ranges.gather(report.sure))
    state = "" if place[0] == DONE else f", and the job is {place[0]}"
    raise RenderdError(
        f"the movie would lack frames {gone}{state}",
        f"see: render verify {host.jid}; render them: render redo {host.jid} --frames {gone};"
        " or say --allow-gaps",
    )
