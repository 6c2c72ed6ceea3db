"""The control file of a job: read freely, changed under its lock.

Locks only keep two editors from losing each other's line; on a share without working locks the
last writer wins.  Nothing here waits: a lock that somebody holds raises LockTimeout at once, and
the caller, who may sleep, tries again as often as it likes.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from renderd.core import control as record
from renderd.core.control import Control
from renderd.errors import LockTimeout, UsageError
from renderd.spool.layout import Spool
from renderd.spool.moves import write
from renderd.spool.share import Lock

__all__ = ["Control", "block", "change", "edit", "read", "unblock", "warn"]
_LIMIT = 65_536


def read(spool: Spool, jid: str) -> Control:
    """What the job's control file says now; an absent one says nothing.  Raises OSError."""
    try:
        return record.parse(spool.share.read(spool.job(jid, "control"), _LIMIT))
    except FileNotFoundError:
        return Control()


def edit(spool: Spool, jid: str, changed: Callable[[Control], Control]) -> Control:
    """Apply a change to the control file under its lock; what it says afterwards.

    Raises LockTimeout where somebody holds the lock, UsageError where the job has no folder,
    OSError where the share fails; nothing was changed then.
    """
    lock = _lock(spool, jid)
    try:
        before = read(spool, jid)
        after = changed(before)
        if after != before:
            write(spool, spool.job(jid, "control"), record.text(after).encode())
        return after
    finally:
        if lock is not None:
            lock.release()


def change(spool: Spool, jid: str, **changes: Any) -> Control:
    """Set fields of the control file, named as in Control; raises as `edit`."""
    keys = {name.replace("_", "-") for name in changes}
    return edit(spool, jid, lambda c: replace(record.without_extra(c, keys), **changes))


def warn(spool: Spool, jid: str, sentence: str) -> None:
    """Add to what people are warned of while there is room for more; raises as `edit`."""
    edit(spool, jid, lambda c: replace(c, warning=_joined(c.warning, sentence)))


def _joined(before: str, sentence: str) -> str:
    more = f"{before}; {sentence}" if before else sentence
    is_new = sentence not in before and (not before or len(more) <= record.TEXT_LIMIT)
    return more if is_new else before


def block(spool: Spool, jid: str, *nodes: str) -> Control:
    """Make the job refuse some nodes; raises as `edit`."""
    return edit(
        spool, jid, lambda c: replace(c, blocked=tuple(dict.fromkeys((*c.blocked, *nodes))))
    )


def unblock(spool: Spool, jid: str, *nodes: str) -> Control:
    """Let the job run on some nodes again, on all where none is named; raises as `edit`."""
    gone = set(nodes)
    return edit(
        spool,
        jid,
        lambda c: replace(c, blocked=tuple(b for b in c.blocked if gone and b not in gone)),
    )


def _lock(spool: Spool, jid: str) -> Lock | None:
    path = spool.job(jid, "control.lock")
    for _ in range(2):
        try:
            lock = spool.share.lock(path)
        except FileNotFoundError:
            _make(spool, jid, path)
            continue
        except OSError:
            return None  # a mount without locks: they are a courtesy, never the safety
        if lock is None:
            raise LockTimeout(f"somebody is editing the control file of {jid}", "try again")
        return lock
    raise UsageError(f"job {jid} is not in this spool", "see: render jobs")


def _make(spool: Spool, jid: str, path: str) -> None:
    try:
        with contextlib.suppress(FileExistsError):
            spool.share.create(path, b"")
    except FileNotFoundError:
        raise UsageError(f"job {jid} is not in this spool", "see: render jobs") from None
