"""What grows old in the window by itself, and how rarely it reads while nobody sees it."""

from collections import Counter

import pytest
from PyQt6.QtCore import QEvent, QObject, QPoint

PATIENCE = 30_000
NEVER = 100_000.0  #: seconds


class Paints(QObject):
    """Which columns of a table are drawn together."""

    def __init__(self, view):
        super().__init__(view)
        self.view, self.seen = view, []
        view.viewport().installEventFilter(self)

    def eventFilter(self, _watched, event):
        if event.type() == QEvent.Type.Paint:
            lefts = (self.view.columnViewportPosition(i) for i in range(len(self.keys())))
            drawn = [event.region().contains(QPoint(left + 3, 3)) for left in lefts]
            self.seen.append({key for key, is_in in zip(self.keys(), drawn, strict=True) if is_in})
        return False

    def keys(self):
        return [column.key for column in self.view.table.columns]


def test_the_time_that_a_job_takes_is_drawn_anew_although_nothing_else_changes(
    show, spool, publish, worker, qtbot
):
    worker.claim(publish("shot"), 1)
    window = show(spool, width=2000)
    drawn = Paints(window.jobs.jobs)
    qtbot.waitUntil(lambda: {"elapsed", "age"} in drawn.seen, timeout=PATIENCE)


@pytest.mark.parametrize("leave", ["hide", "showMinimized"])
def test_a_window_that_nobody_sees_reads_rarely_and_at_once_when_it_is_seen_again(
    show, spool, publish, qtbot, leave
):
    window = show(spool)
    readers = window.desk._readers
    assert {reader.slows for reader in readers} == {1.0}
    getattr(window, leave)()
    qtbot.waitUntil(lambda: min(reader.slows for reader in readers) > 1.0, timeout=PATIENCE)
    window.desk.farm.every = NEVER
    jid = publish("shot")
    window.desk.farm.hurry()  # it may have begun to wait before
    qtbot.waitUntil(lambda: jid in window.desk.jobs.records, timeout=PATIENCE)
    jid = publish("other")
    window.bring()
    qtbot.waitUntil(lambda: jid in window.desk.jobs.records, timeout=PATIENCE)
    assert {reader.slows for reader in readers} == {1.0}


def test_a_reader_that_is_slowed_down_reads_so_much_more_rarely(show, spool, qtbot):
    desk = show(spool).desk
    looks = Counter()
    for name, slows in (("quick", 1.0), ("slowed", 10.0)):
        reader = desk.read(name, lambda: None, 0.05)
        reader.slows = slows
        reader.arrived.connect(lambda _, name=name: looks.update([name]))
    qtbot.waitUntil(lambda: looks["slowed"] == 4, timeout=PATIENCE)
    assert looks["quick"] > 3 * looks["slowed"]
