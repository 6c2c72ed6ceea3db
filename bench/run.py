"""Runs every benchmark and prints one Markdown table: figure, measured, floor or ratio, goal.

python bench/run.py [--quick] [--window]    twenty minutes; --quick: five, rougher; --window:
                                            of the window and of fs alone
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import blend_read
import browse
import courtesy
import drain
import idle
import publish
import start
import submit
import tables
import waiting
import warm
import window
from farm import revision

Row = tuple[str, str, str, bool]  #: figure, measured, goal, met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--window", action="store_true")
    args = parser.parse_args()
    wanted = window_parts if args.window else parts
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    print(f"Revision {revision()}, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC;")
    print(f"{os.cpu_count()} cores ({processor()}), {memory:.0f} GB, {platform.platform()},")
    print(f"Python {platform.python_version()}; load at the start {os.getloadavg()[0]:.1f}.")
    print("\n| figure | measured | goal | |\n| --- | --- | --- | --- |", flush=True)
    for rows in wanted(is_quick=args.quick):
        for figure, measured, goal, is_met in rows:
            print(f"| {figure} | {measured} | {goal} | {'met' if is_met else 'missed'} |")
        sys.stdout.flush()
    print(f"\nLoad at the end {os.getloadavg()[0]:.1f}.")


def parts(*, is_quick: bool) -> Iterator[list[Row]]:
    """The rows of each benchmark, as soon as it has run."""
    times = 3 if is_quick else 7
    yield list(courtesy.rows(is_quick=is_quick))
    yield drained(drain.rounds([1, 2, 4], 500 if is_quick else 2000, times))
    yield published(publish.measure(10_000, times))
    yield submitted(submit.measure(20 if is_quick else 100), "native file events")
    yield submitted(submit.measure(6 if is_quick else 20, has_events=False), "polling only")
    yield idled(idle.measure(30 if is_quick else 120))
    yield started(start.measure(7 if is_quick else 21))
    yield waited(waiting.measure(400, 1 if is_quick else 3, 100))
    yield read(100 if is_quick else 400)
    yield from window_parts(is_quick=is_quick)
    yield warmed(warm.measure(1 if is_quick else 5, 100))


def window_parts(*, is_quick: bool) -> Iterator[list[Row]]:
    """The same, of the window and of fs."""
    yield opened(*window.opened(3 if is_quick else 7).values())
    yield arranged(tables.measure(3 if is_quick else 7))
    yield updated(window.updated(60 if is_quick else 300))
    cpu = window.rested(15 if is_quick else 60)
    yield [("window at rest: CPU", f"{cpu:.2f} %", "≤ 1 %", cpu <= 1)]
    yield browsed(browse.measure(3 if is_quick else 7))


def drained(rows: list[dict]) -> list[Row]:
    found = []
    for row in rows:
        measured = (
            f"{row['chunks_per_s']:.0f}/s, floor {row['floor_per_s']:.0f}/s:"
            f" {100 * row['ratio']:.0f} %"
        )
        name = f"no-op chunks, {row['daemons']} daemon{'s' * (row['daemons'] > 1)}"
        found.append((name, measured, "≥ 50 % of the floor", row["ratio"] >= 0.5))
    gain = rows[-1]["ratio"] / rows[0]["ratio"]
    found.append(("4 daemons against 1", f"{gain:.2f} times", "not slower", gain >= 1))
    cpu = rows[0]["cpu_ms_per_chunk"]
    found.append(("CPU a chunk adds", f"{cpu:.2f} ms", "≤ 3 ms", cpu <= 3))
    return found


def published(row: dict) -> list[Row]:
    measured = f"{row['seconds']:.2f} s, {row['ratio']:.1f} times the floor"
    return [("publish 10,000 chunks", measured, "≤ 1.5 s", row["seconds"] <= 1.5)]


def submitted(row: dict, how: str) -> list[Row]:
    measured = f"median {1e3 * row['median_s']:.0f} ms, p95 {1e3 * row['p95_s']:.0f} ms"
    has_events = how != "polling only"
    # The longest pause between two polls is 10 s, and spread by half of it.
    goal, limit = ("p95 ≤ 50 ms", 0.05) if has_events else ("≤ one poll (15 s)", 15.0)
    value = row["p95_s"] if has_events else row["worst_s"]
    return [(f"submit → command, {how}", measured, goal, value <= limit)]


def idled(row: dict) -> list[Row]:
    calls = f"{row['beside_per_s']:.2f}/s, and {row['beat_per_s']:.2f}/s in beats"
    return [
        ("idle: memory", f"{row['rss_mb']:.1f} MB RSS", "≤ 35 MB", row["rss_mb"] <= 35),
        ("idle: CPU", f"{row['cpu_percent']:.3f} %", "≤ 0.1 %", row["cpu_percent"] <= 0.1),
        ("idle: share calls beside beats", calls, "≤ 2/s", row["beside_per_s"] <= 2),
    ]


def started(row: dict) -> list[Row]:
    measured = f"median {row['claim_s']:.2f} s, worst {row['worst_s']:.2f} s"
    return [("daemon start → first claim", measured, "≤ 0.5 s", row["claim_s"] <= 0.5)]


def waited(rows: list[dict]) -> list[Row]:
    few, _, many = rows
    claim, memory = many["median_ms"] / few["median_ms"], many["rss_mb"] / few["rss_mb"]
    times = f"{many['median_ms']:.3f} ms beside {few['median_ms']:.3f} ms: {claim:.2f}"
    sizes = f"{many['rss_mb']:.1f} MB beside {few['rss_mb']:.1f} MB: {memory:.2f}"
    return [
        ("claim, 100,000 waiting beside 1,000", times, "≤ 1.2", claim <= 1.2),
        ("memory, the same", sizes, "≤ 1.2", memory <= 1.2),
    ]


def read(rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        asks = {"floor": blend_read.floor, "read": blend_read.read}
        rows = blend_read.measure(blend_read.make(Path(folder)), rounds, asks)
    found = []
    for packing, goal in blend_read.GOALS_MS.items():
        # Pictures of noise are the worst there can be; 2,000 scenes are told apart in the page.
        usual = [r for r in rows if r["packing"] == packing and r["scenes"] == 1]
        usual = [r for r in usual if "noise" not in r["file"]]
        value = max(r["read_ms"] for r in usual)
        name = (
            f"read a .blend's scenes, {'packed with ' + packing if packing != 'none' else 'plain'}"
        )
        found.append((name, f"{value:.3f} ms", f"≤ {goal} ms", value <= goal))
    return found


def opened(filled: tuple[float, float], empty: tuple[float, float]) -> list[Row]:
    clock, work = filled
    measured = (
        f"{clock:.2f} s, {work:.2f} of work; an empty table {empty[0]:.2f} and {empty[1]:.2f}"
    )
    return [("window filled with 200 jobs, 50 machines", measured, "≤ 1.0 s", clock <= 1)]


def arranged(found: dict[str, tuple[float, float]]) -> list[Row]:
    rows = []
    for word in ("order", "filter"):
        kept = {name: took for name, took in found.items() if name.startswith(word)}
        slowest = max(kept, key=kept.__getitem__)
        clock, work = (1e3 * took for took in kept[slowest])
        measured = f"{clock:.0f} ms, {work:.0f} of work: {slowest.removeprefix(word)}"
        rows.append((f"{word} 100,000 chunks, the slowest", measured, "≤ 100 ms", clock <= 100))
    return rows


def updated(row: dict[str, float]) -> list[Row]:
    turns = f"p95 {1e3 * row['turn_p95']:.0f} ms a turn, the longest {1e3 * row['turn_worst']:.0f}"
    return [
        ("updates of the large farm", turns, "p95 ≤ 16 ms", row["turn_p95"] <= 0.016),
        ("… memory", f"{row['rss_mb']:.0f} MB RSS", "≤ 250 MB", row["rss_mb"] <= 250),
    ]


def browsed(row: dict) -> list[Row]:
    whole = f"{row['whole_s']:.2f} s, of which a bare listing {row['floor_s']:.2f} s"
    first = row["first_s"]
    return [
        ("fs, 100,000 files: first rows", f"{first:.2f} s", "≤ 0.3 s", first <= 0.3),
        ("fs, 100,000 files: all of them", whole, "≤ 1 s", row["whole_s"] <= 1),
    ]


def warmed(row: dict) -> list[Row]:
    plain = f"of {row['plain_s']:.2f} s for one plain `blender -a`"
    ten, one, added = row["chunk10_ratio"], row["chunk1_ratio"], row["chunk_ms"]
    return [
        ("100 light frames, chunks of 10", f"{ten:.2f} times {plain}", "≤ 1.15", ten <= 1.15),
        ("100 light frames, chunks of 1", f"{one:.2f} times {plain}", "≤ 1.60", one <= 1.6),
        ("what a warm chunk adds", f"{added:.1f} ms", "≤ 10 ms", added <= 10),
    ]


def processor() -> str:
    """The processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            named = [line for line in file if line.startswith("model name")]
    except OSError:
        named = []
    return named[0].partition(":")[2].strip() if named else platform.machine()


if __name__ == "__main__":
    main()
