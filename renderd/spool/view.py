"""What a person sees of the farm: jobs, chunks and nodes as plain records."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from renderd.core import frames as ranges
from renderd.core import job as job_record
from renderd.core.chunk import Chunk, State
from renderd.core.control import Control
from renderd.core.job import Job
from renderd.core.label import label
from renderd.core.names import Beat, host_of
from renderd.errors import InfoFileError
from renderd.spool import control, listing, nodes, tickets
from renderd.spool.layout import DONE, FAILED, TICKETS, WAITING, Spool
from renderd.spool.moves import create_fresh, names, temp

_ERRORS_READ = 200  #: error notes read for one list; more would take seconds on a share


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as lists of names and its two small files tell it."""

    jid: str
    name: str
    slug: str
    state: str  #: the folder its ticket lies in
    priority: int
    owner: str = ""
    frames: str = ""
    chunks: int = 0  #: 0 where its record cannot be read
    done: int = 0
    running: int = 0
    failed: int = 0
    waiting: int = 0
    pool: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    nodes: int | None = None  #: most nodes at once
    note: str = ""
    reason: str = ""  #: why it does not go on
    born_ns: int = 0  #: server's time of publication
    age: float | None = None  #: seconds, by the server's clock
    out: str = ""
    eta: float | None = None  #: seconds to the end, where there is a pace

    def to_dict(self) -> dict[str, Any]:
        """Stable keys, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkView:
    """A chunk as its file name tells it, with the first words of its last error."""

    index: int
    frames: str
    state: str
    node: str = ""  #: the incarnation that runs it, finished it or failed last
    attempt: int = 1
    failures: int = 0
    losses: int = 0
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Stable keys, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One run of a node's daemon: its beat, what it registered and what it says now."""

    inc: str
    host: str
    node: str
    state: str  #: alive or dead; how an alive one fares stands in its status
    period: int = 0  #: seconds between beats
    age: float | None = None  #: seconds since it last wrote its status, by the server's clock
    status: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Stable keys, for JSON; status and facts as the node wrote them."""
        return asdict(self)


def server_now(spool: Spool) -> int | None:
    """The server's time now, in ns, as the mtime of a temp; None where none can be made."""
    try:
        path = create_fresh(spool, temp(spool), b"", sync=False)
        found = spool.share.stat(path).mtime_ns
        spool.share.unlink(path)
    except OSError:
        return None
    return found


def read_jobs(spool: Spool, folders: Sequence[str] = TICKETS) -> list[JobView]:
    """The jobs in some states, highest priority and oldest first.  Raises OSError."""
    now = server_now(spool)
    finished = {t.jid for t in tickets.listed(spool, DONE)} if WAITING in folders else set()
    places = tickets.everywhere(spool, folders).values()
    found = [read_job(spool, place, now, finished) for place in places]
    return sorted(found, key=lambda j: (-j.priority, j.born_ns, j.jid))


def read_job(
    spool: Spool, place: tickets.Place, now: int | None, finished: Collection[str] = ()
) -> JobView:
    """One job; where its record cannot be read, what its ticket's name says and the reason."""
    folder, ticket = place
    try:
        # Not jobs.read: this must not load what writes frames (20 ms of every `render jobs`).
        job = job_record.parse(ticket.jid, spool.share.read(spool.job(ticket.jid, "job.info")))
        said = control.read(spool, ticket.jid)
        # In done/ all are done, whether or not their files are still there.
        is_done = folder == DONE
        tally = (
            Counter({State.DONE: job.chunks})
            if is_done
            else listing.count(spool, ticket.jid, job.chunks)
        )
    except (OSError, InfoFileError) as error:
        return JobView(
            jid=ticket.jid,
            name=ticket.slug,
            slug=ticket.slug,
            state=folder,
            priority=ticket.priority,
            reason=f"its job.info cannot be read: {label(str(error))}",
        )
    return _view(place, job, said, tally, (tickets.born(spool, ticket.jid), now, finished))


def _view(
    place: tickets.Place,
    job: Job,
    said: Control,
    tally: Counter[State],
    times: tuple[int, int | None, Collection[str]],
) -> JobView:
    folder, ticket = place
    born, now, finished = times
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
        pool=job.info.pool if said.pool is None else said.pool,
        after=job.info.after,
        nodes=said.limit(job),
        note=said.note,
        reason="" if folder == DONE else said.reason or _reason(place, job, tally, finished),
        born_ns=born,
        age=None if now is None or not born else max(0.0, (now - born) / 1e9),
        out=job.out,
    )


def _reason(
    place: tickets.Place, job: Job, tally: Counter[State], finished: Collection[str]
) -> str:
    folder, ticket = place
    if folder == WAITING:
        parents = [jid for jid in job.info.after if jid not in finished]
        return f"waits for {', '.join(parents)}" if parents else ""
    if folder == FAILED and tally[State.WAIT]:
        return f"a retry was cut short; go on with: render retry {ticket.jid}"
    missing = job.chunks - tally.total()
    if missing > 0:
        return f"{missing} of its chunk files are gone; cancel it and add it again"
    return ""


def read_chunks(
    spool: Spool, jid: str, states: Collection[State] = tuple(State)
) -> list[ChunkView]:
    """A job's chunks in some states, in order.  Raises OSError.

    The error is that of the last attempt that left a note; after 200 notes it stays empty.
    """
    found = listing.chunks(spool, jid, states)
    notes = listing.attempts(names(spool, spool.job(jid, "err")))
    views, unread = [], _ERRORS_READ
    for chunk in found:
        note = notes.get(chunk.index, [""])[-1] if chunk.state is not State.DONE else ""
        error = listing.first_line(spool, jid, note) if note and unread else ""
        unread -= bool(error)
        views.append(_chunk_view(chunk, note, error))
    return views


def _chunk_view(chunk: Chunk, note: str, error: str) -> ChunkView:
    return ChunkView(
        index=chunk.index,
        frames="" if chunk.run is None else str(chunk.run),
        state=chunk.state.value,
        node=chunk.owner or listing.owner_of(note),
        attempt=chunk.attempt,
        failures=chunk.failures,
        losses=chunk.losses,
        error=error,
    )


def read_nodes(spool: Spool) -> list[NodeView]:
    """The incarnations that beat and those certified dead, by name.  Raises OSError."""
    now = server_now(spool)
    beats, gone = nodes.everyone(spool), nodes.dead(spool)
    found = [
        _node_view(spool, inc, "dead" if inc in gone else "alive", beats.get(inc), now)
        for inc in sorted({*beats, *gone})
    ]
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
