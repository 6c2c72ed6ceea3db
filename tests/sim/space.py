"""All that may happen next, from each state of a small farm.

A state is the server's truth, where each program stands, what the server is still to hear once
more, and how many faults are left: small numbers, each for a thing met before.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, NamedTuple, TypeVar

from renderd.core.chunk import Chunk, State, parse
from renderd.core.names import parse_ticket
from renderd.spool.layout import BEATS, DEAD, DONE, FAILED, QUEUE, TICKETS
from tests.sim.programs import ROOT, Local, Stage, set_stage
from tests.sim.truth import FAULTS, Answer, Call, Truth, strike
from tests.sim.world import Violation

HOSTS = ("ws01", "ws02")
OUTCOMES = ("end done", "end fail")
KINDS = (*(kind for kind in FAULTS if kind != "delayed"), "crash", "false death")
AGAIN = "starts, as nobody else is left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much is searched."""

    faults: int = 2
    kinds: tuple[str, ...] = KINDS
    outcomes: tuple[str, ...] = OUTCOMES
    retries: int = 1  #: of the job
    has_person: bool = False  #: who retries a failed chunk, instead of the job's own retries
    is_beyond: bool = False  #: also what daemons still do when the job has come to failed/
    seconds: float = float("inf")  #: of the search, at most


#: truth, each program, what is heard late, faults left
Place = tuple[int, ...]


class Move(NamedTuple):
    """What one program, or its fate, may do at a truth."""

    truth: int
    local: int
    again: int = -1  #: the call that the server hears once more later
    cost: int = 0  #: faults that it takes
    is_sure: bool = True  #: an ending may rely on it
    how: str = ""  #: the fault, or what befalls the program
    step: int = -1  #: the program as it makes the call, where a step began with it


T = TypeVar("T")


@dataclass(slots=True)
class Ids(Generic[T]):
    """Gives equal things the same small number."""

    known: dict[object, int] = field(default_factory=dict)
    things: list[T] = field(default_factory=list)

    def of(self, thing: T, key: object = None) -> int:
        """The number of a thing; `key` stands for it where it cannot be hashed."""
        key = thing if key is None else key
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = len(self.things)
            self.things.append(thing)
        return found


