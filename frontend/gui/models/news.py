"""What changed on the farm since it was last read: jobs, nodes and the daemon that told."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from frontend import node_words
from frontend.farm import open_farm
from frontend.gui.models.chunks import ENDED, ChunkRow, most_telling, row
from frontend.gui.models.journals import Journals
from fs_browser.changes import Changes, compare
from renderd.client import Client, Hello
from renderd.config import Settings
from renderd.core.names import host_of
from renderd.errors import ConfigError
from renderd.spool.layout import Spool, read_identity
from renderd.spool.records import ChunkView, JobView, NodeView
from renderd.spool.share import PosixShare

if TYPE_CHECKING:
    from renderd.spool.view import Chunks

Told = Mapping[tuple[str, Any], dict[str, Any]]  #: what machines say of the chunks they run
Wish = tuple[str, int]  #: the job whose chunks are wanted, and how often one was wished for
NO_FARM = "No farm is chosen yet"
#: what this machine's daemon knows better than what it last wrote into the spool, at its beat
_SOONER = ("state", "reason", "until", "since", "policy", "running", "trouble")
_ETA_STEP = 15.0  #: seconds by which an end must move to be told of


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One reading of the farm, as what differs from the one before."""

    root: str
    jobs: Changes[JobView]
    nodes: Changes[NodeView]
    daemon: Hello | None  #: of this machine, where it answers
    ahead: float  #: seconds by which the server's clock is ahead of ours
    running: Told
    heard: Mapping[str, float]  #: when nodes last said something, by our clock


class SpoolLook:
    """Looks whether the spool's folder is there and answers; for one thread.

    The daemon of this machine answers much from memory, and a farm is read every few seconds: what
    is asked here is so little that it can be asked twice a second.
    """

    def __init__(self, settings: Settings) -> None:
        self._root = settings.spool

    def __call__(self) -> str:
        """The farm's id.  Raises RenderdError, OSError."""
        if not self._root:
            raise ConfigError(NO_FARM, "choose a folder, or have one made")
        return read_identity(PosixShare(), self._root).id


