"""From the start of a daemon to its first claim, and to its first command's start.

    python bench/start.py [--rounds 15]

The job waits already; beside it the floor: the same interpreter importing nothing of ours.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

from farm import Farm, farm


def once(one: Farm) -> tuple[float, float]:
    """Seconds to the claim and to the command's own sign."""
    sign = one.folder / "sign"
    os.mkfifo(sign)
    jid = one.publish(1, ("sh", "-c", f"echo > {sign}"))
    group = one.spool.job(jid, "000")
    descriptor = os.open(sign, os.O_RDONLY | os.O_NONBLOCK)
    began = time.perf_counter()
    daemon = one.start(node=f"n{began:.9f}".replace(".", ""))
    one.wait(lambda: ".wait." not in os.listdir(group)[0], 0.001)
    claimed = time.perf_counter() - began
    one.wait(lambda: _has_byte(descriptor), 0.001)
    ran = time.perf_counter() - began
    os.close(descriptor)
    sign.unlink()
    one.wait_done(jid)
    daemon.stop()
    one.daemons.clear()
    return claimed, ran


def _has_byte(descriptor: int) -> bool:
    try:
        return bool(os.read(descriptor, 1))
    except BlockingIOError:
        return False


def floor() -> float:
    """Seconds of an empty run of the interpreter."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


def measure(rounds: int) -> dict:
    """Medians, the worst, and the floor."""
    with farm() as one:
        rows, floors = [], []
        for _ in range(rounds):
            rows.append(once(one))
            floors.append(floor())
    claims = [claim for claim, _ in rows]
    return {
        "claim_s": statistics.median(claims),
        "worst_s": max(claims),
        "command_s": statistics.median(ran for _, ran in rows),
        "floor_s": statistics.median(floors),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    row = measure(parser.parse_args().rounds)
    print(
        f"first claim {row['claim_s']:.3f} s (worst {row['worst_s']:.3f}), command runs at"
        f" {row['command_s']:.3f} s; empty interpreter {row['floor_s']:.3f} s"
    )


if __name__ == "__main__":
    main()
