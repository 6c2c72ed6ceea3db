"""Windows on real spools, offscreen."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, QSettings, Qt
from PyQt6.QtGui import QWindow
from PyQt6.QtTest import QTest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

sys.path.insert(0, str(Path(__file__).parents[1] / "farm"))

from addstage import settle
from farm import Farm
from stage import NODE, Stage
from typist import Typist

from frontend.gui.desk import Desk
from frontend.gui.views.add import AddDialog
from frontend.gui.views.window import Window
from fs_browser import theme
from renderd import config
from renderd.spool.layout import Spool

Show = Callable[..., Window]
PATIENCE = 30_000  #: milliseconds


@pytest.fixture(autouse=True)
def keyboard(qapp) -> Iterator[None]:
    """Leaves no Shift or Ctrl of a test pressed: Qt remembers the modifiers of the last key."""
    yield
    if qapp.keyboardModifiers() != Qt.KeyboardModifier.NoModifier:
        QTest.keyClick(QWindow(), Qt.Key.Key_Escape)


@pytest.fixture(autouse=True)
def leavings(qapp) -> Iterator[None]:
    """Deletes what a test closed now, and not in the midst of a later one."""
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def show(qtbot, qapp, tmp_path) -> Iterator[Show]:
    """Shows the window of a spool, and has it read its farm."""
    made: list[Window] = []
    theme.of(qapp)

    def _show(spool: Spool, width: int = 0) -> Window:
        kept = QSettings(str(tmp_path / "render.ini"), QSettings.Format.IniFormat)
        desk = Desk(config.load({"spool": spool.root}), kept)
        window = Window(desk)
        if width:
            window.resize(width, window.height())
        made.append(window)
        with qtbot.waitSignal(desk.told, timeout=PATIENCE):
            desk.start()
        window.show()
        return window

    yield _show
    for window in made:
        window.stop(PATIENCE / 1000)
        _end(window)


def _end(window: Window) -> None:
    """Delete a window now, before the tables it shows: else Qt complains in some later test."""
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def at_home(monkeypatch, tmp_path):
    """A person of whose settings nothing is there yet."""
    monkeypatch.setenv("RENDERD_CONFIG", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("RENDERD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("RENDERD_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("RENDERD_ALLOW_ROOT", "yes")
    monkeypatch.delenv("RENDERD_SPOOL", raising=False)
    return tmp_path


@pytest.fixture
def adding(show, spool, qtbot):
    """A window with the dialog open on some files, and all that is there looked into."""

    def go(*paths):
        window = show(spool)
        window.desk.ask = Typist()
        window.desk.copied.connect(window.desk.ask.copy)
        window.desk.open_wanted.connect(window.desk.ask.open)
        window.add([str(path) for path in paths])
        dialog = window.findChild(AddDialog)
        qtbot.waitUntil(lambda: bool(dialog.adding.scenes.entries), timeout=PATIENCE)
        settle(qtbot, dialog)
        return dialog

    return go


@pytest.fixture
def mounted(spool, tmp_path):
    """The spool through a FUSE file system, and the process that serves it."""
    point = tmp_path / "mnt"
    point.mkdir()
    server = subprocess.Popen(["bindfs", "-f", spool.root, str(point)])
    end = time.monotonic() + 60
    while not os.path.ismount(point):
        assert server.poll() is None, "bindfs ended"
        assert time.monotonic() < end
        time.sleep(0.05)
    yield str(point), server
    os.kill(server.pid, signal.SIGCONT)
    subprocess.run(["fusermount", "-u", "-z", str(point)], check=False)
    server.terminate()
    server.wait(60)


@pytest.fixture(scope="module")
def stage(qapp, tmp_path_factory) -> Iterator[Stage]:
    """The farm and the window that all actions share."""
    home = tmp_path_factory.mktemp("home")
    farm = Farm()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RENDERD_CONFIG", "")
        patch.setenv("XDG_CONFIG_HOME", str(home))
        patch.setenv("HOME", str(home))
        patch.delenv("RENDERD_SPOOL", raising=False)
        window = None
        try:
            farm.init()
            daemon = farm.up(NODE, "--slots", "2")
            runs = str(daemon.home / "run")
            settings = config.load({"spool": str(farm.root), "node": NODE, "runtime_dir": runs})
            kept = QSettings(str(home / "render.ini"), QSettings.Format.IniFormat)
            theme.of(qapp)
            window = Window(Desk(settings, kept))
            window.desk.start()
            window.show()
            window.jobs.states["cancelled"].setChecked(True)
            yield Stage(farm, window)
        finally:
            if window is not None:
                window.stop()
                _end(window)
            farm.close()
