"""An X display of one test's own: windows by their titles, keys of a real keyboard, pictures."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageGrab

PROGRAMS = ("Xvfb", "openbox", "xdotool", "xclip")
SIZE = (1600, 1000)
PATIENCE = 120.0  #: seconds; only what will never happen takes as long on any machine


def lacking() -> list[str]:
    """The programs that a screen needs and this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def until(claim: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until a claim is true; its value."""
    deadline = time.monotonic() + patience
    while not (value := claim()):
        assert time.monotonic() < deadline, f"it never happened that {what}"
        time.sleep(0.1)
    return value


class Screen:
    """A display without a monitor, with a window manager that gives windows the keyboard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.name = self._start_server()
        self.start(["openbox", "--sm-disable"], "openbox")
        until(lambda: self._ask("getwindowfocus") is not None, "the window manager is there")

    def _start_server(self) -> str:
        read, write = os.pipe()
        size = f"{SIZE[0]}x{SIZE[1]}x24"
        line = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"]
        with (self.folder / "xvfb.log").open("ab") as log:
            server = subprocess.Popen(line, pass_fds=[write], stdout=log, stderr=log)
        self._processes.append(server)
        os.close(write)
        with os.fdopen(read) as told:
            number = told.readline().strip()
        assert number, (self.folder / "xvfb.log").read_text()
        return f":{number}"

    def start(
        self, line: Sequence[str], log: str, env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program on this display; what it says goes to a log of this name."""
        with (self.folder / log).open("wb") as file:
            process = subprocess.Popen(
                line,
                env={**(os.environ if env is None else env), "DISPLAY": self.name},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

    def _run(self, *words: str, out: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DISPLAY": self.name}
        null = subprocess.DEVNULL
        std: dict[str, Any] = {"stdin": null, "stdout": out, "stderr": null, "text": True}
        return subprocess.run(words, env=env, check=False, timeout=PATIENCE, **std)

    def _ask(self, *words: str) -> str | None:
        done = self._run("xdotool", *words)
        return done.stdout.strip() if done.returncode == 0 else None

    # -- what a person sees ------------------------------------------------------------------

    def front(self) -> str:
        """The title of the window that has the keyboard; empty where none has."""
        return self._ask("getactivewindow", "getwindowname") or ""

    def await_front(self, title: str) -> None:
        """Wait until a window whose title ends so has the keyboard."""
        until(lambda: self.front().endswith(title), f"{title!r} is in front")

    def picture(self) -> Image.Image:
        """What the monitor would show."""
        return ImageGrab.grab(xdisplay=self.name).convert("RGB")

    def pixels(self, colour: tuple[int, int, int], tolerance: int = 6) -> int:
        """How many pixels of the screen have this colour."""
        picture = self.picture().tobytes()
        reds, greens, blues = (picture[i::3] for i in range(3))
        near = [range(max(0, c - tolerance), c + tolerance + 1) for c in colour]
        return sum(
            r in near[0] and g in near[1] and b in near[2]
            for r, g, b in zip(reds, greens, blues, strict=True)
        )

    # -- what a person does ------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys, such as `ctrl+o`, one after the other."""
        self._ask("key", "--clearmodifiers", "--delay", "40", *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._ask("type", "--clearmodifiers", "--delay", "25", text)

    def copied(self) -> str:
        """What `Ctrl+C` copies now; empty where it copies nothing."""
        # It stays, to give the clipboard's nothing to whoever asks; so nothing waits for its end.
        self._run("xclip", "-selection", "clipboard", "-in", "/dev/null", out=subprocess.DEVNULL)
        self.press("ctrl+c")
        return self._run("xclip", "-selection", "clipboard", "-out").stdout

    def close(self) -> None:
        """End what was started here, the server last."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
