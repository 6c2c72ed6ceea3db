"""Builds one incarnation of the daemon: the only place where its parts meet."""

import contextlib
import logging
import os
import random
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from renderd import config, plan
from renderd.config import Settings
from renderd.core import lease
from renderd.core.names import Beat, host_of, new_incarnation
from renderd.core.wire import Op, Request
from renderd.daemon import events, orders, recipe, rest_file
from renderd.daemon.courtier import Courtier
from renderd.daemon.lookout import Lookout, able_of, facts_of, ram_of
from renderd.daemon.loop import Loop, Nudge, boottime
from renderd.daemon.means import Means
from renderd.daemon.node import Node
from renderd.daemon.runner import Runner
from renderd.daemon.shortages import Shortages
from renderd.daemon.sight import Lookouts
from renderd.daemon.tail import Tail
from renderd.daemon.vigil import Vigil
from renderd.daemon.work import Work
from renderd.host import facts, process, run_record, scratch
from renderd.host.awake import Awake
from renderd.host.gpu import GpuMeter
from renderd.host.guard import Guard
from renderd.host.load import LoadSampler
from renderd.host.presence import Presence
from renderd.host.run_record import RunRecord
from renderd.host.scratch import Scratch
from renderd.spool import ground, history, moves, nodes, tickets, trust
from renderd.spool.adopt import Adopter, Planner
from renderd.spool.allowed import output_allowed
from renderd.spool.janitor import Janitor
from renderd.spool.layout import DEAD, DONE, Spool, open_spool, read_farm
from renderd.spool.share import Lock, PosixShare

BUSY_GPU_PERCENT = 3.0  #: below it a desktop draws; from it on something computes
LAST_LOG = 1.0  #: seconds for a runner to write the end of its log when we leave
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Incarnation:
    """One run of the daemon on its spool, from its first beat to its last."""

    settings: Settings
    spool: Spool
    node: Node
    loop: Loop
    runners: Sequence[Runner]
    state_dir: str
    alive_lock: Lock | None
    lookout: Lookout
    courtier: Courtier
    closers: list[Callable[[], None]] = field(default_factory=list)
    last_closers: Sequence[Callable[[], None]] = ()  #: when nothing runs any more
    thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to beat and to work."""
        self.courtier.begin()  # before the loop, or a chunk would be claimed that has to make way
        for runner in self.runners:
            runner.start()
        self.thread = threading.Thread(target=self.loop.run, name="loop", daemon=True)
        self.thread.start()
        self.lookout.start()
        self.closers.append(self.courtier.leave)
        threading.Thread(target=scratch.sweep, name="litter", daemon=True).start()
        observer = events.watch(self.spool, self.nudge)
        if observer is not None:
            self.closers.append(observer.stop)

    def leave(self) -> None:
        """Stop beating, forget the run record: everything of ours is settled, or our death is."""
        for close in self.closers:
            close()
        node = self.node
        if not node.is_fenced:
            owns = bool(node.held or node.settling or node.running or node.adopter.held)
            try:
                owns = owns or self._still_owns()
            except OSError:
                owns = True  # not known: a certificate is always safe
            nodes.leave(self.spool, node.pulse, owns_nothing=not owns)
        if self.alive_lock is not None:
            self.alive_lock.release()
        run_record.remove(self.state_dir, node.inc)
        for runner in self.runners:
            runner.leave()
        for runner in self.runners:  # the last log is written after the last report
            if runner.ident is not None:
                runner.join(timeout=LAST_LOG)
        for close in self.last_closers:
            close()

    def _still_owns(self) -> bool:
        inc, spool = self.node.inc, self.spool
        for jid, group in nodes.intents(spool, inc):
            if any(f".run.{inc}." in n for n in moves.names(spool, spool.job(jid, group))):
                return True
        return False

    def reload(self, settings: Settings) -> None:
        """Take over what may change while we run: pools, tags, allowed programs and outputs."""
        self.settings = settings
        farm = read_farm(self.spool.share, self.spool.root)
        was_ordered = self.node.policy != self.node.configured
        self.node.configured = config.policy(settings)
        if not was_ordered:
            self.node.policy = self.node.configured
        self.node.outputs = self.node.adopter.outputs = (settings.outputs, farm.outputs)
        for memory in list(self.node.jobs.values()):  # the loop's thread may add one meanwhile
            memory.checked = float("-inf")
        self.lookout.change(
            pools=frozenset(settings.pools),
            tags=frozenset((*settings.tags, *farm.tags_of(self.node.name))),
            programs=(settings.programs, farm.programs),
            ram_bytes=ram_of(settings),
        )
        self.lookout.settings = settings
        self.lookout.look_again()

    def outcome(self) -> int:
        """The exit status of `--once`: 0 when all it met is done and nothing was refused."""
        if not self.settings.once:
            return 0
        if self.node.adopter.refused:
            return 1
        try:
            done = {t.jid for t in tickets.listed(self.spool, DONE)}
        except OSError:
            return 1
        return 0 if self.node.met <= done else 1

    # What the socket asks (handlers.Daemon).

    def snapshot(self) -> Mapping[str, Any]:
        """This node now, and for how long the share has not answered."""
        hangs = self.loop.hangs_for()
        return {**self.loop.snapshot, "share_hangs": round(hangs, 1) if hangs > 1 else 0.0}

    def post(self, order: Request) -> None:
        """Put an order into the loop's queue; a person's return waits for no share."""
        if order.op is Op.PRESENCE:
            orders.obey(self.node, order, 0.0)
        else:
            self.loop.inbox.put(order)

    def nudge(self) -> None:
        """Have the loop look at the spool now."""
        self.loop.inbox.put(Nudge())

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each new snapshot; returns the end."""
        self.loop.changed.append(changed)
        return lambda: self.loop.changed.remove(changed)

    def tail(self, jid: str, index: int) -> Tail | None:
        """The output of an attempt that runs here; None where none does."""
        for work in list(self.node.running):
            if work.job.jid == jid and index in work.indices:
                return work.tail
        return None


