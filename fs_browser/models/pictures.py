"""Small pictures of rows as the views draw them: asked for when seen, told when made."""

import os
from collections import OrderedDict
from functools import partial

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QImage, QPixmap

from fs_browser.core.kinds import Kind
from fs_browser.core.listing import Entry
from fs_browser.core.sequences import FileSequence, Row
from fs_browser.models.aside import tell
from fs_browser.thumbs.cache import has_failed, picture
from fs_browser.thumbs.crew import Crew

_PICTURED = frozenset({Kind.BLEND, Kind.BACKUP, Kind.IMAGE, Kind.MOVIE})
_MOST = 600  #: pictures held; 256 pixels square are a quarter of a megabyte

_Place = tuple[str, int]  #: path, time of writing


class Pictures(QObject):
    """Pictures by file; belongs to the GUI thread."""

    told = pyqtSignal()  #: one more is there
    _made = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = ""
        self._held: OrderedDict[_Place, QPixmap | None] = OrderedDict()
        self._broken: set[_Place] = set()
        self._crew = Crew("pictures", max(2, min(4, (os.cpu_count() or 2) - 1)))
        self._made.connect(self._take)

    def of(self, row: Row) -> QPixmap | None:
        """A row's picture; None where there is none, or none yet."""
        entry = _pictured(row)
        if entry.kind not in _PICTURED or entry.mtime_ns is None:
            return None
        place = os.path.join(self.folder, entry.name), entry.mtime_ns
        if place in self._held:
            self._held.move_to_end(place)
            return self._held[place]
        self._crew.ask(place, partial(self._make, place, entry))
        return None

    def is_broken(self, row: Row) -> bool:
        """Whether an image is damaged or too large for a picture; False while not known."""
        entry = _pictured(row)
        place = os.path.join(self.folder, entry.name), entry.mtime_ns or 0
        return place in self._broken

    def forget(self) -> None:
        """Make nothing more of what was asked for and is no longer seen."""
        self._crew.forget()

    def stop(self) -> None:
        """Make nothing any more."""
        self._crew.close()

    def _make(self, place: _Place, entry: Entry) -> None:
        found = picture(place[0], entry.kind, place[1])
        is_bad = found is None and entry.kind is Kind.IMAGE and has_failed(*place)
        tell(self, "_made", place, "broken" if is_bad else found)

    def _take(self, place: _Place, found: QImage | str | None) -> None:
        self._held[place] = QPixmap.fromImage(found) if isinstance(found, QImage) else None
        if isinstance(found, str):
            self._broken.add(place)
        while len(self._held) > _MOST:
            self._broken.discard(self._held.popitem(last=False)[0])
        self.told.emit()


def _pictured(row: Row) -> Entry:
    """The file whose picture stands for a row: a sequence's own in the middle."""
    return row.entries[len(row.entries) // 2] if isinstance(row, FileSequence) else row
