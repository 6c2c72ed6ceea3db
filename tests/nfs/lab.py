"""A network on one machine: User-Mode-Linux guests, a kernel NFS server, its clients.

Host 1 is the server: kernel nfsd exporting a fresh ext4 disk.  Hosts 2, 3, … are its clients with
the export mounted at SHARE.  All see this machine's own files, read-only, but for the lab's folder.
Nothing leaves the machine: guests talk over a `uml_switch` socket.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

INIT = Path(__file__).with_name("guest-init").resolve()
ROOT = Path(__file__).resolve().parents[2]
SHARE = "/run/farm"  #: where a client has the export mounted
DISK = "/run/disk/share"  #: the same on the server
#: what the lab calls, and the Debian package of each
PROGRAMS = {
    "linux.uml": "user-mode-linux",
    "uml_switch": "uml-utilities",
    "exportfs": "nfs-kernel-server",
    "mount.nfs": "nfs-common",
    "rpcbind": "rpcbind",
    "modprobe": "kmod",
    "mkfs.ext4": "e2fsprogs",
    "ip": "iproute2",
}
PATIENCE = 180.0  #: seconds for what takes one or two on an idle machine
SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin"


def lacking(programs: Mapping[str, str] = PROGRAMS) -> str:
    """Why there can be no lab of these programs here, with its remedy; empty where there can."""
    if not sys.platform.startswith("linux"):
        return "the NFS lab needs Linux"
    path = f"{os.environ.get('PATH', '')}:{SYSTEM}"
    missing = [package for name, package in programs.items() if not shutil.which(name, path=path)]
    if missing:
        return f"the NFS lab needs: apt-get install {' '.join(dict.fromkeys(missing))}"
    return "" if os.geteuid() == 0 else "the NFS lab needs root"


class LabError(Exception):
    """The lab itself failed: nothing is known of what was to be tried."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command in a guest ended."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Order:
    """A command that a guest was given."""

    guest: "Guest"
    stem: Path

    @property
    def text(self) -> str:
        """What it has said so far."""
        with contextlib.suppress(FileNotFoundError):
            return self.stem.with_suffix(".out").read_text(errors="replace")
        return ""

    @property
    def is_over(self) -> bool:
        return self.stem.with_suffix(".end").exists()

    def wait(self, patience: float = PATIENCE) -> Done:
        """Its end.  Raises LabError where it does not come, or the guest went before."""
        what = f"{self.guest} ends: {self.stem.with_suffix('.sh').read_text()}"
        until(lambda: self.is_over or not self.guest.is_on, what, patience)
        if not self.is_over:
            raise LabError(f"{self.guest} went off before the end of {self.stem}")
        return Done(int(self.stem.with_suffix(".end").read_text()), self.text)


