"""Each action on a real spool: what it changes there, what it asks first, what it tells."""

import json
import os
import threading

import pytest
from PyQt6.QtCore import Qt
from typist import Typist

from frontend.gui import menus
from frontend.gui.bridge import Errand
from frontend.gui.deeds.machines import until_morning
from frontend.gui.views.person import ReportDialog
from renderd.core import frames
from renderd.core.needs import Needs
from renderd.core.wire import Op
from renderd.spool import control, jobs, nodes, notes, orders, tickets

PATIENCE = 30_000


@pytest.fixture
def at(show, spool, qtbot):
    """A window with the job of a name selected, and somebody who answers."""

    def go(*names, **answers):
        window = show(spool)
        window.desk.ask = Typist(**answers)
        window.desk.copied.connect(window.desk.ask.copy)
        window.desk.open_wanted.connect(window.desk.ask.open)
        known = {job.name: jid for jid, job in window.desk.jobs.records.items()}
        window.desk.pick(jobs=[known[name] for name in names])
        return window

    return go


def does(qtbot, window, key):
    """Trigger an action and wait for what is said about it."""
    qtbot.waitUntil(window.actions_[key].isEnabled, timeout=PATIENCE)
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE) as told:
        window.actions_[key].trigger()
    return told.args[0]


def pick_machines(window):
    window.tabs.setCurrentWidget(window.machines)
    window.desk.pick(machines=list(window.desk.machines.records))


def place(spool, jid):
    return tickets.find(spool, jid)[0]


def test_a_job_that_runs_is_cancelled_after_a_question_only(at, spool, publish, worker, qtbot):
    jid = publish("shot")
    worker.claim(jid, 1)
    window = at("shot", agrees=False)
    window.actions_["cancel"].trigger()
    assert "1 chunk in work would stop" in window.desk.ask.asked[0][1]
    assert place(spool, jid) == "queue"
    window.desk.ask.agrees = True
    said = does(qtbot, window, "cancel")
    assert said == "Cancelled shot (hidden by the filter: show ⊘ cancelled)"
    assert place(spool, jid) == "cancelled"


def test_a_job_that_waits_is_cancelled_after_a_question_too(at, spool, publish):
    jid = publish("shot")
    window = at("shot", agrees=False)
    window.actions_["cancel"].trigger()
    assert [title for title, _, _ in window.desk.ask.asked] == ["Cancel shot?"]
    assert place(spool, jid) == "queue"


def test_several_jobs_are_held_with_one_sentence(at, spool, publish, qtbot):
    jids = [publish("one"), publish("two")]
    window = at("one", "two")
    assert does(qtbot, window, "hold") == "Held 2 jobs"
    assert {place(spool, jid) for jid in jids} == {"held"}
    assert does(qtbot, window, "undo") == "Released 2 jobs"
    assert {place(spool, jid) for jid in jids} == {"queue"}


def test_priority_goes_up_by_ten_and_back(at, spool, publish, qtbot):
    jid = publish("shot", priority=50)
    window = at("shot")
    does(qtbot, window, "up")
    assert tickets.find(spool, jid)[1].priority == 60
    does(qtbot, window, "undo")
    assert tickets.find(spool, jid)[1].priority == 50


def test_an_open_job_is_removed_after_a_question(at, spool, publish, qtbot):
    jid = publish("shot")
    window = at("shot")
    assert does(qtbot, window, "remove") == "Removed shot"
    assert "would be cancelled first" in window.desk.ask.asked[0][1]
    assert tickets.find(spool, jid) is None


def test_other_frames_are_queued_in_place_of_those_that_wait(at, spool, publish, qtbot):
    jid = publish("shot", "1-30")
    window = at("shot", typed="1-50")
    said = does(qtbot, window, "frames")
    assert said.startswith("shot renders frames 1-50")
    assert place(spool, jid) == "cancelled"
    [(_, ticket)] = tickets.everywhere(spool, ("queue",)).values()
    assert jobs.read(spool, ticket.jid).info.frames == frames.parse("1-50")


def test_a_copy_is_queued_held(at, spool, publish, qtbot):
    publish("shot", "1-30")
    assert does(qtbot, at("shot"), "duplicate") == "shot copy is queued and held"
    [(_, ticket)] = tickets.everywhere(spool, ("held",)).values()
    assert jobs.read(spool, ticket.jid).chunks == 3


