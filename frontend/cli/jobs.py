"""`render jobs`: the jobs of the farm and how far they are."""

import argparse
import time
from typing import TYPE_CHECKING

from frontend import words
from frontend.cli import output
from frontend.cli.farm import open_farm
from renderd.core.label import label, nearest, slug
from renderd.errors import UsageError
from renderd.spool import tickets, view
from renderd.spool.layout import CANCELLED, DONE, QUEUE, TICKETS, Spool

if TYPE_CHECKING:
    from renderd.spool.records import JobView

_SHOWN = tuple(folder for folder in TICKETS if folder not in (DONE, CANCELLED))
_HEAD = (
    *("JOB", "NAME", "STATE", "PRIO", "DONE", "RUN", "FAIL", "READY", "FRAMES", "AGE", "POOL"),
    *("BY", ""),
)
_RIGHT = (3, 4, 5, 6, 9)
_STATES = {"queued": "queue", "running": "queue"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "jobs",
        help="list jobs and how far they are",
        description="List the jobs that are open or failed; --all also those that are over.",
    )
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="only these, by id, prefix or name")
    parser.add_argument("--all", action="store_true", help="also done and cancelled jobs")
    parser.add_argument(
        "--state",
        action="append",
        metavar="STATE",
        help="only jobs that are queued, held, waiting, done, failed or cancelled",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print ids only")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List the jobs."""
    spool = open_farm(args)
    found = view.read_jobs(spool, _folders(args))
    if args.state:
        asked = {word.lower() for word in args.state}
        found = [j for j in found if {j.state, words.shown_state(j), _word(j)} & asked]
    if args.jobs:
        found = _chosen(found, args.jobs)
    if args.json:
        return output.emit({"jobs": [job.to_dict() for job in found]})
    if args.quiet:
        for job in found:
            output.say(job.jid)
        return 0
    colours = output.has_colour(args)
    for line in table(found, colours=colours) if found else ():
        output.say(line)
    if not args.all and not args.state and not args.jobs:
        _tell_rest(spool, is_empty=not found)
    return 0


def table(found: "list[JobView]", *, colours: bool) -> list[str]:
    """The jobs as aligned lines."""
    rows = [_row(job, colours=colours) for job in found]
    return output.table(_HEAD, rows, right=_RIGHT)


def ready(job: "JobView") -> str:
    """When a queued job will be done; a dash where that is not known yet, nothing for others."""
    said = output.ready(job.eta, job.eta_low, job.eta_high, time.time())
    return said or ("—" if output.has_glyphs() else "-") * (job.state == QUEUE)


def _word(job: "JobView") -> str:
    return words.STATES[words.shown_state(job)][0]


def _folders(args: argparse.Namespace) -> tuple[str, ...]:
    if args.state:
        folders = [_STATES.get(word.lower(), word.lower()) for word in args.state]
        for word, folder in zip(args.state, folders, strict=True):
            if folder not in TICKETS:
                known = ("queued", "running", *TICKETS[1:])
                raise UsageError(f"no job can be {word!r}", nearest(word, known))
        return tuple(dict.fromkeys(folders))
    return TICKETS if args.all or args.jobs else _SHOWN


def _chosen(found: "list[JobView]", words: list[str]) -> "list[JobView]":
    chosen = []
    for word in words:
        by_name = slug(word)
        match = [j for j in found if j.jid.startswith(word) or by_name == j.slug]
        if not match:
            close = nearest(word, [w for j in found for w in (j.slug, j.jid)])
            remedy = close if close.startswith("did") else "see: render jobs --all"
            raise UsageError(f"no job is called {word!r}", remedy)
        chosen += match
    return list({job.jid: job for job in chosen}.values())


def _row(job: "JobView", *, colours: bool) -> tuple[str, ...]:
    return (
        job.jid,
        label(job.name, 32),
        output.state(words.shown_state(job), colours=colours),
        str(job.priority),
        f"{job.done:,}/{job.chunks:,}",
        str(job.running or ""),
        output.paint(str(job.failed), "red", is_on=colours) if job.failed else "",
        ready(job),
        label(job.frames, 24),
        words.age(job.age),
        label(",".join(job.pool), 24),
        label(job.owner, 24),
        label(" · ".join(filter(None, (job.reason, job.warning, job.note)))),
    )


def _tell_rest(spool: Spool, *, is_empty: bool) -> None:
    over = {f: len(tickets.listed(spool, f)) for f in (DONE, CANCELLED)}
    if is_empty:
        output.say("No job is open.  Queue one with: render add FILE.blend")
    if any(over.values()):
        words = ", ".join(f"{count} {folder}" for folder, count in over.items() if count)
        output.say(f"({words}: render jobs --all)")
