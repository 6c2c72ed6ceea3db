"""What a farm of one daemon adds to Blender: 100 light frames, beside one plain `blender -a`.

    python bench/warm.py [--rounds 3] [--frames 100]

Plain runs and farms take turns, so that a machine that is busy meanwhile spoils both alike.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from farm import HERE, Farm, farm

from renderd import plan
from renderd.core import frames
from renderd.core.infofile import Info
from renderd.core.needs import Needs
from renderd.spool import jobs

BLENDER = shutil.which("blender") or "blender"
START = [BLENDER, "--factory-startup", "-Y", "-b"]


def make(folder: Path) -> Path:
    """The scene that is rendered."""
    path = folder / "light.blend"
    script = str(HERE / "make_light.py")
    subprocess.run([*START, "-P", script, "--", str(path)], check=True, stdout=subprocess.DEVNULL)
    return path


def plain(path: Path, count: int) -> float:
    """Seconds of one Blender for all frames."""
    with tempfile.TemporaryDirectory() as out:
        words = [*START, str(path), "-o", f"{out}/f_####", "-s", "1", "-e", str(count), "-a"]
        began = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def queue(one: Farm, path: Path, count: int, chunk: int) -> str:
    """A held job of so many frames; its jid."""
    info = Info(commands=(), chunk=chunk, needs=Needs(blender="any"))
    out = one.folder / f"out{len(list(one.folder.glob('out*')))}"
    out.mkdir()
    wish = plan.Wish(frames=frames.parse(f"1-{count}"), out=f"{out}/f_####", info=info)
    (draft,) = plan.from_blend(str(path), wish, one.spool.farm, sys.platform)
    return jobs.publish(one.spool, draft, jobs.Order("bench@farm", is_held=True))


def on_farm(path: Path, count: int, chunk: int) -> tuple[float, float]:
    """Seconds of a job from its release to done: Blender started for it, and open before."""
    with farm() as one:
        one.start()
        one.wait_idle(1)
        took = []
        for _ in range(2):
            jid = queue(one, path, count, chunk)
            began = time.perf_counter()
            one.release(jid)
            took.append(one.wait_done(jid) - began)
        return took[0], took[1]


def measure(rounds: int, count: int) -> dict[str, float]:
    """Medians over the rounds; ratios are taken within each."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder))
        for _ in range(rounds):
            before = plain(path, count)
            ten, _ = on_farm(path, count, 10)
            one, open_one = on_farm(path, count, 1)
            _, open_all = on_farm(path, count, count)
            alone = (before + plain(path, count)) / 2
            found.setdefault("plain_s", []).append(alone)
            found.setdefault("chunk10_ratio", []).append(ten / alone)
            found.setdefault("chunk1_ratio", []).append(one / alone)
            found.setdefault("chunk_ms", []).append(1e3 * (open_one - open_all) / (count - 1))
    return {key: statistics.median(values) for key, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=100)
    given = parser.parse_args()
    row = measure(given.rounds, given.frames)
    print(f"plain blender -a over {given.frames} frames: {row['plain_s']:.2f} s")
    print(f"chunks of 10: {row['chunk10_ratio']:.2f} times that (goal 1.15)")
    print(f"chunks of 1: {row['chunk1_ratio']:.2f} times that (goal 1.60)")
    print(f"a warm chunk adds {row['chunk_ms']:.1f} ms (goal 10 ms)")


if __name__ == "__main__":
    main()
