"""Many daemons on one machine: every chunk once, every job done, nobody declared dead.

    python bench/many.py [--daemons 200] [--chunks 20000] [--jobs 10]

Real daemons on tmpfs, their commands do nothing.  All start at once, all see all jobs at once,
on however few cores there are: what starves, storms or stampedes shows here.  Exit status 1 when
a chunk was lost, was done twice or failed, or a daemon that lived was declared dead.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from farm import Daemon, Farm, farm, revision

from renderd.core.chunk import State
from renderd.spool import history, listing, nodes

PATIENCE = 1800.0  #: seconds; a machine may be slow and busy with other things
COUNTED = 4  #: daemons that count their calls of the share


def own_path(one: Farm) -> str:
    """A PATH with what the jobs need and no Blender: 200 machines would not share two cores."""
    folder = one.folder / "bin"
    folder.mkdir()
    (folder / "true").symlink_to(shutil.which("true"))
    return str(folder)


def measure(daemons: int, chunks: int, jobs: int) -> dict:
    """Start them all, give them all jobs at once, and what came of it."""
    with farm() as one:
        one.patience = PATIENCE
        path, began = own_path(one), time.perf_counter()
        for number in range(daemons):
            counts = {"BENCH_COUNTS": str(one.folder / f"counts{number}")}
            how = {"driver": "watched.py", **counts} if number < COUNTED else {}
            one.start(node=f"n{number:03d}", PATH=path, **how)
        jids = [one.publish(chunks // jobs, name=f"job{n}", is_held=True) for n in range(jobs)]
        one.wait_beating(daemons)
        started = time.perf_counter() - began
        print(f"{daemons} daemons beat after {started:.1f} s", file=sys.stderr, flush=True)
        used, began = sum(d.cpu() for d in one.daemons), time.perf_counter()
        for jid in jids:
            one.release(jid)
        took = one.wait_done(*jids, pause=0.2) - began
        row = {
            "daemons": daemons,
            "chunks": chunks // jobs * jobs,
            "jobs": jobs,
            "start_s": started,
            "seconds": took,
            "cpu_s": sum(d.cpu() for d in one.daemons) - used,
            "pss_mb": sum(d.pss() for d in one.daemons) / daemons / 2**20,
        }
        print(f"{jobs} jobs done after {took:.1f} s", file=sys.stderr, flush=True)
        one.wait(lambda: is_told(one, row["chunks"]), 1.0)
        row |= calls(one, one.daemons[: min(COUNTED, daemons)]) | outcome(one, jids)
        one.kill()  # to leave in order takes a second of processor time each
        return row


def is_told(one: Farm, chunks: int) -> bool:
    """True when the journals and the nodes' own counts tell of as many chunks as there are."""
    return told(one)["done"] >= chunks and done(one).total() >= chunks


def told(one: Farm) -> Counter:
    """What all nodes count of themselves."""
    counts: Counter = Counter()
    for inc in nodes.everyone(one.spool):
        status = nodes.read_status(one.spool, inc) or {}
        counts.update(status.get("stats", {}))
    return counts


def done(one: Farm) -> Counter:
    """How often each chunk was done, by the journals."""
    events = history.events(one.spool)
    return Counter((e["jid"], e["chunk"]) for e in events if e.get("ev") == "done")


def outcome(one: Farm, jids: list[str]) -> dict:
    """Who worked, what was lost or failed, who was declared dead."""
    events = Counter(event.get("ev") for event in history.events(one.spool))
    names = Counter(c.state for jid in jids for c in listing.chunks(one.spool, jid))
    counts, times = told(one), done(one)
    return {
        "workers": len({e["inc"] for e in history.events(one.spool) if e.get("ev") == "done"}),
        "claims": counts["claims"],
        "lost_races": counts["lost races"],
        "done_once": sum(n == 1 for n in times.values()),
        "done_twice": sum(n > 1 for n in times.values()),
        "files_done": names[State.DONE],
        "files_else": names.total() - names[State.DONE],
        "lost": events["lost"],
        "failed": sum(events[ev] for ev in ("fail", "timeout", "killed", "bad-output")),
        "declared": events["declared"] + len(nodes.dead(one.spool)),
    }


def calls(one: Farm, counted: list[Daemon]) -> dict:
    """Calls of the share of the daemons that count them, a chunk of theirs."""
    found: Counter = Counter()
    chunks = 0
    for daemon in counted:
        path = Path(one.folder, f"counts{daemon.name[1:].lstrip('0') or '0'}")
        daemon.process.send_signal(signal.SIGUSR1)
        one.wait(path.exists)
        tally = json.loads(path.read_text())
        chunks += len(tally["claims"])
        found.update(Counter(tally["beat"]) + Counter(tally["beside"]))
    return {
        "calls_a_chunk": found.total() / max(chunks, 1),
        "lists_a_chunk": found["listdir"] / max(chunks, 1),
    }


def faults(row: dict) -> list[str]:
    """What must not be, in words."""
    wanted = {"done_once": row["chunks"], "files_done": row["chunks"]}
    wanted |= dict.fromkeys(("done_twice", "files_else", "lost", "failed", "declared"), 0)
    return [f"{key}: {row[key]}, not {value}" for key, value in wanted.items() if row[key] != value]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--daemons", type=int, default=200)
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=10)
    args = parser.parse_args()
    row = measure(args.daemons, args.chunks, args.jobs)
    print(f"revision {revision()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(
        f"{row['daemons']} daemons beat after {row['start_s']:.1f} s;"
        f" {row['chunks']} chunks in {row['jobs']} jobs took {row['seconds']:.1f} s"
        f" ({row['chunks'] / row['seconds']:.0f}/s) on {row['workers']} of them\n"
        f"a daemon: {row['pss_mb']:.1f} MB (PSS, its guard included),"
        f" {1e3 * row['cpu_s'] / row['chunks']:.2f} ms of CPU a chunk,"
        f" {row['calls_a_chunk']:.1f} calls of the share,"
        f" {row['lists_a_chunk']:.2f} of them lists\n"
        f"claims: {row['claims']}, lost to others: {row['lost_races']};"
        f" declared dead: {row['declared']}\n"
        f"chunks by the journals: {row['done_once']} done once, {row['done_twice']} more often,"
        f" {row['lost']} lost, {row['failed']} failed"
    )
    found = faults(row)
    for fault in found:
        print(f"WRONG {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