def test_what_cannot_be_done_is_told_with_its_remedy(at, spool, publish, qtbot):
    publish("shot", "1-30")
    window = at("shot", typed="1-3")
    with qtbot.waitSignal(window.desk.refused, timeout=PATIENCE) as told:
        window.actions_["redo"].trigger()
    assert "has no frames that the farm knows of" in told.args[0]


def test_why_says_of_each_machine_whether_it_takes_the_job(at, spool, publish, worker, qtbot):
    publish("shot", pool=("gpu",))
    window = at("shot")
    with qtbot.waitSignal(window.desk.reported, timeout=PATIENCE) as told:
        window.actions_["why"].trigger()
    [(machine, takes, reason)] = told.args[0].rows
    assert (machine, takes) == ("ws07", "✘ no")
    assert "gpu" in reason


def report(qtbot, window, key="why"):
    """What is answered to an action."""
    with qtbot.waitSignal(window.desk.reported, timeout=PATIENCE) as told:
        window.actions_[key].trigger()
    return told.args[0]


def offered(found, title):
    [offer] = [offer for offer in found.offers if offer.title == title]
    return offer.do


def test_why_offers_another_pool_to_a_job_that_no_machine_can_take(
    at, spool, publish, worker, qtbot
):
    jid = publish("shot", pool=("gpu",), needs=Needs(tags=("fast",)))
    window = at("shot", typed=["", ""])
    found = report(qtbot, window)
    assert found.says == "No machine can take it: ws07 is not in pool gpu."
    assert found.more == "It asks for pool gpu, tag=fast."
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE):
        offered(found, "Change pool and needs…")()
    assert control.read(spool, jid).pool == ()
    assert control.read(spool, jid).needs == Needs()
    found = report(qtbot, window)
    assert found.says == "ws07 takes it within seconds."
    qtbot.waitUntil(
        lambda: window.actions_["undo"].text() == "&Undo pool and needs of shot", timeout=PATIENCE
    )
    does(qtbot, window, "undo")
    assert control.read(spool, jid) == control.Control()


def test_why_offers_to_resume_a_machine_that_rests_and_to_release_a_job(
    at, spool, publish, worker, qtbot
):
    jid = publish("shot")
    nodes.publish_status(spool, worker.inc, {"state": "paused", "reason": "paused by me@here"})
    window = at("shot")
    found = report(qtbot, window)
    assert [row[1:] for row in found.rows] == [("◔ not now", "paused by me@here")]
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE):
        offered(found, "Resume ws07")()
    [name] = spool.share.listdir(spool.node(worker.inc, "inbox"))
    assert b"resume" in spool.share.read(spool.node(worker.inc, f"inbox/{name}"))
    orders.hold(spool, jid, "me")
    found = report(qtbot, window)
    assert found.says == "It is held: held by me."
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE):
        offered(found, "Release")()
    assert place(spool, jid) == "queue"


def test_an_answer_is_shown_anew_in_its_place(at, spool, publish, worker, qtbot):
    publish("shot", pool=("gpu",))
    window = at("shot")
    report(qtbot, window)
    [dialog] = window.findChildren(ReportDialog)
    assert dialog.table.item(0, 1).text() == "✘ no"
    with qtbot.waitSignal(window.desk.reported, timeout=PATIENCE):
        dialog.offers["Look again"].click()
    assert window.findChildren(ReportDialog) == [dialog]
    dialog.close()


def test_undo_says_what_it_takes_back_and_can_be_tried_again_where_it_failed(
    at, spool, publish, qtbot, tmp_path
):
    jid = publish("R&D")
    window = at("R&D")
    undo = window.actions_["undo"]
    assert (undo.text(), undo.isEnabled()) == ("&Undo", False)
    does(qtbot, window, "hold")
    qtbot.waitUntil(lambda: undo.text() == "&Undo hold of R&&D", timeout=PATIENCE)
    os.rename(spool.root, f"{spool.root}.away")
    with qtbot.waitSignal(window.desk.refused, timeout=PATIENCE):
        undo.trigger()
    os.rename(f"{spool.root}.away", spool.root)
    qtbot.waitUntil(undo.isEnabled, timeout=PATIENCE)
    does(qtbot, window, "undo")
    assert place(spool, jid) == "queue"


