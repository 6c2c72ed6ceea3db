"""`render verify JOB|PATTERN`: which frames are missing, broken, odd or black."""

import argparse
import os
import sys

from frontend import examination
from frontend.cli import output
from frontend.cli.farm import open_farm, pick
from renderd.core import frames as ranges
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.errors import RenderdError
from renderd.spool import inspection, jobs, tickets
from renderd.spool.inspection import Fault, Report, Subject
from renderd.spool.layout import Spool
from renderd.spool.share import PosixShare, Share

FAULTY = 1
_MANY = 50  #: frames from which a terminal sees the progress
_SHOWN = 3  #: findings of a kind that are told in words


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "verify",
        help="find missing, broken, odd or black frames",
        description="Read every frame of a job, open or closed, or of a pattern like "
        "/p/out/shot_####.png, to its last\npixel, and say which are missing, broken, of another "
        "size or kind, suspiciously small or all black.\n"
        "Exit status 0 when all are fine, 1 otherwise.",
    )
    parser.add_argument(
        "what", metavar="JOB|PATTERN", help="a job by id, prefix or name; a path with # for digits"
    )
    parser.add_argument("--frames", metavar="RANGE", help="only these frames, like 1-250x2,300")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look at the frames and report."""
    runs = ranges.parse(args.frames) if args.frames else None
    jid, subject, share = _subject(args, runs)
    report = examine(share, subject, says=args.what)
    return _tell(args, report, jid)


def examine(share: Share, subject: Subject, *, says: str) -> Report:
    """Verify and decode every frame, with a line of progress on a terminal."""
    is_shown = sys.stderr.isatty() and len(subject.wanted) >= _MANY

    def show(number: int, total: int) -> None:
        end = "\r\x1b[K" if number == total else ""
        sys.stderr.write(f"\r{label(says, 60)}: {number:,} of {plural(total, 'frame')}{end}")
        sys.stderr.flush()

    report = examination.examine(share, subject, show if is_shown else None)
    for remedy in examination.undecoded(report):
        output.talk(remedy)
    return report


def _subject(
    args: argparse.Namespace, runs: tuple[ranges.Run, ...] | None
) -> tuple[str, Subject, Share]:
    """What is to be looked at: the job it belongs to, where one is known, and its frames."""
    if "/" in args.what or "#" in args.what:
        path = os.path.abspath(args.what)
        share = PosixShare()
        return _writer(args, path), inspection.of_pattern(share, path, runs), share
    spool = open_farm(args)
    [place] = pick(spool, [args.what])
    job = jobs.read(spool, place[1].jid)
    return (
        job.redoes or job.jid,
        examination.narrowed(inspection.of_job(spool, place, job), runs),
        spool.share,
    )


def _writer(args: argparse.Namespace, path: str) -> str:
    """The newest job that writes a pattern; empty where there is none, or no spool."""
    try:
        spool = open_farm(args)
        known = tickets.everywhere(spool)
        writers = [jid for jid in known if _writes(spool, jid, path)]
        return max(writers, key=lambda jid: tickets.born(spool, jid), default="")
    except (RenderdError, OSError):
        return ""


def _writes(spool: Spool, jid: str, path: str) -> bool:
    try:
        job = jobs.read(spool, jid)
    except (RenderdError, OSError):
        return False
    stem, ending = os.path.splitext(path)
    out = spool.local(job.out)
    return not job.redoes and out in (path, stem if ending else path)


def _tell(args: argparse.Namespace, report: Report, jid: str) -> int:
    code = FAULTY if report.findings else 0
    subject = report.subject
    by_fault: dict[Fault, list[int]] = {f: report.frames(f) for f in Fault if report.frames(f)}
    redo = examination.redo_line(jid, report.sure)
    if args.json:
        said = [
            {"frame": f.frame, "fault": f.fault.value, "file": f.file, "says": f.says}
            for f in report.findings
        ]
        summary = {fault.value: examination.span(found) for fault, found in by_fault.items()}
        return output.emit(
            {
                "job": jid,
                "folder": subject.folder,
                "pattern": subject.pattern,
                "frames": len(subject.wanted),
                "unrendered": examination.span(subject.unrendered),
                "summary": summary,
                "findings": said,
                "redo": redo,
                "undecoded": sorted(report.undecoded),
            },
            code,
        )
    count = plural(len(subject.wanted), "frame")
    output.say(f"{count} of {label(f'{subject.folder}/{subject.pattern}', 200)}")
    if subject.unrendered:
        output.say(f"  not rendered yet  {examination.span(subject.unrendered)}")
    for fault, found in by_fault.items():
        output.say(f"  {examination.TITLES[fault]}  {examination.span(found)}")
        for line in _some(report.told(fault)):
            output.say(f"    {line}")
    _advise(report, jid, redo)
    return code


def _advise(report: Report, jid: str, redo: str) -> None:
    if not report.findings:
        output.say("  all fine" if report.subject.wanted else "  nothing to look at yet")
    if redo:
        output.say(f"Next: {redo}")
    if report.doubtful:
        line = examination.redo_line(jid, report.doubtful)
        again = f"; if they are wrong: {line}" if line else ""
        output.say(f"Look at {examination.span(report.doubtful)} yourself{again}")


def _some(findings: list[inspection.Finding]) -> list[str]:
    lines = [label(f.sentence, 200) for f in findings[:_SHOWN]]
    more = len(findings) - len(lines)
    return [*lines, f"… and {more} more"] if lines and more else lines
