"""Tickets: the one file of a job whose folder is the job's state."""

import contextlib
from collections.abc import Sequence

from renderd.core.names import Ticket, parse_ticket
from renderd.errors import ShareUnsure, UsageError
from renderd.spool.layout import FAILED, HELD, QUEUE, TICKETS, Spool
from renderd.spool.moves import Outcome, move, names

Place = tuple[str, Ticket]  #: the folder a ticket was seen in, and its name


def listed(spool: Spool, folder: str) -> list[Ticket]:
    """The tickets in one folder now.  Raises OSError."""
    return [t for n in names(spool, spool.at(folder)) if (t := parse_ticket(n))]


def everywhere(spool: Spool, folders: Sequence[str] = TICKETS) -> dict[str, Place]:
    """Where each job's ticket was seen; the highest g wins where a stale list shows two."""
    found: dict[str, Place] = {}
    for folder in folders:
        for ticket in listed(spool, folder):
            other = found.get(ticket.jid)
            if other is None or ticket.g > other[1].g:
                found[ticket.jid] = (folder, ticket)
    return found


def find(spool: Spool, jid: str) -> Place | None:
    """Where a job's ticket is; None where no list shows it.  Raises OSError."""
    # Twice: one that is moved meanwhile to a folder that we have listed already is missed once.
    return everywhere(spool).get(jid) or everywhere(spool).get(jid)


def turn(spool: Spool, place: Place, folder: str, *, priority: int | None = None) -> Outcome:
    """Move a ticket to a folder under its next g; everyone sees it at the next poll."""
    old_folder, ticket = place
    new = ticket.next(priority=priority)
    return move(spool, spool.at(old_folder, ticket.name), spool.at(folder, new.name))


def turn_surely(
    spool: Spool,
    jid: str,
    folder: str,
    *,
    priority: int | None = None,
    among: Sequence[str] = TICKETS,
) -> Place:
    """Turn a ticket until a rename of our own returned, whoever else moves it meanwhile.

    `folder` may be "" to leave it where it is.  Raises UsageError where the job is not in one
    of the folders `among`, ShareUnsure where the share gives no answer.
    """
    for _ in range(50):
        place = find(spool, jid)
        if place is None or place[0] not in among:
            state = "not in this spool" if place is None else f"in {place[0]}/"
            raise UsageError(f"job {jid} is {state}", f"it can be moved from {', '.join(among)}")
        target = folder or place[0]
        if turn(spool, place, target, priority=priority) is Outcome.WON:
            return target, place[1].next(priority=priority)
    raise ShareUnsure(f"the ticket of {jid} could not be moved to {folder or 'its next name'}/")


def bump(spool: Spool, jid: str) -> bool:
    """Say that chunks of a job are available again; False where its ticket would not move.

    A held job stays held, a failed one is open again, one that is over otherwise stays so.  The
    rename must be our own: another's bump may have come before our chunk was there.
    """
    for _ in range(50):
        place = find(spool, jid)
        if place is None or place[0] not in (QUEUE, HELD, FAILED):
            return True
        target = HELD if place[0] == HELD else QUEUE
        old, new = spool.at(place[0], place[1].name), spool.at(target, place[1].next().name)
        with contextlib.suppress(OSError):
            spool.share.rename(old, new)
            return True
    return False


def born(spool: Spool, jid: str) -> int:
    """When a job was published, in ns of the server's clock; 0 where it cannot be told."""
    try:
        return spool.share.stat(spool.job(jid, "job.info")).mtime_ns
    except OSError:
        return 0
