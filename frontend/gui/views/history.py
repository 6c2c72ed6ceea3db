"""The page of what the farm did: charts of a day or week, and sums of all that is known."""

from datetime import datetime

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
from frontend.figures import HOUR
from frontend.gui.desk import Desk
from frontend.gui.models import past
from frontend.gui.models.past import Past, PastReading, Scope
from frontend.gui.views.charts import Busy, Causes, Rates
from frontend.gui.views.tableview import TableView
from fs_browser import theme
from renderd.core.amounts import plural
from renderd.core.label import label

_EVERY = 10.0  #: seconds between readings of what is new in the journals
_MANY = 20  #: frames an hour from which tenths say nothing
_SPANS = {"Day": (24, 1), "Week": (168, 6)}


class HistoryPage(QWidget):
    """Throughput, use of machines, failures; reads only while it is seen."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._is_in_sight = False  #: read by the reader's thread
        self._past: Past | None = None
        self._scope = Scope()  #: read by the reader's thread, replaced as a whole
        self._desk = desk
        self.rates, self.busy, self.causes = Rates(), Busy(), Causes()
        self.machines_table, self.jobs_table = past.table("Machine"), past.table("Job")
        self.machines = TableView(self.machines_table, "past-machines")
        self.jobs = TableView(self.jobs_table, "past-jobs")
        self.about = QLabel("Reading the journals …")
        self.spans: dict[str, QToolButton] = {}
        self.scope_button = QToolButton()
        self._lay_out()
        self._connect()
        reading = PastReading(
            desk.settings,
            lambda: self._is_in_sight,
            desk.clock.now,
            desk.slots_read,
            lambda: self._scope,
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
        self.scope_button.setToolTip("Add up all again")
        self.scope_button.setCheckable(True)
        self.scope_button.hide()
        bar.addWidget(self.scope_button)
        tables = QTabWidget()
        tables.setDocumentMode(True)
        if (tab_bar := tables.tabBar()) is not None:
            tab_bar.setDrawBase(False)
        tables.addTab(self.machines, "By machine")
        tables.addTab(self.jobs, "By job")
        for view in (self.machines, self.jobs):
            view.empty = self._nothing
        self.tables = tables
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

    def _connect(self) -> None:
        self.rates.picked.connect(lambda hours: self._choose(Scope(hours=hours)))
        self.busy.picked.connect(lambda host: self._choose(Scope(host=host)))
        self.causes.picked.connect(lambda cause: self._choose(Scope(cause=cause)))
        self.scope_button.clicked.connect(lambda: self._choose(self._scope))
        for begun in (self.machines.opened, self.machines.doubleClicked):
            begun.connect(self._choose_machine)
        for begun in (self.jobs.opened, self.jobs.doubleClicked):
            begun.connect(self._show_job)

    def _choose(self, scope: Scope) -> None:
        """Add up only these; all again where they are chosen already."""
        self._scope = scope = Scope() if scope == self._scope else scope
        for chart, chosen in (
            (self.rates, scope.hours),
            (self.busy, scope.host),
            (self.causes, scope.cause),
        ):
            chart.chosen = chosen or None
            chart.update()
        if scope.cause or scope.host:
            self.tables.setCurrentWidget(self.jobs)
        words = scope.host or scope.cause or (self._when(scope.hours) if scope.hours else "")
        self.scope_button.setText(f"Only {label(words, 50)}  ✕")
        self.scope_button.setChecked(True)
        self.scope_button.setVisible(bool(scope))
        self.reader.hurry()

    def _when(self, hours: tuple[int, int]) -> str:
        first, last = (datetime.fromtimestamp(hour * HOUR) for hour in hours)
        return f"{first:%a %H:%M}–{last:%H:%M}"

    def _choose_machine(self) -> None:
        for row in self.machines.picked()[:1]:
            self._choose(Scope(host=row.key))

    def _show_job(self) -> None:
        for row in self.jobs.picked()[:1]:
            self._desk.job_wanted.emit(row.key)

    def _nothing(self) -> str:
        if self._desk.why:
            return "The farm cannot be read now."
        if self._past is None:
            return "Reading the journals …"
        return "Nothing of it." if self._scope else "The journals say nothing yet."

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
        if found is None or found.scope != self._scope:
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
        since = found.since(hours)
        known = max(found.now - since, 60.0) / HOUR
        rate = frames / known
        said = f"{rate:,.0f}" if rate >= _MANY else f"{rate:,.1f}"
        parts = [plural(frames, "frame"), f"{said} an hour"]
        parts += [f"{plural(failed, 'attempt')} failed"] if failed else []
        span = f"Last {'day' if hours == 24 else 'week'}"
        if found.first > found.now - hours * HOUR:
            span = f"Since {words.moment(found.first, found.now)}"
        return f"{span}: {', '.join(parts)}" if found.first else "Nothing was rendered yet"
