"""The jobs' table: its columns and what a filter asks of a job."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from frontend import words
from fs_browser.table import Column, Table
from renderd.core.label import label
from renderd.spool.view import JobView


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress bar draws: parts of a whole, each from 0 to 1."""

    done: float
    running: float
    failed: float
    text: str


@dataclass(slots=True)
class Clock:
    """The server's time, as far as this machine can tell."""

    ahead: float = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.ahead


def progress(job: JobView) -> Progress:
    """How far a job is."""
    whole = max(job.chunks, 1)
    text = f"{job.done:,}/{job.chunks:,}" if job.chunks else ""
    return Progress(job.done / whole, job.running / whole, job.failed / whole, text)


def table(clock: Clock) -> Table[JobView]:
    """An empty table of jobs: highest priority and oldest first, those that are over last."""
    return Table(_columns(clock), _natural)


_OVER = {"done": 1, "cancelled": 2}


def _natural(job: JobView) -> tuple[int, int, int]:
    return (_OVER.get(job.state, 0), -job.priority, job.born_ns)


def _why(job: JobView) -> str:
    return label(" · ".join(filter(None, (job.reason, job.warning, job.note))), 500)


def _columns(clock: Clock) -> tuple[Column[JobView], ...]:
    def ready(job: JobView) -> str:
        said = words.ready(job.eta, job.eta_low, job.eta_high, clock.now())
        return said or "—" * (job.state == "queue")

    def age(job: JobView) -> str:
        return words.age(max(0.0, clock.now() - job.born_ns / 1e9)) if job.born_ns else ""

    state = words.shown_state
    return (
        Column(
            key="state",
            title="State",
            text=lambda j: words.STATES[state(j)][0],
            order=lambda j: tuple(words.STATES).index(state(j)),
            paint=state,
            width=11,
        ),
        Column(key="name", title="Name", text=lambda j: label(j.name, 200), width=30),
        Column(
            key="progress",
            title="Progress",
            text=lambda j: progress(j).text,
            order=lambda j: progress(j).done,
            paint=progress,
            width=20,
            explains="Chunks that are done, of all",
        ),
        Column(
            key="running",
            title="Running",
            text=lambda j: f"{j.running:,}" if j.running else "",
            order=lambda j: j.running,
            is_number=True,
            width=8,
        ),
        Column(
            key="failed",
            title="Failed",
            text=lambda j: f"{j.failed:,}" if j.failed else "",
            order=lambda j: j.failed,
            is_number=True,
            width=7,
        ),
        Column(
            key="priority",
            title="Priority",
            text=lambda j: str(j.priority),
            order=lambda j: j.priority,
            is_number=True,
            is_editable=True,
            width=8,
            explains="0 to 99, the higher the sooner; double-click to change",
        ),
        Column(key="ready", title="Ready", text=ready, order=lambda j: j.eta, width=20),
        Column(
            key="age",
            title="Age",
            text=age,
            order=lambda j: -j.born_ns,
            is_number=True,
            width=8,
            explains="Since it was queued",
        ),
        Column(key="frames", title="Frames", text=lambda j: label(j.frames, 60), width=14),
        Column(key="owner", title="Owner", text=lambda j: label(j.owner, 40), width=16),
        Column(key="pool", title="Pool", text=lambda j: ", ".join(j.pool), width=9, is_shown=False),
        Column(key="why", title="Says", text=_why, width=40, explains="Why it does not go on"),
        Column(
            key="out", title="Output", text=lambda j: label(j.out, 300), width=40, is_shown=False
        ),
        Column(key="jid", title="Id", text=lambda j: j.jid, width=12, is_shown=False),
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs are shown: by state and by words that all must occur."""

    states: Collection[str] = field(default_factory=frozenset)  #: none: all
    text: str = ""

    def test(self) -> Callable[[JobView], bool] | None:
        """The question to ask of each job; None where all pass."""
        if not self.states and not self.text.strip():
            return None
        wanted = self.text.lower().split()

        def passes(job: JobView) -> bool:
            if self.states and words.shown_state(job) not in self.states:
                return False
            if not wanted:
                return True
            told = f"{job.name} {job.jid} {job.owner} {' '.join(job.pool)} {job.out} {_why(job)}"
            told = told.lower()
            return all(word in told for word in wanted)

        return passes