def _recall(node: Node, inc: str, state_dir: str) -> str:
    """Give a node what it knew before: paces of jobs, orders to rest; where the latter are kept."""
    with contextlib.suppress(OSError):
        for jid, times in history.frame_times(node.spool, host_of(inc)):
            node.paces.add(jid, times)
    path = rest_file.path(state_dir, node.spool.identity.id, node.name)
    node.rest, policy = rest_file.load(path, node.configured)
    node.policy = policy
    return path


def incarnate(settings: Settings, guard: Guard, state_dir: str) -> Incarnation:
    """Enter the spool as a new incarnation; nothing runs yet.

    Raises SpoolError where the spool cannot be used or must not be trusted.
    """
    rng = random.Random(int.from_bytes(os.urandom(16)))
    inc = new_incarnation(facts.host_slug(_name(settings)), rng)
    spool = open_spool(PosixShare(), settings.spool, rng, inc)
    policy = trust.policy_of(spool, trust.read_key(settings.key) if settings.key else b"")
    for warning in trust.check_spool(spool, policy):
        _log.warning("%s", warning)
    _bury_predecessors(spool, state_dir)
    guard.memory_bytes = settings.memory
    loop_holder: list[Loop] = []
    scratches: list[Scratch] = []
    means = _means(settings, spool, guard, loop_holder, scratches)
    runners = [Runner(means, number) for number in range(settings.slots)]
    node = _node(settings, spool, policy, runners)
    node.cool = _cooler(runners)
    node.idle_bytes = lambda: sum(one.warmth.idle_bytes for one in runners if one.is_free)
    node.pulse = nodes.register(
        spool, inc, facts_of(node), lease.period(0, 0.0, is_busy=True, is_slow=False)
    )
    node.beaten = boottime()
    node.next_beat = node.beaten + 1.0
    rest = _recall(node, inc, state_dir)
    loop = Loop(
        node=node,
        janitor=Janitor(spool),
        sampler=LoadSampler(spool.root),
        save_rest=lambda n: rest_file.save(
            rest, n.rest, n.policy if n.policy != n.configured else None
        ),
    )
    loop_holder.append(loop)
    node.breathe = node.adopter.breathe = loop.janitor.breathe = loop.breathe
    record = RunRecord.of_this_process(inc, node.name, spool.identity.id, guard.pid)
    run_record.write(state_dir, record)
    lock = _hold_alive(spool, inc)
    lookout = Lookout(node, settings, state_dir, lambda: loop.inbox.put(Nudge()))
    node.look_again = lookout.look_again
    presence = Presence()
    vigil = Vigil(node, Awake() if settings.awake else None)
    courtier = Courtier(node, loop.look_up, presence.idle, vigil.look)
    scratches += _open_scratch()  # last: what fails before would leave it behind
    closers = [vigil.close, *(one.close for one in scratches)]
    return Incarnation(
        settings,
        spool,
        node,
        loop,
        runners,
        state_dir,
        lock,
        lookout,
        courtier,
        last_closers=closers,
    )


