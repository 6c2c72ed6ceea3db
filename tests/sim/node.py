"""A daemon in the simulation: its real loop, and runners that render tiny pictures."""

import contextlib
import queue
import random
import struct
import threading
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

from renderd import plan
from renderd.core.names import Beat, new_incarnation
from renderd.core.policy import Able
from renderd.daemon import verdict
from renderd.daemon.gathering import OutputGone
from renderd.daemon.landing import AGAIN_EVERY, Landing, NotNow, open_landing
from renderd.daemon.loop import BeatNow, Loop
from renderd.daemon.node import Node
from renderd.daemon.paces import Paces
from renderd.daemon.shortages import Shortages
from renderd.daemon.verdict import Verdict
from renderd.daemon.work import Ending, Work
from renderd.errors import RenderdError
from renderd.host.load import Load, LoadSampler
from renderd.spool import nodes, trust
from renderd.spool.adopt import Adopter
from renderd.spool.janitor import Janitor
from renderd.spool.layout import Spool, open_spool
from tests.sim.hand import Hand
from tests.sim.share import SimShare
from tests.sim.size import LARGE
from tests.sim.world import ROOT, Actor, Machine, World

ENDINGS = (Ending.FAIL, Ending.FAIL, Ending.KILLED, Ending.TIMEOUT)


class _Sampler(LoadSampler):
    """A machine with nothing to tell."""

    def sample(self, now: float) -> Load:
        del now
        return _LOAD


_LOAD = Load(
    load1=0.0, cpu_percent=0.0, memory_used_bytes=0, memory_total_bytes=1,
    swap_used_bytes=0, swap_total_bytes=0,
)  # fmt: skip


class _Timed(Paces):
    """Of a machine that timed each job's frames before: its first hand is as large as others."""

    def usual(self, jid: str) -> float | None:
        return super().usual(jid) or 1.0


