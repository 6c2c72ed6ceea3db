"""How large schedules are: the farm, its jobs, and what befalls each call."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A kind of schedule; the seed draws one of each row."""

    nodes: tuple[int, ...]  #: machines at the start
    steps: tuple[int, ...]  #: calls before the calm
    acts: int  #: before the calm, at most
    paces: tuple[float, ...]  #: seconds between two acts, at most
    jobs: int  #: before anything else happens
    readiness: float  #: odds that machines and jobs are there before anything goes wrong
    frames: tuple[int, ...]  #: of a job, at most
    autos: float  #: odds that a job's chunks are automatic, so that nodes take hands of them
    auto_frames: tuple[int, ...]  #: of such a job
    failures: tuple[float, ...]  #: odds that a command fails
    seconds: tuple[float, ...]  #: that a command takes
    frame_seconds: tuple[float, ...]  #: that a frame takes
    late: tuple[int, ...]  #: calls within which a late duplicate arrives
    gusts: float  #: how much more often than in ROUGH a call is struck
    newcomers: float  #: odds that one more machine comes for the calm; sure where none is left
    tidy_every: float  #: seconds between two rounds of the people in the calm
    look_every: int  #: calls between two looks whether all has come to its end


LARGE = Size(
    nodes=(1, 2, 2, 3, 3, 4),
    steps=(200, 300, 400, 600, 800, 1000, 1500, 4000),
    acts=3000,
    paces=(2.0, 8.0, 8.0, 30.0),
    jobs=2,
    readiness=0.0,
    failures=(0.05, 0.05, 0.05, 0.4),
    frames=(2, 4, 8, 16),
    autos=0.3,
    auto_frames=(6, 12, 24),
    seconds=(0.0, 0.2, 1.0, 5.0, 20.0),
    frame_seconds=(0.0, 0.1, 3.0),
    late=(20, 300, 4000),
    gusts=1.0,
    newcomers=1.0,
    tidy_every=5.0,
    look_every=50,
)
#: for a million of them: every act and every fault, but few of them in one schedule
SMALL = Size(
    nodes=(2, 2, 2, 3),
    steps=(20, 30, 45, 60),
    acts=8,
    paces=(0.5, 2.0, 2.0, 8.0),
    jobs=1,
    readiness=0.7,
    failures=(0.05, 0.05, 0.4),
    frames=(1, 2, 3, 4),
    autos=0.3,
    auto_frames=(6, 12, 18),
    seconds=(0.0, 0.0, 0.2, 1.0, 5.0),
    frame_seconds=(0.0, 0.1, 1.0),
    late=(10, 40, 150),
    gusts=3.0,
    newcomers=0.2,
    tidy_every=20.0,
    look_every=10,
)
