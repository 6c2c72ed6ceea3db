"""Records as rows: changed one by one, filtered and ordered here, never reset where they differ.

A QSortFilterProxyModel asks Python once a comparison: seconds for 100,000 rows.  Here an order is
one `sorted` with a key, a filter one pass, and an update costs what it changes.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Generic, TypeVar

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt, pyqtSignal

R = TypeVar("R")
_FEW = 64  #: rows that move one by one; more are put in order at once
PAINT = Qt.ItemDataRole.UserRole + 1  #: what a delegate draws
RECORD = Qt.ItemDataRole.UserRole  #: the row's record


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[R]):
    """How one fact of a record is shown and ordered."""

    key: str  #: by which it is remembered
    title: str
    text: Callable[[R], str]
    order: Callable[[R], Any] | None = None  #: to sort by; the text where none is given
    tip: Callable[[R], str] | None = None
    paint: Callable[[R], Any] | None = None  #: for the column's delegate
    is_number: bool = False
    is_editable: bool = False
    is_shown: bool = True  #: until a person says otherwise
    is_shown_when: Callable[[R], bool] | None = None  #: as soon as this is true of a record
    leads: bool = False  #: the natural order goes by it: its head says so
    grows: bool = False  #: takes the room that the others leave
    width: int = 12  #: in digits, at first
    explains: str = ""  #: shown over its head


@dataclass(frozen=True, slots=True)
class Changes(Generic[R]):
    """What is other than before: new and changed records by key, and keys that are gone."""

    put: Mapping[Hashable, R] = field(default_factory=dict)
    gone: frozenset[Hashable] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.put or self.gone)


def compare(before: Mapping[Hashable, R], now: Mapping[Hashable, R]) -> Changes[R]:
    """What makes the one from the other."""
    put = {key: one for key, one in now.items() if before.get(key) != one}
    return Changes(put, frozenset(before.keys() - now.keys()))


class Table(QAbstractTableModel, Generic[R]):
    """Rows of records with a key each; belongs to the GUI thread."""

    counted = pyqtSignal()  #: rows came, went or were filtered

    def __init__(
        self, columns: Sequence[Column[R]], natural: Callable[[R], Any], parent: Any = None
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._natural = natural  #: the order where no column is chosen, and among equals
        self._records: dict[Hashable, R] = {}
        self._shown: list[Hashable] = []  #: keys in rising order
        self._places: list[Any] = []  #: what each of these is ordered by, rising
        self._row_of: dict[Hashable, int] | None = None
        self._column: Column[R] | None = None
        self._is_falling = False
        self._accepts: Callable[[R], bool] | None = None
        self._flags = [_flags(column) for column in self.columns]  # asked for every cell

    # -- what it holds ----------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Records, shown or not."""
        return len(self._records)

    @property
    def records(self) -> Mapping[Hashable, R]:
        """All records by key, shown or not."""
        return self._records

    def record(self, row: int) -> R:
        """The record of a row."""
        return self._records[self._key_at(row)]

    def shown(self) -> list[R]:
        """The records as they stand, from the top."""
        keys = reversed(self._shown) if self._is_falling else self._shown
        return [self._records[key] for key in keys]

    def row_of(self, key: Hashable) -> int:
        """Where a key stands; -1 where it is not shown."""
        if self._row_of is None:
            self._row_of = {key: i for i, key in enumerate(self._shown)}
        place = self._row_of.get(key, -1)
        return place if place < 0 else self._flip(place)

    # -- changing it ------------------------------------------------------------------------

    def replace(self, records: Mapping[Hashable, R]) -> None:
        """Hold other things altogether; selections are lost."""
        self.beginResetModel()
        self._records = dict(records)
        self._shown, self._places = self._arranged()
        self._row_of = None
        self.endResetModel()
        self.counted.emit()

    def show(self, records: Mapping[Hashable, R]) -> None:
        """Hold these records, changing only what differs."""
        self.apply(compare(self._records, records))

    def apply(self, changes: Changes[R]) -> None:
        """Change, add and remove records."""
        if not changes:
            return
        stays, moves = self._sorted_out(changes)
        self._records.update(changes.put)
        if len(moves) > _FEW:
            self._rearrange(changes.gone)
            stays = list(changes.put)
        else:
            for key in moves:
                self._move(key, is_gone=key in changes.gone)
        for gone in changes.gone:
            self._records.pop(gone, None)
        self._tell(stays)
        if moves:
            self.counted.emit()

    def _sorted_out(self, changes: Changes[R]) -> tuple[list[Hashable], list[Hashable]]:
        """Keys whose rows stay where they are, and those that come, go or move."""
        stays, moves = [], [key for key in changes.gone if key in self._records]
        for key, one in changes.put.items():
            old = self._records.get(key)
            was, now = old is not None and self._passes(old), self._passes(one)
            if was and now and old is not None and self._place(key, old) == self._place(key, one):
                stays.append(key)
            elif was or now:
                moves.append(key)
        return stays, moves

    def _move(self, key: Hashable, *, is_gone: bool) -> None:
        place = self._find(key)
        if is_gone or not self._passes(self._records[key]):
            if place >= 0:
                self._take_out(place, place)
            return
        where = self._place(key, self._records[key])
        target = bisect_left(self._places, where)
        if place < 0:
            self._put_in(target, [key], [where])
            return
        target -= target > place
        if target != place:
            self._shift(place, target)
        self._places[target] = where
        self._tell([key])

    def _shift(self, place: int, target: int) -> None:
        row, to = self._flip(place), self._flip(target)
        root = QModelIndex()
        self.beginMoveRows(root, row, row, root, to + (to > row))
        for held in (self._shown, self._places):
            held.insert(target, held.pop(place))
        self._row_of = None
        self.endMoveRows()

    def _find(self, key: Hashable) -> int:
        row = self.row_of(key)
        return row if row < 0 else self._flip(row)

    def _rearrange(self, gone: Collection[Hashable] = ()) -> None:
        """Bring the rows to what filter and order say: removals, one new order, insertions."""
        keys, places = self._arranged(gone)
        wanted = set(keys)
        for first, last in _runs(i for i, key in enumerate(self._shown) if key not in wanted):
            self._take_out(first, last)
        held = set(self._shown)
        kept = [(key, place) for key, place in zip(keys, places, strict=True) if key in held]
        self._reorder([key for key, _ in kept], [place for _, place in kept])
        for first, last in _runs((i for i, key in enumerate(keys) if key not in held), falls=False):
            self._put_in(first, keys[first : last + 1], places[first : last + 1])

    def _take_out(self, first: int, last: int) -> None:
        rows = sorted((self._flip(first), self._flip(last)))
        self.beginRemoveRows(QModelIndex(), *rows)
        del self._shown[first : last + 1], self._places[first : last + 1]
        self._row_of = None
        self.endRemoveRows()

    def _put_in(self, at: int, keys: list[Hashable], places: list[Any]) -> None:
        row = len(self._shown) - at if self._is_falling else at
        self.beginInsertRows(QModelIndex(), row, row + len(keys) - 1)
        self._shown[at:at] = keys
        self._places[at:at] = places
        self._row_of = None
        self.endInsertRows()

    def _reorder(self, keys: list[Hashable], places: list[Any], falls: bool | None = None) -> None:
        falls = self._is_falling if falls is None else falls
        if keys == self._shown and falls == self._is_falling:
            self._places = places
            return
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        held = [self._key_at(index.row()) for index in old]
        self._shown, self._places, self._is_falling = keys, places, falls
        self._row_of = None
        new = [
            self.index(self.row_of(key), index.column())
            for key, index in zip(held, old, strict=True)
        ]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _tell(self, keys: Iterable[Hashable]) -> None:
        rows = sorted(row for key in keys if (row := self.row_of(key)) >= 0)
        for first, last in _runs(rows, falls=False):
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))

    # -- filter and order -------------------------------------------------------------------

    def filter(self, accepts: Callable[[R], bool] | None) -> None:
        """Show only records that pass; all where nothing is asked."""
        self._accepts = accepts
        self._rearrange()
        self.counted.emit()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column; by nature where it is -1."""
        self._column = self.columns[column] if 0 <= column < len(self.columns) else None
        falls = self._column is not None and order == Qt.SortOrder.DescendingOrder
        keys, places = self._arranged()
        self._reorder(keys, places, falls)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    def _passes(self, one: R) -> bool:
        return self._accepts is None or self._accepts(one)

    def _place(self, key: Hashable, one: R) -> Any:
        if self._column is None:
            return (self._natural(one), key)
        asked = self._column.order or self._column.text
        return (_sortable(asked(one)), self._natural(one), key)

    def _arranged(self, gone: Collection[Hashable] = ()) -> tuple[list[Hashable], list[Any]]:
        pairs = [
            (self._place(key, one), key)
            for key, one in self._records.items()
            if key not in gone and self._passes(one)
        ]
        pairs.sort()
        return [key for _, key in pairs], [place for place, _ in pairs]

    def _flip(self, place: int) -> int:
        return len(self._shown) - 1 - place if self._is_falling else place

    def _key_at(self, row: int) -> Hashable:
        return self._shown[self._flip(row)]

    # -- Qt's questions ---------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """As Qt asks."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """As Qt asks."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """As Qt asks; PAINT and RECORD for delegates."""
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        column, one = self.columns[index.column()], self.record(index.row())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return column.text(one)
        if role == PAINT:
            return column.paint(one) if column.paint else None
        if role == RECORD:
            return one
        if role == Qt.ItemDataRole.TextAlignmentRole and column.is_number:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return _plain((column.tip or column.text)(one))
        return None

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """As Qt asks."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{column.title} ▾" if column.leads and self._column is None else column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.explains or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """As Qt asks."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return self._flags[index.column()]


def _flags(column: Column[Any]) -> Qt.ItemFlag:
    found = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
    found |= Qt.ItemFlag.ItemNeverHasChildren
    return found | Qt.ItemFlag.ItemIsEditable if column.is_editable else found


def _plain(text: str) -> str | None:
    """A tooltip that Qt takes for plain text, whatever a name on the share looks like."""
    return f"<qt>{escape(text)}</qt>" if "<" in text else text or None


def _sortable(value: Any) -> Any:
    """A value that compares with others of its column; what is missing comes first."""
    return (value is not None, value)


def _runs(places: Iterable[int], *, falls: bool = True) -> list[tuple[int, int]]:
    """Rising places as runs of neighbours; the last run first where it `falls`."""
    found: list[tuple[int, int]] = []
    for place in places:
        if found and place == found[-1][1] + 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found[::-1] if falls else found
