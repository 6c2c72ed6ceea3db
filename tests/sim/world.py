"""The simulated farm: one clock, one seed, and actors that take turns at every call.

Every actor has a stream of random numbers of its own, and whatever befalls the farm has a key
that stays the same when other events are left out: so a schedule can be run again with some of
its events only (`tests.sim.shrink`).
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from greenlet import getcurrent, greenlet

from tests.sim.server import Server
from tests.sim.weather import CALM, Weather

ROOT = "/spool"
LATENCY = 0.002  #: seconds a call takes when nothing is wrong
BURSTS = (0, 0, 0, 1, 2, 4, 8, 30)  #: calls that an actor makes before another may run
PAUSES = (0.0, 0.0, 0.0, 0.002, 0.004, 0.02, 0.1, 0.5)  #: seconds others then have, at least
EVEN = 1000  #: the burst of an actor that a shrunk schedule does not interrupt
LATE = (0.1, 2.0, 20.0, 400.0)  #: seconds within which a late duplicate arrives
Event = tuple[str, float]  #: what happened, and the number that decides its details


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

    def __init__(
        self, world: "World", machine: Machine, act: Callable[["Actor"], None], name: str = ""
    ) -> None:
        self.world, self.machine = world, machine
        self.name = world.name(name or machine.name)
        self.rng = world.stream(self.name)
        self.calls: dict[str, int] = {}
        self.is_alive, self.is_exposed = True, True
        self.is_aside = False  #: asks within others' turns, and never waits
        self.wake = world.now
        self._pace = world.pace(self.name)
        self._budget = 0
        self._thread = greenlet(self._run, parent=world.hub)
        self._act = act
        machine.actors.append(self)
        world.enter(self)

    def _run(self) -> None:
        try:
            self._act(self)
        except Died:
            pass
        finally:
            self.is_alive = False

    def resume(self) -> None:
        """Let it run until it has made some calls more, or sleeps."""
        self._budget = self._pace.choice(BURSTS) if self._pace else EVEN
        self._thread.switch()

    def number_of(self, call: str) -> int:
        """How many calls of this kind it has made, this one among them."""
        number = self.calls[call] = self.calls.get(call, 0) + 1
        return number

    def step(self) -> None:
        """One call of the share: time passes and others may come first.  Raises Died, OSError."""
        world = self.world
        if not self.is_alive:
            raise Died
        world.steps += 1
        world.now += LATENCY
        if self.is_aside:
            return
        self._budget -= 1
        if world.latency > LATENCY:
            self.sleep(world.now + world.latency)
        elif self._budget < 0:
            self.sleep(world.now + (self._pace.choice(PAUSES) if self._pace else 0.0))
        elif self.blocked_until() > world.now:
            self.sleep(self.blocked_until())
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
        self.wake_at(until)
        self.pause()

    def wake_at(self, when: float) -> None:
        """Let its next turn come at a time."""
        self.wake = when
        self.world.enter(self)

    def die(self) -> None:
        """End this program and all that runs on its machine."""
        self.world.kill(self.machine)
        raise Died

    def end(self) -> None:
        """Unwind it; what its code does on the way out reaches nothing any more."""
        self.is_alive = False
        if self._thread and self._thread is not getcurrent():
            self._thread.parent = getcurrent()  # which goes on when it has ended
            self._thread.throw(Died)


class World:
    """Runs actors in an order that the seed decides, and counts what happened."""

    def __init__(self, seed: int, script: Mapping[str, Event] | None = None) -> None:
        self.seed, self.script = seed, script
        self.events: dict[str, Event] = {}  #: what befell, in order, by key
        self.luck = self.stream("luck")  #: draws faults; not used where a script says them
        self.hub = getcurrent()
        self.now = 1000.0
        self.steps = 0
        self.latency = LATENCY
        self.outage_until = 0.0  #: the server answers nobody before
        self.actors: dict[Actor, None] = {}
        self.locks: dict[str, Actor] = {}
        self.counts: Counter[str] = Counter()
        self.calm = CALM
        self.weather = CALM
        self.worst = 0.0
        self.server = Server(lambda: self.now)
        self.trace: Callable[[str], None] | None = None
        self._names: Counter[str] = Counter()
        self._turns: list[tuple[float, int, Actor]] = []
        self._entered = 0
        self._late: list[tuple[float, int, Callable[[], None]]] = []
        self._late_creates: set[str] = set()

    # What the seed decides.

    def stream(self, name: str) -> random.Random:
        """Random numbers for one purpose, whatever else is drawn."""
        return random.Random(f"{self.seed}/{name}")

    def name(self, wish: str) -> str:
        """A name of its own for an actor."""
        self._names[wish] += 1
        return wish if self._names[wish] == 1 else f"{wish}.{self._names[wish]}"

    def pace(self, name: str) -> random.Random | None:
        """When an actor is interrupted; None where a shrunk schedule lets it run evenly."""
        return self.stream(f"{name}/pace") if self.befalls(f"{name} pace", "pace") else None

    def befalls(self, key: str, kind: str, salt: float = 0.0) -> bool:
        """Note an event; False where a shrunk schedule leaves it out."""
        if self.script is not None and key not in self.script:
            return False
        self.events[key] = kind, salt
        return True

    def planned(self, key: str) -> Event | None:
        """What a script has happen at a call."""
        assert self.script is not None
        return self.script.get(key)

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

    def later(self, act: Callable[[], None], call: str, path: str, salt: float) -> None:
        """Have the server do a request once more, up to minutes later.

        Never both the CREATE and the RENAME of one temp: together they would bring a chunk back,
        and no name can be proof against that (counted, so that nobody thinks it covered).
        """
        if call == "create":
            self._late_creates.add(path)
        elif call == "rename" and path in self._late_creates:
            self.count("late twice, left out")
            return
        rng = random.Random(salt)
        self._entered += 1
        heappush(self._late, (self.now + rng.random() * rng.choice(LATE), self._entered, act))

    def kill(self, machine: Machine) -> None:
        """A machine loses power: nothing of it runs on, its locks go."""
        machine.impaired_at = self.now
        actors, machine.actors = machine.actors, []
        for actor in actors:
            actor.is_alive = False
        for actor in actors:
            actor.end()

    # Turns.

    def enter(self, actor: Actor) -> None:
        """Put an actor into the order of turns, by its time of waking."""
        self.actors[actor] = None
        self._entered += 1
        heappush(self._turns, (actor.wake, self._entered, actor))

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
        if not self._turns:
            return False
        wake, _, actor = heappop(self._turns)
        if not actor.is_alive:
            self._forget(actor)
            return True
        if wake != actor.wake:  # it was woken earlier, or sleeps on
            return True
        blocked = actor.blocked_until()
        if blocked > max(self.now, wake):
            actor.wake_at(blocked)
            return True
        self._arrive(max(self.now, wake))
        self.now = max(self.now, wake)
        actor.wake = float("inf")
        actor.resume()
        if not actor.is_alive:
            self._forget(actor)
        return True

    def _forget(self, actor: Actor) -> None:
        self.actors.pop(actor, None)
        if actor in actor.machine.actors:
            actor.machine.actors.remove(actor)

    def _arrive(self, now: float) -> None:
        """Requests that were on their way reach the server."""
        while self._late and self._late[0][0] <= now:
            when, _, act = heappop(self._late)
            self.now = max(self.now, when)
            try:
                act()
            except OSError:
                continue
            self.count("late and effective")
