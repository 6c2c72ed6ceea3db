"""What a person sees of the farm: jobs, chunks and nodes as plain records."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from renderd.core import frames as ranges
from renderd.core import job as job_record
from renderd.core.chunk import CHUNKS_A_GROUP, State, parse, standing
from renderd.core.control import Control
from renderd.core.job import Job
from renderd.core.label import label
from renderd.core.names import Beat, host_of
from renderd.errors import InfoFileError
from renderd.spool import control, listing, nodes, notes, tickets
from renderd.spool.layout import CANCELLED, DONE, FAILED, QUEUE, TICKETS, WAITING, Spool
from renderd.spool.moves import Folder, create_fresh, names, temp
from renderd.spool.records import ChunkView, JobView, NodeView
from renderd.spool.share import Stat

if TYPE_CHECKING:
    from renderd.core.eta import Eta

_ENDED = {
    FAILED: "failed: run it again with render retry",
    CANCELLED: "was cancelled: cancel this one, too",
}
_ERRORS_READ = 200  #: error notes read for one list; more would take seconds on a share


def server_now(spool: Spool) -> int | None:
    """The server's time now, in ns, as the mtime of a temp; None where none can be made."""
    try:
        path = create_fresh(spool, temp(spool), b"", sync=False)
        found = spool.share.stat(path).mtime_ns
        spool.share.unlink(path)
    except OSError:
        return None
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """What a job's two small files and the lists of its chunks say."""

    job: Job
    control: Control
    tally: Counter[State]
    born: int


class Infos:
    """The job.info files of a spool, each read once: they never change.

    Asked each time is only whether a file is still the same; memory is what the last list needed.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[Stat, Job]] = {}
        self._next: dict[str, tuple[Stat, Job]] = {}

    def read(self, spool: Spool, jid: str) -> tuple[Job, int]:
        """A job, and when it was published.  Raises OSError, InfoFileError."""
        path = spool.job(jid, "job.info")
        found = spool.share.stat(path)  # before it is read: another one shows at the next reading
        known = self._last.get(jid)
        if known is None or known[0] != found:
            # Not jobs.read: this must not load what writes frames (20 ms of every `render jobs`).
            known = found, job_record.parse(jid, spool.share.read(path))
        self._next[jid] = known
        return known[1], found.mtime_ns

    def forget(self) -> None:
        """Keep only what was read since this was said last."""
        self._last, self._next = self._next, {}


def read_jobs(
    spool: Spool,
    folders: Sequence[str] = TICKETS,
    nodes: Sequence[NodeView] | None = None,
    infos: Infos | None = None,
) -> list[JobView]:
    """The jobs in some states, highest priority and oldest first.  Raises OSError.

    The ends of queued ones follow from what the `nodes` say, read here where they are not given.
    `infos` makes the next reading of the same jobs shorter.
    """
    now, infos = server_now(spool), infos or Infos()
    parents = tickets.everywhere(spool) if WAITING in folders else {}
    places = tickets.everywhere(spool, folders).values()
    known: dict[str, _Known] = {}
    views = []
    for place in places:
        try:
            one = known[place[1].jid] = _known(spool, place, infos)
        except (OSError, InfoFileError) as error:
            views.append(_unreadable(place, error))
            continue
        views.append(_view(place, one, now, parents))
    infos.forget()
    views.sort(key=lambda j: (-j.priority, j.born_ns, j.jid))
    queued = [(v, known[v.jid]) for v in views if v.state == QUEUE and v.jid in known]
    if now is None or not queued:
        return views
    nodes = _read_nodes(spool, now) if nodes is None else nodes
    views = _with_reasons(views, known, nodes)
    if not any(view.running or view.done for view, _ in queued):
        return views
    ends = _ends(queued, nodes)
    return [_ending(view, ends.get(view.jid), now / 1e9) for view in views]


def _with_reasons(
    views: list[JobView], known: Mapping[str, _Known], nodes: Sequence[NodeView]
) -> list[JobView]:
    """The jobs, with the reason why no node can take one, if that is so."""
    idle = [v for v in views if v.state == QUEUE and v.waiting and not (v.reason or v.running)]
    if not idle:
        return views
    from renderd.spool import ability  # noqa: PLC0415  lists of jobs that run start faster

    alive = ability.of_live(nodes)
    said = {v.jid: ability.why_stuck(alive, known[v.jid].job, known[v.jid].control) for v in idle}
    return [replace(v, reason=said[v.jid]) if said.get(v.jid) else v for v in views]


def _ending(view: JobView, end: "Eta | None", now: float) -> JobView:
    if end is None:
        return view
    return replace(view, eta=now + end.at, eta_low=now + end.low, eta_high=now + end.high)


def _ends(queued: Sequence[tuple[JobView, _Known]], nodes: Sequence[NodeView]) -> "dict[str, Eta]":
    from renderd.spool import forecast  # noqa: PLC0415  lists of jobs that do not run start faster

    asked = [
        forecast.Queued(job=one.job, control=one.control, open=view.waiting + view.running)
        for view, one in queued
    ]
    return forecast.read(asked, nodes)


def read_job(
    spool: Spool,
    place: tickets.Place,
    now: int | None,
    parents: Mapping[str, tickets.Place] | None = None,
) -> JobView:
    """One job, but for its end, which hangs on all; where its record cannot be read, why.

    `parents`: where all jobs lie, those it may wait for among them.
    """
    try:
        known = _known(spool, place, Infos())
    except (OSError, InfoFileError) as error:
        return _unreadable(place, error)
    return _view(place, known, now, parents)


def _known(spool: Spool, place: tickets.Place, infos: Infos) -> _Known:
    folder, ticket = place
    job, born = infos.read(spool, ticket.jid)
    said = control.read(spool, ticket.jid)
    # In done/ all are done, whether or not their files are still there.
    if folder == DONE:
        return _Known(job, said, Counter({State.DONE: job.chunks}), born)
    return _Known(job, said, listing.count(spool, ticket.jid, job.chunks), born)


def _unreadable(place: tickets.Place, error: Exception) -> JobView:
    """What a ticket's name tells of a job whose record does not."""
    folder, ticket = place
    return JobView(
        jid=ticket.jid,
        name=ticket.slug,
        slug=ticket.slug,
        state=folder,
        priority=ticket.priority,
        reason=f"its job.info cannot be read: {label(str(error))}",
    )


