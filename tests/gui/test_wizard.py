"""The first run: a folder is judged, a farm made, examined, remembered, and a sample queued."""

import contextlib
import os
import signal
import subprocess

import pytest

from frontend import founding
from frontend.founding import Finding
from frontend.gui.views.wizard import Wizard
from fs_browser.dialog import BrowserDialog
from renderd import config
from renderd.client import Client
from renderd.core.wire import Op
from renderd.errors import RenderdError
from renderd.spool import tickets
from renderd.spool.layout import read_identity
from renderd.spool.share import PosixShare

PATIENCE = 180_000


@pytest.fixture
def wizard(qtbot, qapp, at_home):
    made = Wizard(None)
    made.show()
    yield made
    with contextlib.suppress(RuntimeError):  # it ended, and is gone
        made.reject()


def test_a_farm_is_made_examined_remembered_and_given_a_sample(wizard, qtbot, at_home):
    root = str(at_home / "farm")
    wizard.folder.setText(root)
    qtbot.waitUntil(wizard.next.isEnabled, timeout=PATIENCE)
    assert wizard.judged.text() == "A new farm is made here when you go on."
    wizard.next.click()
    qtbot.waitUntil(wizard.next.isEnabled, timeout=PATIENCE)
    assert {one.verdict for one in wizard.findings} <= {"ok", "warn", "bad"}
    assert "checks passed" in wizard.checks.sum.text()
    wizard.checks.more.click()
    assert wizard.checks.list.topLevelItemCount() == len(wizard.findings) > 5
    assert root in wizard.stays.text()  # what a person finds afterwards who leaves now
    wizard.next.click()
    wizard.renders.setChecked(False)
    with qtbot.waitSignal(wizard.chosen, timeout=PATIENCE) as told:
        wizard.next.click()
    assert told.args == [root]
    assert config.load().spool == root
    spool = founding.open_farm(config.load())
    assert [ticket.slug for _, ticket in tickets.everywhere(spool).values()] == ["sample"]


def test_a_folder_that_cannot_carry_a_farm_ends_the_way_there(wizard, qtbot, at_home):
    wizard.folder.setText(str(at_home / "farm"))
    qtbot.waitUntil(wizard.next.isEnabled, timeout=PATIENCE)
    wizard._show(1)
    good, bad = Finding("space", "ok", "9 GB"), Finding("locks", "bad", "none", "mount with nolock")
    wizard._show_findings(("Made a farm", [good, good, bad], False))
    assert not wizard.next.isEnabled()
    assert wizard.again.isVisible()
    assert wizard.checks.list.topLevelItemCount() == 1  # without asking for details
    assert "mount with nolock" in wizard.checks.list.topLevelItem(0).text(1)
    wizard._show_findings(("Made a farm", [good, good], False))
    assert wizard.next.isEnabled()
    assert wizard.checks.sum.text() == "✔ 2 checks passed."
    assert not wizard.checks.list.isVisible()


def test_a_folder_is_chosen_in_our_own_browser(wizard, qtbot, at_home):
    (at_home / "shared").mkdir()
    wizard.folder.setText(str(at_home))
    wizard.browse.click()
    browser = wizard.findChild(BrowserDialog)
    browser.browser.session.go(str(at_home / "shared"))
    qtbot.waitUntil(lambda: browser.folder == str(at_home / "shared"), timeout=PATIENCE)
    qtbot.waitUntil(browser.go.isEnabled, timeout=PATIENCE)
    browser.go.click()
    qtbot.waitUntil(lambda: wizard.folder.text() == str(at_home / "shared"), timeout=PATIENCE)


def test_who_may_render_is_chosen_among_the_groups_of_the_person(wizard, qtbot):
    assert wizard.group.itemData(0) == ""
    known = founding.groups()
    qtbot.waitUntil(lambda: wizard.group.count() == 1 + len(known), timeout=PATIENCE)
    assert [wizard.group.itemData(1 + at) for at in range(len(known))] == known


def test_a_folder_that_does_not_answer_is_told_and_keeps_no_other_waiting(
    wizard, qtbot, at_home, mounted
):
    root, server = mounted
    os.kill(server.pid, signal.SIGSTOP)
    try:
        wizard.folder.setText(root)
        qtbot.waitUntil(lambda: "has not answered" in wizard.judged.text(), timeout=PATIENCE)
        assert not wizard.next.isEnabled()
        wizard.folder.setText(str(at_home / "farm"))
        qtbot.waitUntil(wizard.next.isEnabled, timeout=PATIENCE)
        assert wizard.judged.text() == "A new farm is made here when you go on."
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_a_folder_that_holds_something_else_is_refused_in_words(wizard, qtbot, at_home):
    (at_home / "photos").mkdir()
    (at_home / "photos" / "cat.jpg").write_bytes(b"x")
    wizard.folder.setText(str(at_home / "photos"))
    qtbot.waitUntil(lambda: "is not empty" in wizard.judged.text(), timeout=PATIENCE)
    assert not wizard.next.isEnabled()


def test_a_farm_that_is_there_is_taken_as_it_is(wizard, qtbot, at_home, spool):
    before = read_identity(PosixShare(), spool.root)
    wizard.folder.setText(spool.root)
    qtbot.waitUntil(wizard.next.isEnabled, timeout=PATIENCE)
    assert not wizard.group.isVisible()
    wizard.next.click()
    qtbot.waitUntil(wizard.next.isEnabled, timeout=PATIENCE)
    assert read_identity(PosixShare(), spool.root) == before


def test_a_daemon_is_started_and_stays_when_we_go(at_home):
    root = str(at_home / "farm")
    founding.make(root)
    settings = config.load({"spool": root})
    assert founding.start_daemon(settings, by_systemd=False).startswith("renderd works on this")
    try:
        assert founding.start_daemon(settings, by_systemd=False).endswith("already")
    finally:
        with Client(settings, founding.open_farm(settings)) as client:
            client.order(Op.QUIT, now=True)
        assert founding.started[-1].wait(120) == 0


def test_a_daemon_that_does_not_come_up_is_told_in_its_own_words(at_home, monkeypatch):
    root = str(at_home / "farm")
    founding.make(root)
    settings = config.load({"spool": root})
    monkeypatch.setenv("RENDERD_LOG_LEVEL", "loud")
    with pytest.raises(RenderdError, match=r"LOG_LEVEL"):
        founding.start_daemon(settings, by_systemd=False)


@pytest.mark.parametrize(
    "old",
    [
        "",
        "# mine\nslots = 2\n",
        'spool = "/old"  # here\nslots = 2\n',
        'slots = 2\nspool="/a"',
    ],
)
def test_the_farm_is_written_into_the_settings_and_nothing_else_is_lost(at_home, old):
    path = at_home / "config" / "neogeo-renderd" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(old)
    root = '/mnt/the "farm"'
    assert config.remember_spool(root) == str(path)
    found = config.load()
    assert (found.spool, found.slots) == (root, 2 if "slots" in old else 1)
    assert ("# mine" in path.read_text()) == ("# mine" in old)


def test_settings_that_are_nonsense_are_not_written_over(at_home):
    path = at_home / "config" / "neogeo-renderd" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("slots = = 2")
    with pytest.raises(RenderdError, match="is no TOML"):
        config.remember_spool("/mnt/farm")
    assert path.read_text() == "slots = = 2"


def test_a_checkout_and_a_wheel_have_the_sample():
    assert any(map(founding.os.path.exists, founding._SAMPLES))
    assert subprocess.run([*founding.program(), "--version"], check=False).returncode == 0
