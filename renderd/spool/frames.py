"""Frames: whose output it is, and how a whole frame gets its name (spool.md section 7).

Beside the frames lies `.renderd/`: `<hash>.owner` names the job that owns a pattern, `<jid>/since`
marks the job's work, `<jid>/<attempt>/` takes a renderer's private output, and `<jid>/ok/<frame>`
are the receipts.  A frame is a job's only with that job's receipt and unchanged size and mtime.
Jobs that redo frames of another are guests of its output: see guests.py.
"""

import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence

from renderd.core import jsonvalue
from renderd.core.job import Job, Writes
from renderd.core.names import Ticket
from renderd.errors import OutputOwned, OutputUnseen
from renderd.spool import guests, mount, passes, tickets
from renderd.spool.layout import CANCELLED, OPEN, SIDE, Spool
from renderd.spool.moves import (
    create_fresh,
    demand_folder,
    ensure_folder,
    make_folders,
    names,
    remove_folder,
    remove_tree,
)
from renderd.spool.output import Output, Receipt

RECEIPT_LIMIT = 1 << 22  #: bytes; a frame may have hundreds of passes
FEW = 10  #: frames whose receipts are asked one by one; a list of them is three requests or more
MOVIE = "movie"  #: the receipt of a job that writes one file a run


def locate(spool: Spool, job: Job) -> Output | None:
    """The output of a job on this machine; None for a job without one."""
    if not job.out or job.writes is Writes.NOTHING:
        return None
    folder, _, pattern = spool.local(job.out).rpartition("/")
    return Output(job.jid, folder, pattern, job.writes, job.redoes)


def own(spool: Spool, job: Job, *, replaces: bool) -> None:
    """Make the job the owner of its output, or its guest, making the folder where needed.

    Raises OutputOwned where an open job writes it that is neither the job's host nor another
    guest of it; with `replaces` those are cancelled first.  Raises OutputUnseen.
    """
    output = locate(spool, job)
    if output is None:
        return
    _demand_root(spool, output)
    make_folders(spool, output.folder)
    for folder in (f"{output.folder}/{SIDE}", output.own, f"{output.own}/ok"):
        ensure_folder(spool, folder)
    holder = _holder(spool, output)
    others = {jid for jid, host in guests.hosts(spool, output).items() if host != output.host}
    if holder and not guests.are_one(spool, output, holder):
        others.add(holder)
    over = [other for other in sorted(others) if _is_over(spool, output, other, replaces=replaces)]
    _put(spool, output, f"{output.own}/since", job.jid)
    if output.redoes:
        _put(spool, output, output.guest(job.jid), output.redoes)
    if not output.redoes or holder in others:
        _put(spool, output, output.owner, job.jid)
    for other in over:
        _shut_out(spool, output, other)


def writers(spool: Spool, job: Job) -> list[Ticket]:
    """The open jobs that write the frames which a job that is not queued yet would write.

    Raises OSError.
    """
    output = locate(spool, job)
    if output is None:
        return []
    known = {_holder(spool, output), *guests.hosts(spool, output)} - {""}
    places = [tickets.find(spool, jid) for jid in sorted(known)]
    return [place[1] for place in places if place is not None and place[0] in OPEN]


def mark(spool: Spool, job: Job) -> None:
    """Show nodes the output of a job that is held because another job owns it.

    Were it queued by hand, they would take it for a share that is not mounted.  Raises OSError.
    """
    output = locate(spool, job)
    if output is not None:
        ensure_folder(spool, output.own)
        _put(spool, output, f"{output.own}/since", job.jid)


def _demand_root(spool: Spool, output: Output) -> None:
    """A folder made in an empty mount point would look like the share, to this machine alone."""
    for name, path in _roots(spool, output).items():
        if reason := mount.why_not_seen(path):
            raise OutputUnseen(
                f"{{{name}}}, where the frames go, is not seen here: {reason}",
                "mount it, or say it on a machine that sees it",
            )


def has_seen_root(spool: Spool, output: Output) -> bool:
    """Whether the output is below a path root that is there: a folder it lacks may be made."""
    roots = _roots(spool, output).values()
    return bool(roots) and not any(map(mount.why_not_seen, roots))


