"""The jobs' table: its columns and what a filter asks of a job."""

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from frontend import words
from frontend.gui.models.spans import Spans
from fs_browser.column import Column
from fs_browser.table import Table
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.spool.records import JobView


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


def table(clock: Clock, spans: Spans) -> Table[JobView]:
    """An empty table of jobs: by priority and age, what failed below, what is over last."""
    made: list[Table[JobView]] = []

    def name(jid: str) -> str:
        job = made[0].records.get(jid)
        return job.name if job is not None else jid

    made.append(Table((*_what(clock, name), *_how(clock, spans)), _natural))
    return made[0]


_OVER = {"failed": 1, "done": 2, "cancelled": 3}


def _natural(job: JobView) -> tuple[int, int, int]:
    return (_OVER.get(job.state, 0), -job.priority, job.born_ns)


def _why(job: JobView) -> str:
    return label(" · ".join(filter(None, (job.reason, job.warning, job.note))), 500)


def outlook(
    job: JobView, now: float, name: Callable[[str], str] = lambda jid: jid
) -> tuple[str, str]:
    """When a job will be ready, or why it is not: in words, and in one of the theme's colours."""
    state = words.shown_state(job)
    said, ink = words.ready(job.eta, job.eta_low, job.eta_high, now), ""
    if job.reason:
        said = _spoken(job, name)
        ink = "failed" if state == "failed" else "waiting"
    elif state == "failed":
        said, ink = f"{plural(job.failed, 'chunk')} failed", "failed"
    elif not said:
        said, ink = _WAITS.get(state, ""), "faint"
    if job.warning:
        ink = ink if job.reason else "warning"
    return label(" · ".join(filter(None, (said, job.warning, job.note))), 500), ink


def _spoken(job: JobView, name: Callable[[str], str]) -> str:
    """The reason without the command line's own words, and other jobs by their names."""
    said = job.reason.partition("; see: render why")[0]
    if found := _NONE.match(said):  # what hinders first: a cell is narrow
        who = f"each of {found['number']} machines" if found["number"] else found["name"]
        said = f"{found['why']} ({who})"
    for jid in job.after:
        said = said.replace(jid, name(jid))
    return said


_NONE = re.compile(
    r"no live node can take it: (each of (?P<number>\d+) nodes|(?P<name>\S+)) (is )?(?P<why>.+)"
)
_WAITS = {"queue": "waits for its turn", "running": "first frames in work"}


def _what(clock: Clock, name: Callable[[str], str]) -> tuple[Column[JobView], ...]:
    state = words.shown_state
    return (
        Column(
            key="state",
            title="State",
            text=lambda j: words.STATES[state(j)][0],
            order=lambda j: tuple(words.STATES).index(state(j)),
            tip=lambda j: " · ".join(filter(None, (words.STATES[state(j)][0], _why(j)))),
            paint=state,
            width=10,
        ),
        Column(key="name", title="Name", text=lambda j: label(j.name, 200), width=24, grows=True),
        Column(
            key="progress",
            title="Progress",
            text=lambda j: progress(j).text,
            order=lambda j: progress(j).done,
            paint=progress,
            width=15,
            explains="Chunks that are done, of all",
        ),
        Column(
            key="ready",
            title="Ready, or why not",
            text=lambda j: outlook(j, clock.now(), name)[0],
            order=lambda j: (j.eta is None, j.eta or 0.0, outlook(j, clock.now(), name)[0]),
            paint=lambda j: outlook(j, clock.now(), name)[1],
            width=29,
            explains="When it will be done and between when, or why it does not go on",
        ),
        Column(
            key="running",
            title="Running",
            text=lambda j: f"{j.running:,}" if j.running else "",
            order=lambda j: j.running,
            is_number=True,
            width=7,
            explains="Chunks in work now",
        ),
        Column(
            key="failed",
            title="Failed",
            text=lambda j: f"{j.failed:,}" if j.failed else "",
            order=lambda j: j.failed,
            is_number=True,
            width=6,
            explains="Chunks that failed too often and are given up until you retry them",
        ),
        Column(
            key="priority",
            title="Priority",
            text=lambda j: str(j.priority),
            order=lambda j: j.priority,
            is_number=True,
            is_editable=True,
            leads=True,
            width=9,
            explains="0 to 99, the higher the sooner; double-click to change",
        ),
    )


def _how(clock: Clock, spans: Spans) -> tuple[Column[JobView], ...]:
    def age(job: JobView) -> str:
        return words.age(max(0.0, clock.now() - job.born_ns / 1e9)) if job.born_ns else ""

    return (
        Column(
            key="elapsed",
            title="Elapsed",
            text=lambda j: words.age(spans.seconds(j, clock.now())),
            order=lambda j: spans.seconds(j, clock.now()),
            is_number=True,
            width=8,
            explains="From when its first chunk began until the last one ended, or now",
        ),
        Column(key="frames", title="Frames", text=lambda j: label(j.frames, 60), width=12),
        Column(
            key="pool",
            title="Pool",
            text=lambda j: label(", ".join(j.pool), 60),
            width=9,
            is_shown=False,
            is_shown_when=lambda j: bool(j.pool),
            explains="Only machines of these render it",
        ),
        Column(key="owner", title="Owner", text=lambda j: label(j.owner, 40), width=14),
        Column(
            key="age",
            title="Age",
            text=age,
            order=lambda j: -j.born_ns,
            is_number=True,
            width=8,
            explains="Since it was queued",
        ),
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
