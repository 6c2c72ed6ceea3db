"""A renderer whose frames take unequal times, on machines of unequal speed: it sleeps.

uneven.py FIRST LAST STEP OUT       RENDERD_NODE n0 and n1 are twice as fast as the others
"""

import os
import random
import sys
import time
from pathlib import Path

MEAN_S = 0.4  #: seconds of a frame on a fast machine
SPEEDS = {"n0": 1.0, "n1": 1.0}
SLOW = 0.5


def seconds(frame: int) -> float:
    """What a frame takes on a fast machine: between a quarter of the mean and four times it."""
    return MEAN_S * 4 ** random.Random(frame).uniform(-1, 1) / 1.35


def main() -> None:
    sys.path.append(str(Path(__file__).parents[1] / "tests" / "farm"))
    import standin

    first, last, step, out = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    speed = SPEEDS.get(os.environ["RENDERD_NODE"], SLOW)
    for frame in range(first, last + 1, step):
        time.sleep(seconds(frame) / speed)
        path = standin.named(out, frame)
        Path(path).write_bytes(standin.png(frame))
        print(f"Saved: '{path}'", flush=True)


if __name__ == "__main__":
    main()
