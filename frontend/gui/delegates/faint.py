"""Rows that matter less are written in grey."""

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QModelIndex, QObject
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from fs_browser import theme
from fs_browser.table import RECORD


class FaintDelegate(QStyledItemDelegate):
    """Draws cells as they are, but in grey for records of which `is_faint` is true."""

    def __init__(self, parent: QObject, is_faint: Callable[[Any], bool]) -> None:
        super().__init__(parent)
        self._is_faint = is_faint

    def initStyleOption(  # noqa: N802
        self, option: QStyleOptionViewItem | None, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        super().initStyleOption(option, index)
        record = index.data(RECORD)
        if option is not None and record is not None and self._is_faint(record):
            option.palette.setColor(QPalette.ColorRole.Text, QColor(theme.of().colours.faint))
