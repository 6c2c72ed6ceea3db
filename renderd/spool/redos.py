"""Rendering frames of a job again: which may be, and the job that does it.

A redo is a job of its own with the same settings, one frame a chunk, and a guest of the output
(guests.py): the old frames stay until each is replaced by a whole new one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from renderd.core import frames as ranges
from renderd.core.chunk import State
from renderd.core.frames import Run
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.core.label import label, slug
from renderd.core.source import Planned, original, with_extra
from renderd.errors import UsageError
from renderd.spool import control, frames, inspection, listing
from renderd.spool.layout import OPEN, Spool
from renderd.spool.moves import names
from renderd.spool.tickets import Place

SUFFIX = " redo"


def check(spool: Spool, place: Place, job: Job, runs: Iterable[Run]) -> None:
    """Raise UsageError where the job's frames cannot be rendered again one by one.

    Of an open job only what is rendered may be: the others are its own work still.
    """
    check_kind(job)
    if (output := frames.locate(spool, job)) is not None:
        inspection.demand_seen(spool, output)  # publishing would make the folder, anywhere
    wanted = [frame for run in runs for frame in run]
    known = {frame for run in job.info.frames or () for frame in run}
    if strange := [frame for frame in wanted if frame not in known]:
        raise UsageError(
            f"job {job.jid} has no frame {strange[0]}",
            f"it has {ranges.text(ranges.gather(known))}",
        )
    if place[0] in OPEN and not job.redoes:
        _check_rendered(spool, job, wanted)


def check_kind(job: Job) -> None:
    """Raise UsageError for a job none of whose frames could be rendered alone."""
    if job.writes is Writes.NOTHING or job.info.frames is None:
        raise UsageError(
            f"job {job.jid} has no frames that the farm knows of", "add its command again"
        )
    if job.writes is Writes.MOVIE:
        raise UsageError(
            f"job {job.jid} writes a movie, one file for all frames", "add it again as a whole"
        )
    if job.info.whole:
        raise UsageError(
            f"job {job.jid} renders its frames in one run (--whole), each after the one before",
            "add it again as a whole",
        )


def _check_rendered(spool: Spool, job: Job, wanted: Sequence[int]) -> None:
    chunks = listing.chunks(spool, job.jid)
    output = frames.locate(spool, job)
    receipts = set(names(spool, f"{output.own}/ok")) if output is not None else set()
    states = {f: c.state for c in chunks if c.run is not None for f in c.run if f in set(wanted)}
    for frame in wanted:
        state = states.get(frame)
        if state is State.DONE or str(frame) in receipts:
            continue
        if state is State.FAIL:
            raise UsageError(f"frame {frame} failed", f"again: render retry {job.jid}")
        raise UsageError(
            f"frame {frame} is not rendered yet: job {job.jid} will render it",
            f"name others, or wait: render wait {job.jid}",
        )


def draft(
    spool: Spool,
    place: Place,
    job: Job,
    runs: tuple[Run, ...],
    *,
    priority: int | None = None,
    source: Planned | None = None,
) -> Draft:
    """The job that renders frames of another again: same settings, one frame a chunk.

    It is of the artist's own .blend, from `source`: never of the other job's copy, which goes.
    """
    info = _settings(spool, place, job, runs)
    info = info if priority is None else replace(info, priority=priority)
    made = Draft(
        name=info.name,
        slug=slug(info.name),
        info=info,
        runs=runs,
        size=1,
        out=job.out,
        writes=job.writes,
        source=source,
    )
    made.check()
    return made


def _settings(spool: Spool, place: Place, job: Job, runs: tuple[Run, ...]) -> Info:
    """The job's own settings as they hold now, for some of its frames."""
    root = job.redoes or job.jid
    name = job.name if job.name.endswith(SUFFIX) else label(job.name + SUFFIX)
    extra = with_extra(job.info.extra, {"x-redo": root})
    said = control.read(spool, job.jid)
    return replace(
        job.info,
        name=name,
        frames=runs,
        chunk=1,
        priority=place[1].priority,
        pool=said.pools(job),
        needs=said.wanted(job),
        nodes=said.limit(job),
        after=(),
        hold=False,
        video=None,
        blend=original(job.info),
        extra=extra,
    )
