"""How a row is drawn: its icon, its name, its small picture."""

from PyQt6.QtCore import QEvent, QModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPixmap
from PyQt6.QtWidgets import (
    QApplication,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from fs_browser import icons, theme
from fs_browser.core.kinds import Kind
from fs_browser.core.sequences import FileSequence, Row
from fs_browser.models.pictures import Pictures
from fs_browser.models.reading import key_of
from fs_browser.models.rows import DETAIL, Rows
from fs_browser.table import RECORD
from fs_browser.theme import DARK
from renderd.blend.names import shown

_ICONS = {
    Kind.FOLDER: ("folder", "folder"),
    Kind.BLEND: ("blend", "blend"),
    Kind.BACKUP: ("blend", "faint"),
    Kind.IMAGE: ("image", "picture"),
    Kind.MOVIE: ("movie", "movie"),
    Kind.SOUND: ("sound", "movie"),
    Kind.CACHE: ("cache", "text"),
    Kind.TEXT: ("text", "faint"),
    Kind.FONT: ("font", "faint"),
    Kind.OTHER: ("file", "faint"),
}


_MISSING = ", "  #: before the number of missing frames
_TALL = 0.75  #: of a picture's place beside its width: films are wide


def row_icon(row: Row, size: int, ratio: float, *, is_chosen: bool = False) -> QPixmap:
    """The icon of a row's kind, in the colour of its kind."""
    name, colour = _ICONS[row.kind]
    if isinstance(row, FileSequence):
        name = "sequence"
    found = theme.of().colours
    ink = found.on_accent if is_chosen else str(getattr(found, colour))
    return icons.pixmap(name, size, ink, ratio)


class NameDelegate(QStyledItemDelegate):
    """Draws icon and name, and before a sequence the sign that opens it."""

    def __init__(self, rows: Rows, parent: QWidget, *, opens: bool) -> None:
        super().__init__(parent)
        self._rows, self._opens = rows, opens

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        assert painter is not None
        row: Row = index.data(RECORD)
        _draw_ground(painter, option)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        room = self._room(option.rect, row, option)
        size, ratio = _icon_size(option), _ratio(painter)
        if self._opens and isinstance(row, FileSequence):
            sign = "chevron-down" if self._rows.is_open(row) else "chevron-right"
            found = theme.of().colours
            ink = found.on_accent if is_chosen else found.faint
            painter.drawPixmap(_sign(room, size).topLeft(), icons.pixmap(sign, size, ink, ratio))
        left = room.left() + (size if self._opens else 0)
        top = room.center().y() - size // 2
        painter.drawPixmap(QPoint(left, top), row_icon(row, size, ratio, is_chosen=is_chosen))
        words = QRect(room)
        words.setLeft(left + size + size // 2)
        wide = _draw_name(painter, words, row, option)
        if not self._opens:
            words.setLeft(words.left() + wide + size)
            draw_detail(painter, words, str(index.siblingAtColumn(DETAIL).data() or ""), option)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """As Qt asks: as wide as its name, where views have columns of names."""
        hint = super().sizeHint(option, index)
        size = _icon_size(option)
        return QSize(hint.width() + size * 3, max(hint.height(), size + 8))

    def editorEvent(  # noqa: N802
        self,
        event: QEvent | None,
        model: object,
        option: QStyleOptionViewItem,
        index: QModelIndex,
    ) -> bool:
        """Opens and closes a sequence where its sign is pressed."""
        row = index.data(RECORD)
        if (
            self._opens
            and isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonPress
            and isinstance(row, FileSequence)
            and _sign(self._room(option.rect, row, option), _icon_size(option))
            .adjusted(-4, -4, 4, 4)
            .contains(event.position().toPoint())
        ):
            self._rows.toggle(key_of(row))
            return True
        return super().editorEvent(event, model, option, index)  # type: ignore[arg-type]

    def createEditor(  # noqa: N802
        self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget:
        """As Qt asks: with the name selected up to its ending."""
        return name_editor(parent, index.data(RECORD))

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:  # noqa: N802
        """As Qt asks; what was typed is never overwritten."""

    def updateEditorGeometry(  # noqa: N802
        self, editor: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks: over the name alone."""
        if editor is not None:
            size = _icon_size(option)
            room = self._room(option.rect, index.data(RECORD), option)
            room.setLeft(room.left() + size * (2 if self._opens else 1) + size // 4)
            editor.setGeometry(room)

    def _room(self, rect: QRect, row: Row, option: QStyleOptionViewItem) -> QRect:
        indent = self._rows.depth(row) * _icon_size(option) * 3 // 2 if self._opens else 0
        return rect.adjusted(4 + indent, 0, -4, 0)


class CellDelegate(QStyledItemDelegate):
    """Draws what stands beside a name, more quietly than the name."""

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        assert painter is not None
        _draw_ground(painter, option)
        edge = _icon_size(option) // 2
        room = option.rect.adjusted(edge, 0, -edge, 0)
        text = str(index.data() or "")
        if index.column() == DETAIL:
            draw_detail(painter, room, text, option)
            return
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        found = theme.of().colours
        painter.setPen(QColor(found.on_accent if is_chosen else found.faint))
        side = index.data(Qt.ItemDataRole.TextAlignmentRole) or Qt.AlignmentFlag.AlignVCenter
        words = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, side, words)


class TileDelegate(QStyledItemDelegate):
    """Draws a row as a picture with its name below."""

    def __init__(self, pictures: Pictures, parent: QWidget) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self.side = 128  #: of the picture, across
        self.wide = 140  #: of the tile

    @property
    def tall(self) -> int:
        """How high a picture's place is."""
        return round(self.side * _TALL)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """As Qt asks: every tile alike."""
        lines = option.fontMetrics.height()
        return QSize(self.wide, self.tall + round(lines * 2.9))

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        assert painter is not None
        row: Row = index.data(RECORD)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        letters = option.fontMetrics.height()
        tile = option.rect.adjusted(3, 3, -3, -3)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if is_chosen or option.state & QStyle.StateFlag.State_MouseOver:
            found = theme.of().colours
            path = QPainterPath()
            path.addRoundedRect(QRectF(tile), 5, 5)
            painter.fillPath(path, QColor(found.accent if is_chosen else found.raised))
        side = min(self.side, tile.width() - 8)
        frame = QRect(tile.center().x() - side // 2, tile.top() + 5, side, self.tall - 5)
        self._draw_picture(painter, frame, row, is_chosen=is_chosen)
        words = QRect(
            tile.left() + 4, frame.bottom() + letters // 3, tile.width() - 8, letters * 2 + 4
        )
        _draw_label(painter, words, index, option)
        painter.restore()

    def _draw_picture(self, painter: QPainter, frame: QRect, row: Row, *, is_chosen: bool) -> None:
        ratio = _ratio(painter)
        found = self._pictures.of(row)
        if found is None:
            side = round(frame.height() * (0.9 if row.kind is Kind.FOLDER else 0.6))
            icon = row_icon(row, side, ratio, is_chosen=is_chosen)
            painter.drawPixmap(frame.center() - QPoint(side // 2, side // 2), icon)
            if self._pictures.is_broken(row):
                _say_broken(painter, frame, is_chosen=is_chosen)
            return
        size = found.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(QPoint(0, 0), size)
        place.moveCenter(frame.center())
        painter.drawPixmap(place, found)
        if row.kind in (Kind.BLEND, Kind.MOVIE) or isinstance(row, FileSequence):
            self._draw_badge(painter, place, row)

    def _draw_badge(self, painter: QPainter, place: QRect, row: Row) -> None:
        """A sign in the picture's corner, for what is no mere image."""
        side = round(painter.fontMetrics().height() * 0.9)
        badge = QRect(place.right() - side - 7, place.bottom() - side - 7, side + 6, side + 6)
        path = QPainterPath()
        path.addRoundedRect(QRectF(badge), 3, 3)
        painter.fillPath(path, QColor(0, 0, 0, 150))
        name = "sequence" if isinstance(row, FileSequence) else _ICONS[row.kind][0]
        sign = icons.pixmap(name, side, DARK.text, _ratio(painter))
        painter.drawPixmap(badge.topLeft() + QPoint(3, 3), sign)

    def createEditor(  # noqa: N802
        self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget:
        """As Qt asks: with the name selected up to its ending."""
        return name_editor(parent, index.data(RECORD))

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:  # noqa: N802
        """As Qt asks; what was typed is never overwritten."""

    def updateEditorGeometry(  # noqa: N802
        self, editor: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks: where the name is drawn."""
        if editor is not None:
            tall = editor.sizeHint().height()
            rect = option.rect
            editor.setGeometry(rect.left() + 3, rect.top() + self.tall + 4, rect.width() - 6, tall)


def _say_broken(painter: QPainter, frame: QRect, *, is_chosen: bool) -> None:
    """A word over the sign of an image that cannot be shown."""
    found = theme.of().colours
    painter.setPen(QColor(found.on_accent if is_chosen else found.failed))
    line = QRect(frame.left(), frame.bottom(), frame.width(), painter.fontMetrics().height())
    line.moveBottom(frame.bottom())
    painter.drawText(line, Qt.AlignmentFlag.AlignCenter, "✘ no image")


def name_editor(parent: QWidget | None, row: Row) -> QLineEdit:
    """An entry with a row's name, selected up to its ending."""
    editor = QLineEdit(row.name, parent)
    editor.setAccessibleName("New name")
    dot = row.name.rfind(".") if row.kind is not Kind.FOLDER else -1
    editor.setSelection(0, dot if dot > 0 else len(row.name))
    return editor


def _draw_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
    style = option.widget.style() if option.widget else QApplication.style()
    assert style is not None
    style.drawPrimitive(
        QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget
    )


def _ink(option: QStyleOptionViewItem, row: Row) -> QColor:
    found = theme.of().colours
    if option.state & QStyle.StateFlag.State_Selected:
        return QColor(found.on_accent)
    is_faint = row.kind is Kind.BACKUP or (not isinstance(row, FileSequence) and row.is_hidden)
    return QColor(found.faint if is_faint else found.text)


def _draw_name(painter: QPainter, room: QRect, row: Row, option: QStyleOptionViewItem) -> int:
    """Draw a name in one line; how wide it became."""
    painter.setPen(_ink(option, row))
    mode = Qt.TextElideMode.ElideMiddle
    words = option.fontMetrics.elidedText(shown(row.name), mode, room.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
    return option.fontMetrics.horizontalAdvance(words)


def draw_detail(
    painter: QPainter,
    room: QRect,
    text: str,
    option: QStyleOptionViewItem,
    *,
    is_middle: bool = False,
) -> None:
    """Draw frames or scenes in one line, what is missing in the colour of a warning."""
    found, metrics = theme.of().colours, option.fontMetrics
    words = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
    whole, comma, missing = words.partition(_MISSING)
    has_gap = bool(comma) and missing.endswith("missing")
    is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
    place = QRect(room)
    if is_middle:
        place.setLeft(room.left() + max(0, room.width() - metrics.horizontalAdvance(words)) // 2)
    painter.setPen(QColor(found.on_accent if is_chosen else found.faint))
    first = whole + comma if has_gap else words
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, first)
    if has_gap:
        place.setLeft(place.left() + metrics.horizontalAdvance(first))
        painter.setPen(QColor(found.on_accent if is_chosen else found.waiting))
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, missing)


def _draw_label(
    painter: QPainter, room: QRect, index: QModelIndex, option: QStyleOptionViewItem
) -> None:
    """The name in at most two lines; where one is enough, frames or scenes in the second."""
    row: Row = index.data(RECORD)
    metrics, middle = option.fontMetrics, Qt.AlignmentFlag.AlignHCenter
    name, mode = shown(row.name), Qt.TextElideMode.ElideMiddle
    detail = str(index.siblingAtColumn(DETAIL).data() or "")
    first, second = name, ""
    if not detail and metrics.horizontalAdvance(name) > room.width():
        cut = len(name)
        while cut > 1 and metrics.horizontalAdvance(name[:cut]) > room.width():
            cut -= 1
        first, second = name[:cut], name[cut:]
    line = QRect(room.left(), room.top(), room.width(), metrics.height())
    painter.setPen(_ink(option, row))
    painter.drawText(line, middle, metrics.elidedText(first, mode, line.width()))
    line.translate(0, metrics.height())
    if detail:
        draw_detail(painter, line, detail, option, is_middle=True)
    elif second:
        painter.drawText(line, middle, metrics.elidedText(second, mode, line.width()))


def _ratio(painter: QPainter) -> float:
    device = painter.device()
    return device.devicePixelRatioF() if device is not None else 1.0


def _icon_size(option: QStyleOptionViewItem) -> int:
    return option.fontMetrics.height()


def _sign(room: QRect, size: int) -> QRect:
    return QRect(room.left() - 2, room.center().y() - size // 2, size, size)
