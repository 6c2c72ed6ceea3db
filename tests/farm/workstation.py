"""One renderd process with folders of its own, as on a machine of its own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from renderd import config
from renderd.client import Client

if TYPE_CHECKING:
    from farm import Farm

#: seconds; only what will never happen takes as long on any machine.  Renderers get what other
#: programs leave of the processor: beside other tests 0.7 s of work took 27 s.
PATIENCE = float(os.environ.get("FARM_PATIENCE", "300"))
RENDERD = Path(sys.executable).with_name("renderd")
RENDER = RENDERD.with_name("render")


class Daemon:
    """One renderd process with a machine's worth of own folders."""

    def __init__(self, farm: "Farm", name: str, words: list[str], **how: Any) -> None:
        self.farm, self.name = farm, name
        self.home = farm.local / "hosts" / name
        owner = how.pop("owner", os.geteuid())
        for folder in (self.home, self.home / "state", self.home / "home"):
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, owner, -1)
        self.log = self.home / "log"
        self._begins = self.log.stat().st_size if self.log.exists() else 0
        self._ends: int | None = None  # where a successor's words begin
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*how.pop("prefix", ()), str(RENDERD), "--spool", str(farm.root), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environ() | how.pop("env", {}),
                start_new_session=True,
                **how,
            )
        self.pid = self.process.pid

    def environ(self) -> dict[str, str]:
        """Nothing of this machine's own configuration."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home / "home"),
            "TMPDIR": str(self.farm.local / "tmp"),
            "RENDERD_CONFIG": str(self.farm.local / "config.toml"),
            "RENDERD_STATE_DIR": str(self.home / "state"),
            "RENDERD_RUNTIME_DIR": str(self.home / "run"),
        }

    @property
    def runs(self) -> bool:
        """Whether the process is there, stopped or not."""
        return self.process.poll() is None

    @property
    def text(self) -> str:
        """What this process has said so far."""
        with self.log.open("rb") as file:
            file.seek(self._begins)
            size = -1 if self._ends is None else self._ends - self._begins
            return file.read(size).decode("utf-8", "replace")

    def succeeded(self) -> None:
        """Another process takes this one's name and log."""
        if self._ends is None:
            self._ends = self.log.stat().st_size

    @property
    def incs(self) -> list[str]:
        """The incarnations this process has been, in order."""
        return re.findall(r"(\S+) works for ", self.text)

    @property
    def inc(self) -> str:
        """The present incarnation."""
        return self.incs[-1]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, as the kernel's OOM killer does."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def wait(self, patience: float = PATIENCE) -> int:
        """Its exit status."""
        return self.process.wait(patience)

    def client(self) -> Client:
        """A client of this very daemon's socket; it reads no spool."""
        return Client(config.Settings(node=self.name, runtime_dir=str(self.home / "run")))

    def status(self) -> dict[str, Any]:
        """What it says of itself on its socket."""
        with self.client() as client:
            return dict(client.status())


def is_stopped(pid: int) -> bool:
    """Whether a process stands still by SIGSTOP."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
