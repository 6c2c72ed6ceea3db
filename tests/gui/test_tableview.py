"""A table's view keeps what is selected, however many rows that are and wherever they go."""

from dataclasses import dataclass

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QAbstractItemModelTester, QTest

from frontend.gui.views.tableview import TableView
from fs_browser.column import Column
from fs_browser.table import Table

MANY = 2000


@dataclass(frozen=True)
class Fruit:
    key: int
    weight: int


def table() -> Table[Fruit]:
    model = Table(
        (
            Column(key="key", title="Key", text=lambda f: str(f.key)),
            Column(key="weight", title="Weight", text=lambda f: "", order=lambda f: f.weight),
        ),
        lambda fruit: fruit.key,
    )
    model.tester = QAbstractItemModelTester(
        model, QAbstractItemModelTester.FailureReportingMode.Fatal
    )
    return model


@pytest.fixture
def view(qtbot):
    made = TableView(table(), "fruits")
    made.table.setParent(made)  # or it may go first
    qtbot.addWidget(made)
    made.table.replace({key: Fruit(key, key * 7919 % MANY) for key in range(MANY)})
    made.show()
    return made


def sort(view):
    view.horizontalHeader().setSortIndicator(1, Qt.SortOrder.DescendingOrder)


def drop(view):
    view.table.show({k: f for k, f in view.table.records.items() if k % 3})


def narrow(view):
    view.table.filter(lambda fruit: fruit.key % 3 > 0)


def narrow_and_widen(view):
    narrow(view)
    view.table.filter(None)


@pytest.mark.parametrize("count", [1, 40, 1500, MANY])
@pytest.mark.parametrize("act", [sort, drop, narrow, narrow_and_widen])
def test_rows_that_stay_in_sight_stay_selected(view, qtbot, count, act):
    picked = list(range(0, MANY, MANY // count))[:count]
    selection = view.selectionModel().selection()
    for row in picked:
        selection.select(view.table.index(row, 0), view.table.index(row, 1))
    view.selectionModel().select(selection, view.selectionModel().SelectionFlag.ClearAndSelect)
    told = []
    view.chose.connect(lambda: told.append(set(view.picked_keys())))
    act(view)
    stay = {key for key in picked if key % 3} if act is not sort else set(picked)
    assert set(view.picked_keys()) == stay
    assert {fruit.key for fruit in view.picked()} == stay
    if stay != set(picked):
        qtbot.waitUntil(lambda: bool(told) and told[-1] == stay)


def test_many_are_told_of_once_when_the_window_has_time(view, qtbot):
    told = []
    view.chose.connect(lambda: told.append(len(view.picked_keys())))
    QTest.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    for _ in range(5):
        QTest.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    view.selectAll()
    assert told == [1] * told.count(1)  # Shift and an arrow select one row at once
    qtbot.waitUntil(lambda: told[-1:] == [MANY])


def test_what_is_put_off_is_told_of_at_once_where_that_is_asked(view):
    told = []
    view.chose.connect(lambda: told.append(len(view.picked_keys())))
    view.selectAll()
    assert told == []
    view.settle()
    assert told == [MANY]
    view.settle()
    assert told == [MANY]
