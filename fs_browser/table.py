"""Records as rows: changed one by one, filtered and ordered here, never reset where they differ.

A QSortFilterProxyModel asks Python once a comparison: seconds for 100,000 rows.  Here an order is
one `sorted` of plain values, a filter one pass, and an update costs what it changes.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from html import escape
from itertools import compress, islice
from operator import lt
from typing import Any, Generic, TypeVar

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt, pyqtSignal

from fs_browser.changes import Changes, compare
from fs_browser.column import Column
from fs_browser.stretches import runs

R = TypeVar("R")
PAINT = Qt.ItemDataRole.UserRole + 1  #: what a delegate draws
RECORD = Qt.ItemDataRole.UserRole  #: the row's record


class Table(QAbstractTableModel, Generic[R]):
    """Rows of records with a key each; belongs to the GUI thread."""

    counted = pyqtSignal()  #: rows came, went or were filtered
    rearranging = pyqtSignal()  #: before many rows come, go or move at once
    rearranged = pyqtSignal()

    def __init__(
        self, columns: Sequence[Column[R]], natural: Callable[[R], Any], parent: Any = None
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._natural = natural  #: the order where no column is chosen, and among equals
        self._records: dict[Hashable, R] = {}
        self._shown: list[Hashable] = []  #: keys in rising order
        self._nature: list[Hashable] | None = None  #: all keys in natural order, where known
        self._ordered: list[Hashable] | None = None  #: … by the column, where known
        self._place_at: dict[Hashable, int] | None = None  #: of each key in `_shown`, where known
        self._column: Column[R] | None = None
        self._is_falling = False
        self._accepts: Callable[[R], bool] | None = None
        self.few = 64  #: rows that move one by one; more are put in order at once
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
        return self._records[self._shown[self._flip(row)]]

    def keys(self, first: int, last: int) -> list[Hashable]:
        """The keys of the rows from one to another, that one too, from the top."""
        if not self._is_falling:
            return self._shown[first : last + 1]
        return self._shown[self._flip(last) : self._flip(first) + 1][::-1]

    def shown(self) -> list[R]:
        """The records as they stand, from the top."""
        return [self._records[key] for key in self.keys(0, len(self._shown) - 1)]

    def row_of(self, key: Hashable) -> int:
        """Where a key stands; -1 where it is not shown."""
        place = self._find(key)
        return place if place < 0 else self._flip(place)

    def rows_of(self, keys: Iterable[Hashable]) -> list[int]:
        """Where those of many keys that are shown stand, rising."""
        wanted, shown = frozenset(keys), self.keys(0, len(self._shown) - 1)
        return list(compress(range(len(shown)), map(wanted.__contains__, shown)))

    # -- changing it ------------------------------------------------------------------------

    def replace(self, records: Mapping[Hashable, R]) -> None:
        """Hold other things altogether; selections are lost."""
        self.beginResetModel()
        self._records = dict(records)
        self._nature = None
        self._shown, self._place_at = self._arranged(), None
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
        if len(moves) > self.few:
            self._records.update(changes.put)
            self._rearrange(changes.gone)
            stays = list(changes.put)
        else:
            for key in moves:
                self._move(key, changes.put.get(key))
            self._records.update(changes.put)
        for gone in changes.gone:
            self._records.pop(gone, None)
        if changes.gone:
            self._nature = None
        self._tell(stays)
        if moves:
            self.counted.emit()

    def _sorted_out(self, changes: Changes[R]) -> tuple[list[Hashable], list[Hashable]]:
        """Keys whose rows stay where they are, and those that come, go or move."""
        stays, moves = [], [key for key in changes.gone if key in self._records]
        is_same_order = not moves
        for key, one in changes.put.items():
            old = self._records.get(key)
            was, now = old is not None and self._passes(old), self._passes(one)
            is_same_place = old is not None and self._is_beside(old, one)
            is_same_order = is_same_order and is_same_place
            if was and now and is_same_place:
                stays.append(key)
            elif was or now:
                moves.append(key)
        if not is_same_order:
            self._nature = None
        return stays, moves

    def _move(self, key: Hashable, one: R | None) -> None:
        """Bring the row of a key to where its record asks for it; None: it is gone."""
        old = self._records.get(key)
        place = self._find(key) if old is not None and self._passes(old) else -1
        if one is None or not self._passes(one):
            if place >= 0:
                self._take_out(place, place)
            return
        target = bisect_left(self._shown, self._place(key, one), key=self._place_of)
        self._records[key] = one
        if place < 0:
            self._put_in(target, [key])
            return
        target -= target > place
        if target != place:
            self._shift(place, target)
        row = self._flip(target)
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.columns) - 1))

    def _shift(self, place: int, target: int) -> None:
        row, to = self._flip(place), self._flip(target)
        root = QModelIndex()
        self.beginMoveRows(root, row, row, root, to + (to > row))
        self._shown.insert(target, self._shown.pop(place))
        self._place_at = None
        self.endMoveRows()

    def _rearrange(self, gone: Collection[Hashable] = ()) -> None:
        """Bring the rows to what filter and order say.

        Many that go are first brought to the end, and many that come are put there, to be taken
        and put in at once: each time costs as much as all rows.
        """
        self.rearranging.emit()
        keys, shown, few = self._arranged(gone), self._shown, self.few
        wanted = set(keys)
        lost = runs((i for i, key in enumerate(shown) if key not in wanted), few)
        if len(lost) > few:
            held = set(shown)
            kept = list(filter(held.__contains__, keys))
            self._reorder(kept + [key for key in shown if key not in wanted])
            lost = [(len(kept), len(shown) - 1)]
        for first, last in reversed(lost):
            self._take_out(first, last)
        held = set(self._shown)
        self._reorder(list(filter(held.__contains__, keys)))
        came = runs((i for i, key in enumerate(keys) if key not in held), few)
        if len(came) > few:
            self._put_in(len(self._shown), [key for key in keys if key not in held])
            self._reorder(keys)
        else:
            for first, last in came:
                self._put_in(first, keys[first : last + 1])
        self.rearranged.emit()

    def _take_out(self, first: int, last: int) -> None:
        rows = sorted((self._flip(first), self._flip(last)))
        self.beginRemoveRows(QModelIndex(), *rows)
        del self._shown[first : last + 1]
        self._place_at = None
        self.endRemoveRows()

    def _put_in(self, at: int, keys: list[Hashable]) -> None:
        row = len(self._shown) - at if self._is_falling else at
        self.beginInsertRows(QModelIndex(), row, row + len(keys) - 1)
        self._shown[at:at] = keys
        self._place_at = None
        self.endInsertRows()

    def _reorder(self, keys: list[Hashable], falls: bool | None = None) -> None:
        falls = self._is_falling if falls is None else falls
        if keys == self._shown and falls == self._is_falling:
            return
        self.layoutAboutToBeChanged.emit([], self.LayoutChangeHint.VerticalSortHint)
        old = self.persistentIndexList()
        held = [self._shown[self._flip(index.row())] for index in old]
        self._shown, self._is_falling, self._place_at = keys, falls, None
        wanted = frozenset(held)
        places = {key: at for at, key in enumerate(keys) if key in wanted} if old else {}
        new = [
            self.index(self._flip(places[key]), index.column())
            for key, index in zip(held, old, strict=True)
        ]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit([], self.LayoutChangeHint.VerticalSortHint)

    def _tell(self, keys: Collection[Hashable]) -> None:
        """That the rows of these say something else now."""
        if len(keys) > self.few:  # what is in sight is drawn anew, and to find them takes longer
            told = [(0, len(self._shown) - 1)] if self._shown else []
        else:
            told = runs(sorted(row for key in keys if (row := self.row_of(key)) >= 0))
        for first, last in told:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))

    # -- filter and order -------------------------------------------------------------------

    def filter(self, accepts: Callable[[R], bool] | None) -> None:
        """Show only records that pass; all where nothing is asked."""
        self._accepts = accepts
        self._rearrange()
        self.counted.emit()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column; by nature where it is -1."""
        before = self._column
        self._column = self.columns[column] if 0 <= column < len(self.columns) else None
        if self._column is not before:
            self._ordered = None
        falls = self._column is not None and order == Qt.SortOrder.DescendingOrder
        self.rearranging.emit()
        self._reorder(self._arranged(), falls)
        self.rearranged.emit()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    def passes(self, one: R) -> bool:
        """Whether the filter would show a record."""
        return self._passes(one)

    def _passes(self, one: R) -> bool:
        return self._accepts is None or self._accepts(one)

    def _is_beside(self, old: R, one: R) -> bool:
        """Whether one stands where the other did, with the same key."""
        if self._natural(old) != self._natural(one):
            return False
        if self._column is None:
            return True
        asked = self._column.order or self._column.text
        return bool(asked(old) == asked(one))

    def _place(self, key: Hashable, one: R) -> Any:
        if self._column is None:
            return (self._natural(one), key)
        value = (self._column.order or self._column.text)(one)
        return ((value is not None, value), self._natural(one), key)

    def _place_of(self, key: Hashable) -> Any:
        return self._place(key, self._records[key])

    def _places(self) -> dict[Hashable, int]:
        if self._place_at is None:
            self._place_at = {key: place for place, key in enumerate(self._shown)}
        return self._place_at

    def _find(self, key: Hashable) -> int:
        """The place of a key; -1 where it is not shown."""
        one = self._records.get(key)
        if self._place_at is None and one is not None and self._passes(one):
            place = bisect_left(self._shown, self._place(key, one), key=self._place_of)
            if place < len(self._shown) and self._shown[place] == key:
                return place
        return self._places().get(key, -1)  # a time that passes orders what no record tells

    def _arranged(self, gone: Collection[Hashable] = ()) -> list[Hashable]:
        """The keys of all that are to be shown, rising."""
        held, keys = self._records, self._in_order()
        wanted: Collection[Hashable] = held
        if self._accepts is not None:
            wanted = set(compress(held, map(self._accepts, held.values())))
        if gone:
            wanted = set(wanted).difference(gone)
        return list(filter(wanted.__contains__, keys)) if len(wanted) < len(keys) else keys.copy()

    def _in_order(self) -> list[Hashable]:
        """All keys, by nature and then by the column: a sort of one plain value each."""
        if self._nature is None:
            self._nature, self._ordered = self._by_nature(), None
        if self._column is None:
            return self._nature
        if self._ordered is None:
            self._ordered = self._by_column(self._nature, self._column)
        return self._ordered

    def _by_nature(self) -> list[Hashable]:
        keys, values = list(self._records), list(map(self._natural, self._records.values()))
        if all(map(lt, values, islice(values, 1, None))):
            return keys
        return [key for _, key in sorted(zip(values, keys, strict=True))]

    def _by_column(self, keys: list[Hashable], column: Column[R]) -> list[Hashable]:
        """Keys by a column's values, those that lack one first, among equals as they stand."""
        asked = column.order or column.text
        values = list(map(asked, map(self._records.__getitem__, keys)))
        known = [place for place, value in enumerate(values) if value is not None]
        found = [key for key, value in zip(keys, values, strict=True) if value is None]
        known.sort(key=values.__getitem__)
        found += map(keys.__getitem__, known)
        return found

    def _flip(self, at: int) -> int:
        return len(self._shown) - 1 - at if self._is_falling else at

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
