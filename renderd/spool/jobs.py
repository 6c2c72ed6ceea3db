"""Publish jobs, close them, release those that waited for them."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from renderd.core import control as control_record
from renderd.core import infofile, label, videojob
from renderd.core import job as job_record
from renderd.core.chunk import Chunk
from renderd.core.chunk import parse as parse_chunk
from renderd.core.control import Control
from renderd.core.job import Draft, Job, Writes
from renderd.core.names import Ticket, is_jid, new_jid, parse_ticket
from renderd.core.source import LIBRARIES
from renderd.errors import InfoFileError, ShareUnsure, UsageError
from renderd.spool import frames, libraries, sources, tickets
from renderd.spool.layout import DONE, FAILED, HELD, JOBS, OPEN, QUEUE, TRASH, WAITING, Spool
from renderd.spool.moves import Outcome, ensure_folder, enter, move, names, write
from renderd.spool.survey import Survey

Progress = Callable[[int, int], None]
_LOOKS = 3  #: at a published job that seems to lack chunks
_PUBLISHED_AGAIN = 5  #: times a server that forgets is tried before we say so


def read(spool: Spool, jid: str) -> Job:
    """The job's record.  Raises OSError, InfoFileError where it is torn."""
    return job_record.parse(jid, spool.share.read(spool.job(jid, "job.info")))


@dataclass(frozen=True, slots=True)
class Order:
    """How a draft is to be published: by whom, where to, and whether it may replace."""

    owner: str  #: user@host
    is_held: bool = False
    reason: str = ""  #: why it is held from the start, where the farm and no person holds it
    after: tuple[str, ...] = ()  #: jids this job waits for
    replaces: bool = False  #: cancel the open job that owns the output first
    owns_output: bool = True  #: False for a job that is held because another owns its output
    demand: Callable[[], None] = lambda: None  #: called before its marks are made; may raise
    copies: bool = False  #: give the job its own copy of the .blend, which it then renders
    reads: int | None = None  #: most bytes read of a .blend for its hash; None: all of it


def publish(spool: Spool, draft: Draft, order: Order, progress: Progress | None = None) -> str:
    """Write a whole job and let it appear at once; the jid it got.

    Raises OutputOwned where an open job writes the same frames, OSError where the share fails:
    then nothing is visible.
    """
    for _ in range(_PUBLISHED_AGAIN):
        jid = new_jid(spool.rng)
        try:
            ticket = _enter_ticket(spool, jid, draft)
            build(spool, jid, draft, order, progress)
        except BaseException:
            discard(spool, jid)
            raise
        folder = folder_for(spool, order)
        ready = spool.job(jid, "ticket")
        if move(spool, ready, spool.at(folder, ticket.name)) is not Outcome.WON:
            _withdraw(spool, jid, draft)
        if settle_publication(spool, (folder, ticket), draft):
            return jid
    raise ShareUnsure(
        f"the server forgot chunks of {draft.name} {_PUBLISHED_AGAIN} times",
        "export the share with `sync`, then add the job again",
    )


def _withdraw(spool: Spool, jid: str, draft: Draft) -> None:
    """Undo a publication that gave no answer, or learn that it took place after all."""
    ready = spool.job(jid, "ticket")
    if move(spool, ready, spool.at(TRASH, f"{jid}.ticket")) is Outcome.WON:
        discard(spool, jid)
        raise ShareUnsure(f"{draft.name} was not published", "add it again")
    if tickets.find(spool, jid) is None:
        raise ShareUnsure(f"{draft.name} may not have been published", "see: render jobs")


