"""A spool that hangs, vanishes or was never there: the window says so and lives on."""

import os
import signal

from PyQt6.QtCore import QSettings

from frontend import founding
from frontend.gui.app import Program
from frontend.gui.desk import Desk
from frontend.gui.views.window import Window
from renderd import config
from renderd.client import Client
from renderd.core.wire import Op

PATIENCE = 60_000


def windowed(qtbot, tmp_path, root):
    kept = QSettings(str(tmp_path / "render.ini"), QSettings.Format.IniFormat)
    window = Window(Desk(config.load({"spool": root}), kept))
    qtbot.addWidget(window)
    window.show()
    return window


def test_a_spool_that_hangs_is_told_and_the_window_answers(qtbot, tmp_path, mounted, publish):
    publish(name="shot")
    root, server = mounted
    window = windowed(qtbot, tmp_path, root)
    with qtbot.waitSignal(window.desk.told, timeout=PATIENCE):
        window.desk.start()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        qtbot.waitUntil(window.banner.isVisible, timeout=PATIENCE)
        assert "has not answered" in window.banner.words.text()
        assert window.desk.share.rests == 0  # a hang does not make the next one seen later
        window.tabs.setCurrentIndex(1)
        assert window.machines.isVisible()
    finally:
        os.kill(server.pid, signal.SIGCONT)
    qtbot.waitUntil(lambda: not window.banner.isVisible(), timeout=PATIENCE)
    window.stop()


def test_a_hang_is_told_although_the_daemon_of_this_machine_answers(
    qtbot, tmp_path, mounted, at_home
):
    root, server = mounted
    settings = config.load({"spool": root})
    founding.start_daemon(settings, by_systemd=False)
    window = windowed(qtbot, tmp_path, root)
    with qtbot.waitSignal(window.desk.told, timeout=PATIENCE):
        window.desk.start()
    assert window.desk.daemon is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        qtbot.waitUntil(window.banner.isVisible, timeout=PATIENCE)
        assert "has not answered" in window.banner.words.text()
        assert window.here.text() == "This machine: trouble"
    finally:
        os.kill(server.pid, signal.SIGCONT)
    qtbot.waitUntil(lambda: not window.banner.isVisible(), timeout=PATIENCE)
    window.stop()
    with Client(settings, founding.open_farm(settings)) as client:
        client.order(Op.QUIT, now=True)
    assert founding.started[-1].wait(120) == 0


def test_a_spool_that_is_not_there_is_told_with_a_way_out(qtbot, qapp, tmp_path, spool):
    window = windowed(qtbot, tmp_path, str(tmp_path / "nowhere"))
    window.desk.start()
    qtbot.waitUntil(window.banner.isVisible, timeout=PATIENCE)
    assert str(tmp_path / "nowhere") in window.banner.words.text()
    assert window.banner.button.text() == "Choose another farm…"
    assert "SPOOL" not in window.banner.words.text()  # an artist mounts, and makes no spool there
    assert "renderd init" in window.banner.words.toolTip()
    for view in (window.jobs.jobs, window.machines.machines):
        assert "cannot be read now" in view.empty()
    window.stop()


def test_another_farm_takes_the_window_over(qtbot, qapp, tmp_path, spool, publish):
    publish(name="shot")
    kept = QSettings(str(tmp_path / "render.ini"), QSettings.Format.IniFormat)
    program = Program(qapp, config.load({"spool": str(tmp_path / "nowhere")}), kept)
    program.window.show()
    program.window.elsewhere.emit(spool.root)
    qtbot.waitUntil(lambda: program.window.desk.jobs.rowCount() == 1, timeout=PATIENCE)
    assert program.window.isVisible()
    program.window.leave()


def test_without_a_farm_the_window_offers_to_set_one_up(qtbot, tmp_path):
    window = windowed(qtbot, tmp_path, None)
    window.desk.start()
    qtbot.waitUntil(window.banner.isVisible, timeout=PATIENCE)
    assert window.banner.button.text() == "Set up a farm…"
    window.stop()