def _roots(spool: Spool, output: Output) -> dict[str, str]:
    roots = spool.farm.roots_on(sys.platform).items()
    return {n: p for n, p in roots if f"{output.folder}/".startswith(f"{p.rstrip('/')}/")}


def _shut_out(spool: Spool, output: Output, other: str) -> None:
    """Take away the folder that a former owner's nodes put frames in place from.

    A node that read the old mark and was then suspended would else put its picture over ours,
    however late: now its rename finds nothing to move.
    """
    gone = f"{output.own}/gone.{other}"
    with contextlib.suppress(FileNotFoundError):
        spool.share.rename(f"{output.folder}/{SIDE}/{other}", gone)
    remove_tree(spool, gone)


def _is_over(spool: Spool, output: Output, other: str, *, replaces: bool) -> bool:
    """Whether another job that wrote the output is over; an open one is cancelled, or refused.

    One that is not published yet is not over: of the two the later owner goes on.
    """
    place = tickets.find(spool, other)
    if place is None or place[0] not in OPEN:
        return place is not None
    if not replaces:
        raise OutputOwned(
            f"{output.folder}/{output.pattern} is being written by job {other} ({place[1].slug})",
            f"wait for it or cancel it (render cancel {other}); render add also takes another"
            " --out, or --replace",
        )
    tickets.turn_surely(spool, other, CANCELLED, among=OPEN)
    return True


def disown(spool: Spool, job: Job, breathe: Callable[[], None] = lambda: None) -> None:
    """Take back what `own` wrote for a job that was never published, or is closed.

    Safe to repeat.  Raises OSError where a share may answer later.
    """
    output = locate(spool, job)
    if output is None:
        return
    passes.disown(spool, output)
    remove_tree(spool, output.own, breathe)
    if output.redoes:
        with contextlib.suppress(OSError):
            spool.share.unlink(output.guest(job.jid))
    if _holder(spool, output) == job.jid:
        with contextlib.suppress(OSError):
            spool.share.unlink(output.owner)
    remove_folder(spool, f"{output.folder}/{SIDE}")


def why_not_able(spool: Spool, output: Output) -> str:
    """Why this machine must not render into the output; empty when it may.

    Read afresh at this machine's own path: an unmounted share or another folder shows here.
    """
    try:
        holder = _holder(spool, output)
        if holder and not _may_write_beside(spool, output, holder):
            return f"{output.folder}/{output.pattern} belongs to job {holder} now"
        is_marked = guests.read_mark(spool, f"{output.own}/since") == output.jid
        if output.redoes:
            is_marked &= guests.read_mark(spool, output.guest(output.jid)) == output.redoes
    except OSError as error:
        return f"cannot read {error.filename or output.folder}: {error.strerror}"
    if is_marked and (holder or output.redoes):
        return ""
    return f"does not see the job's mark in {output.folder}: is the output share mounted?"


def _may_write_beside(spool: Spool, output: Output, holder: str) -> bool:
    is_guest = bool(output.redoes) and guests.are_one(spool, output, holder)
    return holder == output.jid or is_guest


def is_lost(spool: Spool, output: Output) -> bool:
    """Whether the output, seen from here, is no longer this open job's.  Raises OSError.

    Another job took it, or took its mark away when it closed in the same moment.  Where the job's
    own mark is not seen nothing is known: the share may not be mounted.
    """
    if guests.read_mark(spool, f"{output.own}/since") != output.jid:
        return False
    holder = _holder(spool, output)
    return not _may_write_beside(spool, output, holder) and bool(holder or not output.redoes)


def other_owner(spool: Spool, output: Output) -> str:
    """The other job that this output belongs to now; empty where it is ours.  Raises OSError."""
    holder = _holder(spool, output)
    return "" if not holder or _may_write_beside(spool, output, holder) else holder


def _holder(spool: Spool, output: Output) -> str:
    return guests.read_mark(spool, output.owner)


def _put(spool: Spool, output: Output, path: str, text: str) -> None:
    spool.share.replace(draft(spool, output, text), path)


def draft(spool: Spool, output: Output, text: str) -> str:
    """A file beside the frames that means nothing before it gets its name.  Raises OSError."""
    return create_fresh(spool, f"{output.own}/new", text.encode(), sync=True)


