"""Small scope, all of it: two nodes, one chunk, two attempts, every order of their calls."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context

from tests.sim.space import KINDS, Move, Place, Scope, Space
from tests.sim.world import Violation

TELL_EVERY = 1 << 14  #: states
SECONDS = 600.0  #: of CPU time a search may take
INCOMPLETE = 3  #: the exit status where time was over


@dataclass(slots=True)
class Found:
    """What a search met."""

    states: int = 0
    moves: int = 0
    ends: int = 0  #: states in which the job is over
    paths: float = 1.0  #: ways from the start to an end that pass no state twice
    depth: int = 0
    seconds: float = 0.0
    is_whole: bool = True


@dataclass(slots=True)
class _Frame:
    """A state whose moves are being tried."""

    place: Place
    moves: Iterator[tuple[int, Move, Place]]
    came: tuple[int, Move] | None = None
    paths: float = 0.0
    ends_well: bool = False


class Search:
    """Depth first through a scope; what was met before is not searched again."""

    def __init__(self, scope: Scope) -> None:
        self.space = Space(scope)
        self.found = Found()
        self._paths: dict[Place, float] = {}  #: -1: on the way there
        self._doubtful: set[Place] = set()
        self._stack: list[_Frame] = []

    def run(self, tell: Callable[[Found], None] = lambda _: None) -> Found:
        """Search to the end, or as long as the scope says.  Raises Violation with the way."""
        found, began, space = self.found, time.process_time(), self.space
        self._enter(space.start, None)
        try:
            while self._stack and found.is_whole:
                self._go_on()
                if len(self._paths) % TELL_EVERY == 0:
                    found.seconds = time.process_time() - began
                    found.is_whole = found.seconds < space.scope.seconds
                    tell(found)
            if found.is_whole:
                self._demand_an_end()
        except Violation as error:
            steps = [space.label(*frame.came) for frame in self._stack if frame.came is not None]
            raise Violation("\n  ".join((str(error), *steps))) from error
        found.seconds, found.paths = time.process_time() - began, abs(self._paths[space.start])
        return found

    def _enter(self, place: Place, came: tuple[int, Move] | None) -> None:
        self._paths[place] = -1.0
        self._stack.append(_Frame(place, self.space.moves(place), came))
        self.found.states += 1
        self.found.depth = max(self.found.depth, len(self._stack))

    def _go_on(self) -> None:
        """Try the moves of the newest state, up to one that leads to where nobody was."""
        top, paths, doubtful = self._stack[-1], self._paths, self._doubtful
        for who, move, to in top.moves:
            self.found.moves += 1
            known = paths.get(to)
            if known is None:
                self._enter(to, (who, move))
                return
            if known >= 0:
                top.paths += known
                top.ends_well |= move.is_sure and to not in doubtful
        self._leave()

    def _leave(self) -> None:
        """All moves of a state were tried: count its ways, and whether it comes to an end."""
        top = self._stack.pop()
        if self.space.end_of(top.place[0]):
            self.found.ends += 1
            top.ends_well = True
        self._paths[top.place] = max(top.paths, 1.0)
        if not top.ends_well:
            self._doubtful.add(top.place)
        if self._stack and top.came is not None:
            before = self._stack[-1]
            before.paths += self._paths[top.place]
            before.ends_well |= top.ends_well and top.came[1].is_sure

    def _demand_an_end(self) -> None:
        """I6: from each state some way without faults leads to the job's end."""
        ways: dict[Place, list[Place]] = {}
        reached: list[Place] = []
        for place in self._doubtful:
            for _, move, to in self.space.moves(place):
                if not move.is_sure:
                    continue
                if to in self._doubtful:
                    ways.setdefault(to, []).append(place)
                else:
                    reached.append(place)
        left = set(self._doubtful)
        while reached:
            place = reached.pop()
            if place in left:
                left.discard(place)
                reached += ways.get(place, [])
        if left:
            worst = min(left, key=lambda place: (-place[-1], place))
            said = f"I6: {len(left)} states from which no way leads to an end, e.g. "
            raise Violation(said + self.space.tell(worst))


def search(scope: Scope, tell: Callable[[Found], None] = lambda _: None) -> Found:
    """Search a scope to its end, or as long as it may take.  Raises Violation with the way."""
    return Search(scope).run(tell)


def main(
    faults: int, kinds: tuple[str, ...] = KINDS, seconds: float = SECONDS, jobs: int = 1
) -> int:
    """Search with ever more faults, and say what was met.

    Each set of kinds is a search of its own, of `seconds` of CPU time at most, in one of `jobs`
    processes: together they are all searches of so many faults.  The job tries a failed chunk
    once more, but not with two faults or a false death: that would make ten times as many states.
    Returns 1 where a rule was broken, INCOMPLETE where none was but the time was over before all
    was searched.
    """
    scopes = [
        Scope(faults=n, kinds=some, retries=_retries(n, some), seconds=seconds)
        for n in range(faults + 1)
        for some in combinations(kinds, min(n, len(kinds)))
    ]
    is_whole = True
    # Forked: a rule that is left out is left out there, too.  A process each: states fill memory.
    with get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        for scope, found in zip(scopes, pool.imap(_searched, scopes), strict=True):
            print(_told(scope, found), flush=True)
            if isinstance(found, str):
                return 1
            is_whole &= found.is_whole
    return 0 if is_whole else INCOMPLETE


def _retries(faults: int, kinds: tuple[str, ...]) -> int:
    return int(faults < 2 and "false death" not in kinds)


def _told(scope: Scope, found: Found | str) -> str:
    """A search for a person."""
    some = ", ".join(scope.kinds)
    if isinstance(found, str):
        return f"{scope.faults} faults of {some}: {found}"
    which = f"at most {scope.faults} of: {some}" if scope.faults else "no faults"
    how = "all of it" if found.is_whole else "NOT all of it, its time was over"
    ways = f" {found.paths:.3g} interleavings," if found.is_whole else ""
    return (
        f"{which}: {how}; {found.states:,} states, {found.moves:,} moves,{ways}"
        f" {found.ends:,} ends, {found.seconds:.0f} s{'' if scope.retries else ', no retry'}"
    )


def _searched(scope: Scope) -> Found | str:
    """What a search met, or how a rule was broken."""
    try:
        return search(scope)
    except Violation as error:
        return str(error)
