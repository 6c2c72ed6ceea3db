"""A job takes its output back from one that is over: what that one wrote is its no more."""

import contextlib

from renderd.core.job import Job
from renderd.spool import frames
from renderd.spool.layout import Spool
from renderd.spool.moves import names


def own_again(spool: Spool, job: Job) -> None:
    """Make an open job the owner of its output once more; receipts of lost frames are dropped.

    So it says at its end which of its frames another job wrote over.  Raises OutputOwned where
    that one is still open, OutputUnseen, OSError.
    """
    output = frames.locate(spool, job)
    if output is None:
        return
    frames.own(spool, job, replaces=False)
    for frame in names(spool, f"{output.own}/ok"):
        if frames.read_receipt(spool, output, frame) is None:
            with contextlib.suppress(FileNotFoundError):
                spool.share.unlink(output.receipt(frame))


def own_if_lost(spool: Spool, job: Job) -> None:
    """Take a job's output back from a job that is over; raises OutputOwned where one is open."""
    output = frames.locate(spool, job)
    if output is None:
        return
    is_here = _is_there(spool, output.folder) or frames.has_seen_root(spool, output)
    if is_here and frames.why_not_able(spool, output):
        own_again(spool, job)


def _is_there(spool: Spool, folder: str) -> bool:
    try:
        return spool.share.stat(folder).is_folder
    except OSError:
        return False
