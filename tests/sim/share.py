"""A program's view of the simulated server: the real Share protocol, every call a step."""

import errno
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from renderd.spool.share import READ_LIMIT, Lock, Space, Stat
from tests.sim.server import File, Server, fail

if TYPE_CHECKING:
    from tests.sim.world import Actor

PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT)
#: what the client's own retransmission meets when its first request was done
SECOND_ANSWER = {"rename": errno.ENOENT, "unlink": errno.ENOENT, "rmdir": errno.ENOENT,
                 "mkdir": errno.EEXIST, "create": errno.EEXIST}  # fmt: skip
KEPT = 64  #: folders and files of which a client remembers an older state


class _Held:
    """A lock on a file; it goes with the program that holds it."""

    def __init__(self, locks: dict[str, "Actor"], path: str) -> None:
        self._locks, self._path = locks, path

    def release(self) -> None:
        self._locks.pop(self._path, None)


class SimShare:
    """What one program sees of the server: its own cache, its own faults."""

    def __init__(self, server: Server, actor: "Actor") -> None:
        self._server = server
        self._actor = actor
        self._world = actor.world
        self._rng = actor.world.rng
        self._lists: dict[str, tuple[int, list[str]]] = {}  #: folder: version, names as seen
        self._missed: dict[str, tuple[int, list[str]]] = {}  #: lists that stay wrong at a version
        self._facts: dict[str, Stat] = {}

    def _enter(self, call: str, path: str) -> str:
        """One step: others may run first; the fault that strikes, or an empty string."""
        self._actor.step()
        weather = self._world.weather
        if weather is self._world.calm or not self._actor.is_exposed:
            return ""
        draw = self._rng.random()
        if draw > self._world.worst:
            return ""
        return self._strike(call, path, draw)

    def _strike(self, call: str, path: str, draw: float) -> str:
        world, weather = self._world, self._world.weather
        if draw < weather.death:
            world.count("death")
            self._actor.dies_after(self._rng.random() < 0.5)
            return "death"
        draw -= weather.death
        for kind in ("error_before", "error_after", "lost_reply", "late", "delayed"):
            odds = getattr(weather, kind)
            if draw < odds:
                if kind == "error_before":
                    world.count(kind)
                    raise fail(self._rng.choice(PASSING), path)
                return kind
            draw -= odds
        return ""

    def _change(self, call: str, act: Callable[[], None], path: str) -> None:
        fault = self._enter(call, path)
        if fault == "death" and self._actor.dies_before_effect:
            self._actor.die()
        if fault == "delayed":
            self._world.count(fault)
            self._world.later(act, call, path)
            raise fail(errno.ETIMEDOUT, path)
        folder = path.rpartition("/")[0]
        self._lists.pop(folder, None)  # a client always sees its own changes
        self._facts.pop(path, None)
        act()
        if not fault:
            return
        if fault == "death":
            self._actor.die()
        self._world.count(fault)
        if fault == "error_after":
            raise fail(self._rng.choice(PASSING), path)
        if fault == "late":
            self._world.later(act, call, path)
        elif call in SECOND_ANSWER:
            # The same request again: it finds its own work done, unless the server still knows it.
            raise fail(SECOND_ANSWER[call], path)

    def _ask(self, call: str, path: str) -> None:
        fault = self._enter(call, path)
        if fault == "death":
            self._actor.die()
        if fault in ("error_after", "lost_reply", "delayed"):
            self._world.count("error_before")
            raise fail(self._rng.choice(PASSING), path)

    # The protocol.

    def listdir(self, path: str) -> list[str]:
        self._ask("listdir", path)
        folder = self._server.folder(path)
        weather = self._world.weather
        if weather is not self._world.calm:
            if path in self._missed:
                version, names = self._missed[path]
                if version == folder.version:
                    return list(names)
                del self._missed[path]
            if path in self._lists and self._rng.random() < weather.stale_list:
                self._world.count("stale_list")
                return list(self._lists[path][1])
        names = list(folder.names)
        is_fresh = folder.mtime_ns == self._server.now_ns() and bool(names)
        if is_fresh and self._rng.random() < weather.missed_name:
            self._world.count("missed_name")
            names.pop()  # the newest
            self._missed[path] = (folder.version, names)
            return list(names)
        if len(self._lists) >= KEPT:
            self._lists.clear()
        self._lists[path] = (folder.version, names)
        return list(names)

    def changed_at(self, path: str) -> int:
        self._ask("changed_at", path)
        return self._server.folder(path).mtime_ns

    def stat(self, path: str) -> Stat:
        self._ask("stat", path)
        weather = self._world.weather
        if path in self._facts and self._rng.random() < weather.stale_facts:
            self._world.count("stale_facts")
            return self._facts[path]
        found = self._server.stat(path)
        if len(self._facts) >= KEPT:
            self._facts.clear()
        self._facts[path] = found
        return found

    def read(self, path: str, limit: int = READ_LIMIT, start: int = 0) -> bytes:
        self._ask("read", path)
        return self._server.file(path).data[start : start + limit]

    def open(self, path: str) -> BinaryIO:
        self._ask("open", path)
        return io.BytesIO(self._server.file(path).data)

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        del sync
        self._change("create", lambda: self._server.create(path, data), path)

    def rename(self, old: str, new: str) -> None:
        self._lists.pop(new.rpartition("/")[0], None)
        self._change("rename", lambda: self._server.rename(old, new), old)

    def unlink(self, path: str) -> None:
        self._change("unlink", lambda: self._server.unlink(path), path)

    def mkdir(self, path: str) -> None:
        self._change("mkdir", lambda: self._server.mkdir(path), path)

    def rmdir(self, path: str) -> None:
        self._change("rmdir", lambda: self._server.rmdir(path), path)

    def append(self, path: str, data: bytes) -> None:
        self._change("append", lambda: self._server.append(path, data), path)

    def rewrite(self, path: str, data: bytes) -> None:
        self._change("rewrite", lambda: self._server.rewrite(path, data), path)

    def lock(self, path: str, *, shared: bool = False) -> Lock | None:
        del shared
        self._ask("lock", path)
        if not isinstance(self._server.entry(path), File):
            raise fail(errno.EISDIR, path)
        holder = self._world.locks.get(path)
        if holder is not None and holder.is_alive:
            return None
        self._world.locks[path] = self._actor
        return _Held(self._world.locks, path)

    def space(self, path: str) -> Space:
        self._ask("space", path)
        free = 0 if self._server.is_full else self._server.free_bytes
        return Space(free, 1 << 41, -1)

    def sync_file(self, path: str) -> None:
        self._ask("sync_file", path)
        self._server.file(path)

    def sync_folder(self, path: str) -> None:
        self._ask("sync_folder", path)
