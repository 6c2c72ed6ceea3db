"""What the demo shows while it runs: bars and nodes in a terminal, plain lines in a pipe."""

import time
from collections import Counter
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

EVERY = 4.0  #: seconds between plain lines
ENDED = {"done", "failed", "cancelled"}


@dataclass(frozen=True, slots=True)
class Scene:
    """One job as it stands."""

    name: str
    state: str
    frames: int  #: in place
    total: int


@dataclass(frozen=True, slots=True)
class Actor:
    """One daemon as it stands."""

    name: str
    is_alive: bool
    work: str
    frames: int  #: finished by it, as far as its journal tells


class Show:
    """Draws what it is told; `say` writes a line that stays."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self.live = Live(console=self.console, auto_refresh=False, transient=False)
        self.began = time.monotonic()
        self._last_line = 0.0
        self._last_counts: Counter[str] = Counter()

    def __enter__(self) -> "Show":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Leave the picture as it is; what is said from now on stands below it."""
        self.live.stop()

    def say(self, text: str, style: str = "") -> None:
        """Write a line above the picture."""
        self.console.print(Text(text, style=style))

    def draw(self, scenes: list[Scene], actors: list[Actor]) -> None:
        """Show the present state."""
        if self.console.is_terminal:
            self.live.update(Group(self._bars(scenes), self._nodes(actors)), refresh=True)
            return
        counts = Counter({s.name: s.frames for s in scenes})
        now = time.monotonic()
        if counts != self._last_counts and now - self._last_line >= EVERY:
            self._last_counts, self._last_line = counts, now
            told = ", ".join(f"{s.name} {s.frames}/{s.total}" for s in scenes)
            busy = ", ".join(f"{a.name} {a.work}" for a in actors if a.is_alive and a.work)
            self.say(f"{now - self.began:5.0f} s  {told};  {busy}")

    def _bars(self, scenes: list[Scene]) -> Table:
        table = Table.grid(padding=(0, 2))
        for scene in scenes:
            share = ProgressBar(total=scene.total or 1, completed=scene.frames, width=32)
            table.add_row(scene.name, share, f"{scene.frames}/{scene.total}", scene.state)
        return table

    def _nodes(self, actors: list[Actor]) -> Table:
        table = Table.grid(padding=(0, 2))
        for actor in actors:
            mark = (
                Text("●", "green" if actor.work else "dim") if actor.is_alive else Text("✖", "red")
            )
            work = actor.work or "idle" if actor.is_alive else "killed"
            table.add_row(mark, actor.name, work, f"{actor.frames} frames" if actor.frames else "")
        seconds = time.monotonic() - self.began
        table.add_row("", f"{seconds:.0f} s", "", "")
        return table
