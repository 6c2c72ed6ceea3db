"""What a daemon answers on its socket: one function for each op.

A handler runs in the socket thread and must not wait: it answers from memory (`Now`), names a
reading for the thread that may hang on a share (`FromShare`), or opens a `Stream`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import renderd
from renderd.core import wire
from renderd.core.courtesy import When
from renderd.core.wire import Event, Kind, Op, Request
from renderd.daemon.tail import Tail
from renderd.spool import logs, overview, view
from renderd.spool.layout import Spool


class Daemon(Protocol):
    """What the socket needs of a daemon.  Any thread may call; nothing here may wait."""

    @property
    def spool(self) -> Spool:
        """The spool as this incarnation opened it."""
        ...

    def snapshot(self) -> Mapping[str, Any]:
        """This node now: JSON values, never changed once given; swapped whole by the loop.

        Keys that others rely on: node, inc, state, and `running`, a list of objects with at
        least job, chunk (its number) and attempt.
        """
        ...

    def post(self, order: Request) -> None:
        """Put an order (pause … kill) into the loop's queue; the same kind as in the inbox."""
        ...

    def nudge(self) -> None:
        """Have the loop look at the spool now."""
        ...

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed`, cheap and never blocking, after each new snapshot; returns the end."""
        ...

    def tail(self, jid: str, index: int) -> Tail | None:
        """The output of an attempt that runs here, the same object to its end; else None."""
        ...


@dataclass(frozen=True, slots=True)
class Now:
    """An answer from memory."""

    value: Any


@dataclass(frozen=True, slots=True)
class FromShare:
    """An answer that must be read from the spool, in the thread that may hang there."""

    read: Callable[[Spool], Any]


class Stream(Protocol):
    """An answer in parts: the server asks for news while the client keeps up."""

    @property
    def is_over(self) -> bool:
        """True when nothing will follow the last news."""
        ...

    @property
    def is_due(self) -> bool:
        """True when it may have news now; False where it wakes the server instead."""
        ...

    def news(self) -> list[tuple[Event, Any]]:
        """What came since the last call; never waits."""
        ...

    def close(self) -> None: ...


Answer = Now | FromShare | Stream
Handler = Callable[[Daemon, Request], Answer]


class StatusStream:
    """This node's snapshot, then the keys that changed; changes meanwhile melt into one."""

    is_over = False

    def __init__(self, daemon: Daemon, wake: Callable[[], None]) -> None:
        self._daemon = daemon
        self._wake = wake
        self.is_due = True
        self._sent: Mapping[str, Any] | None = None
        self._unsubscribe = daemon.subscribe(self._changed)

    def _changed(self) -> None:
        self.is_due = True
        self._wake()

    def news(self) -> list[tuple[Event, Any]]:
        """The whole snapshot first; later its new and changed keys, null for those gone."""
        if not self.is_due:
            return []
        self.is_due = False  # before the snapshot: a change meanwhile is told next time
        before, now = self._sent, self._daemon.snapshot()
        self._sent = now
        if before is None:
            return [(Event.SNAPSHOT, now)]
        changed = {k: v for k, v in now.items() if k not in before or before[k] != v}
        changed |= {k: None for k in before if k not in now}
        return [(Event.CHANGE, changed)] if changed else []

    def close(self) -> None:
        """Hear no more of the daemon."""
        self._unsubscribe()


class OutputStream:
    """The output of a chunk that runs here, from the lines still kept to its end."""

    is_due = True  # whether lines came is known by asking

    def __init__(self, tail: Tail, still: Callable[[], Tail | None]) -> None:
        self.is_over = False
        self._tail = tail
        self._still = still
        self._place = 0

    def news(self) -> list[tuple[Event, Any]]:
        """New lines, and how many were lost since the last."""
        is_over = self._still() is not self._tail  # asked first: nothing is added after that
        lines = self._tail.since(self._place)
        self._place, self.is_over = lines.next, is_over
        if not lines.texts and not lines.lost:
            return []
        return [(Event.LINES, {"lines": list(lines.texts), "lost": lines.lost})]

    def close(self) -> None:
        """Nothing is held."""


def hello(daemon: Daemon, _request: Request) -> Answer:
    """Who answers, in which versions of the protocol, for which spool."""
    now, spool = daemon.snapshot(), daemon.spool
    return Now(
        {
            "server": "renderd",
            "version": renderd.__version__,
            "versions": list(wire.VERSIONS),
            "node": now.get("node"),
            "inc": now.get("inc"),
            "spool": {"id": spool.identity.id, "root": spool.root},
        }
    )


def status(daemon: Daemon, _request: Request) -> Answer:
    """This node, from memory: answered even while the share hangs."""
    return Now(daemon.snapshot())


def farm(_daemon: Daemon, _request: Request) -> Answer:
    """Counts of the farm's jobs by state and of its nodes by state."""
    return FromShare(lambda spool: overview.read_farm(spool).to_dict())


def jobs(_daemon: Daemon, _request: Request) -> Answer:
    """Every job of the farm."""
    return FromShare(lambda spool: [job.to_dict() for job in view.read_jobs(spool)])


def chunks(_daemon: Daemon, request: Request) -> Answer:
    """Every chunk of one job."""
    jid = request.args["job"]
    return FromShare(lambda spool: [c.to_dict() for c in view.read_chunks(spool, jid)])


def nodes(_daemon: Daemon, _request: Request) -> Answer:
    """Every node of the farm."""
    return FromShare(lambda spool: [node.to_dict() for node in view.read_nodes(spool)])


def log(_daemon: Daemon, request: Request) -> Answer:
    """The end of an attempt's log: the newest one, or that of a chunk or an attempt."""
    wanted = {"jid" if k == "job" else k: v for k, v in request.args.items()}
    return FromShare(lambda spool: logs.read_end(spool, **wanted).to_dict())


def follow(daemon: Daemon, request: Request) -> Answer:
    """The output of a chunk that runs here, line by line as it comes."""
    job, chunk = request.args["job"], request.args["chunk"]
    tail = daemon.tail(job, chunk)
    if tail is None:
        raise _not_here(request)
    return OutputStream(tail, lambda: daemon.tail(job, chunk))


def nudge(daemon: Daemon, _request: Request) -> Answer:
    """Look at the spool now rather than at the next poll."""
    daemon.nudge()
    return Now({"accepted": Op.NUDGE.value})


def pause(daemon: Daemon, request: Request) -> Answer:
    """Start nothing and stop what runs, for ever, `for` some seconds or `until` a time."""
    args = dict(request.args)
    duration = args.pop("for", None)
    if duration is not None:
        args["until"] = time.time() + duration
    return _post(daemon, Request(request.op, args, request.id))


def presence(daemon: Daemon, request: Request) -> Answer:
    """A session tells how long its person has been idle; says whether that is of use."""
    daemon.post(request)
    said = daemon.snapshot().get("policy")
    when = said.get("when") if isinstance(said, dict) else ""
    return Now({"accepted": request.op.value, "matters": when == When.AWAY})


def kill(daemon: Daemon, request: Request) -> Answer:
    """Stop a chunk that runs here and give it back."""
    if daemon.tail(request.args["job"], request.args["chunk"]) is None:
        raise _not_here(request)
    return _post(daemon, request)


def stats(daemon: Daemon, _request: Request) -> Answer:
    """Counts of this daemon's own work; the server adds its own."""
    return Now({"daemon": daemon.snapshot().get("stats", {})})


def _post(daemon: Daemon, request: Request) -> Answer:
    daemon.post(request)
    return Now({"accepted": request.op.value, **request.args})


def _not_here(request: Request) -> wire.BadRequest:
    job, chunk = request.args["job"], request.args["chunk"]
    return wire.BadRequest(
        Kind.NOT_HERE, f"chunk {chunk} of {job} does not run on this node", "", request.id
    )


HANDLERS: dict[Op, Handler] = {
    Op.HELLO: hello,
    Op.STATUS: status,
    Op.FARM: farm,
    Op.JOBS: jobs,
    Op.CHUNKS: chunks,
    Op.NODES: nodes,
    Op.LOG: log,
    Op.FOLLOW: follow,
    Op.NUDGE: nudge,
    Op.PAUSE: pause,
    Op.RESUME: _post,
    Op.DRAIN: _post,
    Op.UNDRAIN: _post,
    Op.RESTART: _post,
    Op.QUIT: _post,
    Op.COURTESY: _post,
    Op.PRESENCE: presence,
    Op.KILL: kill,
    Op.STATS: stats,
}
