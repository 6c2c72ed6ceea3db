"""Open Blenders on two daemons while somebody kills daemons, guards and Blenders at random."""

import contextlib
import os
import random
import signal
import time
from collections import Counter

import psutil
import pytest
from test_blender import landed, plain, queue, scenes  # noqa: F401  fixtures

from renderd.core.chunk import State

pytestmark = pytest.mark.blender
FRAMES, KILLS = 200, 10


def families(farm):
    """What can be killed now: daemons, guards, Blenders, by what they are."""
    found = {"daemon": [psutil.Process(d.pid) for d in farm.daemons if d.runs]}
    found["guard"] = [p for daemon in found["daemon"] for p in daemon.children()]
    inside = [p for guard in found["guard"] for p in guard.children(recursive=True)]
    found["blender"] = [p for p in inside if p.name() == "blender"]
    return {kind: [process.pid for process in kinds] for kind, kinds in found.items()}


def is_open(farm, jid):
    return farm.state(jid) in ("queue", "")


class Killer:
    """Kills one after another, each kind in turn, and starts daemons anew."""

    def __init__(self, farm, seed):
        self.farm, self.rng = farm, random.Random(seed)
        self.killed = []  #: incarnations
        self.counts = Counter()

    def blow(self):
        kind = self.rng.choice(("daemon", "guard", "blender", "blender"))
        pids = []
        with contextlib.suppress(psutil.NoSuchProcess):
            pids = families(self.farm)[kind]
        if not pids:
            return
        pid = self.rng.choice(pids)
        self.counts[kind] += 1
        if kind != "daemon":
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return
        (victim,) = (d for d in self.farm.daemons if d.pid == pid)
        self.killed += victim.incs
        victim.kill()
        self.farm.up(victim.name)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", [0, 1], ids=["auto", "one frame"])
def test_frames_are_those_of_a_plain_run_whoever_is_killed(farm, scenes, plain, chunk):  # noqa: F811
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    wanted = plain("Long")
    (jid,) = queue(farm, scenes / "scenes.blend", "Long", chunk=chunk)
    for name in ("ws1", "ws2"):
        farm.up(name)
    killer = Killer(farm, seed)
    while is_open(farm, jid) and killer.counts.total() < KILLS:
        seen = len(landed(farm, "long"))
        farm.until(
            lambda n=seen: not is_open(farm, jid) or len(landed(farm, "long")) > n, "it goes on"
        )
        time.sleep(killer.rng.random() / 4)
        killer.blow()
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert landed(farm, "long") == wanted
    farm.until(lambda: farm.litter() == [], "nothing is left beside the frames")
    chunks = farm.chunks(jid)
    assert Counter(c.index for c in chunks) == Counter(range(1, FRAMES + 1))
    assert {c.state for c in chunks} == {State.DONE}
    for daemon in (d for d in farm.daemons if d.runs):
        daemon.signal(signal.SIGTERM)
        daemon.wait()
    commits = Counter(e["chunk"] for e in farm.commits(jid))
    assert set(commits.values()) == {1}
    # A journal is written after the move: a kill between both loses its line, no more.
    assert {c.owner for c in chunks if c.index not in commits} <= set(killer.killed)
    print(f"{dict(killer.counts)}, {sum(c.losses for c in chunks)} losses")
