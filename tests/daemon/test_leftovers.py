"""Chunks that this node ended, and that its server shows as running all the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from driven import Driven, drive

from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.daemon.loop import Nudge
from renderd.daemon.work import Ending
from renderd.spool import frames, jobs, placing
from renderd.spool.layout import Spool
from renderd.spool.listing import chunks
from renderd.spool.share import PosixShare


class Aliased(PosixShare):
    """A client of SMB: the first move of a kind was forgotten, and its name stays void.

    Its client knows two names for one file, between which a rename does nothing.
    """

    def __init__(self, kind: str) -> None:
        self.kind, self.void = kind, ""

    def rename(self, old: str, new: str) -> None:
        self.void = self.void or (new if self.kind in new else "")
        if new != self.void:
            super().rename(old, new)


MakeDriven = Callable[[str], Driven]


@pytest.fixture
def driven(spool: Spool, clock: list[float]) -> MakeDriven:
    return lambda kind: drive(replace(spool, share=Aliased(kind)), clock, "ws07-0123abcd")


@pytest.fixture
def jid(spool: Spool, tmp_path: Path) -> str:
    """A job of one chunk with two frames."""
    runs = ranges.parse("1-2")
    info = Info(commands=(("prog", "{out}"),), frames=runs)
    out, writes = f"{tmp_path}/out/f_####.png", Writes.PRIVATE
    draft = Draft(name="f", slug="f", info=info, runs=runs, out=out, size=10, writes=writes)
    return jobs.publish(spool, draft, jobs.Order("me@here"))


def states(spool: Spool, jid: str) -> list[tuple[str, int]]:
    return [(chunk.state.value, chunk.attempt) for chunk in chunks(spool, jid)]


def render(driven: Driven) -> None:
    """Put the frames of the chunk in work in place."""
    spool, output = driven.node.spool, driven.works[0].output
    assert output is not None
    for frame in driven.works[0].frames:
        name = f"f_{frame:04d}.png"
        (Path(output.folder) / name).write_bytes(b"picture")
        placing.accept(spool, output, frame, [name], (1, 1))


def test_a_chunk_that_was_done_is_done_under_a_name_never_used(
    spool: Spool, jid: str, driven: MakeDriven
) -> None:
    node = driven(".done.")
    node.run(10)
    render(node)
    node.end()
    assert states(spool, jid) == [("run", 1)]
    node.run(300)
    assert states(spool, jid) == [("run", 3)]  # given back past the name after its own
    assert len(frames.receipted(spool, node.works[0].output, node.works[0].claim.chunk.run)) == 2
    node.end()
    node.run(60)
    assert states(spool, jid) == [("done", 3)]


def test_a_chunk_that_was_given_back_waits_under_a_name_never_used(
    spool: Spool, jid: str, driven: MakeDriven
) -> None:
    node = driven(".wait.")
    node.run(10)
    node.end(Ending.BUSY, "held open")
    assert states(spool, jid) == [("run", 1)]
    node.run(300)
    assert states(spool, jid) == [("run", 3)]
    node.tick(0.0, Nudge())
    node.end()
    node.run(60)
    assert states(spool, jid) == [("done", 3)]