def _view(
    place: tickets.Place,
    known: _Known,
    now: int | None,
    parents: Mapping[str, tickets.Place] | None,
) -> JobView:
    folder, ticket = place
    job, said, tally, born = known.job, known.control, known.tally, known.born
    return JobView(
        jid=ticket.jid,
        name=job.name,
        slug=ticket.slug,
        state=folder,
        priority=ticket.priority,
        owner=job.owner,
        frames=ranges.text(job.info.frames) if job.info.frames else "",
        chunks=job.chunks,
        done=tally[State.DONE],
        running=tally[State.RUN],
        failed=tally[State.FAIL],
        waiting=tally[State.WAIT],
        pool=said.pools(job),
        needs=said.wanted_now(job).text(),
        after=job.info.after,
        nodes=said.limit(job),
        note=said.note,
        warning=said.warning,
        reason="" if folder == DONE else said.reason or _reason(place, known, parents),
        born_ns=born,
        age=None if now is None or not born else max(0.0, (now - born) / 1e9),
        out=job.out,
    )


def _reason(
    place: tickets.Place, known: _Known, parents: Mapping[str, tickets.Place] | None
) -> str:
    folder, ticket = place
    if folder == WAITING and parents is not None:
        left = [(jid, parents.get(jid)) for jid in known.job.info.after]
        words = [_awaited(jid, where) for jid, where in left if not where or where[0] != DONE]
        return f"waits for {', '.join(words)}" if words else ""
    if folder == FAILED and known.tally[State.WAIT]:
        return f"a retry was cut short; go on with: render retry {ticket.jid}"
    missing = known.job.chunks - known.tally.total()
    if missing > 0:
        return f"{missing} of its chunk files are gone; cancel it and add it again"
    return ""


def _awaited(jid: str, place: tickets.Place | None) -> str:
    """A job that another waits for, and why it may do so for ever."""
    if place is None:
        return f"{jid}, which was removed: cancel this job and add it again without it"
    return f"{jid}, which {_ENDED[place[0]]}" if place[0] in _ENDED else jid


