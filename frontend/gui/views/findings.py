"""What the pre-flight found, and buttons for what can be done about it."""

from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from frontend.gui.delegates.severity import SeverityDelegate
from frontend.gui.models.findings import Act, Row
from frontend.gui.views.tableview import TableView
from fs_browser import theme
from fs_browser.table import Table


class FindingsView(QWidget):
    """The table; below it what helps against the selected finding."""

    asked = pyqtSignal(object, object)  #: Act, Row

    def __init__(self, model: Table[Row], acts: Callable[[Row], tuple[Act, ...]]) -> None:
        super().__init__()
        self._acts = acts
        self.view = TableView(model, "findings")
        self.view.setAccessibleName("What was found")
        self.view.setItemDelegateForColumn(0, SeverityDelegate(self.view))
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setMinimumHeight(round(theme.em(self) * 4))
        head = self.view.horizontalHeader()
        assert head is not None
        head.hide()
        self.remedy = QLabel()
        self.remedy.setTextFormat(Qt.TextFormat.PlainText)
        self.remedy.setWordWrap(True)
        self.remedy.setMinimumWidth(round(theme.em(self) * 12))
        self.buttons: dict[Act, QPushButton] = {}
        self._bar = QHBoxLayout()
        self._bar.addWidget(self.remedy, 1)
        for act in Act:
            button = QPushButton(str(act))
            button.setAutoDefault(False)
            button.clicked.connect(partial(self._ask, act))
            button.hide()
            self.buttons[act] = button
            self._bar.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view, 1)
        column.addLayout(self._bar)
        chosen = self.view.selectionModel()
        assert chosen is not None
        chosen.selectionChanged.connect(self.refresh)
        model.counted.connect(self._start)

    def _start(self) -> None:
        """Select the worst where nothing is."""
        if not self.view.picked() and self.view.table.rowCount():
            self.view.selectRow(0)
        self.refresh()

    def refresh(self) -> None:
        """Show what helps against what is selected."""
        row = self._picked()
        offered = self._acts(row) if row is not None else ()
        self.remedy.setText(f"→ {row.remedy}" if row is not None and row.remedy else "")
        for act, button in self.buttons.items():
            button.setVisible(act in offered)

    def _picked(self) -> Row | None:
        found = self.view.picked()
        return found[0] if found else None

    def _ask(self, act: Act, _checked: bool = False) -> None:
        if (row := self._picked()) is not None:
            self.asked.emit(act, row)
