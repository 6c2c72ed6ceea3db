"""A share that counts what a file server is asked, second by second."""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from renderd.spool.share import READ_LIMIT, Lock, Space, Stat
from tests.sim.server import Server

NAMES_A_REPLY = 100  #: names that one READDIR of NFS brings, about
#: NFS requests of one call of the seam (v4.2, names and attributes not in the client's cache):
#: those that only read, those that change something.  A list costs more for each NAMES_A_REPLY.
REQUESTS = {
    "listdir": (1, 0),  # GETATTR; and READDIR, as often as needed
    "changed_at": (1, 0),
    "stat": (1, 0),
    "read": (3, 0),  # OPEN, READ, CLOSE
    "open": (3, 0),
    "stat_target": (1, 0),
    "create": (1, 2),  # OPEN with create, WRITE; CLOSE
    "rename": (0, 1),
    "unlink": (0, 1),
    "mkdir": (0, 1),
    "rmdir": (0, 1),
    "append": (2, 1),  # OPEN, WRITE, CLOSE
    "rewrite": (2, 1),
    "lock": (2, 1),  # OPEN, LOCK, CLOSE
    "space": (1, 0),
    "sync_file": (2, 1),
    "sync_folder": (0, 0),
}


@dataclass(eq=False)
class Tally:
    """What one server was asked: calls by name, requests by the second."""

    clock: Callable[[], float]
    calls: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)  #: calls and where in the spool
    reading: Counter[int] = field(default_factory=Counter)  #: NFS requests by second
    changing: Counter[int] = field(default_factory=Counter)

    def note(self, call: str, path: str, names: int = 0) -> None:
        """Count one call; of a list, how many names it brought."""
        self.places[f"{call} {shape(path)}"] += 1
        second = int(self.clock())
        reads, changes = REQUESTS[call]
        if call == "listdir":
            reads += 1 + names // NAMES_A_REPLY
        self.calls[call] += 1
        self.reading[second] += reads
        if changes:
            self.changing[second] += changes

    def clear(self) -> None:
        """Begin to count anew."""
        for counted in (self.calls, self.places, self.reading, self.changing):
            counted.clear()

    def rates(self, seconds: float) -> tuple[float, float]:
        """Requests a second, all and those that change something, on average."""
        changes = self.changing.total()
        return (self.reading.total() + changes) / seconds, changes / seconds

    def peak(self) -> int:
        """The most requests in any one second."""
        both = self.reading + self.changing
        return max(both.values(), default=0)


def shape(path: str) -> str:
    """Which kind of place a path is: nodes, jobs and numbers left out."""
    parts = path.split("/")[2:5]
    return "/".join(p if p.isalpha() or "." in p[:1] else "*" for p in parts)


class _Held:
    def release(self) -> None:
        """A lock that nothing depends on."""


@dataclass(eq=False)
class CountedShare:
    """One server as all nodes see it: nothing goes wrong here, everything is counted."""

    server: Server
    tally: Tally
    is_locked: Callable[[str], bool] = lambda _path: True

    def listdir(self, path: str) -> list[str]:
        names = self.server.listdir(path)
        self.tally.note("listdir", path, len(names))
        return names

    def changed_at(self, path: str) -> int:
        self.tally.note("changed_at", path)
        return self.server.folder(path).mtime_ns

    def stat(self, path: str) -> Stat:
        self.tally.note("stat", path)
        return self.server.stat(path)

    def read(self, path: str, limit: int = READ_LIMIT, start: int = 0) -> bytes:
        return self._file("read", path)[start : start + limit]

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self._file("open", path))

    def _file(self, call: str, path: str) -> bytes:
        """A file's content; one that is not there costs a question, no more."""
        try:
            data = self.server.file(path).data
        except OSError:
            self.tally.note("stat", path)
            raise
        self.tally.note(call, path)
        return data

    def open_target(self, path: str) -> BinaryIO:
        return self.open(path)

    def stat_target(self, path: str) -> Stat:
        self.tally.note("stat_target", path)
        return self.server.stat(path)

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        self.tally.note("create", path)
        self.server.create(path, data)

    def rename(self, old: str, new: str) -> None:
        self.tally.note("rename", new)
        self.server.rename(old, new)

    replace = swap = rename

    def unlink(self, path: str) -> None:
        self.tally.note("unlink", path)
        self.server.unlink(path)

    def mkdir(self, path: str) -> None:
        self.tally.note("mkdir", path)
        self.server.mkdir(path)

    def rmdir(self, path: str) -> None:
        self.tally.note("rmdir", path)
        self.server.rmdir(path)

    def append(self, path: str, data: bytes) -> None:
        self.tally.note("append", path)
        self.server.append(path, data)

    def rewrite(self, path: str, data: bytes) -> None:
        self.tally.note("rewrite", path)
        self.server.rewrite(path, data)

    def lock(self, path: str, *, shared: bool = False) -> Lock | None:
        self.tally.note("lock", path)
        return None if self.is_locked(path) else _Held()

    def space(self, path: str) -> Space:
        self.tally.note("space", path)
        return Space(1 << 40, 1 << 41, -1)

    def sync_file(self, path: str) -> None:
        self.tally.note("sync_file", path)

    def sync_folder(self, path: str) -> None:
        self.tally.note("sync_folder", path)

    def copy(self, source: str, target: str) -> None:
        raise NotImplementedError

    def symlink(self, text: str, path: str) -> None:
        raise NotImplementedError
