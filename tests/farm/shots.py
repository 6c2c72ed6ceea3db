"""Plain runs of Blender to compare with, and pictures compared by their pixels."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

QUIET = ["--factory-startup", "-noaudio", "-b"]
COLOURS = {(255, 0, 0): "red", (0, 255, 0): "green", (0, 0, 255): "blue", (255, 0, 255): "pink"}
MAKER = Path(__file__).with_name("make_shots.py")


def blender(*words):
    """A plain run of Blender, as a person makes it in a shell; what it printed."""
    program = shutil.which("blender")
    if program is None:
        pytest.skip("no blender on PATH")
    done = subprocess.run(
        [program, *QUIET, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def make(folder, *names, python=""):
    """Make shots in a folder: see make_shots.py for their names.

    By the Blender on PATH, or by a Python that has the package bpy.
    """
    if python:
        line = [python, MAKER, "--", folder, *names]
        subprocess.run(line, check=True, capture_output=True)
    else:
        blender("--python-exit-code", "1", "-P", MAKER, "--", folder, *names)
    return folder


def packaged():
    """Pythons that have Blender as the package bpy, by its version: `{"4.2": …, "5.0": …}`."""
    named = [p for p in os.environ.get("RENDERD_BPY_PYTHONS", "").split(os.pathsep) if p]
    code = "from importlib.metadata import version as v; print(*v('bpy').split('.')[:2], sep='.')"
    told = [subprocess.check_output([p, "-c", code], text=True).strip() for p in named]
    if len(set(told)) < 2:
        pytest.skip("RENDERD_BPY_PYTHONS names no Pythons with two versions of the package bpy")
    return dict(zip(told, named, strict=True))


def pixels(path):
    """What a picture shows, without what its file says about the time it was made."""
    if path.suffix == ".exr":
        return _exr_chunks(path.read_bytes())
    with Image.open(path) as image:
        return image.mode, image.size, image.tobytes()


def _exr_chunks(data):
    """All of an EXR behind its header and offset table, both of which vary with dates."""
    at, kinds = 8, {}
    while data[at]:
        name, kind = data[at : at + 600].split(b"\0")[:2]
        at += len(name) + len(kind) + 2
        size = int.from_bytes(data[at : at + 4], "little")
        kinds[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    first = int.from_bytes(data[at + 1 : at + 9], "little")
    return kinds[b"channels"], kinds[b"dataWindow"], data[first:]


def pictures(folder):
    """All pictures below a folder by their relative path, but what the farm keeps there."""
    found = {}
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".renderd")  # it may go meanwhile
        paths = [Path(here) / name for name in sorted(names) if name.endswith((".png", ".exr"))]
        found |= {str(path.relative_to(folder)): pixels(path) for path in paths}
    return found


def colours(folder):
    """Which of red, green, blue and pink fills each frame of a folder; else its middle pixel."""
    found = {}
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as image:
            rgb = image.convert("RGB")
        middle = rgb.getpixel((rgb.width // 2, rgb.height // 2))
        is_plain = all(low == high for low, high in rgb.getextrema())
        found[path.stem] = COLOURS.get(middle, middle) if is_plain else middle
    return found
