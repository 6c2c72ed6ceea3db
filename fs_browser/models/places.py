"""The side bar's rows: bookmarks, system folders, volumes with their free space, recent ones."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PyQt6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt, QTimer

from fs_browser.core import wording
from fs_browser.core.bookmarks import Kept
from fs_browser.core.mounts import Room, mounts, room, volumes
from fs_browser.core.places import SystemPlace, system_places
from fs_browser.models.aside import Aside
from fs_browser.table import RECORD
from renderd.blend.names import shown

_EVERY = 30_000  #: milliseconds between looks at what is mounted
BOOKMARKS, SYSTEM, VOLUMES, RECENT = "Bookmarks", "System", "Volumes", "Recent"


@dataclass(frozen=True, slots=True)
class Place:
    """A row: the head of a section where it has no path."""

    section: str
    name: str
    path: str = ""
    icon: str = "folder"
    room: Room | None = None

    @property
    def is_head(self) -> bool:
        """Whether it only names what follows."""
        return not self.path


class Places(QAbstractListModel):
    """All places, in sections."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Place] = []
        self._system: list[SystemPlace] = []
        self._volumes: list[Place] = []
        self._kept = Kept()
        self._aside = Aside(self)
        self._asked: set[str] = set()  #: volumes that have not answered yet
        self._again = QTimer(self)
        self._again.timeout.connect(self.reload)
        self._again.start(_EVERY)
        self.reload()

    def reload(self) -> None:
        """Look again what is mounted, and how much is free there."""
        self._aside.run(_found, self._take_found)

    def take_kept(self, kept: Kept) -> None:
        """Show these bookmarks and recent folders."""
        self._kept = kept
        self._arrange()

    def place(self, row: int) -> Place:
        """What a row stands for."""
        return self._rows[row]

    def row_of(self, folder: str) -> int:
        """The first row of a folder; -1 where none is."""
        return next((at for at, one in enumerate(self._rows) if one.path == folder), -1)

    def _take_found(self, found: tuple[list[SystemPlace], list[Place]]) -> None:
        self._system, volumes_ = found
        known = {one.path: one.room for one in self._volumes}
        self._volumes = [replace(one, room=known.get(one.path)) for one in volumes_]
        self._arrange()
        for one in self._volumes:
            if one.path not in self._asked:  # a dead share gets one thread, not one each time
                self._asked.add(one.path)
                self._aside.run(partial(room, one.path), partial(self._take_room, one.path))

    def _take_room(self, path: str, found: Room | None) -> None:
        self._asked.discard(path)
        held = self._volumes
        self._volumes = [replace(v, room=found) if v.path == path else v for v in held]
        self._arrange()

    def _arrange(self) -> None:
        bookmarks = [
            Place(BOOKMARKS, shown(one.name or _last(one.path)), one.path, "bookmark")
            for one in self._kept.bookmarks
        ]
        system = [Place(SYSTEM, one.name, one.path, one.icon) for one in self._system]
        recent = [Place(RECENT, shown(_last(p)), p, "recent") for p in self._kept.recent]
        rows: list[Place] = []
        for section in (bookmarks, system, self._volumes, recent):
            if section:
                rows += [Place(section[0].section, section[0].section), *section]
        self._show(rows)

    def _show(self, rows: Sequence[Place]) -> None:
        """Change only what differs between the first and the last difference."""
        old = self._rows
        first = 0
        while first < min(len(old), len(rows)) and old[first] == rows[first]:
            first += 1
        same = 0
        while same < min(len(old), len(rows)) - first and old[-1 - same] == rows[-1 - same]:
            same += 1
        if len(old) == len(rows):
            self._rows = list(rows)
            if first < len(rows):
                self.dataChanged.emit(self.index(first), self.index(len(rows) - 1 - same))
            return
        if first < len(old) - same:
            self.beginRemoveRows(QModelIndex(), first, len(old) - same - 1)
            del self._rows[first : len(old) - same]
            self.endRemoveRows()
        if first < len(rows) - same:
            self.beginInsertRows(QModelIndex(), first, len(rows) - same - 1)
            self._rows[first:first] = rows[first : len(rows) - same]
            self.endInsertRows()

    # -- Qt's questions ---------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """As Qt asks."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """As Qt asks."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        one = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return one.name
        if role == RECORD:
            return one
        if role == Qt.ItemDataRole.ToolTipRole and one.path:
            return "\n".join(filter(None, (shown(one.path), room_words(one.room))))
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """As Qt asks; heads cannot be picked."""
        if not index.isValid() or self._rows[index.row()].is_head:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


def room_words(found: Room | None) -> str:
    """`1.2T of 4.0T free`; nothing where it is not known."""
    if found is None:
        return ""
    return f"{wording.size(found.free_bytes)} of {wording.size(found.total_bytes)} free"


def _found() -> tuple[list[SystemPlace], list[Place]]:
    system = system_places(os.path.expanduser("~"))
    known = [
        Place(VOLUMES, _volume_name(one.path), one.path, "machine" if one.is_network else "disk")
        for one in volumes(mounts())
    ]
    return [one for one in system if os.path.isdir(one.path)], known


def _volume_name(path: str) -> str:
    return "This computer" if path == "/" else shown(_last(path))


def _last(path: str) -> str:
    return os.path.basename(path) or path
