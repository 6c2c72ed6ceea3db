"""What the doctor found of a folder: one line where all is well, and what to change where not."""

from collections.abc import Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from frontend.founding import Finding
from fs_browser import icons, theme
from renderd.core.amounts import plural
from renderd.core.label import label

_SIGNS = {"ok": ("ok", "done"), "warn": ("warning", "warning"), "bad": ("error", "failed")}
_ORDER = ("bad", "warn", "ok")


class Checks(QWidget):
    """The sum first; the single checks on demand, those that did not pass at once."""

    def __init__(self) -> None:
        super().__init__()
        self._found: Sequence[Finding] = ()
        self.sum = QLabel()
        self.sum.setTextFormat(Qt.TextFormat.PlainText)
        self.sum.setWordWrap(True)
        self.more = QPushButton()
        self.more.setCheckable(True)
        self.more.toggled.connect(self._show)
        self.list = QTreeWidget()
        self.list.setAccessibleName("What the doctor found")
        self.list.setHeaderLabels(["What was tried", "Found"])
        self.list.setRootIsDecorated(False)
        self.list.setWordWrap(True)
        self.list.setColumnWidth(0, round(theme.em(self) * 11))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(round(theme.em(self) * 0.6))
        column.addWidget(self.sum)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.list, 1)
        column.addStretch(0)
        self.clear()

    @property
    def bad(self) -> int:
        """How many checks say that this folder cannot carry a farm."""
        return sum(one.verdict == "bad" for one in self._found)

    def clear(self) -> None:
        """Show nothing: they are being made."""
        self._found = ()
        self.list.clear()
        self.list.hide()
        self.more.hide()
        self.sum.setText("")

    def show_findings(self, found: Sequence[Finding]) -> None:
        """Show what was found, worst first."""
        self._found = sorted(found, key=lambda one: _ORDER.index(one.verdict))
        good = sum(one.verdict == "ok" for one in found)
        doubtful = len(found) - good - self.bad
        said = [f"✔ {plural(good, 'check')} passed."]
        if doubtful:
            said.append(f"⚠ {doubtful} worth a look: it works, with less speed or safety.")
        if self.bad:
            said.append(f"✘ {self.bad} to change before anything can be rendered here:")
        self.sum.setText("\n".join(said))
        self.more.setVisible(bool(good))
        self._show()

    def _show(self) -> None:
        is_all = self.more.isChecked()
        self.more.setText("Fewer details ▾" if is_all else "Details ▸")
        self.list.clear()
        for one in self._found:
            if is_all or one.verdict != "ok":
                self.list.addTopLevelItem(_row(one))
        self.list.setVisible(self.list.topLevelItemCount() > 0)


def _row(one: Finding) -> QTreeWidgetItem:
    says = label(f"{one.measured}; {one.advice}" if one.advice else one.measured, 400)
    row = QTreeWidgetItem([label(one.name, 40), says])
    sign, ink = _SIGNS[one.verdict]
    row.setIcon(0, icons.icon(sign, getattr(theme.of().colours, ink)))
    row.setToolTip(1, says)
    row.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{one.verdict}: {one.name}")
    return row
