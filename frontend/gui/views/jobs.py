"""The page of jobs: filter above, jobs, and the chunks of the selected one below."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from PyQt6.QtCore import (
    QByteArray,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QSettings,
    Qt,
)
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QApplication,
    QMenu,
    QSpinBox,
    QSplitter,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from frontend import words
from frontend.gui.deeds.jobs import set_priority
from frontend.gui.delegates.bars import BarDelegate
from frontend.gui.delegates.state import StateDelegate
from frontend.gui.delegates.text import InkDelegate, TextDelegate
from frontend.gui.desk import Desk
from frontend.gui.models.news import News
from frontend.gui.views.chunkpane import ChunkPane
from frontend.gui.views.filterbar import JOBS, FilterBar
from frontend.gui.views.tableview import TableView
from fs_browser.table import RECORD
from renderd.spool.records import JobView

_AWAY = "The farm cannot be read now.\n\nIts jobs show again as soon as it can."
_LEAST_ROWS = 4  #: of each table that stay in sight
_SPLIT = "window/split"


class JobsPage(QWidget):
    """Jobs and chunks; tells the desk what is selected."""

    def __init__(
        self, desk: Desk, fill: Callable[[QMenu], None], fill_chunks: Callable[[QMenu], None]
    ) -> None:
        super().__init__()
        self._desk = desk
        self._fills = {"jobs": fill, "chunks": fill_chunks}
        self._awaited: set[str] = set()  #: queued here, and not in the table yet
        self.jobs = TableView(desk.jobs, "jobs")
        self.jobs.setAccessibleName("Jobs")
        self.jobs.empty = self._nothing
        self.jobs.setItemDelegateForColumn(self.jobs.column("state"), StateDelegate(self.jobs))
        self.jobs.setItemDelegateForColumn(self.jobs.column("progress"), BarDelegate(self.jobs))
        self.jobs.setItemDelegateForColumn(self.jobs.column("ready"), InkDelegate(self.jobs))
        priority = PriorityDelegate(desk, self.jobs)
        self.jobs.setItemDelegateForColumn(self.jobs.column("priority"), priority)
        self.pane = ChunkPane(desk)
        self.chunks = self.pane.view
        self.bar: FilterBar[JobView] = FilterBar(JOBS)
        self.search = self.bar.search
        self.states = self.bar.states
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self._find)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.jobs)
        self.split.addWidget(self.pane)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 2)
        self.split.setChildrenCollapsible(False)
        for view in (self.jobs, self.chunks):
            view.keep_rows(_LEAST_ROWS)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(self.split, 1)

    def _connect(self) -> None:
        self.bar.changed.connect(self._filter)
        self.bar.left.connect(self._go_to_found)
        for view, told in ((self.jobs, self._jobs_picked), (self.chunks, self._chunks_picked)):
            view.chose.connect(told)
            self._desk.settling.connect(view.settle)
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(partial(self._show_menu, view))
            view.doubleClicked.connect(self._open_log)
            view.opened.connect(self._desk.log_wanted)
        self._desk.added.connect(self.await_jobs)
        self._desk.told.connect(self._pick_awaited)
        self._desk.told.connect(self._count)
        self._desk.trouble.connect(self.jobs.repaint_empty)
        self._filter()

    def _find(self) -> None:
        """Go to the filter of the table that has the focus, else to that of jobs."""
        focus, chunks = QApplication.focusWidget(), self.pane.bar
        is_below = focus is not None and self.pane.isAncestorOf(focus) and chunks.isVisible()
        box = chunks.search if is_below else self.search
        box.setFocus(Qt.FocusReason.ShortcutFocusReason)
        box.selectAll()

    def _count(self, news: News) -> None:
        self.bar.count(Counter(map(words.shown_state, self._desk.jobs.records.values())))
        self.jobs.show_in_use(news.jobs.put.values())
        self.jobs.draw_again("elapsed", "age")

    def _filter(self) -> None:
        self._desk.jobs.filter(self.bar.test())

    def _go_to_found(self) -> None:
        self.jobs.setFocus()
        self.jobs.select_current()

    def remember(self, settings: QSettings) -> None:
        """Write down what is filtered, and how the tables share the room."""
        self.bar.remember(settings)
        self.pane.remember(settings)
        settings.setValue(_SPLIT, self.split.saveState())

    def recall(self, settings: QSettings) -> None:
        """Look as it was remembered."""
        self.bar.recall(settings)
        self.pane.recall(settings)
        if isinstance(value := settings.value(_SPLIT), QByteArray):
            self.split.restoreState(value)

    def await_jobs(self, jids: Sequence[str]) -> None:
        """Select these as soon as they are in the table, for the keys that come next."""
        self.jobs.setFocus()
        self._awaited = set(jids)
        self._pick_awaited()

    def _pick_awaited(self) -> None:
        table = self._desk.jobs
        if not self._awaited or not self._awaited <= table.records.keys():
            return
        if any(table.row_of(jid) < 0 for jid in self._awaited):
            self.search.clear()
        found = QItemSelection()
        for row in sorted(table.row_of(jid) for jid in self._awaited):
            if row >= 0:
                found.select(table.index(row, 0), table.index(row, 0))
        self._awaited = set()
        chosen, flags = self.jobs.selectionModel(), QItemSelectionModel.SelectionFlag
        if not found.isEmpty() and chosen is not None:
            first = found.indexes()[0]
            chosen.setCurrentIndex(first, flags.NoUpdate)
            chosen.select(found, flags.ClearAndSelect | flags.Rows)
            self.jobs.scrollTo(first)

    def _jobs_picked(self) -> None:
        self._desk.pick(jobs=self.jobs.picked_keys())

    def _chunks_picked(self) -> None:
        self._desk.pick(chunks=self.chunks.picked_keys())

    def _open_log(self, index: QModelIndex) -> None:
        if not index.flags() & Qt.ItemFlag.ItemIsEditable:
            self._desk.log_wanted.emit()

    def _show_menu(self, view: TableView, at: QPoint) -> None:
        menu = QMenu(self)
        self._fills[view.objectName()](menu)
        port = view.viewport()
        assert port is not None
        menu.exec(port.mapToGlobal(at))

    def _nothing(self) -> str:
        if self._desk.jobs.total:
            return "No job passes the filter."
        if not self._desk.settings.spool:
            return "No farm yet.\n\nFarm ▸ Set up a farm… takes a minute."
        if self._desk.why:
            return _AWAY
        if not self._desk.farm.has_read:
            return "Reading the farm …"
        return "No jobs yet.\n\nDrop .blend files here, or press Ctrl+O to choose some."


class PriorityDelegate(TextDelegate):
    """Edits a priority in its cell."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk

    def createEditor(  # noqa: N802
        self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget:
        """As Qt asks."""
        box = QSpinBox(parent)
        box.setObjectName("priority")
        box.setRange(0, 99)
        box.setFrame(False)
        return box

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:  # noqa: N802
        """As Qt asks."""
        if isinstance(editor, QSpinBox):
            editor.setValue(index.data(RECORD).priority)

    def setModelData(  # noqa: N802
        self, editor: QWidget | None, model: object, index: QModelIndex
    ) -> None:
        """As Qt asks: an errand to the spool, whose answer changes the table."""
        if isinstance(editor, QSpinBox):
            set_priority(self._desk, index.data(RECORD), editor.value())
