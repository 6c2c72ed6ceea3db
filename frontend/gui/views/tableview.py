"""A table as every page shows it: remembers its columns, keeps its selection, copies its cells."""

from collections.abc import Callable, Collection, Hashable
from typing import Any

from PyQt6.QtCore import (
    QByteArray,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QSettings,
    Qt,
    QTimer,
    pyqtSignal,
)
from PyQt6.QtGui import QGuiApplication, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QAbstractItemView, QMenu, QTableView, QWidget

from frontend.gui.delegates.text import PAD, TextDelegate
from fs_browser import theme
from fs_browser.stretches import runs
from fs_browser.table import Table

_MANY = 500  #: selected rows that are told of when the window has time, and kept as keys by us


_EDITING = QAbstractItemView.State.EditingState


class TableView(QTableView):
    """A view of a Table; `empty` is what it says while nothing is shown."""

    chose = pyqtSignal()  #: other rows are selected
    opened = pyqtSignal()  #: Enter was pressed on a row

    def __init__(self, model: Table[Any], name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = model
        self.empty: Callable[[], str] = lambda: ""
        self._name = name
        self._chosen: set[str] = set()  #: keys of columns that a person showed or hid
        self._seen: set[str] = set()  #: keys of columns that came into sight by themselves
        self.setObjectName(name)
        self.setModel(model)
        self.setItemDelegate(TextDelegate(self))
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setSortingEnabled(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self._set_up_heads()
        self._calm_head()
        self._kept: list[Hashable] | None = None  #: selected before much is rearranged
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.chose)
        chosen = self.selectionModel()
        assert chosen is not None
        chosen.selectionChanged.connect(self._tell)
        model.rearranging.connect(self._keep_selection)
        model.rearranged.connect(self._select_kept)
        model.counted.connect(self.repaint_empty)

    def _set_up_heads(self) -> None:
        rows, head = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None
        assert head is not None
        rows.hide()
        rows.setDefaultSectionSize(round(theme.em(self) * 1.75))
        head.setSectionsMovable(True)
        head.setHighlightSections(False)
        grows = any(column.grows for column in self.table.columns)
        head.setStretchLastSection(not grows)
        head.setSortIndicatorClearable(True)
        head.setSortIndicatorShown(True)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        head.sortIndicatorChanged.connect(self.table.sort)
        head.setSectionsClickable(True)
        head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head.customContextMenuRequested.connect(self._choose_columns)
        digit = self.fontMetrics().horizontalAdvance("0")
        for i, column in enumerate(self.table.columns):
            self.setColumnWidth(i, digit * column.width + 2 * PAD)
            self.setColumnHidden(i, not column.is_shown)

    def keep_rows(self, rows: int) -> None:
        """Never be lower than its head and so many rows."""
        down, head = self.verticalHeader(), self.horizontalHeader()
        assert down is not None
        assert head is not None
        self.setMinimumHeight(head.sizeHint().height() + rows * down.defaultSectionSize() + 2)

    def show_in_use(self, new: Collection[Any]) -> None:
        """Show columns that say something of these records, but those that a person hid."""
        for i, column in enumerate(self.table.columns):
            asked = column.is_shown_when
            if asked is None or column.key in self._chosen or column.key in self._seen:
                continue
            if any(map(asked, new)):
                self._seen.add(column.key)
                self.setColumnHidden(i, False)  # noqa: FBT003

    def draw_again(self, *keys: str) -> None:
        """Draw columns that grow old by themselves; nothing in the model changes for that."""
        port = self.viewport()
        for column in map(self.column, keys):
            if port is not None and self.isVisible():
                left, wide = self.columnViewportPosition(column), self.columnWidth(column)
                port.update(left, 0, wide, port.height())

    def _fill(self) -> None:
        """Give the column that grows what the others leave, but never less than its own."""
        port = self.viewport()
        for i, column in enumerate(self.table.columns):
            if not column.grows or self.isColumnHidden(i) or port is None:
                continue
            others = sum(self.columnWidth(at) for at in range(len(self.table.columns)) if at != i)
            least = self.fontMetrics().horizontalAdvance("0") * column.width + 2 * PAD
            self.setColumnWidth(i, max(least, port.width() - others))

    def _calm_head(self) -> None:
        """A head asks of every row whether it is selected, to tell when a column is."""
        head = self.horizontalHeader()
        if head is not None:
            head.setSelectionModel(QItemSelectionModel(self.table, self))

    def column(self, key: str) -> int:
        """The place of a column by its key; ValueError for unknown ones."""
        return [column.key for column in self.table.columns].index(key)

    # -- selection --------------------------------------------------------------------------

    def picked(self) -> list[Any]:
        """The selected records, from the top."""
        held = self.table.records
        return [held[key] for key in self.picked_keys()]

    def picked_keys(self) -> list[Any]:
        """The keys of the selected records, from the top."""
        found: list[Hashable] = []
        for first, last in self._ranges():
            found += self.table.keys(first, last)
        return found

    def settle(self) -> None:
        """Tell now of what is selected, where that was put off."""
        if self._later.isActive():
            self._later.stop()
            self.chose.emit()

    def _ranges(self) -> list[tuple[int, int]]:
        """The selected rows, from where to where, from the top.

        Asked for each selected row, Qt answers for 100,000 of them in seconds.
        """
        chosen = self.selectionModel()
        parts = chosen.selection() if chosen is not None else QItemSelection()
        found: list[tuple[int, int]] = []
        ends = ((parts[at].top(), parts[at].bottom()) for at in range(len(parts)))
        for first, last in sorted(ends):
            if found and first <= found[-1][1]:
                found[-1] = (found[-1][0], max(last, found[-1][1]))
            else:
                found.append((first, last))
        return found

    def _tell(self) -> None:
        if sum(last - first + 1 for first, last in self._ranges()) > _MANY:
            self._later.start()
        else:
            self._later.stop()
            self.chose.emit()

    def _keep_selection(self) -> None:
        """Take a large selection from Qt, which would hold on to each row of it by itself."""
        ranges, chosen = self._ranges(), self.selectionModel()
        if sum(last - first + 1 for first, last in ranges) <= _MANY or chosen is None:
            return
        self._kept = self.picked_keys()
        chosen.blockSignals(True)  # noqa: FBT003
        chosen.clearSelection()
        chosen.blockSignals(False)  # noqa: FBT003

    def _select_kept(self) -> None:
        chosen, kept = self.selectionModel(), self._kept
        if chosen is None or kept is None:
            return
        self._kept = None
        found, last = QItemSelection(), len(self.table.columns) - 1
        rows = self.table.rows_of(kept)
        for first, end in runs(rows):
            found.select(self.table.index(first, 0), self.table.index(end, last))
        chosen.blockSignals(True)  # noqa: FBT003
        chosen.select(found, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        chosen.blockSignals(False)  # noqa: FBT003
        if (port := self.viewport()) is not None:
            port.update()
        if len(rows) != len(kept):
            self._later.start()

    def select(self, key: object) -> None:
        """Select one row by its key, and bring it into sight."""
        row = self.table.row_of(key)
        chosen, index = self.selectionModel(), self.table.index(row, 0)
        if row >= 0 and chosen is not None:
            # Not selectRow, which does otherwise while a person holds Shift or Ctrl.
            alone = QItemSelectionModel.SelectionFlag.ClearAndSelect
            chosen.setCurrentIndex(index, alone | QItemSelectionModel.SelectionFlag.Rows)
            self.scrollTo(index)

    # -- what is remembered -----------------------------------------------------------------

    def remember(self, settings: QSettings) -> None:
        """Write down widths, order and what is hidden."""
        head = self.horizontalHeader()
        if head is not None:
            keys = ",".join(column.key for column in self.table.columns)
            chosen = ",".join(sorted(self._chosen))
            settings.setValue(f"tables/{self._name}", [keys, head.saveState(), chosen])

    def recall(self, settings: QSettings) -> None:
        """Look as it was remembered, where its columns are still the same."""
        said, head = settings.value(f"tables/{self._name}"), self.horizontalHeader()
        keys = ",".join(column.key for column in self.table.columns)
        if not isinstance(said, list) or len(said) != 3 or said[0] != keys or head is None:
            return
        self._chosen = set(str(said[2]).split(","))
        if isinstance(said[1], QByteArray) and head.restoreState(said[1]):
            self.table.sort(head.sortIndicatorSection(), head.sortIndicatorOrder())

    def _choose_columns(self, at: Any) -> None:
        head = self.horizontalHeader()
        menu = QMenu(self)
        for i, column in enumerate(self.table.columns):
            action = menu.addAction(column.title)
            assert action is not None
            action.setCheckable(True)
            action.setChecked(not self.isColumnHidden(i))
            action.toggled.connect(lambda is_on, i=i: self.show_column(i, is_on=is_on))
        assert head is not None
        menu.exec(head.mapToGlobal(at))

    def show_column(self, i: int, *, is_on: bool) -> None:
        """Show or hide a column, as a person wishes: it stays so."""
        self._chosen.add(self.table.columns[i].key)
        self.setColumnHidden(i, not is_on)
        self._fill()

    # -- Qt's events ------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Fills its width."""
        super().resizeEvent(event)
        self._fill()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Copies the selected rows as lines of tabs; Enter opens, F2 edits what can be edited."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and not event.modifiers() and self.state() != _EDITING:
            self.opened.emit()
            return
        clipboard = QGuiApplication.clipboard()
        if event.matches(QKeySequence.StandardKey.Copy) and clipboard is not None:
            clipboard.setText("\n".join(map(self._line, self.picked())))
            return
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self.select_current():
            return
        if event.key() == Qt.Key.Key_F2:
            self._edit_row()
            return
        super().keyPressEvent(event)

    def _edit_row(self) -> None:
        """Edit the row that keys are about, whichever of its columns is current."""
        row = self.currentIndex().row()
        columns = (i for i, column in enumerate(self.table.columns) if column.is_editable)
        seen = next((i for i in columns if not self.isColumnHidden(i)), None)
        chosen = self.selectionModel()
        if row >= 0 and seen is not None and chosen is not None:
            at = self.table.index(row, seen)
            chosen.setCurrentIndex(at, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.edit(at)

    def select_current(self) -> bool:
        """Select the row that keys are about, the first at first; False where some are selected."""
        chosen = self.selectionModel()
        if chosen is None or chosen.hasSelection() or not self.table.rowCount():
            return False
        self.selectRow(max(0, self.currentIndex().row()))
        return True

    def _line(self, record: Any) -> str:
        shown = [c for i, c in enumerate(self.table.columns) if not self.isColumnHidden(i)]
        return "\t".join(column.text(record) for column in shown)

    def repaint_empty(self) -> None:
        """Say again what there is to do, while nothing is shown."""
        port = self.viewport()
        if port is not None and not self.table.rowCount():
            port.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Says what to do while nothing is shown."""
        super().paintEvent(event)
        text = "" if self.table.rowCount(QModelIndex()) else self.empty()
        if not text:
            return
        port = self.viewport()
        assert port is not None
        painter = QPainter(port)
        painter.setPen(self.palette().placeholderText().color())
        room = port.rect().adjusted(24, 24, -24, -24)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
        painter.end()