def _name(settings: Settings) -> str:
    return settings.node or facts.host_slug(facts.host_name())


def _means(
    settings: Settings,
    spool: Spool,
    guard: Guard,
    loop_holder: Sequence[Loop],
    scratches: Sequence[Scratch],
) -> Means:
    meter = GpuMeter()
    return Means(
        spool=spool,
        guard=guard,
        node=_name(settings),
        environ=dict(os.environ),
        hang_after=settings.hang,
        log_bytes=settings.log_cap,
        report=lambda result: loop_holder[0].inbox.put(result),  # noqa: PLW0108  not there yet
        confirm_alive=lambda: loop_holder[0].confirm_alive(),  # noqa: PLW0108  not there yet
        blenders=lambda: tuple(loop_holder[0].node.programs),
        programs=lambda: loop_holder[0].node.able.programs,
        allows=lambda folder: all(
            output_allowed(folder, roots) for roots in loop_holder[0].node.outputs
        ),
        gpu_is_busy=lambda: (meter.percent() or 0.0) >= BUSY_GPU_PERCENT,
        is_warm=lambda: settings.warm and spool.farm.warm,
        ram_bytes=ram_of(settings),
        scratch=lambda: scratches[0].folder() if scratches else contextlib.nullcontext(""),
    )


def _open_scratch() -> list[Scratch]:
    """This daemon's folder for temporary files, where one can be made."""
    try:
        return [Scratch.open()]
    except OSError as error:
        _log.warning("no folder for temporary files: %s", error)
        return []


def _node(
    settings: Settings,
    spool: Spool,
    policy: trust.Policy,
    runners: Sequence[Runner],
) -> Node:
    name, inc = _name(settings), spool.who
    outputs = settings.outputs, spool.farm.outputs
    return Node(
        spool=spool,
        inc=inc,
        name=name,
        slots=settings.slots,
        able=able_of(settings, spool, name, inc),
        pulse=nodes.Pulse("00", Beat(inc, 0, 5, "aaaa")),
        adopter=Adopter(spool, inc, _planner(spool), policy, outputs, _local_disk(spool)),
        shortages=Shortages(spool, sys.platform, recipe.temp_folder(recipe.base(os.environ))),
        start=_starter(runners),
        rng=spool.rng,
        started=boottime(),
        sight=Lookouts(),
        outputs=outputs,
        configured=config.policy(settings),
        policy=config.policy(settings),
        machine_bytes=facts.memory_sizes()[0],
        is_once=settings.once,
    )


def _local_disk(spool: Spool) -> Callable[[str], str]:
    return lambda folder: ground.disks(spool, sys.platform).local_disk(folder)


def _planner(spool: Spool) -> Planner:
    return lambda info, name: plan.from_info(info, name, spool.farm, sys.platform)


def _starter(runners: Sequence[Runner]) -> Callable[[Work], None]:
    def start(work: Work) -> None:
        next(r for r in runners if r.is_free).begin(work)

    return start


def _cooler(runners: Sequence[Runner]) -> Callable[[], None]:
    def cool() -> None:
        for runner in runners:
            runner.cool()

    return cool


def _hold_alive(spool: Spool, inc: str) -> Lock | None:
    """Hold the lock that lets others guess sooner that we died; a hint, nothing more."""
    with contextlib.suppress(OSError):
        return spool.share.lock(spool.node(inc, "alive"))
    return None


def _bury_predecessors(spool: Spool, state_dir: str) -> None:
    """Certify this host's own dead daemons at once, their stray commands ended first."""
    for record in run_record.predecessors(state_dir, spool.identity.id):
        process.end_strays(record.incarnation)
        for shard in nodes.shards(spool):
            for beat in nodes.beats(spool, shard):
                if beat.inc == record.incarnation:
                    nodes.declare(spool, shard, beat)
        if record.incarnation not in moves.names(spool, spool.at(DEAD)):
            _log.info("%s left no beat", record.incarnation)
        run_record.remove(state_dir, record.incarnation)
