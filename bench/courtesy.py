"""What a person feels while Blender renders on all cores: ours, its peers, the idle machine.

python bench/courtesy.py [--quick] [--rounds 6]     five minutes; --quick: two, rougher

A task in the foreground (work on every core, reads from the disk, wake-ups at 60 Hz) alone,
beside a Cycles render of a real daemon's, and beside three peers: the same `blender -b` put into
the background by hand (chrt, nice, ionice and the autogroup), an empty loop on every core in our
background (what the kernel's scheduler itself costs), and plain Blender in a session of its own.
They take turns within each round, and every figure is taken against the idle machine just before
and after it, so a machine that is busy meanwhile spoils all alike.  Then: frames rendered by both;
seconds until a renderer stands still when its person comes back, and when memory is short (root:
a stand-in for /proc/pressure/memory in the daemon's own mount namespace).
"""

import argparse
import os
import random
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import beside
import psutil
from beside import blender, closing_farm, stands_still, until
from felt import WAKING, Felt, feel, make

from renderd.core.wire import Op, Request
from renderd.dialog import Dialog
from renderd.host.guard import Guard

IDLE = "idle"
Row = tuple[str, str, str, bool]  #: figure, measured, goal, met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=0, help="of the task in the foreground")
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores; load at the start {os.getloadavg()[0]:.1f}\n")
    print("| figure | measured | goal | |\n| --- | --- | --- | --- |", flush=True)
    for figure, measured, goal, is_met in rows(is_quick=args.quick, rounds=args.rounds):
        print(f"| {figure} | {measured} | {goal} | {'met' if is_met else 'missed'} |", flush=True)


def rows(*, is_quick: bool, rounds: int = 0) -> Iterator[Row]:
    """Every figure, as soon as it is measured."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield from foreground(Path(folder), rounds or (2 if is_quick else 6))
        yield from throughput(Path(folder), rounds=1 if is_quick else 3)
    yield reaction("user returns → suspended", 1.0, of_person, times=2 if is_quick else 5)
    if os.geteuid() == 0:
        yield reaction("memory pressure → suspended", 2.0, of_pressure, times=2 if is_quick else 5)


# -- the task in the foreground ---------------------------------------------------------------


def foreground(folder: Path, rounds: int) -> Iterator[Row]:
    """The task alone and beside each of the others, in turn."""
    make(folder / "file")
    with beside.all_of_them(folder) as (others, daemon):
        before = spent(daemon.pid)
        turns = list(take_turns(folder / "file", others, rounds))
        used = spent(daemon.pid) - before
    alone = [felt for name, felt in turns if name == IDLE]
    for name, key, goal in (
        ("work on every core", "work", 1.05),
        ("reads from the disk", "reads", 1.05),
    ):
        idle = statistics.median(getattr(one, key) for one in alone)
        found = {other: ratios(turns, other, key) for other in others}
        measured = f"{spread(found.pop('ours'))} of {idle:.2f} s; " + told(found)
        ours = statistics.median(ratios(turns, "ours", key))
        yield f"foreground: {name}, beside Cycles", measured, f"≤ {goal:.2f}×", ours <= goal
    waited = shares(turns)
    cpu = {name: statistics.median(ratios(turns, name, "cpu")) for name in others}
    measured = ", ".join(f"{name} {waited[name]:.1%}" for name in (*others, IDLE))
    is_met = waited["ours"] <= waited[IDLE] + 0.02
    yield "… share of the work's time in which it waits", measured, "≤ 2 % above idle", is_met
    measured = ", ".join(f"{name} {took:.2f}×" for name, took in cpu.items())
    is_met = cpu["ours"] <= cpu["loop"] + 0.03
    yield "… processor time of the work (caches)", measured, "≤ 0.03 above the loop", is_met
    late = {name: p99(turns, name) for name in (*others, IDLE)}
    measured = f"{late.pop('ours'):.2f} ms; " + ", ".join(f"{k} {v:.2f}" for k, v in late.items())
    is_met = p99(turns, "ours") <= late[IDLE] + 2
    yield "foreground: wake-ups at 60 Hz, p99", measured, "≤ 2 ms above idle", is_met
    seconds = sum(one.work + one.reads + WAKING for name, one in turns if name == "ours")
    measured = f"{100 * used / seconds:.2f} % of a core"
    yield "daemon and guard meanwhile", measured, "≤ 1 %", used <= 0.01 * seconds


def take_turns(
    file: Path, others: dict[str, beside.Beside], rounds: int
) -> Iterator[tuple[str, Felt]]:
    """The task beside each, in an order that changes; alone before and after every second."""
    order = random.Random(1)
    for _ in range(rounds):
        names = order.sample(list(others), len(others))
        for place, name in enumerate(names):
            if place % 2 == 0:
                yield IDLE, feel(file)
            with others[name].going():
                yield name, feel(file)
    yield IDLE, feel(file)


def ratios(turns: list[tuple[str, Felt]], name: str, key: str) -> list[float]:
    """A figure beside something, each time against the idle machine just before and after."""
    values = [(who, float(getattr(felt, key))) for who, felt in turns]
    found = []
    for place, (who, value) in enumerate(values):
        if who == name:
            before = next(v for w, v in reversed(values[:place]) if w == IDLE)
            after = next(v for w, v in values[place:] if w == IDLE)
            found.append(2 * value / (before + after))
    return found


def shares(turns: list[tuple[str, Felt]]) -> dict[str, float]:
    """The part of its time that the work could have run in and was not let, beside each."""
    found: dict[str, list[float]] = {}
    for name, felt in turns:
        found.setdefault(name, []).append(felt.waited / (felt.waited + felt.cpu))
    return {name: statistics.median(values) for name, values in found.items()}


def p99(turns: list[tuple[str, Felt]], name: str) -> float:
    """Milliseconds by which one wake-up in a hundred is late, at least, of all rounds'."""
    late = [one for who, felt in turns if who == name for one in felt.late]
    return 1000 * statistics.quantiles(late, n=100)[98]


def told(found: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {statistics.median(values):.2f}×" for name, values in found.items())


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f}× ({min(values):.2f}–{max(values):.2f})"


def spent(pid: int) -> float:
    """Seconds of processor time of a daemon and its guard."""
    times = [psutil.Process(one).cpu_times() for one in beside.family(pid)]
    return sum(one.user + one.system for one in times)


# -- renders ------------------------------------------------------------------------------------


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
        jid = beside.render(farm)
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
        jid = beside.render(farm)
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


if __name__ == "__main__":
    main()
