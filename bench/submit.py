"""From submitting a job to the start of its command, on an idle local farm of one daemon.

    python bench/submit.py [--rounds 60] [--without-events]

Submitting is what `render add` does inside: the same publishing code, called in this process.
Without events the daemon only polls, as on a network share.
"""

import argparse
import os
import random
import statistics
import threading
import time

from farm import Farm, farm


def once(one: Farm, sign: str) -> tuple[float, float]:
    """Seconds from the call and from its return to the command's own sign."""
    heard: list[float] = []

    def listen() -> None:
        descriptor = os.open(sign, os.O_RDONLY)
        os.read(descriptor, 1)
        heard.append(time.perf_counter())
        os.close(descriptor)

    ear = threading.Thread(target=listen)
    ear.start()
    began = time.perf_counter()
    jid = one.publish(1, ("sh", "-c", f"echo > {sign}"))
    published = time.perf_counter()
    ear.join()
    one.wait_done(jid)
    return heard[0] - began, heard[0] - published


def measure(rounds: int, *, has_events: bool = True) -> dict:
    """Medians and 95th percentiles, in seconds."""
    rng = random.Random(1)
    with farm() as one:
        if has_events:
            one.start()
        else:
            one.start(driver="watched.py", BENCH_NO_EVENTS="1")
        one.wait_idle(1)
        sign = str(one.folder / "sign")
        os.mkfifo(sign)
        rows = []
        for _ in range(rounds):
            time.sleep(0.2 + rng.random() * (0.6 if has_events else 3))
            rows.append(once(one, sign))
    whole, after = ([row[i] for row in rows] for i in (0, 1))
    return {
        "median_s": statistics.median(whole),
        "p95_s": percentile(whole, 95),
        "worst_s": max(whole),
        "after_median_s": statistics.median(after),
        "after_p95_s": percentile(after, 95),
    }


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--without-events", action="store_true")
    args = parser.parse_args()
    row = measure(args.rounds, has_events=not args.without_events)
    print(
        f"submit to command: median {1e3 * row['median_s']:.1f} ms, p95 {1e3 * row['p95_s']:.1f},"
        f" worst {1e3 * row['worst_s']:.1f}; from the return of publishing: median"
        f" {1e3 * row['after_median_s']:.1f} ms, p95 {1e3 * row['after_p95_s']:.1f}"
    )


if __name__ == "__main__":
    main()
