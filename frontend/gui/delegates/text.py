"""Text in cells: figures keep off the next column, rows that matter less are grey."""

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QModelIndex, QObject, Qt
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from fs_browser import theme
from fs_browser.table import RECORD

_GAP = "\u2002"  #: half a letter; Fusion leaves two pixels


class TextDelegate(QStyledItemDelegate):
    """Draws cells as they are, but in grey for records of which `is_faint` is true."""

    def __init__(
        self, parent: QObject, is_faint: Callable[[Any], bool] = lambda _one: False
    ) -> None:
        super().__init__(parent)
        self._is_faint = is_faint

    def initStyleOption(  # noqa: N802
        self, option: QStyleOptionViewItem | None, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        super().initStyleOption(option, index)
        record = index.data(RECORD)
        if option is not None and option.displayAlignment & Qt.AlignmentFlag.AlignRight:
            option.text = f"{option.text or ''}{_GAP}"
        if option is not None and record is not None and self._is_faint(record):
            option.palette.setColor(QPalette.ColorRole.Text, QColor(theme.of().colours.faint))
