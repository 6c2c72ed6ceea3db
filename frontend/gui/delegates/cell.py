"""A frame as a cell: its picture, its number, and what it lacks."""

from PyQt6.QtCore import QModelIndex, QRect, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPen
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from frontend.gui.models.pictures import Pictures
from frontend.gui.models.shots import Shot, ShotsModel
from fs_browser import theme
from fs_browser.table import RECORD

_INKS = {
    "there": "faint",
    "in work": "running",
    "to come": "faint",
    "missing": "failed",
    "failed": "failed",
    "broken": "failed",
}
_GLYPHS = {"in work": "▶", "to come": "○", "missing": "✘", "failed": "✘", "broken": "✘"}


class CellDelegate(QStyledItemDelegate):
    """Draws frames; asks for the pictures that come into sight."""

    def __init__(self, model: ShotsModel, pictures: Pictures, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._pictures = pictures
        em = theme.em(parent)
        self.room = QSize(round(em * 7), round(em * 4))  #: of a picture
        self._gap = round(em / 3)
        self._line = round(em * 1.4)

    @property
    def edge(self) -> int:
        """Pixels of the longest edge of the pictures asked for."""
        widget = self.parent()
        ratio = widget.devicePixelRatioF() if isinstance(widget, QWidget) else 1.0
        return round(self.room.width() * ratio)

    def sizeHint(  # noqa: N802
        self, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QSize:
        """As Qt asks."""
        return self.size

    @property
    def size(self) -> QSize:
        """Of a cell."""
        gap = 2 * self._gap
        return QSize(self.room.width() + gap, self.room.height() + gap + self._line)

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        shot = index.data(RECORD)
        if painter is None or not isinstance(shot, Shot):
            return
        colours = theme.of().colours
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        cell = QRect(option.rect)
        cell.setWidth(self.size.width())
        cell.moveLeft(option.rect.center().x() - cell.width() // 2)
        if is_chosen:
            painter.fillRect(cell, QColor(colours.accent))
        room = QRect(cell.topLeft(), self.room).translated(self._gap, self._gap)
        state = self._model.state(shot)
        if not (state == "there" and self._draw(painter, room, shot)):
            self._mark(painter, room, state)
        ink = colours.on_accent if is_chosen else getattr(colours, _INKS[state])
        painter.setPen(QColor(ink))
        below = QRect(room.left(), room.bottom() + 1, room.width(), self._line)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, str(shot.frame))
        painter.restore()

    def _draw(self, painter: QPainter, room: QRect, shot: Shot) -> bool:
        found = self._pictures.get(shot.path, self.edge)
        if found is None:  # it comes
            painter.fillRect(room, QColor(theme.of().colours.stripe))
            return True
        if found.image is None:
            self._write(painter, room, "not shown", theme.of().colours.faint)
            return True
        size = found.image.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(room.topLeft(), size)
        place.moveCenter(room.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, found.image)
        return True

    def _mark(self, painter: QPainter, room: QRect, state: str) -> None:
        colours = theme.of().colours
        ink = getattr(colours, _INKS[state])
        if _INKS[state] == "failed":
            ground = QColor(ink)
            ground.setAlphaF(0.14)
            painter.fillRect(room, ground)
        is_quiet = state == "to come"
        style = Qt.PenStyle.DotLine if is_quiet else Qt.PenStyle.SolidLine
        painter.setPen(QPen(QColor(colours.line if is_quiet else ink), 1, style))
        painter.drawRect(room.adjusted(0, 0, -1, -1))
        self._write(painter, room, f"{_GLYPHS.get(state, '')} {state}", ink)

    def _write(self, painter: QPainter, room: QRect, text: str, ink: str) -> None:
        painter.setPen(QColor(ink))
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)
