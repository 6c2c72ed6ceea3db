"""What becomes of files that were dropped: a thread looks at the share, a timer tells the panel."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import bpy

from .spool import Farm

EVERY = 2.0  #: seconds between two looks
PATIENCE = 60.0  #: seconds until nobody seems to take them in
_LONGEST = 600.0


@dataclass(slots=True)
class Watch:
    """The files that were sent last, and what is said of them."""

    farm: Farm
    names: Sequence[str]
    said: str = ""
    is_bad: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def look(self, waited: float) -> bool:
        """Look once; True when there is nothing more to come.  Raises OSError."""
        listed = os.listdir(self.farm.root), os.listdir(os.path.join(self.farm.root, "adopting"))
        bad = os.path.join(self.farm.root, "bad")
        stems = [name.removesuffix(".info") for name in self.names]
        refused = [n for n in os.listdir(bad) if n.endswith(tuple(f"~{s}.why" for s in stems))]
        for name in refused:
            with open(os.path.join(bad, name), encoding="utf-8", errors="replace") as file:
                self.said, self.is_bad = f"Refused: {file.read(1000).strip()}", True
        under_way = [s for s in stems if any(s in name for names in listed for name in names)]
        if not under_way and not refused:
            many = "" if len(stems) == 1 else "s"
            self.said, self.is_bad = f"The farm has taken in {len(stems)} job{many}", False
        elif under_way and not refused and waited > PATIENCE:
            self.said, self.is_bad = "No daemon has taken it in yet: does one run?", True
        return not under_way

    def follow(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Look again and again until all are taken in or refused, or this watch is ended."""
        began = clock()
        while not self.ended.wait(EVERY) and clock() - began < _LONGEST:
            try:
                if self.look(clock() - began):
                    break
            except OSError:
                continue  # the share is away: the next look may tell
        self.ended.set()


last: Watch | None = None


def begin(farm: Farm, names: Sequence[str]) -> None:
    """Watch these files from now on, and no others."""
    global last  # noqa: PLW0603  Blender's timers and panels know nothing but modules
    end()
    last = Watch(farm, names)
    threading.Thread(target=last.follow, daemon=True).start()
    bpy.app.timers.register(_redraw, first_interval=1.0)


def end() -> None:
    """Watch nothing any more."""
    if last is not None:
        last.ended.set()
    if bpy.app.timers.is_registered(_redraw):
        bpy.app.timers.unregister(_redraw)


def _redraw() -> float | None:
    is_over = last is None or last.ended.is_set()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PROPERTIES":
                area.tag_redraw()
    return None if is_over else 1.0