def build(
    spool: Spool, jid: str, draft: Draft, order: Order, progress: Progress | None = None
) -> list[Chunk]:
    """Write `jobs/<jid>/` whole, and the output's owner; nobody sees the job yet."""
    chunks = draft.chunks()
    for folder in ("", "err", "log"):
        ensure_folder(spool, spool.job(jid, folder).rstrip("/"))
    for group in sorted({c.group for c in chunks}):
        ensure_folder(spool, spool.job(jid, group))
    draft = _with_source(spool, jid, draft, order, progress)
    job = _write_info(spool, jid, draft, order)
    with contextlib.suppress(FileExistsError):
        spool.share.create(spool.job(jid, "control.lock"), b"")
    if order.reason:
        said = control_record.text(Control(reason=order.reason))
        write(spool, spool.job(jid, "control"), said.encode())
    if order.owns_output and draft.writes is not Writes.NOTHING:
        order.demand()
        frames.own(spool, job, replaces=order.replaces)
    if draft.info.video is not None:
        _build_video(spool, job, order)
    for count, chunk in enumerate(chunks, 1):
        _enter_chunk(spool, jid, chunk, job)
        if progress is not None and (count % 100 == 0 or count == len(chunks)):
            progress(count, len(chunks))
    if not is_complete(spool, jid, len(chunks)):
        raise ShareUnsure(f"the share does not list all chunks of {draft.name}", "try again")
    return chunks


def _with_source(
    spool: Spool, jid: str, draft: Draft, order: Order, progress: Progress | None
) -> Draft:
    """The draft with its .blend stamped, and copied where the order says so."""
    if draft.source is None:
        return draft
    if order.copies:
        draft = sources.named(draft, jid)
        _write_info(spool, jid, draft, order)  # first: by it a copy is found after a crash
    count = draft.count()
    breathe = (lambda: progress(0, count)) if progress is not None else (lambda: None)
    draft = sources.secure(spool, draft, jid, order.reads, breathe)
    known = libraries.record(spool, jid, draft.libraries)
    extra = (*draft.info.extra, *(((LIBRARIES, str(known)),) if known else ()))
    return replace(draft, info=replace(draft.info, extra=extra))


def _write_info(spool: Spool, jid: str, draft: Draft, order: Order) -> Job:
    info = job_record.record(draft, order.owner, order.after, draft.count())
    text = infofile.text(info).encode()
    write(spool, spool.job(jid, "job.info"), text)
    return job_record.parse(jid, text)


def _build_video(spool: Spool, host: Job, order: Order) -> None:
    """Build the job that makes a movie of the host's frames; its ticket lies in the host's folder.

    Publishing it is one rename of that ticket, which each who looks at the host tries: of several
    one wins, and one that died leaves it to the next.
    """
    made = videojob.of_host(host)
    if made is None or list(_videos_within(spool, host.jid)):
        return  # a host that is built a second time has its movie already
    jid = new_jid(spool.rng)
    try:
        ticket = _enter_ticket(spool, jid, made)
        build(spool, jid, made, replace(order, after=made.info.after, is_held=False))
        ready, within = spool.job(jid, "ticket"), spool.job(host.jid, ticket.name)
        if move(spool, ready, within) is not Outcome.WON:
            raise ShareUnsure(f"{made.name} may not have been queued", "add it again")
    except BaseException:
        discard(spool, jid)
        raise


def _videos_within(spool: Spool, jid: str) -> Iterator[Ticket]:
    """The tickets of movies that still lie in their host's folder.  Raises OSError."""
    return (t for n in names(spool, spool.job(jid)) if (t := parse_ticket(n)))


def let_videos_in(spool: Spool, jid: str) -> None:
    """Let the movie of a published job wait for it; safe to repeat and to race.  Raises OSError."""
    for ticket in _videos_within(spool, jid):
        move(spool, spool.job(jid, ticket.name), spool.at(WAITING, ticket.name))


def videos_of(spool: Spool, jid: str) -> list[Ticket]:
    """The movies that wait for a job's last frame.  Raises OSError."""
    found = []
    for ticket in tickets.listed(spool, WAITING):
        with contextlib.suppress(FileNotFoundError, InfoFileError):
            if videojob.host_of(read(spool, ticket.jid)) == jid:
                found.append(ticket)
    return found


def _enter_chunk(spool: Spool, jid: str, chunk: Chunk, job: Job) -> None:
    # Not fsynced one by one: a text torn by a power cut is rebuilt from job.info at the claim.
    text = job_record.chunk_text(job.info, chunk.run, job.out)
    enter(spool, spool.chunk(jid, chunk), text.encode(), sync=False)


