"""What a person feels while Blender renders on all cores: ours, plain Blender, the idle machine.

python bench/courtesy.py [--quick]       five minutes; --quick: one and a half, rougher

A task in the foreground (work on every core, wake-ups at 60 Hz, reads from the disk) alone,
beside a Cycles render that renderd's guard started, and beside the same `blender -b` started in
a session of its own; frames rendered by both; seconds until a renderer stands still when its
person comes back, and when memory is short (root: a stand-in for /proc/pressure/memory in the
daemon's own mount namespace).  Measure on a quiet machine.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "farm")]

from farm import Farm  # noqa: E402

from renderd.core.wire import Op, Request  # noqa: E402
from renderd.dialog import Dialog  # noqa: E402
from renderd.host import process  # noqa: E402
from renderd.host.guard import Guard  # noqa: E402

SCENE = ROOT / "packaging" / "demo" / "demo.blend"
RATE = 60.0  #: wake-ups a second
READ_BYTES, FILE_BYTES = 128 << 10, 256 << 20
WARM_UP = 4.0  #: seconds for Blender to load its scene and render
SCRIPT = """\
import bpy
scene = bpy.context.scene
scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", {}
scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 480, 270
"""
Row = tuple[str, str, str, bool]  #: figure, measured, goal, met


@dataclass(frozen=True, slots=True)
class Felt:
    """One run of the task in the foreground."""

    work: float  #: seconds for a fixed amount of work on every core
    p99: float  #: seconds by which one wake-up in a hundred is late, at least
    reads: float  #: seconds for a fixed number of reads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    is_quick = parser.parse_args().quick
    print(f"{os.cpu_count()} cores; load at the start {os.getloadavg()[0]:.1f}\n")
    print("| figure | measured | goal | |\n| --- | --- | --- | --- |", flush=True)
    for figure, measured, goal, is_met in rows(is_quick=is_quick):
        print(f"| {figure} | {measured} | {goal} | {'met' if is_met else 'missed'} |", flush=True)


def rows(*, is_quick: bool) -> Iterator[Row]:
    """Every figure, as soon as it is measured."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield from foreground(Path(folder), rounds=1 if is_quick else 3)
        yield from throughput(Path(folder), rounds=1 if is_quick else 3)
    yield reaction("user returns → suspended", 1.0, of_person, times=2 if is_quick else 5)
    if os.geteuid() == 0:
        yield reaction("memory pressure → suspended", 2.0, of_pressure, times=2 if is_quick else 5)


# -- the task in the foreground ---------------------------------------------------------------


def foreground(folder: Path, rounds: int) -> Iterator[Row]:
    """The task alone, beside ours and beside plain Blender, in turn."""
    file = folder / "file"
    with file.open("wb") as out:
        for _ in range(FILE_BYTES >> 20):
            out.write(os.urandom(1 << 20))
        os.fsync(out.fileno())
    alone, ours, plain = [], [], []
    for _ in range(rounds):
        alone.append(feel(file))
        with beside_ours(folder):
            ours.append(feel(file))
        with beside_plain(folder):
            plain.append(feel(file))
    for name, key in (("work on every core", "work"), ("reads from the disk", "reads")):
        idle, we, they = (middle(x, key) for x in (alone, ours, plain))
        measured = f"{we / idle:.2f}× of {idle:.2f} s; beside plain Blender {they / idle:.2f}×"
        yield f"foreground: {name}, beside Cycles", measured, "≤ 1.05×", we <= 1.05 * idle
    idle, we, they = (1000 * middle(x, "p99") for x in (alone, ours, plain))
    measured = f"{we:.2f} ms, idle {idle:.2f} ms; beside plain Blender {they:.2f} ms"
    yield "foreground: wake-ups at 60 Hz, p99", measured, "≤ 2 ms above idle", we <= idle + 2


def feel(file: Path) -> Felt:
    """Do the task once."""
    began = time.monotonic()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        pool.map(work, range(os.cpu_count() or 1), chunksize=1)
    took = time.monotonic() - began
    began = time.monotonic()
    read(file)
    reads = time.monotonic() - began
    return Felt(took, wake_ups(), reads)


def work(seed: int) -> int:
    """As much as a compiler does in a few seconds: memory, branches, no sleep."""
    data = random.Random(seed).randbytes(1 << 20)
    return sum(len(zlib.compress(data[n:] + data[:n], 6)) for n in range(0, 60 * 997, 997))


def read(file: Path) -> None:
    """Reads at random places that the page cache does not have."""
    places = random.Random(1)
    with file.open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for _ in range(1000):
            os.pread(stream.fileno(), READ_BYTES, places.randrange(FILE_BYTES - READ_BYTES))


def wake_ups(seconds: float = 10.0) -> float:
    """How late one in a hundred of a timer's wake-ups is."""
    late, due = [], time.monotonic()
    for _ in range(int(seconds * RATE)):
        due += 1 / RATE
        time.sleep(max(due - time.monotonic(), 0.0))
        late.append(max(time.monotonic() - due, 0.0))
    return statistics.quantiles(late, n=100)[98]


def middle(found: list[Felt], key: str) -> float:
    return float(statistics.median(getattr(one, key) for one in found))


# -- renders ------------------------------------------------------------------------------------


