"""A farm on a real folder whose clock a scenario drives: nodes, people, and what they render."""

import json
import os
import random
import re
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from renderd.core import frames as ranges
from renderd.core import videojob
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.core.label import slug
from renderd.core.names import parse_ticket
from renderd.daemon import film, verdict
from renderd.daemon.gathering import OutputGone
from renderd.daemon.landing import Landing, NotNow, open_landing
from renderd.daemon.loop import BeatNow, Nudge
from renderd.daemon.printout import Printout
from renderd.daemon.verdict import Verdict
from renderd.daemon.work import Ending, Result, Work
from renderd.errors import OutputOwned, RenderdError
from renderd.host.load import Load, LoadSampler
from renderd.spool import jobs, layout, nodes, tickets
from renderd.spool.layout import DONE, Spool
from tests.daemon.driven import Driven, drive
from tests.faults.failpoints import FaultyShare, Points

END = 1800.0  #: seconds of the farm's clock in which everything must have come to its end
STEP = 10.0  #: seconds between two ticks at most
LOG_BYTES = 1 << 20
OLD = 3 * 86_400  #: seconds by which what should go is made older
Order = Callable[[Spool], object]


class Still(LoadSampler):
    """A machine with nothing to tell."""

    def sample(self, now: float) -> Load:
        del now
        return _LOAD


_LOAD = Load(
    load1=0.0, cpu_percent=0.0, memory_used_bytes=0, memory_total_bytes=1,
    swap_used_bytes=0, swap_total_bytes=0,
)  # fmt: skip


