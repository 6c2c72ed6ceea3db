"""Thousands of nodes: each one's real loop, stepped when it is due, on one counted server."""

import heapq
import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from renderd import plan
from renderd.core import frames
from renderd.core.infofile import Info
from renderd.core.names import Beat, new_incarnation
from renderd.core.policy import Able
from renderd.daemon.landing import Landing, open_landing
from renderd.daemon.loop import BeatNow, Loop, Message
from renderd.daemon.node import Node
from renderd.daemon.shortages import Shortages
from renderd.daemon.work import Ending, Result, Work
from renderd.host.load import Load, LoadSampler
from renderd.spool import jobs, layout, nodes, trust
from renderd.spool.adopt import Adopter
from renderd.spool.janitor import Janitor
from renderd.spool.layout import Spool
from tests.scale.meter import CountedShare, Tally
from tests.sim.node import picture
from tests.sim.server import Server

ROOT, OUT = "/spool", "/out"
IDENTITY = layout.Identity("scale00000000001")
TURN = 0.01  #: seconds after which a loop is due again that has something due still
CHUNK_SECONDS, SPREAD = 60.0, 0.1  #: a chunk's length, and by how much it varies
_LOAD = Load(
    load1=0.0, cpu_percent=0.0, memory_used_bytes=0, memory_total_bytes=1,
    swap_used_bytes=0, swap_total_bytes=0,
)  # fmt: skip


class _Sampler(LoadSampler):
    """A machine with nothing to tell."""

    def sample(self, now: float) -> Load:
        return _LOAD


@dataclass(eq=False, slots=True)
class Member:
    """One node of the crowd."""

    loop: Loop
    turn: int = 0  #: its entry in the timetable that counts
    is_dead: bool = False

    @property
    def node(self) -> Node:
        return self.loop.node

    def due(self) -> float:
        node = self.loop.node
        return min(node.next_beat, node.next_poll, node.next_chores)


@dataclass(eq=False)
class Crowd:
    """A farm in compressed time: nothing happens between the moments at which something is due."""

    seed: int = 0
    now: float = 1000.0
    members: dict[str, Member] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.server = Server(lambda: self.now)
        for path in (ROOT, OUT, *(f"{ROOT}/{name}" for name in layout.FOLDERS)):
            self.server.mkdir(path)
        self.server.create(f"{ROOT}/{layout.SPOOL_FILE}", IDENTITY.text().encode())
        self.tally = Tally(lambda: self.now)
        self.share = CountedShare(self.server, self.tally, self._is_locked)
        self.desk = self.spool(self.rng, "desk-00000000")
        self._times: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.finished = 0

    def _is_locked(self, path: str) -> bool:
        member = self.members.get(path.split("/")[-2])
        return member is not None and not member.is_dead

    def spool(self, rng: random.Random, who: str) -> Spool:
        """The spool as a program sees it."""
        return Spool(self.share, ROOT, IDENTITY, rng, who)

    # Nodes.

    def enter(self, count: int, within: float) -> None:
        """So many nodes start, evenly within some seconds."""
        for number in range(count):
            self.at(self.now + within * number / count, self._start_node)

    def _start_node(self) -> None:
        number = len(self.members)
        rng = random.Random(self.rng.getrandbits(64))
        inc = new_incarnation(f"ws{number:05d}", rng)
        spool = self.spool(rng, inc)
        node = Node(
            spool=spool, inc=inc, name=f"ws{number:05d}", slots=1,
            able=Able(name=f"ws{number:05d}", inc=inc, ram_bytes=16 << 30),
            pulse=nodes.Pulse("00", Beat(inc, 0, 5, "aaaa")),
            adopter=Adopter(spool, inc, _planner(spool), trust.policy_of(spool)),
            shortages=Shortages(spool, "linux", f"{ROOT}/tmp"),
            start=lambda work: self._begin(inc, work), rng=rng, started=self.now,
        )  # fmt: skip
        node.pulse = nodes.register(spool, inc, {"node": node.name}, 5)
        node.beaten, node.next_beat = self.now, self.now + 1.0
        clock = lambda: self.now  # noqa: E731
        loop = Loop(node, Janitor(spool), _Sampler(), clock=clock, wall=clock)
        node.breathe = node.adopter.breathe = loop.janitor.breathe = loop.breathe
        member = self.members[inc] = Member(loop)
        self._tick(member)

    def kill(self, share: float) -> int:
        """So many of the nodes lose power at once; how many."""
        victims = self.rng.sample(sorted(self.members), int(share * len(self.members)))
        for inc in victims:
            self.members[inc].is_dead = True
        return len(victims)

    # Work.

    def publish(self, chunks: int, name: str) -> str:
        """A job of one-frame chunks that writes pictures; its jid."""
        out = f"{OUT}/{name}/f_######.png"
        words = ("prog", "{start}", "{end}", "{out}")
        info = Info(commands=(words,), frames=frames.parse(f"1-{chunks}"), chunk=1, out=out)
        draft = plan.from_info(info, name, self.desk.farm, "linux")
        return jobs.publish(self.desk, draft, jobs.Order("artist@ws00000"))

    def _begin(self, inc: str, work: Work) -> None:
        member = self.members[inc]
        landing = open_landing(
            member.node.spool, work, lambda: self._is_alive(member), lambda _: True
        )
        assert landing is not None
        landing.begin()
        longest = CHUNK_SECONDS * (1 + SPREAD * (2 * member.node.rng.random() - 1))
        self.at(self.now + longest, lambda: self._end(member, work, landing))

    def _end(self, member: Member, work: Work, landing: Landing) -> None:
        if member.is_dead or member.node.is_fenced:
            return
        assert work.output is not None
        private = work.output.private(work.claim.stem)
        for frame in work.frames:  # the renderer's own writing: not ours to count
            self.server.create(f"{private}/f_{frame:06d}.png", picture(frame))
        assert landing.finish() is None
        landing.clear()
        spool = member.node.spool
        spool.share.append(spool.job(work.job.jid, "log", f"{work.claim.stem}.log"), b"Saved\n")
        self.finished += 1
        self._tick(member, Result(work=work, ending=Ending.DONE, reason="", wall=CHUNK_SECONDS))

    def _is_alive(self, member: Member) -> bool:
        if not member.loop._is_fresh():
            self._tick(member, BeatNow(threading.Event()))
        return not member.node.is_fenced

    # Time.

    def at(self, time: float, act: Callable[[], None]) -> None:
        """Have something happen at a time."""
        heapq.heappush(self._times, (time, next(self._order), act))

    def _tick(self, member: Member, *messages: Message) -> None:
        if member.is_dead or member.node.is_fenced:
            return
        member.loop.tick(list(messages))
        member.turn += 1
        turn = member.turn
        due = max(member.due(), self.now + TURN)
        self.at(due, lambda: self._tick(member) if member.turn == turn else None)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._times and self._times[0][0] <= end:
            time, _, act = heapq.heappop(self._times)
            self.now = max(self.now, time)
            act()
        self.now = end

    def count(self, what: str) -> int:
        """The sum of one of the nodes' own counters."""
        return sum(m.node.counts.get(what, 0) for m in self.members.values())


def _planner(spool: Spool) -> Callable[[Any, str], Any]:
    return lambda info, name: plan.from_info(info, name, spool.farm, "linux")
