"""How long it takes to publish 10,000 chunks on tmpfs, beside the floor.

    python bench/publish.py [--chunks 10000] [--rounds 5]

The floor: as many files created by os.open, written and closed, then renamed; nothing else.
"""

import argparse
import os
import statistics
import tempfile
import time

from farm import farm


def floor(chunks: int) -> float:
    """Seconds for so many small files entered by one create and one rename each."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        began = time.perf_counter()
        for number in range(chunks):
            temp = f"{folder}/t{number}"
            descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660)
            os.write(descriptor, b"true\n")
            os.close(descriptor)
            os.rename(temp, f"{folder}/{number:05d}")
        return time.perf_counter() - began


def measure(chunks: int, rounds: int) -> dict:
    """Medians of alternating rounds."""
    ours, floors = [], []
    for _ in range(rounds):
        with farm() as one:
            began = time.perf_counter()
            one.publish(chunks)
            ours.append(time.perf_counter() - began)
        floors.append(floor(chunks))
    return {
        "seconds": statistics.median(ours),
        "floor_s": statistics.median(floors),
        "ratio": statistics.median(a / b for a, b in zip(ours, floors, strict=True)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    row = measure(args.chunks, args.rounds)
    print(
        f"{args.chunks} chunks in {row['seconds']:.2f} s; floor {row['floor_s']:.2f} s,"
        f" {row['ratio']:.1f} times the floor"
    )


if __name__ == "__main__":
    main()
