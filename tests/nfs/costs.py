"""What the farm asks of the server, counted by the clients' kernels, against ADR 0014."""

import json
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass

from tests.nfs import mountstats
from tests.nfs.fleet import OUT, SPOOL, STANDIN, Fleet, Job, patiently
from tests.nfs.lab import ROOT, SHARE, Guest

METER = ROOT / "tests" / "nfs" / "meter.py"
FRAMES, CHUNK = 300, 10
#: RPCs that ADR 0014 allows
A_CLAIM, A_CHUNK, A_FRAME, IDLE_SECOND = 2, 25, 40, 2.5


@dataclass(frozen=True, slots=True)
class Cost:
    """RPCs of one kind of work, and how many there may be."""

    what: str
    rpcs: float
    target: float

    @property
    def is_met(self) -> bool:
        return self.rpcs <= self.target

    def __str__(self) -> str:
        return f"{self.what}: {self.rpcs:.2f} RPCs, at most {self.target:g}"


@dataclass(frozen=True, slots=True)
class Costs:
    """What was counted, and of which RPCs it is made."""

    costs: tuple[Cost, ...]
    kinds: dict[str, Counter[str]]


def all_of(fleet: Fleet, *, idle_for: float) -> Costs:
    """Count all that the design gives a number for, on a fleet without a job."""
    kinds = steps(fleet)
    claim = Cost("a claim", sum(kinds["claim"].values()), A_CLAIM)
    chunk, kinds["a chunk, all in"] = of_chunks(fleet)
    idle, kinds["an idle node, a second"] = of_idleness(fleet, idle_for)
    return Costs((claim, chunk, idle), kinds)


def sent(guest: Guest) -> Counter[str]:
    """The RPCs of a client so far, by kind."""
    return mountstats.counted(guest.run("cat /proc/self/mountstats"), SHARE)


def steps(fleet: Fleet) -> dict[str, Counter[str]]:
    """The mean RPCs of each step of the protocol, by kind, taken one by one in a client."""
    first = fleet.lab.clients[0]
    line = f"PYTHONPATH={ROOT} PYTHONDONTWRITEBYTECODE=1 {sys.executable} {METER} {SPOOL}"
    found = json.loads(first.run(line).splitlines()[-1])
    return {what: _mean(Counter(kinds)) for what, kinds in found.items()}


def _mean(kinds: Counter[str]) -> Counter[str]:
    times = kinds.pop("steps")
    return Counter({kind: round(number / times, 2) for kind, number in kinds.items()})


def of_chunks(fleet: Fleet) -> tuple[Cost, Counter[str]]:
    """What a finished chunk costs, all in, less what its renderer asked for itself."""
    own = _own_of_a_frame(fleet.lab.clients[0])
    line = f"{sys.executable} -I -S {STANDIN} {{start}} {{end}} {{out}} --seconds=0.2 --side=64"
    job = Job("costs", FRAMES, CHUNK, line)
    before = [sent(guest) for guest in fleet.lab.clients]
    fleet.add(job)
    fleet.ended(job)
    after = [sent(guest) for guest in fleet.lab.clients]
    spent = sum((a - b for a, b in zip(after, before, strict=True)), Counter())
    kinds = Counter({kind: round(number / job.chunks, 2) for kind, number in spent.items()})
    rpcs = sum(spent.values()) / job.chunks - own * CHUNK
    return Cost(f"a chunk of {CHUNK} frames", rpcs, A_CHUNK + A_FRAME * CHUNK), kinds


def _own_of_a_frame(guest: Guest) -> float:
    """What the stand-in itself asks of the server for a frame."""
    folder = f"{OUT}/own"
    guest.run(f"mkdir {folder}")
    before = sent(guest)
    guest.run(
        shlex.join([sys.executable, "-I", "-S", str(STANDIN), "1", "20", f"{folder}/f_##.png"])
    )
    spent = sent(guest) - before
    guest.run(f"rm -r {folder}")
    return sum(spent.values()) / 20


def of_idleness(fleet: Fleet, idle_for: float) -> tuple[Cost, Counter[str]]:
    """What a daemon costs that has had nothing to do for a while, its beat included."""
    patiently(lambda: not fleet.listed("queue")[2:], "the queue is empty")
    time.sleep(30)  # polls come ever later
    before = [sent(guest) for guest in fleet.lab.clients]
    began = time.monotonic()
    time.sleep(idle_for)
    after = [sent(guest) for guest in fleet.lab.clients]
    seconds = (time.monotonic() - began) * len(after)
    spent = sum((a - b for a, b in zip(after, before, strict=True)), Counter())
    kinds = Counter({kind: round(number / seconds, 3) for kind, number in spent.items()})
    return Cost("a second of an idle node", sum(spent.values()) / seconds, IDLE_SECOND), kinds
