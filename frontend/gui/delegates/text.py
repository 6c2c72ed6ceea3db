"""Text in cells: figures keep off the next column, rows that matter less are grey."""

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QModelIndex, QObject, Qt
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from fs_browser import theme
from fs_browser.table import PAINT, RECORD

PAD = 7  #: pixels left and right of what a cell says, as of heads in the theme's sheet
_GAP = "\u2002"  #: half a letter; Fusion leaves two pixels
_LEAD = "\u2005"  #: a quarter, after which a text stands below its column's head


def unframe(option: QStyleOptionViewItem) -> None:
    """Draw no frame around the current cell, which would look selected among rows."""
    option.state &= ~QStyle.StateFlag.State_HasFocus


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
        if option is not None:
            unframe(option)
        if option is not None and option.text:
            is_right = option.displayAlignment & Qt.AlignmentFlag.AlignRight
            option.text = f"{option.text}{_GAP}" if is_right else f"{_LEAD}{option.text}"
        if option is not None and record is not None and self._is_faint(record):
            option.palette.setColor(QPalette.ColorRole.Text, QColor(theme.of().colours.faint))


class InkDelegate(TextDelegate):
    """Draws text in the theme's colour that its column paints by name; none: as others."""

    def initStyleOption(  # noqa: N802
        self, option: QStyleOptionViewItem | None, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        super().initStyleOption(option, index)
        if option is not None and (name := index.data(PAINT)):
            ink = QColor(getattr(theme.of().colours, name))
            option.palette.setColor(QPalette.ColorRole.Text, ink)
