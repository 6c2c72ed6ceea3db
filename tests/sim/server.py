"""The server's truth: folders and files in memory, each call one step."""

import errno
import os
import stat as stat_bits
from collections import deque
from collections.abc import Callable

from renderd.spool.share import Stat

TICK_NS = 4_000_000  #: mtimes count in ticks of the server's clock, as ext4's and xfs's do
KEPT_CHANGES = 64  #: the newest changes, which a server that forgets may lose
GROUP, OWNER = 100, os.geteuid()
_FILE_MODE = stat_bits.S_IFREG | 0o660
_FOLDER_MODE = stat_bits.S_IFDIR | 0o2700  # one person's farm: owners are not the subject here


class File:
    """One file: its bytes and what lstat tells of it."""

    __slots__ = ("before", "data", "ino", "is_synced", "mode", "mtime_ns", "writer")

    def __init__(self, data: bytes, mtime_ns: int, ino: int) -> None:
        self.data, self.mtime_ns, self.ino, self.mode = data, mtime_ns, ino, _FILE_MODE
        self.before = b""  #: what it held before it was rewritten in place
        self.is_synced = True
        self.writer: object = None  #: the machine that wrote it last


class Folder:
    """One folder: its names, and when and how often they changed."""

    __slots__ = ("ino", "mtime_ns", "names", "version")

    def __init__(self, mtime_ns: int, ino: int) -> None:
        self.names: dict[str, File | Folder] = {}
        self.mtime_ns, self.ino, self.version = mtime_ns, ino, 0


def fail(number: int, path: str) -> OSError:
    """The error a call would raise."""
    return OSError(number, os.strerror(number), path)


