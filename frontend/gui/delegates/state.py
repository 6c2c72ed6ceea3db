"""A state in a cell: glyph, word and colour; each says it alone."""

from PyQt6.QtCore import QModelIndex, QRect, Qt
from PyQt6.QtGui import QColor, QPainter
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from frontend import words
from frontend.gui.delegates.text import PAD, unframe
from fs_browser import theme
from fs_browser.table import PAINT

_COLOURS = {
    "running": "running",
    "run": "running",
    "queue": "text",
    "wait": "text",
    "held": "off",
    "waiting": "waiting",
    "done": "done",
    "failed": "failed",
    "fail": "failed",
    "cancelled": "off",
    "alive": "running",
    "resting": "waiting",
    "dead": "off",
}


def colour(key: str) -> str:
    """The colour of a state in the scheme that is drawn now."""
    return str(getattr(theme.of().colours, _COLOURS.get(key, "text")))


class StateDelegate(QStyledItemDelegate):
    """Draws what its column paints: a key of `words.STATES`, or that and another word."""

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        assert painter is not None
        self.initStyleOption(option, index)
        unframe(option)
        said, option.text = option.text, ""
        style = option.widget.style() if option.widget else None
        if style is not None:
            style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        asked = index.data(PAINT)
        key = asked[0] if isinstance(asked, tuple) else asked
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        ink = theme.of().colours.on_accent if is_chosen else colour(key)
        painter.save()
        painter.setPen(QColor(ink))
        room = option.rect.adjusted(PAD, 0, -PAD, 0)
        glyph = words.STATES.get(key, ("", "?"))[1]
        width = option.fontMetrics.horizontalAdvance("▶▶")
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(room.left(), room.top(), width, room.height()), middle, glyph)
        text = option.fontMetrics.elidedText(
            said, Qt.TextElideMode.ElideRight, room.width() - width
        )
        painter.drawText(room.adjusted(width, 0, 0, 0), middle, text)
        painter.restore()