class Daemon:
    """One incarnation on a machine; begins another when it is fenced."""

    release = ""  #: the present one

    def __init__(
        self, world: World, host: str, machine: Machine, born: Callable[["Daemon"], None]
    ) -> None:
        self.world, self.host, self.machine, self.born = world, host, machine, born
        self.loop: Loop | None = None
        self.inc = ""
        self.forerunner: Daemon | None = None  #: one that died on this machine, not buried yet
        self.clone_of: Daemon | None = None  #: the daemon whose memory this one begins with
        self.failure_odds = 0.0
        self.size = LARGE
        self.actor = Actor(world, machine, self._live)

    @property
    def is_alive(self) -> bool:
        return self.actor.is_alive

    def _live(self, actor: Actor) -> None:
        while True:
            try:
                loop = self._begin(actor)
            except (OSError, RenderdError):  # the daemon exits, its service starts it again
                self.machine.impaired_at = max(self.machine.impaired_at, self.world.now)
                actor.sleep(self.world.now + 5.0)
                continue
            self._tick_on(actor, loop)
            for other in [a for a in self.machine.actors if a is not actor]:
                other.end()
            self.machine.actors[:] = [actor]
            self.world.count("fenced" if loop.node.is_fenced else "left")
            self.world.counts["leftovers"] += loop.node.counts.get("leftovers", 0)
            if not loop.node.is_fenced:
                self._leave(loop)
                actor.sleep(self.world.now + 5.0)

    def _begin(self, actor: Actor) -> Loop:
        world = self.world
        rng = actor.rng
        copied, self.clone_of = self.clone_of, None
        self.inc = inc = copied.inc if copied else new_incarnation(self.host, rng)
        spool = open_spool(SimShare(world.server, actor), ROOT, rng, inc)
        self._bury_forerunner(spool)
        able = Able(name=self.host, inc=inc, ram_bytes=16 << 30)
        self.born(self)
        node = Node(
            spool=spool, inc=inc, name=self.host, slots=1 + rng.randrange(2), able=able,
            pulse=nodes.Pulse("00", Beat(inc, 0, 5, "aaaa")),
            adopter=Adopter(
                spool, inc, _planner(spool), trust.policy_of(spool), local_disk=self._local_disk
            ),
            shortages=Shortages(spool, "linux", f"{ROOT}/tmp"),
            start=self._start, rng=rng, started=world.now,
        )  # fmt: skip
        if copied and copied.loop:
            pulse = copied.loop.node.pulse
            node.pulse = nodes.Pulse(pulse.shard, pulse.beat, set(pulse.tags))
        else:
            node.pulse = nodes.register(spool, inc, {"node": self.host}, 5)
        if world.detail(f"{actor.name} timed", 0).random() < 0.8:
            node.paces = _Timed()
        node.beaten = world.now
        node.next_beat = world.now + 1.0
        loop = Loop(node, Janitor(spool), _Sampler(), clock=self._clock, wall=self._clock)
        node.breathe = node.adopter.breathe = loop.janitor.breathe = loop.breathe
        self.loop = loop
        return loop

    def _bury_forerunner(self, spool: Spool) -> None:
        """As daemon.assembly: the strays of a dead daemon are ended, then it is certified."""
        if self.forerunner is None:
            return
        for other in [a for a in self.machine.actors if a is not self.actor]:
            other.end()
        for shard in nodes.shards(spool):
            for beat in nodes.beats(spool, shard):
                if beat.inc == self.forerunner.inc:
                    nodes.declare(spool, shard, beat)
        self.forerunner = None

    def be_killed(self, *, leaves_strays: bool) -> None:
        """The daemon is gone, but for its machine; its renderers perhaps write on."""
        works = self.loop.node.running if self.loop and leaves_strays else []
        self.world.end(self.machine)
        for work in works:
            Actor(self.world, self.machine, partial(self._stray, work))

    def _stray(self, work: Work, actor: Actor) -> None:
        """A renderer that outlives its daemon."""
        if work.output is None:
            return
        folder = work.output.private(work.claim.stem)
        share = SimShare(self.world.server, actor)
        for frame in work.frames:
            actor.sleep(self.world.now + 3.0)
            data = picture(label_of(work.job.jid) << 16 | actor.rng.getrandbits(16))
            with contextlib.suppress(OSError):
                share.create(f"{folder}/f_{frame:04d}.png", data)
                self.world.count("frame of a stray renderer")

    def _local_disk(self, folder: str) -> str:
        is_bare = bool(self.machine.unmounted) and folder.startswith(self.machine.unmounted)
        return "ext4" if is_bare else ""

    def _clock(self) -> float:
        return self.world.now

    def _tick_on(self, actor: Actor, loop: Loop) -> None:
        node = loop.node
        while not loop.is_over():
            messages: list[Any] = []
            while True:
                try:
                    messages.append(loop.inbox.get_nowait())
                except queue.Empty:
                    break
            loop.tick(messages)
            due = min(node.next_beat, node.next_poll, node.next_chores)
            now = self.world.now
            if loop.inbox.empty():
                actor.sleep(max(due, now + 0.01))

    def _leave(self, loop: Loop) -> None:
        node = loop.node
        owns = bool(node.held or node.settling or node.running or node.adopter.held)
        nodes.leave(node.spool, node.pulse, owns_nothing=not owns)

    def post(self, message: Any) -> None:
        """Wake the loop with a message."""
        assert self.loop is not None
        self.loop.inbox.put(message)
        self.actor.wake = min(self.actor.wake, self.world.now)

    # Runners.

    def _start(self, work: Work) -> None:
        loop = self.loop
        assert loop is not None
        Actor(self.world, self.machine, lambda actor: self._render(actor, loop, work))

    def _render(self, actor: Actor, loop: Loop, work: Work) -> None:
        world, rng = self.world, actor.rng
        began, spool = world.now, _as(loop.node.spool, SimShare(world.server, actor), rng)
        hand = Hand(world, spool, work)
        hand.check()
        landing = None
        try:
            landing = open_landing(spool, work, lambda: self._alive(actor, loop), lambda _: True)
            found = Verdict(ending=self._rendered(actor, hand, landing))
        except OutputGone as error:
            found = Verdict(ending=Ending.UNABLE, reason=str(error))
        except NotNow as refusal:
            found = verdict.of_refusal(work, refusal)
        except OSError as error:
            found = verdict.of_error(spool, work, error)
        if found.ending is Ending.DONE and actor.chance(self.failure_odds, "command fails"):
            ending = rng.choice(ENDINGS) if work.output is None else Ending.KILLED
            found = Verdict(ending=ending, reason=f"made to {ending}")
        elif found.ending is Ending.DONE and landing is not None:
            landing.clear()
        if landing is not None and hand.has_several:
            work.in_place = frozenset(landing.receipts)
        keeps = landing is not None and landing.keeps
        if loop is self.loop:
            self.post(found.result(work, wall=world.now - began, keeps=keeps))

    def _rendered(self, actor: Actor, hand: Hand, landing: Landing | None) -> Ending:
        world, work, spool, rng = self.world, hand.work, hand.spool, actor.rng
        if landing is None:
            self._wait(actor, work, world.now + rng.choice(self.size.seconds))
            return Ending.KILLED if work.stopping.is_set() else Ending.DONE
        written: list[int] = []
        for frame in landing.begin():
            self._wait(actor, work, world.now + rng.choice(self.size.frame_seconds))
            ending = self._broken_off(actor, hand)
            if ending is not None:
                if hand.has_several:  # as the runner: of the others some may be whole
                    with contextlib.suppress(OSError, RenderdError):
                        landing.salvage(written)
                return ending
            self._write_frame(actor, spool, work, frame)
            written.append(frame)
            if rng.random() < 0.3:
                landing.sweep(is_final=False, saved=[frame])
        for _ in range(10):  # as Landing.settle, whose clock is a real one
            refusal = landing.finish()
            if refusal is None or work.stopping.is_set():
                break
            actor.sleep(world.now + AGAIN_EVERY)
        if refusal is not None:
            raise refusal
        return Ending.BAD_OUTPUT if landing.missing() else Ending.DONE

    def _broken_off(self, actor: Actor, hand: Hand) -> Ending | None:
        """How the command ends before its next frame; None: it goes on."""
        if hand.work.stopping.is_set():
            return Ending.KILLED
        if hand.has_several and actor.chance(self.failure_odds, "command fails within a hand"):
            return actor.rng.choice(ENDINGS)
        return None

    def _write_frame(self, actor: Actor, spool: Spool, work: Work, frame: int) -> None:
        """What the renderer leaves: a whole picture, or half of one and a clean exit."""
        assert work.output is not None
        rng = actor.rng
        data = picture(label_of(work.job.jid) << 16 | rng.getrandbits(16))
        if actor.chance(self.failure_odds / 2, "half a frame"):
            data = data[: rng.randrange(len(data))]
        path = f"{work.output.private(work.claim.stem)}/f_{frame:04d}.png"
        with contextlib.suppress(FileExistsError):  # our own request, sent twice
            spool.share.create(path, data)

    def _wait(self, actor: Actor, work: Work, until: float) -> None:
        while self.world.now < until and not work.stopping.is_set():
            actor.sleep(min(until, self.world.now + 1.0))

    def _alive(self, actor: Actor, loop: Loop) -> bool:
        while not loop._is_fresh():  # confirm_alive waits on real threads
            if loop.node.is_fenced or loop.leaving or loop is not self.loop:
                return False
            self.post(BeatNow(threading.Event()))
            actor.sleep(self.world.now + 1.0)
        return True


def _as(spool: Spool, share: SimShare, rng: random.Random) -> Spool:
    return Spool(share, spool.root, spool.identity, rng, spool.who, spool.farm)


def _planner(spool: Spool) -> Callable[[Any, str], Any]:
    return lambda info, name: plan.from_info(info, name, spool.farm, "linux")


def label_of(jid: str) -> int:
    """32 bits that tell one job's pictures from another's."""
    return zlib.crc32(jid.encode())


def jid_label(data: bytes) -> int:
    """The label in a picture that `picture` made."""
    start = data.index(b"IDAT") + 4
    return int.from_bytes(zlib.decompress(data[start:-16])[1:7]) >> 16


def picture(number: int) -> bytes:
    """A small whole PNG, each number another one."""

    def part(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" + number.to_bytes(6, "big"))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")
