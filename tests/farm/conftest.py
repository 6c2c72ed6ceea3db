"""Farms of real daemons; a failed test tells what its farm looked like."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The farm and the stand-in renderer stand beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

import shots
from farm import Farm
from given import farm, tell

__all__ = ["farm"]  # a fixture


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.farm)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    tell(item, report)
    return report


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


@pytest.fixture(scope="session")
def all_shots(tmp_path_factory) -> Path:
    """The files of make_shots.py, made once; nobody writes there."""
    return shots.make(tmp_path_factory.mktemp("shots"))


@pytest.fixture
def project(farm, all_shots) -> Path:
    """A project folder on the farm's share with the files of make_shots.py, a test's own."""
    return Path(shutil.copytree(all_shots, farm.folder / "project"))


@pytest.fixture(scope="session")
def plain(all_shots, tmp_path_factory) -> Callable[[str], dict[str, object]]:
    """The pictures of a plain `blender -b SHOT.blend -o out/shot_#### -a`, made once each."""
    known = {}

    def render(name: str) -> dict[str, object]:
        if name not in known:
            folder = tmp_path_factory.mktemp(f"plain-{name}") / "project"
            shutil.copytree(all_shots, folder)
            out = folder.with_name("out")
            shots.blender(folder / f"{name}.blend", "-o", out / "shot_####", "-a")
            if (folder / "passes").exists():
                (folder / "passes").rename(out / "passes")
            known[name] = shots.pictures(out)
        return known[name]

    return render
