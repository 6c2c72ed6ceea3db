"""Eight daemons, five hundred chunks, and somebody who kills and freezes at random."""

import random
import signal
import time
from collections import Counter

import pytest
from test_frames import number

from renderd.core.chunk import State
from renderd.spool import nodes

CHUNKS, DAEMONS = 500, 8
FREEZE = 35.0  # seconds: longer than busy observers wait


class Chaos:
    """Somebody who kills daemons, freezes them past their death, and starts others."""

    def __init__(self, farm, seed):
        self.farm, self.rng = farm, random.Random(seed)
        self.frozen = {}  # daemon → when it may go on
        self.killed, self.deaths = [], 0
        self.counts = Counter()

    def start(self):
        # Each on a machine of its own: nobody certifies a predecessor by a local record, but one.
        return self.farm.up(f"ws{len(self.farm.daemons):02d}")

    def act(self):
        """One random blow, and what is due of earlier ones."""
        for daemon in [d for d, until in self.frozen.items() if time.monotonic() > until]:
            del self.frozen[daemon]
            daemon.thaw()
        able = [d for d in self.farm.daemons if d.runs and d not in self.frozen]
        if not able:
            return
        victim, blow = self.rng.choice(able), self.rng.random()
        if blow < 0.45 and self.counts["kill"] < 12:
            self.kill(victim)
            self.start()
        elif blow < 0.6 and self.counts["again"] < 4:
            self.kill(victim)
            self.counts["again"] += 1
            self.farm.up(victim.name)
        elif blow < 0.8 and len(self.frozen) < 2 and self.counts["freeze"] < 4:
            self.counts["freeze"] += 1
            victim.freeze()
            self.frozen[victim] = time.monotonic() + FREEZE
        elif self.counts["leave"] < 3:
            self.counts["leave"] += 1
            victim.signal(signal.SIGTERM)
            self.start()

    def kill(self, victim):
        self.counts["kill"] += 1
        self.killed += victim.incs
        victim.kill()


@pytest.mark.timeout(900)
def test_eight_daemons_that_are_killed_and_frozen_render_every_chunk_exactly_once(farm):
    words = ("--seconds=0.3", f"--mark={farm.folder}/starts")
    jid = farm.add(farm.info(*words, frames=f"1-{2 * CHUNKS}", chunk=2))
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chaos = Chaos(farm, seed)
    for _ in range(DAEMONS):
        chaos.start()
    farm.until(lambda: farm.tally(jid)[State.DONE] > 5, "work has begun")
    deadline = time.monotonic() + 400
    while farm.state(jid) in ("queue", ""):
        assert time.monotonic() < deadline, f"the job ends ({chaos.counts})"
        chaos.act()
        time.sleep(0.7)
    for daemon in chaos.frozen:
        daemon.thaw()
    assert farm.ended(jid, 240) == "done", chaos.counts
    # A closer that was killed leaves its tidying to the others' next minute.
    farm.until(lambda: farm.litter() == [], "nothing is left beside the frames", 200)
    living = [d for d in farm.daemons if d.runs]
    for daemon in living:
        farm.until(lambda d=daemon: d.inc in farm.alive(), f"{daemon.name} beats")
        daemon.signal(signal.SIGTERM)
    assert [d.wait() for d in living] == [0] * len(living)
    farm.until(lambda: not farm.strays(), "nobody is left running")
    assert not nodes.everyone(farm.spool)

    chunks = farm.chunks(jid)
    assert sorted(c.index for c in chunks) == list(range(1, CHUNKS + 1))
    assert {c.state for c in chunks} == {State.DONE}
    commits = Counter(e["chunk"] for e in farm.commits(jid))
    assert set(commits.values()) == {1}
    owners = {c.index: c.owner for c in chunks}
    assert all(e["inc"] == owners[e["chunk"]] for e in farm.commits(jid))
    # A journal is written after the move: a kill between both loses its line, no more.
    assert {owners[i] for i in owners if i not in commits} <= set(chaos.killed)
    assert [number(p) for p in farm.frames()] == list(range(1, 2 * CHUNKS + 1))
    assert chaos.counts["kill"] >= 3, chaos.counts
    starts = len((farm.folder / "starts").read_text().splitlines())
    print(f"{starts} starts of {CHUNKS} chunks, {len(commits)} commits, {dict(chaos.counts)}")