class FarmReading:
    """Reads jobs and nodes again and again; for one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._spool: Spool | None = None
        self._jobs: dict[Hashable, JobView] = {}
        self._nodes: dict[Hashable, NodeView] = {}
        self._ahead = 0.0
        self.running: Told = {}  #: replaced as a whole: another thread reads it
        self.slots: dict[str, int] = {}  #: by host; replaced as a whole, too

    def __call__(self) -> News:
        """What is new.  Raises RenderdError, OSError; the next call starts from there."""
        client = self._open()
        try:
            nodes = _with_own(client, client.nodes())
            jobs, daemon = client.jobs(nodes), client.daemon
            # An empty mount point has no jobs either, and must not pass for a farm without work.
            if not jobs and self._spool is not None:
                read_identity(self._spool.share, self._spool.root)
        except BaseException:
            client.close()
            self._client = None
            raise
        if daemon is None:
            client.close()  # it may have been started, or begun anew: sought at the next reading
        self._ahead = _ahead(jobs, self._ahead)
        before = self._jobs, self._nodes
        self.running = {
            (str(one.get("job")), one.get("chunk")): one
            for node in nodes
            if node.state != "dead"
            for one in map(node_words.table, node_words.items(node.status.get("running")))
        }
        self.slots = {
            host_of(node.inc): slots
            for node in nodes
            if isinstance(slots := node.status.get("slots"), int)
        }
        self._jobs = {job.jid: _settled(job) for job in jobs}
        nodes, now = last_runs(nodes), time.time()
        self._nodes = {node.inc: replace(node, age=None) for node in nodes}
        return News(
            root=self._settings.spool,
            jobs=compare(before[0], self._jobs),
            nodes=compare(before[1], self._nodes),
            daemon=daemon,
            ahead=self._ahead,
            running=self.running,
            heard={node.inc: now - node.age for node in nodes if node.age is not None},
        )

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()

    def _open(self) -> Client:
        if self._client is None:
            self._spool = spool = open_farm(self._settings)
            self._client = Client(self._settings, spool)
        return self._client


class ChunksReading:
    """Reads the chunks of the job that is looked at; for one thread.

    What runs is told by its machine's status, what has ended by the journal of the machine that
    ended it: one stat a machine, until it tells.
    """

    def __init__(
        self, settings: Settings, wanted: Callable[[], Wish], running: Callable[[], Told]
    ) -> None:
        self._settings = settings
        self._wanted = wanted
        self._running = running
        self._spool: Spool | None = None
        self._wish: Wish = ("", 0)
        self.shown: tuple[str, dict[int, ChunkView]] = ("", {})  #: replaced as a whole, too
        self.telling: tuple[str, int] = ("", 0)  #: the job's chunk whose log tells most
        self.counts: tuple[str, Mapping[str, int]] = ("", {})  #: its chunks by state
        self._chunks: dict[Hashable, ChunkRow] = {}
        self._journals = Journals()
        self._reading: Chunks | None = None

    def __call__(self) -> tuple[Wish, bool, Changes[ChunkRow]]:
        """What was wished, whether it is another wish than before, and what is new."""
        wish = self._wanted()
        jid, is_other = wish[0], wish != self._wish
        before = {} if is_other else self._chunks
        now: dict[Hashable, ChunkRow] = {}
        if not jid:
            self.shown, self._reading = ("", {}), None
        else:
            self._spool = self._spool or open_farm(self._settings)
            now = self._read(self._spool, jid, before)
        self._wish, self._chunks = wish, now
        most = most_telling(now.values())
        self.telling = (jid, most.index if most is not None else 0)
        self.counts = (jid, Counter(map(attrgetter("state"), now.values())))
        return wish, is_other, compare(before, now)

    def _read(
        self, spool: Spool, jid: str, before: dict[Hashable, ChunkRow]
    ) -> dict[Hashable, ChunkRow]:
        from renderd.spool.view import Chunks  # noqa: PLC0415

        if self._reading is None or self._reading.jid != jid:
            self._reading = Chunks(jid)
        views = {chunk.index: chunk for chunk in self._reading.read(spool, time.monotonic())}
        if not before:
            self._journals.forget_silence()
        dim = [view for index, view in views.items() if _is_dim(view, before.get(index))]
        self._journals.learn(spool, jid, dim)
        told, known = self._running(), self.shown[1]
        now: dict[Hashable, ChunkRow] = {}
        for index, view in views.items():
            old, was = before.get(index), known.get(index)
            is_same = view is was or view == was  # to compare fields takes long
            if old is None or view.state == "run" or not is_same or _is_dim(view, old):
                old = row(view, told.get((jid, index)), self._journals.of(jid, view))
            now[index] = old
        self.shown = (jid, views)
        return now


def _is_dim(view: ChunkView, old: ChunkRow | None) -> bool:
    """True for a chunk that ended and of which no journal has told yet."""
    return view.state in ENDED and (old is None or old.state != view.state or not old.ended)


def last_runs(nodes: list[NodeView]) -> list[NodeView]:
    """Those that live, and of machines of which nothing lives the run that was heard last."""
    alive = [node for node in nodes if node.state != "dead"]
    last: dict[str, NodeView] = {}
    for node in nodes:
        best = last.get(node.node)
        if best is None or _age(node) < _age(best):
            last[node.node] = node
    lives = {node.node for node in alive}
    return alive + [node for name, node in last.items() if name not in lives]


def _with_own(client: Client, nodes: list[NodeView]) -> list[NodeView]:
    """These nodes, this machine's as its daemon says now."""
    daemon = client.daemon
    if daemon is None or all(node.inc != daemon.inc for node in nodes):
        return nodes
    told = client.status()
    now = {key: told[key] for key in _SOONER if key in told}
    return [
        replace(node, status={**node.status, **now}) if node.inc == daemon.inc else node
        for node in nodes
    ]


def _age(node: NodeView) -> float:
    return float("inf") if node.age is None else node.age


def _ahead(jobs: list[JobView], before: float) -> float:
    for job in jobs:
        if job.age is not None and job.born_ns:
            return job.born_ns / 1e9 + job.age - time.time()
    return before


def _settled(job: JobView) -> JobView:
    """The job without what differs at every reading: its age is told by its birth."""
    steps = [
        None if end is None else round(end / _ETA_STEP) * _ETA_STEP
        for end in (job.eta, job.eta_low, job.eta_high)
    ]
    return replace(job, age=None, eta=steps[0], eta_low=steps[1], eta_high=steps[2])