@dataclass
class Farm:
    """One spool, its nodes, its people and the clock of all of them."""

    home: Path
    points: Points = field(default_factory=Points)
    clock: list[float] = field(default_factory=lambda: [1000.0])
    nodes: list[Driven] = field(default_factory=list)
    endings: dict[str, list[Ending]] = field(default_factory=dict)  #: by job name, then done
    ends: dict[str, set[str]] = field(default_factory=dict)  #: by slug: where its ticket may end
    said: list[str] = field(default_factory=list)  #: errors that people were told
    retries: Order | None = None  #: what a person gives again who was told an error
    is_given: Callable[[], bool] = lambda: False  #: whether that is no longer needed
    forgotten: set[str] = field(default_factory=set)  #: nodes that died before they wrote it down
    rivals: list[str] = field(
        default_factory=list
    )  #: names of jobs that took another's frames over
    is_emptied: bool = False  #: the chunk files of done jobs may be gone
    kept: list[str] = field(default_factory=list)  #: patterns of what else may stay
    spool: Spool = field(init=False)  #: never struck: for what must succeed, and to look
    person: Spool = field(init=False)

    def __post_init__(self) -> None:
        root = self.home / "spool"
        root.mkdir(parents=True, mode=0o700)
        for folder in layout.FOLDERS:
            (root / folder).mkdir()
        (root / layout.SPOOL_FILE).write_text(layout.Identity("testspool").text())
        self.spool = self._seen_by("calm", Points(changes=self.points.changes))
        self.person = self._seen_by("person", self.points)

    def _seen_by(self, who: str, points: Points) -> Spool:
        share = FaultyShare(points)
        return layout.open_spool(share, str(self.home / "spool"), random.Random(who), who)

    # What a scenario prepares.

    def node(self, inc: str = "ws01-00000001", *, slots: int = 1, is_calm: bool = False) -> Driven:
        """Register one more node."""
        points = Points(changes=self.points.changes) if is_calm else self.points
        driven = drive(self._seen_by(inc, points), self.clock, inc, slots)
        driven.loop.sampler = Still()
        driven.loop.wall = lambda: self.clock[0]
        driven.tick()
        self.nodes.append(driven)
        return driven

    def draft(
        self,
        name: str = "shot",
        span: str = "1-4",
        *,
        writes: Writes = Writes.NOTHING,
        out: str = "",
        **said: Any,
    ) -> Draft:
        """A job of two frames a chunk, with an output of its own where it writes one."""
        runs = ranges.parse(span)
        if writes is not Writes.NOTHING:
            out = out or f"{self.home}/out/{name}/{name}_####.png"
        words = ("prog", "{start}", "{end}", *(["{out}"] if out else []))
        info = Info(commands=(words,), frames=runs, out=out, **said)
        return Draft(
            name=name, slug=slug(name), info=info, runs=runs, size=2, out=out, writes=writes
        )

    def publish(self, name: str = "shot", span: str = "1-4", **said: Any) -> str:
        """Queue a job, calmly; its jid."""
        order = jobs.Order("me@here", after=said.get("after", ()), is_held=said.pop("held", False))
        return jobs.publish(self.spool, self.draft(name, span, **said), order)

    def drop(self, name: str, text: str = "frames: 1-4\nchunk: 2\n\nprog {start} {end}\n") -> None:
        """Put an info file into the root, as a person does."""
        path = Path(self.spool.at(f"{name}.info"))
        path.write_text(text)
        path.chmod(0o644)
        self.points.changes[self.spool.root] += 1

    def tell(self, order: Order) -> None:
        """A person's order; what it answers where the share fails."""
        try:
            order(self.person)
        except (RenderdError, OSError) as error:
            self.said.append(_sentence(error))

    def jids(self, name: str) -> list[str]:
        """The jobs of a name, wherever their tickets are."""
        return [j for j, (_, t) in tickets.everywhere(self.spool).items() if t.slug == slug(name)]

    # What nodes do.

    def go_on(self, seconds: float, *driven: Driven) -> None:
        """Let the time pass, and end what the nodes began as the scenario says."""
        end = self.clock[0] + seconds
        while True:
            for one in driven or tuple(self.nodes):
                self.tick(one)
            if self.clock[0] >= end:
                return
            due = [t for d in driven or self.nodes for t in _due(d)]
            self.clock[0] = max(self.clock[0] + 0.1, min(end, self.clock[0] + STEP, *due))

    def tick(self, driven: Driven, *messages: Any) -> None:
        """One round of a node and the ends of what it began; a fenced one begins anew."""
        driven.loop.tick(list(messages))
        while driven.works and not driven.node.is_fenced:
            self.end(driven)
        if driven.node.is_fenced:
            self.nodes.remove(driven)
            self.node(f"{driven.node.name}-{self.spool.rng.getrandbits(32):08x}", is_calm=True)

    def end(self, driven: Driven) -> None:
        """The oldest chunk in work ends as the scenario says, else well."""
        work = driven.works.pop(0)
        driven.loop.tick([self.run(driven, work)])

    def run(self, driven: Driven, work: Work) -> Result:
        """What a runner does of one attempt, its command aside: that writes its frames at once."""
        spool = driven.node.spool
        said = self.endings.get(work.job.name, [])
        ending = said.pop(0) if said else Ending.DONE
        path = spool.job(work.job.jid, "log", f"{work.claim.stem}.log")
        printout = Printout(spool, path, work.tail, LOG_BYTES)
        found, landing = Verdict(ending=ending, reason=f"made to {ending}"), None
        try:
            landing = open_landing(spool, work, lambda: self._is_alive(driven), lambda _: True)
            if landing is not None:
                _render(landing, work, ending)
            if ending is Ending.DONE and landing is not None:
                found = _landed(landing)
        except (OutputGone, OutputOwned) as error:
            held = isinstance(error, OutputOwned)
            found = Verdict(ending=Ending.HELD if held else Ending.UNABLE, reason=error.message)
        except NotNow as refusal:
            found = verdict.of_refusal(work, refusal)
        except OSError as error:
            found = verdict.of_error(spool, work, error)
        except RenderdError as error:
            found = Verdict(ending=Ending.FAIL, reason=str(error))
        printout.note("it was rendered")
        printout.flush(self.clock[0])
        if landing is not None and found.ending is Ending.DONE:
            landing.clear()
        return found.result(work, wall=1.0, keeps=landing is not None and landing.keeps)

    def _is_alive(self, driven: Driven) -> bool:
        if not driven.loop._is_fresh():
            driven.loop.tick([BeatNow(threading.Event())])
        return driven.loop._is_fresh()

    def lose(self, *lost: Driven) -> None:
        """Nodes are gone from one moment to the next, and what they knew."""
        for driven in lost or tuple(self.nodes):
            self.nodes.remove(driven)

    # What comes after the fault.

    def repeat(self) -> None:
        """A person who was told an error, or nothing at all, gives the order again."""
        if self.retries is not None and not self.is_given():
            try:
                self.retries(self.spool)
            except RenderdError as error:
                self.said.append(_sentence(error))

    def recover(self) -> bool:
        """A fresh node finishes what there is; False where it does not come to an end."""
        fresh = self.node("ws09-00000009", is_calm=True)
        self.tick(fresh, Nudge())
        end = self.clock[0] + END
        while not self.is_over():
            if self.clock[0] > end:
                return False
            self.go_on(5.0)
        self.go_on(5.0)  # what happened is written down
        while self._ghosts() and self.clock[0] < end:
            self.go_on(5.0)
        return not self._ghosts()

    def sweep(self) -> None:
        """Every node does what is due once a minute."""
        for driven in list(self.nodes):
            self.clock[0] = max(self.clock[0], driven.node.next_chores)
            self.tick(driven)

    def is_over(self) -> bool:
        """True when every drop is a job and every job where it may end, of whatever nodes hold."""
        root = os.listdir(self.spool.root)
        if any(n.endswith(".info") for n in root) or os.listdir(self.spool.at("adopting")):
            return False
        if any(d.node.settling or d.node.running for d in self.nodes):
            return False
        lie = ((f, t) for f in layout.TICKETS for n in os.listdir(self.spool.at(f))
               if (t := parse_ticket(n)))  # fmt: skip
        return all(folder in self.ends.get(ticket.slug, {DONE}) for folder, ticket in lie)

    def _ghosts(self) -> set[str]:
        """The incarnations that are gone and not declared dead yet, or not looked after."""
        gone = {n for n in os.listdir(self.spool.at("nodes")) if nodes.intents(self.spool, n)}
        return {*gone, *nodes.everyone(self.spool)} - self.live()

    def live(self) -> set[str]:
        """The incarnations that are still there."""
        return {driven.node.inc for driven in self.nodes}


