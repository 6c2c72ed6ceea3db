"""What a person can do: one object an action, for menu, context menu, toolbar and shortcut."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QWidget

from frontend.gui.desk import Desk
from fs_browser import icons, theme


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action: its words, and what it does with the desk."""

    key: str
    title: str  #: with & before its mnemonic
    does: str  #: a sentence, shown as a tooltip
    do: Callable[[Desk], None]
    icon: str = ""
    shortcut: str = ""
    may: Callable[[Desk], bool] = lambda _desk: True  #: whether it makes sense now


class Actions(QObject):
    """The actions of one window by key, gone with it; enabled as the selection allows."""

    def __init__(self, desk: Desk, owner: QWidget, deeds: Sequence[Deed]) -> None:
        super().__init__(owner)
        self._desk = desk
        self._deeds = {deed.key: deed for deed in deeds}
        self._made = {deed.key: self._make(deed, owner) for deed in deeds}
        desk.selected.connect(self.refresh)
        desk.told.connect(self.refresh)
        desk.said.connect(self.refresh)
        theme.of().changed.connect(self._tint)
        self._tint()
        self.refresh()

    def __getitem__(self, key: str) -> QAction:
        return self._made[key]

    def all(self) -> dict[str, QAction]:
        """Every action by key."""
        return dict(self._made)

    def refresh(self) -> None:
        """Enable what makes sense now."""
        for key, action in self._made.items():
            action.setEnabled(self._deeds[key].may(self._desk))

    def _make(self, deed: Deed, owner: QWidget) -> QAction:
        made = QAction(deed.title, owner)
        keys = f" ({QKeySequence(deed.shortcut).toString(_NATIVE)})" if deed.shortcut else ""
        made.setToolTip(f"{deed.does}{keys}")
        made.setStatusTip(deed.does)
        if deed.shortcut:
            made.setShortcut(QKeySequence(deed.shortcut))
            made.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        made.triggered.connect(lambda: deed.do(self._desk))
        owner.addAction(made)
        return made

    def _tint(self) -> None:
        for key, action in self._made.items():
            if name := self._deeds[key].icon:
                action.setIcon(icons.icon(name))


_NATIVE = QKeySequence.SequenceFormat.NativeText
