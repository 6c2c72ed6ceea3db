"""Programs as functions: what one does next is told by what it knew and what it was answered.

A step of the daemon's real loop runs from a kept memory over a share that replays the answers it
had, up to the first call that has none yet.  So a program can be led down every branch.
"""

import contextlib
import os
import pickle
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from renderd.core.chunk import parse as parse_chunk
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.core.names import Beat
from renderd.core.policy import Able
from renderd.daemon import chores, hunt, life, results
from renderd.daemon.node import Node, Rest
from renderd.daemon.shortages import Shortages
from renderd.daemon.work import Ending, Result, Work
from renderd.errors import RenderdError
from renderd.spool import jobs, layout, nodes, orders, trust
from renderd.spool.adopt import Adopter
from renderd.spool.claims import Claim
from renderd.spool.layout import Spool
from renderd.spool.share import Space, Stat
from tests.sim.truth import Answer, Call, Truth

ROOT = "/spool"
IDENTITY = layout.Identity("simulation0000001")
NOW, LONG_AGO = 1000.0, 0.0  #: between two steps passes as much time as any rule waits for
_NEVER = float("-inf")


class Need(BaseException):
    """The program waits for the answer to a call."""

    def __init__(self, call: Call) -> None:
        self.call = call


class Letters(random.Random):
    """Nonces that count up: never twice the same, and the same again in a replay."""

    def __init__(self, drawn: int) -> None:
        super().__init__(0)
        self.drawn = drawn

    def choices(self, population: Any, *_: Any, k: int = 1, **__: Any) -> list[Any]:
        self.drawn += 1
        digits = [self.drawn // len(population) ** i % len(population) for i in range(k)]
        return [population[d] for d in reversed(digits)]

    def random(self) -> float:
        return 0.5

    def randrange(self, *_: Any) -> int:  # type: ignore[override]
        return 0


class Replay:
    """A share that answers as recorded; what nobody ever changes it answers at once."""

    def __init__(self, still: Truth, is_still: Callable[[Call], bool], answers: Any) -> None:
        self._still, self._is_still = still, is_still
        self._answers = list(reversed(answers))
        self._need: Need | None = None
        self._times = 0

    def _ask(self, op: str, path: str, arg: Any = None) -> Any:
        call = Call(op, path, arg)
        if self._need is not None:
            raise self._need  # what runs on the way out reaches nothing
        if self._is_still(call):
            answer = self._still.apply(call, 0)[1]
        elif self._answers:
            answer = self._answers.pop()
        else:
            self._need = Need(call)
            raise self._need
        if answer.number:
            raise OSError(answer.number, os.strerror(answer.number), path)
        return answer.value

    def listdir(self, path: str) -> list[str]:
        return list(self._ask("listdir", path))

    def changed_at(self, path: str) -> int:
        self._times += 1  # as if all folders changed all the time: what is asked is listed
        return self._times

    def stat(self, path: str) -> Stat:
        said = self._ask("stat", path)
        size, mode = (0, 0o042770) if said == "folder" else (said, 0o100660)
        return Stat(size, 0, os.geteuid(), 0, mode, 1, 1, 1)

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> bytes:
        folder, _, name = path.rpartition("/")
        if parse_chunk(name):  # its words are its own under each of its names: nobody writes them
            path = f"{folder}/{self._still.names(folder)[0]}"
        return self._ask("read", path)[start : start + limit]

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        self._ask("create", path, data)

    def rename(self, old: str, new: str) -> None:
        self._ask("rename", old, new)

    replace = swap = rename

    def unlink(self, path: str) -> None:
        self._ask("unlink", path)

    def mkdir(self, path: str) -> None:
        self._ask("mkdir", path)

    def rmdir(self, path: str) -> None:
        self._ask("rmdir", path)

    def lock(self, path: str, *, shared: bool = False) -> Any:
        self._ask("lock", path)
        return self

    def release(self) -> None:
        """Nobody else edits control files here."""

    def space(self, path: str) -> Space:
        return Space(1 << 40, 1 << 41, -1)

    def sync_folder(self, path: str) -> None: ...

    def sync_file(self, path: str) -> None: ...


class Direct(Replay):
    """A share that does at once what is asked: to set the stage."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth

    def _ask(self, op: str, path: str, arg: Any = None) -> Any:
        self.truth, answer = self.truth.apply(Call(op, path, arg), -1)
        if answer.number:
            raise OSError(answer.number, os.strerror(answer.number), path)
        return answer.value


@dataclass(frozen=True, slots=True)
class Local:
    """Where a program stands: between two steps, or in one at a call."""

    host: str
    generation: int  #: 0: not there (crashed, or not yet come)
    memory: bytes = b""
    step: str = ""  #: the part of a step that it is in
    then: tuple[str, ...] = ()  #: the parts that follow
    answers: tuple[Answer, ...] = ()
    call: Call | None = None
    held: str = ""  #: the key of a chunk that runs here, by the node's own word
    is_unsettled: bool = False
    is_fenced: bool = False
    dead: frozenset[str] = frozenset()
    tickets: frozenset[str] = frozenset()

    @property
    def inc(self) -> str:
        """The incarnation's name."""
        return f"{self.host}-{self.generation:08x}"


#: the parts of a step, in the loop's order; between two a program knows its memory alone
PARTS = {
    "tick": ("settle", "poll", "claim"),
    "poll": ("poll",),
    "end done": ("report done", "claim", "settle"),
    "end fail": ("report fail", "settle"),
}


def _report(node: Node, ending: Ending) -> None:
    results.report(node, Result(work=node.running[0], ending=ending, reason="as the search says"))


_ACTS: dict[str, Callable[[Node], None]] = {
    "settle": lambda node: results.settle(node, NOW, NOW),
    "poll": lambda node: hunt.poll(node, NOW),
    "claim": lambda node: hunt.claim(node, NOW),
    "report done": lambda node: _report(node, Ending.DONE),
    "report fail": lambda node: _report(node, Ending.FAIL),
    "minute": lambda node: chores.own_leftovers(node, NOW),
    "dead": lambda node: life.free_the_dead(node, NOW),
}


#: of a Node, what lasts from one step to the next and is no function of the rest
_KEPT = ("tickets", "jobs", "dead", "live", "doubts")


@dataclass(frozen=True, slots=True)
class Stage:
    """What all programs of a search share: the part of the spool that nobody changes."""

    still: Truth
    is_still: Callable[[Call], bool]
    hosts: tuple[str, ...]

    def begin(self, local: Local, step: str) -> Local:
        """The program as it begins a step: at its first call, or at its end."""
        first, *then = PARTS.get(step, (step,))
        return self.advance(replace(local, step=first, then=tuple(then)))

    def advance(self, local: Local, answer: Answer | None = None) -> Local:
        """The program with one answer more: at its next call, or at the end of its step."""
        answers = local.answers if answer is None else (*local.answers, answer)
        while True:
            share = Replay(self.still, self.is_still, answers)
            act = self._person if local.host == "person" else self._daemon
            try:
                after = act(local, share)
            except Need as need:
                return replace(local, answers=answers, call=need.call)
            if not local.then:
                return after
            local, answers = replace(after, step=local.then[0], then=local.then[1:]), ()

    def _spool(self, share: Replay, who: str, drawn: int) -> Spool:
        return Spool(share, ROOT, IDENTITY, Letters(drawn), who)  # type: ignore[arg-type]

    def _person(self, local: Local, share: Replay) -> Local:
        """Somebody retries what failed, and again where the tool says so."""
        spool = self._spool(share, "person", 1000 * local.generation)
        jid = next(n for n in self.still.names(f"{ROOT}/jobs"))
        try:
            orders.retry(spool, jid)
        except (OSError, RenderdError):
            return Local("person", local.generation + 1)
        return Local("person", 0, b"done")

    def _daemon(self, local: Local, share: Replay) -> Local:
        kept: dict[str, Any] = pickle.loads(local.memory) if local.memory else {}
        node = self._node(local, share, kept)
        with contextlib.suppress(OSError, RenderdError):
            _ACTS[local.step](node)
        return self._rest(local, node)

    def _node(self, local: Local, share: Replay, kept: dict[str, Any]) -> Node:
        spool = self._spool(share, local.inc, kept.get("drawn", 0))
        node = Node(
            spool=spool, inc=local.inc, name=local.host, slots=1,
            able=Able(name=local.host, inc=local.inc, ram_bytes=16 << 30),
            pulse=nodes.Pulse("00", Beat(local.inc, 1, 5, "aaaa")),
            adopter=Adopter(spool, local.inc, lambda *_: None, trust.policy_of(spool)),
            shortages=Shortages(spool, "linux", f"{ROOT}/tmp"),
            start=lambda _: None, rng=random.Random(0), started=LONG_AGO,
        )  # fmt: skip
        node.polled = node.beaten = NOW
        node.live = {f"{host}-00000001": "00" for host in self.hosts}
        for name in _KEPT:
            if name in kept:
                setattr(node, name, kept[name])
        works = {c.key: self._work(node, c) for c in kept.get("works", ())}
        node.held = dict(works)
        node.running = [works[key] for key in kept.get("running", ())]
        node.settling = deque(
            Result(work=works[key], ending=ending, reason="as the search says")
            for key, ending in kept.get("settling", ())
        )
        return node

    def _work(self, node: Node, claim: Claim) -> Work:
        job = node.jobs[claim.jid].job if claim.jid in node.jobs else self._job(claim.jid)
        return Work(claim=claim, job=job, commands=(), output=None, started=LONG_AGO)

    def _job(self, jid: str) -> Job:
        return jobs.read(self._spool(Direct(self.still), "stage", 0), jid)

    def _rest(self, local: Local, node: Node) -> Local:
        """What the node knows between two steps; all that was waited for has passed."""
        for memory in node.jobs.values():
            memory.avoided.clear()
            memory.unfit.clear()
            memory.failures_here, memory.failed_at, memory.checked = 0, _NEVER, _NEVER
            memory.twins = dict.fromkeys(memory.twins, LONG_AGO)
            memory.ended_since = None if memory.ended_since is None else LONG_AGO
            memory.why_not = ""
            if not memory.survey.done_groups:
                memory.survey._pass.clear()  # with one group no look heeds the one before
        node.rest, node.strangers = Rest(), {}
        node.doubts = dict.fromkeys(node.doubts, LONG_AGO)
        works = [w for w in node.held.values() if w is not None]
        kept: dict[str, Any] = {name: getattr(node, name) for name in _KEPT}
        kept["works"] = [w.claim for w in works]
        kept["running"] = [w.claim.key for w in node.running]
        kept["settling"] = [(r.work.claim.key, r.ending) for r in node.settling]
        kept["drawn"] = node.spool.rng.drawn  # type: ignore[attr-defined]
        return Local(
            local.host,
            local.generation,
            _packed(kept),
            held=node.running[0].claim.key if node.running else "",
            is_unsettled=bool(node.settling),
            is_fenced=node.is_fenced,
            dead=node.dead,
            tickets=frozenset(t.name for t in node.tickets),
        )


_packs: dict[str, bytes] = {}


def _packed(kept: dict[str, Any]) -> bytes:
    """Equal bytes for equal memories, whatever way they came about."""
    return _packs.setdefault(repr(_plain(kept)), pickle.dumps(kept))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, [_plain(getattr(value, f.name)) for f in fields(value)]
    if isinstance(value, dict):
        return sorted(((str(k), _plain(v)) for k, v in value.items()), key=lambda pair: pair[0])
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, (list, tuple, deque)):
        return [_plain(v) for v in value]
    return value


def set_stage(retries: int, hosts: tuple[str, ...]) -> tuple[Truth, str]:
    """A spool with one published job of one chunk; its truth, and the job's id."""
    folders = {ROOT: {layout.SPOOL_FILE: IDENTITY.text().encode()}}
    folders.update({f"{ROOT}/{name}": {} for name in layout.FOLDERS})
    share = Direct(Truth({**folders, f"{ROOT}/beat/00": {}}))
    spool = Spool(share, ROOT, IDENTITY, Letters(0), "artist")  # type: ignore[arg-type]
    info = Info(commands=(("prog",),), retries=retries)
    draft = Draft(
        name="shot", slug="shot", info=info, runs=None, size=1, out="", writes=Writes.NOTHING
    )
    jid = jobs.publish(spool, draft, jobs.Order("artist@ws00"))
    return share.truth, jid
