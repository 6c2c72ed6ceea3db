"""What is chosen in the file browser for new jobs."""

import os
from collections.abc import Sequence

from frontend.gui.bridge import Errand
from frontend.gui.desk import Desk
from fs_browser.core.kinds import Kind
from renderd.core import infofile

_FOLDER = "add/folder"
_FRAMES = "####"


def add(desk: Desk) -> None:
    """Let .blend files be chosen, and show them in the dialog that queues them."""
    if paths := choose_blends(desk):
        desk.adding.emit(paths)


def choose_blends(desk: Desk, beside: str = "") -> Sequence[str]:
    """Let .blend files be chosen; where they were is remembered."""
    folder = beside or str(desk.remembered.value(_FOLDER, "") or "")
    paths = desk.ask.files(folder, (Kind.BLEND,), multiple=True)
    if paths:
        desk.remembered.setValue(_FOLDER, os.path.dirname(paths[0]))
    return paths


def choose_output(desk: Desk, now: str, beside: str) -> str:
    """Let a pattern of frames be chosen, as an info file writes it; empty: they would not."""
    folder, _, base = now.rpartition("/")
    found = desk.ask.files(folder or beside, (), save_name=base or f"{{scene}}_{_FRAMES}")
    if not found:
        return ""
    path = infofile.escape(found[0]).replace("{{scene}}", "{scene}")
    return path if "#" in os.path.basename(path) else f"{path}_{_FRAMES}"


def open_nearest(desk: Desk, path: str) -> None:
    """Show the folder of a file, or the nearest above that is there."""

    def look() -> str:
        place = os.path.dirname(path)
        while not os.path.isdir(place) and os.path.dirname(place) != place:
            place = os.path.dirname(place)
        desk.open_wanted.emit(place)
        return ""

    desk.study(Errand("Open folder", look))
