"""The page of machines: figures and their last ten minutes, silence, notes, the dead."""

import time

import pytest
from PyQt6.QtCore import Qt

from frontend.gui.models import news
from renderd.core.recent import STEP, Recent
from renderd.spool import nodes, notes
from renderd.spool.records import NodeView

PATIENCE = 30_000
LOAD = {
    "memory_used": 6 << 30,
    "memory_total": 8 << 30,
    "swap_used": 1 << 20,
    "swap_total": 4 << 30,
}


def cell(window, row, key, role=Qt.ItemDataRole.DisplayRole):
    view = window.machines.machines
    return view.model().index(row, view.column(key)).data(role)


def test_a_machine_tells_its_memory_and_its_last_ten_minutes(show, spool, worker):
    nodes.publish_status(spool, worker.inc, {"state": "idle", "load": LOAD})
    window = show(spool)
    assert cell(window, 0, "memory") == "6.0G/8.0G"
    window.desk.pulse.sample(time.monotonic() + 60, window.desk.machines.records)
    past = window.desk.pulse.rings.past(worker.inc, "memory")
    assert abs(past[-1] - 0.75) < 0.01


def test_a_machine_knows_its_ten_minutes_before_the_window_began(show, spool, worker):
    ring = Recent()
    for at in range(40):
        ring.add(at * STEP, 0.25 if at < 39 else 0.75)
    load = LOAD | {"memory_past": ring.told(), "swap_past": 7}
    nodes.publish_status(spool, worker.inc, {"state": "idle", "load": load})
    window = show(spool)
    past = window.desk.pulse.rings.past(worker.inc, "memory")
    assert past[-2:] == pytest.approx([0.75, 0.75], abs=0.01)
    assert past[-10] == pytest.approx(0.25, abs=0.01)
    assert past[:30] == (None,) * 30
    assert "2.0G to 6.0G" in cell(window, 0, "memory", Qt.ItemDataRole.ToolTipRole)


def test_silence_grows_without_a_row_being_told_of(show, spool, worker):
    nodes.publish_status(spool, worker.inc, {"state": "idle"})
    window = show(spool)
    told = []
    window.desk.machines.dataChanged.connect(lambda *_: told.append(1))
    later = time.time() + 3600
    window.desk.pulse.now = lambda: later
    assert cell(window, 0, "heard").startswith(("1h", "59m"))
    assert not told


def test_a_dead_machine_is_told_with_its_note_and_since_when_and_without_old_figures(
    show, spool, worker
):
    nodes.publish_status(spool, worker.inc, {"state": "rendering", "load": LOAD})
    notes.put(spool, worker.inc, "PSU fails")
    nodes.certify(spool, worker.inc)
    window = show(spool)
    assert cell(window, 0, "state") == "dead"
    assert cell(window, 0, "memory") == ""
    assert cell(window, 0, "says").startswith("“PSU fails” · silent since ")


def test_a_machine_that_lives_again_does_not_show_twice():
    def run(inc, node, state, age):
        return NodeView(inc=inc, host=node, node=node, state=state, age=age)

    old, now = run("a-1", "a", "dead", 500.0), run("a-2", "a", "alive", 1.0)
    first, last = run("b-1", "b", "dead", 900.0), run("b-2", "b", "dead", 90.0)
    assert news.last_runs([old, now, first, last]) == [now, last]


def test_a_pause_tells_its_end(show, spool, worker):
    said = {"state": "paused", "reason": "paused by ada@ws01", "until": time.time() + 90_000}
    nodes.publish_status(spool, worker.inc, said)
    assert cell(show(spool), 0, "says").startswith("paused by ada@ws01 until ")


def test_several_releases_at_work_are_told(show, spool, make_worker, qtbot):
    make_worker("ws01-00000001", version="1.0")
    window = show(spool)
    assert not window.machines.mixed.isVisibleTo(window.machines)
    make_worker("ws02-00000001", version="1.1")
    window.desk.farm.hurry()
    qtbot.waitUntil(lambda: window.machines.mixed.isVisibleTo(window.machines), timeout=PATIENCE)
    assert "1.1 on ws02" in window.machines.mixed.text()
