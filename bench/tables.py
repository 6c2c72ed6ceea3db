"""What a table of 100,000 chunks asks of the window: order, filter, selection.

    python bench/tables.py [--rounds 5] [--chunks 100000] [--profile NAME]

The jobs' page offscreen, with a job of so many chunks in every state, none beside its like.  Each
figure is the time until the window is drawn anew and waits again, by the clock and of the GUI
thread's work, which a busy machine changes less.  Beside an order the floor: Python's `sorted` of
the values alone, without rows, view or selection.
"""

import argparse
import cProfile
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QSettings, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from frontend.gui.desk import Desk
from frontend.gui.models.chunks import ChunkRow
from frontend.gui.views.jobs import JobsPage
from fs_browser import theme
from renderd.config import Settings

_FALLS, _RISES = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder
_ERRORS = ("exit status 1: Error: out of memory", "killed by signal 11", "no camera in the scene")
ORDERED = ("index", "frames", "state", "node", "time", "peak", "says")


def rows(count: int) -> dict[int, ChunkRow]:
    """Chunks as a farm of 1,000 machines leaves them halfway through a job."""
    dice = random.Random(4)
    return {index: chunk(index, dice) for index in range(1, count + 1)}


def chunk(index: int, dice: random.Random) -> ChunkRow:
    """A chunk of ten frames in a state that is thrown."""
    state = dice.choices(("done", "wait", "run", "fail"), (60, 36, 1, 3))[0]
    ran = state != "wait"
    return ChunkRow(
        index=index,
        frames=f"{10 * index - 9}-{10 * index}",
        state=state,
        node=f"ws{dice.randrange(1000):04}-{4711:08x}-1" if ran else "",
        failures=int(state == "fail"),
        error=dice.choice(_ERRORS) if state == "fail" else "",
        seconds=dice.uniform(60, 4000) if ran else None,
        peak=dice.randrange(1 << 30, 1 << 34) if ran else 0,
        frame=10 * index - 5 if state == "run" else None,
        part=dice.random() if state == "run" else None,
        says="Fra:5 Mem:812.24M | Sample 128/512" if state == "run" else "",
    )


class Bench:
    """A page with one table of chunks, and a clock."""

    def __init__(self, app: QApplication, kept: QSettings, count: int) -> None:
        self._app = app
        self.desk = Desk(Settings(), kept)
        self.page = JobsPage(self.desk, lambda _menu: None, lambda _menu: None)
        self.page.resize(1300, 800)
        self.page.show()
        self.chunks = rows(count)
        self.figures: dict[str, list[tuple[float, float]]] = {}
        self.run("open a job", lambda: self.desk.chunks.replace(self.chunks))
        self.page.chunks.setFocus()

    def run(self, name: str, act: Callable[[], object]) -> None:
        """Do it, and note how long the window was busy with it."""
        self._app.processEvents()
        began, worked = time.perf_counter(), time.thread_time()
        act()
        self._app.processEvents()
        self.page.chunks.viewport().repaint()
        self._note(name, began, worked)

    def _note(self, name: str, began: float, worked: float) -> None:
        took = time.perf_counter() - began, time.thread_time() - worked
        self.figures.setdefault(name, []).append(took)

    def floor(self, name: str, key: str) -> None:
        """The bare sort of a column's values."""
        column = next(one for one in self.desk.chunks.columns if one.key == key)
        values = list(map(column.order or column.text, self.chunks.values()))
        values = [value for value in values if value is not None]
        began, worked = time.perf_counter(), time.thread_time()
        sorted(values)
        self._note(name, began, worked)

    def order(self, key: str, falls: bool = False) -> None:
        """As a click on a head does."""
        head = self.page.chunks.horizontalHeader()
        place = -1 if not key else self.page.chunks.column(key)
        head.setSortIndicator(place, _FALLS if falls else _RISES)

    def round(self) -> None:
        """Each figure once."""
        view, desk = self.page.chunks, self.desk
        for key in ORDERED:
            self.floor(f"floor of {key}", key)
            self.run(f"order by {key}", lambda key=key: self.order(key, falls=key == "index"))
        self.order("")
        self._filters("")
        self.order("time")
        self._filters(", ordered by time")
        self.order("")
        self.run("Ctrl+A", lambda: QTest.keyClick(view, "a", Qt.KeyboardModifier.ControlModifier))
        QTest.keyRelease(view, Qt.Key.Key_Control)
        assert len(desk.picked_chunks) == len(self.chunks)
        self.run("picked", view.picked)
        self.run("order by time, all selected", lambda: self.order("time"))
        self._filters(", all selected")
        self.run("select one row", lambda: view.selectRow(7))
        self.order("")
        view.clearSelection()

    def _filters(self, how: str) -> None:
        desk = self.desk
        self.run(f"filter by state{how}", lambda: desk.chunks.filter(lambda c: c.state == "wait"))
        self.run(f"filter off{how}", lambda: desk.chunks.filter(None))


def measure(rounds: int, count: int = 100_000) -> dict[str, tuple[float, float]]:
    """Medians in seconds by name: by the clock, and of the thread's work."""
    app = QApplication.instance() or QApplication(["bench"])
    theme.of(app)
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(app, QSettings(f"{home}/kept.ini", QSettings.Format.IniFormat), count)
        for _ in range(rounds):
            bench.round()
        bench.desk.stop()
    return {
        name: tuple(map(statistics.median, zip(*took, strict=True)))
        for name, took in bench.figures.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--profile", metavar="FILE", help="where to write what cProfile saw")
    args = parser.parse_args()
    profile = cProfile.Profile()
    if args.profile:
        profile.enable()
    for name, (clock, work) in measure(args.rounds, args.chunks).items():
        print(f"{name:36} {1e3 * clock:8.1f} ms by the clock {1e3 * work:8.1f} ms of work")
    if args.profile:
        profile.disable()
        profile.dump_stats(args.profile)


if __name__ == "__main__":
    main()
