"""The history page: figures out of real journals, by the hour, machine, job and cause."""

import random
import time

import pytest
from PyQt6.QtCore import QPoint, Qt

from frontend import figures
from frontend.figures import HOUR, Hours
from frontend.gui.models.past import Past
from frontend.gui.views.charts import rounded_up
from renderd.spool import history

PATIENCE = 30_000
WS, ATLAS = "ws07-0123abcd", "atlas-0123abcd"


def ended(jid, hour, wall=600.0, ev="done", **said):
    """An attempt that ended at half past an hour."""
    base = {"t": hour * HOUR + HOUR / 2, "ev": ev, "jid": jid, "chunk": 1, "attempt": 1}
    return base | {"frames": 10, "wall": wall, "cpu": wall, "peak": 1 << 30} | said


@pytest.fixture
def at(show, spool, qtbot):
    """The history page of a farm whose journals a test wrote, and what was read."""

    def go(*, reads=lambda past: True):
        window = show(spool)
        window.tabs.setCurrentWidget(window.history)
        page = window.history
        qtbot.waitUntil(lambda: page._past is not None and reads(page._past), timeout=PATIENCE)
        return page

    return go


@pytest.fixture
def now(monkeypatch):
    """The present hour."""

    return int(time.time() // HOUR)


def test_frames_count_in_the_hours_in_which_they_were_rendered():
    hours = Hours()
    hours.add(ended("j", 100, wall=HOUR, frames=60) | {"inc": WS})
    assert hours.frames == {99: 30.0, 100: 30.0}
    assert hours.busy["ws07"] == {99: HOUR / 2, 100: HOUR / 2}


def test_no_frame_is_lost_or_counted_twice_by_the_hour():
    hours, dice, total = Hours(), random.Random(7), 0
    for chunk in range(200):
        frames = dice.randrange(20)
        total += frames
        event = ended("j", 200, wall=dice.random() * 9e4, frames=frames, chunk=chunk)
        hours.add(event | {"inc": WS, "t": 200 * HOUR + dice.random() * 9e4})
    assert round(sum(hours.frames.values()), 6) == total


def test_what_is_older_than_a_week_is_forgotten():
    hours = Hours()
    hours.add(ended("j", 100, ev="fail", why="x") | {"inc": WS})
    hours.forget((100 + 24 * 8) * HOUR)
    assert not hours.frames
    assert not hours.causes
    assert not hours.busy["ws07"]


@pytest.mark.parametrize(
    ("why", "cause"),
    [
        (
            "the GPU ran out of memory (blender crashed: killed (SIGKILL))",
            "the GPU ran out of memory",
        ),
        ("blender crashed: the GPU ran out of memory", "the GPU ran out of memory"),
        ("blender: exit status 3", "exit status 3"),
        ("sh: exit status 1: Error: no such scene", "Error: no such scene"),
        ("blender crashed: segmentation fault (SIGSEGV)", "crashed: segmentation fault (SIGSEGV)"),
        ("blender crashed: ended by signal 35", "crashed: ended by signal 35"),
        ("no sign of work for 31 s", "no sign of work for … s"),
        ("", "no reason told"),
    ],
)
def test_failures_that_are_alike_count_together(why, cause):
    assert figures.cause_of(why) == cause


def test_the_page_shows_what_the_journals_say(at, spool, publish, now, qtbot):
    jid = publish("shot")
    history.append(spool, WS, [ended(jid, now - 2), ended(jid, now - 1, chunk=2)])
    history.append(spool, ATLAS, [ended(jid, now - 2, chunk=3, ev="fail", why="exit status 1")])
    page = at()
    said = page.about.text()
    assert said.startswith("Since ")
    assert said.endswith(" an hour, 1 attempt failed")
    rate = float(said.split("20 frames, ")[1].split(" an hour")[0])
    assert 20 / 2.7 <= rate <= 20 / 1.6  # by the time that the farm is known, not by a day
    assert page.rates.values[-3:] == [10.0, 10.0, 0.0]
    assert [host for host, *_ in page.busy.rows] == ["atlas", "ws07"]
    assert page.causes.rows == [("exit status 1", 1)]
    rows = [page.machines_table.record(row) for row in range(2)]
    assert [(row.name, row.sum.chunks, row.sum.failed) for row in rows] == [
        ("ws07", 2, 0),
        ("atlas", 0, 1),
    ]
    assert page.jobs_table.record(0).name == "shot"


def test_what_is_new_in_a_journal_is_added_and_what_is_told_twice_counts_once(
    at, spool, publish, now, qtbot
):
    jid = publish("shot")
    first = ended(jid, now - 1)
    history.append(spool, WS, [first])
    page = at()
    history.append(spool, WS, [first, ended(jid, now - 1, chunk=2)], again=True)
    page.reader.hurry()
    total = lambda: page.machines_table.record(0).sum.frames  # noqa: E731
    qtbot.waitUntil(lambda: total() == 20, timeout=PATIENCE)


def test_the_week_shows_what_the_day_no_longer_does(at, spool, publish, now, qtbot):
    history.append(spool, WS, [ended(publish("shot"), now - 50)])
    page = at()
    assert page.rates.is_empty()
    page.spans["Week"].click()
    assert not page.rates.is_empty()
    assert ": 10 frames" in page.about.text()


def test_an_empty_farm_says_so(at):
    page = at()
    assert page.machines.empty() == "The journals say nothing yet."
    assert page.rates.is_empty()
    assert page.causes.is_empty()
    page.grab()


def test_charts_tell_the_figure_under_the_mouse(at, spool, publish, now):
    history.append(spool, WS, [ended(publish("shot"), now - 1, ev="fail", why="no luck")])
    page = at()
    page.grab()
    assert page.causes.says(page.causes.room().topLeft() + QPoint(5, 5)) == "1 time:\nno luck"
    plot = page.busy._plot(page.busy.room())
    said = page.busy.says(QPoint(round(plot.right() - 1.5 * plot.width() / 24), plot.top() + 3))
    assert said.startswith("ws07, ")
    assert said.endswith(": 25 % busy")  # ten minutes of the forty that are known


def test_a_machine_is_busy_by_all_its_slots():
    past = Past(hour=5, frames={}, busy={"a": {5: 0.5}}, causes={}, machines=(), jobs=())
    assert past.shares(2) == [("a", [0.0, 0.5], 0.25)]


@pytest.mark.parametrize(
    ("value", "top"), [(0.25, 0.3), (1, 1), (3, 3), (7, 8), (9, 10), (130, 200)]
)
def test_scales_end_at_round_figures(value, top):
    assert rounded_up(value) == pytest.approx(top)


def test_what_is_clicked_is_added_up_alone_and_a_second_click_takes_it_back(
    at, spool, publish, now, qtbot
):
    bad, good = publish("bad"), publish("good")
    history.append(spool, WS, [ended(bad, now - 1, ev="fail", why="no luck"), ended(good, now - 2)])
    history.append(spool, ATLAS, [ended(good, now - 1)])
    page = at(reads=lambda past: len(past.machines) == 2)
    names = lambda table: {table.record(row).name for row in range(table.rowCount())}  # noqa: E731
    page.grab()
    cause = page.causes.room().topLeft() + QPoint(5, 5)
    qtbot.mouseClick(page.causes, Qt.MouseButton.LeftButton, pos=cause)
    qtbot.waitUntil(lambda: names(page.jobs_table) == {"bad"}, timeout=PATIENCE)
    assert names(page.machines_table) == {"ws07"}
    assert page.scope_button.isVisible()
    assert "no luck" in page.scope_button.text()
    qtbot.mouseClick(page.causes, Qt.MouseButton.LeftButton, pos=cause)
    qtbot.waitUntil(lambda: names(page.jobs_table) == {"bad", "good"}, timeout=PATIENCE)
    assert not page.scope_button.isVisible()
    hour = page.rates._plot(page.rates.room())
    second_last = QPoint(round(hour.right() - 2.5 * hour.width() / 24), hour.bottom() - 3)
    qtbot.mouseClick(page.rates, Qt.MouseButton.LeftButton, pos=second_last)
    qtbot.waitUntil(lambda: names(page.machines_table) == {"ws07"}, timeout=PATIENCE)
    page.scope_button.click()
    qtbot.waitUntil(lambda: len(names(page.machines_table)) == 2, timeout=PATIENCE)
    top = page.busy._plot(page.busy.room()).topLeft() + QPoint(3, 3)
    qtbot.mouseClick(page.busy, Qt.MouseButton.LeftButton, pos=top)
    qtbot.waitUntil(lambda: names(page.machines_table) == {"atlas"}, timeout=PATIENCE)


def test_a_job_of_the_past_is_shown_among_the_jobs(at, spool, publish, now, qtbot):
    jid = publish("shot")
    history.append(spool, WS, [ended(jid, now - 1)])
    page = at()
    page.tables.setCurrentWidget(page.jobs)
    page.jobs.selectRow(0)
    qtbot.keyClick(page.jobs, Qt.Key.Key_Return)
    assert page.window().work.isVisible()
    assert page.window().desk.picked_jobs == (jid,)
