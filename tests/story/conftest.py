"""A screen, a farm of real daemons and a shot for a person's whole day."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# The farm stands beside its own tests, the screen beside these.
sys.path[:0] = [str(HERE), str(HERE.parent / "farm")]

from given import farm, tell  # noqa: E402
from screen import Screen, lacking  # noqa: E402

__all__ = ["farm"]  # a fixture


@pytest.fixture
def screen(tmp_path) -> Iterator[Screen]:
    """A display of the test's own; what it showed last is kept beside the logs."""
    if missing := lacking():
        pytest.skip(f"needs {', '.join(missing)}")
    made = Screen(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def shot(farm) -> Path:
    """A .blend in a folder of its own on the farm's share."""
    if shutil.which("blender") is None:
        pytest.skip("there is no blender on PATH")
    path = farm.folder / "shots" / "sky.blend"
    path.parent.mkdir()
    line = ["blender", "--factory-startup", "-b", "--python-exit-code", "1"]
    line += ["-P", str(HERE / "make_shot.py"), "--", str(path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=os.environ)
    assert path.exists(), done.stdout + done.stderr
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    tell(item, report)
    if report.when == "call" and report.failed:
        for value in item.funcargs.values():
            if isinstance(value, Screen):
                value.picture().save(value.folder / "last.png")
                report.sections.append(("screen", f"{value.front()!r}: {value.folder}/last.png"))
    return report
