"""From opening a folder of 100,000 files in the browser to its first rows, and to all of them.

    python bench/browse.py [--rounds 5] [--files 100] [--sequences 1000]

The window is there already, as it is when a person walks about; offscreen, on tmpfs.  Beside it the
floor: one scandir with a stat of every name, and nothing else.  While the folder is read, and while
it is scrolled from end to end, the longest time that the window could not answer.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication

from fs_browser import theme
from fs_browser.dialog import BrowserDialog

_PATIENCE = 60.0  #: seconds
_STEPS = 200  #: of scrolling


@contextmanager
def folder(sequences: int, files: int):
    """A folder of sequences, on tmpfs where there is one."""
    place = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=place) as path:
        for shot in range(sequences):
            for frame in range(1, files + 1):
                os.close(os.open(f"{path}/shot{shot:04}_{frame:04}.exr", os.O_CREAT | os.O_WRONLY))
        yield path


def floor(path: str) -> float:
    """Seconds of a bare listing with every file's size and time."""
    began = time.perf_counter()
    with os.scandir(path) as found:
        for one in found:
            one.stat()
    return time.perf_counter() - began


class Stopwatch:
    """Runs the window's events until something is so, and notes the longest of its turns."""

    def __init__(self, app: QApplication) -> None:
        self._app = app
        self.longest = 0.0

    def until(self, is_so: Callable[[], bool]) -> float:
        """Seconds until it was so."""
        began = time.perf_counter()
        while not is_so():
            self.turn()
            if time.perf_counter() - began > _PATIENCE:
                raise SystemExit("the folder was not read in a minute")
            time.sleep(0.0005)  # the reading thread's turn, as in a program that waits for events
        return time.perf_counter() - began

    def turn(self) -> None:
        """Let the window do what it has to."""
        began = time.perf_counter()
        self._app.processEvents()
        self.longest = max(self.longest, time.perf_counter() - began)


def once(app: QApplication, path: str, kept: QSettings, empty: str) -> tuple[float, ...]:
    """Seconds to the first rows on screen and to all, of the processor, and the longest turns."""
    window = BrowserDialog(None, empty, kept=kept)
    window.show()
    watch = Stopwatch(app)
    session, files = window.browser.session, window.browser.files
    watch.until(lambda: session.is_whole)
    watch.longest = 0.0
    began, spent = time.perf_counter(), time.process_time()
    session.go(path)
    watch.until(lambda: session.rows.rowCount() > 0)
    files.current.viewport().repaint()
    first = time.perf_counter() - began
    watch.until(lambda: session.is_whole)
    files.current.viewport().repaint()
    whole, spent = time.perf_counter() - began, time.process_time() - spent
    opening, watch.longest = watch.longest, 0.0
    bar = files.current.verticalScrollBar()
    for step in range(_STEPS):
        bar.setValue(bar.maximum() * step // (_STEPS - 1))
        watch.turn()
    window.done(0)
    window.deleteLater()
    app.processEvents()
    return first, whole, spent, opening, watch.longest


def measure(rounds: int, sequences: int = 1000, files: int = 100) -> dict:
    """Medians in seconds."""
    app = QApplication.instance() or QApplication(["bench"])
    theme.of(app)
    with tempfile.TemporaryDirectory() as home, folder(sequences, files) as path:
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_CACHE_HOME"] = home
        kept = QSettings(f"{home}/fs.ini", QSettings.Format.IniFormat)
        rows, floors = [], []
        for _ in range(rounds):
            floors.append(floor(path))
            rows.append(once(app, path, kept, home))
    medians = [statistics.median(column) for column in zip(*rows, strict=True)]
    names = ("first_s", "whole_s", "cpu_s", "opening_s", "scrolling_s")
    return dict(zip(names, medians, strict=True)) | {"floor_s": statistics.median(floors)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sequences", type=int, default=1000)
    parser.add_argument("--files", type=int, default=100, help="of each sequence")
    args = parser.parse_args()
    row = measure(args.rounds, args.sequences, args.files)
    print(
        f"first rows after {row['first_s']:.3f} s, all after {row['whole_s']:.3f} s"
        f" (a bare listing takes {row['floor_s']:.3f} s), {row['cpu_s']:.3f} s of processor time;"
        f" the window was busy for at most {1e3 * row['opening_s']:.0f} ms while reading"
        f" and {1e3 * row['scrolling_s']:.0f} ms while scrolling"
    )


if __name__ == "__main__":
    main()
