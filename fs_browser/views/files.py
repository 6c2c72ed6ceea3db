"""The rows of a folder in three views of one selection: thumbnails, list, details."""

from collections.abc import Callable, Hashable
from enum import StrEnum
from typing import Any

from PyQt6.QtCore import (
    QByteArray,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QSize,
    Qt,
    pyqtSignal,
)
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QWheelEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStackedWidget,
    QTableView,
    QWidget,
)

from fs_browser import theme
from fs_browser.core.sequences import Row
from fs_browser.models.pictures import Pictures
from fs_browser.models.reading import key_of
from fs_browser.models.rows import NAME, Rows
from fs_browser.views.paint import CellDelegate, NameDelegate, TileDelegate
from fs_browser.views.widths import Widths

_SIDES = (5, 7, 9, 12, 16)  #: of thumbnails, in lines of text
_Flag = QItemSelectionModel.SelectionFlag


class View(StrEnum):
    """How rows are shown."""

    TILES = "thumbnails"
    LIST = "list"
    DETAILS = "details"


class Files(QStackedWidget):
    """The three views, of which one is shown; `empty` is what it says while nothing is."""

    picked = pyqtSignal()  #: other rows are selected
    activated = pyqtSignal(object)  #: a row was opened: double click

    def __init__(self, rows: Rows, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = rows
        self.empty: Callable[[], str] = lambda: ""
        self.tiles = TilesView(self, pictures)
        self.list = ListView(self)
        self.details = DetailsView(self)
        self._all = {View.TILES: self.tiles, View.LIST: self.list, View.DETAILS: self.details}
        for view in self._all.values():
            self.addWidget(view)
            view.doubleClicked.connect(lambda index: self.activated.emit(rows.record(index.row())))
        chosen = self.details.selectionModel()
        assert chosen is not None
        self._chosen = chosen
        self._nothing = QItemSelectionModel(rows, self)  #: for views that are not shown
        for view in (self.tiles, self.list):
            view.setSelectionModel(self._nothing)
        self._calm_head()
        self._picked: list[Row] | None = []  #: the selected rows, found when asked for
        chosen.selectionChanged.connect(self._pick)
        for changed in (rows.dataChanged, rows.layoutChanged, rows.modelReset, rows.counted):
            changed.connect(self._forget_picked)
        rows.counted.connect(self._repaint)
        pictures.told.connect(self.tiles.viewport().update)  # type: ignore[union-attr]
        self.setFocusProxy(self.details)

    def _calm_head(self) -> None:
        """A head asks of every row whether it is selected, to tell when a column is."""
        head = self.details.horizontalHeader()
        if head is not None:
            head.setSelectionModel(self._nothing)

    # -- which view -------------------------------------------------------------------------

    @property
    def view(self) -> View:
        """Which one is shown."""
        return next(key for key, view in self._all.items() if view is self.currentWidget())

    @property
    def current(self) -> QAbstractItemView:
        """The view that is shown."""
        return self._all[self.view]

    @property
    def is_editing(self) -> bool:
        """Whether a name is being typed."""
        return self.current.state() == QAbstractItemView.State.EditingState

    def show_as(self, view: View) -> None:
        """Show another view, with the same rows selected."""
        had_focus = self.current.hasFocus()
        # one that is not shown would ask for the place of each selected row all the same
        self.current.setSelectionModel(self._nothing)
        self.setCurrentWidget(self._all[view])
        self.current.setSelectionModel(self._chosen)
        self._calm_head()
        self.setFocusProxy(self.current)
        chosen, last = self._chosen.selection(), len(self.rows.columns) - 1
        if any(chosen[at].right() < last for at in range(len(chosen))):
            # a list selects names alone, a table whole rows
            self._chosen.select(chosen, _Flag.ClearAndSelect | _Flag.Rows)
        if self._chosen.currentIndex().isValid():
            self.current.scrollTo(self._chosen.currentIndex())
        if had_focus:
            self.current.setFocus()

    def order_by(self, column: int, *, falls: bool) -> None:
        """Order the rows by a column, in every view."""
        head = self.details.horizontalHeader()
        order = Qt.SortOrder.DescendingOrder if falls else Qt.SortOrder.AscendingOrder
        if head is not None:
            head.setSortIndicator(column, order)

    @property
    def order(self) -> tuple[int, bool]:
        """The column that orders the rows, and whether they fall."""
        head = self.details.horizontalHeader()
        if head is None:
            return NAME, False
        falls = head.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
        return head.sortIndicatorSection(), falls

    # -- what is selected -------------------------------------------------------------------

    def selected(self) -> list[Row]:
        """The selected rows, from the top."""
        if self._picked is None:
            self._picked = self._find_selected()
        return self._picked

    def _find_selected(self) -> list[Row]:
        chosen = self._chosen.selection()
        parts = [chosen[at] for at in range(len(chosen))]
        places = {at for one in parts for at in range(one.top(), one.bottom() + 1)}
        return [self.rows.record(at) for at in sorted(places)]

    def current_row(self) -> Row | None:
        """The row that keys are about."""
        index = self._chosen.currentIndex()
        return self.rows.record(index.row()) if index.isValid() else None

    def select(self, key: Hashable) -> bool:
        """Select one row and bring it into sight; False where it is not shown.

        A file of a sequence opens it.
        """
        place = self.rows.row_of(key)
        if place < 0 and isinstance(key, str) and (holder := self.rows.holder_of(key)) is not None:
            self.rows.toggle(holder)
            place = self.rows.row_of(key)
        if place < 0:
            return False
        index = self.rows.index(place, NAME)
        self._chosen.setCurrentIndex(index, _Flag.ClearAndSelect | _Flag.Rows)
        self.current.scrollTo(index)
        return True

    def select_current(self) -> bool:
        """Select the row that keys are about, the first at first; False where some are selected."""
        if self._chosen.hasSelection() or not self.rows.rowCount():
            return False
        index = self._chosen.currentIndex()
        index = index if index.isValid() else self.rows.index(0, NAME)
        self._chosen.setCurrentIndex(index, _Flag.ClearAndSelect | _Flag.Rows)
        self.current.scrollTo(index)
        return True

    def select_all(self, *, is_on: bool = True) -> None:
        """Select all rows, or none."""
        if is_on and self.rows.rowCount():  # as one range: asked for each, 100,000 take a second
            self._chosen.select(self._whole(), _Flag.ClearAndSelect)
        else:
            self._chosen.clearSelection()

    def invert(self) -> None:
        """Select what is not selected, and that no more."""
        if self.rows.rowCount():
            self._chosen.select(self._whole(), _Flag.Toggle)

    def _whole(self) -> QItemSelection:
        last = self.rows.index(self.rows.rowCount() - 1, len(self.rows.columns) - 1)
        return QItemSelection(self.rows.index(0, 0), last)

    def edit(self, key: Hashable) -> None:
        """Let a row's name be typed."""
        if self.select(key):
            self.current.edit(self.rows.index(self.rows.row_of(key), NAME))

    def _pick(self) -> None:
        self._picked = None
        self.picked.emit()

    def _forget_picked(self) -> None:
        self._picked = None

    def _repaint(self) -> None:
        port = self.current.viewport()
        if port is not None and not self.rows.rowCount():
            port.update()


class _Shown:
    """What the views have in common."""

    files: Files

    def _set_up(self: Any, files: Files) -> None:
        self.files = files
        self.setModel(files.rows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMouseTracking(True)
        self.setAccessibleName("Files")

    def _say_why_empty(self: Any) -> None:
        text = "" if self.files.rows.rowCount() else self.files.empty()
        if not text:
            return
        port = self.viewport()
        painter = QPainter(port)
        painter.setPen(QColor(theme.of().colours.faint))
        room = port.rect().adjusted(24, 24, -24, -24)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
        painter.end()


class DetailsView(_Shown, QTableView):
    """One row a line, with times and sizes; heads sort."""

    def __init__(self, files: Files) -> None:
        QTableView.__init__(self, files)
        self._set_up(files)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setItemDelegate(CellDelegate(self))
        self.setItemDelegateForColumn(NAME, NameDelegate(files.rows, self, opens=True))
        rows, head = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None
        assert head is not None
        rows.hide()
        rows.setDefaultSectionSize(round(theme.em(self) * 1.6))
        head.setSectionsMovable(False)
        head.setHighlightSections(False)
        head.setStretchLastSection(False)
        head.setSortIndicatorShown(True)
        head.setSortIndicator(NAME, Qt.SortOrder.AscendingOrder)
        head.setSectionsClickable(True)
        head.sortIndicatorChanged.connect(files.rows.sort)
        digit = self.fontMetrics().horizontalAdvance("0")
        for at, column in enumerate(files.rows.columns):
            self.setColumnWidth(at, digit * column.width + 14)
        Widths(self, files.rows)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Opens and closes a sequence with Right and Left."""
        row = self.files.current_row()
        if row is not None and event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Left):
            opens = event.key() == Qt.Key.Key_Right
            parent = self.files.rows.parent_of(key_of(row))
            if not opens and parent is not None:
                self.files.select(parent)
            elif self.files.rows.is_open(row) != opens:
                self.files.rows.toggle(key_of(row))
            return
        super().keyPressEvent(event)

    def moveCursor(  # noqa: N802
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """As Qt asks: Home and End are the first and last row, not column."""
        ends = {
            QAbstractItemView.CursorAction.MoveHome: 0,
            QAbstractItemView.CursorAction.MoveEnd: self.files.rows.rowCount() - 1,
        }
        if (row := ends.get(action)) is not None:
            return self.files.rows.index(row, NAME)
        return super().moveCursor(action, modifiers)

    def keyboardSearch(self, search: str | None) -> None:  # noqa: N802
        """Letters are orders here, as in Blender; Ctrl+F searches."""

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Says why nothing is shown."""
        super().paintEvent(event)
        self._say_why_empty()

    def remembered(self) -> QByteArray:
        """Widths and order of columns."""
        head = self.horizontalHeader()
        return head.saveState() if head is not None else QByteArray()

    def recall(self, state: object) -> None:
        """Look as it was remembered."""
        head = self.horizontalHeader()
        if isinstance(state, QByteArray) and head is not None and head.restoreState(state):
            self.files.rows.sort(head.sortIndicatorSection(), head.sortIndicatorOrder())


class ListView(_Shown, QListView):
    """Names in columns from top to bottom, as Blender's vertical list."""

    def __init__(self, files: Files) -> None:
        QListView.__init__(self, files)
        self._set_up(files)
        self.setFlow(QListView.Flow.TopToBottom)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionRectVisible(True)
        self.setItemDelegate(NameDelegate(files.rows, self, opens=False))
        letters = theme.em(self)
        self.setGridSize(QSize(round(letters * 22), round(letters * 1.5)))

    def keyboardSearch(self, search: str | None) -> None:  # noqa: N802
        """Letters are orders here, as in Blender; Ctrl+F searches."""

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Says why nothing is shown."""
        super().paintEvent(event)
        self._say_why_empty()


class TilesView(_Shown, QListView):
    """Pictures with names below; Ctrl and the wheel change their size."""

    def __init__(self, files: Files, pictures: Pictures) -> None:
        QListView.__init__(self, files)
        self._set_up(files)
        self._step = 2
        self._tile = TileDelegate(pictures, self)
        # one that comes and goes would take a column with it
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionRectVisible(True)
        self.setItemDelegate(self._tile)
        self.step = self._step

    @property
    def step(self) -> int:
        """How large pictures are, from 0."""
        return self._step

    @step.setter
    def step(self, step: int) -> None:
        self._step = min(max(step, 0), len(_SIDES) - 1)
        letters = theme.em(self)
        self._tile.side = round(letters * _SIDES[self._step])
        self._fit()

    def _fit(self) -> None:
        """Share what is left of the width out among the columns."""
        letters, port = theme.em(self), self.viewport()
        wide = self._tile.side + round(letters * 1.2)
        room = port.width() if port is not None else 0
        columns = max(1, room // wide)
        wide = max(wide, (room - 1) // columns)
        self._tile.wide = wide
        self.setGridSize(QSize(wide, self._tile.tall + round(letters * 2.9)))

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Keeps the columns as wide as there is room."""
        self._fit()
        super().resizeEvent(event)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802
        """Changes the pictures' size with Ctrl."""
        if event is not None and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.step = self._step + (1 if event.angleDelta().y() > 0 else -1)
            return
        super().wheelEvent(event)

    def keyboardSearch(self, search: str | None) -> None:  # noqa: N802
        """Letters are orders here, as in Blender; Ctrl+F searches."""

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Says why nothing is shown."""
        super().paintEvent(event)
        self._say_why_empty()
