"""A farm for measurements: a spool in memory, real daemons as processes, jobs that do nothing."""

import contextlib
import getpass
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

import psutil  # noqa: E402

from renderd import plan  # noqa: E402
from renderd.core import frames  # noqa: E402
from renderd.core.infofile import Info  # noqa: E402
from renderd.spool import jobs, tickets  # noqa: E402
from renderd.spool.layout import DONE, QUEUE, Spool, open_spool  # noqa: E402
from renderd.spool.share import PosixShare  # noqa: E402

RENDERD = str(Path(sys.executable).parent / "renderd")
PATIENCE = 120.0  #: seconds after which a measurement is given up


@dataclass
class Daemon:
    """One renderd, its guard included."""

    name: str
    process: subprocess.Popen
    log: Path

    def cpu(self) -> float:
        """Seconds of CPU that daemon and guard used themselves; ended commands not counted."""
        return sum(self._cpu_of(p) for p in self.family())

    def pss(self) -> int:
        """Bytes of daemon and guard, what they share with others counted in part."""
        return sum(p.memory_full_info().pss for p in self.family())

    def rss(self) -> int:
        """Resident bytes of the daemon alone."""
        return psutil.Process(self.process.pid).memory_info().rss

    def family(self) -> list[psutil.Process]:
        """The daemon and its guard."""
        daemon = psutil.Process(self.process.pid)
        return [daemon, *daemon.children()]

    def stop(self) -> None:
        """Let it leave in order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    @staticmethod
    def _cpu_of(process: psutil.Process) -> float:
        times = process.cpu_times()
        return times.user + times.system


@dataclass
class Farm:
    """A spool, and what runs on it."""

    folder: Path
    spool: Spool
    daemons: list[Daemon] = field(default_factory=list)
    patience: float = PATIENCE

    def start(self, *, driver: str = "", node: str = "", **environ: str) -> Daemon:
        """Start one daemon; `driver` is a script of this folder that runs it instead."""
        name = node or f"n{len(self.daemons)}"
        own = {"RENDERD_RUNTIME_DIR": self.folder / "run", "RENDERD_STATE_DIR": self.folder / name}
        env = os.environ | {k: str(v) for k, v in own.items()} | environ
        program = [sys.executable, str(HERE / driver)] if driver else [RENDERD]
        words = [*program, "--spool", self.spool.root, "--node", name, "--allow-root"]
        log = self.folder / f"{name}.log"
        with log.open("ab") as stream:
            process = subprocess.Popen(
                words, env=env, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )
        daemon = Daemon(name, process, log)
        self.daemons.append(daemon)
        return daemon

    def wait_beating(self, count: int) -> None:
        """Wait until `count` nodes beat."""
        beats = Path(self.spool.root, "beat")
        self.wait(lambda: len(list(beats.glob("*/*"))) >= count)

    def wait_idle(self, count: int) -> None:
        """Wait until `count` nodes beat and have looked around."""
        self.wait_beating(count)
        for daemon in self.daemons:
            settle(daemon)

    def publish(
        self,
        chunks: int,
        command: tuple[str, ...] = ("true",),
        *,
        name: str = "noop",
        is_held: bool = False,
    ) -> str:
        """A job of so many one-frame chunks; its jid."""
        runs = frames.parse(f"1-{chunks}" if chunks > 1 else "1")
        info = Info(commands=(command,), frames=runs, chunk=1)
        draft = plan.from_info(info, name, self.spool.farm, sys.platform)
        owner = f"{getpass.getuser()}@{socket.gethostname()}"
        return jobs.publish(self.spool, draft, jobs.Order(owner, is_held=is_held))

    def release(self, jid: str) -> None:
        """Let a held job go."""
        tickets.turn_surely(self.spool, jid, QUEUE)

    def wait_done(self, *jids: str, pause: float = 0.002) -> float:
        """Wait until the jobs are in done/; the time at which they were seen there."""
        wanted = set(jids)
        self.wait(lambda: wanted <= {t.jid for t in tickets.listed(self.spool, DONE)}, pause)
        return time.perf_counter()

    def wait(self, holds: Callable[[], bool], pause: float = 0.002) -> None:
        """Wait for a condition, and say which daemon died when one did."""
        deadline = time.monotonic() + self.patience
        while not holds():
            for daemon in self.daemons:
                if daemon.process.poll() is not None:
                    raise SystemExit(f"{daemon.name} died:\n{daemon.log.read_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise SystemExit("the farm did not get there in time")
            time.sleep(pause)

    def kill(self) -> None:
        """End all daemons at once; their guards end with them."""
        for daemon in self.daemons:
            daemon.process.kill()
        for daemon in self.daemons:
            daemon.process.wait()
        self.daemons.clear()

    def stop(self) -> None:
        """Stop all daemons."""
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.process.send_signal(signal.SIGTERM)
        for daemon in self.daemons:
            daemon.stop()
        self.daemons.clear()


@contextlib.contextmanager
def farm() -> Iterator[Farm]:
    """A new spool on tmpfs where there is one; all of it goes at the end."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="renderd-bench-", dir=memory) as folder:
        root = Path(folder, "spool")
        words = [RENDERD, "init", str(root)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rng = random.Random()
        one = Farm(Path(folder), open_spool(PosixShare(), str(root), rng, "bench-0000aaaa"))
        try:
            yield one
        finally:
            one.stop()


def settle(daemon: Daemon, quiet: float = 0.3) -> None:
    """Wait until a daemon that just started has asked the Blenders and gone quiet."""
    deadline = time.monotonic() + 60
    before = -1.0
    while time.monotonic() < deadline:
        time.sleep(quiet)
        is_alone = len(daemon.family()) <= 2  # else it asks a Blender for its version
        now = daemon.cpu() if is_alone else -1.0
        if is_alone and 0 <= now - before < 0.05 * quiet and before >= 0:
            return
        before = now


def revision() -> str:
    """The commit that is measured, marked where files differ from it."""
    words = ["git", "-C", str(HERE.parent), "describe", "--always", "--dirty", "--abbrev=8"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
