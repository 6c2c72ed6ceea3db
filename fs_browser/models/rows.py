"""The rows of a folder as a model: order, filter, opened sequences, scenes of .blend files."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import QModelIndex, Qt, pyqtSignal

from fs_browser.column import Column
from fs_browser.core import pixels, wording
from fs_browser.core.kinds import Kind
from fs_browser.core.sequences import FileSequence, Row
from fs_browser.models.reading import Batch, key_of
from fs_browser.table import Table
from renderd.blend.names import shown

#: the columns of names, of frames and scenes, of kinds, of images' sizes
NAME, DETAIL, KIND, PIXELS = range(4)
_FOLDER_WORD = "folder"


@dataclass(frozen=True, slots=True)
class Counted:
    """What is shown, in numbers."""

    folders: int = 0
    files: int = 0  #: those of sequences, too
    sequences: int = 0
    size_bytes: int = 0


class Rows(Table[Row]):
    """Rows of one folder; folders stay first however they are ordered."""

    renamed = pyqtSignal(object, str)  #: a row, and what a person typed for its name

    def __init__(
        self, detail: Callable[[Row], str], size: Callable[[Row], str], parent: Any = None
    ) -> None:
        super().__init__(_columns(detail, size), lambda row: row.name, parent)
        self._order: Sequence[Hashable] = ()
        self._opened: dict[Hashable, list[str]] = {}  #: sequences that are expanded, their files
        self._parent_of: dict[Hashable, Hashable] = {}

    # -- what it holds ----------------------------------------------------------------------

    def clear(self) -> None:
        """Hold nothing; for another folder."""
        self._order, self._opened, self._parent_of = (), {}, {}
        self.replace({})

    def take(self, batch: Batch) -> None:
        """Change what a batch of the same folder says."""
        self._order = batch.order
        self._records.update(batch.put)
        gone = {key for key in batch.gone if key not in self._parent_of}
        for key in [key for key in self._opened if key in batch.gone]:
            gone |= self._shut(key) - batch.put.keys()
        for key in [key for key in self._opened if key in batch.put]:
            gone |= self._shut(key) - batch.put.keys()
            self._unfold(key)
        gone -= self._parent_of.keys()
        self._rearrange(gone)
        for key in gone:
            self._records.pop(key, None)
        self._tell(batch.put)
        self.counted.emit()

    def depth(self, row: Row) -> int:
        """1 for a file of an opened sequence, else 0."""
        return int(key_of(row) in self._parent_of)

    def is_open(self, row: Row) -> bool:
        """Whether a sequence's files are shown below it."""
        return key_of(row) in self._opened

    def toggle(self, key: Hashable) -> None:
        """Show a sequence's files below it, or no more."""
        if not isinstance(self._records.get(key), FileSequence):
            return
        gone: set[Hashable] = set()
        if key in self._opened:
            gone = self._shut(key)
        else:
            self._unfold(key)
        self._rearrange(gone)
        for one in gone:
            self._records.pop(one, None)
        place = self.row_of(key)
        self.dataChanged.emit(self.index(place, 0), self.index(place, len(self.columns) - 1))
        self.counted.emit()

    def parent_of(self, key: Hashable) -> Hashable | None:
        """The sequence that a file is shown below."""
        return self._parent_of.get(key)

    def has_file(self, name: str) -> bool:
        """Whether a file is in the folder, alone or in a sequence, shown or not."""
        return name in self._records or self.holder_of(name) is not None

    def holder_of(self, name: str) -> Hashable | None:
        """The key of the sequence that a file is part of."""
        for key in self._order:
            row = self._records[key]
            files = row.entries if isinstance(row, FileSequence) else ()
            if name.startswith(row.name[:1]) and any(one.name == name for one in files):
                return key
        return None

    def _unfold(self, key: Hashable) -> None:
        row = self._records[key]
        assert isinstance(row, FileSequence)
        names = [one.name for one in row.entries]
        self._opened[key] = names
        for one in row.entries:
            self._records[one.name] = one
            self._parent_of[one.name] = key

    def _shut(self, key: Hashable) -> set[Hashable]:
        names: set[Hashable] = set(self._opened.pop(key))
        for name in names:
            del self._parent_of[name]
        return names

    def count(self) -> Counted:
        """What is shown, in numbers; files of opened sequences once."""
        rows = [self._records[key] for key in self._shown if key not in self._parent_of]
        return count(rows)

    def has_images(self) -> bool:
        """Whether an image is shown."""
        return any(self._records[key].kind is Kind.IMAGE for key in self._shown)

    # -- order ------------------------------------------------------------------------------

    def goes_by(self, column: int) -> bool:
        """Whether rows are in the order of a column."""
        return self._column is self.columns[column]

    def arrange(self) -> None:
        """Put rows in order again: what their column says is other."""
        self._rearrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column, by name where it is -1; folders come first in both directions."""
        self._column = self.columns[column] if NAME < column < len(self.columns) else None
        self._falls = order == Qt.SortOrder.DescendingOrder
        self._rearrange()

    _falls = False

    def _find(self, key: Hashable) -> int:
        return self._places().get(key, -1)

    def _arranged(self, gone: Iterable[Hashable] = ()) -> list[Hashable]:
        left_out = frozenset(gone)
        held, accepts = self._records, self._accepts
        keys = [
            key
            for key in self._order
            if key not in left_out and (accepts is None or accepts(held[key]))
        ]
        by = (self._column.order or self._column.text) if self._column else None
        if by is not None:
            asked = by
            keys.sort(key=lambda key: asked(held[key]), reverse=self._falls)
        elif self._falls:
            keys.reverse()
        keys.sort(key=lambda key: held[key].kind is not Kind.FOLDER)
        if self._opened:
            keys = [one for key in keys for one in (key, *self._opened.get(key, ()))]
        return keys

    # -- Qt's questions ---------------------------------------------------------------------

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """As Qt asks; for an editor the name as it is."""
        if role == Qt.ItemDataRole.EditRole and index.isValid():
            return self.record(index.row()).name
        return super().data(index, role)

    def setData(  # noqa: N802
        self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """As Qt asks: tells what was typed; the row changes when the folder says so."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        row = self.record(index.row())
        if value and value != row.name:
            self.renamed.emit(row, value)
        return False


