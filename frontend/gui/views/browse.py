"""Our file browser, asked from the window."""

from collections.abc import Sequence

from PyQt6.QtWidgets import QApplication, QWidget

from fs_browser.core.kinds import Kind
from fs_browser.dialog import BrowserDialog


def browse(
    parent: QWidget, folder: str, kinds: Sequence[Kind], *, multiple: bool, save_name: str
) -> Sequence[str]:
    """Paths that were chosen; with `save_name` the one to write to."""
    above = QApplication.activeModalWidget() or QApplication.activeWindow() or parent
    dialog = BrowserDialog(above, folder, kinds, multiple, save_name or None)
    dialog.setWindowTitle("Where frames go" if save_name else "Choose .blend files")
    chosen = dialog.paths if dialog.exec() else []
    dialog.deleteLater()
    return chosen
