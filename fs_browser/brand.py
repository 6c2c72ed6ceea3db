"""How a desktop knows our programs: id and icon; packaging/desktop says the same."""

import os

from PyQt6.QtGui import QGuiApplication, QIcon

RENDER = "org.neogeo.renderd.render"
FS = "org.neogeo.renderd.fs"
_ART = os.path.join(os.path.dirname(__file__), "art")


def introduce(app: QGuiApplication, program: str) -> None:
    """Tell the desktop which program this is, so that its windows get its name and icon.

    On X11 the id must also be the first word of the application's arguments.
    """
    app.setDesktopFileName(program)
    app.setWindowIcon(icon(program))


def icon(program: str) -> QIcon:
    """The program's own icon, at any size."""
    return QIcon(os.path.join(_ART, f"{program}.svg"))
