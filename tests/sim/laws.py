"""What must hold: I1 to I5 and I7 watched at every move, I6 asked at the end."""

import io
from collections import Counter

from renderd.core.chunk import Chunk, State, parse
from renderd.core.names import parse_beat, parse_ticket
from renderd.errors import BrokenImage
from renderd.spool import control, image, jobs, tickets
from renderd.spool.layout import CANCELLED, DONE, FAILED, TICKETS, Spool
from tests.sim.node import jid_label, label_of
from tests.sim.server import Folder
from tests.sim.world import ROOT, Machine, Violation, World

_JOBS = f"{ROOT}/jobs/"
_DEAD = f"{ROOT}/dead/"
_OUT = "/out/"
DROPPED = b"frames: 1-4\nchunk: 2\n\nprog {start} {end}\n"  #: every file that is dropped
QUIET = 120.0  #: seconds without trouble of its own, after which a death is the server's fault


class Laws:
    """Watches every move on the server; raises Violation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.done: dict[tuple[str, int], str] = {}  #: chunk: the name that is done
        self.present: dict[str, Machine] = {}  #: the incarnations that run: their machines
        self.touched: set[str] = set()  #: jobs that people moved files of
        self.owners: dict[str, str] = {}  #: output folder: the last job that owned it
        self.is_forgetful = False
        world.server.told.append(self._moved)

    def _moved(self, old: str, new: str) -> None:
        if new.startswith(_JOBS):
            self._chunk_moved(old, new)
        elif new.startswith(_DEAD):
            self._declared(old, new.removeprefix(_DEAD))
        elif new.startswith(_OUT) and new.endswith(".owner"):
            self.owners[new.partition("/.renderd/")[0]] = self.world.server.file(new).data.decode()
        elif new.startswith(_OUT) and "/.renderd/" not in new:
            self._frame_landed(new)

    def _chunk_moved(self, old: str, new: str) -> None:
        parts = new.removeprefix(_JOBS).split("/")
        if len(parts) != 3 or (chunk := parse(parts[2])) is None:
            return
        jid = parts[0]
        if chunk.state is State.DONE:
            self._finished(jid, chunk, old)
        self._is_one(jid, chunk, new.rpartition("/")[0])

    def _finished(self, jid: str, chunk: Chunk, old: str) -> None:
        key = jid, chunk.index
        before = parse(old.rpartition("/")[2])
        first = self.done.setdefault(key, chunk.name)
        if first != chunk.name and not self.is_forgetful:
            raise Violation(f"I1: {jid} chunk {chunk.index} is done twice: {first}, {chunk.name}")
        if chunk.owner == "skip":
            return
        if before is None or before.state is not State.RUN or before.owner != chunk.owner:
            raise Violation(f"I1: {chunk.name} did not come from its owner's claim: {old}")

    def _is_one(self, jid: str, chunk: Chunk, folder: str) -> None:
        if jid in self.touched or self.is_forgetful:
            return
        names = self.world.server.folders[folder].names
        same = [n for n in names if (c := parse(n)) and c.index == chunk.index]
        if len(same) != 1:
            raise Violation(f"I2: {jid} chunk {chunk.index} has {len(same)} files: {same}")

    def _declared(self, old: str, inc: str) -> None:
        machine = self.present.get(inc)
        if machine is None or parse_beat(old.rpartition("/")[2]) is None:
            return
        self.world.count("declared")
        if not machine.actors:
            return
        self.world.count("declared alive")
        quiet = self.world.now - machine.impaired_at
        if quiet > QUIET:
            raise Violation(f"I7: {inc} was declared dead while it beat ({quiet:.0f} s of health)")

    def _frame_landed(self, path: str) -> None:
        try:
            image.verify(io.BytesIO(self.world.server.file(path).data), path)
        except BrokenImage as error:
            raise Violation(f"I4: {path} is not whole: {error}") from error


def whole_farm(laws: Laws, spool: Spool, drops: dict[str, int]) -> None:
    """Everything that must hold once all faults are over (I2, I5, I6)."""
    server = laws.world.server
    lying = Counter(
        t.jid for f in TICKETS for n in server.folder(spool.at(f)).names if (t := parse_ticket(n))
    )
    for jid, count in lying.items():
        if count != 1:
            raise Violation(f"I2: the ticket of {jid} lies in {count} folders")
    slugs: Counter[str] = Counter()
    for jid, (folder, ticket) in tickets.everywhere(spool).items():
        slugs[ticket.slug] += 1
        if folder not in (DONE, FAILED, CANCELLED):
            raise Violation(f"I6: {ticket.name} is still in {folder}/")
        if folder != CANCELLED:
            _ended(laws, spool, jid, folder)
        if ticket.slug in drops and server.file(spool.at(folder, ticket.name)).data != DROPPED:
            raise Violation(f"I5: {ticket.name} is not what was dropped")
    for slug, count in drops.items():
        if slugs[slug] != count:
            raise Violation(f"I5: {count} files {slug}.info were dropped, {slugs[slug]} jobs came")


def _ended(laws: Laws, spool: Spool, jid: str, folder: str) -> None:
    found: dict[int, list[State]] = {}
    top = laws.world.server.folders[spool.job(jid)]
    for group, inside in top.names.items():
        if group.isdigit() and isinstance(inside, Folder):
            for name in inside.names:
                if chunk := parse(name):
                    found.setdefault(chunk.index, []).append(chunk.state)
    total = jobs.read(spool, jid).chunks
    if folder == DONE:  # the janitor may have removed the files of chunks an hour later
        for index in [i for job, i in laws.done if job == jid]:
            found.setdefault(index, [State.DONE])
    if sorted(found) != list(range(1, total + 1)) or any(len(s) > 1 for s in found.values()):
        raise Violation(f"I2: {jid} has not one file a chunk: {found}")
    states = {states[0] for states in found.values()}
    if folder == DONE and states != {State.DONE}:
        raise Violation(f"I6: {jid} is in done/ with chunks {states}")
    if folder == DONE:
        ended = [parse(name) for (job, _), name in laws.done.items() if job == jid]
        runs = [c.run for c in ended if c and c.owner == "skip" and c.run is not None]
        _pictures(laws, spool, jid, {frame for run in runs for frame in run})
    if folder == FAILED and not (State.FAIL in states and states <= {State.DONE, State.FAIL}):
        raise Violation(f"I6: {jid} is in failed/ with chunks {states}")


def _pictures(laws: Laws, spool: Spool, jid: str, skipped: set[int]) -> None:
    """A job that is done and was the last to own its output has all its frames, its own."""
    job = jobs.read(spool, jid)
    folder, _, pattern = job.out.rpartition("/")
    if not job.out or laws.owners.get(folder) != jid:
        return
    server, stem = laws.world.server, pattern.partition("#")[0]
    said = control.read(spool, jid).warning  # names the frames that another job wrote over
    for frame in {f for run in job.info.frames or () for f in run} - skipped:
        name = f"{stem}{frame:04d}.png"
        is_there = name in server.folder(folder).names
        if is_there and jid_label(server.file(f"{folder}/{name}").data) == label_of(jid):
            continue
        if "another job wrote over frames" not in said:
            raise Violation(f"I4: {jid} is done, and its frame {frame} is not there or another's")
