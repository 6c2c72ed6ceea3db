"""What the tests of the .blend reader share."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest

# The maker of test files stands beside the tests; benchmarks import it the same way.
sys.path.insert(0, str(Path(__file__).parent))

from blendmaker import Age, blend, block, header, rend, thumb

SHARED = Path(__file__).parents[2].parent / "shared" / "blend"


@pytest.fixture(scope="session")
def special(tmp_path_factory):
    """A folder of things that are no ordinary files, and of huge sparse ones."""
    folder = tmp_path_factory.mktemp("special")
    (folder / "dangling.blend").symlink_to("/nowhere/at-all.blend")
    (folder / "loop.blend").symlink_to("loop.blend")
    (folder / "devzero.blend").symlink_to("/dev/zero")
    (folder / "folder.blend").mkdir()
    os.mkfifo(folder / "fifo.blend")
    # A socket's path may be no longer than a hundred bytes, so it is bound from within.
    before = os.getcwd()
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.blend")
    os.chdir(before)
    age = Age(306)
    rows = [(b"Alpha", 1, 10), (b"Beta", 5, 6)]
    front = header(age) + b"".join(rend(age, row) for row in rows) + thumb(age, 8, 8)
    front += block(age, b"GLOB", bytes(100)) + block(age, b"DATA", length=(1 << 31) - 1)
    _sparse(folder / "sparse3g_v306.blend", front)
    _sparse(folder / "sparse_zero_bheads_3g.blend", header(age))
    _sparse(folder / "sparse_test_3g.blend", blend(age, rows[:1], rest=thumb(age, 9, 9, b"")))
    return folder


def _sparse(path: Path, front: bytes) -> None:
    with path.open("wb") as file:
        file.write(front)
        file.truncate(3 << 30)


@pytest.fixture(scope="session")
def truth():
    """The right answers for the files in ../shared/blend; skips where they are not given."""
    if not (SHARED / "truth.json").exists():
        pytest.skip("../shared/blend is not here")
    return json.loads((SHARED / "truth.json").read_text())["files"]


@pytest.fixture
def saved(tmp_path):
    """A function that writes bytes to a file and returns its path."""

    def save(data: bytes, name: str = "file.blend") -> str:
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return save
