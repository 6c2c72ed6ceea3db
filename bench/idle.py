"""What a daemon with nothing to do costs: memory, processor, calls of the share.

    python bench/idle.py [--seconds 60]

Two daemons on one spool, as a neighbour is what a beat looks at: one as it is, for memory and
processor; one with counters at the seam (bench/watched.py), for the calls.
"""

import argparse
import json
import signal
import time
from pathlib import Path

from farm import Farm, farm


def counts(one: Farm, path: Path) -> dict:
    """The counters of the watched daemon, now."""
    path.unlink(missing_ok=True)
    one.daemons[1].process.send_signal(signal.SIGUSR1)
    one.wait(path.exists)
    return json.loads(path.read_text())


def measure(seconds: float) -> dict:
    """Figures of one stretch of idleness, the first half minute left out."""
    with farm() as one:
        path = one.folder / "counts"
        plain = one.start()
        one.start(driver="watched.py", BENCH_COUNTS=str(path))
        one.wait_idle(2)
        time.sleep(30)  # until polls are as rare as they get
        before, used, began = counts(one, path), plain.cpu(), time.perf_counter()
        time.sleep(seconds)
        took, used, after = time.perf_counter() - began, plain.cpu() - used, counts(one, path)
        beside = {k: v - before["beside"].get(k, 0) for k, v in after["beside"].items()}
        beat = {k: v - before["beat"].get(k, 0) for k, v in after["beat"].items()}
        return {
            "rss_mb": plain.rss() / 2**20,
            "guard_rss_mb": sum(p.memory_info().rss for p in plain.family()[1:]) / 2**20,
            "cpu_percent": 100 * used / took,
            "beside_per_s": sum(beside.values()) / took,
            "beat_per_s": sum(beat.values()) / took,
            "beside": {k: v for k, v in beside.items() if v},
            "beat": {k: v for k, v in beat.items() if v},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    row = measure(parser.parse_args().seconds)
    print(
        f"{row['rss_mb']:.1f} MB (guard {row['guard_rss_mb']:.1f}),"
        f" {row['cpu_percent']:.3f} % CPU,"
        f" {row['beside_per_s']:.2f} calls/s {row['beside']}"
        f" and {row['beat_per_s']:.2f}/s in beats {row['beat']}"
    )


if __name__ == "__main__":
    main()
