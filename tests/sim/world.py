"""The simulated farm: one clock, one seed, and actors that take turns at every call."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from greenlet import getcurrent, greenlet

from tests.sim.server import File, Server
from tests.sim.size import LARGE
from tests.sim.weather import CALM, STRIKES, Weather

ROOT = "/spool"
LATENCY = 0.002  #: seconds a call takes when nothing is wrong
BURSTS = (0, 0, 0, 1, 2, 4, 8, 30)  #: calls that an actor makes before another may run
PAUSES = (0.0, 0.0, 0.0, 0.002, 0.004, 0.02, 0.1, 0.5)  #: seconds that it then leaves to others
Key = tuple[str, int]
Words = tuple[tuple[str, ...], ...]


class Died(BaseException):
    """The program, or its whole machine, is gone; nothing of it runs on."""


class Violation(AssertionError):
    """A rule of the protocol was broken."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fault or an act: to whom, at which call or act of theirs, what.

    `World.script` may name some of a run's events by their keys: a second run has these alone.
    """

    who: str
    number: int
    what: str
    step: int

    @property
    def key(self) -> Key:
        return self.who, self.number


@dataclass(eq=False)
class Machine:
    """What stops, hangs and dies together: a daemon and its runners, or one person's tool."""

    name: str
    frozen_until: float = 0.0  #: suspended, or its share hangs: calls do not return before
    cut_until: float = 0.0  #: every call fails until then
    bare: Server | None = None  #: the empty folders that lie where shares are not mounted
    unmounted: tuple[str, ...] = ()  #: which shares are not
    bared_at: float = 0.0  #: since when
    impaired_at: float = float("-inf")  #: when anything of its own last went wrong
    actors: list["Actor"] = field(default_factory=list)
    unsynced: list[File] = field(default_factory=list)
    born: int = 0  #: actors so far
    release: str = ""  #: of the programs that run on it; empty: the present one


class Actor:
    """A thread of a program: runs until its next call, which is a step of the world."""

    def __init__(self, world: "World", machine: Machine, act: Callable[["Actor"], None]) -> None:
        self.world, self.machine = world, machine
        self.name = f"{machine.name}/{machine.born}"
        machine.born += 1
        self.rng = random.Random(f"{world.seed} {self.name}")
        # Its own as well, so that an event left out of a schedule leaves others' turns as they are.
        self._pace = random.Random(f"{world.seed} {world.turns} {self.name} pace")
        self.is_alive, self.is_exposed = True, True
        self.is_aside = False  #: asks within others' turns, and waits for nobody
        self.wake = world.now
        self.calls = 0
        self.dies_at = -1  #: the call before or at which a program is killed half-way
        self._chances = 0
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

    def resume(self) -> None:
        """Let it run until it has made some calls more, or sleeps."""
        self._budget = self._pace.choice(BURSTS)
        self._thread.switch()

    def step(self) -> None:
        """One call of the share: time passes and others may come first.  Raises Died, OSError."""
        world, machine = self.world, self.machine
        if not self.is_alive:  # on its way out, where nobody would resume it
            raise Died
        world.steps += 1
        world.now += world.latency
        self.calls += 1
        self._budget -= 1
        now = world.now
        if self.is_aside:
            return
        if self._budget < 0:
            self.sleep(now + self._pace.choice(PAUSES))
        elif machine.frozen_until > now or world.outage_until > now:
            self.sleep(now)
        if self.calls == self.dies_at:
            self.is_alive = False
            raise Died
        if machine.cut_until > world.now:
            raise TimeoutError(110, "the network is cut")

    def blocked_until(self) -> float:
        """When its machine runs again and the server answers it."""
        frozen, outage = self.machine.frozen_until, self.world.outage_until
        return outage if outage > frozen and self.is_exposed else frozen

    def chance(self, odds: float, what: str) -> bool:
        """Whether something of its own befalls this program now."""
        if not odds:
            return False
        self._chances += 1
        if self.rng.random() >= odds:
            return False
        return self.world.happens(self.name, -self._chances, what)

    def pause(self) -> None:
        """Let others run; raises Died when this program was ended meanwhile."""
        self.world.hub.switch()
        if not self.is_alive:
            raise Died

    def sleep(self, until: float) -> None:
        """Do nothing before a time."""
        self.wake = until
        self.pause()

    def die(self) -> None:
        """End this program and all that runs on its machine."""
        self.world.kill(self.machine)
        raise Died

    def end(self) -> None:
        """Unwind it; what its code does on the way out reaches nothing any more."""
        self.is_alive = False
        if self._thread and self._thread is not getcurrent():
            self._thread.parent = getcurrent()  # which goes on when it has ended
            self._thread.parent = getcurrent()  # who ended it goes on at once
            self._thread.throw(Died)


