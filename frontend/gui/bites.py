"""Many changes of a table in bites, so that the window answers meanwhile."""

import time
from collections.abc import Hashable, Mapping
from itertools import chain, islice
from typing import Generic, TypeVar

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from fs_browser.changes import Changes
from fs_browser.table import Table

R = TypeVar("R")
_BITE = 1000  #: records
_LONG = 0.016  #: seconds of work; where rows move a bite takes that, and one is better than many


class Bites(QObject, Generic[R]):
    """Gives a table what changed, a bite for each turn of the window's events."""

    told = pyqtSignal()  #: the table holds all that was given

    def __init__(self, table: Table[R]) -> None:
        super().__init__()
        self._table = table
        self._left: chain[tuple[Hashable, R]] = chain()
        self._next: dict[Hashable, R] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._bite)

    def give(self, changes: Changes[R]) -> None:
        """Have the table take these in; what is gone at once, and after what was given before."""
        if changes.gone:
            self._take(self._next | dict(self._left))
            self._next = {}
            self._table.apply(Changes(gone=changes.gone))
        self._left = chain(self._left, changes.put.items())
        self._next = self._next or self._cut()
        self._bite()

    def drop(self) -> None:
        """Forget what was given: the table holds something else now."""
        self._left, self._next = chain(), {}
        self._soon.stop()

    def _bite(self) -> None:
        began = time.thread_time()
        self._take(self._next)
        self._next = self._cut()
        if self._next and time.thread_time() - began > _LONG:
            self._take(self._next | dict(self._left))
            self._next = {}
        if self._next:
            self._soon.start()
        else:
            self._left = chain()
            self._soon.stop()
            self.told.emit()

    def _cut(self) -> dict[Hashable, R]:
        return dict(islice(self._left, _BITE))

    def _take(self, put: Mapping[Hashable, R]) -> None:
        self._table.apply(Changes(put))
