"""People at the farm: with tools that may die half-way, and by hand."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from renderd.core import chunk, frames, infofile, wire
from renderd.core.control import Control
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.core.label import slug
from renderd.core.names import parse_ticket
from renderd.core.wire import Op
from renderd.errors import OutputOwned, RenderdError, UsageError
from renderd.spool import jobs, nodes, orders, redos, tickets
from renderd.spool.layout import (
    BAD,
    CANCELLED,
    DEAD,
    FAILED,
    HELD,
    OPEN,
    QUEUE,
    TICKETS,
    Spool,
)
from tests.sim.drops import Droppers
from tests.sim.server import File
from tests.sim.world import ROOT, Actor, Died

Act = Callable[[Spool], object]
OWN_WORDS = 0.3  #: odds that a chunk's file is edited where others would move it


@dataclass(eq=False)
class People(Droppers):
    """What people do; `rng` of each act decides the particulars."""

    acting: int = 0  #: tools that run now
    undone: list[Act] = field(default_factory=list)  #: what failed and is to be tried again
    jobs: int = 0

    # With the tools.

    def tell(self, act: Act, rng: Random | None, *, is_repeated: bool) -> None:
        """A person's tool does something; it may be killed half-way, or the share fail it."""

        def run(actor: Actor) -> None:
            try:
                act(self.farm.spool(actor))
            except (OSError, RenderdError) as error:
                is_refused = isinstance(error, UsageError) and not isinstance(error, OutputOwned)
                if is_repeated and not is_refused:
                    self.undone.append(act)  # as the message says: try again
            except Died:
                if is_repeated:
                    self.undone.append(act)
                raise
            finally:
                self.acting -= 1

        self.acting += 1
        actor = self.farm.program("person", run)
        if (
            rng
            and rng.random() < 0.25
            and self.world.happens(actor.name, 0, "tool killed half-way")
        ):
            actor.dies_at = 1 + rng.randrange(rng.choice((5, 20, 80)))

    def draft(self, rng: Random) -> Draft:
        """A job of a command, with or without frames that it writes."""
        self.jobs += 1
        name = f"job{self.jobs}"
        folder = rng.choice((name, name, f"shared{rng.randrange(2)}"))
        out = f"/out/{folder}/f_####.png" if rng.random() < 0.5 else ""
        runs = frames.parse(f"1-{1 + rng.randrange(rng.choice(self.farm.size.frames))}")
        words = ("prog", "{start}", "{end}", *(["{out}"] if out else []))
        limit = rng.choice((None, None, None, 1))
        info = Info(
            commands=(words,), frames=runs, out=out, retries=rng.randrange(3), nodes=limit,
            priority=rng.choice((50, 50, 80)),
        )  # fmt: skip
        writes = Writes.PRIVATE if out else Writes.NOTHING
        draft = Draft(
            name=name, slug=slug(name), info=info, runs=runs, size=2, out=out, writes=writes
        )
        return self._perhaps_auto(draft)

    def _perhaps_auto(self, draft: Draft) -> Draft:
        """Some jobs have automatic chunks; drawn apart, so that all others stay what they were."""
        rng, size = self.world.detail("auto", self.jobs), self.farm.size
        if rng.random() >= size.autos:
            return draft
        count = rng.choice(size.auto_frames)
        runs = frames.parse(rng.choice((f"1-{count}", f"1-{count}", f"1-{2 * count - 1}x2")))
        info = replace(draft.info, frames=runs, chunk=0)
        self.world.count("job with automatic chunks")
        return replace(draft, info=info, runs=runs, size=1)

    def known(self) -> list[tuple[str, str]]:
        """The jobs and where they are, as the server has them."""
        found = {}
        for folder in TICKETS:
            listed = map(parse_ticket, self.server.folder(f"{ROOT}/{folder}").names)
            found.update({ticket.jid: folder for ticket in listed if ticket})
        return sorted(found.items())

    def add(self, rng: Random) -> None:
        draft = self.draft(rng)
        order = jobs.Order("artist@ws00", replaces=rng.random() < 0.5, is_held=rng.random() < 0.1)
        self.tell(lambda spool: jobs.publish(spool, draft, order), rng, is_repeated=False)

    def add_after(self, rng: Random) -> None:
        known = [jid for jid, _ in self.known()]
        after = tuple(rng.sample(known, min(len(known), 1 + rng.randrange(2))))
        draft, order = self.draft(rng), jobs.Order("artist@ws00", after=after)
        self.tell(lambda spool: jobs.publish(spool, draft, order), rng, is_repeated=False)

    def redo(self, rng: Random) -> None:
        known = self.known()
        if not known:
            return
        jid, frame = rng.choice(known)[0], str(1 + rng.randrange(4))

        def act(spool: Spool) -> None:
            place, job = orders.where(spool, jid), jobs.read(spool, jid)
            runs = frames.parse(frame)
            redos.check(spool, place, job, runs)
            jobs.publish(spool, redos.draft(spool, place, job, runs), jobs.Order("artist@ws00"))
            self.world.count("redo published")

        self.tell(act, rng, is_repeated=False)

    def order(self, rng: Random) -> None:
        known = self.known()
        if not known:
            return
        (jid, folder), number, index = rng.choice(known), rng.randrange(100), 1 + rng.randrange(4)
        acts: dict[str, Act] = {
            "hold": lambda spool: orders.hold(spool, jid, "artist"),
            "release": lambda spool: orders.release(spool, jid),
            "priority": lambda spool: orders.set_priority(spool, jid, number),
            "retry": lambda spool: orders.retry(spool, jid),
            "skip": lambda spool: orders.skip(spool, jid, lambda c: c.index == index),
            "cancel": lambda spool: orders.cancel(spool, jid) if number < 30 else None,
            "remove": lambda spool: orders.remove(spool, jid) if number < 50 else None,
        }
        what = rng.choice(sorted(acts))
        if folder == FAILED and rng.random() < 0.5:
            what = "retry"
        self.world.count(f"order: {what}")
        self.tell(acts[what], rng, is_repeated=what != "remove")

    def limit(self, rng: Random) -> None:
        """Change what may change while a job runs."""
        known = self.known()
        if not known:
            return
        jid = rng.choice(known)[0]
        number, size = rng.choice((0, 1, 2)), rng.choice((1 << 30, 64 << 30))
        changes: tuple[Callable[[Control], Control], ...] = (
            lambda said: replace(said, nodes=number),
            lambda said: replace(said, needs_ram=size),
            lambda said: replace(said, blocked=("ws01",)),
            lambda said: replace(said, note="look at this"),
            lambda said: replace(said, pool=("gpu",)),
        )
        change = rng.choice(changes)
        self.tell(lambda spool: orders.limit(spool, jid, change), rng, is_repeated=False)

    def order_node(self, rng: Random) -> None:
        daemons = [d for d in self.farm.daemons if d.inc]
        if not daemons:
            return
        inc = rng.choice(daemons).inc
        op = rng.choice((Op.PAUSE, Op.RESUME, Op.DRAIN, Op.UNDRAIN, Op.RESTART, Op.QUIT, Op.KILL))
        args = {"by": "artist", "now": rng.random() < 0.5}
        if op is Op.PAUSE:
            args["for"] = rng.choice((5.0, 60.0))
        if op is Op.KILL and (known := self.known()):
            args |= {"job": rng.choice(known)[0], "chunk": 1 + rng.randrange(4)}
        request = wire.Request(op=op, id=1, args=args)
        self.world.count(f"node order: {op}")
        self.tell(lambda spool: orders.send(spool, inc, request), rng, is_repeated=False)

    # By hand.

    def move_ticket(self, rng: Random) -> None:
        """`mv` of a ticket, as docs/reference/spool.md has it: g counts up."""
        target = rng.choice((HELD, QUEUE, QUEUE, CANCELLED))
        priority = rng.choice((None, rng.randrange(100)))

        def act(spool: Spool) -> None:
            folder = rng.choice((QUEUE, QUEUE, HELD))
            listed = tickets.listed(spool, folder)
            if listed:
                ticket = rng.choice(sorted(listed, key=lambda t: t.name))
                new = ticket.next(priority=priority)
                spool.share.rename(spool.at(folder, ticket.name), spool.at(target, new.name))
                self.world.count("ticket moved by hand")

        self.tell(act, rng, is_repeated=False)

    def move_chunk(self, rng: Random) -> None:
        """`mv` of a chunk: skip one that waits, or retry one that failed and bump the ticket."""
        known = [jid for jid, folder in self.known() if folder in (*OPEN, FAILED)]
        if not known:
            return
        jid = rng.choice(known)
        if self._write_chunk(jid):
            return

        def act(spool: Spool) -> None:
            for group in [n for n in spool.share.listdir(spool.job(jid)) if n.isdigit()]:
                for name in spool.share.listdir(spool.job(jid, group)):
                    found = chunk.parse(name)
                    if found and self._move_chunk(spool, jid, found, rng):
                        return

        self.tell(act, rng, is_repeated=False)

    def _move_chunk(self, spool: Spool, jid: str, found: chunk.Chunk, rng: Random) -> bool:
        if found.state is chunk.State.WAIT and rng.random() < 0.5:
            new = found.skipped("".join(rng.choices("abcdefgh", k=4)))
            spool.share.rename(spool.chunk(jid, found), spool.chunk(jid, new))
            # Of a failed job the ticket is to be moved too: `render skip` does it, told at the end.
            self.undone.append(lambda spool: orders.skip(spool, jid, lambda _chunk: False))
            self.world.count("chunk skipped by hand")
            return True
        if found.state is not chunk.State.FAIL:
            return False
        self.undone.append(lambda spool: orders.retry(spool, jid))  # until the ticket is moved
        spool.share.rename(spool.chunk(jid, found), spool.chunk(jid, found.retried()))
        self.world.count("chunk retried by hand")
        place = tickets.find(spool, jid)
        if place and place[0] == FAILED:
            new_name = spool.at(QUEUE, place[1].next().name)
            spool.share.rename(spool.at(FAILED, place[1].name), new_name)
        return True

    def _write_chunk(self, jid: str) -> bool:
        """Now and then an editor gives a chunk that waits words of its own, instead of a `mv`."""
        rng = self.world.detail("words", self.farm.act)
        waiting = [
            file
            for path, folder in self.server.folders.items()
            if path.startswith(f"{ROOT}/jobs/{jid}/")
            for name, file in folder.names.items()
            if isinstance(file, File) and (c := chunk.parse(name)) and c.state is chunk.State.WAIT
        ]
        whole = [file for file in waiting if file.data.endswith(b"\n")]
        if rng.random() >= OWN_WORDS or not whole:
            return False
        file = rng.choice(whole)
        file.data, file.is_synced = file.data.removesuffix(b"\n") + b" --mine\n", True
        self.world.own_words[file.ino] = infofile.parse(file.data).commands
        self.world.count("chunk's words written anew")
        return True

    def copy_chunk(self, rng: Random) -> None:
        """The folly of two files for one chunk: `cp` instead of `mv`."""
        for jid, folder in self.known():
            if folder != QUEUE or self.server.is_full or rng.random() < 0.5:
                continue
            for path, inside in list(self.server.folders.items()):
                found = [c for n in inside.names if (c := chunk.parse(n))]
                if path.startswith(f"{ROOT}/jobs/{jid}/") and found:
                    one = rng.choice(found)
                    twin = replace(
                        one, attempt=one.attempt + 1, state=chunk.State.WAIT, owner="", nonce=""
                    )
                    self.farm.laws.touched.add(jid)
                    file, words = self.server.file(f"{path}/{one.name}"), self.world.own_words
                    with contextlib.suppress(FileExistsError):
                        copy = self.server.create(f"{path}/{twin.name}", file.data)
                        words |= {copy.ino: words[file.ino]} if file.ino in words else {}
                        self.world.count("chunk copied by hand")
                    return

    def certify(self, rng: Random) -> None:
        """A machine that is surely gone (or so they think): its beat is moved to dead/."""

        def act(spool: Spool) -> None:
            seen = [(s, b) for s in nodes.shards(spool) for b in nodes.beats(spool, s)]
            if seen:
                shard, beat = rng.choice(seen)
                self.farm.laws.certified.add(beat.inc)
                spool.share.rename(f"{ROOT}/beat/{shard}/{beat.name}", spool.at(DEAD, beat.inc))
                self.world.count("certified by hand")

        self.tell(act, rng, is_repeated=False)

    def litter(self, rng: Random) -> None:
        """`rm` of what only people read, and what desktops leave in every folder."""
        folder = rng.choice(sorted(p for p in self.server.folders if p.startswith(ROOT)))
        name = rng.choice((".DS_Store", "x~", ".x.info.swp", "._x", "notes.txt", ".nfs0001"))
        if name not in self.server.folder(folder).names and not self.server.is_full:
            self.server.create(f"{folder}/{name}", b"litter")
        for path in list(self.server.folders):
            if path.startswith(f"{ROOT}/jobs/") and path.endswith(("/err", "/log")):
                for gone in list(self.server.folder(path).names)[:2]:
                    self.server.unlink(f"{path}/{gone}")
                    self.world.count("note removed by hand")
        for gone in [n for n in self.server.folder(f"{ROOT}/{BAD}").names if n.endswith(".why")]:
            self.server.unlink(f"{ROOT}/{BAD}/{gone}")

    def edit_control(self, rng: Random) -> None:
        """An editor saves a job's control file, without its lock: beside it, then over it."""
        known = [jid for jid, folder in self.known() if folder in OPEN]
        if not known:
            return
        jid = rng.choice(known)
        text = rng.choice((b"nodes: 1\n", b"note: hello\n", b"nodes: 1", b"nodes: what\n: x\n"))

        def act(spool: Spool) -> None:
            beside, path = (
                spool.job(jid, f"control.{rng.randrange(99)}~"),
                spool.job(jid, "control"),
            )
            spool.share.create(beside, text)
            spool.share.rename(beside, path)
            self.world.count("control edited by hand")

        self.tell(act, rng, is_repeated=False)
