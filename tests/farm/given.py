"""What tests of farms are given, and what a failed one tells of its farm."""

from collections.abc import Iterator

import pytest
from farm import Farm


@pytest.fixture
def farm() -> Iterator[Farm]:
    """A farm with an empty spool and no daemon yet."""
    made = Farm()
    try:
        made.init()
        yield made
    finally:
        made.close()


def tell(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add what its farms looked like to the report of a failed test."""
    if report.when == "call" and report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Farm):
                report.sections.append((f"farm in {value.folder}", value.evidence()))