def blender(folder: Path, samples: int) -> list[str]:
    """One frame by Cycles on all cores."""
    script = folder / f"scene-{samples}.py"
    script.write_text(SCRIPT.format(samples))
    words = ["blender", "-b", "--factory-startup", str(SCENE), "--python", str(script)]
    return [*words, "-t", "0", "-o", str(folder / "frame_####"), "-F", "PNG", "-f", "1"]


@contextlib.contextmanager
def beside_ours(folder: Path, samples: int = 1 << 22) -> Iterator[None]:
    """A render as renderd starts it."""
    with Guard.start() as guard, open(os.devnull, "wb") as sink:
        child = guard.spawn(blender(folder, samples), dict(os.environ), "/", sink.fileno())
        time.sleep(WARM_UP)
        yield
        assert child.wait(0) is None, "the render ended before the task did"


@contextlib.contextmanager
def beside_plain(folder: Path, samples: int = 1 << 22) -> Iterator[None]:
    """The same without us, in a session of its own as any farm's daemon starts it."""
    null = subprocess.DEVNULL
    words = blender(folder, samples)
    with subprocess.Popen(words, stdout=null, stderr=null, start_new_session=True) as render:
        time.sleep(WARM_UP)
        yield
        assert render.poll() is None, "the render ended before the task did"
        render.kill()


def throughput(folder: Path, rounds: int) -> Iterator[Row]:
    """Seconds of one frame on an otherwise idle machine, ours and plain in turn."""
    samples, null = 150, subprocess.DEVNULL
    ours, plain = [], []
    for _ in range(rounds):
        began = time.monotonic()
        subprocess.run(blender(folder, samples), check=True, stdout=null, stderr=null)
        plain.append(time.monotonic() - began)
        with Guard.start() as guard, open(os.devnull, "wb") as sink:
            began = time.monotonic()
            child = guard.spawn(blender(folder, samples), dict(os.environ), "/", sink.fileno())
            ended = child.wait()
            assert ended is not None
            assert ended.is_success
            ours.append(time.monotonic() - began)
    lost = statistics.median(ours) / statistics.median(plain) - 1
    measured = f"{100 * lost:+.1f}% of {statistics.median(plain):.1f} s"
    yield "throughput lost to background mode, idle machine", measured, "≤ 1%", lost <= 0.01


# -- reactions ----------------------------------------------------------------------------------


def reaction(figure: str, goal: float, measure: Callable[[], float], times: int) -> Row:
    found = [measure() for _ in range(times)]
    measured = f"median {statistics.median(found):.2f} s, longest {max(found):.2f} s of {times}"
    return figure, measured, f"≤ {goal:g} s", max(found) <= goal


def of_person() -> float:
    """From a session's word that its person is back until all of the renderer stands still."""
    alone = {"DISPLAY": "none", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/none"}
    with closing_farm() as farm:
        node = farm.up("ws07", "--when", "away", "--away", "60", env=alone)
        session = Dialog.open(str(node.home / "run" / "ws07.sock"))
        session.ask(Request(Op.PRESENCE, {"idle": 3600}))
        jid = render(farm)
        time.sleep(random.random())
        began = time.monotonic()
        session.ask(Request(Op.PRESENCE, {"idle": 0}))
        until(lambda: stands_still(farm, jid))
        took = time.monotonic() - began
        session.close()
        return took


def of_pressure() -> float:
    """From the first stall that the kernel tells of until all of the renderer stands still."""
    with closing_farm() as farm:
        (farm.local / "config.toml").write_text('yields = ["memory"]\n')
        stalls = farm.local / "pressure"
        stalls.write_text(told := "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
        script = f'mount --bind {stalls} /proc/pressure/memory && exec "$@"'
        farm.up("ws07", prefix=["unshare", "-m", "sh", "-c", script, "sh"])
        jid = render(farm)
        time.sleep(1.5 + random.random())
        over, began = threading.Event(), time.monotonic()

        def stall() -> None:
            while not over.wait(0.02):  # half of the time, from now on
                total = int(500_000 * (time.monotonic() - began))
                stalls.write_text(told.replace("total=0", f"total={total}"))

        teller = threading.Thread(target=stall)
        teller.start()
        until(lambda: stands_still(farm, jid))
        took = time.monotonic() - began
        over.set()
        teller.join()
        return took


@contextlib.contextmanager
def closing_farm() -> Iterator[Farm]:
    farm = Farm()
    try:
        farm.init()
        yield farm
    finally:
        farm.close()


def render(farm: Farm) -> str:
    """A job that renders until it is ended; once its command runs."""
    if shutil.which("blender") is None:
        sys.exit("blender is not on PATH")
    script = farm.local / "render.sh"
    script.write_text(f"exec {shlex.join(blender(farm.local, 1 << 22))}\n")
    jid = farm.add(f"name: render\n\nsh {script}\n")
    until(lambda: farm.commands(jid))
    time.sleep(WARM_UP)
    return jid


def stands_still(farm: Farm, jid: str) -> bool:
    states = [process.read_stat(pid) for pid in farm.commands(jid)]
    return bool(states) and all(one is not None and one[0] == b"T" for one in states)


def until(claim: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not claim():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


if __name__ == "__main__":
    main()