def is_complete(spool: Spool, jid: str, chunks: int) -> bool:
    """True when fresh lists of all groups show every chunk.  Raises OSError."""
    seen: set[int] = set()
    for group in Survey(jid, chunks).groups:
        found = (parse_chunk(n) for n in names(spool, spool.job(jid, group)))
        seen |= {c.index for c in found if c}
    return len(seen) == chunks


def _enter_ticket(spool: Spool, jid: str, draft: Draft) -> Ticket:
    # Before anything else: who moves it away proves that the job is never published.
    ensure_folder(spool, spool.job(jid))
    enter(spool, spool.job(jid, "ticket"), infofile.text(draft.info).encode())
    return Ticket(draft.info.priority, jid, 0, draft.slug)


def settle_publication(spool: Spool, place: tickets.Place, draft: Draft) -> bool:
    """Look once more after publishing; a server that forgot has the ticket taken back."""
    jid, chunks = place[1].jid, len(draft.chunks())
    # More than once: nodes claim already, and a list misses what is renamed meanwhile.
    if any(is_complete(spool, jid, chunks) for _ in range(_LOOKS)):
        if draft.info.video is not None:
            let_videos_in(spool, jid)
        release_dependants(spool)
        with contextlib.suppress(OSError):
            spool.share.sync_folder(spool.at(place[0]))
        return True
    folder, ticket = place
    taken = move(spool, spool.at(folder, ticket.name), spool.at(TRASH, ticket.name))
    if taken is Outcome.UNSURE:
        raise ShareUnsure(f"the server forgot chunks of {draft.name}", "see: render jobs")
    if taken is Outcome.WON:
        discard(spool, jid)
    return taken is Outcome.LOST  # somebody moved it on: they saw a job that works


def folder_for(spool: Spool, order: Order) -> str:
    """Where a new ticket goes: held/, waiting/ on other jobs, or queue/."""
    if order.is_held or order.reason:
        return HELD
    if order.after and unfinished(spool, order.after):
        return WAITING
    return QUEUE


def discard(spool: Spool, jid: str) -> None:
    """Take away what was built for a job that can never be published any more."""
    with contextlib.suppress(OSError):
        for ticket in _videos_within(spool, jid):
            discard(spool, ticket.jid)
    with contextlib.suppress(OSError, InfoFileError):
        job = read(spool, jid)
        sources.remove(spool, job)
        frames.disown(spool, job)
    with contextlib.suppress(OSError):
        spool.share.rename(spool.at(JOBS, jid), spool.at(TRASH, jid))


def sweep_unpublished(spool: Spool, before_ns: int) -> None:
    """Clear away what publishers that died left: jobs whose ticket waits since before a time.

    Winning the ticket proves that such a job is never published: a publisher that was only asleep
    finds it gone, or the empty folder in which it had nothing yet.  Raises OSError.
    """
    for jid in set(filter(is_jid, names(spool, spool.at(JOBS)))) - set(tickets.everywhere(spool)):
        ready = spool.job(jid, "ticket")
        try:
            is_old = spool.share.stat(ready).mtime_ns < before_ns
        except FileNotFoundError:
            _sweep_empty(spool, jid, before_ns)
            continue
        if is_old and move(spool, ready, spool.at(TRASH, f"{jid}.ticket")) is Outcome.WON:
            discard(spool, jid)


def _sweep_empty(spool: Spool, jid: str, before_ns: int) -> None:
    with contextlib.suppress(OSError):  # one that is not empty stays
        if spool.share.stat(spool.job(jid)).mtime_ns < before_ns:
            spool.share.rmdir(spool.job(jid))


def unfinished(spool: Spool, after: tuple[str, ...]) -> list[str]:
    """Those of the named jobs that are not in done/.  Raises OSError."""
    finished = {t.jid for t in tickets.listed(spool, DONE)}
    return [jid for jid in after if jid not in finished]


