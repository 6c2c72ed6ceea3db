"""What a person set in the settings dialog, with what holds until then."""

import shlex

from PyQt6.QtCore import QSettings

from renderd.errors import UsageError


def command(text: str) -> list[str]:
    """The words of a program's command line, as a shell takes them.  Raises UsageError."""
    try:
        return shlex.split(text)
    except ValueError:
        why = f"{text!r} has a quotation mark that is not closed"
        raise UsageError(why, "close it, or write \\ before it") from None


class Preferences:
    """Typed settings of the window, kept in its INI file at once."""

    def __init__(self, kept: QSettings) -> None:
        self._kept = kept

    @property
    def notifies(self) -> bool:
        """Whether a message appears when a job of this person ends or fails."""
        return self._flag("notify", is_on=True)

    @notifies.setter
    def notifies(self, is_on: bool) -> None:
        self._kept.setValue("notify", is_on)

    @property
    def closes_to_tray(self) -> bool:
        """Whether closing the window leaves the program in the tray."""
        return self._flag("close_to_tray", is_on=False)

    @closes_to_tray.setter
    def closes_to_tray(self, is_on: bool) -> None:
        self._kept.setValue("close_to_tray", is_on)

    @property
    def open_with(self) -> str:
        """The program that opens frames; empty: what the system has for them."""
        return str(self._kept.value("open_with", "") or "")

    @open_with.setter
    def open_with(self, program: str) -> None:
        self._kept.setValue("open_with", program.strip())

    @property
    def play_with(self) -> str:
        """The program that plays sequences; empty: Blender."""
        return str(self._kept.value("play_with", "") or "")

    @play_with.setter
    def play_with(self, program: str) -> None:
        self._kept.setValue("play_with", program.strip())

    def _flag(self, key: str, *, is_on: bool) -> bool:
        # An INI file that was read again holds words.
        return str(self._kept.value(key, is_on)).lower() in ("true", "1")
