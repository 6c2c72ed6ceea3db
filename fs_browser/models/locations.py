"""Where the browser keeps what it remembers, and where Blender keeps its own."""

import os
import sys

import platformdirs
from PyQt6.QtCore import QSettings

_APP = "neogeo-renderd"


def remembered() -> QSettings:
    """Sizes, view and columns, as a person left them."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, _APP, "fs")


def bookmarks_file() -> str:
    """The text file of bookmarks and recent folders."""
    return os.path.join(platformdirs.user_config_dir(_APP), "bookmarks.txt")


def blender_settings() -> str:
    """The folder with a folder of settings for each version of Blender."""
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/Blender")
    return os.path.join(platformdirs.user_config_dir(), "blender")
