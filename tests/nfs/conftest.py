"""Networks of guests: one at a time, for they want the machine to themselves."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.nfs import lab as network
from tests.nfs.lab import Lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    reason = network.lacking()
    if not reason and int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
        reason = "guests beside other tests overload a machine: make test TESTS=tests/nfs WORKERS=0"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.nfs)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def make_lab() -> Iterator[Callable[..., Lab]]:
    """Labs that end with the test and leave nothing behind."""
    with ExitStack() as stack:

        def make(**how: str) -> Lab:
            # Not below /tmp: that is every guest's own.
            folder = tempfile.mkdtemp(prefix="renderd-nfs-", dir="/var/tmp")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            return stack.enter_context(Lab(Path(folder), **how))

        yield make
