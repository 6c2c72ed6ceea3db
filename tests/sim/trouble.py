"""What befalls machines, the network and the server."""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from tests.sim.node import Daemon
from tests.sim.server import Server
from tests.sim.world import LATENCY, ROOT, Actor, Machine, Violation

if TYPE_CHECKING:
    from tests.sim.farm import Farm

HOUR, DAY = 3600.0, 86400.0
MOST_NODES = 5
AT_ONCE = 10.0  #: seconds that lie between two calls of a program on a slow network


@dataclass(eq=False)
class Trouble:
    """Things that go wrong with machines; `rng` of each act decides the particulars."""

    farm: "Farm"

    def __post_init__(self) -> None:
        self.world = self.farm.world

    def _one(self, rng: Random) -> Daemon | None:
        alive = [d for d in self.farm.daemons if d.is_alive]
        return rng.choice(alive) if alive else None

    def _impair(self, machine: Machine, until: float) -> None:
        machine.impaired_at = max(machine.impaired_at, until)

    def crash(self, rng: Random) -> None:
        """A machine loses power; its renderers go with it."""
        if daemon := self._one(rng):
            self.world.kill(daemon.machine)
            self.farm.daemons.remove(daemon)
            self._come_back(daemon.host if rng.random() < 0.7 else "", None, rng)

    def kill_daemon(self, rng: Random) -> None:
        """The daemon alone dies; what it started may go on, and it is started again."""
        if daemon := self._one(rng):
            self.farm.daemons.remove(daemon)
            self.farm.laws.present.pop(daemon.inc, None)
            daemon.be_killed(leaves_strays=rng.random() < 0.6)
            self._come_back(daemon.host, daemon, rng)

    def _come_back(self, host: str, forerunner: Daemon | None, rng: Random) -> None:
        seconds = rng.choice((1.0, 20.0, 200.0))

        def service(actor: Actor) -> None:
            actor.sleep(self.world.now + seconds)
            self.farm.start_node(host, forerunner)

        self.farm.program("service", service).is_exposed = False

    def freeze(self, rng: Random) -> None:
        """A machine stops, and wakes long after it was declared dead."""
        if daemon := self._one(rng):
            seconds = rng.choice((3.0, 30.0, 90.0, 400.0, 400.0, 2 * HOUR))
            daemon.machine.frozen_until = self.world.now + seconds
            self._impair(daemon.machine, daemon.machine.frozen_until)

    def cut(self, rng: Random) -> None:
        if daemon := self._one(rng):
            daemon.machine.cut_until = self.world.now + rng.choice((3.0, 30.0, 90.0))
            self._impair(daemon.machine, daemon.machine.cut_until)

    def outage(self, rng: Random) -> None:
        self.world.outage_until = self.world.now + rng.choice((5.0, 60.0, 120.0))

    def fill(self, rng: Random) -> None:
        del rng
        self.world.server.is_full = not self.world.server.is_full

    def slow(self, rng: Random) -> None:
        world = self.world
        world.latency = LATENCY if world.latency > LATENCY else rng.choice((0.1, 0.5, 2.0))

    def join(self, rng: Random) -> None:
        """A new machine; or a cloned one, which has another's name."""
        if len(self.farm.daemons) < MOST_NODES:
            daemon = self._one(rng)
            is_twin = daemon is not None and rng.random() < 0.3
            if is_twin:
                self.world.count("two hosts of one name")
            self.farm.start_node(daemon.host if is_twin and daemon else "")

    def clone(self, rng: Random) -> None:
        """A copy of a running machine, as a snapshot of a virtual one: one incarnation twice."""
        daemon = self._one(rng)
        if daemon is not None and daemon.loop is not None and len(self.farm.daemons) < MOST_NODES:
            self.farm.laws.certified.add(daemon.inc)  # whose beat is whose, nobody can tell
            self.farm.start_node(daemon.host, clone_of=daemon)

    def unmount(self, rng: Random) -> None:
        """A machine's shares go away and leave empty folders."""
        daemon = self._one(rng)
        if daemon is None or daemon.machine.unmounted:
            return
        machine, seconds = daemon.machine, rng.choice((1.0, 20.0, 120.0))
        machine.bare = Server(self.world.server.clock)
        machine.bared_at = self.world.now
        for path in (ROOT, "/out"):
            machine.bare.mkdir(path)
        machine.unmounted = rng.choice(((ROOT,), ("/out",), (ROOT, "/out")))
        self._impair(machine, self.world.now + seconds)

        def remount(actor: Actor) -> None:
            actor.sleep(self.world.now + seconds)
            self.mount(machine)

        self.farm.program("mount", remount).is_exposed = False

    def mount(self, machine: Machine) -> None:
        """The shares are back.  Raises Violation where something was made in their place."""
        bare, machine.bare, machine.unmounted = machine.bare, None, ()
        self._impair(machine, self.world.now)
        for path in (ROOT, "/out") if bare else ():
            # A check and the mkdir after it are two calls, whatever a program does.
            if bare and bare.folder(path).mtime_ns > (machine.bared_at + AT_ONCE) * 1e9:
                made = bare.files(path)
                if made:  # an empty folder misleads nobody
                    raise Violation(f"unmounted: {machine.name} made {made} where {path} was")

    def let_time_pass(self, rng: Random) -> None:
        """Nobody calls for hours: what goes by age goes."""
        self.world.now += rng.choice((HOUR, HOUR * 1.1, DAY * 1.1))

    def lose_power(self, rng: Random) -> None:
        """The server goes down and has lost what it had acknowledged last."""
        world = self.world
        world.outage_until = world.now + rng.choice((5.0, 60.0))
        lost = world.server.forget(1 + rng.randrange(20))
        for _ in lost:
            world.count("change forgotten")
        self.farm.laws.forget(lost)
