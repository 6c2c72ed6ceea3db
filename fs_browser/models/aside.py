"""Work beside the window: each piece in a thread of its own, which may hang for good."""

import threading
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal


class Aside(QObject):
    """Runs functions beside the GUI thread, and what follows them in it."""

    _ended = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ended.connect(self._follow)

    def run(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        failed: Callable[[OSError], None] | None = None,
    ) -> None:
        """Do some work now; OSError goes to `failed`.  What hangs is left behind."""

        def whole() -> None:
            try:
                value, follows = work(), then
            except OSError as error:
                value, follows = error, failed
            if follows is not None:
                tell(self, "_ended", follows, value)

        threading.Thread(target=whole, name="aside", daemon=True).start()

    def _follow(self, follows: Callable[[Any], None], value: Any) -> None:
        follows(value)


def tell(owner: QObject, signal: str, *values: Any) -> bool:
    """Emit a signal by its name; False where the window, and so its owner, is gone already."""
    try:
        getattr(owner, signal).emit(*values)
    except RuntimeError:
        return False
    return True
