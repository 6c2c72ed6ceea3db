"""One chunk in work on this node: what runs, how far it is, how it ended."""

import threading
from dataclasses import dataclass, field, replace
from enum import StrEnum

from renderd.core.frames import Run
from renderd.core.job import Job, Writes
from renderd.daemon.suspension import Suspension
from renderd.daemon.tail import Tail
from renderd.errors import RenderdError
from renderd.spool.claims import Claim
from renderd.spool.output import Output

STOP_GRACE = 10.0  #: seconds from TERM to KILL
LEAVE_GRACE = 3.0  #: the same while the daemon itself leaves
NOTE_LINES = 20  #: of them, lines that go into an error note


class Ending(StrEnum):
    """How an attempt ended; the values stand in the error notes."""

    DONE = "done"
    FAIL = "fail"  #: the command failed or crashed
    BAD_OUTPUT = "bad-output"  #: it claims success, the frames say otherwise
    TIMEOUT = "timeout"  #: over its wall limit, or hanging
    KILLED = "killed"  #: stopped by us or a person: no failure
    NO_SPACE = "no-space"  #: the share, the output disk or this machine's is full: no failure
    NO_LICENCE = "no-licence"  #: the renderer got none: no failure
    BUSY = "busy"  #: somebody holds a target open; the whole frames are kept: no failure
    HELD = "held"  #: going on would make wrong pictures until a person acts: no failure
    MEMORY = "memory"  #: it ran out of memory: no failure where a larger node is
    UNABLE = "unable"  #: this machine does not see what the job needs: no failure

    @property
    def is_failure(self) -> bool:
        """True when it counts against the job's retries."""
        return self in (Ending.FAIL, Ending.BAD_OUTPUT, Ending.TIMEOUT)


class Stopped(RenderdError):
    """The command was ended by us; the ending says why."""

    def __init__(self, ending: Ending, reason: str) -> None:
        super().__init__(reason)
        self.ending = ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a runner reports of an attempt."""

    work: "Work"
    ending: Ending
    reason: str = ""  #: one sentence for a person; empty when done
    advice: str = ""
    wall: float = 0.0  #: seconds from start to end
    cpu: float = 0.0
    peak_bytes: int = 0
    where: str = ""  #: the folder whose disk or share is to blame for the end
    cause: str = ""  #: of a failure, the name in core/causes.py where one is known
    keeps: bool = False  #: whole frames wait in the private folder for the next attempt


@dataclass(slots=True, eq=False)
class Work:
    """A claimed chunk on a runner.  The runner writes, the loop and the socket read."""

    claim: Claim
    job: Job
    commands: tuple[tuple[str, ...], ...]  #: finished command lines, path roots still open
    output: Output | None
    started: float  #: monotonic
    more: tuple[Claim, ...] = ()  #: chunks behind it that its command lines do as well
    joined: Run | None = None  #: with those, the frames of all
    lead: str = ""  #: of a part of a hand, the stem that the whole ran under
    in_place: frozenset[int] = frozenset()  #: frames with receipts when it ended
    frame: int | None = None
    percent: float | None = None
    frames_done: int = 0
    frames_total: int = 0
    message: str = ""  #: what it does now, for status
    ram: int = 0  #: bytes promised to it: what the job needs
    rss_bytes: int = 0  #: what it used at the last look
    peak_bytes: int = 0
    frame_bytes: int = 0  #: the largest of the job's frames known here
    warnings: int = 0
    lacking: str = ""  #: the first of what its frames lack, and may: the job says so
    changed: str = ""  #: the .blend's stamp where it is not what was queued
    tail: Tail = field(default_factory=Tail)
    stop_reason: str = ""
    stop_now: bool = False  #: no grace: KILL at once
    stop_grace: float = STOP_GRACE
    stopping: threading.Event = field(default_factory=threading.Event)
    suspension: Suspension = field(default_factory=Suspension)
    last_frame: str = ""  #: why the command is to end when the frame in work is done
    saved_after: list[float] = field(default_factory=list)  #: s from the start to each frame

    def stop(self, reason: str, *, now: bool = False, grace: float = STOP_GRACE) -> None:
        """Ask the runner to end the command; the chunk is given back, finished frames stay."""
        self.stop_reason = self.stop_reason or reason
        self.stop_grace = min(self.stop_grace, grace)
        self.stop_now = self.stop_now or now
        self.stopping.set()

    @property
    def has_last_frame(self) -> bool:
        """True when it is to end with its frame in work; what makes one whole runs to its end."""
        is_whole = self.output is None or self.job.info.whole or self.output.writes is Writes.MOVIE
        return bool(self.last_frame) and not is_whole

    @property
    def run(self) -> Run | None:
        """Its frames; None for a command without."""
        return self.joined or self.claim.chunk.run

    @property
    def stem(self) -> str:
        """The stem of the log and the private folder."""
        return self.lead or self.claim.stem

    @property
    def timeout(self) -> float | None:
        """Seconds that its chunks may take together; None: no limit."""
        limit = self.job.info.timeout
        return limit * len(self.indices) if limit is not None else None

    @property
    def indices(self) -> tuple[int, ...]:
        """The numbers of its chunks."""
        return self.claim.chunk.index, *(claim.chunk.index for claim in self.more)

    @property
    def span(self) -> str:
        """Its frames as a chunk's name writes them."""
        return replace(self.claim.chunk, run=self.run).frames

    @property
    def label(self) -> str:
        """The chunk for a person: its number and frames."""
        frames = self.span.replace("~x", " by ").replace("~", " to ")
        last = f" to {self.indices[-1]}" if self.more else ""
        return f"chunk {self.claim.chunk.index}{last} ({frames})"

    @property
    def frames(self) -> list[int]:
        """The frames of the chunk; none for a command without."""
        return list(self.run) if self.run is not None else []
