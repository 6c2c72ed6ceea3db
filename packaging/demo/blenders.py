"""Which Blender the demo renders with: the one on PATH, else the Python package."""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

from renderd.blender import versions

PROJECT = Path(__file__).parents[2]
REMEDY = (
    "No Blender could be found or installed: install one (Debian and Ubuntu: apt install blender,"
    " macOS: brew install --cask blender, else https://www.blender.org/download/) so that"
    " `blender -v` answers, and run make demo again."
)


def find_or_install() -> str:
    """Make sure that the daemons will find a Blender; its name for people.

    Raises SystemExit with one sentence where none can be had.
    """
    if program := shutil.which("blender"):
        version = versions.ask_version((program,))
        if version is not None:
            return f"Blender {'.'.join(map(str, version))} ({program})"
    if versions.find_module() is None:
        print("There is no blender on PATH; installing it as a Python package (some 400 MB) …")
        _install()
    module = versions.find_module()
    if module is None or versions.ask_version(module.words) is None:
        raise SystemExit(REMEDY)
    return f"Blender {module.text} (the Python package bpy)"


def _install() -> None:
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    words += ["--root-user-action=ignore", "-e", f"{PROJECT}[bpy]"]
    subprocess.run(words, check=False)
    importlib.invalidate_caches()
