"""The page of what the farm did: charts of a day or week, and sums of all that is known."""

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QHideEvent, QShowEvent
from PyQt6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from frontend import words
from frontend.gui.desk import Desk
from frontend.gui.models import past
from frontend.gui.models.past import Past, PastReading
from frontend.gui.views.charts import Busy, Causes, Rates
from frontend.gui.views.tableview import TableView
from fs_browser import theme

_EVERY = 10.0  #: seconds between readings of what is new in the journals
_SPANS = {"Day": (24, 1), "Week": (168, 6)}


class HistoryPage(QWidget):
    """Throughput, use of machines, failures; reads only while it is seen."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._is_in_sight = False  #: read by the reader's thread
        self._past: Past | None = None
        self.rates, self.busy, self.causes = Rates(), Busy(), Causes()
        self.machines_table, self.jobs_table = past.table("Machine"), past.table("Job")
        self.machines = TableView(self.machines_table, "past-machines")
        self.jobs = TableView(self.jobs_table, "past-jobs")
        self.about = QLabel("Reading the journals …")
        self.spans: dict[str, QToolButton] = {}
        self._lay_out()
        reading = PastReading(
            desk.settings, lambda: self._is_in_sight, desk.clock.now, desk.slots_read
        )
        self.reader = desk.read("history", reading, _EVERY)
        self.reader.arrived.connect(self._take)
        self.reader.failed.connect(self._fail)

    def _lay_out(self) -> None:
        em = theme.em(self)
        self.about.setTextFormat(Qt.TextFormat.PlainText)
        self.about.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        bar = QHBoxLayout()
        bar.setContentsMargins(round(em / 2), round(em / 4), round(em / 2), round(em / 4))
        group = QButtonGroup(self)
        for title in _SPANS:
            button = QToolButton()
            button.setText(title)
            button.setCheckable(True)
            button.setToolTip(f"Show the last {title.lower()}")
            group.addButton(button)
            self.spans[title] = button
            bar.addWidget(button)
        self.spans["Day"].setChecked(True)
        group.buttonClicked.connect(lambda _button: self._show())
        bar.addSpacing(round(em / 2))
        bar.addWidget(self.about, 1)
        tables = QTabWidget()
        tables.setDocumentMode(True)
        if (tab_bar := tables.tabBar()) is not None:
            tab_bar.setDrawBase(False)
        tables.addTab(self.machines, "By machine")
        tables.addTab(self.jobs, "By job")
        for view in (self.machines, self.jobs):
            view.empty = lambda: "The journals say nothing yet."
        scroll = QScrollArea()
        scroll.setWidget(self.busy)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        left = QSplitter(Qt.Orientation.Vertical)
        right = QSplitter(Qt.Orientation.Vertical)
        for column, parts in ((left, (self.rates, scroll)), (right, (self.causes, tables))):
            for part in parts:
                column.addWidget(part)
            column.setChildrenCollapsible(False)
        left.setSizes([round(em * 16), round(em * 16)])
        right.setSizes([round(em * 11), round(em * 21)])
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(left)
        both.addWidget(right)
        both.setSizes([round(em * 40), round(em * 36)])
        both.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(bar)
        whole.addWidget(both, 1)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Begins to read."""
        self._is_in_sight = True
        self.reader.hurry()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802
        """Reads no more."""
        self._is_in_sight = False
        super().hideEvent(event)

    def _take(self, found: Past | None) -> None:
        if found is not None:
            self._past = found
            self._show()

    def _fail(self, error: object) -> None:
        self.about.setText(f"The journals cannot be read: {error}")

    def _show(self) -> None:
        found = self._past
        if found is None:
            return
        title = next(title for title, button in self.spans.items() if button.isChecked())
        hours, step = _SPANS[title]
        self.rates.span(found.hour, hours, step)
        self.busy.span(found.hour, hours, step)
        self.rates.values = found.rates(hours, step)
        self.busy.show_rows(found.shares(hours, step))
        self.causes.rows = found.failures(hours)
        for chart in (self.rates, self.busy, self.causes):
            chart.update()
        for held, rows in ((self.machines_table, found.machines), (self.jobs_table, found.jobs)):
            held.show({row.key: row for row in rows})
        self.about.setText(self._summary(found, hours))

    def _summary(self, found: Past, hours: int) -> str:
        frames = round(sum(found.rates(hours)))
        failed = sum(number for _, number in found.failures(hours))
        parts = [words.plural(frames, "frame"), f"{frames / hours:,.1f} an hour"]
        parts += [f"{words.plural(failed, 'attempt')} failed"] if failed else []
        span = "day" if hours == 24 else "week"
        return f"Last {span}: {', '.join(parts)}"
