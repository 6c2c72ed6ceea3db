"""What is done with the one frame that is looked at, and with all of its sequence."""

import os
import shutil
import sys
from collections.abc import Sequence

from PyQt6.QtCore import QProcess

from frontend.gui.bridge import Errand
from frontend.gui.deeds.jobs import redo_these
from frontend.gui.desk import Desk
from frontend.gui.models.preferences import Preferences, command
from renderd.core.label import label
from renderd.errors import UsageError

_PLAYER = "blender"  #: plays pictures, OpenEXR as well, with -a


def any_file(desk: Desk) -> bool:
    """True while the frame that is looked at has a file."""
    return desk.seen is not None and bool(desk.seen.shot.path)


def any_files(desk: Desk) -> bool:
    """True while the job that is looked at has a frame with a file."""
    return desk.seen is not None and any(shot.path for shot in desk.seen.shots)


def any_frame(desk: Desk) -> bool:
    """True while a frame of a job is looked at, with or without its file."""
    return desk.seen is not None and desk.seen.jid in desk.jobs.records


def open_(desk: Desk) -> None:
    """Open the frame with the program of the settings, else with the desktop's."""
    if desk.seen is None:
        return
    path = desk.seen.shot.path

    def work() -> str:
        if words := command(Preferences(desk.remembered).open_with):
            _start([*words, path], "Open frames with")
            return f"Opened {_base(path)} with {_base(words[0])}"
        desk.open_wanted.emit(path)
        return f"Opened {_base(path)}"

    desk.study(Errand("Open frame", work))


def play(desk: Desk) -> None:
    """Play the sequence from its first frame with the program of the settings, else with Blender.

    Players take one file and find the others by their numbers.
    """
    if desk.seen is None:
        return
    path = next(shot.path for shot in desk.seen.shots if shot.path)

    def work() -> str:
        words = command(Preferences(desk.remembered).play_with)
        if not words and (blender := shutil.which(_PLAYER)):
            words = [blender, "-a"]
        if not words:
            why = "no program that plays frames is known"
            raise UsageError(why, "name one in Settings ▸ Play sequences with, like mrv2 or djv")
        _start([*words, path], "Play sequences with")
        return f"Plays {_base(path)} and what follows with {_base(words[0])}"

    desk.study(Errand("Play sequence", work))


def show_in_folder(desk: Desk) -> None:
    """Show the frame among its files in our own file browser."""
    if desk.seen is None:
        return
    path = desk.seen.shot.path

    def work() -> str:
        _start([sys.executable, "-m", "fs_browser.app", "--choose", path], "")
        return f"Shows {_base(path)} in its folder"

    desk.study(Errand("Show in folder", work))


def copy_path(desk: Desk) -> None:
    """Copy the path of the frame."""
    if desk.seen is not None:
        desk.ask.copy(desk.seen.shot.path)
        desk.said.emit(f"Copied the path of frame {desk.seen.shot.frame}")


def redo(desk: Desk) -> None:
    """Render the frame again; the old one stays until the new one is whole."""
    if desk.seen is not None:
        redo_these(desk, desk.jobs.records[desk.seen.jid], (desk.seen.shot.frame,))


def _start(words: Sequence[str], setting: str) -> None:
    """Start a program that lives on without us.  Raises UsageError where it cannot."""
    program = os.path.expanduser(words[0])
    is_started, _ = QProcess.startDetached(program, list(words[1:]))
    if not is_started:
        remedy = f"look at Settings ▸ {setting}" if setting else "is it installed?"
        raise UsageError(f"{label(words[0], 100)} could not be started", remedy)


def _base(path: str) -> str:
    return label(os.path.basename(path), 100)
