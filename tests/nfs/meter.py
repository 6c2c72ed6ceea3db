"""Run in a client: what each step of the protocol asks of the server, in RPCs.

meter.py SPOOL: takes chunks of a job of its own through their moves, and prints JSON.
"""

import json
import os
import random
import sys
from collections import Counter
from dataclasses import replace

from renderd import plan
from renderd.core import infofile
from renderd.core.chunk import Chunk
from renderd.daemon.landing import open_landing
from renderd.daemon.work import Work
from renderd.spool import claims, frames, jobs, layout, listing, nodes
from renderd.spool.moves import Folder
from renderd.spool.share import PosixShare
from tests.farm import standin
from tests.nfs import mountstats

CHUNKS = 40
ROUNDS = 20
FRAMES = 10


def counted(mount: str) -> Counter[str]:
    """The RPCs that this machine has sent for a mount so far."""
    with open("/proc/self/mountstats", encoding="utf-8") as file:
        return mountstats.counted(file.read(), mount)


class Meter:
    """Adds up what steps cost."""

    def __init__(self, mount: str) -> None:
        self._mount = mount
        self.costs: dict[str, Counter[str]] = {}

    def measure(self, what, step, *words):
        """Take a step; what it returned."""
        before = counted(self._mount)
        value = step(*words)
        spent = counted(self._mount) - before
        self.costs.setdefault(what, Counter()).update({**spent, "steps": 1})
        return value


def main() -> None:
    root = sys.argv[1]
    os.umask(0o007)  # as the daemon's: no mode needs a second word
    rng = random.Random()
    spool = layout.open_spool(PosixShare(), root, rng, "meter-00000000")
    text = f"name: meter\nframes: 1-{CHUNKS}\nchunk: 1\nhold: yes\n\ntrue {{start}}\n"
    info = infofile.parse(text)
    draft = plan.from_info(info, info.name, spool.farm, sys.platform)
    jid = jobs.publish(spool, draft, jobs.Order("meter@lab", is_held=True, after=()))
    meter = Meter(os.path.dirname(root))
    inc = "meter-00000000"
    pulse = nodes.register(spool, inc, {"node": "meter"}, 5)
    take_chunks(meter, spool, jid, inc)
    beat_and_poll(meter, spool, pulse)
    land_frames(meter, root)
    nodes.leave(spool, pulse, owns_nothing=True)
    print(json.dumps(meter.costs))


def take_chunks(meter: Meter, spool: layout.Spool, jid: str, inc: str) -> None:
    """Claim, read and finish every chunk, as the loop does."""
    group = listing.groups(spool, jid)[0]
    meter.measure("intent", claims.declare_intent, spool, inc, jid, group)
    waiting: list[Chunk] = meter.measure("list", listing.chunks, spool, jid)
    spool.rng.shuffle(waiting)
    for chunk in waiting:
        held = claims.prepare(spool, inc, jid, chunk)
        meter.measure("claim", claims.take, spool, held, chunk)
        meter.measure("read", claims.read_text, spool, held)
        meter.measure("finish", claims.finish, spool, held)


def beat_and_poll(meter: Meter, spool: layout.Spool, pulse: nodes.Pulse) -> None:
    """What a node does that has nothing to do."""
    queue, top = Folder(spool.at("queue")), Folder(spool.root)
    graves, inbox = Folder(spool.at("dead")), Folder(spool.node(pulse.beat.inc, "inbox"))
    for number in range(ROUNDS):
        for folder in (queue, top):
            meter.measure("half a poll", folder.look, spool, 10.0 * number)
        meter.measure("beat", nodes.beat, spool, pulse, 5)
        meter.measure("observe", nodes.beats, spool, pulse.shard)
        meter.measure("inbox", inbox.look, spool, 10.0 * number)
        meter.measure("status", nodes.publish_status, spool, pulse.beat.inc, {})
        meter.measure("dead", graves.look, spool, 10.0 * number)


class Watched:
    """A share each of whose calls is measured under its own name."""

    def __init__(self, meter: Meter) -> None:
        self._share, self._meter = PosixShare(), meter

    def __getattr__(self, name):
        call = getattr(self._share, name)
        return lambda *words, **how: self._meter.measure(
            f"landing: {name}", lambda: call(*words, **how)
        )


def land_frames(meter: Meter, root: str) -> None:
    """Put the frames of one chunk in place, as a runner does while its command runs."""
    rng = random.Random()
    plain = layout.open_spool(PosixShare(), root, rng, "meter-00000000")
    out = f"{os.path.dirname(root)}/out/meter_####.png"
    head = f"name: frames\nframes: 1-{FRAMES}\nchunk: {FRAMES}\nout: {out}\n"
    text = f"{head}hold: yes\n\ntrue {{out}}\n"
    draft = plan.from_info(infofile.parse(text), "frames", plain.farm, sys.platform)
    jid = jobs.publish(plain, draft, jobs.Order("meter@lab", is_held=True, after=()))
    job = jobs.read(plain, jid)
    (chunk,) = listing.chunks(plain, jid)
    spool = replace(plain, share=Watched(meter))
    held = claims.prepare(plain, "meter-00000000", jid, chunk)
    work = Work(held, job, (), frames.locate(plain, job), 0.0)
    landing = open_landing(spool, work, lambda: True, lambda _: True)
    assert landing is not None
    for frame in landing.begin():
        with open(f"{landing.files.private}/meter_{frame:04d}.png", "wb") as file:
            file.write(standin.png(frame, 64))
        assert landing.sweep(is_final=False, saved=[frame]) == 1
    assert landing.finish() is None
    landing.clear()
    for what, kinds in meter.costs.items():
        if what.startswith("landing: "):  # a frame's share of it
            kinds["steps"] = FRAMES


if __name__ == "__main__":
    main()
