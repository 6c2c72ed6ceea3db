"""A dock whose panel works only while somebody can see it."""

from typing import Protocol

from PyQt6.QtWidgets import QDockWidget, QMainWindow, QWidget


class Panel(Protocol):
    """What a dock holds."""

    def be_seen(self, is_in_sight: bool) -> None:
        """Told when it comes into sight and when it goes."""


class Dock(QDockWidget):
    """One panel beside the pages of the window."""

    def __init__(self, title: str, name: str, panel: QWidget, window: QMainWindow) -> None:
        super().__init__(title, window)
        self.setObjectName(name)
        self.setWidget(panel)
        self.visibilityChanged.connect(panel.be_seen)  # type: ignore[attr-defined]

    def bring(self) -> None:
        """Show it, before others in its place."""
        self.show()
        self.raise_()
