"""Help: what the window tells of itself, and buttons that follow the page and what is selected."""

import pytest

import renderd
from frontend.gui.views.person import ReportDialog
from frontend.words import STATES
from renderd.spool import orders

PATIENCE = 30_000


def said(window):
    [dialog] = [one for one in window.findChildren(ReportDialog) if one.isVisible()]
    return dialog


@pytest.mark.parametrize("key", ["steps", "keys", "states", "about"])
def test_help_is_there_without_a_farm_and_without_a_job(show, spool, key):
    window = show(spool)
    window.actions_[key].trigger()
    assert said(window).windowTitle()


def test_every_action_with_a_key_is_in_the_list_of_keys(show, spool):
    window = show(spool)
    reports = []
    window.desk.reported.connect(reports.append)
    window.actions_["states"].trigger()
    window._show_report = reports.append
    window._show_keys()
    shown = {row[0] for row in reports[-1].rows}
    keyed = [a.shortcut().toString() for a in window.actions_.all().values()]
    assert {key for key in keyed if key} <= shown


def test_every_state_of_a_job_is_explained(show, spool):
    window = show(spool)
    reports = []
    window.desk.reported.connect(reports.append)
    window.actions_["states"].trigger()
    told = " ".join(row[0] for row in reports[0].rows)
    assert all(STATES[key][0] in told for key in window.jobs.states)


def test_a_report_for_who_helps_says_versions_and_numbers_but_no_names_of_jobs(
    show, spool, publish
):
    publish(name="secret_project")
    window = show(spool)
    copied = []
    window.desk.ask.copy = copied.append
    window.actions_["copy-report"].trigger()
    assert renderd.__version__ in copied[0]
    assert spool.root in copied[0]
    assert "1 queue" in copied[0]
    assert "secret_project" not in copied[0]


def test_one_button_holds_what_runs_and_releases_what_is_held(show, spool, publish, qtbot):
    jid = publish(name="shot")
    window = show(spool)
    window.jobs.jobs.selectRow(0)
    both = window.toolbar._pages["jobs"][2]
    assert both.iconText() == "Hold"
    both.trigger()
    qtbot.waitUntil(lambda: both.iconText() == "Release", timeout=PATIENCE)
    assert orders.where(spool, jid)[0] == "held"
    both.trigger()
    qtbot.waitUntil(lambda: both.iconText() == "Hold", timeout=PATIENCE)
    assert orders.where(spool, jid)[0] == "queue"


def test_buttons_follow_the_page(show, spool):
    window = show(spool)
    bar = window.toolbar
    assert window.actions_["log"] in bar.actions()
    window.tabs.setCurrentWidget(window.machines)
    assert window.actions_["log"] not in bar.actions()
    assert window.actions_["note"] in bar.actions()
    window.tabs.setCurrentWidget(window.work)
    assert window.actions_["log"] in bar.actions()
