"""Volumes for a module's tests, and farms on them."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The volumes stand beside the tests, farms and their stand-in renderer in tests/farm.
sys.path.insert(0, str(Path(__file__).parents[1] / "farm"))
sys.path.insert(0, str(Path(__file__).parent))

from farm import Farm
from gluster import GlusterFS
from moosefs import MooseFS
from volume import Volume, why_not


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.farm)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" and report.failed and (farm := item.funcargs.get("farm")):
        with contextlib.suppress(OSError):  # without its servers a volume shows nothing
            report.sections.append((f"farm in {farm.folder}", farm.evidence()))
    return report


@pytest.fixture(scope="module", params=[MooseFS, GlusterFS], ids=lambda kind: kind.kind)
def volume(request: pytest.FixtureRequest) -> Iterator[Volume]:
    """A volume of three servers, mounted twice."""
    if reason := why_not(request.param):
        pytest.skip(reason)
    with request.param() as made:
        yield made


@pytest.fixture
def farm(volume: Volume) -> Iterator[Farm]:
    """A farm whose spool and frames lie on the volume; its daemons take turns at the mounts."""
    made = Farm(share=str(volume.share), clients=tuple(map(str, volume.clients)))
    try:
        made.init()
        yield made
    finally:
        made.close()
