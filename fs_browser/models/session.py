"""Where a browser is and what it was asked for: folder, trail, filter, bookmarks, orders."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import unquote, urlsplit

from PyQt6.QtCore import QFile, QObject, QTimer, pyqtSignal

from fs_browser.core import bookmarks, orders
from fs_browser.core.bookmarks import Kept
from fs_browser.core.filters import Filter
from fs_browser.core.kinds import Kind
from fs_browser.core.listing import Entry
from fs_browser.core.sequences import FileSequence, Row
from fs_browser.core.trail import Trail
from fs_browser.models.aside import Aside
from fs_browser.models.facts import Facts
from fs_browser.models.locations import blender_settings, bookmarks_file
from fs_browser.models.reading import Batch, FolderReader, Unreadable, key_of
from fs_browser.models.rows import PIXELS, Rows
from renderd.blend.names import shown
from renderd.core.amounts import plural

_SILENT = 2.0  #: seconds after which a share that does not answer is told of
_TICK = 500  #: milliseconds
_ORDERED_AFTER = 300  #: milliseconds after a resolution was read
_MOST_ORDERED = 5000  #: rows that are ordered by resolution while it is being read
_writing = threading.Lock()


class Session(QObject):
    """A browser's state, without widgets; belongs to the GUI thread."""

    moved = pyqtSignal(str)  #: into another folder
    arrived = pyqtSignal(bool)  #: rows were read; whether all of them
    trouble = pyqtSignal(str)  #: why the folder cannot be read; empty when it can again
    said = pyqtSignal(str)  #: what was done, or why not
    wanted = pyqtSignal(object)  #: the key of a row to select when it is there
    fresh = pyqtSignal(object)  #: and to edit its name
    filtered = pyqtSignal()
    kept_changed = pyqtSignal(object)  #: Kept

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = ""
        self.trail = Trail()
        self.filter = Filter()
        self.kept = Kept()
        self.aside = Aside(self)
        self.facts = Facts(self)
        self.rows = Rows(self._detail, self._size, self)
        self.reader = FolderReader(self)
        self.is_whole = False
        self.error = ""
        self.problem = ""  #: why the folder cannot be read, or does not answer
        self.reader.arrived.connect(self._take)
        self.reader.failed.connect(self._fail)
        self.rows.renamed.connect(self._rename)
        self._ordering = QTimer(self)
        self._ordering.setSingleShot(True)
        self._ordering.setInterval(_ORDERED_AFTER)
        self._ordering.timeout.connect(self.rows.arrange)
        self.facts.told.connect(self._order_soon)
        self._watch = QTimer(self)
        self._watch.timeout.connect(self._look_for_silence)
        self.rows.filter(self.filter.test())
        self.aside.run(
            partial(bookmarks.load, bookmarks_file(), blender_settings()), self._take_kept
        )

    def stop(self) -> None:
        """Read no more; all threads end that do not hang."""
        self._watch.stop()
        self.reader.stop()
        self.facts.stop()

    # -- going places -----------------------------------------------------------------------

    def go(self, folder: str, select: str = "") -> None:
        """Show a folder; a row may be selected there by its name."""
        self.trail.go(folder)
        self._open(folder)
        if select:
            self.wanted.emit(select)

    def back(self) -> None:
        """Show the folder before."""
        if found := self.trail.back():
            self._open(found)

    def forward(self) -> None:
        """Show the folder one has come back from."""
        if found := self.trail.forward():
            self._open(found)

    def up(self) -> None:
        """Show the folder that holds this one, which is selected there."""
        parent = os.path.dirname(self.folder)
        if parent != self.folder:
            self.go(parent, os.path.basename(self.folder))

    def visit(self, typed: str) -> None:
        """Show what was typed: a folder, or a file in its folder; `said` where there is none."""
        path = self.path_of(typed)

        def follow(is_folder: bool | None) -> None:
            if is_folder is None:
                self.said.emit(f"✘ {shown(path)}: there is no such file or folder")
            elif is_folder:
                self.go(path)
            else:
                self.go(os.path.dirname(path), os.path.basename(path))

        self.aside.run(partial(_is_folder, path), follow)

    def path_of(self, typed: str) -> str:
        """The path that a person means: from here, `~`, or as a file's URL."""
        typed = typed.strip()
        if typed.startswith("file://"):
            typed = unquote(urlsplit(typed).path, errors="surrogateescape")
        whole = os.path.join(self.folder, os.path.expanduser(typed))
        return os.path.normpath(whole)

    def reload(self) -> None:
        """Read the folder again at once."""
        self.reader.hurry()

    def _open(self, folder: str) -> None:
        self.folder = folder
        self.is_whole, self.error = False, ""
        self._complain("")
        self.facts.forget()
        self.rows.clear()
        self.reader.open(folder)
        self._watch.start(_TICK)
        self.moved.emit(folder)

    # -- filter -----------------------------------------------------------------------------

    def show(self, **asked: object) -> None:
        """Change the filter: `text`, `kinds`, `with_hidden`."""
        found = replace(self.filter, **asked)  # type: ignore[arg-type]
        if found != self.filter:
            self.filter = found
            self.rows.filter(found.test())
            self.filtered.emit()

    # -- orders -----------------------------------------------------------------------------

    def make_folder(self) -> None:
        """Make a folder here; its name is edited when it has come."""
        folder = self.folder

        def follow(name: str) -> None:
            self.reload()
            if folder == self.folder:
                self.fresh.emit(name)

        self.aside.run(partial(orders.make_folder, folder), follow, self._refuse)

    def trash(self, rows: Sequence[Row]) -> None:
        """Move files to the desktop's trash; what cannot be moved stays."""
        paths = self.paths(rows)

        def work() -> list[str]:
            return [path for path in paths if not QFile.moveToTrash(path)[0]]

        def follow(left: list[str]) -> None:
            self.reload()
            moved = len(paths) - len(left)
            words = f"{plural(moved, 'file')} moved to the trash" * bool(moved)
            if left:
                names = shown(os.path.basename(left[0])) + (" and others" * (len(left) > 1))
                words = f"✘ {names} cannot be moved to the trash; nothing of it was deleted"
            self.said.emit(words)

        self.aside.run(work, follow, self._refuse)

    def _rename(self, row: Row, name: str) -> None:
        if why := orders.complaint(name):
            self.said.emit(f"✘ {why}")
            return

        def follow(_: None) -> None:
            self.reload()
            self.wanted.emit(name)

        self.aside.run(partial(orders.rename, self.folder, row.name, name), follow, self._refuse)

    def _refuse(self, error: OSError) -> None:
        where = shown(os.path.basename(str(error.filename2 or error.filename or "")))
        self.said.emit(f"✘ {where}: {(error.strerror or str(error)).lower()}")

    def paths(self, rows: Sequence[Row]) -> list[str]:
        """The files that rows stand for, in order, each once."""
        names: dict[str, None] = {}
        for row in rows:
            files = row.entries if isinstance(row, FileSequence) else (row,)
            names |= dict.fromkeys(one.name for one in files)
        return [os.path.join(self.folder, name) for name in names]

    # -- bookmarks --------------------------------------------------------------------------

    def bookmark(self, folder: str, *, is_on: bool) -> None:
        """Keep a folder, or no more."""
        self._keep(
            lambda kept: kept.with_bookmark(folder) if is_on else kept.without_bookmark(folder)
        )

    def remember(self) -> None:
        """Keep this folder as the latest of the recent ones."""
        folder = self.folder
        self._keep(lambda kept: kept.visited(folder))

    def _keep(self, change: Callable[[Kept], Kept]) -> None:
        path = bookmarks_file()

        def work() -> Kept:
            with _writing:  # and read anew: another window may have changed it
                found = change(bookmarks.load(path, blender_settings()))
                bookmarks.save(path, found)
            return found

        self.aside.run(work, self._take_kept, self._refuse)

    def _take_kept(self, kept: Kept) -> None:
        self.kept = kept
        self.kept_changed.emit(kept)

    # -- what arrives -----------------------------------------------------------------------

    def _take(self, batch: Batch) -> None:
        if batch.visit != self.reader.visit:
            return
        self.error = ""
        self.is_whole = batch.is_whole
        self.rows.take(batch)
        self._complain("")
        self.arrived.emit(batch.is_whole)

    def _fail(self, found: Unreadable) -> None:
        if found.visit != self.reader.visit:
            return
        if isinstance(found.error, NotADirectoryError):  # a file was opened with us
            self.trail.drop()
            self.go(os.path.dirname(found.folder), os.path.basename(found.folder))
            return
        self.error = _why_not(found)
        self.rows.clear()
        self._complain(self.error)

    def _look_for_silence(self) -> None:
        silent = self.reader.silent_for()
        if silent > _SILENT:
            what = "what is shown is not all" if self.rows.total else "the share may be away"
            self._complain(f"{shown(self.folder)} has not answered for {silent:.0f} s; {what}")
        elif not self.error:
            self._complain("")

    def _complain(self, why: str) -> None:
        if why != self.problem:
            self.problem = why
            self.trouble.emit(why)

    def _detail(self, row: Row) -> str:
        if isinstance(row, FileSequence):
            return row.summary.replace("-", "–", 1) if row.frames[0] >= 0 else row.summary
        return self._fact(row, row) if row.kind is Kind.BLEND else ""

    def _size(self, row: Row) -> str:
        if row.kind is not Kind.IMAGE:
            return ""
        if isinstance(row, FileSequence):
            return self._fact(row, row.entries[len(row.entries) // 2])
        return self._fact(row, row)

    def _fact(self, row: Row, entry: Entry) -> str:
        return self.facts.of(key_of(row), os.path.join(self.folder, entry.name), entry)

    def _order_soon(self) -> None:
        """Order by resolution again as more of them are known; not too many, too often."""
        if self.rows.goes_by(PIXELS) and self.rows.total <= _MOST_ORDERED:
            self._ordering.start()


def _is_folder(path: str) -> bool | None:
    if os.path.isdir(path):
        return True
    return False if os.path.lexists(path) else None


def _why_not(found: Unreadable) -> str:
    name, error = shown(found.folder), found.error
    if isinstance(error, FileNotFoundError):
        return f"{name}: there is no such folder; is its disk or share mounted?"
    if isinstance(error, PermissionError):
        return f"{name}: you may not look into this folder"
    return f"{name} cannot be read: {(error.strerror or str(error)).lower()}"