class World:
    """Runs actors in an order that the seed decides, and counts what happened."""

    def __init__(self, seed: int, script: Mapping[Key, str] | None = None, turns: int = 0) -> None:
        self.seed, self.script = seed, script
        self.turns = turns  #: which of the orders of turns, for one script
        self.rng = random.Random(f"{seed} power")
        self._sky = random.Random(f"{seed} sky")
        self.hub = getcurrent()
        self.now = 1000.0
        self.steps = 0
        self.latency = LATENCY
        self.late_within = LARGE.late
        self.outage_until = 0.0  #: the server answers nobody before
        self.actors: list[Actor] = []
        self.turn: Actor | None = None  #: whose turn it is
        self.locks: dict[str, Actor] = {}
        self.claimed: set[str] = set()  #: the run names that chunks ever had
        self.own_words: dict[int, Words] = {}  #: by inode, what people wrote into waiting chunks
        self.claimed_words: dict[str, Words] = {}  #: by run name, what it so held when claimed
        self.counts: Counter[str] = Counter()
        self.events: list[Event] = []
        self.is_calm = True
        self.is_late = False  #: a late duplicate is being done
        self.server = Server(lambda: self.now)
        self.trace: Callable[[str], None] | None = None
        self._late: list[tuple[int, str, Callable[[], None]]] = []
        self._late_creates: set[str] = set()
        self.set_weather(CALM)

    def count(self, what: str) -> None:
        """Count what happened."""
        self.counts[what] += 1
        if self.trace is not None:
            self.trace(what)

    def happens(self, who: str, number: int, what: str) -> bool:
        """Whether a fault or act that was drawn takes place; every one asks here, by its key."""
        if self.script is not None and (who, number) not in self.script:
            return False
        self.events.append(Event(who, number, what, self.steps))
        self.count(what)
        return True

    def detail(self, who: str, number: int) -> random.Random:
        """What decides the particulars of one event, whatever else happened."""
        return random.Random(f"{self.seed} {who} {number}")

    def set_weather(self, weather: Weather) -> None:
        """From now on calls meet these faults."""
        self.is_calm = weather is CALM
        self._odds = {kind: weather.odds(kind) for kind in STRIKES}
        self._worst = {kind: odds[-1][0] for kind, odds in self._odds.items()}

    def strike(self, actor: Actor, kind: int) -> str:
        """The fault that hits a call, or an empty string; who meets it says so by `happens`."""
        if self.script is not None:
            said = self.script.get((actor.name, actor.calls), "")
            return said if said in STRIKES[kind] else ""  # its calls are others by now
        draw = self._sky.random()
        if draw >= self._worst[kind]:
            return ""
        return next(name for odds, name in self._odds[kind] if draw < odds)

    def later(self, act: Callable[[], None], actor: Actor, call: str, path: str) -> None:
        """Have the server do a request once more, some thousands of steps later.

        Never both the CREATE and the RENAME of one temp: together they would bring a chunk back,
        and no name can be proof against that (counted, so that nobody thinks it covered).
        """
        if call == "create":
            self._late_creates.add(path)
        elif call == "rename" and path in self._late_creates:
            self.count("late twice, left out")
            return
        rng = self.detail(actor.name, actor.calls)
        when = self.steps + rng.randrange(1, rng.choice(self.late_within))
        heappush(self._late, (when, f"{actor.name} {actor.calls}", act))

    def kill(self, machine: Machine) -> None:
        """A machine loses power: nothing of it runs on, and what was not synced is torn."""
        self.end(machine)
        for file in machine.unsynced:
            if not file.is_synced and self.rng.random() < 0.3:
                self.count("torn by a power cut")
                file.data = file.data[: self.rng.randrange(len(file.data) + 1)]
        machine.unsynced.clear()

    def end(self, machine: Machine) -> None:
        """All programs of a machine are gone, and their locks."""
        machine.impaired_at = self.now
        actors, machine.actors = machine.actors, []
        for actor in actors:
            actor.is_alive = False
        for path in [p for p, actor in self.locks.items() if not actor.is_alive]:
            del self.locks[path]
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
        awake = [a for a in self.actors if a.wake <= now]
        ready = [a for a in awake if a.blocked_until() <= now]
        if not ready:
            if not self.actors:
                return False
            self.now = min(max(a.wake, a.blocked_until()) for a in self.actors)
            return True
        actor = ready[0] if len(ready) == 1 else min(ready, key=_wake)
        if actor.is_alive:
            self.turn = actor
            actor.resume()
            self.turn = None
        if not actor.is_alive:
            self.actors.remove(actor)
            if actor in actor.machine.actors:
                actor.machine.actors.remove(actor)
        return True

    def _again(self, act: Callable[[], None]) -> None:
        self.is_late = True
        try:
            act()
        except OSError:
            return
        finally:
            self.is_late = False
        self.count("late and effective")


def _wake(actor: Actor) -> float:
    return actor.wake