def test_several_jobs_are_duplicated_with_one_question(at, spool, publish, qtbot):
    publish("one", "1-10")
    publish("two", "1-20")
    window = at("one", "two", typed="v2_")
    assert does(qtbot, window, "duplicate") == "Queued and held: copies of 2 jobs"
    held = tickets.everywhere(spool, ("held",))
    assert sorted(jobs.read(spool, jid).name for jid in held) == ["one copy", "two copy"]


def test_a_cancelled_job_that_is_still_shown_is_not_called_hidden(at, publish, qtbot):
    publish("shot")
    window = at("shot")
    window.jobs.states["cancelled"].setChecked(True)
    assert does(qtbot, window, "cancel") == "Cancelled shot"


def test_ids_and_command_lines_are_copied(at, spool, publish, qtbot):
    jid = publish("shot", "1-30")
    window = at("shot")
    window.actions_["copy-id"].trigger()
    assert window.desk.ask.copied == jid
    does(qtbot, window, "copy-command")
    assert window.desk.ask.copied == "prog 1 10"


@pytest.mark.parametrize(
    ("key", "op"), [("pause", Op.PAUSE), ("drain", Op.DRAIN), ("restart", Op.RESTART)]
)
def test_orders_to_machines_reach_their_inbox(at, spool, worker, qtbot, key, op):
    window = at()
    pick_machines(window)
    does(qtbot, window, key)
    [name] = spool.share.listdir(spool.node(worker.inc, "inbox"))
    assert f'"op":"{op.value}"' in spool.share.read(
        spool.node(worker.inc, f"inbox/{name}")
    ).decode().replace(" ", "")


def flat(entries):
    """The keys of menus and of the menus in them."""
    for entry in entries:
        yield from flat(entry) if isinstance(entry, tuple) else [entry]


def test_when_a_machine_works_is_chosen_shown_and_taken_back(at, spool, worker, qtbot):
    policy = {"when": "off-hours", "office": "mon-fri 09:00-18:00", "ordered": True}
    nodes.publish_status(spool, worker.inc, {"state": "idle", "policy": policy})
    window = at()
    pick_machines(window)
    ways = {key: window.actions_[key] for key in menus.WORKS}
    assert [key for key, way in ways.items() if way.isChecked()] == ["works-off-hours"]
    assert does(qtbot, window, "works-away") == "ws07 works only while nobody uses it"
    nodes.publish_status(spool, worker.inc, {"state": "idle", "policy": {"when": "away"}})
    window.desk.farm.hurry()
    qtbot.waitUntil(ways["works-away"].isChecked, timeout=PATIENCE)
    does(qtbot, window, "undo")
    told = [
        json.loads(spool.share.read(spool.node(worker.inc, f"inbox/{name}")))["args"]
        for name in spool.share.listdir(spool.node(worker.inc, "inbox"))
    ]
    assert {(one["when"], one.get("office")) for one in told} == {
        ("away", None),
        ("off-hours", "mon-fri 09:00-18:00"),
    }


def test_a_machine_of_an_earlier_release_is_not_told_when_to_work(at, worker):
    window = at()
    pick_machines(window)
    assert not any(window.actions_[key].isEnabled() for key in menus.WORKS)


def test_every_action_has_words_and_no_shortcut_means_two_things():
    deeds = menus.deeds()
    keys = [deed.key for deed in deeds]
    shortcuts = [deed.shortcut for deed in deeds if deed.shortcut]
    assert len(set(keys)) == len(keys)
    assert len(set(shortcuts)) == len(shortcuts)
    assert all(deed.does and deed.title for deed in deeds)
    shown = flat([*(menu for _, menu in menus.BAR), menus.HELP])
    assert set(keys) <= set(shown)


def test_an_action_that_makes_no_sense_is_grey(at, publish):
    publish("shot")
    window = at()
    assert not window.actions_["hold"].isEnabled()
    window.desk.pick(jobs=list(window.desk.jobs.records))
    assert window.actions_["hold"].isEnabled()
    assert not window.actions_["release"].isEnabled()
    assert orders.live(window.desk.open()) == []


def enabled(window):
    return {key for key, action in window.actions_.all().items() if action.isEnabled()}


