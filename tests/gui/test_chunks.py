"""The chunks' table: what runs as its machine says, what ended as its journal says; orders."""

import pytest

from frontend.gui.models.chunks import row
from renderd.core.chunk import State
from renderd.core.wire import Op
from renderd.spool import history, listing, nodes
from renderd.spool.records import ChunkView

PATIENCE = 30_000
INC = "ws07-0123abcd"


class Agrees:
    """A person who says yes, and what they were asked and given."""

    def __init__(self):
        self.asked, self.copied = [], ""

    def confirm(self, title, says, yes):
        self.asked.append(title)
        return True

    def copy(self, text):
        self.copied = text


@pytest.fixture
def at(show, spool, publish, worker, qtbot):
    """A window with a job: chunk 1 done, chunk 2 failed for good, chunk 3 running."""

    def go():
        jid = publish("shot")
        worker.finish(jid, 1)
        worker.fail(jid, 2)
        worker.claim(jid, 3)
        window = show(spool)
        window.desk.ask = Agrees()
        window.desk.pick(jobs=[jid])
        qtbot.waitUntil(lambda: window.desk.chunks.rowCount() == 3, timeout=PATIENCE)
        return window, jid

    return go


def texts(window, key):
    view = window.jobs.chunks
    return [view.model().index(row, view.column(key)).data() for row in range(3)]


def state(spool, jid, index):
    return next(c for c in listing.chunks(spool, jid) if c.index == index).state


def test_time_and_memory_of_what_ended_come_from_the_journal(at, spool, qtbot):
    window, jid = at()
    said = {"t": 1.0, "ev": "done", "jid": jid, "chunk": 1, "attempt": 1, "frames": 10}
    history.append(spool, INC, [said | {"wall": 83.2, "peak": 3 << 30}])
    window.desk.chunk_reader.hurry()
    qtbot.waitUntil(lambda: texts(window, "time")[0] == "1m23s", timeout=PATIENCE)
    assert texts(window, "peak") == ["3.0G", "", ""]


def test_what_runs_is_told_by_its_machine(at, spool, qtbot):
    window, jid = at()
    run = {"job": jid, "chunk": 3, "attempt": 1, "frame": 24, "done": 3, "total": 10}
    run |= {"percent": 35.0, "elapsed": 12.4, "peak": 1 << 30, "message": "Sample 3/64"}
    nodes.publish_status(spool, INC, {"state": "rendering", "running": [run]})
    for reader in (window.desk.farm, window.desk.chunk_reader):
        reader.hurry()
    qtbot.waitUntil(lambda: bool(texts(window, "doing")[2]), timeout=PATIENCE)
    assert texts(window, "doing")[2] == "frame 24, 35 %"
    assert texts(window, "time")[2] == "12s"
    assert texts(window, "says") == ["", "exit 1", "Sample 3/64"]


def test_figures_of_another_attempt_are_not_those_of_this_one():
    view = ChunkView(index=3, frames="1-5", state="run", node=INC, attempt=2)
    assert row(view, {"attempt": 1, "elapsed": 99.0}, None).seconds is None


@pytest.mark.parametrize("odd", ["x", None, -1, 1e300, {"a": 1}, float("nan")])
def test_a_status_may_hold_anything(odd):
    view = ChunkView(index=3, frames="1-5", state="run", node=INC)
    keys = ("frame", "percent", "elapsed", "peak", "message", "done", "total")
    found = row(view, dict.fromkeys(keys, odd) | {"attempt": 1}, None)
    assert 0 <= (found.part or 0) <= 1


def test_a_failed_chunk_is_retried_alone(at, spool, qtbot):
    window, jid = at()
    window.desk.pick(chunks=[1, 2, 3])
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE) as told:
        window.actions_["chunk-retry"].trigger()
    assert told.args[0] == "chunk 2 of shot runs again"
    assert state(spool, jid, 2) is State.WAIT


def test_a_chunk_is_skipped_after_a_question(at, spool, qtbot):
    window, jid = at()
    window.desk.pick(chunks=[2])
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE):
        window.actions_["chunk-skip"].trigger()
    assert window.desk.ask.asked == ["Skip chunk 2?"]
    assert state(spool, jid, 2) is State.DONE


def test_a_running_chunk_is_stopped_by_an_order_to_its_machine(at, spool, qtbot):
    window, jid = at()
    window.desk.pick(chunks=[3])
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE):
        window.actions_["chunk-kill"].trigger()
    [name] = spool.share.listdir(spool.node(INC, "inbox"))
    text = spool.share.read(spool.node(INC, f"inbox/{name}")).decode().replace(" ", "")
    assert f'"op":"{Op.KILL.value}"' in text
    assert f'"job":"{jid}","chunk":3' in text


def test_chunks_are_copied_as_lines(at):
    window, _ = at()
    window.desk.pick(chunks=[1, 2])
    window.actions_["chunk-copy"].trigger()
    assert window.desk.ask.copied.splitlines()[1].split("\t")[:4] == [
        "2",
        "11-20",
        "failed",
        "ws07",
    ]


def test_an_action_is_about_what_is_selected_also_where_that_was_not_told_of_yet(
    show, spool, publish, qtbot
):
    publish(name="long", span="1-7000")
    window = show(spool)
    window.jobs.jobs.selectRow(0)
    qtbot.waitUntil(lambda: window.desk.chunks.rowCount() == 700, timeout=PATIENCE)
    window.jobs.chunks.selectRow(0)
    window.jobs.chunks.selectAll()
    assert window.desk.picked_chunks == (1,)
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE) as told:
        window.actions_["chunk-copy"].trigger()
    assert told.args[0] == "Copied 700 chunks"
