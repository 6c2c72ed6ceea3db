"""How fast the window opens, what updates of a large farm cost it, and what it uses at rest.

    python bench/window.py [open] [updates] [idle] [--rounds 7] [--seconds 60]

Offscreen, on tmpfs, with a real spool that is read without a daemon.
open     from the start of the process until 200 jobs and 50 machines are drawn; the floor is the
         same process with an empty QTableView and nothing of ours
updates  1,000 jobs, of which one has 99,000 chunks and is selected, and 1,000 machines; another
         process changes 5 % of each a second.  Told are the work of the GUI thread in the turns of
         its events that took in or drew a reading, and memory
idle     processor time of the whole process of `open`, once it is filled and nothing changes
"""

import argparse
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from farm import Farm, farm

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil

from renderd.core.chunk import Chunk, State
from renderd.core.names import new_incarnation
from renderd.spool import listing, nodes, orders

_SHARE = 20  #: one of so many changes each second
_STATES = ("idle", "rendering")


def people(one: Farm, count: int) -> list[str]:
    """So many machines in the spool, as their daemons would enter them."""
    made = []
    for number in range(count):
        inc = new_incarnation(f"ws{number:04}", one.spool.rng)
        facts = {"node": f"ws{number:04}", "host": f"ws{number:04}", "version": "1", "slots": 1}
        nodes.register(one.spool, inc, facts, 5)
        nodes.publish_status(one.spool, inc, status(one.spool.rng))
        made.append(inc)
    return made


def status(dice: random.Random, running: Chunk | None = None, jid: str = "") -> dict:
    """What a machine says of itself."""
    total = 64 << 30
    load = {
        **{"cpu_percent": dice.uniform(0, 100), "memory_used": dice.randrange(total)},
        **{"memory_total": total, "swap_used": 0, "swap_total": total, "disk_free": 1 << 40},
    }
    said = {"state": _STATES[running is not None], "load": load, "slots": 1}
    if running is not None:
        work = {"job": jid, "chunk": running.index, "attempt": running.attempt, "name": "shot"}
        said["running"] = [work | {"percent": dice.uniform(0, 100), "elapsed": dice.uniform(1, 99)}]
    return said


@contextmanager
def crowd(jobs: int, machines: int, chunks: int = 1) -> Iterator[tuple[Farm, list[str], list[str]]]:
    """A farm, its jobs and its machines; the first job has so many chunks."""
    with farm() as one:
        jids = [one.publish(chunks, name="long")]
        jids += [one.publish(1, name=f"shot{number:04}") for number in range(1, jobs)]
        yield one, jids, people(one, machines)


# -- opening ---------------------------------------------------------------------------------


def child(mode: str, root: str, home: str, seconds: float = 0.0) -> subprocess.Popen:
    """This script as the window's own process."""
    words = [sys.executable, __file__, "--as", mode, "--spool", root, "--seconds", str(seconds)]
    env = os.environ | {"XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "RENDERD_CONFIG": ""}
    env |= {"RENDERD_RUNTIME_DIR": f"{home}/run", "RENDERD_STATE_DIR": f"{home}/state"}
    return subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)


