"""A farm of real daemons as processes on one temporary spool, and what they left behind."""

import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from renderd import plan
from renderd.core import infofile
from renderd.core.chunk import Chunk, State, parse
from renderd.core.wire import Op, Request
from renderd.errors import RenderdError
from renderd.spool import history, jobs, layout, listing, nodes, orders, tickets
from renderd.spool.layout import Spool
from renderd.spool.share import PosixShare
from tests.farm.workstation import PATIENCE, RENDER, RENDERD, Daemon, is_stopped

#: a folder on the share that farms shall lie on (tests/volumes); empty: this machine's fastest
SHARE = os.environ.get("FARM_SHARE", "")
#: where that share is mounted, first as the tests see it, then other clients for every second
#: daemon; `:` between them
CLIENTS = tuple(filter(None, os.environ.get("FARM_CLIENTS", "").split(":")))
STANDIN = Path(__file__).with_name("standin.py")
#: the start of a command line of the stand-in renderer; -I -S because it needs nothing
PYTHON = f"{sys.executable} -I -S"


def through(first: str, other: str) -> list[str]:
    """What to put before a command so that it sees another client's mount where the first is."""
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", other, first]


class Farm:
    """A spool, an output folder and daemons; a context that leaves nothing behind."""

    def __init__(
        self,
        root: str = "",
        folder: str = "",
        share: str = SHARE,
        clients: Sequence[str] = CLIENTS,
    ) -> None:
        fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.local = Path(folder or tempfile.mkdtemp(prefix="renderd-farm-", dir=fast))
        self.folder = self.local
        self.clients = clients
        if share and not folder:
            self.folder = Path(tempfile.mkdtemp(prefix="renderd-farm-", dir=share))
        self.root = Path(root) if root else self.folder / "spool"
        self.out = self.folder / "out"
        self.daemons: list[Daemon] = []
        for path in (self.out, self.local / "tmp", self.local / "hosts"):
            path.mkdir(exist_ok=True)
        # A busy machine must not make way for the tests themselves.
        (self.local / "config.toml").write_text("yields = []\nawake = false\n")
        self._spool: Spool | None = None

    # -- spool and daemons ------------------------------------------------------------------

    def init(self, *words: str, prefix: Sequence[str] = (), status: int = 0) -> str:
        """Make the spool; what `renderd init` said."""
        line = [*prefix, str(RENDERD), "init", str(self.root), *words]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def spool(self) -> Spool:
        """The spool as a person's programs see it."""
        if self._spool is None:
            self._spool = layout.open_spool(PosixShare(), str(self.root), random.Random(), "test")
        return self._spool

    def start(self, name: str = "", *words: str, **how: Any) -> Daemon:
        """Start a daemon under a node name; a fresh name is a fresh machine."""
        name = name or f"node{len(self.daemons):02d}"
        for older in self.daemons:
            if older.name == name and not older.runs:
                older.succeeded()
        root = ["--allow-root"] if how.get("owner", os.geteuid()) == 0 else []
        if self.clients and root:
            client = self.clients[len(self.daemons) % len(self.clients)]
            how.setdefault("prefix", through(self.clients[0], client))
        daemon = Daemon(self, name, ["--node", name, *root, *words], **how)
        self.daemons.append(daemon)
        return daemon

    def up(self, name: str = "", *words: str, **how: Any) -> Daemon:
        """Start a daemon and wait until it works."""
        daemon = self.start(name, *words, **how)
        self.until(lambda: daemon.incs or not daemon.runs, f"{daemon.name} works or ends")
        assert daemon.incs, daemon.text
        return daemon

    def busy(self, name: str, **how: Any) -> Daemon:
        """Start a daemon that is never idle, so that it beats often, and has one free slot."""
        jid = self.add(f"name: busy\npool: {name}\n\nsleep 86400\n")
        daemon = self.up(name, "--slots", "2", "--pools", name, **how)
        self.until(lambda: self.commands(jid), f"{name} is busy")
        return daemon

    def met(self, *daemons: Daemon) -> None:
        """Wait until each of these daemons has seen all others."""
        begun = {d: nodes.everyone(self.spool)[d.inc].count for d in daemons}
        for daemon, beats in begun.items():  # each looks around after a beat
            claim = lambda d=daemon, n=beats: d.status()["stats"].get("beats", 0) > n  # noqa: E731
            self.until(claim, f"{daemon.name} has looked around")

    def looked(self, daemon: Daemon) -> None:
        """Wait until a daemon has seen the queue as it is now."""
        with daemon.client() as client:
            assert client.nudge()
        for _ in range(2):  # the turn under way may have begun before; the next has not
            up = daemon.status()["up"]
            self.until(lambda u=up: daemon.status()["up"] != u, f"{daemon.name} takes a turn")

    # -- people -----------------------------------------------------------------------------

    def render(self, *words: object, status: int = 0, prefix: Sequence[str] = ()) -> str:
        """Run a verb of `render` as a person does at a shell; all it said.

        A status of None is any status.
        """
        home = self.local / "person"
        home.mkdir(exist_ok=True)
        env = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "RENDERD_CONFIG": str(self.local / "config.toml"),
            "RENDERD_RUNTIME_DIR": str(home / "run"),
            "RENDERD_SPOOL": str(self.root),
        }
        line = [*prefix, str(RENDER), *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True, check=False, env=env)
        assert status in (None, done.returncode), done.stdout + done.stderr
        return done.stdout + done.stderr

    def ask(self, *words: object) -> dict[str, Any]:
        """What a verb of `render` answers as JSON."""
        said = self.render(*words, "--json")
        return dict(json.loads(said[said.index("{") :]))

    def queue(self, path: object, *words: object, **how: Any) -> str:
        """Add a .blend with `render add`; the jid of its one job."""
        words = ("--out", self.out / "shot_####", *words)
        before = set(tickets.everywhere(self.spool))
        self.render("add", path, *words, **how)
        (jid,) = set(tickets.everywhere(self.spool)) - before
        return jid

    # -- jobs -------------------------------------------------------------------------------

    def info(
        self, *words: str, frames: str = "1-20", out: str = "shot_####.png", **keys: Any
    ) -> str:
        """An info file of the stand-in renderer."""
        keys = {"frames": frames, "out": str(self.out / out), **keys}
        head = "".join(f"{k}: {v}\n" for k, v in keys.items() if v is not None)
        return f"{head}\n{self.command(*words)}\n"

    def command(self, *words: str) -> str:
        """The stand-in's command line, frames and output left open."""
        return " ".join((PYTHON, str(STANDIN), "{start}", "{end}", "{out}", *words))

    def add(self, text: str, name: str = "shot") -> str:
        """Publish an info file's job as the front-end does; its jid."""
        info = infofile.parse(text)
        draft = plan.from_info(info, info.name or name, self.spool.farm, sys.platform)
        after = jobs.resolve_after(self.spool, info.after)
        order = jobs.Order("test@farm", is_held=info.hold, after=after)
        return jobs.publish(self.spool, draft, order)

    def drop(self, data: str | bytes, name: str = "shot.info") -> Path:
        """Write a file into the spool's root as an editor or a script would."""
        path = self.root / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def state(self, jid: str) -> str:
        """The folder a job's ticket lies in; empty in the moment of a move."""
        place = tickets.find(self.spool, jid)
        return place[0] if place else ""

    def named(self, slug: str) -> str:
        """The jid of the job of this name; empty where there is none."""
        known = tickets.everywhere(self.spool).values()
        return next((t.jid for _, t in known if t.slug == slug), "")

    def chunks(self, jid: str) -> list[Chunk]:
        """Every chunk file of a job, twins included."""
        return [
            chunk
            for group in listing.groups(self.spool, jid)
            for name in os.listdir(self.root / "jobs" / jid / group)
            if (chunk := parse(name))
        ]

    def tally(self, jid: str) -> Counter[State]:
        return Counter(c.state for c in self.chunks(jid))

    def running(self, jid: str) -> list[Chunk]:
        return [c for c in self.chunks(jid) if c.state is State.RUN]

    def errors(self, jid: str) -> str:
        """All error notes of a job, in the order of their names."""
        folder = self.root / "jobs" / jid / "err"
        return "\n".join(p.read_text() for p in sorted(folder.iterdir()))

    def logs(self, jid: str) -> str:
        folder = self.root / "jobs" / jid / "log"
        return "\n".join(p.read_text(errors="replace") for p in sorted(folder.iterdir()))

    def logged(self, jid: str, text: str) -> None:
        """Wait until a job's logs hold a text: their last words come after the chunk's end."""
        self.until(lambda: text in self.logs(jid), f"{text!r} is in the log of {jid}")

    def commits(self, jid: str) -> list[dict[str, Any]]:
        """The journals' `done` events of a job."""
        events = history.events(self.spool)
        return [e for e in events if e.get("ev") == "done" and e.get("jid") == jid]

    def in_order(self) -> list[str]:
        """The jobs in the order in which a single node's chunks of them were done."""
        done = [str(e["jid"]) for e in history.events(self.spool) if e.get("ev") == "done"]
        return [jid for jid, _ in itertools.groupby(done)]

    def tick(self) -> None:
        """Wait until a file made now is newer than all before; some shares count whole seconds."""
        probe = self.folder / "tick"
        probe.touch()
        before = probe.stat().st_mtime_ns
        self.until(lambda: probe.touch() or probe.stat().st_mtime_ns > before, "time passes")

    def ended(self, jid: str, patience: float = PATIENCE) -> str:
        """Wait until the job is over; where its ticket then is."""
        over = ("done", "failed", "cancelled")
        self.until(lambda: self.state(jid) in over, f"job {jid} ends", patience)
        return self.state(jid)

    def refused(self, slug: str) -> str:
        """Wait until a dropped file is in bad/; why it was refused."""
        bad = self.root / "bad"
        pattern = f"*~{slug}.why"
        self.until(lambda: [*bad.glob(pattern)], f"{slug} is refused")
        self.until(lambda: os.path.lexists([*bad.glob(pattern)][0].with_suffix(".info")), slug)
        return [*bad.glob(pattern)][0].read_text()

    def send(self, node: str, op: Op, **args: Any) -> None:
        """An order through the inbox, as another machine sends it."""
        orders.send(self.spool, node, Request(op, args))

    # -- frames -----------------------------------------------------------------------------

    def frames(self, pattern: str = "shot_*.png") -> list[Path]:
        return sorted(self.out.glob(pattern))

    def kept(self, jid: str) -> dict[Path, int]:
        """The frames of an open job that no death takes back, and when each was written.

        A daemon killed between a frame's last move and its receipt has it rendered again.
        """
        found = {}
        for receipt in self.out.glob(f"**/.renderd/{jid}/ok/*"):
            for name, *_ in json.loads(receipt.read_bytes())["files"]:
                path = receipt.parents[3] / name
                found[path] = path.stat().st_mtime_ns
        return found

    def litter(self) -> list[str]:
        """What lies in `.renderd` folders beside frames."""
        return sorted(str(p.relative_to(self.folder)) for p in self.out.rglob(".renderd*"))

    # -- processes --------------------------------------------------------------------------

    def commands(self, jid: str = "") -> list[int]:
        """The processes of this farm's commands, or of one job's; open Blenders that work, too."""
        mark = f"RENDERD_JOB={jid}".encode()
        found = {pid for pid, environ in self._processes() if mark in environ}
        # An open Blender has no job in its environment; who does not answer is asked again later.
        for daemon in self.daemons:
            if daemon.runs and not is_stopped(daemon.pid):
                with contextlib.suppress(RenderdError, OSError):
                    running = daemon.status()["running"]
                    found |= {one["pid"] for one in running if jid in ("", one["job"])}
        return sorted(found - {0})

    def strays(self) -> list[int]:
        """All processes of this farm: daemons, guards, commands."""
        return [pid for pid, _ in self._processes()]

    def _processes(self) -> Iterator[tuple[int, bytes]]:
        mark = os.fsencode(self.local)
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                environ = Path(f"/proc/{name}/environ").read_bytes()
                if mark in environ and int(name) != os.getpid():
                    yield int(name), environ

    # -- waiting, evidence, end -------------------------------------------------------------

    def until(self, claim: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
        """Wait until a claim is true; its value."""
        deadline = time.monotonic() + patience
        while True:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # gone while we look
                if value := claim():
                    return value
            assert time.monotonic() < deadline, f"it never happened that {what}"
            time.sleep(0.05)

    def evidence(self) -> str:
        """Names in the spool, the daemons' words and the journals, for a failed test."""
        parts = ["== the spool"]
        parts += [str(p.relative_to(self.root)) for p in sorted(self.root.rglob("*"))][:400]
        parts += ["== the output", *map(str, sorted(self.out.rglob("*")))]
        for daemon in self.daemons:
            parts += [f"== {daemon.name} ({daemon.pid}, exit {daemon.process.poll()})"]
            parts += [daemon.text[-4000:]]
        for path in sorted(self.root.glob("history/*.jsonl")):
            parts += [f"== {path.name}", path.read_text()[-3000:]]
        for path in [*self.root.glob("jobs/*/err/*"), *self.root.glob("bad/*.why")][:20]:
            parts += [f"== {path.relative_to(self.root)}", path.read_text()[:600]]
        return "\n".join(parts)

    def close(self) -> None:
        """End every process by its id and remove all files."""
        for daemon in self.daemons:
            if daemon.runs:
                daemon.thaw()
                daemon.kill()
        deadline = time.monotonic() + 20
        while (left := self.strays()) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for folder in {self.folder, self.local}:
            shutil.rmtree(folder, ignore_errors=True)

    def alive(self) -> set[str]:
        """The incarnations that beat and have no certificate."""
        return set(nodes.everyone(self.spool)) - nodes.dead(self.spool)
