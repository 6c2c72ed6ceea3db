"""This node's state: who it is, what it holds, what it has seen."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from renderd.blender.versions import BlenderProgram
from renderd.core.control import Control
from renderd.core.courtesy import Policy, Standing
from renderd.core.job import Job
from renderd.core.lease import Observer
from renderd.core.names import Ticket
from renderd.core.policy import Able
from renderd.daemon.paces import Paces
from renderd.daemon.shortages import Shortages
from renderd.daemon.sight import Sight
from renderd.daemon.work import Result, Work
from renderd.spool.adopt import Adopter
from renderd.spool.layout import CANCELLED, DEAD, QUEUE, Spool
from renderd.spool.moves import Folder
from renderd.spool.nodes import Pulse
from renderd.spool.survey import Survey


@dataclass(slots=True)
class Rest:
    """Why the node takes no new chunks, and until when (wall clock; None: until told)."""

    reason: str = ""
    until: float | None = None
    is_drain: bool = False
    since: float | None = None  #: when a person asked for it (wall clock)
    failures: int = 0  #: failures in a row of different chunks


@dataclass(slots=True)
class JobMemory:
    """What this node remembers of one job; hints, but for done groups."""

    job: Job
    born: int  #: ns, the server's clock
    survey: Survey
    failures_here: int = 0
    failed_at: float = float("-inf")  #: when the last of them was
    avoided: dict[int, float] = field(default_factory=dict)  #: chunk failed here: until when
    unfit: dict[int, float] = field(default_factory=dict)  #: the same; its own words do not run
    intents: set[str] = field(default_factory=set)  #: groups declared
    exhausted: str = ""  #: the ticket name under which nothing was waiting
    losses: int = 0  #: races lost in a row
    twins: dict[str, float] = field(default_factory=dict)  #: outweighed names: first seen
    ended_since: float | None = None  #: when all chunks were first seen ended, some failed
    ended_as: str = ""  #: the ticket name under which they were
    closed_as: str = ""  #: the ticket name that we closed; an old list may still show it
    frame_bytes: int = 0  #: the largest frame known here
    why_not: str = ""
    ram: int = 0  #: bytes that a chunk of it needs
    control: Control = field(default_factory=Control)  #: as it was read last
    unseen: str = ""  #: the part of it that only this node can tell
    shortage: str = ""  #: the part of that which ends by itself
    checked: float = float("-inf")  #: the poll at which why_not was found


@dataclass(slots=True, eq=False)
class Node:
    """Everything the steps of a tick share.  Only the loop thread touches it."""

    spool: Spool
    inc: str
    name: str
    slots: int
    able: Able
    pulse: Pulse
    adopter: Adopter
    shortages: Shortages
    start: Callable[[Work], None]  #: hand a claimed chunk to a free runner
    rng: random.Random
    started: float
    breathe: Callable[[], None] = lambda: None  #: beats when that is due, in the midst of a step
    cool: Callable[[], None] = lambda: None  #: let open Blenders that wait for work end
    idle_bytes: Callable[[], int] = lambda: 0  #: what those hold
    look_again: Callable[[], None] = lambda: None  #: what this machine can may have changed
    programs: list[BlenderProgram] = field(default_factory=list)  #: newest first; the lookout's
    outputs: tuple[tuple[str, ...], ...] = ()  #: lists of folders; each must allow an output
    sight: Sight = field(default_factory=Sight)
    observer: Observer = field(default_factory=Observer)
    rest: Rest = field(default_factory=Rest)
    configured: Policy = field(default_factory=Policy)  #: courtesy, as this machine's files say
    policy: Policy = field(default_factory=Policy)  #: the same, as was ordered since
    standing: Standing = field(default_factory=Standing)  #: swapped whole by the courtier
    reported: tuple[float, float] | None = None  #: a person's idle seconds; when that was told
    machine_bytes: int = 0  #: memory of the machine
    is_awake: bool = False  #: it is kept from falling asleep
    queue: Folder = field(init=False)
    root: Folder = field(init=False)
    cancelled: Folder = field(init=False)
    graves: Folder = field(init=False)  #: the certificates
    inbox: Folder = field(init=False)
    tickets: list[Ticket] = field(default_factory=list)
    polled: float = float("-inf")
    next_poll: float = 0.0
    poll_period: float = 2.0
    next_beat: float = 0.0
    beaten: float = float("-inf")  #: when the last own beat succeeded
    next_chores: float = 0.0
    must_tidy: bool = False  #: something is to be cleared that others would leave for a minute
    jobs: dict[str, JobMemory] = field(default_factory=dict)
    paces: Paces = field(default_factory=Paces)
    held: dict[str, Work | None] = field(default_factory=dict)  #: claim keys, before the rename
    running: list[Work] = field(default_factory=list)
    settling: deque[Result] = field(default_factory=deque)  #: results whose move is still unsure
    live: dict[str, str] = field(default_factory=dict)  #: incarnation → shard, as last listed
    shards: int = 1  #: of the farm, as last listed
    freeing: set[str] = field(default_factory=set)  #: the dead whose chunks this node frees
    dead: frozenset[str] = frozenset()
    releases: dict[str, str] = field(default_factory=dict)  #: of live nodes, as far as read
    told_releases: set[str] = field(default_factory=set)  #: warned of
    strangers: dict[str, int] = field(default_factory=dict)  #: owners in neither: looks
    doubts: dict[str, float] = field(default_factory=dict)  #: second looks that are due
    settled: dict[str, int] = field(default_factory=dict)  #: leftovers: how often moved on
    failed_jobs: set[str] = field(default_factory=set)  #: jobs of the failures in a row
    counts: dict[str, int] = field(default_factory=dict)
    last_job: str = ""  #: the job of the last chunk that was started
    is_fenced: bool = False
    is_once: bool = False  #: work until nothing is left, then leave
    met: set[str] = field(default_factory=set)  #: jobs seen in the queue
    quiet_polls: int = 0  #: in a row, with --once, at which nothing was left
    wants_exit: str = ""  #: why the daemon should leave when its work ends
    restarts: bool = False  #: it begins anew when it has left
    journal: deque[dict[str, Any]] = field(default_factory=deque)
    trouble: str = ""  #: the share's last error, for status

    def __post_init__(self) -> None:
        self.queue = Folder(self.spool.at(QUEUE))
        self.root = Folder(self.spool.root)
        self.cancelled, self.graves = (Folder(self.spool.at(f)) for f in (CANCELLED, DEAD))
        self.inbox = Folder(self.spool.node(self.inc, "inbox"))

    @property
    def free_slots(self) -> int:
        """How many more chunks may run here now."""
        return self.slots - len(self.running)

    @property
    def farm_size(self) -> int:
        """How many nodes live, about: shards not looked at yet are as full as those that were."""
        seen = len(set(self.live.values()))
        shards = max(self.shards, seen, int(self.pulse.shard) + 1)
        return len(self.live) * shards // max(seen, 1)

    def count(self, what: str, by: int = 1) -> None:
        """Add to one of the counters shown by `stats` and asserted by tests."""
        self.counts[what] = self.counts.get(what, 0) + by
