"""Files and their scenes as a tree: ticked, with ranges that can be edited."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from PyQt6.QtCore import QAbstractItemModel, QModelIndex, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFont

from frontend import request
from frontend.gui.models.blends import Scene, Sheet
from frontend.request import Examined, Shot, complaint
from fs_browser import theme
from fs_browser.table import PAINT, RECORD
from renderd.core import frames
from renderd.core.amounts import plural
from renderd.core.frames import Run
from renderd.core.infofile import AUTO
from renderd.core.label import label

SCENE, RANGE, FRAMES, SIZE, CHUNKS, PICTURE, OUTPUT = range(7)
HEADS = ("Scene", "Frames", "Count", "Chunk size", "Chunks", "Format", "Output")
_TIPS = {
    SCENE: "Ticked scenes are queued, each as one job",
    RANGE: "F2 or a double click changes them: 1-250, 1-250x2, 300; empty is the file's own range",
    SIZE: "Frames a machine takes at once; a double click changes them for this scene alone:"
    " 25, or auto; empty is what all have",
}
_PATH_SHOWN = 1000
_AUTO = "auto"
_NUMBERS = (FRAMES, SIZE, CHUNKS)
_TYPED = (RANGE, SIZE)
_ROLE = Qt.ItemDataRole


@dataclass(slots=True)
class Row:
    """A scene as a person wants it."""

    scene: Scene
    is_ticked: bool
    runs: tuple[Run, ...] = ()  #: not the file's own; empty where they are
    out: str = ""  #: where its frames would go, as last looked into
    chunks: int | None = None
    size: int | None = None  #: frames of a chunk, 0: auto; None: as all have

    @property
    def wanted(self) -> tuple[Run, ...]:
        """The frames that are asked for."""
        return self.runs or self.scene.own


@dataclass(slots=True)
class Entry:
    """A file: not read yet, read, or damaged."""

    path: str
    number: int  #: from 1, never another file's
    sheet: Sheet | None = None
    rows: list[Row] = field(default_factory=list)

    def head(self) -> tuple[str, str]:
        """Its name, and what there is to say of it."""
        folder, _, name = self.path.rpartition("/")
        where = label(folder or "/", _PATH_SHOWN)
        if self.sheet is None:
            return label(name), f"looking …   {where}"
        if self.sheet.error:
            return label(name), label(self.sheet.error, _PATH_SHOWN)
        scenes = plural(len(self.rows), "scene")
        return label(name), f"{scenes}   Blender {self.sheet.version}   {where}"

    def shot(self) -> Shot | None:
        """What is asked of it; None where nothing is ticked."""
        ticked = [row for row in self.rows if row.is_ticked]
        if not ticked:
            return None
        return Shot(
            path=self.path,
            scenes=tuple(row.scene.name for row in ticked),
            is_own_choice=all(row.is_ticked == row.scene.is_chosen for row in self.rows),
            ranges={row.scene.name: row.runs for row in ticked if row.runs},
            sizes={row.scene.name: row.size for row in ticked if row.size is not None},
        )


class Scenes(QAbstractItemModel):
    """Entries and, below each, its scenes; belongs to the GUI thread."""

    changed = pyqtSignal()  #: other files, ticks or ranges

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self._given = 0  #: numbers
        self._chunk = AUTO  #: frames, where a scene has no size of its own

    # -- what is in it ----------------------------------------------------------------------

    def add(self, paths: Iterable[str]) -> list[str]:
        """Show files that are still to be read; those that are new."""
        known = {entry.path for entry in self.entries}
        fresh = [path for path in dict.fromkeys(paths) if path not in known]
        if fresh:
            first = len(self.entries)
            self.beginInsertRows(QModelIndex(), first, first + len(fresh) - 1)
            self.entries += [Entry(path, self._given + i) for i, path in enumerate(fresh, 1)]
            self._given += len(fresh)
            self.endInsertRows()
        return fresh

    def take(self, sheet: Sheet) -> None:
        """Show what a file holds; what was ticked and edited before stays where it can."""
        at = next((i for i, one in enumerate(self.entries) if one.path == sheet.path), None)
        if at is None:
            return
        entry, parent = self.entries[at], self.index(at, 0)
        before = {row.scene.name: row for row in entry.rows}
        rows = [_row(scene, before.get(scene.name)) for scene in sheet.scenes]
        if [row.scene.name for row in rows] == list(before):
            entry.sheet, entry.rows = sheet, rows
            self._tell_rows(parent)
        else:
            self._put_rows(entry, parent, sheet, rows)
        self.dataChanged.emit(parent, self.index(at, OUTPUT))
        self.changed.emit()

    def _put_rows(self, entry: Entry, parent: QModelIndex, sheet: Sheet, rows: list[Row]) -> None:
        if entry.rows:
            self.beginRemoveRows(parent, 0, len(entry.rows) - 1)
            entry.rows = []
            self.endRemoveRows()
        entry.sheet = sheet
        if rows:
            self.beginInsertRows(parent, 0, len(rows) - 1)
            entry.rows = rows
            self.endInsertRows()

    def remove(self, paths: Iterable[str]) -> None:
        """Show these files no more."""
        gone = set(paths)
        for at in reversed(range(len(self.entries))):
            if self.entries[at].path in gone:
                self.beginRemoveRows(QModelIndex(), at, at)
                del self.entries[at]
                self.endRemoveRows()
        self.changed.emit()

    def untick(self, path: str, scene: str) -> None:
        """Leave a scene out; all of a file where none is named."""
        for entry in self.entries:
            for row in entry.rows:
                if entry.path == path and (not scene or row.scene.name == scene):
                    row.is_ticked = False
        self._tell_all()
        self.changed.emit()

    def take_chunk(self, frames_: int) -> None:
        """Show how many frames a chunk has where a scene has no size of its own."""
        if frames_ != self._chunk:
            self._chunk = frames_
            self._tell_all()

    def note(self, found: Examined) -> None:
        """Show where the jobs would write, and in how many chunks."""
        known = {(job.shot.path, job.draft.info.scene): job.draft for job in found.jobs}
        for entry in self.entries:
            for row in entry.rows:
                draft = known.get((entry.path, row.scene.name))
                row.out = label(draft.out, _PATH_SHOWN) if draft else ""
                row.chunks = draft.count() if draft else None
        self._tell_all()

    def shots(self) -> list[Shot]:
        """What is asked for."""
        return [shot for entry in self.entries if (shot := entry.shot())]

    def reading(self) -> list[str]:
        """The names of files that have not been read yet."""
        return [entry.head()[0] for entry in self.entries if entry.sheet is None]

    def broken(self) -> list[Sheet]:
        """Files that cannot be read."""
        return [one.sheet for one in self.entries if one.sheet is not None and one.sheet.error]

    def _tell_all(self) -> None:
        for at in range(len(self.entries)):
            self._tell_rows(self.index(at, 0))
            self.dataChanged.emit(self.index(at, 0), self.index(at, OUTPUT))

    def _tell_rows(self, parent: QModelIndex) -> None:
        if count := self.rowCount(parent):
            first, last = self.index(0, 0, parent), self.index(count - 1, OUTPUT, parent)
            self.dataChanged.emit(first, last)

    # -- Qt's questions: internal ids are 0 for files, the file's number for scenes -------------

    def index(self, row: int, column: int, parent: QModelIndex = QModelIndex()) -> QModelIndex:  # noqa: B008
        """As Qt asks."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        number = self.entries[parent.row()].number if parent.isValid() else 0
        return self.createIndex(row, column, number)

    def parent(self, child: QModelIndex = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        """As Qt asks."""
        number = child.internalId() if child.isValid() else 0
        return self.createIndex(self._place(number), 0, 0) if number else QModelIndex()

    def _place(self, number: int) -> int:
        return next(i for i, one in enumerate(self.entries) if one.number == number)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """As Qt asks."""
        if not parent.isValid():
            return len(self.entries)
        if parent.internalId() or parent.column():
            return 0
        return len(self.entries[parent.row()].rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008, ARG002
        """As Qt asks."""
        return len(HEADS)

    def entry_at(self, index: QModelIndex) -> Entry:
        """The file of a row, also of a scene's."""
        number = index.internalId()
        return self.entries[self._place(number) if number else index.row()]

    def row_at(self, index: QModelIndex) -> Row | None:
        """The scene of a row; None for a file's."""
        return self.entry_at(index).rows[index.row()] if index.internalId() else None

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        """As Qt asks; PAINT is a file's head, RECORD the Row or Entry."""
        if not index.isValid():
            return None
        entry, row = self.entry_at(index), self.row_at(index)
        if role == RECORD:
            return row or entry
        if row is None:
            return self._of_file(entry, index.column(), role)
        return self._of_scene(row, index.column(), role)

    def _of_file(self, entry: Entry, column: int, role: int) -> Any:
        if column:
            return None
        head = entry.head()
        if role in (_ROLE.DisplayRole, _ROLE.AccessibleTextRole):
            return f"{head[0]}, {head[1]}" if role == _ROLE.AccessibleTextRole else head[0]
        if role == PAINT:
            return head
        if role == _ROLE.ToolTipRole:
            return label(entry.path, _PATH_SHOWN)
        if role == _ROLE.CheckStateRole and entry.rows:
            ticked = sum(row.is_ticked for row in entry.rows)
            states = Qt.CheckState
            some = states.Checked if ticked == len(entry.rows) else states.PartiallyChecked
            return some if ticked else states.Unchecked
        return None

    def _of_scene(self, row: Row, column: int, role: int) -> Any:
        if role in (_ROLE.DisplayRole, _ROLE.AccessibleTextRole):
            return self._text(row, column)
        if role == _ROLE.EditRole and column in _TYPED:
            return frames.text(row.wanted) if column == RANGE else self._text(row, SIZE)
        if role == _ROLE.ToolTipRole:
            return self._text(row, column) if column == OUTPUT else _TIPS.get(column)
        if role == _ROLE.CheckStateRole and column == SCENE:
            return Qt.CheckState.Checked if row.is_ticked else Qt.CheckState.Unchecked
        if role == _ROLE.TextAlignmentRole and column in _NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == _ROLE.ForegroundRole and _is_faint(row, column):
            return QColor(theme.of().colours.faint)
        if role == _ROLE.FontRole and _is_own(row, column):
            font = QFont()
            font.setBold(True)
            return font
        return None

    def _text(self, row: Row, column: int) -> str:
        size = self._chunk if row.size is None else row.size
        shown: Sequence[str] = (
            label(row.scene.name),
            frames.text(row.wanted) or "none: it starts behind its end",
            f"{frames.count(row.wanted):,}",
            str(size) if size else _AUTO,
            "" if row.chunks is None or not row.is_ticked else f"{row.chunks:,}",
            row.scene.says,
            row.out if row.is_ticked else "",
        )
        return shown[column]

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole
    ) -> Any:
        """As Qt asks."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(HEADS):
            return None
        if role == _ROLE.DisplayRole:
            return HEADS[section]
        if role == _ROLE.TextAlignmentRole:
            right = section in _NUMBERS
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """As Qt asks."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        found = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        row = self.row_at(index)
        if row is not None:
            found |= Qt.ItemFlag.ItemNeverHasChildren
        if index.column() == SCENE:
            found |= Qt.ItemFlag.ItemIsUserCheckable
        if row is not None and index.column() in _TYPED:
            found |= Qt.ItemFlag.ItemIsEditable
        return found

    def setData(self, index: QModelIndex, value: Any, role: int = _ROLE.EditRole) -> bool:  # noqa: N802
        """As Qt asks: ticks, and ranges that can be read."""
        if role == _ROLE.CheckStateRole and index.column() == SCENE:
            self._tick(index, is_on=Qt.CheckState(value) == Qt.CheckState.Checked)
        elif role != _ROLE.EditRole or not self._type(index, str(value)):
            return False
        self._tell_all()
        self.changed.emit()
        return True

    def _tick(self, index: QModelIndex, *, is_on: bool) -> None:
        row = self.row_at(index)
        for one in self.entry_at(index).rows if row is None else [row]:
            one.is_ticked = is_on

    def _type(self, index: QModelIndex, text: str) -> bool:
        row, column = self.row_at(index), index.column()
        if row is None or column not in _TYPED or wrong(column, text):
            return False
        return _set_range(row, text) if column == RANGE else self._set_size(row, text)

    def _set_size(self, row: Row, text: str) -> bool:
        size = request.chunk_of(text) if text.strip() else None
        row.size = None if size == self._chunk else size
        row.is_ticked = True
        return True


def _set_range(row: Row, text: str) -> bool:
    runs = frames.parse(text) if text.strip() else ()
    row.runs = () if runs == row.scene.own else runs
    row.is_ticked = True
    return True


def wrong(column: int, text: str) -> str:
    """What is wrong with a range or a chunk's size; empty text is as usual and right."""
    parse: Callable[[str], object] = frames.parse if column == RANGE else request.chunk_of
    return complaint(parse, text) if text.strip() else ""


def _is_faint(row: Row, column: int) -> bool:
    return not row.is_ticked or column == PICTURE or (column == SIZE and row.size is None)


def _is_own(row: Row, column: int) -> bool:
    """Whether somebody typed it."""
    return (column == RANGE and bool(row.runs)) or (column == SIZE and row.size is not None)


def _row(scene: Scene, before: Row | None) -> Row:
    if before is None:
        return Row(scene, scene.is_chosen)
    runs = before.runs if before.runs != scene.own else ()
    return replace(before, scene=scene, runs=runs)
