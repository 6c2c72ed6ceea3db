"""Daemons in the lab's clients, the jobs they are given, and what the server shows of them."""

import re
import shlex
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from renderd.core.chunk import Chunk, State, parse
from renderd.core.names import parse_beat
from tests.nfs.lab import DISK, ROOT, SHARE, Guest, Lab, LabError, Order, until

RENDERD = Path(sys.executable).with_name("renderd")
RENDER = RENDERD.with_name("render")
STANDIN = ROOT / "tests" / "farm" / "standin.py"
SPOOL, OUT = f"{SHARE}/spool", f"{SHARE}/out"
ARTISTS = 54330  #: the group that guests know; its members are this number and 1, 2, 3
PATIENCE = 900.0  #: seconds for a job; it takes one or two minutes where nothing else runs
OVER = ("done", "failed", "cancelled", "bad")


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the stand-in renderer, or of another that writes PNGs."""

    slug: str
    frames: int  #: 1 to this
    chunk: int
    commands: str  #: its command lines

    @property
    def chunks(self) -> int:
        return -(-self.frames // self.chunk)

    @property
    def text(self) -> str:
        """Its info file."""
        out = f"{OUT}/{self.slug}_####.png"
        head = f"name: {self.slug}\nframes: 1-{self.frames}\nchunk: {self.chunk}\nout: {out}\n"
        return f"{head}\n{self.commands}\n"


def standin(slug: str, frames: int, chunk: int = 4, seconds: float = 0.3) -> Job:
    """A job of real PNGs whose every pixel says which frame it is."""
    line = f"{sys.executable} -I -S {STANDIN} {{start}} {{end}} {{out}} --seconds={seconds}"
    return Job(slug, frames, chunk, f"{line} --side=64 --fill=20000")


@dataclass(slots=True, eq=False)
class Daemon:
    """One renderd process in a guest."""

    guest: Guest
    order: Order

    @property
    def text(self) -> str:
        """What it has said."""
        return self.order.text

    @property
    def incs(self) -> list[str]:
        """The incarnations it has been, in order."""
        return re.findall(r"(\S+) works for ", self.text)


@dataclass(slots=True, eq=False)
class Fleet:
    """A spool on the lab's export and a daemon on each of its clients."""

    lab: Lab
    uids: Sequence[int] = ()  #: of the daemons, in turn; none: all are root
    init: tuple[str, ...] = ()  #: words of `renderd init`
    daemons: list[Daemon] = field(default_factory=list)  #: all that ever were
    jobs: list[Job] = field(default_factory=list)
    may_be_dead: set[str] = field(default_factory=set)  #: incarnations that a fault silenced
    may_lack_lines: set[str] = field(default_factory=set)  #: whose journals a server may forget

    def found(self, owner: str = "root:root", mode: str = "0755") -> None:
        """Make the spool and the output folder from the first client, as its user."""
        self.lab.server.run(f"chown {owner} {DISK}; chmod {mode} {DISK}")
        words = shlex.join([str(RENDERD), "init", SPOOL, *self.init])
        first = self.lab.clients[0]
        first.run(f"{self._become(first)} sh -c 'umask 007; {words} && mkdir {OUT}'")
        if self.uids:
            first.run(f"{self._become(first)} chmod 2770 {OUT}")

    def _uid(self, guest: Guest) -> int:
        return self.uids[(guest.host - 2) % len(self.uids)] if self.uids else 0

    def _become(self, guest: Guest) -> str:
        uid = self._uid(guest)
        if not uid:
            return ""
        return f"setpriv --reuid={uid} --regid={ARTISTS} --clear-groups"

    def start(self, guest: Guest) -> Daemon:
        """Start the daemon of a guest, as a machine does that was just switched on."""
        uid = self._uid(guest)
        root = "" if uid else "--allow-root"
        env = "env -i PATH=$PATH LANG=C.UTF-8 HOME=/run/home RENDERD_CONFIG=/run/home/config.toml"
        env += " RENDERD_STATE_DIR=/run/home/state RENDERD_RUNTIME_DIR=/run/home/run"
        line = f"exec {self._become(guest)} {env} {RENDERD} --spool {SPOOL} --node {guest} {root}"
        config = "echo 'yields = []' > /run/home/config.toml"
        home = f"mkdir -p /run/home; {config}; chown -R {uid} /run/home"
        self.daemons.append(Daemon(guest, guest.start(f"{home}\n{line}")))
        return self.daemons[-1]

    def up(self) -> None:
        """Start a daemon on every client and wait until all work."""
        started = [self.start(guest) for guest in self.lab.clients]
        for daemon in started:
            self.works(daemon)

    def works(self, daemon: Daemon, incarnation: int = 1) -> str:
        """Wait until a daemon works, or does so again as its n-th incarnation; which that is."""
        until(
            lambda: len(daemon.incs) >= incarnation or daemon.order.is_over,
            f"the daemon of {daemon.guest} works",
            PATIENCE,
        )
        if len(daemon.incs) < incarnation:
            raise LabError(f"the daemon of {daemon.guest} ended:\n{daemon.text}")
        return daemon.incs[incarnation - 1]

    def of(self, guest: Guest) -> Daemon:
        """The present daemon of a guest."""
        return next(d for d in reversed(self.daemons) if d.guest is guest)

    # -- jobs -------------------------------------------------------------------------------

    def add(self, job: Job, *, drop_from: int = 0) -> None:
        """Drop a job's info file into the spool from a client, as a person does."""
        guest = self.lab.clients[drop_from]
        draft, drop = f"{SPOOL}/tmp/{job.slug}", f"{SPOOL}/{job.slug}.info"
        (guest.home / f"{job.slug}.info").write_text(job.text)
        text = guest.home / f"{job.slug}.info"
        guest.run(
            f"{self._become(guest)} sh -c 'umask 007; cat {text} >{draft}; mv {draft} {drop}'"
        )
        self.jobs.append(job)

    def listed(self, *folders: str) -> list[str]:
        """The names in folders of the spool, as the server itself sees them."""
        paths = " ".join(f"{DISK}/spool/{folder}" for folder in folders)
        return self.lab.server.run(f"ls -1f {paths}; true").split()

    def state(self, job: Job) -> str:
        """The folder that a job's ticket lies in; empty before it has one."""
        end = rf"(?:~g\d+)?~{job.slug}\.(?:info|why)"
        text = self.lab.server.run(f"cd {DISK}/spool; ls -1f {' '.join(OVER)} queue held; true")
        folder = ""
        for line in text.splitlines():
            if line.endswith(":"):
                folder = line[:-1]
            elif re.search(end + "$", line):
                return folder
        return ""

    def chunks(self, job: Job) -> list[Chunk]:
        """Every chunk file of a job that the server shows."""
        text = self.lab.server.run(
            f"cd {DISK}/spool; for t in {{queue,done,failed,held}}/*~{job.slug}.info; do"
            " j=${t#*~}; ls -1f jobs/${j%%~*}/[0-9]* 2>/dev/null; done; true"
        )
        return [chunk for name in text.split() if (chunk := parse(name))]

    def tally(self, job: Job) -> Counter[State]:
        return Counter(chunk.state for chunk in self.chunks(job))

    def under_way(self, job: Job, done: int = 3) -> None:
        """Wait until so many chunks are done, and every client runs one."""
        hosts = {str(guest) for guest in self.lab.clients if guest.is_on}

        def is_busy() -> bool:
            chunks = self.chunks(job)
            running = {c.owner.partition("-")[0] for c in chunks if c.state is State.RUN}
            return sum(c.state is State.DONE for c in chunks) >= done and running >= hosts

        patiently(is_busy, f"{job.slug} is under way on {sorted(hosts)}")

    def goes_on(self, job: Job, more: int = 2) -> None:
        """Wait until so many more chunks are done, or the job is over."""
        before = self.tally(job)[State.DONE]
        patiently(
            lambda: (
                self.tally(job)[State.DONE] >= min(before + more, job.chunks)
                or self.state(job) in OVER
            ),
            f"{job.slug} goes on after {before} chunks",
        )

    def ended(self, job: Job) -> str:
        """Wait until a job is over; where its ticket then is."""
        patiently(lambda: self.state(job) in OVER, f"{job.slug} ends")
        return self.state(job)

    def runs_on(self, job: Job, inc: str) -> bool:
        """True while an incarnation holds a chunk of the job."""
        return any(c.owner == inc and c.state is State.RUN for c in self.chunks(job))

    # -- life -------------------------------------------------------------------------------

    def dead(self) -> set[str]:
        """The incarnations with a death certificate."""
        return {name for name in self.listed("dead") if "-" in name}

    def alive(self) -> set[str]:
        """The incarnations that beat."""
        return {beat.inc for name in self.listed("beat/*") if (beat := parse_beat(name))}

    def declared(self, inc: str) -> None:
        """Wait until an incarnation is certified dead."""
        patiently(lambda: inc in self.dead(), f"{inc} is declared dead")

    # -- evidence ---------------------------------------------------------------------------

    def tree(self) -> Path:
        """A copy of all that lies on the server's disk, on this machine."""
        archive, folder = self.lab.folder / "tree.tar", self.lab.folder / "tree"
        # 1: something changed meanwhile, for the farm lives on.
        self.lab.server.run(f"sync; tar -C {DISK} -cf {archive} .; [ $? -le 1 ]")
        with tarfile.open(archive) as tar:
            tar.extractall(folder := self._fresh(folder), filter="fully_trusted")
        archive.unlink()
        return folder

    def _fresh(self, folder: Path) -> Path:
        number = 0
        while (made := folder.with_name(f"{folder.name}{number}")).exists():
            number += 1
        made.mkdir()
        return made


def patiently(claim, what: str) -> None:
    """Wait until the server shows something; asking costs it a process each time."""

    def ask() -> bool:
        if claim():
            return True
        time.sleep(0.5)
        return False

    until(ask, what, PATIENCE)
