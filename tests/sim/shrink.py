"""A failing schedule made short: its events are left out, as many as the violation does without."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.sim.farm import Plan, run
from tests.sim.trace import Line, traced
from tests.sim.world import Event, Key, Violation, World

SHORT_CALM = 10_000  #: calls that a small farm needs to come to its end, amply
KEPT_ALL = "no law is broken"


@dataclass(frozen=True, slots=True)
class Case:
    """A schedule that breaks a law: its seed, and the events that are left of it."""

    seed: int
    plan: Plan
    script: Mapping[Key, str] | None = None
    turns: int = 0  #: another order of turns

    def world(self) -> World:
        """A fresh world for it."""
        return World(self.seed, self.script, self.turns)

    @property
    def words(self) -> str:
        """The events that are left, as `--only` takes them."""
        script = self.script or {}
        return ",".join(f"{who}:{number}={what}" for (who, number), what in script.items())

    def run(self) -> tuple[World, Exception | None]:
        """Run it; the world, and what was broken in it."""
        world = self.world()
        try:
            return run(world, self.plan), None
        except Exception as error:
            return world, error

    def told(self, *, is_whole: bool = False) -> list[Line]:
        """What befell and what concerns the violation, or all its lines; how it ends last."""
        world, said = self.world(), ""
        with traced(world) as trace:
            try:
                run(world, self.plan)
            except Exception as error:
                said = say(error)
            trace.add("END", said or KEPT_ALL, is_act=True)
        return trace.lines if is_whole else trace.about(said)


def parse_words(words: str) -> dict[Key, str]:
    """The events that `Case.words` tells.  Raises ValueError."""
    script: dict[Key, str] = {}
    for word in filter(None, words.split(",")):
        key, _, what = word.partition("=")
        who, _, number = key.rpartition(":")
        script[who, int(number)] = what
    return script


def say(error: Exception) -> str:
    """What was broken, in words."""
    return str(error) if isinstance(error, Violation) else f"{type(error).__name__}: {error}"


def law(error: Exception | None) -> str:
    """Which law, for comparing: the same however jobs and chunks are called."""
    return "" if error is None else say(error).partition(":")[0]


def shrink(
    case: Case, *, patience: float = 60.0, progress: Callable[[str], None] | None = None
) -> Case:
    """The same violation with as few events as are found in `patience` seconds of this process."""
    world, error = case.run()
    if error is None:
        raise ValueError(f"seed {case.seed} breaks no law")
    search = _Search(law(error), time.process_time() + patience, progress)
    search.take(replace(case, script=_script(world.events)), world)
    search.shorten_calm()
    search.by_kind()
    while search.by_blocks():
        pass
    return search.best


def _script(events: Sequence[Event]) -> dict[Key, str]:
    return {event.key: event.what for event in events}


class _Search:
    """Leaves out one part after another, and keeps what breaks the same law."""

    def __init__(self, aim: str, deadline: float, progress: Callable[[str], None] | None) -> None:
        self.aim, self.deadline, self.progress = aim, deadline, progress
        self.tries = 0
        self.best: Case
        self.events: list[Event]

    def take(self, case: Case, world: World) -> None:
        """Go on from here."""
        self.events = list(world.events)
        self.best = replace(case, script=_script(self.events))
        if self.progress:
            self.progress(f"{len(self.events)} events, {world.steps} calls, {self.tries} tries")

    @property
    def is_over(self) -> bool:
        return time.process_time() > self.deadline

    def without(self, gone: Sequence[Event]) -> bool:
        """Whether the law is broken without these; then they stay out."""
        keys = {event.key for event in gone}
        script = {e.key: e.what for e in self.events if e.key not in keys}
        for turns in (0, 1, 2):
            if self.is_over:
                return False
            self.tries += 1
            case = replace(self.best, script=script, turns=self.best.turns + turns)
            world, error = case.run()
            if law(error) == self.aim:
                self.take(case, world)
                return True
        return False

    def shorten_calm(self) -> None:
        """Wait less long for an end that does not come."""
        plan = replace(self.best.plan, calm=SHORT_CALM)
        world, error = replace(self.best, plan=plan).run()
        if law(error) == self.aim:
            self.take(replace(self.best, plan=plan), world)

    def by_kind(self) -> None:
        """Leave out all events of a kind at once."""
        for kind in sorted({event.what for event in self.events}):
            self.without([e for e in self.events if e.what == kind])

    def by_blocks(self) -> bool:
        """Leave out halves, quarters, … single events; False when none could go."""
        before = len(self.events)
        size = max(1, before // 2)
        while not self.is_over:
            start = max(0, len(self.events) - size)
            while not self.is_over:  # from the end: what came last matters least often
                self.without(self.events[start : start + size])
                if start == 0:
                    break
                start = max(0, min(start, len(self.events)) - size)
            if size == 1:
                break
            size //= 2
        return len(self.events) < before and not self.is_over