@dataclass(slots=True, eq=False)
class Guest:
    """One machine of the lab; it can be switched on again after a power cut."""

    lab: "Lab"
    host: int
    words: tuple[str, ...]  #: of its kernel's command line
    mem: str = "384M"
    boots: int = 0
    orders: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __str__(self) -> str:
        return f"n{self.host}"

    @property
    def home(self) -> Path:
        """Its folder of this boot, which it shares with this machine."""
        return self.lab.folder / f"{self}.{self.boots}"

    @property
    def is_on(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def boot(self) -> None:
        """Switch it on; `settle` waits until it is up."""
        assert not self.is_on
        self.boots, self.orders = self.boots + 1, 0
        self.home.mkdir()
        switch = f"eth0=daemon,02:00:00:00:00:{self.host:02x},unix,{self.lab.folder}/switch"
        line = ["linux.uml", f"mem={self.mem}", "rootfstype=hostfs", "rootflags=/", "ro"]
        line += ["root=/dev/root", f"init={INIT}", "con=null", "con0=null,fd:1", switch]
        line += [f"host={self.host}", f"lab={self.lab.folder}", f"home={self.home}"]
        line += [f"keep={self.lab.keep}", "quiet", *self.words]
        with (self.home / "console").open("wb") as console:
            self.process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=self.lab.environ,
                start_new_session=True,
            )

    def settle(self, patience: float = PATIENCE) -> None:
        """Wait until it is up: a server exports, a client has mounted."""
        ready = self.home / "ready"
        until(lambda: ready.exists() or not self.is_on, f"{self} is up", patience)
        if not ready.exists():
            raise LabError(f"{self} did not come up:\n{self.evidence()}")

    def evidence(self) -> str:
        """The last words of its console and of its init."""
        parts = [(self.home / name) for name in ("console", "log")]
        return "\n".join(p.read_text(errors="replace")[-2000:] for p in parts if p.exists())

    def start(self, script: str) -> Order:
        """Give it a shell script to run beside whatever runs there."""
        stem = self.home / str(self.orders)
        self.orders += 1
        draft = stem.with_suffix(".draft")
        draft.write_text(script + "\n")
        draft.rename(stem.with_suffix(".sh"))
        return Order(self, stem)

    def ask(self, script: str, patience: float = PATIENCE) -> Done:
        """Run a shell script there; how it ended."""
        return self.start(script).wait(patience)

    def run(self, script: str, patience: float = PATIENCE) -> str:
        """Run a shell script that must succeed; what it said."""
        done = self.ask(script, patience)
        if done.status != 0:
            raise LabError(f"{self}: exit status {done.status} of {script}\n{done.text}")
        return done.text

    def power_off(self) -> None:
        """It is gone at once, as at a power cut: what was not synced is lost."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def freeze(self) -> None:
        """Stop the whole machine, as a suspended laptop."""
        # Its kernel alone, which lets its processes run: their own stop would reach the guest.
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if nothing had been."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def cut_off(self) -> None:
        """Cut its network; everything on it goes on."""
        self.run("ip link set eth0 down")

    def join(self) -> None:
        """Mend its network."""
        self.run(f"ip link set eth0 up; ip addr replace 10.77.0.{self.host}/24 dev eth0")


@dataclass(slots=True, eq=False)
class Lab:
    """A switch, a server and clients; a context that leaves no process behind."""

    folder: Path
    nfs: str = "vers=4.2"  #: the clients' mount options; empty: they mount nothing
    export: str = "sync,no_root_squash"
    restart: str = "rpc.nfsd 0; exportfs -f; rpc.nfsd 8"  #: what makes a server start anew
    disk_bytes: int = 256 << 20
    guests: dict[int, Guest] = field(default_factory=dict)
    switch: subprocess.Popen[bytes] | None = None
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def keep(self) -> str:
        """The paths that guests must find at their places, for every user."""
        paths = {Path(p).resolve() for p in (sys.base_prefix, sys.prefix, ROOT, self.folder)}
        tops = [p for p in paths if not any(q in p.parents for q in paths)]
        return ":".join(sorted(map(str, tops)))

    def __enter__(self) -> "Lab":
        if reason := lacking():
            raise LabError(reason)
        self.folder = self.folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.environ = {**os.environ, "PATH": f"{os.environ['PATH']}:{SYSTEM}"}
        if shutil.disk_usage("/dev/shm").free < 3 << 30:  # a container's is small
            self.environ["TMPDIR"] = str(self.folder)
        path = self.folder / "switch"
        self.switch = subprocess.Popen(
            ["uml_switch", "-unix", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # it tells of each packet that a full guest let fall
            env=self.environ,
            start_new_session=True,
        )
        until(path.exists, "the switch is there", 30)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for guest in self.guests.values():
            guest.power_off()
        if self.switch is not None:
            self.switch.kill()
            assert self.switch.stdin is not None
            self.switch.stdin.close()
            self.switch.wait()

    @property
    def server(self) -> Guest:
        return self.guests[1]

    @property
    def clients(self) -> list[Guest]:
        return [guest for host, guest in sorted(self.guests.items()) if host > 1]

    def start(self, clients: int, *, mem: str = "384M") -> None:
        """Boot the server and so many clients, and wait until all are up."""
        self.add_server()
        for host in range(2, 2 + clients):
            self.add_client(host, mem=mem)
        for guest in self.clients:
            guest.settle()

    def add_server(self) -> Guest:
        """Boot host 1 on a fresh disk; it exports when it is up."""
        disk = self._disk("disk", self.disk_bytes)
        # No blocks kept for root: where root writes for everybody, full must be full.
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(disk)], check=True, env=self.environ)
        words = ("role=server", f"ubda={disk}", f"export={self.export}")
        self.guests[1] = Guest(self, 1, words)
        self.server.boot()
        self.server.settle()
        return self.server

    def add_client(self, host: int, *, mem: str = "384M", swap_bytes: int = 0) -> Guest:
        """Boot one more client, with a swap disk where one is wished for."""
        words = ("role=client", f"nfs={self.nfs}")
        if swap_bytes:
            disk = self._disk(f"swap{host}", swap_bytes)
            subprocess.run(["mkswap", "-q", str(disk)], check=True, env=self.environ)
            words += (f"ubda={disk}",)
        self.guests[host] = Guest(self, host, words, mem)
        self.guests[host].boot()
        return self.guests[host]

    def _disk(self, name: str, size: int) -> Path:
        path = self.folder / name
        with path.open("wb") as file:
            file.truncate(size)
        return path

    # -- the server's ills ------------------------------------------------------------------

    def restart_server(self) -> None:
        """Restart nfsd: its memory of open files and locks is gone, a grace period begins."""
        self.server.run(self.restart)

    def cut_power_of_server(self) -> None:
        """Take the server's power away and give it back: its disk has what was synced."""
        self.server.power_off()
        self.server.boot()
        self.server.settle()

    def fill_export(self) -> None:
        """Leave no block free on the export."""
        # Twice: what the first leaves is less than it can take in one piece.
        self.server.run(
            "for size in 1M 4k; do dd if=/dev/zero of=/run/disk/ballast.$size bs=$size; done"
            " 2>/dev/null; sync; true"
        )

    def empty_export(self) -> None:
        """Give the room back that `fill_export` took."""
        self.server.run("rm -f /run/disk/ballast.*; sync")


def until(claim: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until a claim is true; its value.  Raises LabError where that does not come."""
    deadline = time.monotonic() + patience
    while not (value := claim()):
        if time.monotonic() > deadline:
            raise LabError(f"it did not come to pass within {patience:.0f} s that {what}")
        time.sleep(0.05)
    return value
