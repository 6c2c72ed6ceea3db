"""The chunks' table of one job."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from frontend import mishaps, words
from frontend.gui.models.jobs import Progress
from frontend.gui.models.journals import Figures
from fs_browser.column import Column
from fs_browser.table import Table
from renderd.core.label import label
from renderd.core.names import host_of
from renderd.spool.records import ChunkView

ENDED = frozenset({"done", "fail"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRow(ChunkView):
    """A chunk, and what its machine says of it or wrote down at its end."""

    seconds: float | None = None  #: so far, or in all
    peak: int = 0  #: bytes
    frame: int | None = None  #: in work
    part: float | None = None  #: done of it while it runs, 0 to 1
    says: str = ""  #: what it does now
    ended: float = 0.0  #: seconds since 1970 by its machine's clock; 0 where not known


def row(view: ChunkView, run: Mapping[str, Any] | None, figures: Figures | None) -> ChunkRow:
    """The row of a chunk: a running one as its machine says, an ended one by its journal."""
    known = {name: getattr(view, name) for name in ChunkView.__slots__}
    if view.state == "run" and run is not None and run.get("attempt") == view.attempt:
        said = str(run.get("slow") or run.get("message") or "")
        return ChunkRow(
            **known,
            seconds=_number(run.get("elapsed")),
            peak=int(_number(run.get("peak")) or 0),
            frame=run["frame"] if isinstance(run.get("frame"), int) else None,
            part=_part(run),
            says=label(said, 200),
        )
    if view.state in ENDED and figures is not None:
        return ChunkRow(**known, seconds=figures.wall, peak=figures.peak, ended=figures.ended)
    return ChunkRow(**known)


def _part(run: Mapping[str, Any]) -> float:
    done, total = _number(run.get("done")) or 0.0, _number(run.get("total")) or 0.0
    by_frames = done / total if total else 0.0
    return min(max(by_frames, (_number(run.get("percent")) or 0.0) / 100, 0.0), 1.0)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e18 else None


def most_telling(chunks: Iterable[ChunkRow]) -> ChunkRow | None:
    """The chunk whose log tells most: what failed last, what runs, what ended last.

    None where nothing has run.
    """
    begun = (one for one in chunks if one.state != "wait" or one.attempt > 1)
    rank = {"fail": 3, "run": 2, "done": 1, "wait": 1}
    return max(begun, key=lambda c: (rank[c.state], c.ended, c.index), default=None)


_RANKS = {state: rank for rank, state in enumerate(words.STATES)}


def table() -> Table[ChunkRow]:
    """An empty table of chunks, in order."""
    return Table(_COLUMNS, lambda chunk: chunk.index)


def _first_frame(chunk: ChunkView) -> int:
    digits = chunk.frames.lstrip("-").partition("-")[0].partition("x")[0]
    return int(digits or 0) * (-1 if chunk.frames.startswith("-") else 1)


def host(chunk: ChunkView) -> str:
    """The machine that runs it, finished it or failed last."""
    return host_of(chunk.node) if chunk.node else ""


def _progress(chunk: ChunkRow) -> Progress | None:
    if chunk.part is None:
        return None
    return Progress(0.0, chunk.part, 0.0, _doing(chunk))


def _doing(chunk: ChunkRow) -> str:
    if chunk.part is None:
        return ""
    frame = f"frame {chunk.frame}, " if chunk.frame is not None else ""
    return f"{frame}{chunk.part * 100:.0f} %"


def last_line(chunk: ChunkRow) -> str:
    """What it prints now, or why its last attempt failed."""
    return _told(chunk.says, chunk.error) if chunk.says or chunk.error else ""


@lru_cache(1024)  # thousands of chunks say the same, and a table asks for all of them
def _told(says: str, error: str) -> str:
    return label(says or mishaps.brief(error), 300)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which chunks are shown: by state and by words that all must occur, or frames."""

    states: Collection[str] = field(default_factory=frozenset)  #: none: all
    text: str = ""

    def test(self) -> Callable[[ChunkRow], bool] | None:
        """The question to ask of each chunk; None where all pass."""
        asks = [_asking(word) for word in self.text.lower().split()]
        states = frozenset(self.states)
        if not asks:
            return (lambda chunk: chunk.state in states) if states else None
        return lambda chunk: (not states or chunk.state in states) and all(a(chunk) for a in asks)


def _asking(word: str) -> Callable[[ChunkRow], bool]:
    """Whether a chunk holds a frame, ran on a machine or says something."""
    number = int(word) if word.removeprefix("-").isdecimal() else None

    @cache  # a hundred thousand chunks name few machines and say few things
    def tells(node: str, says: str, error: str) -> bool:
        return word in f"{host_of(node)} {_told(says, error)}".lower()

    if number is None:
        return lambda chunk: tells(chunk.node, chunk.says, chunk.error)
    return lambda chunk: _holds(chunk.frames, number) or tells(chunk.node, chunk.says, chunk.error)


def _holds(frames: str, number: int) -> bool:
    """Whether a chunk's frames, `7`, `1-10`, `1-9x2` or `-20--11`, go over a number."""
    if frames.startswith("-"):
        first, _, last = frames[1:].partition("-")
        first = f"-{first}"
    else:
        first, _, last = frames.partition("-")
    if not last:
        return first == str(number)
    return bool(first) and int(first) <= number <= int(last.partition("x")[0])


_COLUMNS: tuple[Column[ChunkRow], ...] = (
    Column(
        key="index",
        title="Chunk",
        text=lambda c: str(c.index),
        order=lambda c: c.index,
        is_number=True,
        width=7,
    ),
    Column(key="frames", title="Frames", text=lambda c: c.frames, order=_first_frame, width=12),
    Column(
        key="state",
        title="State",
        text=lambda c: words.STATES[c.state][0],
        order=lambda c: _RANKS[c.state],
        paint=lambda c: c.state,
        width=10,
    ),
    Column(
        key="doing",
        title="In work",
        text=_doing,
        order=lambda c: c.part,
        paint=_progress,
        width=16,
        explains="The frame in work, and how far the chunk is",
    ),
    Column(key="node", title="Machine", text=host, width=14),
    Column(
        key="time",
        title="Time",
        text=lambda c: words.age(c.seconds),
        order=lambda c: c.seconds,
        is_number=True,
        width=8,
        explains="So far, or in all; of the last attempt",
    ),
    Column(
        key="peak",
        title="Memory",
        text=lambda c: words.size(c.peak) if c.peak else "",
        order=lambda c: c.peak,
        is_number=True,
        width=8,
        explains="The most that it used at once",
    ),
    Column(
        key="attempt",
        title="Attempt",
        text=lambda c: str(c.attempt) if c.attempt > 1 or c.state != "wait" else "",
        order=lambda c: c.attempt,
        is_number=True,
        width=8,
    ),
    Column(
        key="failures",
        title="Failed",
        text=lambda c: f"{c.failures}×" if c.failures else "",
        order=lambda c: c.failures,
        is_number=True,
        width=7,
        explains="How often it failed since it was queued or retried",
    ),
    Column(
        key="says",
        title="Last line",
        text=last_line,
        width=24,
        grows=True,
        explains="What it prints now, or why its last attempt failed",
    ),
)
