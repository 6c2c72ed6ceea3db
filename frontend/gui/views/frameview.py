"""One picture: fitted or pixel by pixel, zoomed with the wheel, dragged with the mouse."""

from PyQt6.QtCore import QPointF, QRectF, QSizeF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from fs_browser import theme

_NOTCH = 1.25  #: times larger or smaller
_LEAST, _MOST = 0.02, 32.0
_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageUp: -10,
    Qt.Key.Key_PageDown: 10,
}


class FrameView(QWidget):
    """Shows an image or a sentence; asks for other frames by keys."""

    stepped = pyqtSignal(int)  #: so many frames on or back
    ended = pyqtSignal(bool)  #: to the first frame (False) or the last
    zoomed = pyqtSignal()
    entered = pyqtSignal()  #: Enter: the frame shall be opened

    def __init__(self) -> None:
        super().__init__()
        self.image: QImage | None = None
        self.says = ""
        self._size = QSizeF()  #: of the file in pixels; a smaller image is drawn as large
        self.zoom: float | None = None  #: screen pixels a picture's pixel; None: fitted
        self._middle = QPointF()  #: the picture's pixel in the middle
        self._grip: QPointF | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(round(theme.em(self) * 8), round(theme.em(self) * 6))
        self.setAccessibleName("Frame")

    def show_image(self, image: QImage | None, size: tuple[int, int], says: str = "") -> None:
        """Show an image as if it had so many pixels, or a sentence; the zoom stays."""
        whole = QSizeF(*size) if all(size) else QSizeF(image.size()) if image else QSizeF()
        if whole != self._size:
            self._middle = QPointF(whole.width() / 2, whole.height() / 2)
        self.image, self._size, self.says = image, whole, says
        self.update()

    # -- zoom -------------------------------------------------------------------------------

    def fit(self) -> None:
        """All of it in sight."""
        self.zoom = None
        self._middle = QPointF(self._size.width() / 2, self._size.height() / 2)
        self._tell()

    def show_pixels(self) -> None:
        """One pixel of the picture for one of the screen."""
        self._zoom_to(1.0, QRectF(self.rect()).center())

    @property
    def scale(self) -> float:
        """Screen pixels a pixel of the picture."""
        if self.zoom is not None:
            return self.zoom
        if self._size.isEmpty():
            return 1.0
        ratio = self.devicePixelRatioF()
        across = self.width() * ratio / self._size.width()
        down = self.height() * ratio / self._size.height()
        return min(across, down)

    def _zoom_to(self, zoom: float, at: QPointF) -> None:
        """Another zoom; what is at a point of the widget stays there."""
        under = self._pixel(at)
        self.zoom = min(max(zoom, _LEAST), _MOST)
        off = (at - QRectF(self.rect()).center()) * (self.devicePixelRatioF() / self.zoom)
        self._middle = under - off
        self._tell()

    def _pixel(self, at: QPointF) -> QPointF:
        off = at - QRectF(self.rect()).center()
        return self._middle + off * (self.devicePixelRatioF() / self.scale)

    def _tell(self) -> None:
        self.update()
        self.zoomed.emit()

    # -- Qt's events ------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """As Qt asks."""
        painter = QPainter(self)
        colours = theme.of().colours
        painter.fillRect(self.rect(), QColor(colours.window))
        if self.image is None:
            painter.setPen(QColor(colours.faint))
            gap = round(theme.em(self))
            room = self.rect().adjusted(gap, gap, -gap, -gap)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room, flags, self.says)
            return
        scale = self.scale / self.devicePixelRatioF()
        middle = QRectF(self.rect()).center()
        corner = middle - self._middle * scale
        place = QRectF(corner, self._size * scale)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.scale < 2)
        painter.drawImage(place, self.image)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802
        """Zooms around the mouse."""
        if event is None or self.image is None:
            return
        notches = event.angleDelta().y() / 120
        self._zoom_to(self.scale * _NOTCH**notches, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Takes hold of the picture."""
        if event is not None and event.button() in (
            Qt.MouseButton.LeftButton,
            Qt.MouseButton.MiddleButton,
        ):
            self._grip = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Drags the picture."""
        if event is None or self._grip is None:
            return
        self.zoom = self.scale
        self._middle -= (event.position() - self._grip) * (self.devicePixelRatioF() / self.scale)
        self._grip = event.position()
        self._tell()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Lets it go."""
        self._grip = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """From fitted to pixels and back."""
        if event is not None:
            if self.zoom is None:
                self._zoom_to(1.0, event.position())
            else:
                self.fit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Arrows step; Home and End go to the ends; F fits, 1 shows pixels, + - zoom, Enter."""
        if event is None:
            return
        key = Qt.Key(event.key())
        middle = QRectF(self.rect()).center()
        if key in _STEPS:
            self.stepped.emit(_STEPS[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.ended.emit(key == Qt.Key.Key_End)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif key == Qt.Key.Key_F:
            self.fit()
        elif key == Qt.Key.Key_1:
            self.show_pixels()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom_to(self.scale * _NOTCH, middle)
        elif key == Qt.Key.Key_Minus:
            self._zoom_to(self.scale / _NOTCH, middle)
        else:
            super().keyPressEvent(event)
