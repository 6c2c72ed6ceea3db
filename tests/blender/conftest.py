"""A real Blender and files that it renders in milliseconds."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from renderd.core.progress import Watch

HERE = Path(__file__).parent


def bpy_pythons():
    """Pythons that have the package bpy: those of RENDERD_BPY_PYTHONS, else this one."""
    named = [p for p in os.environ.get("RENDERD_BPY_PYTHONS", "").split(os.pathsep) if p]
    return named or ([sys.executable] if find_spec("bpy") else [])


@dataclass(frozen=True)
class Outcome:
    """What one run left behind."""

    status: int
    text: str
    files: list[str]

    @property
    def watch(self):
        watch = Watch()
        for line in self.text.splitlines():
            watch.feed(line)
        return watch


@pytest.fixture(scope="session")
def blender():
    """The Blender on PATH."""
    program = shutil.which("blender")
    if program is None:
        pytest.skip("no blender on PATH")
    return program


def all_blenders():
    """The words that start each Blender of this machine: the program and the packages."""
    program = shutil.which("blender")
    return ([(program,)] if program else []) + [
        (python, "-m", "renderd.blender") for python in bpy_pythons()
    ]


@pytest.fixture(scope="session", params=all_blenders() or [()], ids=lambda words: words[0:1])
def each_blender(request):
    """Each Blender of this machine in turn, as the words that start it."""
    if not request.param:
        pytest.skip("there is no blender on PATH and no Python package bpy")
    return list(request.param)


@pytest.fixture(scope="session")
def make_with():
    """Run Python that makes .blend files in a folder, with the Blender of these words."""

    def make(words, source, folder):
        if len(words) > 1:  # a package is its Python
            words = [words[0], "-c", source, "--", str(folder)]
        else:
            words = [*words, "--factory-startup", "-b", "--python-exit-code", "1"]
            words += ["--python-expr", source, "--", str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return make


@pytest.fixture(scope="session")
def tiny(blender, tmp_path_factory):
    """A folder with tiny.blend (scenes A, B and badly named ones) and blind.blend (no camera)."""
    folder = tmp_path_factory.mktemp("tiny")
    script = str(HERE / "make_tiny.py")
    words = [blender, "--factory-startup", "-b", "--python-exit-code", "1", "-P", script]
    done = subprocess.run([*words, "--", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def out(tmp_path):
    """An empty folder to render into."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def run(out):
    """Run words; the status, everything printed, and the names of the files in `out`."""

    def go(words, **env):
        done = subprocess.run(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            env={**os.environ, **env},
        )
        names = sorted(path.name for path in out.rglob("*") if path.is_file())
        return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), names)

    return go


@pytest.fixture(params=bpy_pythons() or [None], ids=lambda p: p and Path(p).parts[-3])
def module_words(request):
    """The words that start the bpy package as a Blender, once for each that is here."""
    if request.param is None:
        pytest.skip("the package bpy is not here, and RENDERD_BPY_PYTHONS names no Python with it")
    return [request.param, "-m", "renderd.blender"]
