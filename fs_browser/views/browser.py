"""The browser: bars above, places beside, rows, and the keys of Blender's."""

import os
from collections.abc import Collection, Hashable
from functools import partial
from typing import Any

from PyQt6.QtCore import QEvent, QObject, QPoint, QSettings, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fs_browser import icons, theme
from fs_browser.core import wording
from fs_browser.core.filters import GROUPS
from fs_browser.core.kinds import Kind
from fs_browser.core.sequences import FileSequence, Row
from fs_browser.models.pictures import Pictures
from fs_browser.models.places import Places
from fs_browser.models.reading import key_of
from fs_browser.models.rows import DETAIL, count
from fs_browser.models.session import Session
from fs_browser.views.acts import CONTEXT, Acts
from fs_browser.views.files import Files, View
from fs_browser.views.pathbar import PathBar
from fs_browser.views.sidebar import SideBar
from renderd.blend.names import shown

BUMPS = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Minus: -1}
_SAID_FOR = 6000  #: milliseconds that what was done stays below
_MOST_NAMES = 6  #: that the question before deleting lists


class Browser(QWidget):
    """One folder and everything to walk about from it.

    What is selected is `picked`; what a person opened (a file, never a folder) is `opened`.
    """

    picked = pyqtSignal()
    opened = pyqtSignal()
    bumped = pyqtSignal(int)  #: + and -: the number in the file's name shall change

    def __init__(self, kinds: Collection[Kind] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = Session(self)
        self.pictures = Pictures(self)
        self.files = Files(self.session.rows, self.pictures)
        self.sidebar = SideBar(Places(self))
        self.path = PathBar(self.session)
        self.search = QLineEdit()
        self.status = QLabel()
        self._said = ""
        self._silence = QTimer(self)
        self._silence.setSingleShot(True)
        self._silence.timeout.connect(self._fall_silent)
        self._wanted: tuple[Hashable, bool] | None = None
        self.acts = Acts(self)
        self._kinds = self._make_kinds_button(frozenset(kinds))
        self._lay_out()
        self._connect()
        self.session.show(kinds=frozenset(kinds))
        self.show_as(View.DETAILS)

    # -- built once -------------------------------------------------------------------------

    def _lay_out(self) -> None:
        letters = round(theme.em(self))
        self.search.setPlaceholderText("Filter")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Filter by text")
        self.search.setToolTip("Show names with all of these words, or like *.exr (Ctrl+F)")
        self.search.setMaximumWidth(letters * 13)
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setContentsMargins(letters // 2, letters // 4, letters // 2, letters // 4)
        bar = QHBoxLayout()
        bar.setContentsMargins(*[letters // 3] * 4)
        bar.setSpacing(letters // 6)
        for key in ("back", "forward", "up", "reload", "make_folder"):
            bar.addWidget(self._button(key))
        bar.addWidget(self.path, 3)
        bar.addWidget(self._button("bookmark"))
        bar.addWidget(self.search, 1)
        for key in ("tiles", "list", "details", "hidden"):
            bar.addWidget(self._button(key))
        bar.addWidget(self._kinds)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(self.sidebar)
        self.split.addWidget(self.files)
        self.split.setStretchFactor(1, 1)
        self.split.setChildrenCollapsible(False)
        self.split.setSizes([letters * 12, letters * 50])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(bar)
        whole.addWidget(self.split, 1)
        whole.addWidget(self.status)

    def _button(self, key: str) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self.acts[key])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setAccessibleName(self.acts[key].text().replace("&", ""))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _make_kinds_button(self, kinds: frozenset[Kind]) -> QToolButton:
        button = QToolButton()
        button.setIcon(icons.icon("filter"))
        button.setToolTip("Which kinds of files are shown")
        button.setAccessibleName("Kinds of files")
        button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for title, group in GROUPS.items():
            action = menu.addAction(title)
            assert action is not None
            action.setCheckable(True)
            action.setChecked(bool(group & kinds))
            action.setData(group)
            action.toggled.connect(self._filter_kinds)
        menu.addSeparator()
        every = menu.addAction("All")
        assert every is not None
        every.triggered.connect(self._show_all_kinds)
        button.setMenu(menu)
        theme.of().changed.connect(self._tint)
        return button

    def _connect(self) -> None:
        session, files = self.session, self.files
        session.moved.connect(self._follow)
        session.arrived.connect(self._arrive)
        session.trouble.connect(lambda _: self._tell())
        session.said.connect(self._say)
        session.wanted.connect(self._want)
        session.fresh.connect(partial(self._want, is_edited=True))
        session.kept_changed.connect(self.sidebar.places.take_kept)
        session.kept_changed.connect(lambda _: self._refresh())
        session.facts.told.connect(self._repaint_details)
        session.filtered.connect(self._refresh)
        session.rows.counted.connect(self._tell)
        self.sidebar.picked.connect(session.go)
        self.sidebar.dropped.connect(lambda path: session.bookmark(path, is_on=False))
        self.search.textChanged.connect(lambda text: session.show(text=text))
        self.path.left.connect(self.files.setFocus)
        files.picked.connect(self._pick)
        files.activated.connect(self.open_row)
        files.empty = self._why_empty
        for view in (files.tiles, files.list, files.details, self.search):
            view.installEventFilter(self)
        for view in (files.tiles, files.list, files.details):
            view.customContextMenuRequested.connect(self._show_menu)
            view.viewport().installEventFilter(self)  # type: ignore[union-attr]

    # -- what can be done -------------------------------------------------------------------

    def do_back(self) -> None:
        self.session.back()

    def do_forward(self) -> None:
        self.session.forward()

    def do_up(self) -> None:
        self.session.up()

    def do_reload(self) -> None:
        self.session.reload()
        self.sidebar.places.reload()

    def do_home(self) -> None:
        self.session.go(os.path.expanduser("~"))

    def do_make_folder(self) -> None:
        self.session.make_folder()

    def do_rename(self) -> None:
        row = self.files.current_row()
        if isinstance(row, FileSequence):
            self._say("Open the sequence (→) to rename one of its files")
        elif row is not None:
            self.files.edit(key_of(row))

    def do_trash(self) -> None:
        rows = self.files.selected()
        if rows and self.confirm(*_question(rows, len(self.session.paths(rows)))):
            self.session.trash(rows)

    def do_all(self) -> None:
        self.files.select_all()

    def do_none(self) -> None:
        self.files.select_all(is_on=False)

    def do_invert(self) -> None:
        self.files.invert()

    def do_hidden(self) -> None:
        self.session.show(with_hidden=self.acts["hidden"].isChecked())

    def do_tiles(self) -> None:
        self.show_as(View.TILES)

    def do_list(self) -> None:
        self.show_as(View.LIST)

    def do_details(self) -> None:
        self.show_as(View.DETAILS)

    def do_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def do_path(self) -> None:
        self.path.setFocus()
        self.path.selectAll()

    def do_bookmark(self) -> None:
        is_on = self.acts["bookmark"].isChecked()
        self.session.bookmark(self.session.folder, is_on=is_on)

    def do_places(self) -> None:
        self.sidebar.setVisible(self.acts["places"].isChecked())

    def do_copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        rows = self.files.selected()
        if clipboard is not None and rows:
            clipboard.setText("\n".join(self.session.paths(rows)))
            self._say(f"{wording.plural(len(self.session.paths(rows)), 'path')} copied")

    def show_as(self, view: View) -> None:
        """Show thumbnails, a list or details."""
        self.files.show_as(view)
        self._refresh()

    def confirm(self, title: str, says: str) -> bool:
        """Ask before files are deleted; no is what Enter does."""
        box = QMessageBox(QMessageBox.Icon.Question, "Delete", title, parent=self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(says)
        does = box.addButton("Move to trash", QMessageBox.ButtonRole.DestructiveRole)
        no = box.addButton("Leave them", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        box.exec()
        return box.clickedButton() is does

    def open_row(self, row: Row) -> None:
        """Go into a folder; a file is what the person came for."""
        if row.kind is Kind.FOLDER:
            self.session.go(os.path.join(self.session.folder, row.name))
        else:
            self.opened.emit()

    # -- what is remembered -----------------------------------------------------------------

    def recall(self, kept: QSettings) -> None:
        """Look as it was remembered."""
        try:
            self.show_as(View(str(kept.value("browser/view", View.DETAILS.value))))
        except ValueError:
            self.show_as(View.DETAILS)
        self.files.details.recall(kept.value("browser/columns"))
        step = str(kept.value("browser/tiles", ""))
        if step.isdecimal():
            self.files.tiles.step = int(step)
        self.session.show(with_hidden=kept.value("browser/hidden") == "yes")
        self.sidebar.setVisible(kept.value("browser/places") != "no")
        self._refresh()

    def remember(self, kept: QSettings) -> None:
        """Write down how it looks, and the folder as a recent one."""
        kept.setValue("browser/view", self.files.view.value)
        kept.setValue("browser/columns", self.files.details.remembered())
        kept.setValue("browser/tiles", str(self.files.tiles.step))
        kept.setValue("browser/hidden", "yes" if self.session.filter.with_hidden else "no")
        kept.setValue("browser/places", "no" if self.sidebar.isHidden() else "yes")

    # -- what happens -----------------------------------------------------------------------

    def _follow(self, folder: str) -> None:
        self._said, self._wanted = "", None
        self.pictures.forget()
        self.pictures.folder = folder
        self.search.clear()
        self.sidebar.mark(folder)
        self._refresh()

    def _arrive(self, is_whole: bool) -> None:
        if self._wanted is not None:
            key, is_edited = self._wanted
            done = self.files.select(key)
            if done and is_edited:
                self.files.edit(key)
            if done or (is_whole and not is_edited):
                self._wanted = None
        self._tell()

    def _want(self, key: Hashable, *, is_edited: bool = False) -> None:
        self._wanted = key, is_edited

    def _pick(self) -> None:
        self._tell()
        self.picked.emit()

    def _say(self, words: str) -> None:
        self._said = words
        self._silence.start(_SAID_FOR)
        self._tell()

    def _fall_silent(self) -> None:
        self._said = ""
        self._tell()

    def _filter_kinds(self) -> None:
        menu = self._kinds.menu()
        assert menu is not None
        groups = [a.data() for a in menu.actions() if a.isChecked()]
        self.session.show(kinds=frozenset().union(*groups))

    def _show_all_kinds(self) -> None:
        menu = self._kinds.menu()
        assert menu is not None
        for action in menu.actions():
            action.setChecked(False)

    def _refresh(self) -> None:
        """Let buttons show what is so."""
        session, view = self.session, self.files.view
        self.acts["back"].setEnabled(session.trail.may_go_back)
        self.acts["forward"].setEnabled(session.trail.may_go_forward)
        self.acts["up"].setEnabled(os.path.dirname(session.folder) != session.folder)
        self.acts["hidden"].setChecked(session.filter.with_hidden)
        for key, one in (("tiles", View.TILES), ("list", View.LIST), ("details", View.DETAILS)):
            self.acts[key].setChecked(view is one)
        is_kept = any(one.path == session.folder for one in session.kept.bookmarks)
        self.acts["bookmark"].setChecked(is_kept)
        self.acts["places"].setChecked(not self.sidebar.isHidden())
        self._tint()

    def _tint(self) -> None:
        found = theme.of().colours
        is_on = bool(self.session.filter.kinds)
        self._kinds.setIcon(icons.icon("filter", found.waiting if is_on else ""))

    def _tell(self) -> None:
        session = self.session
        found = theme.of().colours
        if session.problem:
            words, ink = f"⚠ {session.problem}", found.failed
        elif self._said:
            words, ink = self._said, found.text
        else:
            words, ink = self._counted(), found.faint
        self.status.setText(words)
        self.status.setStyleSheet(f"color: {ink}")

    def _counted(self) -> str:
        every = self.session.rows.count()
        parts = [wording.plural(every.folders, "folder")] * bool(every.folders)
        parts.append(wording.plural(every.files, "file"))
        if every.sequences:
            parts[-1] += f" ({wording.plural(every.sequences, 'sequence')})"
        if every.size_bytes:
            parts.append(wording.size(every.size_bytes))
        words = ", ".join(parts) + ("" if self.session.is_whole else " …")
        chosen = count(self.files.selected())
        number = chosen.files + chosen.folders
        if number:
            words += f"  ·  {number:,} selected"
            words += f", {wording.size(chosen.size_bytes)}" * bool(chosen.size_bytes)
        return words

    def _why_empty(self) -> str:
        session = self.session
        if session.problem:
            return ""
        if not session.is_whole:
            return f"Reading {shown(session.folder)} …"
        if session.rows.total:
            return "Nothing here passes the filter.\nH shows hidden files; Esc clears the text."
        return "This folder is empty."

    def _repaint_details(self, key: Hashable) -> None:
        place = self.session.rows.row_of(key)
        if place >= 0:
            index = self.session.rows.index(place, DETAIL)
            self.session.rows.dataChanged.emit(index, index)

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        for key in CONTEXT:
            if key:
                menu.addAction(self.acts[key])
            else:
                menu.addSeparator()
        port = self.files.current.viewport()
        assert port is not None
        menu.exec(port.mapToGlobal(at))

    # -- keys and buttons that are no actions -----------------------------------------------

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """As Qt asks: Enter, Esc, + and -, the mouse's side buttons."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if watched is self.search:
                return self._search_key(event)
            # what an editor of a name leaves over comes here, too
            return not self.files.is_editing and self._key(event)
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
            sides = {Qt.MouseButton.BackButton: "back", Qt.MouseButton.ForwardButton: "forward"}
            if (key := sides.get(event.button())) is not None:
                self.acts[key].trigger()
                return True
        return super().eventFilter(watched, event)

    def _key(self, event: Any) -> bool:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            row, rows = self.files.current_row(), self.files.selected()
            if len(rows) > 1 or row is None:
                self.opened.emit()
            else:
                self.open_row(row)
            return True
        if key in BUMPS:
            self.bumped.emit(BUMPS[key] * bump_size(event))
            return True
        if key == Qt.Key.Key_Escape and self.search.text():
            self.search.clear()
            return True
        return False

    def _search_key(self, event: Any) -> bool:
        key = event.key()
        if key == Qt.Key.Key_Escape and (self.search.text() or self.search.hasFocus()):
            self.search.clear()
            self.files.setFocus()
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.files.setFocus()
            if self.files.current_row() is None and self.session.rows.rowCount():
                self.files.select(key_of(self.session.rows.record(0)))
            return True
        return False


def bump_size(event: QKeyEvent) -> int:
    """By how much + and - change a number: 10 with Shift, 100 with Ctrl, as in Blender."""
    if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
        return 100
    return 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1


def _question(rows: list[Row], files: int) -> tuple[str, str]:
    names = [shown(row.name) for row in rows[:_MOST_NAMES]]
    if len(rows) > len(names):
        names.append(f"and {len(rows) - len(names):,} more")
    title = f"Move {names[0]} to the trash?"
    if files > 1:
        title = f"Move {wording.plural(files, 'file')} to the trash?"
    return title, "\n".join(names) if files > 1 else ""
