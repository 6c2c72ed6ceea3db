"""Questions to the person at the window, and longer answers in a window of their own."""

from collections.abc import Sequence
from functools import partial

from PyQt6.QtCore import QModelIndex, Qt, QUrl
from PyQt6.QtGui import QDesktopServices, QGuiApplication
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from frontend.gui.asking import Check, Report
from frontend.gui.views.browse import browse
from fs_browser import theme
from fs_browser.core.kinds import Kind


class Person:
    """Asks in dialogs of a window."""

    def __init__(self, window: QWidget) -> None:
        self._window = window

    def confirm(self, title: str, says: str, yes: str) -> bool:
        """As `Ask`: no is what Enter does."""
        box = QMessageBox(QMessageBox.Icon.Question, "Render", title, parent=self._window)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(says)
        does = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
        no = box.addButton("Keep it", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        box.exec()
        return box.clickedButton() is does

    def line(self, title: str, says: str, value: str, check: Check) -> str | None:
        """As `Ask`: what is wrong stands below what is typed."""
        dialog = LineDialog(self._window, title, says, check)
        dialog.entry.setText(value)
        dialog.entry.selectAll()
        return dialog.entry.text().strip() if dialog.exec() else None

    def files(
        self, folder: str, kinds: Sequence[Kind], *, multiple: bool = False, save_name: str = ""
    ) -> Sequence[str]:
        """As `Ask`."""
        return browse(self._window, folder, kinds, multiple=multiple, save_name=save_name)

    def copy(self, text: str) -> None:
        """As `Ask`."""
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(text)

    def open(self, path: str) -> None:
        """As `Ask`."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(path))


class LineDialog(QDialog):
    """A line of text that is checked while it is typed."""

    def __init__(self, parent: QWidget, title: str, says: str, check: Check) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._check = check
        words = QLabel(says)
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        self.entry = QLineEdit()
        self.entry.setAccessibleName(title)
        self.wrong = QLabel()
        self.wrong.setTextFormat(Qt.TextFormat.PlainText)
        self.wrong.setWordWrap(True)
        self.wrong.setStyleSheet(f"color: {theme.of().colours.failed}")
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for one in (words, self.entry, self.wrong, self.buttons):
            column.addWidget(one)
        self.setMinimumWidth(round(theme.em(self) * 28))
        self.entry.textChanged.connect(self._judge)
        self._judge("")

    def _judge(self, _text: str) -> None:
        wrong = self._check(self.entry.text().strip())
        self.wrong.setText(wrong)
        does = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        assert does is not None
        does.setEnabled(not wrong)


class ReportDialog(QDialog):
    """A longer answer: its sentence, its table, and what can be done about it."""

    def __init__(self, parent: QWidget, report: Report) -> None:
        super().__init__(parent)
        self.setWindowTitle(report.title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        words = QLabel(report.says)
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.addWidget(words)
        if report.rows:
            column.addWidget(_table(report), 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        for offer in report.offers:
            button = buttons.addButton(offer.title, QDialogButtonBox.ButtonRole.ActionRole)
            assert button is not None
            button.clicked.connect(partial(self._take, offer.do))
        column.addWidget(buttons)
        em = theme.em(self)
        wide = round(em * 44)
        tall = words.heightForWidth(wide - round(em * 2)) + round(em * 5)
        self.resize(wide, tall + round(em * 2 * min(len(report.rows) + 1, 13) * bool(report.rows)))

    def _take(self, do: object, *_: object) -> None:
        assert callable(do)
        do()
        self.accept()


def _table(report: Report) -> QTableWidget:
    table = QTableWidget(len(report.rows), len(report.heads))
    table.setHorizontalHeaderLabels(list(report.heads))
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    for row, cells in enumerate(report.rows):
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(row, column, item)
    rows, heads = table.verticalHeader(), table.horizontalHeader()
    assert rows is not None
    assert heads is not None
    rows.hide()
    heads.setHighlightSections(False)
    heads.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    heads.setStretchLastSection(True)
    heads.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    table.resizeColumnsToContents()
    gap = round(theme.em(table))
    for column in range(len(report.heads)):
        table.setColumnWidth(column, table.columnWidth(column) + gap)
    table.setCurrentIndex(QModelIndex())
    return table