def count(rows: Iterable[Row]) -> Counted:
    """Rows in numbers."""
    folders = files = sequences = size = 0
    for row in rows:
        size += row.size_bytes or 0
        if isinstance(row, FileSequence):
            sequences += 1
            files += len(row.entries)
        elif row.kind is Kind.FOLDER:
            folders += 1
        else:
            files += 1
    return Counted(folders, files, sequences, size)


def _columns(detail: Callable[[Row], str], size: Callable[[Row], str]) -> list[Column[Row]]:
    return [
        Column(
            key="name",
            title="Name",
            text=lambda row: shown(row.name),
            is_editable=True,
            width=38,
        ),
        Column(
            key="detail",
            title="Frames and scenes",
            text=detail,
            order=lambda row: len(row.frames) if isinstance(row, FileSequence) else 0,
            explains="A sequence's frames and what is missing; a .blend's scenes with theirs",
            width=38,
        ),
        Column(
            key="kind",
            title="Kind",
            text=_kind_word,
            width=11,
        ),
        Column(
            key="pixels",
            title="Resolution",
            text=size,
            order=lambda row: pixels.area(size(row)),
            is_number=True,
            explains="Width and height of images in pixels; of a sequence its middle frame's",
            width=12,
        ),
        Column(
            key="modified",
            title="Modified",
            text=lambda row: wording.moment(row.mtime_ns),
            order=lambda row: row.mtime_ns or 0,
            width=17,
        ),
        Column(
            key="size",
            title="Size",
            text=lambda row: wording.size(row.size_bytes),
            order=lambda row: row.size_bytes or 0,
            is_number=True,
            width=8,
        ),
    ]


def _kind_word(row: Row) -> str:
    if row.kind is Kind.FOLDER:
        return _FOLDER_WORD
    ending = row.name.rpartition(".")[2].lower() if "." in row.name[1:] else ""
    word = "" if row.kind is Kind.OTHER else str(row.kind)
    return f"{ending} {word}".strip() if ending != word else word
