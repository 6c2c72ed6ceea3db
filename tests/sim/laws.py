"""What must hold: I1 to I5 and I7 watched at every move, I6 asked at the end.

With a server that forgets (`is_forgetful`) less is promised: jobs of which nothing was forgotten
keep every law; of the others a finish still comes from its owner's claim alone, a frame is whole
when it is put in place, and where every chunk and the ticket are still there the job ends.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable

from renderd.core.chunk import Chunk, State, parse
from renderd.core.names import parse_adopting, parse_beat, parse_ticket
from renderd.errors import BrokenImage
from renderd.spool import control, image, jobs, tickets
from renderd.spool.layout import CANCELLED, DONE, FAILED, OPEN, TICKETS, Spool
from tests.sim.node import jid_label, label_of
from tests.sim.server import File, Folder
from tests.sim.world import ROOT, Machine, Violation, World

_JOBS = f"{ROOT}/jobs/"
_DEAD = f"{ROOT}/dead/"
_ADOPTING = f"{ROOT}/adopting/"
_TRASH = f"{ROOT}/trash/"
_TICKETS = tuple(f"{ROOT}/{folder}/" for folder in TICKETS)
_BAD = f"{ROOT}/bad/"
_OUT = "/out/"
#: what is dropped
DROPS = (
    b"frames: 1-4\nchunk: 2\n\nprog {start} {end}\n",
    b"frames: 1-9\nchunk: 3\nretries: 1\n\nprog {start} {end}\n",
    b"prog once\n",
    b"frames: 1-3\nchunk: auto\nout: /out/drops/f_####.png\n\nprog {start} {end} {out}\n",
)
DROPPED = DROPS[0]
_REDO = re.compile(rb"^x-redo: (\w+)", re.MULTILINE)
QUIET = 120.0  #: seconds without trouble of its own, after which a death is the server's fault


class Laws:
    """Watches every move on the server; raises Violation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.done: dict[tuple[str, int], str] = {}  #: chunk: the name that is done
        self.reclaimed: set[str] = set()  #: run names that were taken from their owners
        self.dead: set[str] = set()  #: incarnations that ever had a certificate
        self.names: set[str] = set()  #: of tickets, where each ever lay
        self.present: dict[str, Machine] = {}  #: the incarnations that run: their machines
        self.certified: set[str] = set()  #: incarnations that people declared dead, or copied
        self.touched: set[str] = set()  #: jobs of which people copied files
        self.forgotten: set[str] = set()  #: jobs of which a server forgot something
        self.jobs: dict[str, str] = {}  #: every job that was published: its slug
        self.hosts: dict[str, str] = {}  #: of redo jobs: the job whose frames they render
        self.removed: set[str] = set()  #: of these, what people and the janitor took away
        self.edited: set[str] = set()  #: slugs of drops that several may have written at once
        self.lost_drops: Counter[str] = Counter()  #: by a late duplicate between the two hops
        self.owners: dict[str, str] = {}  #: output folder: the last job that owned it
        self.is_forgetful = False
        world.server.told.append(self._moved)

    def forget(self, paths: Iterable[str]) -> None:
        """A server forgot changes of these paths: less is promised of their jobs."""
        for path in paths:
            if path.startswith(_JOBS):
                self.forgotten.add(path.removeprefix(_JOBS).partition("/")[0])
            elif ticket := parse_ticket(path.rpartition("/")[2]):
                self.forgotten.add(ticket.jid)

    def must_end(self, name: str) -> bool:
        """Whether a ticket stands for a job that must come to its end, as far as can be told."""
        ticket = parse_ticket(name)
        if ticket is None:
            return False
        return ticket.jid not in self.forgotten or self._is_intact(ticket.jid)

    def _is_intact(self, jid: str) -> bool:
        server = self.world.server
        top = server.folders.get(_JOBS + jid)
        record = top.names.get("job.info") if top else None
        if top is None or not isinstance(record, File):
            return False
        said = [line for line in record.data.decode().splitlines() if line.startswith("x-chunks:")]
        return bool(said) and len(_states(top)) == int(said[0].split(":")[1])

    def _moved(self, old: str, new: str, held: File | Folder | None) -> None:
        if new.startswith(_JOBS):
            self._chunk_moved(old, new, held)
        elif new.startswith(_TICKETS):
            self._ticket_moved(old, new, held)
        elif new.startswith(_DEAD):
            self.dead.add(new.removeprefix(_DEAD))
            self._declared(old, new.removeprefix(_DEAD))
        elif new.startswith(_ADOPTING):
            self._adopted(old, new, held)
        elif new.startswith(_TRASH):
            self._thrown_away(old)
        elif new.startswith(_BAD) and old.startswith(_JOBS):
            self.world.count("second file of a chunk set aside")
        elif new.startswith(_OUT) and new.endswith(".owner"):
            self.owners[new.partition("/.renderd/")[0]] = self.world.server.file(new).data.decode()
        elif new.startswith(_OUT) and "/.renderd/" not in new:
            self._frame_landed(old, new)

    def _ticket_moved(self, old: str, new: str, held: File | Folder | None) -> None:
        ticket = parse_ticket(new.rpartition("/")[2])
        if ticket is None:
            return
        if held is not None and ticket.jid not in self.forgotten:
            raise Violation(f"a ticket was moved over another: {old} to {new}")
        if new in self.names and ticket.jid not in self.forgotten:
            raise Violation(f"a name was used twice: {new}")
        self.names.add(new)
        if old.startswith(_TICKETS):
            self.world.count(f"ticket to {new.split('/')[2]}/")
        self.removed.discard(ticket.jid)
        if ticket.jid not in self.jobs:
            self.jobs[ticket.jid] = ticket.slug
            if said := _REDO.search(self.world.server.file(new).data):
                self.world.count("redo published")
                self.hosts[ticket.jid] = said[1].decode()

    def _is_open(self, jid: str) -> bool:
        folders = (self.world.server.folder(f"{ROOT}/{name}") for name in OPEN)
        return any(jid in name for folder in folders for name in folder.names)

    def _thrown_away(self, old: str) -> None:
        if old.startswith(_DEAD):
            self.world.count("certificate forgotten")
        elif old.startswith(_JOBS):
            self.world.count("job's folder swept")
        elif old.startswith(_TICKETS) and (ticket := parse_ticket(old.rpartition("/")[2])):
            self.world.count("job removed")
            self.removed.add(ticket.jid)

    def _adopted(self, old: str, new: str, held: File | Folder | None) -> None:
        before, now = (parse_adopting(path.rpartition("/")[2]) for path in (old, new))
        if before and now and before.inc != now.inc:
            self.world.count("adoption taken over")
        if not isinstance(held, File):
            return
        if not (self.world.is_late and now and now.is_first_hop):
            raise Violation(f"I5: {old} was moved over another dropped file: {new}")
        self.world.count("drop lost between the two hops")
        self.lost_drops[new.rpartition("~")[2].removesuffix(".info")] += 1

    def _chunk_moved(self, old: str, new: str, held: File | Folder | None) -> None:
        parts = new.removeprefix(_JOBS).split("/")
        if len(parts) != 3 or (chunk := parse(parts[2])) is None:
            return
        jid, name = parts[0], old.rpartition("/")[2]
        before = parse(name)
        if held is not None and jid in self.jobs and not self._is_excused(jid):
            raise Violation(f"a chunk was moved over another: {old} to {new}")
        if before and before.state is State.RUN and chunk.losses > before.losses:
            if before.owner not in self.dead:
                raise Violation(f"uncertified: {jid}/{name} was reclaimed, its owner not declared")
            self.reclaimed.add(name)
            self.world.count("chunk reclaimed")
        if chunk.state is State.RUN:
            self.world.claimed.add(chunk.name)
            ino = self.world.server.entry(new).ino
            if ino in self.world.own_words:
                self.world.claimed_words[chunk.name] = self.world.own_words[ino]
        if chunk.state is State.DONE:
            self._finished(jid, chunk, before, name)
        if not self._is_excused(jid):
            self._is_one(jid, chunk, new.rpartition("/")[0])

    def _is_excused(self, jid: str) -> bool:
        return jid in self.touched or jid in self.forgotten

    def _finished(self, jid: str, chunk: Chunk, before: Chunk | None, old: str) -> None:
        first = self.done.setdefault((jid, chunk.index), chunk.name)
        if first != chunk.name and not self._is_excused(jid):
            raise Violation(f"I1: {jid} chunk {chunk.index} is done twice: {first}, {chunk.name}")
        if chunk.owner == "skip":
            return
        if before is None or before.state is not State.RUN or before.owner != chunk.owner:
            raise Violation(f"I1: {chunk.name} did not come from its owner's claim: {old}")
        if old in self.reclaimed and jid not in self.forgotten:
            raise Violation(f"I3: {old} was reclaimed, and is done all the same")

    def _is_one(self, jid: str, chunk: Chunk, folder: str) -> None:
        names = self.world.server.folders[folder].names
        start = f"{chunk.index:05d}_"
        same = [n for n in names if n.startswith(start) and parse(n)]
        if len(same) != 1:
            raise Violation(f"I2: {jid} chunk {chunk.index} has {len(same)} files: {same}")

    def _declared(self, old: str, inc: str) -> None:
        machine = self.present.get(inc)
        if machine is None or inc in self.certified or parse_beat(old.rpartition("/")[2]) is None:
            return
        if self.world.turn is not None and self.world.turn.machine is machine:
            return  # it leaves, and says so itself
        self.world.count("declared")
        if not machine.actors:
            return
        self.world.count("declared alive")
        quiet = self.world.now - machine.impaired_at
        if quiet > QUIET:
            raise Violation(f"I7: {inc} was declared dead while it beat ({quiet:.0f} s of health)")

    def _frame_landed(self, old: str, path: str) -> None:
        self.world.count("frame put in place")
        folder, writer = path.rpartition("/")[0], old.split("/")[-3]
        owner = self.owners.get(folder, "")
        if writer in self.hosts and not self._is_open(owner):
            self.owners[folder] = writer  # a redo that was held until the output was free
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
    known = tickets.everywhere(spool)
    for jid in laws.jobs.keys() - laws.forgotten:
        if lying[jid] != (jid not in laws.removed):
            raise Violation(f"I2: the ticket of {jid} lies in {lying[jid]} folders")
    for jid, (folder, ticket) in known.items():
        if folder in OPEN and laws.must_end(ticket.name):
            raise Violation(f"I6: {ticket.name} is still in {folder}/")
        if folder not in (*OPEN, CANCELLED) and not laws._is_excused(jid):
            _ended(laws, spool, jid, folder)
        is_known = ticket.slug in drops.keys() - laws.edited
        text = server.file(spool.at(folder, ticket.name)).data
        if is_known and not ticket.slug.startswith("again") and text not in DROPS:
            raise Violation(f"I5: {ticket.name} is not what was dropped")
    _drops(laws, drops)


