"""How long reading the scenes of a .blend takes, beside the floor: open, read 4 KB, close.

    python bench/blend_read.py [--rounds 400] [--json] [FILE…]

Without files it makes its own, of every packing and up to three sparse gigabytes; the rounds
of all files alternate, so that a busy moment touches them all alike.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "blend")]

from blendmaker import Age, blend, block, end, gzipped, thumb, zstded  # noqa: E402

from renderd.blend import read, read_settings  # noqa: E402

GOALS_MS = {"none": 0.1, "gzip": 0.15, "zstd": 0.15}
ROWS = [(b"Scene", 1, 250)]


def make(folder: Path) -> list[Path]:
    """One file of every kind; a picture of noise is the worst there can be."""
    age = Age(304)
    noise = random.Random(1)
    rgba = b"".join(noise.randbytes(3) + b"\xff" for _ in range(128 * 128))
    body = b"".join(block(age, b"DATA", noise.randbytes(1 << 12) * 2) for _ in range(120))
    rest = block(age, b"GLOB", bytes(1000)) + body + end(age)
    bare = blend(age, ROWS, rest=rest)
    shaded = blend(age, ROWS, rest=thumb(age, 128, 128, shade()) + rest)
    noisy = blend(age, ROWS, rest=thumb(age, 128, 128, rgba) + rest)
    files = {
        "plain": shaded,
        "plain-no-picture": bare,
        "plain-v500": blend(Age(500, is_large=True), ROWS, (128, 80)),
        "plain-2000-scenes": blend(age, [(b"S%04d" % n, n, n + 9) for n in range(2000)]),
        "zstd": zstded(shaded),
        "zstd-no-picture": zstded(bare),
        "zstd-noise": zstded(noisy),
        "gzip": gzipped(shaded),
        "gzip-no-picture": gzipped(bare),
        "gzip-noise": gzipped(noisy),
    }
    for name, content in files.items():
        (folder / f"{name}.blend").write_bytes(content)
    with (folder / "plain-3-GB-sparse.blend").open("wb") as file:
        file.write(shaded)
        file.truncate(3 << 30)
    return sorted(folder.iterdir())


def shade() -> bytes:
    """A picture as a view port gives it: soft shades, and a grid over them."""
    pixels = bytearray()
    for y in range(128):
        for x in range(128):
            light = (x * x + y * y) >> 8
            grid = 40 if x % 16 == 0 or y % 16 == 0 else 0
            pixels += bytes((min(255, light + grid), min(255, 90 + light // 2), (x ^ y) // 3, 255))
    return bytes(pixels)


def floor(path: str) -> None:
    """The least any reader must do."""
    descriptor = os.open(path, os.O_RDONLY)
    os.read(descriptor, 4096)
    os.close(descriptor)


def measure(files: list[Path], rounds: int, asks: dict[str, Callable]) -> list[dict]:
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for path in files:
            for name, ask in asks.items():
                begin = time.perf_counter()
                ask(str(path))
                times.setdefault((str(path), name), []).append(time.perf_counter() - begin)
    rows = []
    for path in files:
        medians = {name: 1e3 * statistics.median(times[str(path), name]) for name in asks}
        file = read(path)
        rows.append(
            {
                "file": path.name,
                "packing": file.compression,
                "scenes": len(file.scenes),
                **{f"{name}_ms": value for name, value in medians.items()},
                "ratio": medians["read"] / medians["floor"],
                "meets_goal": medians["read"] <= GOALS_MS[file.compression],
            }
        )
    return rows


def show(rows: list[dict], *, has_goal: bool) -> None:
    print(f"{'file':34} {'packing':7} {'scenes':>6} {'floor':>8} {'read':>8} {'ratio':>6}  goal")
    for row in rows:
        goal = f"{GOALS_MS[row['packing']]} {'met' if row['meets_goal'] else 'MISSED'}"
        print(
            f"{row['file']:34.34} {row['packing']:7} {row['scenes']:6}"
            f" {row['floor_ms']:8.4f} {row['read_ms']:8.4f} {row['ratio']:6.1f}"
            f"  {goal if has_goal else '-'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--settings", action="store_true", help="measure read_settings instead")
    args = parser.parse_args()
    asks: dict[str, Callable] = {"floor": floor, "read": read}
    if args.settings:
        asks = {"floor": floor, "read": read_settings}
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(args.files or make(Path(folder)), args.rounds, asks)
    if args.json:
        print(json.dumps({"load": os.getloadavg()[0], "rows": rows}, indent=2))
        return
    print(f"milliseconds, medians of {args.rounds}; load {os.getloadavg()[0]:.1f}")
    show(rows, has_goal=not args.settings)


if __name__ == "__main__":
    main()
