"""The demo's farm: a temporary spool, three daemons as processes, and their end."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from renderd.spool.layout import Spool, open_spool
from renderd.spool.share import PosixShare

BIN = Path(sys.executable).parent
LEAVE_WITHIN = 15.0  #: seconds until a daemon that was asked to leave is killed


@dataclass
class Stage:
    """Everything that lives as long as the demo."""

    folder: Path
    spool: Spool
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def build(cls) -> "Stage":
        """Make an empty spool in a temporary folder."""
        folder = Path(tempfile.mkdtemp(prefix="renderd-demo-"))
        root = folder / "spool"
        words = [str(BIN / "renderd"), "init", str(root)]
        made = subprocess.run(words, capture_output=True, text=True, check=False)
        if made.returncode:
            raise SystemExit(made.stderr.strip())
        return cls(folder, open_spool(PosixShare(), str(root), random.Random(), "demo"))

    def start(self, names: Iterable[str]) -> None:
        """Start one daemon a name; none of them knows of the others but by the spool."""
        for name in names:
            words = [str(BIN / "renderd"), "--spool", self.spool.root, "--node", name]
            words += ["--allow-root"] if os.geteuid() == 0 else []
            with self.log(name).open("ab") as log:
                self.daemons[name] = subprocess.Popen(
                    words,
                    env=self.environ(name),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us; we stop them in order
                )

    def log(self, name: str) -> Path:
        """What a daemon says."""
        return self.folder / f"{name}.log"

    def environ(self, name: str = "") -> dict[str, str]:
        """Settings of this machine's own farm must not reach into the demo."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RENDERD_")}
        path = f"{BIN}{os.pathsep}{kept.get('PATH', os.defpath)}"
        own = {"RENDERD_RUNTIME_DIR": f"{self.folder}/run", "RENDERD_CONFIG": self._empty()}
        own["RENDERD_STATE_DIR"] = f"{self.folder}/state-{name}"
        own["TMPDIR"] = str(self.folder)  # a killed Blender leaves a folder there
        return {**kept, "PATH": path, **own}

    def _empty(self) -> str:
        path = self.folder / "config.toml"
        path.touch()
        return str(path)

    def render(self, *words: str) -> str:
        """Run a verb of the front-end as a person would; what it printed."""
        line = [str(BIN / "render"), words[0], "--spool", self.spool.root, *words[1:]]
        done = subprocess.run(line, env=self.environ(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(words[:2])}: {done.stderr.strip()}")
        return done.stdout

    def kill(self, name: str) -> int:
        """SIGKILL one daemon, as a power cut or the kernel would; its process id."""
        process = self.daemons[name]
        process.send_signal(signal.SIGKILL)
        process.wait()
        return process.pid

    def living(self) -> list[str]:
        """The daemons that still run."""
        return [name for name, process in self.daemons.items() if process.poll() is None]

    def strike(self, *, is_kept: bool) -> None:
        """Stop every daemon, and take the temporary folder away."""
        for name in self.living():
            self.daemons[name].send_signal(signal.SIGTERM)
        deadline = time.monotonic() + LEAVE_WITHIN
        for process in self.daemons.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)