class Server:
    """A file system of one share; paths are absolute, times come from `clock`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._inodes = 2
        self.folders: dict[str, Folder] = {"": Folder(0, 1)}
        self.is_full = False
        self.free_bytes = 1 << 40
        self.is_forgetful = False
        #: called with the old and new name of each move, and what it replaced
        self.told: list[Callable[[str, str, File | Folder | None], None]] = []
        self._undo: deque[tuple[str, Callable[[], None]]] = deque(maxlen=KEPT_CHANGES)

    def now_ns(self) -> int:
        """The server's time in ns, in whole ticks."""
        return int(self.clock() * 1e9) // TICK_NS * TICK_NS

    def folder(self, path: str) -> Folder:
        """The folder at a path.  Raises ENOENT, ENOTDIR."""
        found = self.folders.get(path)
        if found is None:
            parent, _, name = path.rpartition("/")
            held = self.folders.get(parent)
            is_file = held is not None and isinstance(held.names.get(name), File)
            raise fail(errno.ENOTDIR if is_file else errno.ENOENT, path)
        return found

    def entry(self, path: str) -> File | Folder:
        """What a path names.  Raises ENOENT."""
        parent, _, name = path.rpartition("/")
        held = self.folders.get(parent)
        found = held.names.get(name) if held is not None else None
        if found is None:
            raise fail(errno.ENOENT, path)
        return found

    def file(self, path: str) -> File:
        """The file at a path.  Raises ENOENT, EISDIR."""
        found = self.entry(path)
        if isinstance(found, Folder):
            raise fail(errno.EISDIR, path)
        return found

    def _touch(self, folder: Folder) -> None:
        folder.mtime_ns = self.now_ns()
        folder.version += 1

    def _put(self, path: str, thing: File | Folder) -> None:
        parent, _, name = path.rpartition("/")
        folder = self.folder(parent)
        folder.names[name] = thing
        self._touch(folder)

    def _take(self, path: str) -> File | Folder:
        parent, _, name = path.rpartition("/")
        folder = self.folder(parent)
        thing = folder.names.pop(name)
        self._touch(folder)
        return thing

    def _inode(self) -> int:
        self._inodes += 1
        return self._inodes

    def listdir(self, path: str) -> list[str]:
        return list(self.folder(path).names)

    def files(self, path: str) -> list[str]:
        """The paths of all files below a folder."""
        inside = [(p, f) for p, f in self.folders.items() if p == path or p.startswith(f"{path}/")]
        return [
            f"{p}/{name}" for p, f in inside for name, x in f.names.items() if isinstance(x, File)
        ]

    def stat(self, path: str) -> Stat:
        found = self.entry(path) if path in self.folders or path.count("/") > 1 else self.folder("")
        if isinstance(found, Folder):
            return Stat(0, found.mtime_ns, OWNER, GROUP, _FOLDER_MODE, 2, 1, found.ino)
        return Stat(len(found.data), found.mtime_ns, OWNER, GROUP, found.mode, 1, 1, found.ino)

    def create(self, path: str, data: bytes) -> File:
        parent, _, name = path.rpartition("/")
        folder = self.folder(parent)
        if name in folder.names:
            raise fail(errno.EEXIST, path)
        is_short = self.is_full and bool(data)
        thing = File(b"" if is_short else data, self.now_ns(), self._inode())
        folder.names[name] = thing
        self._touch(folder)
        if is_short:
            raise fail(errno.ENOSPC, path)
        if self.is_forgetful:
            self._undo.append((path, lambda: self._drop(path)))
        return thing

    def rename(self, old: str, new: str) -> None:
        thing = self.entry(old)
        parent, _, name = new.rpartition("/")
        held = self.folder(parent).names.get(name)
        if held is thing:
            return
        if held is not None and isinstance(held, Folder) != isinstance(thing, Folder):
            raise fail(errno.EISDIR if isinstance(held, Folder) else errno.ENOTDIR, new)
        if isinstance(held, Folder) and held.names:
            raise fail(errno.ENOTEMPTY, new)
        self._move(old, new)
        if self.is_forgetful:
            self._undo.append((new, lambda: self._move_back(new, old, held)))
        for tell in self.told:
            tell(old, new, held)

    def _move(self, old: str, new: str) -> None:
        thing = self._take(old)
        self._put(new, thing)
        if isinstance(thing, Folder):
            inside = [p for p in self.folders if p == old or p.startswith(old + "/")]
            for path in inside:
                self.folders[new + path[len(old) :]] = self.folders.pop(path)

    def _move_back(self, new: str, old: str, held: File | Folder | None) -> None:
        self._move(new, old)
        if held is not None:
            self._put(new, held)

    def _drop(self, path: str) -> None:
        self.folders.pop(path, None)
        self._take(path)

    def forget(self, changes: int) -> list[str]:
        """Lose the newest acknowledged changes, as an `async` export does; the paths of them."""
        lost = []
        for _ in range(min(changes, len(self._undo))):
            path, undo = self._undo.pop()
            undo()
            lost.append(path)
        self._undo.clear()
        return lost

    def unlink(self, path: str) -> None:
        file = self.file(path)
        self._take(path)
        if self.is_forgetful:
            self._undo.append((path, lambda: self._put(path, file)))

    def mkdir(self, path: str) -> None:
        parent, _, name = path.rpartition("/")
        if name in self.folder(parent).names:
            raise fail(errno.EEXIST, path)
        if self.is_full:
            raise fail(errno.ENOSPC, path)
        thing = Folder(self.now_ns(), self._inode())
        self._put(path, thing)
        self.folders[path] = thing
        if self.is_forgetful:
            self._undo.append((path, lambda: self._drop(path)))

    def rmdir(self, path: str) -> None:
        folder = self.folder(path)
        if folder.names:
            raise fail(errno.ENOTEMPTY, path)
        self._drop(path)
        if self.is_forgetful:
            self._undo.append((path, lambda: self._remake(path, folder)))

    def _remake(self, path: str, folder: Folder) -> None:
        self._put(path, folder)
        self.folders[path] = folder

    def append(self, path: str, data: bytes, writer: object = None) -> None:
        self._rewrite(path, data, writer, is_append=True)

    def rewrite(self, path: str, data: bytes, writer: object = None) -> None:
        self._rewrite(path, data, writer, is_append=False)

    def _rewrite(self, path: str, data: bytes, writer: object, *, is_append: bool) -> None:
        parent, _, name = path.rpartition("/")
        held = self.folder(parent).names.get(name)
        if isinstance(held, Folder):
            raise fail(errno.EISDIR, path)
        if held is None:
            held = File(b"", self.now_ns(), self._inode())
            self._put(path, held)
            if self.is_forgetful:
                self._undo.append((path, lambda: self._drop(path)))
        if self.is_full and (is_append or len(data) > len(held.data)):
            raise fail(errno.ENOSPC, path)
        file, before = held, held.data
        if self.is_forgetful:
            self._undo.append((path, lambda: setattr(file, "data", before)))
        held.before = before
        held.data = before + data if is_append else data + before[len(data) :]
        held.mtime_ns = self.now_ns()
        held.is_synced, held.writer = False, writer