class Chunks:
    """The chunks of one job, for who reads them again and again.

    A group whose folder stands still is asked for its time alone, and a name is read once.
    """

    def __init__(self, jid: str) -> None:
        self.jid = jid
        self._groups: dict[str, _Group] = {}

    def read(
        self, spool: Spool, now: float, states: Collection[State] = tuple(State)
    ) -> list[ChunkView]:
        """Those in some states, in order; `now` in seconds of any clock.  Raises OSError.

        The error is that of the last attempt that left a note; after 200 notes it stays empty.
        """
        listed, last = listing.groups(spool, self.jid), self._groups
        self._groups = {name: last.get(name) or _Group(spool, self.jid, name) for name in listed}
        found: list[ChunkView] = []
        for name in listed:
            seen = self._groups[name].look(spool, now, is_last=name == listed[-1])
            found += [chunk for chunk in seen if chunk.state in states]
        return sorted(self._with_errors(spool, found), key=attrgetter("index"))

    def _with_errors(self, spool: Spool, found: list[ChunkView]) -> list[ChunkView]:
        noted = listing.attempts(names(spool, spool.job(self.jid, "err")))
        if not noted:
            return found
        told, unread = [], _ERRORS_READ
        for chunk in found:
            note = noted.get(chunk.index, [""])[-1] if chunk.state != State.DONE else ""
            error = listing.first_line(spool, self.jid, note) if note and unread else ""
            unread -= bool(error)
            node = chunk.node or listing.owner_of(note)
            told.append(replace(chunk, node=node, error=error) if note else chunk)
        return told


class _Group:
    """One group of a job's chunks."""

    def __init__(self, spool: Spool, jid: str, name: str) -> None:
        self._folder = Folder(spool.job(jid, name))
        self._first = int(name) * CHUNKS_A_GROUP + 1
        self._listed: tuple[str, ...] = ()
        self._read: dict[str, ChunkView | None] = {}  #: by name
        self._standing: dict[int, ChunkView] = {}

    def look(self, spool: Spool, now: float, *, is_last: bool) -> Iterable[ChunkView]:
        try:
            listed = self._folder.look(spool, now)
            if listed is not self._listed:
                self._take(listed)
                if self._lacks(is_last=is_last):  # a list may miss what is renamed meanwhile
                    self._folder.forget()
                    missed, listed = listed, self._folder.look(spool, now)
                    self._take((*missed, *listed))
                self._listed = listed
        except FileNotFoundError:
            self._folder.forget()
            return ()
        return self._standing.values()

    def _lacks(self, *, is_last: bool) -> bool:
        last = max(self._standing, default=0) if is_last else self._first + CHUNKS_A_GROUP - 1
        return len(self._standing) < last - self._first + 1

    def _take(self, listed: tuple[str, ...]) -> None:
        known = self._read
        self._read = {n: known[n] if n in known else _chunk_view(n) for n in listed}
        self._standing = standing(filter(None, self._read.values()))


def read_chunks(
    spool: Spool, jid: str, states: Collection[State] = tuple(State)
) -> list[ChunkView]:
    """A job's chunks in some states, in order, as `Chunks.read`.  Raises OSError."""
    return Chunks(jid).read(spool, 0.0, states)


def _chunk_view(name: str) -> ChunkView | None:
    chunk = parse(name)
    if chunk is None:
        return None
    return ChunkView(
        index=chunk.index,
        frames="" if chunk.run is None else str(chunk.run),
        state=chunk.state.value,
        node=chunk.owner,
        attempt=chunk.attempt,
        failures=chunk.failures,
        losses=chunk.losses,
    )


def read_nodes(spool: Spool) -> list[NodeView]:
    """The incarnations that beat and those certified dead, by name.  Raises OSError."""
    return _read_nodes(spool, server_now(spool))


def _read_nodes(spool: Spool, now: int | None) -> list[NodeView]:
    beats, gone, said = nodes.everyone(spool), nodes.dead(spool), notes.read_all(spool)
    views = [
        _node_view(spool, inc, "dead" if inc in gone else "alive", beats.get(inc), now)
        for inc in sorted({*beats, *gone})
    ]
    found = [replace(one, note=said.get(host_of(one.inc), "")) for one in views] if said else views
    return sorted(found, key=lambda n: (n.state, n.node, n.inc))


def _node_view(spool: Spool, inc: str, state: str, beat: Beat | None, now: int | None) -> NodeView:
    facts = nodes.read_facts(spool, inc)
    return NodeView(
        inc=inc,
        host=str(facts.get("host") or host_of(inc)),
        node=str(facts.get("node") or host_of(inc)),
        state=state,
        period=beat.period if beat else 0,
        age=_status_age(spool, inc, now),
        status=nodes.read_status(spool, inc) or {},
        facts=facts,
    )


def _status_age(spool: Spool, inc: str, now: int | None) -> float | None:
    try:
        written = spool.share.stat(spool.node(inc, "status")).mtime_ns
    except OSError:
        return None
    return None if now is None else max(0.0, (now - written) / 1e9)
