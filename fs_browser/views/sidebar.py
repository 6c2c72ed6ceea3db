"""The bar of places: bookmarks, system folders, volumes, recent folders."""

from PyQt6.QtCore import QModelIndex, QPoint, QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from fs_browser import icons, theme
from fs_browser.core import wording
from fs_browser.models.places import BOOKMARKS, VOLUMES, Place, Places
from fs_browser.table import RECORD

_FULL, _HIGH = 0.97, 0.9  #: of a volume, from which it is drawn as trouble and as a warning


class SideBar(QListView):
    """Places to go to with one click or Enter."""

    picked = pyqtSignal(str)
    dropped = pyqtSignal(str)  #: a bookmark that is wanted no more

    def __init__(self, places: Places, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.places = places
        self.setObjectName("places")
        self.setAccessibleName("Places")
        self.setModel(places)
        self.setItemDelegate(PlaceDelegate(self))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.clicked.connect(self._go)

    def mark(self, folder: str) -> None:
        """Select the place that is shown, if it is one."""
        row = self.places.row_of(folder)
        if row < 0:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        else:
            self.setCurrentIndex(self.places.index(row))

    def _go(self, index: QModelIndex) -> None:
        if index.isValid() and (path := self.places.place(index.row()).path):
            self.picked.emit(path)

    def keyPressEvent(self, event: object) -> None:  # noqa: N802
        """Goes to the place on Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):  # type: ignore[attr-defined]
            self._go(self.currentIndex())
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]

    def _show_menu(self, at: QPoint) -> None:
        index = self.indexAt(at)
        if not index.isValid():
            return
        place = self.places.place(index.row())
        if place.section != BOOKMARKS or place.is_head:
            return
        menu = QMenu(self)
        action = menu.addAction("Remove bookmark")
        assert action is not None
        action.triggered.connect(lambda: self.dropped.emit(place.path))
        port = self.viewport()
        assert port is not None
        menu.exec(port.mapToGlobal(at))

    def sizeHint(self) -> QSize:  # noqa: N802
        """As Qt asks."""
        return QSize(round(theme.em(self) * 12), round(theme.em(self) * 20))


class PlaceDelegate(QStyledItemDelegate):
    """Draws a place with its icon, a volume with how full it is, a section's head."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """As Qt asks."""
        place: Place = index.data(RECORD)
        letters = option.fontMetrics.height()
        tall = 1.9 if place.is_head and index.row() else 1.5
        return QSize(
            letters * 8,
            round(letters * (2.0 if place.section == VOLUMES and not place.is_head else tall)),
        )

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        assert painter is not None
        place: Place = index.data(RECORD)
        found, letters = theme.of().colours, option.fontMetrics.height()
        painter.save()
        room = option.rect.adjusted(letters // 2, 0, -letters // 2, 0)
        if place.is_head:
            font = option.font
            font.setBold(True)
            painter.setFont(font)
            painter.setPen(QColor(found.faint))
            room.setTop(room.bottom() - round(letters * 1.4))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, place.name)
            painter.restore()
            return
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if is_chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, QColor(found.accent if is_chosen else found.raised))
        ink = found.on_accent if is_chosen else found.text
        ratio = painter.device().devicePixelRatioF()  # type: ignore[union-attr]
        icon = icons.pixmap(place.icon, letters, ink if is_chosen else found.faint, ratio)
        if place.room is not None:
            _draw_room(painter, room, place, is_chosen=is_chosen)
            room.setBottom(room.bottom() - 6)
        free = f"{wording.size(place.room.free_bytes)} free" if place.room else ""
        painter.drawPixmap(QPoint(room.left(), room.center().y() - letters // 2), icon)
        room.setLeft(room.left() + letters + letters // 2)
        painter.setPen(QColor(ink if is_chosen else found.faint))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(room, right, free)
        room.setRight(room.right() - option.fontMetrics.horizontalAdvance(free + " "))
        painter.setPen(QColor(ink))
        words = option.fontMetrics.elidedText(
            place.name, Qt.TextElideMode.ElideMiddle, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
        painter.restore()


def _draw_room(painter: QPainter, room: QRect, place: Place, *, is_chosen: bool) -> None:
    assert place.room is not None
    found = theme.of().colours
    used = 1 - place.room.free_bytes / place.room.total_bytes
    ink = found.failed if used >= _FULL else found.waiting if used >= _HIGH else found.done
    bar = QRectF(room.left(), room.bottom() - 5, room.width(), 3)
    painter.fillRect(bar, QColor(found.line))
    bar.setWidth(bar.width() * used)
    painter.fillRect(bar, QColor(found.on_accent if is_chosen else ink))
