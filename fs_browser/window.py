"""`fs` with a screen: the dialog as a window of its own, and what was chosen."""

from collections.abc import Collection

from PyQt6.QtWidgets import QApplication

from fs_browser import brand, theme
from fs_browser.core.kinds import Kind
from fs_browser.dialog import BrowserDialog


def choose(
    folder: str, kinds: Collection[Kind], *, is_multiple: bool, save_name: str | None
) -> list[str]:
    """Show the browser until a person is done; the chosen paths, none where they cancelled."""
    app = QApplication([brand.FS])
    app.setApplicationName("fs")
    brand.introduce(app, brand.FS)
    theme.of(app)
    dialog = BrowserDialog(None, folder, kinds, is_multiple, save_name)
    dialog.setWindowTitle(f"fs — {dialog.windowTitle()}")
    dialog.exec()
    return dialog.paths
