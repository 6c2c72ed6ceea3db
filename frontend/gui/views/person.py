"""Questions to the person at the window, and longer answers in a window of their own."""

from collections.abc import Sequence
from functools import partial

from PyQt6.QtCore import QModelIndex, Qt, QUrl
from PyQt6.QtGui import QColor, QDesktopServices, QGuiApplication
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from frontend.gui.asking import Check, Field, Report
from frontend.gui.views.browse import browse
from fs_browser import theme
from fs_browser.core.kinds import Kind

_MEASURED = 100  #: rows by which columns get their widths


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
        field = Field(title="", value=value, check=check)
        typed = self.form(title, says, [field])
        return None if typed is None else typed[0]

    def form(self, title: str, says: str, fields: Sequence[Field]) -> Sequence[str] | None:
        """As `Ask`."""
        dialog = FormDialog(self._window, title, says, fields)
        typed = dialog.typed() if dialog.exec() else None
        dialog.deleteLater()
        return typed

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


class FormDialog(QDialog):
    """Lines of text that are checked while they are typed."""

    def __init__(self, parent: QWidget, title: str, says: str, fields: Sequence[Field]) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._fields = fields
        words, self.wrong = _words(says), _words("")
        self.entries = [QLineEdit(field.value) for field in fields]
        form = QFormLayout()
        for field, entry in zip(fields, self.entries, strict=True):
            entry.setAccessibleName(field.title or title)
            entry.setPlaceholderText(field.hint)
            entry.textChanged.connect(self._judge)
            if field.title:
                form.addRow(field.title, entry)
            else:
                form.addRow(entry)
        self.entries[0].selectAll()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(words)
        column.addLayout(form)
        column.addWidget(self.wrong)
        column.addWidget(self.buttons)
        self.setMinimumWidth(round(theme.em(self) * 28))
        self._judge()

    def typed(self) -> list[str]:
        """The text of each line."""
        return [entry.text().strip() for entry in self.entries]

    def _judge(self) -> None:
        checks = (f.check(text) for f, text in zip(self._fields, self.typed(), strict=True))
        wrong = next(filter(None, checks), "")
        self.wrong.setText(wrong)
        is_new = self.typed() == [field.value for field in self._fields]
        colours = theme.of().colours
        ink = colours.faint if is_new else colours.failed  # nobody did anything wrong yet
        self.wrong.setStyleSheet(f"color: {ink}")
        does = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        assert does is not None
        does.setEnabled(not wrong)


class ReportDialog(QDialog):
    """A longer answer: its sentence, its table, and what can be done about it."""

    def __init__(self, parent: QWidget, report: Report) -> None:
        super().__init__(parent)
        self.setWindowTitle(report.title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.offers: dict[str, QPushButton] = {}
        self.table: QTableWidget | None = None
        self._whole = QVBoxLayout(self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._shown = QWidget()
        self.show_report(report)
        em = theme.em(self)
        wide = round(em * 44)
        said = sum(one.heightForWidth(wide - round(em * 2)) for one in self._said)
        rows = round(em * 2 * min(len(report.rows) + 1, 13)) * bool(report.rows)
        self.resize(wide, said + round(em * 5) + rows)

    def show_report(self, report: Report) -> None:
        """Show another answer in place of the one before."""
        self._whole.removeWidget(self._shown)
        self._shown.deleteLater()
        self._shown, self.offers, self.table = QWidget(), {}, None
        column = QVBoxLayout(self._shown)
        says = _words(report.says)
        font = says.font()
        font.setBold(bool(report.more or report.rows))
        says.setFont(font)
        self._said = [says, *([_words(report.more)] if report.more else [])]
        for words in self._said:
            column.addWidget(words)
        if report.rows:
            self.table = _table(report)
            column.addWidget(self.table, 1)
        else:
            column.addStretch(1)
        column.addWidget(self._buttons(report))
        self._whole.addWidget(self._shown)

    def _buttons(self, report: Report) -> QDialogButtonBox:
        made = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        made.rejected.connect(self.reject)
        for offer in report.offers:
            button = made.addButton(offer.title, QDialogButtonBox.ButtonRole.ActionRole)
            assert button is not None
            button.clicked.connect(partial(self._take, offer.do))
            self.offers[offer.title] = button
        if report.again is not None:
            button = made.addButton("Look again", QDialogButtonBox.ButtonRole.ResetRole)
            assert button is not None
            button.setShortcut("F5")
            button.setToolTip("Ask once more (F5)")
            button.clicked.connect(report.again)
            self.offers[button.text()] = button
        for other in self.offers.values():
            other.setAutoDefault(False)  # Enter closes
        close = made.button(QDialogButtonBox.StandardButton.Close)
        assert close is not None
        close.setDefault(True)
        close.setFocus()
        return made

    def _take(self, do: object, *_: object) -> None:
        assert callable(do)
        do()
        self.accept()


def _words(text: str) -> QLabel:
    """Text that may hold anything, in as many lines as it needs."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


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
    for row, ink in enumerate(report.inks):
        if (told := table.item(row, 1)) is not None:
            told.setForeground(QColor(getattr(theme.of().colours, ink)))
    rows, heads = table.verticalHeader(), table.horizontalHeader()
    assert rows is not None
    assert heads is not None
    rows.hide()
    heads.setHighlightSections(False)
    heads.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    heads.setStretchLastSection(True)
    heads.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    heads.setResizeContentsPrecision(_MEASURED)
    table.resizeColumnsToContents()
    gap = round(theme.em(table))
    for column in range(len(report.heads)):
        table.setColumnWidth(column, table.columnWidth(column) + gap)
    table.setCurrentIndex(QModelIndex())
    return table
