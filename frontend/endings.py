"""How a job ended, in the words of a notification."""

import functools
from collections.abc import Hashable, Mapping

from frontend import mishaps
from frontend.farm import me
from renderd.core.amounts import plural
from renderd.core.chunk import State
from renderd.core.label import label
from renderd.core.names import host_of
from renderd.spool import jobs, listing, view
from renderd.spool.layout import DONE, FAILED, HELD, OPEN, Spool
from renderd.spool.moves import names
from renderd.spool.orders import HELD_BY
from renderd.spool.records import ChunkView, JobView

_TIMES = {1: "tried once", 2: "tried twice"}


def of_mine(before: Mapping[Hashable, JobView], now: Mapping[Hashable, JobView]) -> list[JobView]:
    """My jobs that were open before and now are done, failed, or stopped by themselves."""
    user, found = _user(), []
    for jid, job in now.items():
        old = before.get(jid)
        if old is None or old.state not in OPEN or job.owner.partition("@")[0] != user:
            continue
        stopped = job.state == HELD != old.state and not job.reason.startswith(HELD_BY)
        if job.state in (DONE, FAILED) or (stopped and job.reason):
            found.append(job)
    return found


@functools.cache
def _user() -> str:
    """Asked once: a directory service may take its time."""
    return me().partition("@")[0]


def title(job: JobView) -> str:
    """`shot_010 is done`."""
    ended = {DONE: "is done", FAILED: "failed"}.get(job.state, "stopped")
    return f"{label(job.name, 60)} {ended}"


def tell(spool: Spool, job: JobView) -> str:
    """What became of it; of a failure what happened, where, and how often it was tried.

    Raises RenderdError, OSError.
    """
    if job.state == DONE:
        return (
            f"Frames {label(job.frames, 60)} → {label(job.out, 200)}" if job.frames else "All done"
        )
    failed = view.read_chunks(spool, job.jid, (State.FAIL,))
    if not failed:
        return label(job.reason, 300) or "See why in its log"
    said = [_mishap(spool, job.jid, failed[0])]
    if len(failed) > 1:
        said.append(f"{plural(len(failed), 'chunk')} failed in all")
    return "\n".join(said)


def _mishap(spool: Spool, jid: str, chunk: ChunkView) -> str:
    noted = listing.attempts(names(spool, spool.job(jid, "err"))).get(chunk.index, [])
    frames = f"frames {chunk.frames}" if chunk.frames else f"chunk {chunk.index}"
    if not noted:
        return f"{frames.capitalize()} failed"
    text = spool.share.read(spool.job(jid, "err", noted[-1]), 4096).decode("utf-8", "replace")
    found = mishaps.parse(text)
    if found is None:
        return f"{frames.capitalize()} failed on {host_of(chunk.node)}"
    program = mishaps.program_name(jobs.read(spool, jid).info.commands[0][0])
    inc = listing.owner_of(noted[-1])
    tried = _TIMES.get(len(noted), f"tried {len(noted)} times")
    return f"{mishaps.sentence(found, program, inc)}; {frames}, {tried}"