class Space:
    """The states of a small farm; raises Violation where a rule is broken."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        truth, self.jid = set_stage(0 if scope.has_person else scope.retries, HOSTS)
        self.group = f"{ROOT}/jobs/{self.jid}/000"
        self.moving = {*(f"{ROOT}/{name}" for name in (QUEUE, DONE, FAILED, DEAD)), self.group}
        self.stage = Stage(truth, self._is_still, HOSTS)
        self.truths: Ids[Truth] = Ids()
        self.locals: Ids[Local] = Ids()
        self.calls: Ids[Call] = Ids()
        self.lates: Ids[tuple[int, ...]] = Ids()
        self._advanced: dict[tuple[int, Answer], int] = {}
        self._applied: dict[tuple[int, int, int, str], tuple[int, Answer, int] | None] = {}
        self._moves: dict[tuple[int, int, int, bool], tuple[Move, ...]] = {}
        self._ends: dict[int, str] = {}
        self._late_moves: dict[tuple[int, int], tuple[Move, ...]] = {}
        programs = [Local(host, 1) for host in HOSTS]
        for program in programs:
            truth = _born(truth, program)
        if scope.has_person:
            programs.append(Local("person", 1))
        places = [self.locals.of(program) for program in programs]
        self.start: Place = (self._truth(truth), *places, self.lates.of(()), scope.faults)

    def _is_still(self, call: Call) -> bool:
        """True for what no program here changes, or what none of them heeds."""
        if call.path in self.moving or call.path.startswith(f"{ROOT}/nodes/"):
            return False
        return call.op == "read" or call.path.rpartition("/")[0] not in self.moving

    # Truths.

    def _truth(self, truth: Truth) -> int:
        if "stale" not in self.scope.kinds:
            truth = truth.without_past()
        return self.truths.of(truth, truth.key)

    def _apply(self, at: int, call: int, by: int, fault: str) -> tuple[int, Answer, int] | None:
        """A call's effect, checked; ids of the truth after it and of the call heard again."""
        key = at, call, by, fault
        if key not in self._applied:
            truth, asked = self.truths.things[at], self.calls.things[call]
            struck = strike(truth, asked, by, fault) if fault else (*truth.apply(asked, by), None)
            found = None
            if struck is not None:
                after, answer, again = struck
                self._check(truth, after)
                found = self._truth(after), answer, -1 if again is None else call
            self._applied[key] = found
        return self._applied[key]

    def chunks(self, truth: Truth) -> list[Chunk]:
        """The names of the one chunk."""
        return [c for n in truth.names(self.group) if (c := parse(n))]

    def _check(self, before: Truth, after: Truth) -> None:
        """I1 and I2, at every change (I3 is I1: a name that was reclaimed is nobody's claim)."""
        if before is after:
            return
        lying = [t for f in TICKETS for n in after.names(f"{ROOT}/{f}") if (t := parse_ticket(n))]
        if len(lying) != 1:
            raise Violation(f"I2: the ticket lies in {len(lying)} places: {lying}")
        if before.folders[self.group] is after.folders[self.group]:
            return
        seen = self.chunks(after)
        if len(seen) != 1:
            raise Violation(f"I2: the chunk has {len(seen)} files: {[c.name for c in seen]}")
        was, now = self.chunks(before)[0], seen[0]
        if was.state is State.DONE:
            raise Violation(f"I1: {was.name} was done, and became {now.name}")
        if now.state is State.DONE:
            claim = (was.state, was.owner, was.nonce)
            if claim != (State.RUN, now.owner, now.nonce):
                raise Violation(f"I1: {now.name} did not come from its own claim: {was.name}")

    def end_of(self, at: int) -> str:
        """The folder that the job's ticket came to its end in; empty where it has not."""
        if at not in self._ends:
            truth = self.truths.things[at]
            states = {c.state for c in self.chunks(truth)}
            done = bool(truth.names(f"{ROOT}/{DONE}")) and states == {State.DONE}
            failed = bool(truth.names(f"{ROOT}/{FAILED}")) and states == {State.FAIL}
            self._ends[at] = DONE if done else FAILED if failed else ""
        return self._ends[at]

    def tell(self, place: Place) -> str:
        """A state for a person."""
        truth = self.truths.things[place[0]]
        held = {p.removeprefix(ROOT): sorted(f) for p, f in truth.folders.items() if f}
        late = [self.calls.things[c] for c in self.lates.things[place[-2]]]
        return f"{held}, late: {late}"

    # Programs.

    def _answered(self, local: int, answer: Answer) -> int:
        key = local, answer
        if key not in self._advanced:
            self._advanced[key] = self.locals.of(
                self.stage.advance(self.locals.things[local], answer)
            )
        return self._advanced[key]

    def _may(self, at: Local, truth: Truth) -> list[str]:
        """The steps that a program between two of them may take and that may do something."""
        chunks = self.chunks(truth)
        if at.host == "person":
            failed = any(c.state is State.FAIL for c in chunks)
            is_cut_short = bool(truth.names(f"{ROOT}/{FAILED}")) and not failed
            return ["retry"] if failed or is_cut_short else []
        steps = []
        if at.inc in truth.names(f"{ROOT}/{DEAD}"):  # its next beat tells it; what ran may end
            return list(self.scope.outcomes) if at.held else []
        queued = frozenset(truth.names(f"{ROOT}/{QUEUE}"))
        if at.held:
            steps += self.scope.outcomes
            if queued != at.tickets:
                steps.append("poll")
        elif queued or at.tickets or at.is_unsettled:
            steps.append("tick")
        dead = truth.names(f"{ROOT}/{DEAD}")
        if any(d not in at.dead or truth.names(f"{ROOT}/nodes/{d}/in") for d in dead):
            steps.append("dead")
        if not at.held and any(c.owner == at.inc and c.state is State.RUN for c in chunks):
            steps.append("minute")
        return steps

    # Moves.

    def moves(self, place: Place) -> Iterator[tuple[int, Move, Place]]:
        """All that may happen next: to which program (-1: none), what, and where it leads."""
        late, faults, last = *place[-2:], len(place) - 2
        is_over = self._is_over(place)
        if is_over and not (self.scope.is_beyond and self.end_of(place[0]) == FAILED):
            return
        if is_over and faults:  # they strike until the job is over
            place, faults = (*place[:-1], 0), 0
        for who in range(1, last):
            if place is self.start and who == 2:
                continue  # the nodes are alike: let the first be the one that begins
            local = place[who]
            key = place[0], local, who, faults > 0
            found = self._moves.get(key)
            if found is None:
                found = self._moves[key] = tuple(self._moves_of(place[0], local, who, faults > 0))
            if is_over and self.locals.things[local].call is None:
                continue  # nothing is begun any more
            for move in found:
                if move.how and (is_over or (move.how == AGAIN and self.has_machine(place))):
                    continue
                to = (move.truth, *place[1:who], move.local, *place[who + 1 : last])
                after = late if move.again < 0 else self._later(late, move.again)
                yield who, move, (*to, after, faults - move.cost)
        for move in self._heard(place[0], late) if late else ():
            yield -1, move, (move.truth, *place[1:last], move.local, faults)

    def _is_over(self, place: Place) -> bool:
        """True where the job has ended, nobody holds any of it and nothing is late."""
        end = self.end_of(place[0])
        if not end or self.lates.things[place[-2]] or (end == FAILED and self.scope.has_person):
            return False
        at = self.locals.things
        return not any(at[i].held or at[i].is_unsettled for i in place[1:-2])

    def has_machine(self, place: Place) -> bool:
        """True where a daemon is there: no other one is needed then."""
        return any(self.locals.things[i].generation for i in place[1:3])

    def _later(self, late: int, again: int) -> int:
        return self.lates.of(tuple(sorted((*self.lates.things[late], again))))

    def _heard(self, truth: int, late: int) -> tuple[Move, ...]:
        """The server hears a request once more: `local` is what is late then."""
        key = truth, late
        if key not in self._late_moves:
            calls, found = self.lates.things[late], []
            for i, call in enumerate(calls):
                applied = self._apply(truth, call, -1, "")
                assert applied is not None
                left = self.lates.of(calls[:i] + calls[i + 1 :])
                found.append(Move(applied[0], left, call, is_sure=False, how="heard late"))
            self._late_moves[key] = tuple(found)
        return self._late_moves[key]

    def _moves_of(self, truth: int, local: int, who: int, has_faults: bool) -> Iterator[Move]:
        at = self.locals.things[local]
        if at.call is not None:
            yield from self._calls(truth, local, who, has_faults)
        elif at.generation:
            for name in self._may(at, self.truths.things[truth]):
                begun = self.locals.of(self.stage.begin(at, name))
                if self.locals.things[begun].call is None:
                    yield Move(truth, begun, step=begun)
                else:
                    yield from self._calls(truth, begun, who, has_faults)
        if at.generation and has_faults and "crash" in self.scope.kinds:
            yield self._crash(truth, at)
        if at.host != "person":
            yield from self._life(truth, local, who, has_faults)

    def _crash(self, truth: int, at: Local) -> Move:
        if at.host == "person":  # who tells again what the tool did not say it did
            left = self.locals.of(Local("person", at.generation + 1))
        else:
            left = self._gone(at)
        return Move(truth, left, cost=1, is_sure=False, how="crash")

    def _gone(self, at: Local) -> int:
        return self.locals.of(Local(at.host, 0, str(at.generation).encode()))

    def _calls(self, truth: int, local: int, who: int, has_faults: bool) -> Iterator[Move]:
        call = self.locals.things[local].call
        assert call is not None
        for fault in ("", *(FAULTS if has_faults else ())):
            if fault and fault not in self.scope.kinds:
                continue
            found = self._apply(truth, self.calls.of(call), who, fault)
            if found is not None:
                after, answer, again = found
                new = self._answered(local, answer)
                yield Move(after, new, again, int(bool(fault)), not fault, fault, local)

    def _life(self, truth: int, local: int, who: int, has_faults: bool) -> Iterator[Move]:
        """Beats, deaths and restarts: one event each."""
        at, world = self.locals.things[local], self.truths.things[truth]
        is_declared = at.inc in world.names(f"{ROOT}/{DEAD}")
        if at.generation and at.call is None and (is_declared or at.is_fenced):
            yield Move(truth, self._gone(at), how="is fenced")
        if not at.generation:
            new = Local(at.host, int(at.memory) + 1)
            yield Move(self._truth(_born(world, new)), self.locals.of(new), how=AGAIN)
        for name in world.names(f"{ROOT}/{BEATS}/00"):
            inc = name.partition(".")[0]
            if inc.rpartition("-")[0] != at.host:
                continue
            is_false = bool(at.generation) and inc == at.inc
            if is_false and (not has_faults or "false death" not in self.scope.kinds):
                continue
            call = Call("rename", f"{ROOT}/{BEATS}/00/{name}", f"{ROOT}/{DEAD}/{inc}")
            found = self._apply(truth, self.calls.of(call), who, "")
            assert found is not None
            how = "false death" if is_false else "death is declared"
            yield Move(found[0], local, -1, int(is_false), not is_false, how)

    def label(self, who: int, move: Move) -> str:
        """A move for a person."""
        if who < 0:
            call = self.calls.things[move.again]
            return f"{call.op} {call.path} {_new(call)} is heard late"
        at = self.locals.things[move.step if move.step >= 0 else move.local]
        call_ = at.call if move.step >= 0 else None
        said = f"{at.step}: {call_.op} {call_.path} {_new(call_)}" if call_ is not None else at.step
        return f"{at.host} {said} {move.how and f'[{move.how}]'}".replace(f"{ROOT}/", "")


def _new(call: Call) -> str:
    return f"→ {call.arg}" if call.op == "rename" else ""


def _born(truth: Truth, local: Local) -> Truth:
    """A node registers: one event."""
    beats = f"{ROOT}/{BEATS}/00"
    folders = {f"{ROOT}/nodes/{local.inc}": {}, f"{ROOT}/nodes/{local.inc}/in": {}}
    held = {**truth.folders[beats], f"{local.inc}.00000001.5.aaaa": b""}
    return replace(truth, folders={**truth.folders, **folders, beats: held})
