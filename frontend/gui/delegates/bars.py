"""Bars in cells: how far a job is, how full a machine's memory."""

from PyQt6.QtCore import QModelIndex, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from frontend.gui.delegates.text import PAD, unframe
from frontend.gui.models.jobs import Progress
from frontend.gui.models.machines import Meter
from fs_browser import theme
from fs_browser.table import PAINT

_HILL = 60  #: opacity of the last ten minutes, of 255
_THICK = 3  #: pixels of a bar, at the very bottom: the words stand as those of other cells
_PAST = 0.45  #: of the cell's width that the last ten minutes take, right of the words
_LINE = 1.6  #: pixels of the line of the last ten minutes
_AIR = 1.25  #: times the most that was used, to which that line has room
_LEAST_TOP = 0.02  #: of all, below which what is used is not drawn as much
_RIM = 2  #: pixels of the table's ground around a bar on a selected row
_FULL, _HIGH = 0.95, 0.85  #: of a meter, from which it is drawn as trouble and as a warning


class BarDelegate(QStyledItemDelegate):
    """Draws a Progress or a Meter behind its text."""

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
        found = index.data(PAINT)
        if found is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        ink = QColor(theme.of().colours.on_accent if is_chosen else theme.of().colours.text)
        room = QRectF(option.rect).adjusted(PAD, 0, -PAD, 0)
        bar = QRectF(room.left(), room.bottom() - _THICK, room.width(), _THICK)
        if isinstance(found, Meter):
            _draw_past(
                painter,
                QRectF(
                    room.right() - room.width() * _PAST,
                    room.top() + 2,
                    room.width() * _PAST,
                    bar.top() - room.top() - 3,
                ),
                found.past,
                theme.of().colours.on_accent if is_chosen else theme.of().colours.done,
            )
        parts = _parts(found)
        if is_chosen and parts:  # on a ground of its own, where the hues of states stand out
            ground = bar.adjusted(-_RIM, -_RIM, _RIM, 0)
            painter.fillRect(ground, QColor(theme.of().colours.field))
        for part, colour in parts:
            piece = QRectF(bar.left() + part[0] * bar.width(), bar.top(), 0, bar.height())
            piece.setWidth((part[1] - part[0]) * bar.width())
            painter.fillRect(piece, QColor(colour))
        painter.setPen(ink)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, found.text)
        painter.restore()


def _draw_past(painter: QPainter, room: QRectF, past: tuple[float | None, ...], ink: str) -> None:
    """The last ten minutes as a hill; gaps where nothing was heard."""
    if len(past) < 2:
        return
    step, faint = room.width() / (len(past) - 1), QColor(ink)
    line = QColor(faint)
    faint.setAlpha(_HILL // 2)
    line.setAlpha(3 * _HILL)
    # By what was used at most, and not by all there is: 2 of 64 GB would be a stain on the ground.
    tall = room.height() / min(max(max(one or 0.0 for one in past) * _AIR, _LEAST_TOP), 1.0)
    for first, last in _known(past):
        ridge = [
            QPointF(room.left() + place * step, room.bottom() - tall * (past[place] or 0.0))
            for place in range(first, last + 1)
        ]
        if first == last:
            ridge.append(QPointF(ridge[0].x() - max(step, _LINE), ridge[0].y()))
        feet = [QPointF(end.x(), room.bottom()) for end in (ridge[-1], ridge[0])]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faint)
        painter.drawPolygon(QPolygonF([*ridge, *feet]))
        painter.setPen(QPen(line, _LINE))
        painter.drawPolyline(QPolygonF(ridge))


def _known(past: tuple[float | None, ...]) -> list[tuple[int, int]]:
    """The runs of samples that are known, from where to where."""
    found: list[tuple[int, int]] = []
    for place, one in enumerate(past):
        if one is None:
            continue
        if found and found[-1][1] == place - 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found


def _parts(found: Progress | Meter) -> list[tuple[tuple[float, float], str]]:
    """From where to where each colour goes, of 1."""
    colours = theme.of().colours
    ground = ((0.0, 1.0), colours.line)
    if isinstance(found, Meter):
        if found.part is None:
            return []
        full, high = found.part >= _FULL, found.part >= _HIGH
        ink = colours.failed if full else colours.waiting if high else colours.done
        return [ground, ((0.0, found.part), ink)]
    first, second = found.done, found.done + found.running
    return [
        ground,
        ((0.0, first), colours.done),
        ((first, second), colours.running),
        ((second, min(second + found.failed, 1.0)), colours.failed),
    ]
