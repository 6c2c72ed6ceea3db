"""The chunks' table of one job."""

from frontend import words
from fs_browser.table import Column, Table
from renderd.core.label import label
from renderd.core.names import host_of
from renderd.spool.view import ChunkView


def table() -> Table[ChunkView]:
    """An empty table of chunks, in order."""
    return Table(_COLUMNS, lambda chunk: chunk.index)


def _first_frame(chunk: ChunkView) -> int:
    digits = chunk.frames.lstrip("-").partition("-")[0].partition("x")[0]
    return int(digits or 0) * (-1 if chunk.frames.startswith("-") else 1)


def host(chunk: ChunkView) -> str:
    """The machine that runs it, finished it or failed last."""
    return host_of(chunk.node) if chunk.node else ""


_COLUMNS: tuple[Column[ChunkView], ...] = (
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
        order=lambda c: tuple(words.STATES).index(c.state),
        paint=lambda c: c.state,
        width=10,
    ),
    Column(key="node", title="Machine", text=host, width=16),
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
        title="Failures",
        text=lambda c: str(c.failures or ""),
        order=lambda c: c.failures,
        is_number=True,
        width=8,
    ),
    Column(key="error", title="Last error", text=lambda c: label(c.error, 300), width=50),
)
