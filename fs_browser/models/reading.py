"""Reads a folder in a thread of its own, in batches, and again when it changes.

A network file system may answer slowly or never: each visit has its own thread, which is left
behind where it hangs.  Local folders are watched; others are looked at again from time to time,
for no kernel tells what other machines change.
"""

import contextlib
import itertools
import os
import sys
import threading
import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from fs_browser.core.listing import Entry, natural, scan
from fs_browser.core.mounts import mount_of, mounts
from fs_browser.core.sequences import FileSequence, Grouping, Row
from fs_browser.models.aside import tell

_FIRST = 0.08  #: seconds until the first rows are told
_GROWS = 4  #: and then after so many times as long as so far: each batch costs as all before it
_LONGEST = 2.0  #: seconds between batches, at most
_PIECE = 500  #: entries between looks at the clock
_POLL = 3.0  #: seconds between looks at a folder that nobody tells about
_SETTLE = 0.25  #: seconds that changes are gathered for
_SHARE = 5  #: a reading rests so many times as long as the last one took, at least


@dataclass(frozen=True, slots=True)
class Batch:
    """What is other than in the batch before."""

    visit: int
    folder: str
    order: tuple[Hashable, ...]  #: all rows' keys, in the order that people expect
    put: dict[Hashable, Row]
    gone: frozenset[Hashable]
    is_whole: bool  #: the folder is read to its end


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a folder cannot be read."""

    visit: int
    folder: str
    error: OSError


def key_of(row: Row) -> Hashable:
    """What a row is known by: a file's name; a sequence's pattern in parts."""
    if isinstance(row, FileSequence):
        return row.prefix, row.width, row.suffix, row.kind
    return row.name


class FolderReader(QObject):
    """Reads one folder at a time; the last one that was asked for."""

    arrived = pyqtSignal(object)  #: Batch
    failed = pyqtSignal(object)  #: Unreadable

    def __init__(self, parent: QObject | None = None, poll: float = _POLL) -> None:
        super().__init__(parent)
        self._count = itertools.count(1)
        self._visit: _Visit | None = None
        self._poll = poll

    @property
    def visit(self) -> int:
        """The number of the present visit; what arrives of others is old."""
        return self._visit.number if self._visit else 0

    def open(self, folder: str) -> None:
        """Read another folder from now on."""
        self.stop()
        self._visit = _Visit(self, next(self._count), folder, self._poll)
        self._visit.start()

    def hurry(self) -> None:
        """Read it again at once."""
        if self._visit:
            self._visit.pressed.set()
            self._visit.dirty.set()

    def stop(self) -> None:
        """Read no more."""
        if self._visit:
            self._visit.leave()

    def silent_for(self) -> float:
        """Seconds since the share was asked something; 0 where nothing is under way."""
        asked = self._visit.asked if self._visit else 0.0
        return time.monotonic() - asked if asked else 0.0


class _Visit(threading.Thread):
    """One folder, from its first reading until another is opened."""

    def __init__(self, owner: FolderReader, number: int, folder: str, poll: float) -> None:
        super().__init__(name=f"folder {number}", daemon=True)
        self.number = number
        self.dirty = threading.Event()  #: something changed
        self.pressed = threading.Event()  #: and somebody waits for it
        self.asked = time.monotonic()  #: when the share was last asked; 0 between readings
        self._owner, self._folder, self._poll = owner, folder, poll
        self._ends = False
        self._known: dict[Hashable, Row] = {}
        self._order: tuple[Hashable, ...] = ()
        self._was_whole = False
        self._complained = ""

    def leave(self) -> None:
        """Tell nothing more; the thread ends as soon as the share lets it."""
        self._ends = True
        self.pressed.set()
        self.dirty.set()

    def run(self) -> None:
        """Read, wait for a change, read again."""
        with contextlib.ExitStack() as stack:
            watched = None
            while not self._ends:
                began = time.monotonic()
                stamp = self._read_once()
                took = time.monotonic() - began
                if watched is None:
                    watched = _watch(self._folder, self.dirty)
                    stack.callback(_unwatch, watched)
                self._rest(took, stamp, is_told=watched is not None)

    def _rest(self, took: float, stamp: int, *, is_told: bool) -> None:
        """Come back when something changed."""
        least = min(max(_SETTLE, took * _SHARE), 30.0)
        is_dirty = self.dirty.wait(None if is_told else 0)
        while not is_dirty and not self._ends and self._stamp() == stamp:
            is_dirty = self.dirty.wait(max(self._poll, least))
        self.pressed.wait(least if is_dirty else 0)  # what else changes meanwhile is seen at once
        self.pressed.clear()
        self.dirty.clear()

    def _stamp(self) -> int:
        self.asked = time.monotonic()
        try:
            return os.stat(self._folder).st_mtime_ns
        except OSError:
            return -1
        finally:
            self.asked = 0.0

    def _read_once(self) -> int:
        stamp = self._stamp()
        self.asked = time.monotonic()
        try:
            self._read()
        except (OSError, ValueError) as error:
            self._complain(error if isinstance(error, OSError) else OSError(0, str(error)))
        finally:
            self.asked = 0.0
        return stamp

    def _read(self) -> None:
        found = Grouping()
        is_first = not self._known and not self._complained
        began = told = time.monotonic()
        for piece in _pieces(scan(self._folder, with_hidden=True)):
            if self._ends:
                return
            found.add(piece)
            self.asked = now = time.monotonic()
            if is_first and now - told > min(max(_FIRST, _GROWS * (told - began)), _LONGEST):
                self._tell(found.rows(), is_whole=False)
                told = time.monotonic()
        self._tell(found.rows(), is_whole=True)
        self._complained = ""

    def _tell(self, rows: list[Row], *, is_whole: bool) -> None:
        held = self._known
        ordered = sorted((not _is_folder(row), natural(_first_name(row)), row) for row in rows)
        now: dict[Hashable, Row] = {key_of(row): row for _, _, row in ordered}
        put = {key: row for key, row in now.items() if held.get(key) != row}
        gone = frozenset(held.keys() - now.keys())
        order = tuple(now)
        is_news = bool(put or gone) or self._order != order or self._was_whole is not is_whole
        self._known, self._order, self._was_whole = now, order, is_whole
        if self._ends or not (is_news or self._complained):
            return
        tell(
            self._owner,
            "arrived",
            Batch(self.number, self._folder, order, put, gone, is_whole),
        )

    def _complain(self, error: OSError) -> None:
        self._known, self._order, self._was_whole = {}, (), False
        words = str(error)
        if not self._ends and words != self._complained:
            self._complained = words
            tell(self._owner, "failed", Unreadable(self.number, self._folder, error))


def _pieces(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while piece := list(itertools.islice(entries, _PIECE)):
        yield piece


def _is_folder(row: Row) -> bool:
    return row.kind == "folder"


def _first_name(row: Row) -> str:
    return row.entries[0].name if isinstance(row, FileSequence) else row.name


def _watch(folder: str, dirty: threading.Event) -> Any:
    """Have `dirty` set at every change; None where nothing can be heard."""
    found = mount_of(os.path.realpath(folder), mounts())
    if found is None or found.is_network:
        return None
    from watchdog import events  # noqa: PLC0415  not before the first rows are shown
    from watchdog.observers import Observer  # noqa: PLC0415

    class Handler(events.FileSystemEventHandler):
        def on_any_event(self, _event: events.FileSystemEvent) -> None:
            dirty.set()

    # Not the opened ones: to read the folder is no change of it.
    kinds: list[type[events.FileSystemEvent]] = [
        *(events.FileCreatedEvent, events.FileDeletedEvent, events.FileMovedEvent),
        *(events.DirCreatedEvent, events.DirDeletedEvent, events.DirMovedEvent),
        # every write is told, where the end of the last one is not
        events.FileClosedEvent if sys.platform == "linux" else events.FileModifiedEvent,
    ]
    try:
        observer = Observer()
        observer.daemon = True
        observer.schedule(Handler(), folder, recursive=False, event_filter=kinds)
        observer.start()
    except (OSError, RuntimeError):  # no inotify left: it is looked at instead
        return None
    return observer


def _unwatch(observer: Any) -> None:
    if observer is not None:
        observer.stop()
