"""The browser: bars above, places beside, rows, and the keys of Blender's."""

import os
from collections.abc import Collection, Hashable
from functools import partial
from typing import Any

from PyQt6.QtCore import QEvent, QObject, QPoint, QSettings, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QMouseEvent
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

from fs_browser import theme
from fs_browser.core import wording
from fs_browser.core.kinds import Kind
from fs_browser.core.sequences import Row
from fs_browser.models.pictures import Pictures
from fs_browser.models.places import Places
from fs_browser.models.rows import DETAIL, PIXELS, count
from fs_browser.models.session import Session
from fs_browser.views.acts import CONTEXT, Acts
from fs_browser.views.choices import KindsButton, OrderButton
from fs_browser.views.files import Files, View
from fs_browser.views.pathbar import PathBar
from fs_browser.views.sidebar import SideBar
from renderd.blend.names import shown
from renderd.core.amounts import plural

BUMPS = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Minus: -1}
_ARROWS = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Right)
_COLUMNS = "browser/columns 2"  #: remembered; the first had no resolution
_SAID_FOR = 6000  #: milliseconds that what was done stays below


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
        self._kinds = KindsButton(self.session, frozenset(kinds))
        self._order = OrderButton(self.files)
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
        bar.addWidget(self._order)
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

    def _connect(self) -> None:
        session, files = self.session, self.files
        session.moved.connect(self._follow)
        session.arrived.connect(self._arrive)
        session.trouble.connect(lambda _: self._tell())
        session.said.connect(self.say)
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
        self.setAcceptDrops(True)
        for view in (files.tiles, files.list, files.details):
            view.customContextMenuRequested.connect(self._show_menu)
            view.viewport().installEventFilter(self)  # type: ignore[union-attr]

    def stop(self) -> None:
        """Read and draw no more, for good."""
        self.session.stop()
        self.pictures.stop()

    # -- what actions do ---------------------------------------------------------------------

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
        no = box.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
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
        self.files.details.recall(kept.value(_COLUMNS))
        step = str(kept.value("browser/tiles", ""))
        if step.isdecimal():
            self.files.tiles.step = int(step)
        self.session.show(with_hidden=kept.value("browser/hidden") == "yes")
        self.sidebar.setVisible(kept.value("browser/places") != "no")
        self._refresh()

    def remember(self, kept: QSettings) -> None:
        """Write down how it looks, and the folder as a recent one."""
        kept.setValue("browser/view", self.files.view.value)
        kept.setValue(_COLUMNS, self.files.details.remembered())
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

    def say(self, words: str) -> None:
        """Tell what was done or why not, for some seconds."""
        self._said = words
        self._silence.start(_SAID_FOR)
        self._tell()

    def _fall_silent(self) -> None:
        self._said = ""
        self._tell()

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
        parts = [plural(every.folders, "folder")] * bool(every.folders)
        if every.files or not parts:
            parts.append(plural(every.files, "file"))
        if every.sequences:
            parts[-1] += f" ({plural(every.sequences, 'sequence')})"
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
            return "P goes to the parent folder, Ctrl+L takes another path."
        if not session.is_whole:
            return f"Reading {shown(session.folder)} …"
        if session.rows.total:
            return "Nothing here passes the filter.\n\n" + self._hint()
        return "This folder is empty."

    def _hint(self) -> str:
        if self.session.filter.text:
            return "Esc clears the text."
        return "The funnel chooses kinds of files, H shows hidden ones."

    def _repaint_details(self, key: Hashable) -> None:
        place = self.session.rows.row_of(key)
        if place >= 0:
            rows = self.session.rows
            rows.dataChanged.emit(rows.index(place, DETAIL), rows.index(place, PIXELS))

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

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Takes what a file manager holds."""
        data = event.mimeData() if event is not None else None
        if event is not None and data is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Goes to where a dropped file or folder is."""
        data = event.mimeData() if event is not None else None
        paths = [one.toLocalFile() for one in data.urls()] if data is not None else []
        if paths and paths[0]:
            self.session.visit(paths[0])

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
        if key in _ARROWS:
            return self.files.select_current()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.files.select_current()
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
            self.files.select_current()
            return True
        return False


def bump_size(event: QKeyEvent) -> int:
    """By how much + and - change a number: 10 with Shift, 100 with Ctrl, as in Blender."""
    if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
        return 100
    return 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
