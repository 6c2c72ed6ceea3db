"""Builds the window and runs it."""

import gc
from collections.abc import Sequence
from dataclasses import replace

from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication, QSystemTrayIcon

from frontend.attendance import Attendance
from frontend.gui.desk import Desk
from frontend.gui.views.window import Window
from fs_browser import brand
from fs_browser.theme import Scheme, Theme
from renderd import config
from renderd.config import APP, Settings

_ORGANIZATION = APP
#: new objects after which Python looks for rings of them, and how often for rings of older ones:
#: at its own 700 it halts a window of 100,000 rows for a quarter of a second, every few readings
_RINGS = (50_000, 50, 50)
_ORDERS = 5.0  #: seconds that orders which were given have to reach the share


def remembered() -> QSettings:
    """Where the window keeps what a person set: an INI file among the user's settings."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, _ORGANIZATION, "render")


class Program:
    """The running program: one window at a time, of the farm that was chosen last."""

    def __init__(self, app: QApplication, settings: Settings, kept: QSettings) -> None:
        app.setApplicationName("Render")
        brand.introduce(app, brand.RENDER)
        try:
            choice = Scheme(str(kept.value("scheme", Scheme.SYSTEM.value)))
        except ValueError:
            choice = Scheme.SYSTEM
        Theme(app, choice)
        self._kept = kept
        self.window = self._open(settings)

    def go(self, root: str) -> None:
        """Work for another farm from now on."""
        old = self.window
        self.window = self._open(replace(old.desk.settings, spool=root))
        self.window.restoreGeometry(old.saveGeometry())  # where the old one stood
        self.window.show()
        old.leave()

    def _open(self, settings: Settings) -> Window:
        window = Window(Desk(settings, self._kept))
        window.elsewhere.connect(self.go)
        if QSystemTrayIcon.isSystemTrayAvailable():
            window.show_tray()
        window.desk.start()
        return window


def run(spool: str | None, files: Sequence[str] = ()) -> int:
    """Show the window until it is closed, with files in the dialog that queues them."""
    gc.set_threshold(*_RINGS)
    settings = config.load({"spool": spool})
    app = QApplication([brand.RENDER])
    program = Program(app, settings, remembered())
    attendance = Attendance(settings)
    attendance.start()
    program.window.show()
    if not settings.spool:
        program.window.set_up()
    elif files:
        program.window.add(files)
    status = app.exec()
    attendance.stop()
    program.window.stop()
    program.window.desk.errands.join(_ORDERS)  # nobody looks at a window any more
    return status
