"""How fast 1, 2 and 4 daemons drain 2,000 chunks that do nothing, beside the floor.

    python bench/drain.py [--chunks 2000] [--rounds 3] [--daemons 1,2,4]

The floor (bench/floor.py) runs right before and after each round; the ratio uses their mean.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from farm import HERE, farm


def floor(count: int) -> tuple[float, float]:
    """Seconds and CPU seconds the floor needs for so many commands."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as at:
        words = [sys.executable, str(HERE / "floor.py"), str(count), at]
        answer = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    seconds, cpu = map(float, answer.split())
    return seconds, cpu


def drain(daemons: int, chunks: int) -> tuple[float, float]:
    """Seconds from a job's release to its ticket in done/, and the daemons' own CPU seconds."""
    with farm() as one:
        jid = one.publish(chunks, is_held=True)
        for _ in range(daemons):
            one.start()
        one.wait_idle(daemons)
        used = sum(d.cpu() for d in one.daemons)
        began = time.perf_counter()
        one.release(jid)
        ended = one.wait_done(jid)
        return ended - began, sum(d.cpu() for d in one.daemons) - used


def rounds(counts: list[int], chunks: int, times: int) -> list[dict]:
    """One row for each number of daemons, medians over the rounds."""
    floors: list[float] = [floor(chunks)[0]]
    seconds: dict[int, list[float]] = {n: [] for n in counts}
    ratios: dict[int, list[float]] = {n: [] for n in counts}
    cpu: dict[int, list[float]] = {n: [] for n in counts}
    for _ in range(times):
        for count in counts:
            took, used = drain(count, chunks)
            floors.append(floor(chunks)[0])
            seconds[count].append(took)
            ratios[count].append((floors[-2] + floors[-1]) / 2 / took)
            cpu[count].append(used)
    return [
        {
            "daemons": n,
            "chunks_per_s": chunks / statistics.median(seconds[n]),
            "floor_per_s": chunks / statistics.median(floors),
            "ratio": statistics.median(ratios[n]),
            "cpu_ms_per_chunk": 1e3 * statistics.median(cpu[n]) / chunks,
        }
        for n in counts
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chunks", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--daemons", default="1,2,4")
    args = parser.parse_args()
    for row in rounds([int(n) for n in args.daemons.split(",")], args.chunks, args.rounds):
        print(
            f"{row['daemons']} daemons: {row['chunks_per_s']:6.0f} chunks/s,"
            f" floor {row['floor_per_s']:6.0f}/s, ratio {row['ratio']:.2f},"
            f" own CPU {row['cpu_ms_per_chunk']:.2f} ms a chunk"
        )


if __name__ == "__main__":
    main()
