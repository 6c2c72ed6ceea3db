"""How bad a finding is: glyph, word and colour; each says it alone."""

from PyQt6.QtCore import QModelIndex, QRect, Qt
from PyQt6.QtGui import QColor, QPainter
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from frontend.gui.delegates.text import PAD, unframe
from frontend.gui.models.findings import LOOKS
from fs_browser import theme
from fs_browser.table import PAINT


class SeverityDelegate(QStyledItemDelegate):
    """Draws a Severity."""

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        assert painter is not None
        self.initStyleOption(option, index)
        unframe(option)
        option.text = ""
        style = option.widget.style() if option.widget else None
        if style is not None:
            style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        word, glyph, name = LOOKS[index.data(PAINT)]
        colours = theme.of().colours
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setPen(QColor(colours.on_accent if is_chosen else getattr(colours, name)))
        room = option.rect.adjusted(PAD, 0, -PAD, 0)
        width = option.fontMetrics.horizontalAdvance("▲▲")
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(room.left(), room.top(), width, room.height()), middle, glyph)
        painter.drawText(room.adjusted(width, 0, 0, 0), middle, word)
        painter.restore()
