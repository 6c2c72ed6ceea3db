"""The poor man's farm against ours: two Blenders with placeholders on one folder, two daemons.

python bench/placeholders.py [--frames 60] [--rounds 1]     three minutes

Blender alone can share out frames: `Overwrite` off, `Placeholders` on, and the same command on
each machine.  Both ways render the same frames of the same file on two machines (processes with a
thread each).  First undisturbed; then one Blender is killed with a third of the frames done, as
for want of memory; then, of ours, a whole machine.  Told are the seconds from the order to the
last frame, frames that were rendered more than once, and frames that are missing or broken.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import warm
from farm import Farm, farm

from renderd.core import infofile
from renderd.spool import jobs

HEAVIER = """\
import bpy
scene = bpy.context.scene
scene.cycles.samples = {samples}
scene.render.resolution_x = scene.render.resolution_y = 160
bpy.ops.wm.save_mainfile()
"""
TRICK = "import bpy; r = bpy.context.scene.render; r.use_overwrite, r.use_placeholder = False, True"
#: notes each frame once it is written; what Blender prints is lost when it is killed
COUNT = """\
import bpy

def note(scene, *_):
    with open({counted!r}, "a") as file:
        file.write(f"{{scene.frame_current}} ")

bpy.app.handlers.render_write.append(note)
"""
PNG_ENDS = b"IEND\xaeB`\x82"
PATIENCE = 600.0  #: seconds after which a measurement is given up


@dataclass(frozen=True, slots=True)
class Result:
    """What one way made of the frames."""

    seconds: float
    twice: int
    missing: int


def result(folder: Path, count: int, seconds: float) -> Result:
    """Count what Blender wrote, and what is there."""
    written = Counter((folder / "counted").read_text(encoding="ascii").split())
    whole = set(finished(folder / "out"))
    assert len(written) >= len(whole), "frames that nobody noted"
    return Result(seconds, sum(n - 1 for n in written.values()), count - len(whole))


def finished(out: Path) -> Iterator[int]:
    """The frames that are there and whole."""
    for path in out.glob("f_*.png"):
        if path.read_bytes().endswith(PNG_ENDS):
            yield int(path.stem[2:])


def words(path: Path, folder: Path) -> list[str]:
    """What both ways run, range and trick left out."""
    script = folder / "count.py"
    script.write_text(COUNT.format(counted=str(folder / "counted")), encoding="utf-8")
    return [*warm.START, str(path), "-o", f"{folder}/out/f_####", "-t", "1", "-P", str(script)]


def by_placeholders(path: Path, count: int, *, kills: bool) -> Result:
    """Two Blenders side by side until both have ended."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        out, null = Path(folder, "out"), subprocess.DEVNULL
        start = words(path, out.parent)
        line = [*start, "--python-expr", TRICK, "-s", "1", "-e", str(count), "-a"]
        began = time.perf_counter()
        running = [subprocess.Popen(line, stdout=null, stderr=null) for _ in range(2)]
        if kills:
            wait(lambda: len(list(finished(out))) >= count // 3)
            running[0].kill()
        for one in running:
            one.wait()
        return result(out.parent, count, time.perf_counter() - began)


def by_farm(path: Path, count: int, kill: Callable[[Farm], None] | None = None) -> Result:
    """Two daemons until the job is done."""
    with farm() as one:
        one.patience = PATIENCE
        (one.folder / "out").mkdir()
        jid = publish(one, path, count)
        for node in ("n0", "n1"):
            one.start(node=node)
        one.wait_idle(2)
        out = one.folder / "out"
        began = time.perf_counter()
        one.release(jid)
        if kill is not None:
            one.wait(lambda: len(list(finished(out))) >= count // 3)
            kill(one)
        took = one.wait_done(jid) - began
        return result(one.folder, count, took)


def publish(one: Farm, path: Path, count: int) -> str:
    """The job, held; its jid."""
    out = one.folder / "out"
    head = f"frames: 1-{count}\nchunk: auto\nblend: {path}\nout: {out}/f_####\n"
    line = [*words(path, one.folder), "-s", "{start}", "-e", "{end}", "-a"]
    info = infofile.parse(f"{head}\n{' '.join(line)}\n")
    draft = warm.plan.from_info(info, "shot", one.spool.farm, sys.platform)
    return jobs.publish(one.spool, draft, jobs.Order("bench@farm", is_held=True))


def kill_blender(one: Farm) -> None:
    """One of the renderers, as the kernel does for want of memory."""
    found = [p for d in one.daemons for p in d.family()[-1].children(recursive=True)]
    next(p for p in found if "blender" in p.name()).send_signal(signal.SIGKILL)


def kill_machine(one: Farm) -> None:
    """A daemon, its guard and its Blender at once."""
    gone = one.daemons.pop(0)
    family = [*gone.family(), *gone.family()[-1].children(recursive=True)]
    for process in family:
        process.kill()
    gone.process.wait()


def wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def measure(rounds: int, count: int, samples: int) -> dict[str, Result]:
    """Medians of seconds, sums of frames twice or missing; the ways take turns."""
    found: dict[str, list[Result]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = warm.make(Path(folder))
        script = ["--python-expr", HEAVIER.format(samples=samples)]
        subprocess.run([*warm.START, path, *script], check=True, stdout=subprocess.DEVNULL)
        ways: dict[str, Callable[[], Result]] = {
            "placeholders": lambda: by_placeholders(path, count, kills=False),
            "ours": lambda: by_farm(path, count),
            "placeholders, a Blender killed": lambda: by_placeholders(path, count, kills=True),
            "ours, a Blender killed": lambda: by_farm(path, count, kill_blender),
            "ours, a machine lost": lambda: by_farm(path, count, kill_machine),
        }
        for _ in range(rounds):
            for name, way in ways.items():
                found.setdefault(name, []).append(way())
    return {
        name: Result(
            statistics.median(one.seconds for one in results),
            sum(one.twice for one in results),
            sum(one.missing for one in results),
        )
        for name, results in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    print(f"{given.frames} frames; load at the start {os.getloadavg()[0]:.1f}\n")
    print("| | seconds | frames twice | frames missing |\n| --- | --- | --- | --- |")
    for name, one in measure(given.rounds, given.frames, given.samples).items():
        print(f"| {name} | {one.seconds:.1f} | {one.twice} | {one.missing} |", flush=True)


if __name__ == "__main__":
    main()
