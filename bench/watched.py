"""renderd with counters around the seam to the share; started by the other scripts.

At SIGUSR1 it writes to the file in BENCH_COUNTS, as JSON: the calls of the seam made within a
beat (the beat itself and what goes with it) and beside it, by name; and the seconds of each
claim.  BENCH_NO_EVENTS=1 turns native file events off, as on a network share.
BENCH_PROFILE=FILE profiles the loop thread.
"""

import cProfile
import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))

from renderd.daemon import app
from renderd.spool import share

BESIDE, BEAT = Counter(), Counter()
CLAIMS: list[float] = []
CALLS = [name for name in vars(share.PosixShare) if not name.startswith("_")]


class Where:
    """Whether the loop is in a beat now."""

    is_beat = False


def watch() -> None:
    """Wrap the parts of the daemon that are measured."""
    from renderd.daemon import assembly, events, hunt, life, loop

    class Counting(share.PosixShare):
        pass

    def counted(name: str):
        call = getattr(share.PosixShare, name)

        def wrapper(*args, **named):
            (BEAT if Where.is_beat else BESIDE)[name] += 1
            return call(*args, **named)

        return wrapper

    for name in CALLS:
        setattr(Counting, name, counted(name))
    assembly.PosixShare = Counting

    def in_beat(step):
        def wrapper(*args, **named):
            was, Where.is_beat = Where.is_beat, True
            try:
                return step(*args, **named)
            finally:
                Where.is_beat = was

        return wrapper

    life.beat = in_beat(life.beat)
    loop.Loop._beaten = in_beat(loop.Loop._beaten)
    claim_one = hunt._claim_one

    def timed(*args, **named):
        began = time.perf_counter()
        won = claim_one(*args, **named)
        if won:
            CLAIMS.append(time.perf_counter() - began)
        return won

    hunt._claim_one = timed
    if os.environ.get("BENCH_NO_EVENTS"):
        events.watch = lambda *_: None
    if os.environ.get("BENCH_PROFILE"):
        profile(loop, os.environ["BENCH_PROFILE"])


def profile(loop, path: str) -> None:
    """Profile the loop's thread until it ends."""
    run = loop.Loop.run

    def profiled(self):
        profiler = cProfile.Profile(time.thread_time)
        try:
            profiler.runcall(run, self)
        finally:
            profiler.dump_stats(path)

    loop.Loop.run = profiled


def tell(*_: object) -> None:
    """Write the counters down whole."""
    path = os.environ["BENCH_COUNTS"]
    text = json.dumps({"beat": BEAT, "beside": BESIDE, "claims": CLAIMS})
    Path(path + ".new").write_text(text)
    os.replace(path + ".new", path)


def main() -> int:
    """Run the daemon, watched."""
    run = app.Daemon.run

    def watched(self, **how):
        watch()
        if os.environ.get("BENCH_COUNTS"):
            signal.signal(signal.SIGUSR1, tell)
        return run(self, **how)

    app.Daemon.run = watched
    return app.main()


if __name__ == "__main__":
    sys.exit(main())
