"""The chunks of the selected job, with a filter above them."""

from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from frontend.gui.delegates.bars import BarDelegate
from frontend.gui.delegates.state import StateDelegate
from frontend.gui.desk import Desk
from frontend.gui.models.chunks import ChunkRow
from frontend.gui.views.filterbar import CHUNKS, FilterBar
from frontend.gui.views.tableview import TableView

_PUT_AWAY = "The farm keeps the chunks of a finished job for a while only."


class ChunkPane(QWidget):
    """A filter and a table; the filter is there while there are chunks."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.view = TableView(desk.chunks, "chunks")
        self.view.setAccessibleName("Chunks of the selected job")
        self.view.empty = self._nothing
        state, doing = map(self.view.column, ("state", "doing"))
        self.view.setItemDelegateForColumn(state, StateDelegate(self.view))
        self.view.setItemDelegateForColumn(doing, BarDelegate(self.view))
        self.bar: FilterBar[ChunkRow] = FilterBar(CHUNKS)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(self.view, 1)
        self.setFocusProxy(self.view)
        self.bar.changed.connect(self._filter)
        self.bar.left.connect(self._go_to_found)
        desk.failed_wanted.connect(self.go_to_failed)
        desk.chunks_told.connect(self._count)
        desk.chunks.counted.connect(self._show_bar)
        self._filter()
        self._show_bar()

    def _filter(self) -> None:
        self._desk.chunks.filter(self.bar.test())

    def _go_to_found(self) -> None:
        self.view.setFocus()
        self.view.select_current()

    def go_to_failed(self) -> None:
        """Select the next chunk below that failed, from the top after the last."""
        table, button = self._desk.chunks, self.bar.states["fail"]
        if not button.isChecked():
            button.setChecked(True)
        keys = table.keys(0, table.rowCount() - 1)
        begin = self.view.currentIndex().row() + 1
        failed = (key for key in keys[begin:] + keys[:begin] if table.records[key].state == "fail")
        self.view.select(next(failed, None))

    def _count(self) -> None:
        self.bar.count(self._desk.chunk_counts())

    def _show_bar(self) -> None:
        self.bar.setVisible(bool(self._desk.chunks.total))

    def remember(self, settings: QSettings) -> None:
        """Write down what is filtered."""
        self.bar.remember(settings)

    def recall(self, settings: QSettings) -> None:
        """Ask what was asked."""
        self.bar.recall(settings)

    def _nothing(self) -> str:
        if self._desk.chunks.total:
            return "No chunk passes the filter."
        job = self._desk.job_shown()
        if job is None:
            return "Select a job to see its chunks." if self._desk.jobs.total else ""
        is_put_away = job.state == "done" and self._desk.chunks_read()[0] == job.jid
        return _PUT_AWAY if is_put_away else ""
