"""Nodes and people on one spool in bad weather, then in calm: what must hold does hold.

One seed decides everything; a failing test names it and runs again with
`pytest 'tests/daemon/test_weather.py::…[seed]'`.
"""

import contextlib
import os
import random
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from driven import Driven, drive
from weather import Died, WeatherShare

from renderd.core import frames as ranges
from renderd.core.chunk import State, parse
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.core.names import parse_ticket
from renderd.daemon.landing import Landing, OutputGone
from renderd.daemon.loop import BeatNow, Nudge
from renderd.daemon.work import Ending, Result, Work
from renderd.errors import RenderdError, UsageError
from renderd.spool import history, image, jobs, orders, tickets
from renderd.spool.layout import CANCELLED, DONE, FAILED, HELD, TICKETS, Spool
from renderd.spool.share import PosixShare

SEEDS = range(int(os.environ.get("WEATHER_SEEDS", "12")))
FIRST_SEED = int(os.environ.get("WEATHER_FIRST", "0"))
STEPS = int(os.environ.get("WEATHER_STEPS", "500"))
CALM = 3600.0  #: seconds of the driven clock in which everything must come to its end
ENDINGS = (Ending.DONE,) * 12 + (Ending.FAIL, Ending.FAIL, Ending.KILLED, Ending.NO_SPACE)


@dataclass
class Weather:
    """A farm, its people and what they did."""

    spool: Spool  #: never in bad weather: for what must succeed, and to look afterwards
    folder: Path
    seed: int
    clock: list[float] = field(default_factory=lambda: [1000.0])
    nodes: list[Driven] = field(default_factory=list)
    frozen: dict[str, float] = field(default_factory=dict)
    drops: int = 0
    undone: list[Callable[[Spool], object]] = field(default_factory=list)  #: to be told again
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.person = replace(
            self.spool, share=WeatherShare(random.Random(self.seed)), rng=self.rng, who="person"
        )

    # What happens.

    def start(self) -> None:
        """One more node; it may fail to register, as a daemon that exits at once."""
        inc = f"ws{len(self.nodes) % 7:02d}-{self.rng.getrandbits(32):08x}"
        share = WeatherShare(random.Random(self.rng.random()))
        spool = replace(self.spool, share=share, rng=random.Random(inc), who=inc)
        share.is_stormy = False
        driven = drive(spool, self.clock, inc, slots=self.rng.choice((1, 1, 2)))
        driven.loop.wall = lambda: self.clock[0]
        share.is_stormy = self.person.share.is_stormy
        self.nodes.append(driven)

    def publish(self) -> str:
        """A job, of a command with or without frames that it writes."""
        number = self.rng.randrange(10**6)
        out = f"{self.folder}/out/{number}/f_####.png" if self.rng.random() < 0.4 else ""
        runs = ranges.parse(f"1-{self.rng.randrange(1, 9)}")
        words = ("prog", "{start}", "{end}", *(["{out}"] if out else []))
        info = Info(commands=(words,), frames=runs, out=out, retries=self.rng.randrange(4))
        draft = Draft(
            name=f"j{number}", slug=f"j{number}", info=info, runs=runs, size=2, out=out,
            writes=Writes.PRIVATE if out else Writes.NOTHING,
        )  # fmt: skip
        return jobs.publish(self.spool, draft, jobs.Order("me@here"))

    def drop(self) -> None:
        self.drops += 1
        path = self.spool.at(f"drop{self.drops}.info")
        Path(path).write_text("frames: 1-4\nchunk: 2\n\nprog {start} {end}\n")
        os.chmod(path, 0o644)

    def interfere(self) -> None:
        """A person's order to some job, through a share as bad as the nodes'."""
        known = list(tickets.everywhere(self.spool))
        if not known:
            return
        jid, priority = self.rng.choice(known), self.rng.randrange(100)
        what: Callable[[Spool], object] = self.rng.choice(
            (
                lambda spool: orders.hold(spool, jid, "artist"),
                lambda spool: orders.release(spool, jid),
                lambda spool: orders.release(spool, jid),
                lambda spool: orders.set_priority(spool, jid, priority),
                lambda spool: orders.retry(spool, jid),
                lambda spool: orders.retry(spool, jid),
                lambda spool: orders.skip(spool, jid, lambda c: c.index == 1),
                lambda spool: orders.cancel(spool, jid) if priority < 20 else None,
            )
        )
        try:
            what(self.person)
        except UsageError:
            pass
        except (OSError, RenderdError):
            self.undone.append(what)  # as the message says: try again

    def blow(self) -> None:
        """One random thing happens."""
        what = self.rng.random()
        if what < 0.02:
            self.publish()
        elif what < 0.03:
            self.drop()
        elif what < 0.06:
            self.interfere()
        elif what < 0.07 and len(self.nodes) < 5:
            self.start()
        elif self.nodes:
            driven = self.rng.choice(self.nodes)
            if what < 0.075:
                driven.node.spool.share.dies_after = self.rng.randrange(60)
            elif what < 0.085:
                self.frozen[driven.node.inc] = self.clock[0] + self.rng.choice((5.0, 100.0))
            elif driven.works and what < 0.4:
                self.end(driven, self.rng.choice(ENDINGS))
            else:
                self.tick(driven)

    def tick(self, driven: Driven, *messages: object) -> None:
        """One round of a node, unless it is frozen or dies of it."""
        self.clock[0] += self.rng.random() * 0.7
        if self.frozen.get(driven.node.inc, 0.0) > self.clock[0]:
            return
        try:
            driven.loop.tick(list(messages))
            assert driven.loop.error is None
        except Died:
            self.counts["died"] += 1
            self.nodes.remove(driven)
            return
        if driven.node.is_fenced:
            self.counts["fenced"] += 1
            self.nodes.remove(driven)
            self.start()

    def end(self, driven: Driven, ending: Ending) -> None:
        """The chunk in work ends; its frames are put in place as a runner does."""
        work, keeps = driven.works.pop(0), False
        if work.output is not None and ending is Ending.DONE:
            try:
                ending, keeps = self.render(driven, work)
            except (OSError, OutputGone):
                ending = Ending.UNABLE
            except Died:
                self.nodes.remove(driven)
                return
        reason = f"made to {ending}"
        self.tick(driven, Result(work=work, ending=ending, reason=reason, wall=1.0, keeps=keeps))
        if driven in self.nodes and work in driven.node.running:  # frozen: the report waits
            driven.works.insert(0, work)

    def render(self, driven: Driven, work: Work) -> tuple[Ending, bool]:
        """Write the frames a chunk lacks and let them land; True where some wait whole."""
        assert work.output is not None

        def alive() -> bool:
            if not driven.loop._is_fresh():
                driven.loop.tick([BeatNow(threading.Event())])
            return driven.loop._is_fresh()

        landing = Landing(driven.node.spool, work.output, work.claim.stem, work.frames, alive)
        for frame in landing.begin():
            picture = png(self.rng.randrange(1 << 30))
            path = f"{work.output.private(work.claim.stem)}/f_{frame:04d}.png"
            Path(path).write_bytes(picture)
        for _ in range(2):  # as patient as it gets in a step of a driven clock
            if landing.finish() is None:
                landing.clear()
                return (Ending.BAD_OUTPUT if landing.missing() else Ending.DONE), False
        return Ending.UNABLE, bool(landing.waiting)

    # What it comes to.

    def calm(self) -> None:
        """The faults are over and one able node at least lives on."""
        self.person.share.is_stormy = False
        self.frozen.clear()
        for driven in self.nodes:
            driven.node.spool.share.is_stormy = False
            driven.node.spool.share.dies_after = None
        self.start()
        for what in self.undone:
            with contextlib.suppress(UsageError):
                what(self.spool)
        until = self.clock[0] + CALM
        while self.clock[0] < until and not self.is_over():
            self.clock[0] += 1.0
            for jid, (folder, _) in tickets.everywhere(self.spool).items():
                if folder == HELD:
                    orders.release(self.spool, jid)
            for driven in list(self.nodes):
                self.tick(driven, Nudge())
                while driven.works and driven in self.nodes:
                    self.end(driven, Ending.DONE)

    def is_over(self) -> bool:
        """True when nothing is left to come: every drop is a job and every job has ended."""
        places = [folder for folder, _ in tickets.everywhere(self.spool).values()]
        waits = [n for n in os.listdir(self.spool.root) if n.startswith("drop")]
        ended = all(folder in (DONE, FAILED, CANCELLED) for folder in places)
        return ended and not waits and not os.listdir(self.spool.at("adopting"))


