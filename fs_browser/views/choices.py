"""The buttons with menus: which kinds of files are shown, and in what order."""

from functools import partial

from PyQt6.QtGui import QAction, QActionGroup
from PyQt6.QtWidgets import QMenu, QToolButton

from fs_browser import icons, theme
from fs_browser.core.filters import GROUPS
from fs_browser.core.kinds import Kind
from fs_browser.models.session import Session
from fs_browser.views.files import Files


class _MenuButton(QToolButton):
    """A button of one icon that opens a menu."""

    def __init__(self, icon: str, title: str, does: str) -> None:
        super().__init__()
        self._icon = icon
        self.entries = QMenu(self)
        self.setMenu(self.entries)
        self.setAccessibleName(title)
        self.setToolTip(does)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        theme.of().changed.connect(self.tint)
        self.tint()

    def tint(self) -> None:
        """Draw the icon in the colours in force."""
        self.setIcon(icons.icon(self._icon, self.ink()))

    def ink(self) -> str:
        """A colour of the icon's own; empty for that of text."""
        return ""

    def add(self, title: str) -> QAction:
        """One more entry that is on or off."""
        action = self.entries.addAction(title)
        assert action is not None
        action.setCheckable(True)
        return action


class KindsButton(_MenuButton):
    """Which kinds of files are shown; its icon is coloured where not all are."""

    def __init__(self, session: Session, kinds: frozenset[Kind]) -> None:
        self._session = session
        super().__init__("filter", "Kinds of files", "Which kinds of files are shown")
        self._groups = {self.add(title): group for title, group in GROUPS.items()}
        for action, group in self._groups.items():
            action.setChecked(bool(group & kinds))
            action.toggled.connect(self._choose)
        self.entries.addSeparator()
        every = self.entries.addAction("All")
        assert every is not None
        every.triggered.connect(self._choose_all)
        session.filtered.connect(self.tint)

    def ink(self) -> str:
        """A colour where a kind is left out."""
        return theme.of().colours.waiting if self._session.filter.kinds else ""

    def _choose(self) -> None:
        chosen = [group for action, group in self._groups.items() if action.isChecked()]
        self._session.show(kinds=frozenset().union(*chosen))

    def _choose_all(self) -> None:
        for action in self._groups:
            action.setChecked(False)


class OrderButton(_MenuButton):
    """By what the rows are ordered; folders stay first."""

    def __init__(self, files: Files) -> None:
        self._files = files
        super().__init__("sort", "Order", "By what the rows are ordered; folders stay first")
        group = QActionGroup(self)
        self._columns = [self.add(column.title) for column in files.rows.columns]
        for at, action in enumerate(self._columns):
            group.addAction(action)
            action.triggered.connect(partial(self._order, at))
        self.entries.addSeparator()
        self._falls = self.add("From the last to the first")
        self._falls.triggered.connect(lambda: self._order(self._files.order[0]))
        self.entries.aboutToShow.connect(self._show_order)

    def _order(self, column: int, _is_on: bool = True) -> None:
        self._files.order_by(column, falls=self._falls.isChecked())

    def _show_order(self) -> None:
        column, falls = self._files.order
        self._columns[max(column, 0)].setChecked(True)
        self._falls.setChecked(falls)
