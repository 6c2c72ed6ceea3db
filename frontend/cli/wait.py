"""`render wait JOB…`: wait for jobs to end, with progress, rate and time left."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from frontend import words
from frontend.cli import output
from frontend.cli.farm import open_farm, pick
from frontend.cli.parser import jobs_argument
from renderd.core import amounts
from renderd.core.chunk import State
from renderd.core.label import label, slug
from renderd.core.names import is_drop, parse_adopting
from renderd.errors import UsageError
from renderd.spool import listing, nodes, tickets, view
from renderd.spool.layout import ADOPTING, CANCELLED, DONE, FAILED, HELD, QUEUE, Spool, is_mounted
from renderd.spool.moves import names
from renderd.spool.orders import HELD_BY
from renderd.spool.records import JobView

PARTLY = 3
_EVERY = 1.0
_AHEAD_EVERY = 10.0  #: seconds between two looks at the whole queue, which is what ends hang on
_SAY_EVERY = 10.0  #: seconds between two lines where no terminal reads us
_FINE = 32  #: running chunks up to which their own progress is asked
_LOOKS = 4  #: in which a ticket must be missed before its job counts as removed
_OVER = (DONE, FAILED, CANCELLED)
_GONE = "removed"
_STOPPED = "stopped"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "wait",
        help="wait for jobs to end, with progress",
        description="Wait until jobs have ended; a job that held itself has.\n"
        "A file that was just dropped is waited for by its name.\n"
        "Exit status: 0 all are done, 1 one failed, stopped, was cancelled or removed, 3 the time "
        "was over.",
    )
    jobs_argument(parser)
    parser.add_argument("--timeout", metavar="TIME", help="wait no longer than this, like 2h30m")
    parser.add_argument("-q", "--quiet", action="store_true", help="only the exit status")
    parser.set_defaults(run=run)


def has_stopped(job: JobView) -> bool:
    """True for a job that held itself: without a person it goes no further."""
    is_own_word = bool(job.reason) and not job.reason.startswith(HELD_BY)
    return job.state == HELD and is_own_word and not job.running


@dataclass(slots=True)
class Sight:
    """What is known of the jobs that are waited for."""

    jobs: dict[str, JobView] = field(default_factory=dict)
    done: float = 0.0  #: chunks, running ones in part
    total: int = 0
    missed: dict[str, int] = field(default_factory=dict)  #: looks in a row without its ticket
    ahead: dict[str, JobView] = field(default_factory=dict)  #: with their ends, as last told
    looked_ahead: float = float("-inf")  #: when that was

    @property
    def ends(self) -> dict[str, str]:
        """The jobs that have ended, and how."""
        ends = {j: _STOPPED if has_stopped(v) else v.state for j, v in self.jobs.items()}
        return {j: end for j, end in ends.items() if end in (*_OVER, _GONE, _STOPPED)}

    @property
    def is_over(self) -> bool:
        """True when all have ended."""
        return len(self.ends) == len(self.jobs)


@dataclass(slots=True)
class Pace:
    """How fast it goes since we look."""

    started: float
    first: float
    rate: float = 0.0  #: chunks a second

    def look(self, done: float, now: float) -> None:
        """Take in how much is done now."""
        if now > self.started and done > self.first:
            self.rate = (done - self.first) / (now - self.started)

    def left(self, sight: Sight) -> float | None:
        """Seconds to the end at this pace; None while nothing is known."""
        return (sight.total - sight.done) / self.rate if self.rate else None


def run(args: argparse.Namespace) -> int:
    """Wait; 0 when all jobs are done."""
    end = time.monotonic() + _seconds(args.timeout)
    spool = open_farm(args)
    _await_dropped(spool, args.jobs, end)
    jids = [ticket.jid for _, ticket in pick(spool, args.jobs)]
    sight = look(spool, jids, Sight())
    pace = Pace(time.monotonic(), sight.done)
    is_silent = args.quiet or args.json
    with _Silence() if is_silent else _shower(args) as show:
        while True:
            pace.look(sight.done, time.monotonic())
            show(sight, pace)
            if sight.is_over or time.monotonic() >= end:
                break
            time.sleep(_EVERY)
            sight = look(spool, jids, sight)
    return _report(args, sight)


def _await_dropped(spool: Spool, words: list[str], end: float) -> None:
    """Wait for files of these names that no daemon has taken in yet."""
    say_at = time.monotonic() + _SAY_EVERY
    while time.monotonic() < end:
        coming = [word for word in words if _is_coming(spool, word)]
        if not coming:
            return
        if time.monotonic() >= say_at:
            say_at += 6 * _SAY_EVERY
            output.talk(f"{label(coming[0])}.info is not taken in yet; does a daemon run?")
        time.sleep(_EVERY)


def _is_coming(spool: Spool, name: str) -> bool:
    """True while a dropped file of this name lies in the spool and is no job yet."""
    dropped = [n[: -len(".info")] for n in names(spool, spool.root) if is_drop(n)]
    adopted = map(parse_adopting, names(spool, spool.at(ADOPTING)))
    slugs = {*map(slug, dropped), *(found.slug for found in adopted if found)}
    return slug(name) in slugs


def look(spool: Spool, jids: list[str], before: Sight) -> Sight:
    """Look where the jobs are now; what cannot be seen stays as it was.

    A ticket that moves while we list may be missed, and an unmounted share shows none: only one
    that several looks of a mounted spool do not show was removed.
    """
    try:
        return _look(spool, jids, before)
    except OSError as error:
        output.talk(f"{error.strerror or error}; still waiting")
        return before


def _look(spool: Spool, jids: list[str], before: Sight) -> Sight:
    places = tickets.everywhere(spool)
    sight = _look_ahead(spool, before)
    for jid in jids:
        known = before.jobs.get(jid)
        if jid in places:
            found = view.read_job(spool, places[jid], None, places)
            sight.jobs[jid] = _with_end(found, sight.ahead.get(jid))
        elif known is not None:
            sight.missed[jid] = before.missed.get(jid, 0) + is_mounted(spool)
            is_gone = sight.missed[jid] >= _LOOKS
            sight.jobs[jid] = replace(known, state=_GONE) if is_gone else known
    sight.total = sum(job.chunks for job in sight.jobs.values())
    sight.done = sum(job.done for job in sight.jobs.values())
    running = [j.jid for j in sight.jobs.values() if 0 < j.running <= _FINE]
    sight.done += sum(_parts(spool, jid) for jid in running)
    return sight


def _look_ahead(spool: Spool, before: Sight) -> Sight:
    """A new sight that knows when queued jobs end; the whole queue is seldom looked at."""
    now = time.monotonic()
    if now - before.looked_ahead < _AHEAD_EVERY:
        return Sight(ahead=before.ahead, looked_ahead=before.looked_ahead)
    return Sight(ahead={j.jid: j for j in view.read_jobs(spool, (QUEUE,))}, looked_ahead=now)


def _with_end(job: JobView, ahead: JobView | None) -> JobView:
    if job.state != QUEUE or ahead is None:
        return job
    return replace(job, eta=ahead.eta, eta_low=ahead.eta_low, eta_high=ahead.eta_high)


def _ready(sight: Sight) -> str:
    """When all queued jobs that are waited for will be done; empty where one has no end yet."""
    queued = [job for job in sight.jobs.values() if job.state == QUEUE]
    ends = [(j.eta, j.eta_low or j.eta, j.eta_high or j.eta) for j in queued if j.eta is not None]
    if not ends or len(ends) < len(queued):
        return ""
    eta, low, high = (max(moments) for moments in zip(*ends, strict=True))
    return output.ready(eta, low, high, time.time())


def _parts(spool: Spool, jid: str) -> float:
    """How much of its running chunks is done, as their nodes say, in chunks."""
    owners = {c.owner for c in listing.chunks(spool, jid, {State.RUN})}
    said = [r for inc in owners for r in _running(nodes.read_status(spool, inc))]
    shares = [
        min(float(r["done"]) / float(r["total"]), 1.0)
        for r in said
        if r.get("job") == jid and r.get("total") and r.get("done")
    ]
    return sum(shares)


def _running(status: dict[str, Any] | None) -> list[dict[str, Any]]:
    running = (status or {}).get("running")
    return [r for r in running if isinstance(r, dict)] if isinstance(running, list) else []


def _seconds(text: str | None) -> float:
    if text is None:
        return float("inf")
    try:
        return amounts.duration(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _report(args: argparse.Namespace, sight: Sight) -> int:
    ends = sight.ends
    code = PARTLY if not sight.is_over else int(any(e != DONE for e in ends.values()))
    if args.json:
        return output.emit({"jobs": [job.to_dict() for job in sight.jobs.values()]}, code)
    if not args.quiet:
        colours = output.has_colour(args)
        for job in sight.jobs.values():
            counts = f"{job.done}/{job.chunks} chunks" + (
                f", {job.failed} failed" * bool(job.failed)
            )
            state = output.state(job.state, colours=colours)
            output.say(f"{job.jid} {label(job.name)}: {state}, {counts}")
            if job.reason:
                output.say(f"  {label(job.reason, 400)}")
            if job.warning:
                output.say(f"  warning: {label(job.warning, 400)}")
            if job.failed and sight.is_over:
                output.say(f"  why: render log {job.jid} --errors   again: render retry {job.jid}")
    return code


def progress(sight: Sight, pace: Pace) -> str:
    """The progress in one line."""
    running = sum(job.running for job in sight.jobs.values())
    failed = sum(job.failed for job in sight.jobs.values())
    left, ready = pace.left(sight), _ready(sight)
    parts = [
        f"{sight.done:.0f}/{sight.total} chunks",
        f"{running} running",
        f"{failed} failed" if failed else "",
        f"{pace.rate * 60:.1f} chunks/min" if pace.rate else "",
        f"ready {ready}" if ready else "",
        f"{words.age(left)} left" if left is not None and not ready else "",
        *(f"{j.slug} is held" for j in sight.jobs.values() if j.state == HELD),
    ]
    return ", ".join(filter(None, parts))


class _Silence:
    def __enter__(self) -> Callable[[Sight, Pace], None]:
        return lambda _sight, _pace: None

    def __exit__(self, *_: object) -> None:
        """Nothing was shown."""


class _Lines:
    """A line every ten seconds, when something changed."""

    def __init__(self) -> None:
        self._last, self._when = "", float("-inf")

    def __enter__(self) -> Callable[[Sight, Pace], None]:
        return self._show

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def _show(self, sight: Sight, pace: Pace) -> None:
        text, now = progress(sight, pace), time.monotonic()
        if text != self._last and now - self._when >= _SAY_EVERY:
            output.talk(text)
            self._last, self._when = text, now


class _Bar:
    """One line with a bar, on a terminal."""

    def __init__(self, args: argparse.Namespace) -> None:
        from rich.console import Console  # noqa: PLC0415  50 ms that other verbs never need
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

        colours = None if output.has_colour(args) else True
        self._progress = Progress(
            BarColumn(30),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True, no_color=colours),
            transient=True,
        )
        self._task = self._progress.add_task("", total=1)

    def __enter__(self) -> Callable[[Sight, Pace], None]:
        self._progress.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _show(self, sight: Sight, pace: Pace) -> None:
        self._progress.update(
            self._task,
            total=sight.total or 1,
            completed=sight.done,
            description=progress(sight, pace),
        )


def _shower(args: argparse.Namespace) -> _Bar | _Lines:
    return _Bar(args) if sys.stderr.isatty() else _Lines()
