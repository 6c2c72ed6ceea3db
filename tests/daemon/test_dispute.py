"""Two jobs that were added in one moment and write one output: neither waits for ever."""

from collections.abc import Callable
from pathlib import Path

import pytest
from driven import Driven

from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.daemon.loop import Nudge
from renderd.spool import control, frames, jobs, orders, tickets
from renderd.spool.layout import CANCELLED, HELD, QUEUE, Spool

Pair = tuple[str, str]
MakeNode = Callable[..., Driven]


@pytest.fixture
def pair(spool: Spool, tmp_path: Path) -> Pair:
    """Two open jobs with one output; the second owns it."""
    first, second = (_add(spool, tmp_path, name) for name in ("first", "second"))
    return first, second


def _add(spool: Spool, folder: Path, name: str) -> str:
    out, runs = f"{folder}/out/f_####.png", ranges.parse("1-4")
    info = Info(commands=(("prog", "{start}", "{out}"),), frames=runs, out=out)
    draft = Draft(name=name, slug=name, info=info, runs=runs, out=out, writes=Writes.PRIVATE)
    # As if the other were not published yet: nobody is asked whose the output is.
    jid = jobs.publish(spool, draft, jobs.Order("artist@ws01", owns_output=False))
    output = frames.locate(spool, jobs.read(spool, jid))
    assert output is not None
    for folder_ in (output.folder, f"{output.folder}/.renderd", output.own, f"{output.own}/ok"):
        Path(folder_).mkdir(exist_ok=True)
    for mark in (f"{output.own}/since", output.owner):
        Path(mark).write_text(jid)
    return jid


def look(driven: Driven) -> None:
    """Polls enough for two looks a while apart; what starts never ends."""
    for _ in range(4):
        driven.tick(3.0, Nudge())


def test_the_job_that_does_not_own_the_output_is_held_and_says_why(
    spool: Spool, pair: Pair, make_node: MakeNode
) -> None:
    driven = make_node(slots=2)
    look(driven)
    first, second = pair
    assert [w.job.jid for w in driven.works] == [second]
    place = tickets.find(spool, first)
    assert place
    assert place[0] == HELD
    assert f"is being written by job {second}" in control.read(spool, first).reason


def test_a_job_takes_its_output_when_its_owner_is_over(
    spool: Spool, pair: Pair, make_node: MakeNode
) -> None:
    first, second = pair
    orders.cancel(spool, second)
    driven = make_node()
    look(driven)
    assert [w.job.jid for w in driven.works] == [first]
    place = tickets.find(spool, second)
    assert place
    assert place[0] == CANCELLED


def test_an_owner_that_is_not_published_yet_is_waited_for(
    spool: Spool, pair: Pair, make_node: MakeNode
) -> None:
    driven = make_node()
    driven.tick(0.0, Nudge())
    driven.tick(1.0, Nudge())
    place = tickets.find(spool, pair[0])
    assert place
    assert place[0] == QUEUE


def test_a_mark_that_another_job_took_away_is_written_again(
    spool: Spool, pair: Pair, make_node: MakeNode
) -> None:
    first, second = pair
    orders.cancel(spool, first)
    output = frames.locate(spool, jobs.read(spool, second))
    assert output
    Path(output.owner).unlink()
    driven = make_node()
    look(driven)
    assert [w.job.jid for w in driven.works] == [second]


def test_an_output_that_is_not_mounted_here_is_not_claimed(
    spool: Spool, pair: Pair, make_node: MakeNode
) -> None:
    output = frames.locate(spool, jobs.read(spool, pair[1]))
    assert output
    Path(output.folder).rename(output.folder + ".elsewhere")
    Path(output.folder).mkdir()
    driven = make_node()
    look(driven)
    assert not driven.works
    assert list(Path(output.folder).iterdir()) == []
