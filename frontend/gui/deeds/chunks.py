"""What is done to the selected chunks."""

from collections.abc import Callable, Iterable

from frontend.farm import me
from frontend.gui.bridge import Errand
from frontend.gui.deeds.errands import one
from frontend.gui.desk import Desk
from frontend.gui.models.chunks import ChunkRow, host, last_line
from frontend.words import STATES
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.core.wire import Op, Request
from renderd.spool import orders
from renderd.spool.layout import Spool
from renderd.spool.tickets import Place


def any_in(states: Iterable[str]) -> Callable[[Desk], bool]:
    """True while a selected chunk is in one of these states."""
    wanted = frozenset(states)
    return lambda desk: any(chunk.state in wanted for chunk in desk.chosen_chunks())


def any_failed(desk: Desk) -> bool:
    """True while the job shown has chunks that failed."""
    job = desk.job_shown()
    return job is not None and job.failed > 0


def any_chunk(desk: Desk) -> bool:
    """True while a chunk is selected."""
    return bool(desk.chosen_chunks())


def show_log(desk: Desk) -> None:
    """Show the log of the selected chunk, or of the job's newest; put it away where it is seen."""
    desk.log_toggled.emit()


def show_frames(desk: Desk) -> None:
    """Show the frames of the selected job, or those of the selected chunk."""
    desk.frames_wanted.emit()


def retry(desk: Desk) -> None:
    """Run the selected chunks that failed again."""
    job, chunks = desk.job_shown(), _in(desk, "fail")
    if job is None:
        return
    wanted = {chunk.index for chunk in chunks}

    def work(spool: Spool, place: Place) -> str:
        orders.retry(spool, place[1].jid, lambda chunk: chunk.index in wanted)
        return f"{_named(chunks)} of {label(job.name, 60)} runs again"

    desk.order(one(desk, job.jid, "Retry chunks", work))


def skip(desk: Desk) -> None:
    """Count the selected chunks as done; asks, as their frames will lack."""
    job, chunks = desk.job_shown(), _in(desk, "fail", "wait")
    says = "Their frames are not rendered; the job can end without them."
    if job is None or not desk.ask.confirm(f"Skip {_named(chunks)}?", says, "Skip"):
        return
    wanted = {chunk.index for chunk in chunks}

    def work(spool: Spool, place: Place) -> str:
        orders.skip(spool, place[1].jid, lambda chunk: chunk.index in wanted)
        return f"{_named(chunks)} of {label(job.name, 60)} counts as done"

    desk.order(one(desk, job.jid, "Skip chunks", work))


def kill(desk: Desk) -> None:
    """Stop the selected chunks that run; asks, as their frames in work are lost."""
    job, chunks = desk.job_shown(), _in(desk, "run")
    says = "Frames in work are lost and rendered again; those that are done stay."
    if job is None or not desk.ask.confirm(f"Stop {_named(chunks)}?", says, "Stop"):
        return

    def work() -> str:
        spool = desk.open()
        for chunk in chunks:
            said = {"job": job.jid, "chunk": chunk.index, "by": me()}
            desk.send(spool, chunk.node, Request(Op.KILL, said))
        desk.nudge(spool)
        return f"Stops {_named(chunks)} of {label(job.name, 60)}"

    desk.order(Errand("Stop chunks", work))


def copy(desk: Desk) -> None:
    """Copy a line of each selected chunk."""
    chunks = desk.chosen_chunks()
    lines = ((str(c.index), c.frames, STATES[c.state][0], host(c), last_line(c)) for c in chunks)
    desk.ask.copy("\n".join("\t".join(line) for line in lines))
    desk.said.emit(f"Copied {plural(len(chunks), 'chunk')}")


def _in(desk: Desk, *states: str) -> list[ChunkRow]:
    return [chunk for chunk in desk.chosen_chunks() if chunk.state in states]


def _named(chunks: list[ChunkRow]) -> str:
    if len(chunks) == 1:
        return f"chunk {chunks[0].index}"
    return plural(len(chunks), "chunk")
