"""What the tests ask of a distributed file system: clients, and servers that come and go."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from network import SYSTEM, Network, run

PATIENCE = 120.0  #: seconds; only what will never happen takes as long
SERVERS = 3


class Volume:
    """A volume of three servers with two clients, each a mount with caches of its own."""

    kind = ""  #: the word for it in names and tables
    programs: tuple[str, ...] = ()  #: what must be installed

    def __init__(self) -> None:
        # Not in /dev/shm: bricks keep extended attributes, which not every tmpfs can.
        self.folder = Path(tempfile.mkdtemp(prefix=f"renderd-{self.kind}-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.clients: list[Path] = []
        self.network = Network((1, *range(11, 11 + SERVERS)))
        try:
            self.found()
            self.join()
            self.join()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what each kind does in its own way -------------------------------------------------

    def found(self) -> None:
        """Make the volume and start all that serves it."""
        raise NotImplementedError

    def mount(self, point: Path) -> None:
        """Mount the volume once more: another client, as far as the volume knows."""
        raise NotImplementedError

    def bring(self, number: int) -> None:
        """Start a server again."""
        raise NotImplementedError

    def pid(self, number: int) -> Path:
        """The file that holds a server's process id."""
        raise NotImplementedError

    # -- servers and clients ----------------------------------------------------------------

    @property
    def share(self) -> Path:
        """A folder on the volume for farms, as the first client sees it."""
        return self.clients[0] / "farms"

    def join(self) -> None:
        """One more client, ready when it can write."""
        point = self.folder / f"client{len(self.clients)}"
        point.mkdir()
        until(lambda: self._mounts(point), f"{self.kind} can be mounted")
        self.clients.append(point)
        self.settle()
        (point / "farms").mkdir(exist_ok=True)

    def settle(self) -> None:
        """Wait until every client can write: after servers came back they find them in time."""
        for point in self.clients:
            until(lambda at=point: _can_write(at), f"{self.kind} can be written to")

    def _mounts(self, point: Path) -> bool:
        try:
            self.mount(point)
        except AssertionError:  # its servers are still on their way
            return False
        return True

    def lose(self, number: int) -> None:
        """A server dies at once, as at a power cut."""
        self.network.signal("KILL", self.pid(number))

    def freeze(self, number: int) -> None:
        """A server keeps its connections and answers nothing more."""
        self.network.signal("STOP", self.pid(number))

    def thaw(self, number: int) -> None:
        self.network.signal("CONT", self.pid(number))

    def close(self) -> None:
        for point in self.clients:  # by force: what waits for a server must not wait for ever
            subprocess.run(["umount", "-f", "-l", str(point)], check=False)
        self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words: object) -> str:
        """Run a command among the servers."""
        return run(*self.network.inner(*words))


def _can_write(point: Path) -> bool:
    probe = point / ".probe"
    try:
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError:
        return False
    return True


def until(claim: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until a claim is true."""
    deadline = time.monotonic() + patience
    while not claim():
        assert time.monotonic() < deadline, f"it never happened that {what}"
        time.sleep(0.05)


def why_not(volume: type[Volume]) -> str:
    """What this machine lacks for a volume; empty where it has all."""
    if os.geteuid() != 0:
        return "only root can mount"
    if not Path("/dev/fuse").exists():
        return "there is no /dev/fuse"
    spaces = ["unshare", "--net", "--mount", "--pid", "--fork", "true"]
    if subprocess.run(spaces, capture_output=True, check=False).returncode:
        return "no namespaces in this container"
    lacking = [name for name in volume.programs if not shutil.which(name, path=SYSTEM)]
    return f"{', '.join(lacking)} not installed" if lacking else ""