def opened(rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds until the window is filled, and an empty one there: by the clock, of work."""
    found: dict[str, list[tuple[float, float]]] = {"window": [], "floor": []}
    with crowd(200, 50) as (one, _, _), tempfile.TemporaryDirectory() as home:
        for _, mode in itertools.product(range(rounds), ("window", "floor")):
            began = time.perf_counter()
            with child(mode, one.spool.root, home) as process:
                assert process.stdout is not None
                assert process.stdout.readline()
                took = time.perf_counter() - began
                worked = sum(psutil.Process(process.pid).cpu_times()[:2])
                found[mode].append((took, worked))
    return {
        mode: tuple(map(statistics.median, zip(*took, strict=True))) for mode, took in found.items()
    }


def rested(seconds: float) -> float:
    """Percent of one processor that a filled window uses while nothing changes."""
    with (
        crowd(200, 50) as (one, _, _),
        tempfile.TemporaryDirectory() as home,
        child("window", one.spool.root, home, 3600) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline()
        time.sleep(5)  # the last of what it begins with
        seen = psutil.Process(process.pid)
        before, began = sum(seen.cpu_times()[:2]), time.perf_counter()
        time.sleep(seconds)
        used = sum(seen.cpu_times()[:2]) - before
        took = time.perf_counter() - began
        process.terminate()
    return 100 * used / took


def be_floor() -> None:
    """An empty table of Qt's in a window."""
    from PyQt6.QtWidgets import QApplication, QTableView

    app = QApplication(["bench"])
    view = QTableView()
    view.show()
    view.viewport().repaint()
    print("here", flush=True)
    app.processEvents()


def be_window(root: str, seconds: float) -> None:
    """The program as `render` runs it, until it is filled, and so many seconds more."""
    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication

    import frontend.cli.app  # noqa: F401  # it starts from there
    from frontend.gui import app as gui
    from fs_browser import brand
    from renderd import config

    app = QApplication([brand.RENDER])
    program = gui.Program(app, config.load({"spool": root}), gui.remembered())
    window = program.window
    window.show()

    def look() -> None:
        if window.desk.jobs.rowCount() == 200 and window.desk.machines.rowCount() == 50:
            window.desk.told.disconnect(look)
            window.repaint()
            window.jobs.jobs.viewport().repaint()
            print("here", flush=True)
            QTimer.singleShot(round(1000 * seconds), app.quit)

    window.desk.told.connect(look)
    app.exec()
    window.stop()


# -- updates ---------------------------------------------------------------------------------


def churn(one: Farm, jids: list[str], machines: list[str]) -> None:
    """Change one in twenty of everything a second, for ever."""
    dice, spool, long = random.Random(1), one.spool, jids[0]
    chunks = {chunk.index: chunk for chunk in listing.chunks(spool, long)}
    while True:
        began = time.monotonic()
        for index in dice.sample(sorted(chunks), len(chunks) // _SHARE):
            old = chunks[index]
            chunks[index] = changed(old, dice)
            group = spool.job(long, old.group)
            os.rename(f"{group}/{old.name}", f"{group}/{chunks[index].name}")
        running = [chunk for chunk in chunks.values() if chunk.state is State.RUN]
        for inc in dice.sample(machines, len(machines) // _SHARE):
            work = dice.choice(running) if running else None
            nodes.publish_status(spool, inc, status(dice, work, long))
        for jid in dice.sample(jids, len(jids) // _SHARE):
            orders.set_priority(spool, jid, dice.randrange(100))
        time.sleep(max(0.0, 1 - (time.monotonic() - began)))


def changed(chunk: Chunk, dice: random.Random) -> Chunk:
    """What becomes of a chunk next; what is done begins anew."""
    if chunk.state is State.WAIT:
        return chunk.claimed(f"ws{dice.randrange(1000):04}-0123abcd", "abcd")
    if chunk.state is State.RUN:
        return chunk.finished()
    return Chunk(chunk.index, chunk.run, chunk.attempt + 1)


def updated(seconds: float) -> dict[str, float]:
    """What readings cost the GUI thread, in seconds, and memory in MB."""
    with crowd(1000, 1000, 99_001) as (one, jids, machines):
        if not (pid := os.fork()):
            try:
                churn(one, jids, machines)
            finally:
                os._exit(1)
        try:
            with tempfile.TemporaryDirectory() as home:
                return watch(one.spool.root, jids[0], home, seconds)
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def watch(root: str, jid: str, home: str, seconds: float) -> dict[str, float]:
    """Look at the window's turns for so long."""
    from PyQt6.QtCore import QSettings
    from PyQt6.QtWidgets import QApplication

    from frontend.gui.desk import Desk
    from frontend.gui.views.window import Window
    from fs_browser import theme
    from renderd import config

    app = QApplication.instance() or QApplication(["bench"])
    theme.of(app)
    kept = QSettings(f"{home}/render.ini", QSettings.Format.IniFormat)
    desk = Desk(config.load({"spool": root}), kept)
    window, readings = Window(desk), []
    window.show()
    desk.start()
    desk.told.connect(lambda: readings.append("farm"))
    desk.chunks_told.connect(lambda: readings.append("chunks"))
    until(app, lambda: desk.jobs.rowCount() == 1000)
    window.jobs.jobs.select(jid)
    until(app, lambda: desk.chunks.total > 90_000)
    until(app, lambda: readings.count("chunks") > 1)  # it is filled now
    readings.clear()
    turns, whole, end = [], [], time.monotonic() + seconds
    while time.monotonic() < end:
        before, began = len(readings), time.thread_time()
        app.processEvents()
        took = time.thread_time() - began
        if len(readings) > before:
            whole.append(0.0)
        if whole and took > 0.0005:
            turns.append(took)
            whole[-1] += took
        time.sleep(0.001)  # the reading threads' turn, as in a program that waits for events
    rss = psutil.Process().memory_info().rss / 2**20
    window.stop()
    return {
        "readings": len(whole),
        "turn_p95": statistics.quantiles(turns, n=20)[-1],
        "turn_worst": max(turns),
        "update_p95": statistics.quantiles(whole, n=20)[-1],
        "update_median": statistics.median(whole),
        "rss_mb": rss,
    }


def until(app, holds, patience: float = 300.0) -> None:
    """Run the window until something is so."""
    end = time.monotonic() + patience
    while not holds():
        app.processEvents()
        time.sleep(0.001)
        if time.monotonic() > end:
            raise SystemExit("the window did not get there in time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="*", help="open, updates, idle; all of them")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--as", dest="mode", help=argparse.SUPPRESS)
    parser.add_argument("--spool", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.mode == "floor":
        return be_floor()
    if args.mode == "window":
        return be_window(args.spool, args.seconds)
    wanted = args.what or ["open", "updates", "idle"]
    if "open" in wanted:
        (filled, work), (empty, least) = opened(args.rounds).values()
        print(f"filled after {filled:.2f} s, {work:.2f} of work", end="; ")
        print(f"an empty table after {empty:.2f} s, {least:.2f} of work")
    if "updates" in wanted:
        row = updated(args.seconds)
        print(", ".join(f"{key} {value:.4g}" for key, value in row.items()))
    if "idle" in wanted:
        print(f"at rest {rested(args.seconds):.2f} % of a processor")
    return None


if __name__ == "__main__":
    main()
