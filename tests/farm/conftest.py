"""Farms of real daemons; a failed test tells what its farm looked like."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The farm and the stand-in renderer stand beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

from farm import Farm


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.farm)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" and report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Farm):
                report.sections.append((f"farm in {value.folder}", value.evidence()))
    return report


@pytest.fixture
def farm() -> Iterator[Farm]:
    """A farm with an empty spool and no daemon yet."""
    made = Farm()
    try:
        made.init()
        yield made
    finally:
        made.close()


@pytest.fixture
def make_farm() -> Iterator[Callable[..., Farm]]:
    """Farms whose spool or folder a test chooses; none is initialised."""
    made: list[Farm] = []

    def make(**how: str) -> Farm:
        made.append(Farm(**how))
        return made[-1]

    yield make
    for one in made:
        one.close()
