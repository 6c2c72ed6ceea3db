"""One schedule: a farm, the people at it, what goes wrong, and the calm in which all must end."""

from collections.abc import Callable
from dataclasses import dataclass, field

from renderd.core import chunk, frames
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.core.label import slug
from renderd.core.names import parse_adopting
from renderd.errors import RenderdError, UsageError
from renderd.spool import jobs, layout, listing, nodes, orders, survey, tickets
from renderd.spool.layout import CANCELLED, FAILED, HELD, WAITING, Spool
from tests.sim.laws import DROPPED, Laws, whole_farm
from tests.sim.node import Daemon
from tests.sim.share import SimShare
from tests.sim.weather import ROUGH, Weather
from tests.sim.world import LATENCY, ROOT, Actor, Died, Machine, Violation, World

IDENTITY = layout.Identity("simulation0000001")
Act = Callable[[Spool], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a schedule is set up; the seed decides the rest."""

    nodes: int = 3
    steps: int = 6000  #: calls of the share before the calm
    calm: int = 60000  #: calls within which everything must have come to its end
    weather: Weather = ROUGH


@dataclass(eq=False)
class Farm:
    """The actors of one schedule."""

    world: World
    plan: Plan
    daemons: list[Daemon] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    undone: list[Act] = field(default_factory=list)
    hosts: int = 0
    numbers: int = 0
    is_calm: bool = False

    def __post_init__(self) -> None:
        world = self.world
        self.laws = Laws(world)
        server = world.server
        for path in (ROOT, "/out", *(f"{ROOT}/{name}" for name in layout.FOLDERS)):
            server.mkdir(path)
        server.create(f"{ROOT}/{layout.SPOOL_FILE}", IDENTITY.text().encode())
        # What must succeed and what only looks goes through a program that nothing befalls.
        self.desk = self._program("desk", lambda actor: actor.sleep(float("inf")))
        self.desk.is_exposed = False

    def _program(self, name: str, act: Callable[[Actor], None]) -> Actor:
        return Actor(self.world, Machine(name), act)

    def spool(self, actor: Actor) -> Spool:
        """The spool as a program sees it."""
        return Spool(
            SimShare(self.world.server, actor), ROOT, IDENTITY, self.world.rng, actor.machine.name
        )

    # What people and machines do.

    def start_node(self, host: str = "") -> None:
        """A machine starts its daemon; the name of one that died may come again."""
        if not host:
            self.hosts += 1
            host = f"ws{self.hosts:02d}"
        daemon = Daemon(self.world, host, self._born)
        daemon.failure_odds = 0.05
        self.daemons.append(daemon)

    def _born(self, daemon: Daemon) -> None:
        present = self.laws.present
        for inc in [i for i, machine in present.items() if machine is daemon.machine]:
            del present[inc]  # it failed to begin, or was fenced: its beat stands still for good
        present[daemon.inc] = daemon.machine

    def draft(self) -> Draft:
        """A job of a command, with or without frames that it writes."""
        self.numbers += 1
        rng, name = self.world.rng, f"job{self.numbers}"
        folder = rng.choice((name, name, f"shared{rng.randrange(2)}"))
        out = f"/out/{folder}/f_####.png" if rng.random() < 0.5 else ""
        runs = frames.parse(f"1-{1 + rng.randrange(8)}")
        words = ("prog", "{start}", "{end}", *(["{out}"] if out else []))
        info = Info(commands=(words,), frames=runs, out=out, retries=rng.randrange(3))
        writes = Writes.PRIVATE if out else Writes.NOTHING
        return Draft(
            name=name, slug=slug(name), info=info, runs=runs, size=2, out=out, writes=writes
        )

    def add(self) -> None:
        """A person queues a job; the tool may die half-way, or the share fail it."""
        draft = self.draft()
        after = (
            tuple(tickets.everywhere(self.spool(self.desk)))[:1] if draft.slug[-1] in "36" else ()
        )
        order = jobs.Order("artist@ws00", after=after, replaces=self.world.rng.random() < 0.5)
        self._person(lambda spool: jobs.publish(spool, draft, order), is_repeated=False)

    def drop(self) -> None:
        """A script drops an info file; names come again once the first is taken."""
        rng = self.world.rng
        name = f"drop{rng.randrange(3)}"
        path = f"{ROOT}/{name}.info"
        if name + ".info" in self.world.server.folder(ROOT).names or self.world.server.is_full:
            return
        self.dropped[name] = self.dropped.get(name, 0) + 1
        server = self.world.server
        is_slow = rng.random() < 0.5
        server.create(path, b"" if is_slow else DROPPED)
        opened = server.file(path)  # its descriptor follows the file wherever it is moved

        def write_slowly(actor: Actor) -> None:
            for piece in (DROPPED[:9], DROPPED[9:20], DROPPED[20:]):
                actor.sleep(self.world.now + rng.choice((0.001, 0.5)))
                opened.data += piece
                opened.mtime_ns = server.now_ns()

        if is_slow:
            self._program("script", write_slowly).is_exposed = False

    def order(self) -> None:
        """A person's order to some job."""
        rng = self.world.rng
        known = sorted(tickets.everywhere(self.spool(self.desk)))
        if not known:
            return
        jid, number = rng.choice(known), rng.randrange(100)
        acts: tuple[Act, ...] = (
            lambda spool: orders.hold(spool, jid, "artist"),
            lambda spool: orders.release(spool, jid),
            lambda spool: orders.set_priority(spool, jid, number),
            lambda spool: orders.retry(spool, jid),
            lambda spool: orders.skip(spool, jid, lambda c: c.index == 1),
            lambda spool: orders.cancel(spool, jid) if number < 30 else None,
        )
        self._person(rng.choice(acts), is_repeated=True)

    def _person(self, act: Act, *, is_repeated: bool) -> None:
        def run(actor: Actor) -> None:
            try:
                act(self.spool(actor))
            except UsageError:
                pass
            except (OSError, RenderdError):
                if is_repeated:
                    self.undone.append(act)  # as the message says: try again
            except Died:
                if is_repeated:
                    self.undone.append(act)
                raise

        self._program("person", run)

    def happen(self) -> None:
        """One thing happens, as a farm's day has them."""
        world, rng = self.world, self.world.rng
        chance = rng.random()
        alive = [d for d in self.daemons if d.is_alive]
        if chance < 0.12:
            self.add()
        elif chance < 0.2:
            self.drop()
        elif chance < 0.45:
            self.order()
        elif chance < 0.55 and alive:
            self._crash(rng.choice(alive))
        elif chance < 0.65 and alive:
            machine = rng.choice(alive).machine
            machine.frozen_until = world.now + rng.choice((3.0, 30.0, 90.0, 400.0))
            machine.impaired_at = machine.frozen_until
            world.count("freeze")
        elif chance < 0.7 and alive:
            machine = rng.choice(alive).machine
            machine.cut_until = world.now + rng.choice((3.0, 30.0, 90.0))
            machine.impaired_at = machine.cut_until
            world.count("partition")
        elif chance < 0.74:
            self._outage(rng.choice((5.0, 60.0, 120.0)))
        elif chance < 0.78:
            world.server.is_full = not world.server.is_full
            world.count("full share")
        elif chance < 0.82 and len(alive) < 5:
            self.start_node()
        elif chance < 0.85:
            world.count("slow server")
            world.latency = LATENCY if world.latency > LATENCY else rng.choice((0.1, 0.5, 2.0))

    def _crash(self, daemon: Daemon) -> None:
        self.world.count("crash")
        self.world.kill(daemon.machine)
        self.daemons.remove(daemon)
        host = daemon.host if self.world.rng.random() < 0.7 else ""
        self._program("service", lambda actor: self._again(actor, host)).is_exposed = False

    def _again(self, actor: Actor, host: str) -> None:
        actor.sleep(self.world.now + self.world.rng.choice((1.0, 20.0, 200.0)))
        self.start_node(host)

    def _outage(self, seconds: float) -> None:
        self.world.count("outage")
        self.world.outage_until = self.world.now + seconds

    # The schedule.

    def run(self) -> None:
        """Faults first, then calm; raises Violation."""
        world, rng = self.world, self.world.rng
        for _ in range(self.plan.nodes):
            self.start_node()
        for _ in range(2):
            self.add()
        world.set_weather(self.plan.weather)
        end = self.plan.steps
        self._program("day", self._day).is_exposed = False
        world.run(lambda: world.steps >= end, self.plan.steps + 1)
        del rng
        self._calm()

    def _day(self, actor: Actor) -> None:
        while not self.is_calm:
            actor.sleep(self.world.now + self.world.rng.random() * 8.0)
            if not self.is_calm:
                self.happen()

    def _calm(self) -> None:
        world = self.world
        self.is_calm = True
        world.set_weather(world.calm)
        world.server.is_full = False
        world.outage_until = 0.0
        world.latency = LATENCY
        for daemon in self.daemons:
            daemon.machine.frozen_until = daemon.machine.cut_until = 0.0
            daemon.failure_odds = 0.0
        self.start_node()
        undone, self.undone = self.undone, []
        for act in undone:
            self._person(act, is_repeated=True)
        self._program("tidy", self._tidy).is_exposed = False
        if not world.run(self.is_over, self.plan.calm):
            whole_farm(self.laws, self.spool(self.desk), self.dropped)
            raise Violation("I6: the farm has not come to its end")
        whole_farm(self.laws, self.spool(self.desk), self.dropped)

    def _tidy(self, actor: Actor) -> None:
        """The people release what is held, and tell again what failed."""
        spool = self.spool(actor)
        while True:
            actor.sleep(self.world.now + 5.0)
            undone, self.undone = self.undone, []
            for act in undone:
                self._person(act, is_repeated=True)
            for ticket in tickets.listed(spool, HELD):
                self._tell(lambda jid=ticket.jid: orders.release(spool, jid))
            over = {t.jid for f in (FAILED, CANCELLED) for t in tickets.listed(spool, f)}
            for ticket in tickets.listed(spool, WAITING):
                if over.intersection(jobs.read(spool, ticket.jid).info.after):
                    self._tell(lambda jid=ticket.jid: orders.cancel(spool, jid))

    @staticmethod
    def _tell(act: Callable[[], object]) -> None:
        try:
            act()
        except (OSError, RenderdError):
            return

    def is_over(self) -> bool:
        """True when every drop is a job and every job has ended."""
        world = self.world
        if world.steps % 50:
            return False
        folders = world.server.folders
        is_open = any(folders[f"{ROOT}/{f}"].names for f in ("queue", "held", "waiting"))
        is_coming = any(map(parse_adopting, folders[f"{ROOT}/adopting"].names))
        drops = any(n.endswith(".info") for n in folders[ROOT].names)
        return not (is_open or is_coming or drops or self.undone)


def make_small() -> None:
    """Groups of three chunks and shards of two nodes, so that small farms have several."""
    chunk.CHUNKS_A_GROUP = survey.CHUNKS_A_GROUP = listing.CHUNKS_A_GROUP = 3  # type: ignore[attr-defined]
    nodes.SHARD_SIZE = 2


def simulate(seed: int, plan: Plan) -> World:
    """Run one schedule to its end.  Raises Violation."""
    make_small()
    world = World(seed)
    try:
        Farm(world, plan).run()
    finally:
        for actor in list(world.actors):
            actor.end()
    return world
