"""The toolbar: what is done most on the page that is seen, with words."""

from collections.abc import Mapping

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QToolBar, QWidget

from frontend.gui import menus
from frontend.gui.actions import Actions


class Toolbar(QToolBar):
    """One bar whose buttons follow the page."""

    def __init__(self, actions: Actions) -> None:
        super().__init__("Actions")
        self.setObjectName("actions")
        self.setMovable(False)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._pages = {page: self._made(actions, keys) for page, keys in menus.TOOLBARS.items()}

    def turn_to(self, page: str) -> None:
        """Show the buttons of a page."""
        self.clear()
        for action in self._pages[page]:
            if action is None:
                self.addSeparator()
            else:
                self.addAction(action)

    def _made(self, actions: Actions, keys: tuple[str, ...]) -> list[QAction | None]:
        return [self._one(actions.all(), key) if key else None for key in keys]

    def _one(self, actions: Mapping[str, QAction], key: str) -> QAction:
        first, _, second = key.partition("|")
        return Either(actions[first], actions[second], self) if second else actions[first]


class Either(QAction):
    """Two actions in one place: the second only where it makes sense and the first does not."""

    def __init__(self, first: QAction, second: QAction, parent: QWidget) -> None:
        super().__init__(parent)
        self._first, self._second = first, second
        self._now = first
        self.triggered.connect(self._do)
        for one in (first, second):
            one.changed.connect(self._follow)
        self._follow()

    def _do(self) -> None:
        self._now.trigger()

    def _follow(self) -> None:
        is_second = self._second.isEnabled() and not self._first.isEnabled()
        self._now = now = self._second if is_second else self._first
        self.setText(now.text())
        self.setIconText(now.iconText())
        self.setIcon(now.icon())
        self.setToolTip(now.toolTip())
        self.setStatusTip(now.statusTip())
        self.setEnabled(now.isEnabled())
