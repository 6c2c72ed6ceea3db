"""One schedule: a farm, the people at it, what goes wrong, and the calm in which all must end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from renderd.core import chunk, infofile
from renderd.core.names import parse_adopting
from renderd.errors import RenderdError
from renderd.host import load
from renderd.spool import control, jobs, layout, listing, nodes, orders, survey, tickets
from renderd.spool.layout import CANCELLED, FAILED, HELD, QUEUE, WAITING, Spool
from tests.sim.laws import Laws, whole_farm
from tests.sim.node import Daemon
from tests.sim.people import People
from tests.sim.share import SimShare
from tests.sim.size import LARGE, SMALL, Size
from tests.sim.trouble import Trouble
from tests.sim.weather import CALM, ROUGH, Weather
from tests.sim.world import LATENCY, ROOT, Actor, Machine, Violation, World

IDENTITY = layout.Identity("simulation0000001")
MOST_READY = 400  #: calls until all is there
#: how often each act happens beside the others
ACTS = {
    "add": 10, "add_after": 3, "redo": 3, "order": 14, "limit": 4, "order_node": 4,
    "move_ticket": 4, "move_chunk": 3, "copy_chunk": 1, "certify": 1, "litter": 2,
    "edit_control": 2, "drop": 6, "drop_row": 4, "remove_drop": 1, "edit_drop": 3, "drop_again": 2,
    "crash": 8, "kill_daemon": 5, "freeze": 8, "cut": 4, "outage": 3, "fill": 3, "slow": 3,
    "join": 4, "clone": 1, "unmount": 3, "let_time_pass": 2, "lose_power": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a schedule is set up; the seed decides the rest, and what is 0 here."""

    size: Size = LARGE
    nodes: int = 0
    steps: int = 0  #: calls of the share before the calm
    calm: int = 60000  #: calls within which everything must have come to its end
    weather: Weather = ROUGH
    is_forgetful: bool = False  #: the server may lose what it acknowledged

    @property
    def command(self) -> str:
        """The command that runs such schedules."""
        return "python -m tests.sim" + " --small" * (self.size == SMALL)