def test_only_what_is_seen_can_be_acted_upon(at, publish, worker):
    publish("shot")
    window = at("shot")
    window.desk.pick(machines=list(window.desk.machines.records))
    on_jobs = enabled(window)
    assert {"hold", "cancel", "remove", "add"} <= on_jobs
    assert not {"pause", "drain", "note"} & on_jobs
    window.tabs.setCurrentWidget(window.machines)
    on_machines = enabled(window)
    assert {"pause", "drain", "note", "add"} <= on_machines
    assert not {"hold", "retry", "cancel", "remove", "up", "redo"} & on_machines
    window.tabs.setCurrentWidget(window.history)
    assert not {"cancel", "remove", "pause", "note"} & enabled(window)
    window.tabs.setCurrentWidget(window.work)
    assert enabled(window) == on_jobs


def test_keys_that_destroy_hold_in_the_table_of_jobs_alone(at, publish, qtbot):
    publish("shot")
    window = at("shot", agrees=False)
    with qtbot.waitActive(window, timeout=PATIENCE):
        window.activateWindow()
    page, asked = window.jobs, window.desk.ask.asked
    none, control = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    for focused in (page.chunks, page.search, window.preview.view):
        focused.setFocus()
        qtbot.waitUntil(focused.hasFocus, timeout=PATIENCE)
        qtbot.keyClick(focused, Qt.Key.Key_Delete, none)
        qtbot.keyClick(focused, Qt.Key.Key_K, control)
    assert not asked
    page.jobs.setFocus()
    qtbot.waitUntil(page.jobs.hasFocus, timeout=PATIENCE)
    qtbot.keyClick(page.jobs, Qt.Key.Key_Delete, none)
    qtbot.keyClick(page.jobs, Qt.Key.Key_K, control)
    assert [title for title, _, _ in asked] == ["Remove shot?", "Cancel shot?"]


def test_tomorrow_nine_o_clock_is_at_most_a_day_away():
    assert 0 < until_morning() <= 86_400


def test_a_note_is_written_and_taken_back(at, spool, worker, qtbot):
    window = at(typed="loud fan")
    pick_machines(window)
    assert does(qtbot, window, "note") == "Noted on ws07"
    assert notes.read_all(spool) == {"ws07": "loud fan"}
    does(qtbot, window, "undo")
    assert notes.read_all(spool) == {}


def test_only_machines_that_are_off_and_have_a_card_can_be_woken(at, spool, make_worker):
    make_worker("ws01-00000001", card="00:1a:2b:3c:4d:5e")
    for inc, facts in (("ws02-00000001", {"card": "00:1a:2b:3c:4d:5e"}), ("ws03-00000001", {})):
        make_worker(inc, **facts)
        nodes.certify(spool, inc)
    window = at()
    window.tabs.setCurrentWidget(window.machines)
    may = {}
    for inc, node in window.desk.machines.records.items():
        window.desk.pick(machines=[inc])
        may[node.node] = window.actions_["wake"].isEnabled()
    assert may == {"ws01": False, "ws02": True, "ws03": False}


def test_an_order_is_told_of_at_once_and_while_the_share_keeps_it_waiting(at, publish, qtbot):
    publish("shot")
    window, comes = at("shot"), threading.Event()
    line = window.statusBar()

    def work():
        comes.wait(PATIENCE / 1000)
        return "Held shot"

    window.desk.order(Errand("Hold", work))
    window.desk.order(Errand("Release", lambda: "Released shot"))
    assert line.currentMessage() == "Release …"
    slow = "Hold: still waiting for the share, "
    qtbot.waitUntil(lambda: line.currentMessage().startswith(slow), timeout=PATIENCE)
    assert line.currentMessage().endswith(" s; 1 more order behind it")
    comes.set()
    qtbot.waitUntil(lambda: line.currentMessage() == "Released shot", timeout=PATIENCE)


def test_the_status_line_says_what_was_chosen_until_it_is_done(at, publish, qtbot):
    publish("shot")
    window, told = at("shot"), []
    window.desk.waits.connect(told.append)
    does(qtbot, window, "hold")
    does(qtbot, window, "undo")
    assert told == ["Hold …", "", "Undo hold of shot …", ""]


def test_a_window_whose_order_hangs_closes_without_it(show, spool, qtbot):
    window, ends = show(spool), threading.Event()
    window.desk.order(Errand("Hold", lambda: f"{ends.wait(PATIENCE / 1000)}"))
    qtbot.waitUntil(lambda: window.desk.errands.out_for() > 0, timeout=PATIENCE)
    window.stop()
    assert window.desk.errands.out_for() > 0
    ends.set()
