"""The tree of files and scenes: pictures, ticks, ranges edited in place."""

from PyQt6.QtCore import QModelIndex, QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QPainter, QPixmap, QValidator
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from frontend.gui.models.scenes import (
    HEADS,
    OUTPUT,
    RANGE,
    SCENE,
    SIZE,
    Entry,
    Scenes,
    wrong,
)
from fs_browser import icons, theme
from fs_browser.table import PAINT, RECORD

_LINES = 3.2  #: of text, that a file's picture is high
_GAP = 8


class ScenesView(QTreeView):
    """Files with their scenes; Space ticks, F2 edits a cell, Delete leaves a file out."""

    judged = pyqtSignal(str)  #: what is wrong with the range that is being typed

    def __init__(self, model: Scenes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scenes = model
        self.setModel(model)
        self.setObjectName("scenes")
        self.setAccessibleName("Files and their scenes")
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setAllColumnsShowFocus(True)
        self.setStyleSheet("QTreeView::item { padding: 0 6px; }")
        self.setIndentation(round(theme.em(self) * 1.2))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setItemDelegateForColumn(SCENE, FileDelegate(self))
        self.typing = [TypedDelegate(column, self) for column in (RANGE, SIZE)]
        for one in self.typing:
            one.judged.connect(self.judged)
            self.setItemDelegateForColumn(one.column, one)
        model.rowsInserted.connect(self._arrange)
        self._set_up_head()

    def _set_up_head(self) -> None:
        head = self.header()
        assert head is not None
        digit = self.fontMetrics().horizontalAdvance("0")
        for column in range(len(HEADS)):  # where the frames go is read most: it gets what is left
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(OUTPUT, QHeaderView.ResizeMode.Stretch)
        for column, width in ((SCENE, 22), (RANGE, 14)):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            self.setColumnWidth(column, digit * width + 14)
        head.setSectionsMovable(False)

    def _arrange(self, parent: QModelIndex, first: int, last: int) -> None:
        if parent.isValid():
            self.expand(parent)
            return
        for row in range(first, last + 1):
            self.setFirstColumnSpanned(row, QModelIndex(), True)  # noqa: FBT003
            self.expand(self.scenes.index(row, 0))
        if not self.currentIndex().isValid():
            self.setCurrentIndex(self.scenes.index(0, 0))

    def picked(self) -> list[str]:
        """The paths of the selected files, and of those whose scenes are."""
        chosen = self.selectionModel()
        rows = chosen.selectedRows() if chosen else []
        return list(dict.fromkeys(self.scenes.entry_at(index).path for index in rows))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Space ticks and F2 edits, whichever column is current."""
        assert event is not None
        current = self.currentIndex()
        if event.key() == Qt.Key.Key_Space and current.isValid():
            self._toggle(current.siblingAtColumn(SCENE))
        elif event.key() == Qt.Key.Key_F2 and self.scenes.row_at(current) is not None:
            self.edit(current.siblingAtColumn(SIZE if current.column() == SIZE else RANGE))
        elif event.key() == Qt.Key.Key_Delete:
            self.scenes.remove(self.picked())
        else:
            super().keyPressEvent(event)

    def _toggle(self, index: QModelIndex) -> None:
        role = Qt.ItemDataRole.CheckStateRole
        is_on = self.scenes.data(index, role) == Qt.CheckState.Checked
        states = Qt.CheckState
        wanted = states.Unchecked if is_on else states.Checked
        self.scenes.setData(index, wanted.value, role)


class FileDelegate(QStyledItemDelegate):
    """Draws a file's picture, name and what there is to say; scenes as ever."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """As Qt asks."""
        lines = _LINES if isinstance(index.data(RECORD), Entry) else 1.6
        return QSize(0, round(option.fontMetrics.height() * lines))

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """As Qt asks."""
        assert painter is not None
        entry = index.data(RECORD)
        if not isinstance(entry, Entry):
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style() if option.widget else None
        if style is not None:
            style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        left = option.rect.left() + round(option.fontMetrics.height() * 1.6)
        side = option.rect.height() - _GAP
        place = QRect(left, option.rect.top() + _GAP // 2, side, side)
        painter.save()
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        _draw_picture(painter, place, entry, is_chosen=is_chosen)
        self._write(painter, option, place.right() + _GAP, index)
        painter.restore()

    def _write(
        self, painter: QPainter, option: QStyleOptionViewItem, left: int, index: QModelIndex
    ) -> None:
        colours, entry = theme.of().colours, index.data(RECORD)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        is_broken = entry.sheet is not None and bool(entry.sheet.error)
        faint = colours.failed if is_broken else colours.faint
        name, says = index.data(PAINT)
        room = option.rect.adjusted(left - option.rect.left(), 0, -_GAP, 0)
        high = option.fontMetrics.height()
        top = room.center().y() - high
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(colours.on_accent if is_chosen else colours.text))
        painter.drawText(QRect(room.left(), top, room.width(), high), 0, name)
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(QColor(colours.on_accent if is_chosen else faint))
        mark = "✘ " if is_broken else ""
        text = option.fontMetrics.elidedText(
            mark + says, Qt.TextElideMode.ElideMiddle, room.width()
        )
        painter.drawText(QRect(room.left(), top + high, room.width(), high), 0, text)


def _draw_picture(painter: QPainter, place: QRect, entry: Entry, *, is_chosen: bool) -> None:
    picture = entry.sheet.picture if entry.sheet is not None else None
    if picture is None:
        colour = theme.of().colours.on_accent if is_chosen else theme.of().colours.faint
        size = round(place.height() * 0.7)
        drawn = icons.pixmap("blend", size, colour, painter.device().devicePixelRatioF())  # type: ignore[union-attr]
        inset = (place.height() - size) // 2
        painter.drawPixmap(place.left() + inset, place.top() + inset, drawn)
        return
    shown = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    where = QRect(place.topLeft(), shown)
    where.moveCenter(place.center())
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawPixmap(where, QPixmap.fromImage(picture))


class TypedDelegate(QStyledItemDelegate):
    """Edits a range or a chunk's size, and says while it is typed what is wrong with it."""

    judged = pyqtSignal(str)

    def __init__(self, column: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.column = column

    def createEditor(  # noqa: N802
        self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget:
        """As Qt asks."""
        entry = QLineEdit(parent)
        entry.setFrame(False)
        entry.setObjectName("range" if self.column == RANGE else "size")
        entry.setAccessibleName(HEADS[self.column])
        entry.setValidator(_Typed(self.column, entry))
        entry.textEdited.connect(lambda text: self._judge(entry, text))
        return entry

    def destroyEditor(self, editor: QWidget | None, index: QModelIndex) -> None:  # noqa: N802
        """As Qt asks: what was typed wrongly is gone."""
        self.judged.emit("")
        super().destroyEditor(editor, index)

    def _judge(self, entry: QLineEdit, text: str) -> None:
        said = wrong(self.column, text)
        colour = theme.of().colours.failed if said else theme.of().colours.text
        entry.setStyleSheet(f"color: {colour}")
        entry.setToolTip(said)
        self.judged.emit(said)


class _Typed(QValidator):
    """Lets anything be typed and only what is right be kept."""

    def __init__(self, column: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._column = column

    def validate(self, text: str | None, at: int) -> tuple[QValidator.State, str, int]:
        """As Qt asks."""
        states = QValidator.State
        good = not wrong(self._column, text or "")
        return states.Acceptable if good else states.Intermediate, text or "", at
