"""Builds the window and runs it."""

from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication

from frontend.gui.desk import Desk
from frontend.gui.views.window import Window
from fs_browser.theme import Scheme, Theme
from renderd import config
from renderd.config import APP, Settings

_ORGANIZATION = APP


def remembered() -> QSettings:
    """Where the window keeps what a person set: an INI file among the user's settings."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, _ORGANIZATION, "render")


def make(app: QApplication, settings: Settings, kept: QSettings) -> Window:
    """The window, reading its farm; not shown yet."""
    app.setApplicationName("Render")
    app.setDesktopFileName(f"{APP}.render")
    try:
        choice = Scheme(str(kept.value("scheme", Scheme.SYSTEM.value)))
    except ValueError:
        choice = Scheme.SYSTEM
    Theme(app, choice)
    desk = Desk(settings, kept)
    window = Window(desk)
    desk.start()
    return window


def run(spool: str | None) -> int:
    """Show the window until it is closed; the exit status."""
    settings = config.load({"spool": spool})
    app = QApplication(["render"])
    window = make(app, settings, remembered())
    window.show()
    status = app.exec()
    window.desk.stop()
    return status
