"""This machine in the status line and the tray; news of one's own jobs; settings."""

import pytest
from PyQt6.QtCore import QSettings

from frontend import endings, farm
from frontend.gui import menus
from frontend.gui.models import here
from frontend.gui.models.here import Mood
from frontend.gui.models.preferences import Preferences
from frontend.gui.tray import KEYS, sign
from frontend.gui.views.settings import SettingsDialog
from fs_browser import theme
from renderd.core.job import Draft
from renderd.host.facts import host_name, host_slug
from renderd.spool import claims, jobs, nodes, orders
from renderd.spool.jobs import Order

PATIENCE = 60_000
#: the offscreen platform has none, and says so
NO_TRAY = pytest.mark.qt_log_ignore("systemTrayWindowChanged", r"raise\(\)", "propagateSizeHints")


@pytest.fixture
def here_node(make_worker):
    """A node of this very machine."""
    return make_worker(f"{host_slug(host_name())}-0000beef", host=host_name())


@pytest.mark.parametrize(
    ("said", "mood"),
    [
        ({"state": "idle"}, Mood.IDLE),
        ({"state": "rendering", "running": [{"job": "x", "chunk": 1}]}, Mood.RENDERING),
        ({"state": "paused", "until": 2e9}, Mood.PAUSED),
        ({"state": "suspended", "reason": "x", "running": [{"job": "x"}]}, Mood.PAUSED),
        ({"state": "yielding", "reason": "runs on battery"}, Mood.PAUSED),
        ({"state": "idle", "trouble": "the disk is full"}, Mood.TROUBLE),
    ],
)
def test_the_status_line_tells_how_this_machine_fares(show, spool, here_node, said, mood):
    nodes.publish_status(spool, here_node.inc, said)
    window = show(spool)
    assert here.tell(window.desk).mood is mood
    assert window.here.text() == f"This machine: {mood.value}"


def test_without_a_daemon_nothing_here_can_be_paused(show, spool, worker):
    window = show(spool)
    assert here.tell(window.desk).mood is Mood.OFF
    assert not any(window.actions_[key].isEnabled() for key in KEYS)


def test_this_machine_is_paused_with_one_click(show, spool, here_node, qtbot):
    nodes.publish_status(spool, here_node.inc, {"state": "idle"})
    window = show(spool)
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE) as told:
        window.actions_["here-hour"].trigger()
    assert told.args[0].startswith("This machine pauses until ")
    [order] = nodes.receive(spool, here_node.inc)
    assert (order["op"], order["args"]["for"]) == ("pause", 3600.0)


def test_each_mood_has_an_icon_of_its_own(qapp):
    drawn = {mood: sign(mood).pixmap(64).toImage() for mood in Mood}
    assert all(drawn[a] != drawn[b] for a in Mood for b in Mood if a is not b)


@NO_TRAY
def test_a_tray_tells_in_its_words_what_the_window_tells(show, spool, here_node, qtbot):
    nodes.publish_status(spool, here_node.inc, {"state": "idle"})
    window = show(spool)
    window.show_tray()
    tray = window.tray
    assert tray.toolTip() == "Render: Nothing to render here"
    nodes.publish_status(spool, here_node.inc, {"state": "paused"})
    window.desk.farm.hurry()
    qtbot.waitUntil(lambda: tray.toolTip() == "Render: Paused", timeout=PATIENCE)


def publish_mine(spool, publish, name):
    """A job of whoever runs the tests."""
    old = publish(name=name, span="1-10")
    draft = jobs.read(spool, old)
    orders.cancel(spool, old)
    whole = Draft(name=name, slug=name, info=draft.info, runs=draft.info.frames, size=10)
    return jobs.publish(spool, whole, Order(farm.me()))


def test_a_job_of_mine_that_fails_is_told_in_plain_words(show, spool, publish, worker, qtbot):
    jid = publish_mine(spool, publish, "shot")
    window = show(spool)
    qtbot.waitUntil(lambda: jid in window.desk.jobs.records, timeout=PATIENCE)
    held = worker.claim(jid, 1)
    claims.note_error(spool, held, "fail: blender crashed: signal 11\nadvice: none\n\nlast\n")
    claims.give_up(spool, held)
    worker.close(jid, has_failed=True)
    window.desk.farm.hurry()
    qtbot.waitUntil(lambda: window.news.last[0] == "shot failed", timeout=PATIENCE)
    assert "crashed on ws07: signal 11; frames 1-10, tried once" in window.news.last[1]


def test_a_job_of_mine_that_is_done_is_told_and_one_of_others_is_not(
    show, spool, publish, worker, qtbot
):
    other, mine = publish("theirs", "1-10"), publish_mine(spool, publish, "mine")
    window = show(spool)
    window.desk.ended.connect((told := []).append)
    for jid in (other, mine):
        worker.finish(jid, 1)
        worker.close(jid)
    window.desk.farm.hurry()
    qtbot.waitUntil(lambda: window.news.last[0] == "mine is done", timeout=PATIENCE)
    assert [job.name for job in told] == ["mine"]


def test_what_ended_before_the_window_opened_is_no_news(show, spool, publish, worker):
    jid = publish_mine(spool, publish, "shot")
    worker.finish(jid, 1)
    worker.close(jid)
    window = show(spool)
    assert endings.of_mine({}, window.desk.jobs.records) == []
    assert window.news.last == ("", "")


def test_settings_hold_at_once_and_are_remembered(show, spool, qtbot, tmp_path):
    window = show(spool)
    before = theme.of().choice
    dialog = SettingsDialog(window, window.desk)
    dialog.colours.setCurrentIndex(2)
    dialog.colours.activated.emit(2)
    dialog.notifies.setChecked(False)
    dialog.open_with.setText("krita --nosplash")
    assert theme.of().choice is theme.Scheme.LIGHT
    window.desk.remembered.sync()
    again = QSettings(window.desk.remembered.fileName(), QSettings.Format.IniFormat)
    kept = Preferences(again)
    assert (kept.notifies, kept.open_with) == (False, "krita --nosplash")
    assert again.value("scheme") == "light"
    theme.of().choose(before)


@NO_TRAY
def test_a_window_that_closes_to_the_tray_comes_back(show, spool, here_node, qtbot):
    window = show(spool)
    window.preferences.closes_to_tray = True
    window.show_tray()
    window.close()
    assert not window.isVisible()
    window.bring()
    assert window.isVisible()
    window.preferences.closes_to_tray = False
    assert window.close()


def test_every_way_to_pause_this_machine_is_in_the_tray_and_in_the_menu():
    assert set(KEYS) == set(menus.HERE)
