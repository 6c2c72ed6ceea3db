"""How many neighbouring chunks a node takes at once of a job with `chunk: auto`.  Pure.

Such a job is published in chunks of one frame (more where it is very long).  A node takes as many
neighbours as are about a minute of its own work, and runs them as one command line; toward the end
a share of what is left, so that all nodes finish together (guided self-scheduling).
"""

from renderd.core.frames import Run

MOST_CHUNKS = 1000  #: of an automatic job, where one frame a chunk would make more
MOST = 200  #: chunks in one hand, each of which is claimed and finished by a rename of its own
PARTS = 2  #: hands that each slot still gets of what is left


def size(frames: int) -> int:
    """Frames a chunk of an automatic job with so many frames."""
    return max(1, -(-frames // MOST_CHUNKS))


def count(*, frame_s: float | None, chunk: int, waiting: int, slots: int, aim_s: float) -> int:
    """How many chunks of `chunk` frames a slot takes; one while no frame was timed here.

    `waiting` chunks are left for `slots` of all nodes; 0 slots: no share is kept for others.
    """
    if not frame_s or frame_s <= 0:
        return 1
    by_time = int(aim_s / (frame_s * chunk))
    by_share = -(-waiting // (PARTS * slots)) if slots else waiting
    return max(1, min(by_time, by_share, waiting, MOST))


def joined(first: Run, second: Run) -> Run | None:
    """Both as one run, where the second goes on where the first ends with the same step."""
    step = second.first - first.last
    if step < 1 or any(len(run) > 1 and run.step != step for run in (first, second)):
        return None
    return Run(first.first, second.last, step)
