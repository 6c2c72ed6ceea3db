"""Files and folders that are dropped onto a window."""

from PyQt6.QtGui import QDragEnterEvent, QDropEvent


def welcome(event: QDragEnterEvent | None) -> None:
    """Take a drag that brings files of this machine."""
    if event is not None and _paths(event):
        event.acceptProposedAction()


def taken(event: QDropEvent | None) -> list[str]:
    """What a drop brings."""
    found = _paths(event) if event is not None else []
    if event is not None and found:
        event.acceptProposedAction()
    return found


def _paths(event: QDropEvent) -> list[str]:
    mime = event.mimeData()
    urls = mime.urls() if mime is not None else []
    return [url.toLocalFile() for url in urls if url.isLocalFile()]
