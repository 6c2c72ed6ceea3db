"""What a person set in the settings dialog, with what holds until then."""

from PyQt6.QtCore import QSettings


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

    def _flag(self, key: str, *, is_on: bool) -> bool:
        # An INI file that was read again holds words.
        return str(self._kept.value(key, is_on)).lower() in ("true", "1")
