"""Charts drawn by hand: bars over time, how busy machines were, causes by their number."""

import math
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from PyQt6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget
from PyQt6.sip import wrappertype

from frontend.figures import HOUR
from fs_browser import theme
from renderd.core.amounts import plural

_LEFT = Qt.AlignmentFlag.AlignLeft


class _Kinds(wrappertype, ABCMeta):
    """What makes widgets of which parts are left to their kinds."""


class Chart(QWidget, metaclass=_Kinds):
    """A title above, a sentence where there is nothing to draw, the rest by its kind."""

    picked = pyqtSignal(object)  #: what was clicked: hours, a machine, a cause

    def __init__(self, title: str, nothing: str) -> None:
        super().__init__()
        self._title, self._nothing = title, nothing
        self.setAccessibleName(title)
        self.setMouseTracking(True)
        self.chosen: object = None  #: of what can be picked
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.of().changed.connect(self.update)

    @property
    def em(self) -> float:
        """The measure of its gaps."""
        return theme.em(self)

    def room(self) -> QRect:
        """Where it is drawn, below its title."""
        gap, head = round(self.em * 0.8), round(self.em * 2.2)
        return self.rect().adjusted(gap, head, -gap, -round(self.em / 2))

    @abstractmethod
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""

    @abstractmethod
    def draw(self, painter: QPainter, room: QRect) -> None:
        """Draw what it shows."""

    @abstractmethod
    def says(self, at: QPoint) -> str:
        """What stands under the mouse."""

    @abstractmethod
    def what(self, at: QPoint) -> object:
        """What a click there picks; None for nothing."""

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Shows what can be clicked."""
        if event is not None:
            is_there = not self.is_empty() and self.what(event.pos()) is not None
            shape = Qt.CursorShape
            self.setCursor(shape.PointingHandCursor if is_there else shape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Picks."""
        if event is None or event.button() != Qt.MouseButton.LeftButton or self.is_empty():
            return
        if (found := self.what(event.pos())) is not None:
            self.picked.emit(found)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """As Qt asks."""
        painter = QPainter(self)
        colours = theme.of().colours
        painter.fillRect(self.rect(), QColor(colours.field))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bold = painter.font()
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(QColor(colours.text))
        gap = round(self.em * 0.8)
        head = QRect(gap, round(self.em / 2), self.width() - 2 * gap, round(self.em * 1.4))
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, self._title)
        painter.setFont(self.font())
        if self.is_empty():
            painter.setPen(QColor(colours.faint))
            painter.drawText(self.room(), Qt.AlignmentFlag.AlignCenter, self._nothing)
        else:
            self.draw(painter, self.room())

    def event(self, event: QEvent | None) -> bool:
        """Tells the figure under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.says(event.pos()), self)
            return True
        return super().event(event)


class Timed(Chart):
    """A chart over the hours up to now."""

    def __init__(self, title: str, nothing: str) -> None:
        super().__init__(title, nothing)
        self.hours, self.step, self.hour = 24, 1, 0

    def span(self, hour: int, hours: int, step: int) -> None:
        """Show so many hours up to this one, `step` of them together."""
        self.hour, self.hours, self.step = hour, hours, step

    @property
    def count(self) -> int:
        """Stretches of time that are shown."""
        return math.ceil(self.hours / self.step)

    def start(self, at: int) -> datetime:
        """When a stretch begins."""
        return datetime.fromtimestamp((self.hour - self.hours + 1 + at * self.step) * HOUR)

    def hours_of(self, at: int) -> tuple[int, int]:
        """The hours of a stretch, from and to, from 1970."""
        first = self.hour - self.hours + 1 + at * self.step
        return first, first + self.step

    def when(self, at: int) -> str:
        """A stretch in words."""
        start = self.start(at)
        return f"{start:%a %H:%M}, {self.step} h" if self.step > 1 else f"{start:%a %H:%M}"

    def draw_times(self, painter: QPainter, line: QRect) -> None:
        """Write hours or days below what stands above them."""
        painter.setPen(QColor(theme.of().colours.faint))
        wide = line.width() / self.count
        form = "%a %d" if self.hours > 48 else "%H:%M"
        text, before = round(self.em * 4), -9999
        end = line.right() - self.fontMetrics().horizontalAdvance("now")
        painter.drawText(QRect(end, line.top(), text, line.height()), _LEFT, "now")
        for at in range(self.count):
            start = self.start(at)
            is_whole = start.hour < self.step if self.hours > 48 else start.hour % 3 == 0
            left = round(line.left() + at * wide)
            says = start.strftime(form)
            right = left + self.fontMetrics().horizontalAdvance(says) + round(self.em / 2)
            if is_whole and left - before >= text and right < end:
                place = QRect(left, line.top(), text, line.height())
                painter.drawText(place, _LEFT, says)
                before = left


class Rates(Timed):
    """Frames an hour as bars."""

    def __init__(self) -> None:
        super().__init__("Frames an hour", "No frame was finished in this time.")
        self.values: Sequence[float] = ()

    def is_empty(self) -> bool:
        """As Chart."""
        return not any(self.values)

    def _plot(self, room: QRect) -> QRect:
        return room.adjusted(round(self.em * 3), 0, 0, -round(self.em * 1.5))

    def draw(self, painter: QPainter, room: QRect) -> None:
        """As Chart."""
        colours, plot = theme.of().colours, self._plot(room)
        top = rounded_up(max(self.values))
        for part in range(5):
            y = round(plot.bottom() - plot.height() * part / 4)
            painter.setPen(QColor(colours.line))
            painter.drawLine(plot.left(), y, plot.right(), y)
            painter.setPen(QColor(colours.faint))
            left = QRect(room.left(), y - round(self.em), round(self.em * 2.6), round(self.em * 2))
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(left, flags, f"{top * part / 4:,.4g}")
        wide = plot.width() / self.count
        for at, value in enumerate(self.values):
            tall = plot.height() * value / top
            inner = max(wide * 0.8, 1)
            colour = colours.running if at == self.count - 1 else colours.done
            if self.chosen is not None:
                colour = colours.accent if self.hours_of(at) == self.chosen else colours.line
            bar = QRectF(
                plot.left() + at * wide + (wide - inner) / 2, plot.bottom() - tall, inner, tall
            )
            painter.fillRect(bar, QColor(colour))
        below = round(self.em * 0.3)
        self.draw_times(painter, QRect(plot.left(), plot.bottom() + below, plot.width(), 99))

    def _place(self, at: QPoint) -> int:
        plot = self._plot(self.room())
        place = math.floor((at.x() - plot.left()) * self.count / max(plot.width(), 1))
        return place if 0 <= place < len(self.values) else -1

    def what(self, at: QPoint) -> object:
        """As Chart."""
        place = self._place(at)
        return self.hours_of(place) if place >= 0 and self.values[place] else None

    def says(self, at: QPoint) -> str:
        """As Chart."""
        place = self._place(at)
        if self.is_empty() or place < 0:
            return ""
        return f"{self.when(place)}: {self.values[place]:,.1f} frames an hour"


class Busy(Timed):
    """How busy each machine was: a row each, the brighter the busier."""

    def __init__(self) -> None:
        super().__init__("How busy machines were", "No machine worked in this time.")
        self.rows: Sequence[tuple[str, Sequence[float], float]] = ()

    def show_rows(self, rows: Sequence[tuple[str, Sequence[float], float]]) -> None:
        """Show these, all of them: it grows."""
        self.rows = rows
        self.setMinimumHeight(round(self.em * (5 + 1.5 * max(len(rows), 2))))

    def is_empty(self) -> bool:
        """As Chart."""
        return not self.rows

    def _plot(self, room: QRect) -> QRect:
        return room.adjusted(round(self.em * 6), 0, -round(self.em * 3.5), -round(self.em * 1.5))

    def _tall(self, plot: QRect) -> float:
        return min(plot.height() / len(self.rows), self.em * 2)

    def draw(self, painter: QPainter, room: QRect) -> None:
        """As Chart."""
        colours, plot = theme.of().colours, self._plot(room)
        wide, tall, metrics = plot.width() / self.count, self._tall(plot), self.fontMetrics()
        side = Qt.AlignmentFlag.AlignVCenter
        for row, (host, parts, mean) in enumerate(self.rows):
            y = plot.top() + row * tall
            for at, part in enumerate(parts):
                cell = QRectF(plot.left() + at * wide, y, wide, tall).adjusted(0.5, 0.5, -0.5, -0.5)
                painter.fillRect(cell, QColor(colours.stripe))
                ink = QColor(colours.running)
                ink.setAlphaF(min(0.12 + 0.88 * part, 1.0) if part else 0.0)
                painter.fillRect(cell, ink)
            is_other = self.chosen not in (None, host)
            painter.setPen(QColor(colours.faint if is_other else colours.text))
            left = QRectF(room.left(), y, self.em * 5.6, tall)
            name = metrics.elidedText(host, Qt.TextElideMode.ElideRight, round(left.width()))
            painter.drawText(left, side, name)
            painter.setPen(QColor(colours.faint))
            right = QRectF(plot.right() + self.em / 2, y, self.em * 3, tall)
            painter.drawText(right, side | Qt.AlignmentFlag.AlignRight, f"{mean * 100:.0f} %")
        below = round(plot.top() + tall * len(self.rows) + self.em * 0.3)
        self.draw_times(painter, QRect(plot.left(), below, plot.width(), 99))

    def what(self, at: QPoint) -> object:
        """As Chart."""
        plot = self._plot(self.room())
        row = math.floor((at.y() - plot.top()) / self._tall(plot))
        return self.rows[row][0] if 0 <= row < len(self.rows) else None

    def says(self, at: QPoint) -> str:
        """As Chart."""
        if self.is_empty():
            return ""
        plot = self._plot(self.room())
        place = math.floor((at.x() - plot.left()) * self.count / max(plot.width(), 1))
        row = math.floor((at.y() - plot.top()) / self._tall(plot))
        if not (0 <= row < len(self.rows) and 0 <= place < len(self.rows[row][1])):
            return ""
        host, parts, _ = self.rows[row]
        return f"{host}, {self.when(place)}: {parts[place] * 100:.0f} % busy"


class Causes(Chart):
    """Why attempts failed, the most frequent first."""

    def __init__(self) -> None:
        super().__init__("Failed attempts by cause", "Nothing failed in this time.")
        self.rows: Sequence[tuple[str, int]] = ()

    def is_empty(self) -> bool:
        """As Chart."""
        return not self.rows

    @property
    def _tall(self) -> int:
        return round(self.em * 2.4)

    def draw(self, painter: QPainter, room: QRect) -> None:
        """As Chart."""
        colours, most = theme.of().colours, max(number for _, number in self.rows)
        number_room = round(self.em * 3)
        for row, (cause, number) in enumerate(self.rows[: max(room.height() // self._tall, 1)]):
            top = room.top() + row * self._tall
            line = QRect(room.left(), top, room.width() - number_room, round(self.em * 1.4))
            is_other = self.chosen not in (None, cause)
            painter.setPen(QColor(colours.faint if is_other else colours.text))
            text = self.fontMetrics().elidedText(cause, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
            right = QRect(line.right(), top, number_room, round(self.em * 1.4))
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(right, flags, f"{number:,}")
            bar = QRectF(room.left(), line.bottom() + 2, room.width(), self.em * 0.35)
            painter.fillRect(bar, QColor(colours.stripe))
            bar.setWidth(bar.width() * number / most)
            painter.fillRect(bar, QColor(colours.line if is_other else colours.failed))

    def _row(self, at: QPoint) -> int:
        row = (at.y() - self.room().top()) // self._tall
        return row if 0 <= row < len(self.rows) else -1

    def what(self, at: QPoint) -> object:
        """As Chart."""
        row = self._row(at)
        return self.rows[row][0] if row >= 0 else None

    def says(self, at: QPoint) -> str:
        """As Chart."""
        row = self._row(at)
        if row < 0:
            return ""
        cause, number = self.rows[row]
        return f"{plural(number, 'time')}:\n{cause}"


def rounded_up(value: float) -> float:
    """The next larger figure with one digit: 4, 6, 8, 10, 20, 30 …"""
    size = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(step * size for step in (1, 2, 3, 4, 6, 8, 10) if step * size >= value)
