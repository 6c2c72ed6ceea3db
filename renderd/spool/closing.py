"""What a job that is over leaves: its receipts, a word on frames it lost, a clean output."""

import contextlib
import json
from collections.abc import Callable, Collection

from renderd.core import frames as ranges
from renderd.core import jsonvalue
from renderd.core.chunk import SKIP, State
from renderd.core.job import Job, Writes
from renderd.errors import RenderdError
from renderd.spool import control, frames, guests, sets, sources
from renderd.spool.layout import SIDE, Spool
from renderd.spool.listing import chunks
from renderd.spool.moves import BREATH, names, remove_folder, write


def collect(
    spool: Spool, job: Job, breathe: Callable[[], None] = lambda: None, *, is_done: bool = True
) -> None:
    """Keep a finished job's receipts in its folder and clear its own folder beside the frames.

    A job that `is_done` and lacks receipts of its frames gets a warning in its control.  Safe to
    repeat after a crash at any step; a machine that does not see the output leaves it to others.
    Raises OSError.
    """
    output = frames.locate(spool, job)
    if output is None:
        return
    if "frames.jsonl" in names(spool, spool.job(job.jid)):
        frames.disown(spool, job, breathe)
        return
    if guests.read_mark(spool, f"{output.own}/since") != job.jid:
        # Not mounted here, where an empty list of receipts would be a lie that stays; or taken
        # over, and a node that was stopped then made its folder once more.
        if remove_folder(spool, output.own):
            remove_folder(spool, f"{output.folder}/{SIDE}")
        return
    lines = []
    listed = names(spool, f"{output.own}/ok")
    for number, name in enumerate(sorted(listed, key=lambda n: (len(n), n)), 1):
        if number % BREATH == 0:
            breathe()
        with contextlib.suppress(OSError, ValueError):
            value = jsonvalue.parse(spool.share.read(output.receipt(name), frames.RECEIPT_LIMIT))
            if isinstance(value, dict):
                lines.append(json.dumps({"frame": name, **value}))
    if is_done and job.writes is not Writes.MOVIE:
        _warn_of_lost(spool, job, listed)
    sets.close(spool, output)
    text = "".join(line + "\n" for line in lines).encode()
    write(spool, spool.job(job.jid, "frames.jsonl"), text)
    frames.disown(spool, job, breathe)


def clear(spool: Spool, job: Job) -> None:
    """Take away what a cancelled job of which nothing runs left beside its .blend and its frames.

    Safe to repeat.  Raises OSError.
    """
    sources.remove(spool, job)
    collect(spool, job, is_done=False)


def _warn_of_lost(spool: Spool, job: Job, listed: Collection[str]) -> None:
    """Say which frames of a done job another job took, for want of their receipts."""
    known = set(listed)
    lost = {frame for run in job.info.frames or () for frame in run if str(frame) not in known}
    if not lost:
        return
    done = [c for c in chunks(spool, job.jid, {State.DONE}) if c.owner == SKIP and c.run]
    lost -= {frame for chunk in done for frame in chunk.run or ()}
    if lost:
        which = ranges.text(ranges.gather(lost))
        said = (
            f"another job wrote over frames {which} of this one; to have them back:"
            f" render redo {job.jid} --frames {which}"
        )
        with contextlib.suppress(OSError, RenderdError):
            control.warn(spool, job.jid, said)
