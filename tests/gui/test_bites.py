"""However much changes at once, the table ends up with all of it, and answers meanwhile."""

from dataclasses import dataclass

import pytest

from frontend.gui.bites import Bites
from fs_browser.changes import Changes
from fs_browser.column import Column
from fs_browser.table import Table


@dataclass(frozen=True)
class Fruit:
    key: int
    weight: int


@pytest.fixture
def table():
    column = Column(key="weight", title="Weight", text=lambda f: "", order=lambda f: f.weight)
    made = Table((column,), lambda fruit: fruit.key)
    made.replace({key: Fruit(key, key) for key in range(10_000)})
    return made


def heavier(keys, weight):
    return {key: Fruit(key, weight) for key in keys}


@pytest.mark.parametrize("column", [-1, 0])
def test_all_that_was_given_is_there_in_the_end(table, qtbot, column):
    bites = Bites(table)
    table.sort(column)
    wanted = dict(table.records)
    for keys, weight, gone in ((range(5000), 7, ()), (range(3000), 8, (1, 9999)), ((1,), 9, ())):
        put = heavier((key for key in keys if key not in gone), weight)
        wanted = {key: f for key, f in (wanted | put).items() if key not in gone}
        bites.give(Changes(put, frozenset(gone)))
    with qtbot.waitSignal(bites.told):
        pass
    assert table.records == wanted
    assert table.shown() == sorted(
        wanted.values(), key=lambda f: (f.weight if column == 0 else 0, f.key)
    )


def test_not_all_of_it_is_taken_in_at_once(table, qtbot):
    bites = Bites(table)
    bites.give(Changes(heavier(range(10_000), 7)))
    assert table.record(9_999).weight == 9_999
    with qtbot.waitSignal(bites.told):
        pass
    assert table.record(9_999).weight == 7


def test_what_is_dropped_does_not_come(table, qtbot):
    bites = Bites(table)
    bites.give(Changes(heavier(range(10_000), 7)))
    bites.drop()
    table.replace({})
    bites.give(Changes(heavier([3], 5)))
    assert table.shown() == [Fruit(3, 5)]