def _drops(laws: Laws, drops: dict[str, int]) -> None:
    """Each dropped file became one job."""
    slugs = Counter(slug for jid, slug in laws.jobs.items() if jid not in laws.forgotten)
    unsure = Counter(slug for jid, slug in laws.jobs.items() if jid in laws.forgotten)
    refused = Counter(
        n.partition("~")[2].removesuffix(".info")
        for n in laws.world.server.folder(f"{ROOT}/bad").names
        if n.partition("~")[2].startswith("again") and n.endswith(".info")
    )
    for slug, count in drops.items():
        due = count - laws.lost_drops[slug] - refused[slug]
        if laws.is_forgetful or slugs[slug] <= due <= slugs[slug] + unsure[slug]:
            continue
        raise Violation(f"I5: {due} files {slug}.info were dropped, {slugs[slug]} jobs came")


def _states(top: Folder) -> dict[int, list[State]]:
    """The states of the files of each chunk of a job."""
    found: dict[int, list[State]] = {}
    for group, inside in top.names.items():
        if group.isdigit() and isinstance(inside, Folder):
            for name in inside.names:
                if chunk := parse(name):
                    found.setdefault(chunk.index, []).append(chunk.state)
    return found


def _ended(laws: Laws, spool: Spool, jid: str, folder: str) -> None:
    found = _states(laws.world.server.folders[spool.job(jid)])
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
    host = laws.hosts.get(jid, jid)  # redos of the same job may each have replaced the frame
    family = {label_of(j) for j in (host, *laws.hosts) if laws.hosts.get(j, j) == host}
    said = control.read(spool, jid).warning  # names the frames that another job wrote over
    for frame in {f for run in job.info.frames or () for f in run} - skipped:
        name = f"{stem}{frame:04d}.png"
        is_there = name in server.folder(folder).names
        if is_there and jid_label(server.file(f"{folder}/{name}").data) in family:
            continue
        if "another job wrote over frames" not in said:
            raise Violation(f"I4: {jid} is done, and its frame {frame} is not there or another's")