@dataclass(eq=False)
class Farm:
    """The actors of one schedule."""

    world: World
    plan: Plan
    daemons: list[Daemon] = field(default_factory=list)
    hosts: int = 0
    starts: dict[str, int] = field(default_factory=dict)
    act: int = 0  #: the number of the present act
    is_calm: bool = False

    def __post_init__(self) -> None:
        world = self.world
        self.laws = Laws(world)
        self.rng = Random(f"{world.seed} plan")
        self.size = self.plan.size
        world.late_within = self.size.late
        self.failures = world.detail("failures", 0).choice(self.size.failures)
        server = world.server
        server.is_forgetful = self.laws.is_forgetful = self.plan.is_forgetful
        for path in (ROOT, "/out", "/out/drops", *(f"{ROOT}/{name}" for name in layout.FOLDERS)):
            server.mkdir(path)
        server.create(f"{ROOT}/{layout.SPOOL_FILE}", IDENTITY.text().encode())
        if world.detail("tail", 0).random() < 0.7:  # hands as large as a job allows
            server.create(f"{ROOT}/{layout.FARM_FILE}", b"[chunks]\ntail = false\n")
        # What must succeed and what only looks goes through a program that nothing befalls.
        self.desk = self.program("desk", lambda actor: actor.sleep(float("inf")))
        self.desk.is_exposed, self.desk.is_aside = False, True
        self.people, self.trouble = People(self), Trouble(self)

    def program(self, name: str, act: Callable[[Actor], None]) -> Actor:
        """A program on a machine of its own, named by the act that started it."""
        name = f"{name}{self.act}"
        self.starts[name] = self.starts.get(name, 0) + 1
        return Actor(self.world, Machine(f"{name}.{self.starts[name]}"), act)

    def spool(self, actor: Actor) -> Spool:
        """The spool as a program sees it."""
        share = SimShare(self.world.server, actor)
        return Spool(share, ROOT, IDENTITY, actor.rng, actor.machine.name.replace(".", "-"))

    def desk_spool(self) -> Spool:
        """The spool as it is."""
        return self.spool(self.desk)

    def start_node(
        self, host: str = "", forerunner: Daemon | None = None, clone_of: Daemon | None = None
    ) -> None:
        """A machine starts its daemon; the name of one that died may come again."""
        if not host:
            self.hosts += 1
            host = f"ws{self.hosts:02d}"
        self.starts[host] = self.starts.get(host, 0) + 1
        machine = forerunner.machine if forerunner else Machine(f"{host}.{self.starts[host]}")
        daemon = self.daemon_of(host, clone_of)(self.world, host, machine, self._born)
        machine.release = daemon.release
        daemon.forerunner, daemon.clone_of = forerunner, clone_of
        daemon.size = self.size
        daemon.failure_odds = 0.0 if self.is_calm else self.failures
        self.daemons.append(daemon)

    def daemon_of(self, host: str, like: Daemon | None) -> type[Daemon]:
        """The daemons that a host starts."""
        return Daemon

    def _born(self, daemon: Daemon) -> None:
        present = self.laws.present
        for inc in [i for i, machine in present.items() if machine is daemon.machine]:
            del present[inc]  # it failed to begin, or was fenced: its beat stands still for good
        present[daemon.inc] = daemon.machine

    # The schedule.

    def run(self) -> None:
        """Faults first, then calm; raises Violation."""
        world, rng = self.world, self.rng
        size = self.size
        nodes, steps = rng.choice(size.nodes), rng.choice(size.steps)
        for number in range(self.plan.nodes or nodes):
            if world.happens("nodes", number, "node"):
                self.start_node()
        end = self.plan.steps or steps
        weights = {name: weight * rng.choice((0, 1, 1, 3)) for name, weight in ACTS.items()}
        if not self.plan.is_forgetful:
            weights["lose_power"] = 0
        weights["add"] += 1
        weather = self.plan.weather.drawn(rng, size.gusts)
        pace = rng.choice(size.paces)
        for _ in range(size.jobs):
            self._happen({"add": 1})
        if size.readiness and world.detail("ready", 0).random() < size.readiness:
            world.run(self._is_ready, MOST_READY)
            end += world.steps
        world.set_weather(weather)
        self.program("day", lambda actor: self._day(actor, weights, pace)).is_exposed = False
        world.run(lambda: world.steps >= end or self.act >= size.acts, end + 1)
        self._calm()

    def _is_ready(self) -> bool:
        return not self.people.acting and all(daemon.loop for daemon in self.daemons)

    def _day(self, actor: Actor, weights: Mapping[str, int], pace: float) -> None:
        while not self.is_calm:
            actor.sleep(self.world.now + self.rng.random() * pace)
            if not self.is_calm:
                self._happen(weights)

    def _happen(self, weights: Mapping[str, int]) -> None:
        """One thing happens, as a farm's day has them."""
        self.act += 1
        rng = self.world.detail("day", self.act)
        [name] = rng.choices(list(weights), list(weights.values()))
        if self.world.happens("day", self.act, name):
            who = self.people if hasattr(self.people, name) else self.trouble
            getattr(who, name)(rng)

    def _calm(self) -> None:
        world = self.world
        self.is_calm = True
        self.act += 1
        world.set_weather(CALM)
        world.server.is_full = False
        world.outage_until = 0.0
        world.latency = LATENCY
        for machine in {actor.machine for actor in world.actors}:
            machine.frozen_until = machine.cut_until = 0.0
            self.trouble.mount(machine)
        for daemon in self.daemons:
            daemon.failure_odds = 0.0
        is_left = any(daemon.is_alive for daemon in self.daemons)
        if not is_left or world.detail("newcomer", 0).random() < self.size.newcomers:
            self.start_node()
        self.program("tidy", self._tidy).is_exposed = False
        is_over = world.run(self.is_over, self.plan.calm)
        whole_farm(self.laws, self.desk_spool(), self.people.dropped)
        if not is_over:
            raise Violation("I6: the farm has not come to its end")

    def _tidy(self, actor: Actor) -> None:
        """The people release what is held, take limits back, and tell again what failed."""
        spool = self.spool(actor)
        while True:
            undone, self.people.undone = self.people.undone, []
            for act in undone:
                self.people.tell(act, None, is_repeated=True)
            for ticket in (*tickets.listed(spool, HELD), *tickets.listed(spool, QUEUE)):
                self._tell(lambda jid=ticket.jid: orders.release(spool, jid))
            over = {t.jid for f in (FAILED, CANCELLED) for t in tickets.listed(spool, f)}
            known = tickets.everywhere(spool)
            for jid, (folder, _) in known.items():
                if folder in layout.OPEN:
                    self._tell(lambda jid=jid: self._lift(spool, jid))
            for ticket in tickets.listed(spool, WAITING):
                after = jobs.read(spool, ticket.jid).info.after
                if over.intersection(after) or not known.keys() >= set(after):
                    self._tell(lambda jid=ticket.jid: orders.cancel(spool, jid))
            for daemon in self.daemons:
                if daemon.is_alive and daemon.loop:
                    daemon.loop.node.rest.reason = ""
            actor.sleep(self.world.now + self.size.tidy_every)

    @staticmethod
    def _lift(spool: Spool, jid: str) -> None:
        said = control.read(spool, jid)
        is_apart = said.pool or (said.pool is None and jobs.read(spool, jid).info.pool)
        if said.nodes or is_apart or said.needs_ram or said.blocked:
            control.change(spool, jid, nodes=None, pool=(), needs_ram=None, blocked=())

    @staticmethod
    def _tell(act: Callable[[], object]) -> None:
        try:
            act()
        except (OSError, RenderdError):
            return

    def is_over(self) -> bool:
        """True when every drop is a job and every job has ended."""
        world = self.world
        if world.steps % self.size.look_every:
            return False
        folders = world.server.folders
        is_open = any(
            self.laws.must_end(name) for f in layout.OPEN for name in folders[f"{ROOT}/{f}"].names
        )
        is_coming = any(map(parse_adopting, folders[f"{ROOT}/adopting"].names))
        drops = any(n.endswith(".info") and n[0] != "." for n in folders[ROOT].names)
        is_told = bool(self.people.undone or self.people.acting)
        return not (is_open or is_coming or drops or is_told)


#: an Info never changes, and the same few texts are read over and over
_parsed_once = lru_cache(4096)(infofile.parse)


def make_small() -> None:
    """Groups of three chunks and shards of two nodes, so that small farms have several."""
    chunk.CHUNKS_A_GROUP = survey.CHUNKS_A_GROUP = listing.CHUNKS_A_GROUP = 3  # type: ignore[attr-defined]
    nodes.SHARD_SIZE = 2
    infofile.parse = _parsed_once
    load.available_bytes = lambda: 16 << 30  # type: ignore[assignment]  # not this machine's


def simulate(seed: int, plan: Plan) -> World:
    """Run one schedule to its end.  Raises Violation."""
    return run(World(seed), plan)


def run(world: World, plan: Plan) -> World:
    """Run a schedule in a fresh world, which tells its events also where this raises Violation."""
    make_small()
    try:
        Farm(world, plan).run()
    finally:
        for actor in list(world.actors):
            actor.end()
    return world