def resolve_after(spool: Spool, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The jids behind ids or names; of several jobs of one name the newest.

    Raises UsageError for a name that no job in the spool has.
    """
    if not wanted:
        return ()
    known = tickets.everywhere(spool)
    resolved = []
    for word in wanted:
        named = [t for _, t in known.values() if t.slug == label.slug(word)]
        if word in known:
            resolved.append(word)
        elif named:
            resolved.append(max(named, key=lambda t: (tickets.born(spool, t.jid), t.jid)).jid)
        else:
            raise UsageError(f"after: no job is called {word!r}", "see the names in: render jobs")
    return tuple(resolved)


def dependants(spool: Spool) -> list[Ticket]:
    """The open jobs that may wait for others, also those that are held.  Raises OSError."""
    return [*tickets.listed(spool, WAITING), *tickets.listed(spool, HELD)]


def parents(spool: Spool, open_jobs: Iterable[Ticket]) -> dict[str, Ticket]:
    """The jobs that some open ones wait for, by id, and who does.  Raises OSError."""
    found: dict[str, Ticket] = {}
    for ticket in open_jobs:
        with contextlib.suppress(InfoFileError, FileNotFoundError):
            found.update(dict.fromkeys(read(spool, ticket.jid).info.after, ticket))
    return found


def demand_unawaited(spool: Spool, ticket: Ticket) -> None:
    """Raise UsageError where an open job waits for this one: removed, it would wait for ever."""
    if waiting := parents(spool, dependants(spool)).get(ticket.jid):
        raise UsageError(
            f"job {waiting.jid} ({waiting.slug}) waits for {ticket.jid} ({ticket.slug})",
            f"cancel it first, if it is not wanted: render cancel {waiting.jid}",
        )


def release_dependants(spool: Spool) -> int:
    """Queue the waiting jobs whose `after:` are all done; how many were moved."""
    moved = 0
    waiting = tickets.listed(spool, WAITING)
    finished = {t.jid for t in tickets.listed(spool, DONE)} if waiting else set()
    for ticket in waiting:
        with contextlib.suppress(OSError, InfoFileError):
            if finished.issuperset(read(spool, ticket.jid).info.after):
                moved += tickets.turn(spool, (WAITING, ticket), QUEUE) is Outcome.WON
    return moved


def close(spool: Spool, place: tickets.Place, survey: Survey, *, has_failed: bool) -> bool:
    """Move a ticket to done/ or failed/; True when this move was ours.

    The caller read the ticket's name first and then saw every chunk ended.  Looks once more
    afterwards: a chunk seen waiting or running puts the ticket back into queue/.
    """
    folder = FAILED if has_failed else DONE
    if tickets.turn(spool, place, folder) is not Outcome.WON:
        return False
    closed = folder, place[1].next()
    survey.begin_pass()
    for group in survey.unseen():
        survey.look(spool, group)
    _, _, waiting, running = survey.totals()
    if waiting or running:
        tickets.turn(spool, closed, QUEUE)
        return False
    let_videos_in(spool, place[1].jid)
    release_dependants(spool)
    return True


def select(spool: Spool, word: str, folders: tuple[str, ...] = ()) -> tickets.Place:
    """The one job a person means by an id, a unique prefix of it, or its name.

    Raises UsageError that names the nearest or the several candidates.
    """
    known = tickets.everywhere(spool)
    chosen = [p for p in known.values() if p[1].jid == word]
    chosen = chosen or [p for p in known.values() if p[1].slug == label.slug(word)]
    if len(chosen) > 1:  # a name used again means the open one, else it is ambiguous
        chosen = [p for p in chosen if p[0] in OPEN] or chosen
    if not chosen and re.fullmatch(r"[a-z2-7]{2,10}", word):
        chosen = [p for p in known.values() if p[1].jid.startswith(word)]
    if not chosen:
        words = [w for _, t in known.values() for w in (t.slug, t.jid)]
        raise UsageError(f"no job is called {word!r}", label.nearest(word, words))
    if len(chosen) > 1:
        ids = ", ".join(sorted(t.jid for _, t in chosen)[:6])
        raise UsageError(f"{word!r} means {len(chosen)} jobs", f"name one by id: {ids}")
    if folders and chosen[0][0] not in folders:
        raise UsageError(
            f"job {chosen[0][1].jid} is in {chosen[0][0]}/", f"this works in: {', '.join(folders)}"
        )
    return chosen[0]