def png(number: int) -> bytes:
    """A small whole picture, each number another one."""

    def part(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" + number.to_bytes(6, "big"))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")


def names_of_chunks(spool: Spool, jid: str) -> list[str]:
    groups = [n for n in os.listdir(spool.job(jid)) if n.isdigit()]
    return [n for g in groups for n in os.listdir(spool.job(jid, g)) if parse(n)]


@pytest.fixture
def weather(spool: Spool, tmp_path: Path, request: pytest.FixtureRequest) -> Weather:
    return Weather(spool, tmp_path, request.param)


@pytest.mark.parametrize("weather", [FIRST_SEED + s for s in SEEDS], indirect=True, ids=str)
def test_what_must_hold_holds_after_bad_weather(weather: Weather) -> None:
    spool = weather.spool
    for _ in range(3):
        weather.start()
        weather.publish()
    for _ in range(STEPS):
        weather.blow()
    weather.calm()
    lie = [t for f in TICKETS for n in os.listdir(spool.at(f)) if (t := parse_ticket(n))]
    lying = Counter(t.jid for t in lie)
    assert set(lying.values()) == {1}, "a ticket lies in two folders"
    for jid, (folder, ticket) in tickets.everywhere(spool).items():
        assert folder in (DONE, FAILED, CANCELLED), f"{ticket.name} is still in {folder}/"
        found = [parse(n) for n in names_of_chunks(spool, jid)]
        per_chunk = Counter(c.index for c in found if c)
        total = jobs.read(spool, jid).chunks
        assert per_chunk == Counter(range(1, total + 1)), f"{jid}: not one name a chunk"
        states = {c.state for c in found if c}
        assert folder != DONE or states == {State.DONE}
        assert folder != FAILED or (State.FAIL in states and states <= {State.DONE, State.FAIL})
    happened = [e for e in history.events(spool) if e.get("ev") == "done"]
    commits = Counter((e["jid"], e["chunk"]) for e in happened)
    assert not [key for key, count in commits.items() if count > 1], "a chunk was done twice"
    slugs = Counter(t.slug for _, t in tickets.everywhere(spool).values())
    for number in range(1, weather.drops + 1):
        assert slugs[f"drop{number}"] == 1, f"drop{number} became {slugs[f'drop{number}']} jobs"
    for picture in weather.folder.glob("out/*/*.png"):
        image.verify_file(PosixShare(), str(picture))
    for jid, (folder, _) in tickets.everywhere(spool).items():
        job = jobs.read(spool, jid)
        skipped = [n for n in names_of_chunks(spool, jid) if ".skip." in n]
        if folder == DONE and job.out and not skipped:
            out = Path(job.out).parent
            assert len(list(out.glob("*.png"))) == sum(map(len, job.info.frames or ())), job.out
