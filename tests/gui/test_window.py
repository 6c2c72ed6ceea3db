"""The window on a real spool: what it shows, and orders that reach the spool."""

import os

import pytest
from PyQt6.QtCore import QObject, Qt
from PyQt6.QtTest import QAbstractItemModelTester, QTest

from renderd.spool import orders, tickets

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal
PATIENCE = 30_000


def texts(view, key):
    column = view.column(key)
    model = view.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_jobs_show_highest_priority_first(show, spool, publish):
    publish(name="low", priority=10)
    publish(name="high", priority=90)
    window = show(spool)
    assert texts(window.jobs.jobs, "name") == ["high", "low"]
    assert texts(window.jobs.jobs, "state") == ["queued", "queued"]


def test_the_chunks_of_the_selected_job_show(show, spool, publish, qtbot):
    publish(name="shot", span="1-25")
    window = show(spool)
    window.jobs.jobs.selectRow(0)
    qtbot.waitUntil(lambda: window.desk.chunks.rowCount() == 3, timeout=PATIENCE)
    assert texts(window.jobs.chunks, "frames") == ["1-10", "11-20", "21-25"]


def test_hold_holds_the_selected_job_and_undo_takes_it_back(show, spool, publish, qtbot):
    jid = publish(name="shot")
    window = show(spool)
    window.jobs.jobs.selectRow(0)
    window.actions_["hold"].trigger()
    qtbot.waitUntil(lambda: texts(window.jobs.jobs, "state") == ["held"], timeout=PATIENCE)
    assert tickets.find(spool, jid)[0] == "held"
    window.actions_["undo"].trigger()
    qtbot.waitUntil(lambda: texts(window.jobs.jobs, "state") == ["queued"], timeout=PATIENCE)


def test_a_priority_is_changed_in_the_table_by_keys_alone(show, spool, publish, qtbot):
    jid = publish(name="shot")
    view = show(spool).jobs.jobs
    for key in (Qt.Key.Key_Down, Qt.Key.Key_F2):
        QTest.keyClick(view, key)
    box = view.findChild(QObject, "priority")
    QTest.keyClicks(box, "77")
    QTest.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: tickets.find(spool, jid)[1].priority == 77, timeout=PATIENCE)
    assert view.picked_keys() == [jid]


@pytest.mark.parametrize("name", ["jobs", "chunks", "machines"])
def test_the_tables_keep_the_rules_of_models(show, spool, publish, qtbot, name):
    publish(name="shot", span="1-40")
    window = show(spool)
    QAbstractItemModelTester(getattr(window.desk, name), FATAL, window)
    window.jobs.jobs.selectRow(0)
    qtbot.waitUntil(lambda: window.desk.chunks.rowCount() == 4, timeout=PATIENCE)
    publish(name="another")
    orders.hold(spool, next(iter(window.desk.jobs.records)), "test")
    window.desk.farm.hurry()
    qtbot.waitUntil(lambda: window.desk.jobs.rowCount() == 2, timeout=PATIENCE)
    window.jobs.search.setText("another")
    assert texts(window.jobs.jobs, "name") == ["another"]
    window.desk.jobs.sort(2, Qt.SortOrder.DescendingOrder)


def test_a_spool_that_goes_is_told_and_the_window_lives_on(show, spool, qtbot, tmp_path):
    window = show(spool)
    moved = spool.root + ".away"
    os.rename(spool.root, moved)
    window.desk.farm.hurry()
    qtbot.waitUntil(lambda: window.banner.isVisible(), timeout=PATIENCE)
    os.rename(moved, spool.root)
    window.desk.farm.hurry()
    qtbot.waitUntil(lambda: not window.banner.isVisible(), timeout=PATIENCE)


def test_ctrl_f_goes_to_the_filter(show, spool, publish, qtbot):
    publish(name="shot")
    window = show(spool)
    with qtbot.waitActive(window, timeout=PATIENCE):
        window.activateWindow()
    window.jobs.jobs.setFocus()
    qtbot.keyClick(window.jobs.jobs, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(window.jobs.search.hasFocus, timeout=PATIENCE)


def test_enter_in_the_filter_goes_to_the_first_job_it_found(show, spool, publish, qtbot):
    publish(name="lights")
    jid = publish(name="sky")
    window = show(spool)
    with qtbot.waitActive(window, timeout=PATIENCE):
        window.activateWindow()
    window.jobs.search.setFocus()
    qtbot.keyClicks(window.jobs.search, "sky")
    qtbot.keyClick(window.jobs.search, Qt.Key.Key_Return)
    assert window.jobs.jobs.hasFocus()
    qtbot.waitUntil(lambda: window.desk.picked_jobs == (jid,), timeout=PATIENCE)


def test_ctrl_and_a_digit_turns_to_a_page_with_the_keys_in_its_table(show, spool, worker, qtbot):
    window = show(spool)
    with qtbot.waitActive(window, timeout=PATIENCE):
        window.activateWindow()
    assert window.jobs.jobs.hasFocus()
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.machines.machines.hasFocus()
    qtbot.keyClick(window.machines.machines, Qt.Key.Key_Down)
    assert [node.inc for node in window.machines.machines.picked()] == [worker.inc]
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.jobs.jobs.hasFocus()


def test_a_name_that_looks_like_html_shows_as_it_is(show, spool, publish):
    publish(name="<img src=x> <b>bold</b>")
    view = show(spool).jobs.jobs
    cell = view.model().index(0, view.column("name"))
    assert "<img" in cell.data()
    assert cell.data(Qt.ItemDataRole.ToolTipRole).startswith("<qt>&lt;img")


def test_ctrl_l_shows_the_log_and_puts_it_away(show, spool, publish, qtbot):
    publish(name="shot")
    window = show(spool)
    window.jobs.jobs.selectRow(0)
    assert not window.log_dock.isVisible()
    window.actions_["log"].trigger()
    assert window.log_dock.isVisible()
    window.actions_["log"].trigger()
    assert not window.log_dock.isVisible()
    qtbot.keyClick(window.jobs.jobs, Qt.Key.Key_Return)
    assert window.log_dock.isVisible()


def test_f6_goes_from_part_to_part_and_ctrl_and_a_digit_to_pages(show, spool, publish, qtbot):
    publish(name="shot")
    window = show(spool)
    with qtbot.waitActive(window, timeout=PATIENCE):
        window.activateWindow()
    window.jobs.jobs.setFocus()
    qtbot.keyClick(window.jobs.jobs, Qt.Key.Key_F6)
    assert window.jobs.chunks.hasFocus()
    qtbot.keyClick(window.jobs.chunks, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.machines.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_F6)
    assert window.machines.machines.hasFocus()


def test_the_title_names_the_farm(show, spool):
    assert show(spool).windowTitle().startswith(os.path.basename(spool.root))
