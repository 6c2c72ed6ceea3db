"""A program's view of the simulated server: the real Share protocol, every call a step."""

import errno
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from renderd.spool.share import READ_LIMIT, Lock, Space, Stat
from tests.sim.server import File, Server, fail
from tests.sim.weather import ASK, CHANGE, CREATE, FACTS, LIST, READ

if TYPE_CHECKING:
    from tests.sim.world import Actor

PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT)
#: what the client's own retransmission meets when its first request was done
SECOND_ANSWER = {"rename": errno.ENOENT, "unlink": errno.ENOENT, "rmdir": errno.ENOENT,
                 "mkdir": errno.EEXIST, "create": errno.EEXIST}  # fmt: skip
STALE = 1.5  #: seconds for which a client goes on showing an old list
KEPT = 64  #: folders and files of which a client remembers an older state
UNSYNCED = 20  #: newest files of a machine whose content a power cut may tear
FRESH_NS = 3_000_000_000  #: how long after a write others may read a part of it


class _Held:
    """A lock on a file; it goes with the program that holds it."""

    def __init__(self, locks: dict[str, "Actor"], path: str) -> None:
        self._locks, self._path = locks, path

    def release(self) -> None:
        self._locks.pop(self._path, None)


class SimShare:
    """What one program sees of the server: its own cache, its own faults."""

    def __init__(self, server: Server, actor: "Actor") -> None:
        self._shared = server
        self._actor = actor
        self._world = actor.world
        self._lists: dict[str, tuple[int, list[str]]] = {}  #: folder: version, names as seen
        self._missed: dict[str, tuple[int, list[str]]] = {}  #: lists that stay wrong at a version
        self._stale: dict[str, tuple[float, list[str]]] = {}  #: lists that stay old until a time
        self._facts: dict[str, Stat] = {}
        self._read: dict[str, bytes] = {}

    def _server(self, path: str) -> Server:
        """Who answers for a path: the bare mount point where the share is not mounted."""
        machine = self._actor.machine
        if machine.unmounted and machine.bare is not None and path.startswith(machine.unmounted):
            return machine.bare
        return self._shared

    def _enter(self, kind: int, path: str) -> str:
        """One step: others may run first; the fault that strikes, or an empty string."""
        actor, world = self._actor, self._world
        actor.step()
        if world.is_calm or not actor.is_exposed:
            return ""
        fault = world.strike(actor, kind)
        if fault == "error_before" and self._happens(fault):
            raise fail(world.detail(actor.name, actor.calls).choice(PASSING), path)
        return fault

    def _happens(self, fault: str) -> bool:
        return self._world.happens(self._actor.name, self._actor.calls, fault)

    def _change(self, call: str, act: Callable[[], None], path: str, kind: int = CHANGE) -> None:
        fault = self._enter(kind, path)
        if not fault:
            self._do(act, path)
            return
        if fault == "half_visible":
            self._do(act, path)
            self._show_half(path)
            return
        if not self._happens(fault):
            self._do(act, path)
            return
        actor, world = self._actor, self._world
        rng = world.detail(actor.name, actor.calls)
        if fault == "death":
            if rng.random() < 0.5:
                self._do(act, path)
            actor.die()
        if fault == "delayed":
            world.later(act, actor, call, path)
            raise fail(errno.ETIMEDOUT, path)
        self._do(act, path)
        if fault == "error_after":
            raise fail(rng.choice(PASSING), path)
        if fault == "late":
            world.later(act, actor, call, path)
        elif call in SECOND_ANSWER:
            # The same request again: it finds its own work done, unless the server still knows it.
            raise fail(SECOND_ANSWER[call], path)

    def _do(self, act: Callable[[], None], path: str) -> None:
        folder = path.rpartition("/")[0]
        self._lists.pop(folder, None)  # a client always sees its own changes
        self._stale.pop(folder, None)
        self._facts.pop(path, None)
        self._read.pop(path, None)
        act()

    def _show_half(self, path: str) -> None:
        """The name is there before the content: others run while it is empty or half written."""
        file = self._server(path).file(path)
        if len(file.data) < 2 or not self._happens("half_visible"):
            return
        whole = file.data
        rng = self._world.detail(self._actor.name, self._actor.calls)
        file.data = whole[: rng.choice((0, rng.randrange(len(whole))))]
        self._actor.sleep(self._world.now + rng.choice((0.0, 0.1, 2.5)))  # it may die meanwhile
        file.data = whole
        file.mtime_ns = self._shared.now_ns()

    def _ask(self, kind: int, path: str) -> str:
        fault = self._enter(kind, path)
        if fault == "death" and self._happens(fault):
            self._actor.die()
        return fault

    # The protocol.

    def listdir(self, path: str) -> list[str]:
        fault = self._ask(LIST, path)
        folder = self._server(path).folder(path)
        if self._missed and path in self._missed:
            version, names = self._missed[path]
            if version == folder.version and not self._world.is_calm:
                return list(names)
            del self._missed[path]
        if self._stale and path in self._stale:
            until, names = self._stale[path]
            if self._world.now < until and not self._world.is_calm:
                return list(names)
            del self._stale[path]
        if fault == "stale_list":
            seen = self._lists.get(path)
            if seen is not None and seen[0] != folder.version and self._happens(fault):
                self._stale[path] = (self._world.now + STALE, seen[1])
                return list(seen[1])
        names = list(folder.names)
        is_fresh = names and folder.mtime_ns == self._shared.now_ns()
        if fault == "missed_name" and is_fresh and self._happens(fault):
            names.pop()  # the newest
            self._missed[path] = (folder.version, names)
            return list(names)
        if len(self._lists) >= KEPT:
            self._lists.clear()
        self._lists[path] = (folder.version, names)
        return list(names)

    def changed_at(self, path: str) -> int:
        self._ask(ASK, path)
        return self._server(path).folder(path).mtime_ns

    def stat(self, path: str) -> Stat:
        path = path.removesuffix("/.")
        fault = self._ask(FACTS, path)
        found = self._server(path).stat(path)
        if fault == "stale_facts":
            seen = self._facts.get(path)
            if seen is not None and seen != found and self._happens(fault):
                return seen
        if len(self._facts) >= KEPT:
            self._facts.clear()
        self._facts[path] = found
        return found

    def read(self, path: str, limit: int = READ_LIMIT, start: int = 0) -> bytes:
        fault = self._ask(READ, path)
        file = self._server(path).file(path)
        data = file.data
        if fault == "stale_read":
            seen = self._read.get(path)
            if seen is not None and seen != data and self._happens(fault):
                return seen[start : start + limit]
        elif fault == "short_read" and self._is_unsettled(file) and self._happens(fault):
            rng = self._world.detail(self._actor.name, self._actor.calls)
            cut = rng.randrange(len(data) + 1)
            data = data[:cut] + file.before[cut:]
            return data[start : start + limit]
        if len(self._read) >= KEPT:
            self._read.clear()
        self._read[path] = data
        return data[start : start + limit]

    def _is_unsettled(self, file: File) -> bool:
        is_fresh = self._shared.now_ns() - file.mtime_ns < FRESH_NS
        return is_fresh and not file.is_synced and file.writer is not self._actor.machine

    def open(self, path: str) -> BinaryIO:
        self._ask(ASK, path)
        return io.BytesIO(self._server(path).file(path).data)

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        server, machine = self._server(path), self._actor.machine

        def act() -> None:
            file = server.create(path, data)
            file.is_synced, file.writer = sync or not data, machine
            if not file.is_synced:
                machine.unsynced.append(file)
                del machine.unsynced[:-UNSYNCED]

        self._change("create", act, path, CREATE)

    def rename(self, old: str, new: str) -> None:
        server = self._server(old)
        if server is not self._server(new):
            self._ask(ASK, old)
            raise fail(errno.EXDEV, old)
        self._lists.pop(new.rpartition("/")[0], None)
        self._stale.pop(new.rpartition("/")[0], None)
        self._read.pop(new, None)
        self._change("rename", lambda: server.rename(old, new), old)

    replace = swap = rename

    def unlink(self, path: str) -> None:
        server = self._server(path)
        self._change("unlink", lambda: server.unlink(path), path)

    def mkdir(self, path: str) -> None:
        server = self._server(path)
        self._change("mkdir", lambda: server.mkdir(path), path)

    def rmdir(self, path: str) -> None:
        server = self._server(path)
        self._change("rmdir", lambda: server.rmdir(path), path)

    def append(self, path: str, data: bytes) -> None:
        server, machine = self._server(path), self._actor.machine
        self._change("append", lambda: server.append(path, data, machine), path)

    def rewrite(self, path: str, data: bytes) -> None:
        server, machine = self._server(path), self._actor.machine
        self._change("rewrite", lambda: server.rewrite(path, data, machine), path)

    def lock(self, path: str, *, shared: bool = False) -> Lock | None:
        del shared
        self._ask(ASK, path)
        if not isinstance(self._server(path).entry(path), File):
            raise fail(errno.EISDIR, path)
        holder = self._world.locks.get(path)
        if holder is not None and holder.is_alive:
            return None
        self._world.locks[path] = self._actor
        self._read.clear()  # who gets a lock reads afresh
        return _Held(self._world.locks, path)

    def space(self, path: str) -> Space:
        self._ask(ASK, path)
        server = self._server(path)
        return Space(0 if server.is_full else server.free_bytes, 1 << 41, -1)

    def sync_file(self, path: str) -> None:
        self._ask(ASK, path)
        self._server(path).file(path).is_synced = True

    def sync_folder(self, path: str) -> None:
        self._ask(ASK, path)