def is_seen(spool: Spool, output: Output) -> bool:
    """True when this machine sees the very folder that the job was queued with."""
    with contextlib.suppress(OSError):
        return guests.read_mark(spool, f"{output.own}/since") == output.jid
    return False


def open_private(spool: Spool, output: Output, stem: str) -> str:
    """Make the attempt's private folder; its path.  Raises OSError, also for a link on the way."""
    for folder in (f"{output.folder}/{SIDE}", output.own):
        demand_folder(spool, folder)
    path = output.private(stem)
    ensure_folder(spool, path)
    return path


def started_at(spool: Spool, output: Output, stem: str) -> int:
    """The server's time now, in ns, as the mtime of a mark in the private folder."""
    mark = f"{open_private(spool, output, stem)}/started"
    with contextlib.suppress(FileExistsError):
        spool.share.create(mark, b"")
    return spool.share.stat(mark).mtime_ns


def read_receipt(spool: Spool, output: Output, frame: int | str) -> Receipt | None:
    """The frame's receipt when its files still are what it says; None otherwise."""
    try:
        value = jsonvalue.parse(spool.share.read(output.receipt(frame), RECEIPT_LIMIT))
        receipt = Receipt(
            tuple((str(n), int(s), int(m)) for n, s, m in value["files"]),
            (int(value["size"][0]), int(value["size"][1])),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, IndexError):
        return None
    for name, size, mtime_ns in receipt.files:
        try:
            found = spool.share.stat(where(spool, output, name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        if (found.size, found.mtime_ns) != (size, mtime_ns):
            return None
    return receipt


def where(spool: Spool, output: Output, name: str) -> str:
    """Where a file of a receipt lies here: a base name beside the others, else a rooted path."""
    return spool.local(name) if "/" in name else f"{output.folder}/{name}"


def receipted(spool: Spool, output: Output, wanted: Iterable[int]) -> dict[int, Receipt]:
    """Those of the wanted frames that are this job's already.  Raises OSError."""
    frames = list(wanted)
    # The list has a name for every frame of the job, and every chunk would pay for it.
    listed = len(frames) > FEW
    held = set(names(spool, f"{output.own}/ok")) if listed else set(map(str, frames))
    found = {}
    for frame in frames:
        if str(frame) in held and (receipt := read_receipt(spool, output, frame)):
            found[frame] = receipt
    return found


def forget_parts(spool: Spool, output: Output, wanted: Sequence[int]) -> None:
    """Take back the receipts of a run that must be made in one piece and is not there whole.

    Each frame stays until a new one replaces it.  Raises OSError.
    """
    if len(receipted(spool, output, wanted)) == len(wanted):
        return
    held = set(names(spool, f"{output.own}/ok"))
    for frame in wanted:
        if str(frame) in held:
            with contextlib.suppress(FileNotFoundError):
                spool.share.unlink(output.receipt(frame))


def fresh_files(spool: Spool, folder: str, output: Output) -> dict[int, list[str]]:
    """The files of each frame that lie in a folder, by the output's pattern.  Raises OSError."""
    found: dict[int, list[str]] = {}
    for name in sorted(names(spool, folder)):
        frame = output.frame_of(name)
        if frame is not None:
            found.setdefault(frame, []).append(name)
    return found


def earlier_attempts(spool: Spool, output: Output, stem: str) -> list[str]:
    """The stems of private folders that earlier attempts at a chunk left.  Raises OSError.

    Those attempts are over: each was given back or reclaimed before the next could begin.
    """
    index, attempt, _ = stem.split(".", 2)
    if int(attempt) <= 1:  # on a large farm the list holds a folder of each node
        return []
    found = [n.split(".", 2) for n in names(spool, output.own)]
    older = [n for n in found if len(n) == 3 and n[0] == index and n[1].isdecimal()]
    return sorted(".".join(n) for n in older if int(n[1]) < int(attempt))


def clear_attempt(spool: Spool, output: Output, stem: str) -> None:
    """Remove a finished or dead attempt's private folder; litter if it fails."""
    remove_tree(spool, output.private(stem))
