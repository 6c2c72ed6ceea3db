"""What many waiting chunks cost a node: a claim's time and its memory, few chunks beside many.

    python bench/waiting.py [--claims 400] [--rounds 3] [--jobs 100]

Three spools, drained by one daemon for the same number of claims: 1,000 chunks in one job,
1,000 in 100 jobs, 100,000 in 100 jobs.
"""

import argparse
import json
import signal
import statistics
from pathlib import Path

from farm import Farm, farm


def state(one: Farm, path: Path) -> dict:
    """The counters of the watched daemon, now."""
    path.unlink(missing_ok=True)
    one.daemons[0].process.send_signal(signal.SIGUSR1)
    one.wait(path.exists)
    return json.loads(path.read_text())


def once(jobs: int, chunks: int, claims: int) -> dict:
    """Claim so many chunks of so many jobs of so many chunks each."""
    with farm() as one:
        for number in range(jobs):
            one.publish(chunks, name=f"job{number}")
        path = one.folder / "counts"
        one.start(driver="watched.py", BENCH_COUNTS=str(path))
        one.wait_beating(1)
        one.wait(lambda: len(state(one, path)["claims"]) >= claims, 0.2)
        times = state(one, path)["claims"][:claims]
        rss = one.daemons[0].rss()
    return {
        "median_ms": 1e3 * statistics.median(times),
        "mean_ms": 1e3 * statistics.mean(times),
        "rss_mb": rss / 2**20,
    }


def measure(claims: int, rounds: int, jobs: int) -> list[dict]:
    """Medians of alternating rounds, and ratios to the first row."""
    kinds = {
        "1,000 in 1 job": (1, 1000),
        f"1,000 in {jobs} jobs": (jobs, 1000 // jobs),
        f"{1000 * jobs:,} in {jobs} jobs": (jobs, 1000),
    }
    seen: dict[str, list[dict]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, (count, size) in kinds.items():
            seen[kind].append(once(count, size, claims))
    rows = []
    for kind, found in seen.items():
        row: dict = {"kind": kind}
        for key in found[0]:
            row[key] = statistics.median(one[key] for one in found)
        rows.append(row)
    for row in rows:
        row["time_ratio"] = row["median_ms"] / rows[0]["median_ms"]
        row["mean_ratio"] = row["mean_ms"] / rows[0]["mean_ms"]
        row["memory_ratio"] = row["rss_mb"] / rows[0]["rss_mb"]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--claims", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=100)
    args = parser.parse_args()
    for row in measure(args.claims, args.rounds, args.jobs):
        print(
            f"{row['kind']:>22}: claim median {row['median_ms']:.3f} ms, mean"
            f" {row['mean_ms']:.3f} ms ({row['time_ratio']:.2f}, {row['mean_ratio']:.2f}),"
            f" {row['rss_mb']:.1f} MB ({row['memory_ratio']:.2f})"
        )


if __name__ == "__main__":
    main()
