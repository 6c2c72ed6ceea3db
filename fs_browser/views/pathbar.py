"""The entry of the path, which completes folders as one types."""

import os

from PyQt6.QtCore import QStringListModel, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QCompleter, QLineEdit, QWidget

from fs_browser.core.completion import Typed, folders, split
from fs_browser.models.aside import Aside
from fs_browser.models.session import Session


class PathBar(QLineEdit):
    """Where one is, and where to go: Enter goes, Esc takes back what was typed."""

    left = pyqtSignal()  #: the person is done here

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._aside = Aside(self)
        self._listed = ""  #: the folder whose folders are offered
        self._names = QStringListModel(self)
        self.setAccessibleName("Path")
        self.setToolTip("The folder; type another, arrows complete (Ctrl+L)")
        completer = QCompleter(self._names, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setMaxVisibleItems(12)
        self.setCompleter(completer)
        self.textEdited.connect(self._offer)
        session.moved.connect(self.show_folder)

    def show_folder(self, folder: str) -> None:
        """Show where one is."""
        self.setText(_shown(folder))

    def _offer(self, typed: str) -> None:
        """List the folder that is typed so far, beside the window."""
        asked = split(typed, self._session.folder, os.path.expanduser("~"))
        if asked.folder != self._listed:
            self._listed = asked.folder
            self._aside.run(
                lambda: (asked, folders(asked.folder)),
                self._take,
                lambda _: self._take((asked, [])),
            )

    def _take(self, found: tuple[Typed, list[str]]) -> None:
        asked, names = found
        if asked.folder != self._listed:
            return
        self._names.setStringList([asked.written + name + os.sep for name in names])
        completer = self.completer()
        if completer is not None and self.hasFocus() and self.isModified():
            completer.setCompletionPrefix(self.text())
            completer.complete()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Goes on Enter, takes back on Esc."""
        assert event is not None
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._listed = ""
            self._session.visit(self.text())
            self.left.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.show_folder(self._session.folder)
            self.left.emit()
        else:
            super().keyPressEvent(event)


def _shown(folder: str) -> str:
    return folder.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
