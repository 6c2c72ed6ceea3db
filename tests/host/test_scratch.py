"""Temporary files go with the attempt that made them, or with the next daemon's start."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from renderd.host import scratch
from renderd.host.scratch import LONGEST, PREFIX, Scratch

Open = Callable[[Path], Scratch]


@pytest.fixture
def parent() -> Iterator[Path]:
    """A folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="up", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def open_in() -> Iterator[Callable[[Path], Scratch]]:
    """Open scratch folders that are closed in the end."""
    with contextlib.ExitStack() as stack:

        def make(parent: Path) -> Scratch:
            own = Scratch.open(str(parent))
            stack.callback(own.close)
            return own

        yield make


def test_what_an_attempt_leaves_goes_with_it(parent: Path, open_in: Open) -> None:
    own = open_in(parent)
    with own.folder() as one, own.folder() as other:
        assert one != other
        Path(one, "blender_a1b2c3").mkdir()
        Path(one, "blender_a1b2c3", "buffer.exr").write_bytes(b"x")
        assert os.stat(one).st_mode & 0o077 == 0
    assert not Path(one).exists()


def test_every_attempt_begins_with_an_empty_folder(parent: Path, open_in: Open) -> None:
    own = open_in(parent)
    for number in range(3):
        with own.folder() as folder:
            assert os.listdir(folder) == []
            if number:
                Path(folder, "left").write_text("x")
    with own.folder() as one, own.folder() as other:
        assert one != other


def test_nothing_is_left_when_the_daemon_leaves(parent: Path) -> None:
    own = Scratch.open(str(parent))
    Path(own.path, "left").write_text("x")
    own.close()
    assert os.listdir(parent) == []


def test_a_living_daemons_folder_is_left_alone(parent: Path) -> None:
    command = (
        "import sys; from renderd.host.scratch import Scratch\n"
        "own = Scratch.open(sys.argv[1]); print(own.path, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", command, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as daemon:
        assert daemon.stdout
        path = Path(daemon.stdout.readline().strip())
        (path / "attempt").mkdir()
        assert scratch.sweep(str(parent)) == 0
        assert (path / "attempt").exists()
        daemon.kill()
    assert scratch.sweep(str(parent)) == 1
    assert os.listdir(parent) == []


def test_what_only_has_such_a_name_is_left_alone(parent: Path) -> None:
    (parent / f"{PREFIX}mine").mkdir()
    (parent / f"{PREFIX}mine" / "thesis.txt").write_text("x")
    (parent / f"{PREFIX}link").symlink_to(parent / f"{PREFIX}mine")
    assert scratch.sweep(str(parent)) == 0
    assert (parent / f"{PREFIX}mine" / "thesis.txt").exists()


def test_a_path_too_long_for_sockets_is_not_given(parent: Path, open_in: Open) -> None:
    deep = parent / ("x" * LONGEST)
    deep.mkdir()
    own = open_in(deep)
    with own.folder() as folder:
        assert folder == ""
    assert os.listdir(own.path) == ["lock"]


def test_a_folder_that_is_gone_stops_no_attempt(parent: Path, open_in: Open) -> None:
    own = open_in(parent)
    Path(own.path, "lock").unlink()
    Path(own.path).rmdir()
    with own.folder() as folder:
        assert folder == ""
