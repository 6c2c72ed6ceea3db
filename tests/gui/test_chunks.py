"""The chunks' table: what runs as its machine says, what ended as its journal says; orders."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from typist import Typist

from frontend.gui.models.chunks import ChunkRow, Filter, row
from renderd.core import frames
from renderd.core.chunk import State
from renderd.core.wire import Op
from renderd.spool import history, listing, nodes
from renderd.spool.records import ChunkView

PATIENCE = 30_000
INC = "ws07-0123abcd"


@pytest.fixture
def at(show, spool, publish, worker, qtbot):
    """A window with a job: chunk 1 done, chunk 2 failed for good, chunk 3 running."""

    def go():
        jid = publish("shot")
        worker.finish(jid, 1)
        worker.fail(jid, 2)
        worker.claim(jid, 3)
        window = show(spool)
        window.desk.ask = Typist()
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
    assert [title for title, *_ in window.desk.ask.asked] == ["Skip chunk 2?"]
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


def shown(window):
    return window.desk.chunks.keys(0, window.desk.chunks.rowCount() - 1)


def test_chunks_are_filtered_by_state_frame_machine_and_last_line(at):
    window, _ = at()
    bar = window.jobs.pane.bar
    bar.choose(["fail"])
    assert shown(window) == [2]
    bar.choose(["run", "done"])
    assert shown(window) == [1, 3]
    bar.all.click()
    for asked, found in (("17", [2]), ("21", [3]), ("EXIT", [2]), ("ws07 exit", [2]), ("x9", [])):
        bar.search.setText(asked)
        assert shown(window) == found
    bar.search.clear()
    assert shown(window) == [1, 2, 3]


@pytest.mark.parametrize("span", ["7", "-3", "1-10", "1-9x2", "-20--11", "-5-5", "0-0"])
@pytest.mark.parametrize("number", [-20, -3, 0, 1, 7, 10, 11])
def test_a_number_finds_the_chunk_over_whose_frames_it_lies(span, number):
    [run] = frames.parse(span)
    passes = Filter(text=str(number)).test()
    assert passes(ChunkRow(index=1, frames=span, state="wait")) == (run.first <= number <= run.last)


def test_the_filter_of_chunks_is_reached_by_keys_and_remembered(at, qtbot):
    window, _ = at()
    window.jobs.chunks.setFocus()
    QTest.keyClick(window.jobs.chunks, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    bar = window.jobs.pane.bar
    assert window.focusWidget() is bar.search
    QTest.keyClicks(bar.search, "17")
    assert shown(window) == [2]
    QTest.keyClick(bar.search, Qt.Key.Key_Tab)
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    assert window.focusWidget() is bar.states["run"]
    QTest.keyClick(bar.states["run"], Qt.Key.Key_Space)
    assert bar.chosen() == ["wait", "fail", "done"]
    window.jobs.remember(window.desk.remembered)
    bar.search.clear()
    bar.choose(["done"])
    window.jobs.recall(window.desk.remembered)
    assert (bar.search.text(), bar.chosen()) == ("17", ["wait", "fail", "done"])
    QTest.keyClick(bar.search, Qt.Key.Key_Escape)
    assert bar.search.text() == ""
    QTest.keyClick(bar.search, Qt.Key.Key_Escape)
    assert window.focusWidget() is window.jobs.chunks


def test_f8_goes_to_the_next_failed_chunk(at, qtbot):
    window, _ = at()
    window.jobs.pane.bar.choose(["done"])
    qtbot.waitUntil(window.actions_["next-failed"].isEnabled, timeout=PATIENCE)
    window.actions_["next-failed"].trigger()
    assert window.desk.picked_chunks == (2,)


def test_a_job_selected_again_before_its_chunks_came_shows_them(at, publish, qtbot):
    window, jid = at()
    for _ in range(20):
        window.desk.pick(jobs=[])
        window.desk.pick(jobs=[jid])
    qtbot.waitUntil(lambda: window.desk.chunks.rowCount() == 3, timeout=PATIENCE)