def _due(driven: Driven) -> tuple[float, float, float]:
    node = driven.node
    return node.next_beat, node.next_poll, node.next_chores


def _sentence(error: Exception) -> str:
    """What a person reads of an error, as the command line shows it."""
    if isinstance(error, RenderdError):
        return str(error)
    assert isinstance(error, OSError)
    return f"{error.filename}: {error.strerror}"


def _render(landing: Landing, work: Work, ending: Ending) -> None:
    """Write the frames that the attempt lacks; of one that fails the first only."""
    missing = landing.begin()
    output = landing.output
    if output.writes is Writes.MOVIE:
        words = film.prepared(landing.spool, work, list(work.commands))
        if missing:
            shown = videojob.film_of(work.job)
            count = sum(map(len, shown.runs)) if shown is not None and words else 1
            path = f"{landing.files.private}/{output.pattern.partition('#')[0]}.mp4"
            Path(path).write_bytes(movie(count))
        return
    made = missing if ending is Ending.DONE else missing[:1]
    for frame in made:
        _write_frame(landing, work.job.jid, frame)
    if ending is not Ending.DONE:
        landing.salvage(made)


def _write_frame(landing: Landing, jid: str, frame: int) -> None:
    output, private = landing.output, landing.files.private
    folder = output.folder if output.writes is Writes.ITSELF else private
    names = pieces(output.pattern, frame)
    places = [f"{folder}/{name}" for name in names]
    if len(names) > 1:  # as a Blender with our prologue: a pass of a File Output node beside it
        depth = f"{output.folder.rpartition('/')[0]}/depth"
        told = {"folder": depth, "patterns": ["depth_####"], "node": "File Output", "owns": True}
        Path(f"{private}/passes.json").write_text(json.dumps({"depth": told}))
        home = f"{private}/frame.{frame}"
        places = [f"{home}/depth/depth_{frame:04d}.png", f"{home}/main/{names[1]}"]
        for place in places:
            Path(place).parent.mkdir(parents=True, exist_ok=True)
    for place in places:
        Path(place).write_bytes(picture(jid, frame, Path(place).name))


def pieces(pattern: str, frame: int) -> Sequence[str]:
    """The files of a frame as seen from its folder; that of a job with passes has two."""
    stem = pattern.partition("#")[0]
    beside = [f"../depth/depth_{frame:04d}.png"] if stem.startswith("passes") else []
    return [*beside, f"{stem}{frame:04d}.png"]


def _landed(landing: Landing) -> Verdict:
    for _ in range(3):  # as patient as it gets while the clock stands
        refusal = landing.finish()
        if refusal is None:
            break
    if refusal is not None:
        raise refusal
    if gone := landing.missing():
        return Verdict(ending=Ending.BAD_OUTPUT, reason=gone)
    return Verdict(ending=Ending.DONE)


def picture(jid: str, frame: int, name: str = "") -> bytes:
    """A small whole picture that only this frame of this job has."""

    def part(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" + struct.pack(">hI", frame, zlib.crc32(f"{jid}{name}".encode())))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")


def movie(count: int) -> bytes:
    """A movie's boxes, with an index of so many pictures."""

    def box(kind: bytes, *parts: bytes) -> bytes:
        data = b"".join(parts)
        return (8 + len(data)).to_bytes(4, "big") + kind + data

    sides = (64 << 16).to_bytes(4, "big") + (48 << 16).to_bytes(4, "big")
    handler = box(b"hdlr", bytes(8), b"vide", bytes(13))
    sizes = box(b"stsz", bytes(8), count.to_bytes(4, "big"), bytes(4 * count))
    media = box(b"mdia", handler, box(b"minf", box(b"stbl", sizes)))
    track = box(b"trak", box(b"tkhd", bytes(76), sides), media)
    return box(b"ftyp", b"isom") + box(b"moov", track) + box(b"mdat", bytes(50))


def age(farm: Farm) -> None:
    """Make older what the janitor judges by the server's clock."""
    for name, _ in walk(farm.spool.root):
        is_job = re.fullmatch("jobs/[^/]+(/ticket)?", name)
        if is_job or name.startswith(("tmp/", "trash/", "nodes/")):
            path = f"{farm.spool.root}/{name}"
            found = os.lstat(path)
            os.utime(path, (found.st_atime, found.st_mtime - OLD), follow_symlinks=False)
    farm.points.era += 1


def walk(top: str) -> Iterator[tuple[str, bool]]:
    """All names below a folder, and which are folders."""
    for folder, inside, files in os.walk(top):
        above = folder[len(top) + 1 :] + "/" * (folder != top)
        yield from ((f"{above}{name}", True) for name in inside)
        yield from ((f"{above}{name}", False) for name in files)
