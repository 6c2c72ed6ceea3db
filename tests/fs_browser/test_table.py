"""Rows of records: whatever changes, the rows are what filter and order say of the records."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PyQt6.QtCore import QPersistentModelIndex, Qt
from PyQt6.QtTest import QAbstractItemModelTester

from fs_browser.changes import Changes, compare
from fs_browser.column import Column
from fs_browser.table import RECORD, Table

FALLS, RISES = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder


@dataclass(frozen=True)
class Fruit:
    key: int
    name: str
    weight: int | None = None


COLUMNS: tuple[Column[Fruit], ...] = (
    Column(key="name", title="Name", text=lambda f: f.name),
    Column(key="weight", title="Weight", text=lambda f: str(f.weight), order=lambda f: f.weight),
)


def held(*fruits: Fruit) -> Table[Fruit]:
    found = Table(COLUMNS, lambda f: f.key)
    found.tester = QAbstractItemModelTester(  # it lives as long as the model
        found, QAbstractItemModelTester.FailureReportingMode.Fatal
    )
    found.show({f.key: f for f in fruits})
    return found


def rows(model: Table[Fruit]) -> list[Fruit]:
    return [model.index(row, 0).data(RECORD) for row in range(model.rowCount())]


APPLE, PEAR, PLUM = Fruit(1, "Apple", 150), Fruit(2, "Pear", 180), Fruit(3, "Plum", None)


def test_records_stand_in_their_natural_order_first():
    assert rows(held(PLUM, APPLE, PEAR)) == [APPLE, PEAR, PLUM]


def test_a_column_orders_and_what_it_lacks_comes_first():
    model = held(APPLE, PEAR, PLUM)
    model.sort(1, RISES)
    assert rows(model) == [PLUM, APPLE, PEAR]
    model.sort(1, FALLS)
    assert rows(model) == [PEAR, APPLE, PLUM]


def test_a_filter_leaves_out_and_gives_back():
    model = held(APPLE, PEAR, PLUM)
    model.filter(lambda f: f.name.startswith("P"))
    assert rows(model) == [PEAR, PLUM]
    assert model.total == 3
    model.filter(None)
    assert rows(model) == [APPLE, PEAR, PLUM]


@pytest.mark.parametrize("order", [RISES, FALLS])
def test_a_row_that_moves_stays_the_same_row_for_who_holds_it(order):
    model = held(APPLE, PEAR, PLUM)
    model.sort(1, order)
    apple = QPersistentModelIndex(model.index(model.row_of(1), 0))
    model.apply(Changes({1: Fruit(1, "Apple", 500)}))
    assert apple.data(RECORD) == Fruit(1, "Apple", 500)
    assert apple.row() == model.row_of(1)


def test_only_the_rows_that_differ_are_told_of(qtbot):
    model = held(APPLE, PEAR, PLUM)
    told = []
    model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
    model.show({1: APPLE, 2: Fruit(2, "Pear!", 180), 3: PLUM})
    assert told == [(1, 1)]


FRUITS = st.builds(Fruit, st.integers(0, 150), st.sampled_from("abcdef"), st.integers(0, 9))
STEPS = st.one_of(
    st.tuples(st.just("show"), st.lists(FRUITS, max_size=150)),
    st.tuples(st.just("sort"), st.sampled_from([(-1, RISES), (0, FALLS), (1, RISES), (1, FALLS)])),
    st.tuples(st.just("filter"), st.sampled_from(["", "a", "bcd"])),
)


def expected(records, column, order, letters):
    key = (lambda f: f.name) if column == 0 else (lambda f: f.weight)
    falls = column >= 0 and order == FALLS
    found = sorted((f for f in records.values() if f.name in letters), key=lambda f: f.key)
    if falls:
        found.reverse()
    return sorted(found, key=key, reverse=falls) if column >= 0 else found


def passing(letters):
    return lambda fruit: fruit.name in letters


@pytest.mark.parametrize("few", [0, 3, 64])
@given(st.lists(STEPS, max_size=12))
@settings(max_examples=100, deadline=None)
def test_rows_are_what_filter_and_order_say_however_they_came_there(few, steps):
    model, records = held(), {}
    model.few = few
    column, order, letters = -1, RISES, "abcdef"
    held_rows = []
    for what, value in steps:
        if what == "show":
            records = {f.key: f for f in value}
            model.show(records)
        elif what == "sort":
            column, order = value
            model.sort(column, order)
        else:
            letters = value or "abcdef"
            model.filter(passing(letters) if value else None)
        assert rows(model) == expected(records, column, order, letters) == model.shown()
        assert all(model.record(i.row()).key == key for i, key in held_rows if i.isValid())
        held_rows += [
            (QPersistentModelIndex(model.index(row, 0)), model.record(row).key)
            for row in range(0, model.rowCount(), 9)
        ]


@given(st.lists(FRUITS, max_size=30), st.sampled_from([RISES, FALLS]), st.data())
def test_keys_and_rows_are_told_of_each_other(fruits, order, data):
    model = held(*fruits)
    model.sort(1, order)
    if not model.rowCount():
        return
    first = data.draw(st.integers(0, model.rowCount() - 1))
    last = data.draw(st.integers(first, model.rowCount() - 1))
    keys = model.keys(first, last)
    assert [model.record(row).key for row in range(first, last + 1)] == keys
    assert model.rows_of(keys) == list(range(first, last + 1))
    assert [model.row_of(key) for key in keys] == list(range(first, last + 1))


def test_compare_says_what_makes_the_one_from_the_other():
    assert compare({1: "a", 2: "b"}, {2: "c", 3: "d"}) == Changes({2: "c", 3: "d"}, frozenset({1}))
    assert not compare({1: "a"}, {1: "a"})
