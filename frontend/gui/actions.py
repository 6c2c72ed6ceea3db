"""What a person can do: one object an action, for menu, context menu, toolbar and shortcut."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QWidget

from frontend.gui.desk import Desk
from fs_browser import icons, theme


class About(StrEnum):
    """What an action is about, and so where that is selected."""

    WINDOW = ""  #: nothing that is selected: makes sense on every page
    JOBS = "jobs"
    CHUNKS = "chunks"
    MACHINES = "machines"
    FRAMES = "frames"  #: the one that is looked at in the dock

    @property
    def page(self) -> str:
        """The page of the window on which it is seen; empty: every one."""
        return "jobs" if self in (About.CHUNKS, About.FRAMES) else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action: its words, and what it does with the desk."""

    key: str
    title: str  #: with & before its mnemonic
    does: str  #: a sentence, shown as a tooltip
    do: Callable[[Desk], None]
    about: About
    icon: str = ""
    short: str = ""  #: its title on a button; empty: the whole one
    shortcut: str = ""
    named: Callable[[Desk], str] | None = None  #: its title now, where that changes
    is_on: Callable[[Desk], bool] | None = None  #: of one that holds or not: whether it does
    may: Callable[[Desk], bool] = lambda _desk: True  #: whether it makes sense now
    destroys: bool = False  #: its shortcut holds only where the table of its subject has the focus


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
        desk.refused.connect(self.refresh)
        desk.turned.connect(self.refresh)
        desk.frame_seen.connect(self.refresh)
        theme.of().changed.connect(self._tint)
        self._tint()
        self.refresh()

    def __getitem__(self, key: str) -> QAction:
        return self._made[key]

    def all(self) -> dict[str, QAction]:
        """Every action by key."""
        return dict(self._made)

    def refresh(self) -> None:
        """Enable what makes sense now, of what can be seen."""
        with self._desk.at_rest():
            for key, action in self._made.items():
                deed = self._deeds[key]
                is_seen = deed.about.page in ("", self._desk.page)
                action.setEnabled(is_seen and deed.may(self._desk))
                if deed.is_on is not None:
                    action.setChecked(deed.is_on(self._desk))
                if deed.named is not None:
                    action.setText(deed.named(self._desk))

    def lay_keys(self, table: QWidget, about: About) -> None:
        """Let the shortcuts of what destroys hold in the table of its subject, and only there."""
        for key, deed in self._deeds.items():
            if deed.destroys and deed.about is about:
                table.addAction(self._made[key])

    def _make(self, deed: Deed, owner: QWidget) -> QAction:
        made = QAction(deed.title, owner)
        if deed.short:
            made.setIconText(deed.short)
        keys = f" ({QKeySequence(deed.shortcut).toString(_NATIVE)})" if deed.shortcut else ""
        made.setToolTip(f"{deed.does}{keys}")
        made.setStatusTip(deed.does)
        made.setCheckable(deed.is_on is not None)
        if deed.shortcut:
            made.setShortcut(QKeySequence(deed.shortcut))
            made.setShortcutContext(_IN_TABLE if deed.destroys else _IN_WINDOW)
        made.triggered.connect(lambda: self._do(deed))
        if not deed.destroys:
            owner.addAction(made)
        return made

    def _do(self, deed: Deed) -> None:
        self._desk.settling.emit()  # many rows may be selected, and not yet told of
        if deed.may(self._desk):
            self._desk.doing = re.sub("&(.)", r"\1", self._made[deed.key].text()).rstrip(" …")
            try:
                deed.do(self._desk)
            finally:
                self._desk.doing = ""
        if deed.is_on is not None:
            self.refresh()  # what holds is what the farm says, not what was clicked

    def _tint(self) -> None:
        for key, action in self._made.items():
            if name := self._deeds[key].icon:
                action.setIcon(icons.icon(name))


_IN_WINDOW = Qt.ShortcutContext.WindowShortcut
_IN_TABLE = Qt.ShortcutContext.WidgetWithChildrenShortcut
_NATIVE = QKeySequence.SequenceFormat.NativeText
