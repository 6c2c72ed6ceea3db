"""The text of a log: follows its end, colours what tells of trouble, finds words."""

from collections.abc import Iterable
from itertools import groupby

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFontDatabase,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PyQt6.QtWidgets import QPlainTextEdit, QTextEdit

from frontend.gui.models.logs import Line
from fs_browser import theme

_MOST_LINES = 50_000  #: kept of a log that is followed
_MOST_MARKED = 1000  #: finds that are marked at once


class LogText(QPlainTextEdit):
    """Lines that are added at the end; what a person reads stays where it is."""

    counted = pyqtSignal(int, int)  #: which find is chosen, from 1; how many there are

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setMaximumBlockCount(_MOST_LINES)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        letters = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        letters.setPointSizeF(self.font().pointSizeF())
        self.setFont(letters)
        self._paper().setDocumentMargin(round(theme.em(self) / 2))
        self.setAccessibleName("Log")
        self._cause: QTextCursor | None = None
        self.cause: Line | None = None  #: the line that most likely says why it failed
        self._sought = ""
        self._has_lines = False

    def wrap(self, is_on: bool) -> None:
        """Break lines that are too long, or let them be scrolled."""
        mode = QPlainTextEdit.LineWrapMode
        self.setLineWrapMode(mode.WidgetWidth if is_on else mode.NoWrap)

    # -- lines ------------------------------------------------------------------------------

    def show_lines(self, lines: Iterable[Line]) -> None:
        """Show these and no others, the end in sight."""
        self.clear()
        self._has_lines, self.cause, self._cause = False, None, None
        self.add(lines)
        self.follow()

    def add(self, lines: Iterable[Line]) -> None:
        """Add lines at the end; stays at the end where it is there."""
        follows = self.is_at_end()
        formats = _formats()
        cursor = self._end()
        cursor.beginEditBlock()
        for tone, run in groupby(lines, key=lambda line: line.tone):
            for part in _parts(list(run), apart=bool(tone)):
                if self._has_lines:
                    cursor.insertBlock()
                cursor.insertText("\n".join(line.text for line in part), formats[tone])
                self._has_lines = True
                self._weigh(part[-1], cursor)
        cursor.endEditBlock()
        if follows:
            self.follow()
        if self._sought:
            self._mark()

    def _weigh(self, line: Line, cursor: QTextCursor) -> None:
        if line.weight > (self.cause.weight if self.cause else 0):
            self.cause = line
            self._cause = QTextCursor(cursor.block())
            self._cause.setKeepPositionOnInsert(True)

    def _end(self) -> QTextCursor:
        cursor = QTextCursor(self._paper())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        return cursor

    def _paper(self) -> QTextDocument:
        found = self.document()
        assert found is not None
        return found

    def is_at_end(self) -> bool:
        """Whether its last line is in sight."""
        bar = self.verticalScrollBar()
        return bar is None or bar.value() >= bar.maximum() - 1

    def follow(self) -> None:
        """Bring the last line into sight."""
        bar, across = self.verticalScrollBar(), self.horizontalScrollBar()
        if bar is not None and across is not None:
            bar.setValue(bar.maximum())
            across.setValue(0)

    def show_cause(self) -> None:
        """Bring the line into sight that most likely says why it failed."""
        if self._cause is None:
            return
        found = QTextCursor(self._cause)
        found.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(found)
        self.centerCursor()
        across = self.horizontalScrollBar()
        if across is not None:
            across.setValue(0)

    # -- finding ----------------------------------------------------------------------------

    def seek(self, words: str) -> None:
        """Mark every place of some words, and choose the first from where one reads."""
        self._sought = words
        start = self.textCursor()
        start.setPosition(start.selectionStart())
        self.setTextCursor(start)
        if words:
            self.step()
        self._mark()

    def step(self, *, back: bool = False) -> None:
        """Choose the next place, or the one before; begins anew behind the last."""
        if not self._sought:
            return
        flag = QTextDocument.FindFlag.FindBackward if back else QTextDocument.FindFlag(0)
        if not self.find(self._sought, flag):
            start = self._end() if back else QTextCursor(self._paper())
            self.setTextCursor(start)
            self.find(self._sought, flag)
        self._mark()

    def _mark(self) -> None:
        marks, total, chosen = [], 0, 0
        if self._sought:
            form = QTextCharFormat()
            ground = QColor(theme.of().colours.warning)
            ground.setAlphaF(0.35)
            form.setBackground(ground)
            here = self.textCursor().selectionStart()
            found = self._paper().find(self._sought, 0)
            while not found.isNull():
                total += 1
                if found.selectionStart() == here and self.textCursor().hasSelection():
                    chosen = total
                if total <= _MOST_MARKED:
                    mark = QTextEdit.ExtraSelection()
                    mark.cursor, mark.format = found, form
                    marks.append(mark)
                elif chosen:
                    break
                found = self._paper().find(self._sought, found)
        self.setExtraSelections(marks)
        self.counted.emit(chosen, total)


def _parts(lines: list[Line], *, apart: bool) -> list[list[Line]]:
    """Lines of one colour, one by one where each may be looked for."""
    return [[line] for line in lines] if apart else [lines]


def _formats() -> dict[str, QTextCharFormat]:
    found = {}
    for tone in ("", "failed", "warning"):
        found[tone] = QTextCharFormat()
        found[tone].setForeground(QColor(getattr(theme.of().colours, tone or "text")))
    return found
