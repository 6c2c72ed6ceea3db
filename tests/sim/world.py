"""The simulated farm: one clock, one PRNG, and actors that take turns at every call."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from greenlet import getcurrent, greenlet

from tests.sim.server import Server
from tests.sim.weather import CALM, Weather

ROOT = "/spool"
LATENCY = 0.002  #: seconds a call takes when nothing is wrong
BURSTS = (0, 0, 0, 1, 2, 4, 8, 30)  #: calls that an actor makes before another may run
LATE_STEPS = 4000  #: within which a late duplicate arrives


class Died(BaseException):
    """The program, or its whole machine, is gone; nothing of it runs on."""


class Violation(AssertionError):
    """A rule of the protocol was broken."""


@dataclass(eq=False)
class Machine:
    """What stops, hangs and dies together: a daemon and its runners, or one person's tool."""

    name: str
    frozen_until: float = 0.0  #: suspended, or its share hangs: calls do not return before
    cut_until: float = 0.0  #: every call fails until then
    impaired_at: float = float("-inf")  #: when anything of its own last went wrong
    actors: list["Actor"] = field(default_factory=list)


class Actor:
    """A thread of a program: runs until its next call, which is a step of the world."""

    def __init__(self, world: "World", machine: Machine, act: Callable[["Actor"], None]) -> None:
        self.world, self.machine = world, machine
        self.is_alive, self.is_exposed = True, True
        self.wake = world.now
        self.dies_before_effect = False
        self._budget = 0
        self._thread = greenlet(self._run, parent=world.hub)
        self._act = act
        machine.actors.append(self)
        world.actors.append(self)

    def _run(self) -> None:
        try:
            self._act(self)
        except Died:
            pass
        finally:
            self.is_alive = False

    def resume(self, budget: int) -> None:
        """Let it run until it has made `budget` calls more, or sleeps."""
        self._budget = budget
        self._thread.switch()

    def step(self) -> None:
        """One call of the share: time passes and others may come first.  Raises Died, OSError."""
        world = self.world
        world.steps += 1
        world.now += world.latency
        self._budget -= 1
        if self._budget < 0 or self.blocked_until() > world.now:
            self.pause()
        elif not self.is_alive:
            raise Died
        if self.machine.cut_until > world.now:
            raise TimeoutError(110, "the network is cut")

    def blocked_until(self) -> float:
        """When its machine runs again and the server answers it."""
        outage = self.world.outage_until if self.is_exposed else 0.0
        return max(self.machine.frozen_until, outage)

    def pause(self) -> None:
        """Let others run; raises Died when this program was ended meanwhile."""
        self.world.hub.switch()
        if not self.is_alive:
            raise Died

    def sleep(self, until: float) -> None:
        """Do nothing before a time."""
        self.wake = until
        self.pause()

    def dies_after(self, is_before_effect: bool) -> None:
        """The call in hand is its last; it may or may not take effect."""
        self.dies_before_effect = is_before_effect

    def die(self) -> None:
        """End this program and all that runs on its machine."""
        self.world.kill(self.machine)
        raise Died

    def end(self) -> None:
        """Unwind it; what its code does on the way out reaches nothing any more."""
        self.is_alive = False
        if self._thread and self._thread is not getcurrent():
            self._thread.throw(Died)


class World:
    """Runs actors in an order that the seed decides, and counts what happened."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.hub = getcurrent()
        self.now = 1000.0
        self.steps = 0
        self.latency = LATENCY
        self.outage_until = 0.0  #: the server answers nobody before
        self.actors: list[Actor] = []
        self.locks: dict[str, Actor] = {}
        self.counts: Counter[str] = Counter()
        self.calm = CALM
        self.weather = CALM
        self.worst = 0.0
        self.server = Server(lambda: self.now)
        self.trace: Callable[[str], None] | None = None
        self._late: list[tuple[int, int, Callable[[], None]]] = []
        self._late_creates: set[str] = set()

    def count(self, what: str) -> None:
        """Count a fault or an event."""
        self.counts[what] += 1
        if self.trace is not None:
            self.trace(what)

    def set_weather(self, weather: Weather) -> None:
        """From now on calls meet these faults."""
        self.weather = weather
        w = weather
        self.worst = w.death + w.error_before + w.error_after + w.lost_reply + w.late + w.delayed

    def later(self, act: Callable[[], None], call: str, path: str) -> None:
        """Have the server do a request once more, some thousands of steps later.

        Never both the CREATE and the RENAME of one temp: together they would bring a chunk back,
        and no name can be proof against that (counted, so that nobody thinks it covered).
        """
        if call == "create":
            self._late_creates.add(path)
        elif call == "rename" and path in self._late_creates:
            self.count("late twice, left out")
            return
        when = self.steps + self.rng.randrange(1, self.rng.choice((20, 300, LATE_STEPS)))
        heappush(self._late, (when, self.rng.getrandbits(40), act))

    def kill(self, machine: Machine) -> None:
        """A machine loses power: nothing of it runs on, its locks go."""
        machine.impaired_at = self.now
        actors, machine.actors = machine.actors, []
        for actor in actors:
            actor.is_alive = False
        for actor in actors:
            actor.end()

    def run(self, until: Callable[[], bool], most: int) -> bool:
        """Let everybody act until a condition holds; False after `most` steps more."""
        last = self.steps + most
        while self.steps < last:
            if until():
                return True
            if not self._turn():
                return until()
        return until()

    def _turn(self) -> bool:
        """One actor's turn; False when nobody is left."""
        while self._late and self._late[0][0] <= self.steps:
            self._again(heappop(self._late)[2])
        now = self.now
        ready = [a for a in self.actors if a.wake <= now and a.blocked_until() <= now]
        if not ready:
            if not self.actors:
                return False
            self.now = min(max(a.wake, a.blocked_until()) for a in self.actors)
            return True
        actor = ready[0] if len(ready) == 1 else self.rng.choice(ready)
        if actor.is_alive:
            actor.resume(self.rng.choice(BURSTS))
        if not actor.is_alive:
            self.actors.remove(actor)
            if actor in actor.machine.actors:
                actor.machine.actors.remove(actor)
        return True

    def _again(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError:
            return
        self.count("late and effective")
