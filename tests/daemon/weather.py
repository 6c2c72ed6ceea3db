"""A share in bad weather, for one program: errors, lost replies, stale lists, late duplicates."""

import contextlib
import errno
import os
import random
from collections.abc import Callable
from typing import BinaryIO

from renderd.spool.share import Lock, PosixShare, Stat

_ODDS = 0.03  #: of a fault at each call
_STALE = 0.08  #: of an old list
_LATE = 0.03  #: of a request that the server hears a second time, later
_FAULTS = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT)


class Died(BaseException):
    """The machine lost power in the middle of a call."""


class WeatherShare(PosixShare):
    """The real share as one program meets it while `is_stormy`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.is_stormy = True
        self.dies_after: int | None = None  #: calls
        self.faults = 0
        self._seen: dict[str, list[str]] = {}
        self._late: list[tuple[str, str]] = []

    def _before(self, path: str) -> bool:
        """Count a call; True when its reply is to be lost."""
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                raise Died
        if self._late and self.rng.random() < 0.2:
            old, new = self._late.pop()
            with contextlib.suppress(OSError):
                os.rename(old, new)
        if not self.is_stormy or self.rng.random() >= _ODDS:
            return False
        self.faults += 1
        if self.rng.random() < 0.5:
            raise OSError(self.rng.choice(_FAULTS), "bad weather", path)
        return True

    def _change(
        self, path: str, act: Callable[[], None], again: type[OSError] | None, *others: str
    ) -> None:
        """A call that changes something; `again` is what its repetition by the client meets."""
        is_lost = self._before(path)
        for folder in {p.rpartition("/")[0] for p in (path, *others)}:
            self._seen.pop(folder, None)  # a client always sees its own changes
        act()
        if not is_lost:
            return
        if again is not None and self.rng.random() < 0.5:
            number = errno.ENOENT if again is FileNotFoundError else errno.EEXIST
            raise again(number, "it was done already", path)
        raise OSError(errno.EIO, "the reply was lost", path)

    def _ask(self, path: str) -> None:
        if self._before(path):
            raise OSError(errno.EIO, "the reply was lost", path)

    def listdir(self, path: str) -> list[str]:
        self._ask(path)
        if self.is_stormy and path in self._seen and self.rng.random() < _STALE:
            return list(self._seen[path])
        self._seen[path] = super().listdir(path)
        return list(self._seen[path])

    def changed_at(self, path: str) -> int:
        self._ask(path)
        return super().changed_at(path)

    def stat(self, path: str) -> Stat:
        self._ask(path)
        return super().stat(path)

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> bytes:
        self._ask(path)
        return super().read(path, limit, start)

    def open(self, path: str) -> BinaryIO:
        self._ask(path)
        return super().open(path)

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        del sync
        if self.is_stormy and self.rng.random() < _ODDS / 3:
            super().create(path, b"")
            raise OSError(errno.ENOSPC, "no space left", path)
        self._change(path, lambda: PosixShare.create(self, path, data), None)

    def rename(self, old: str, new: str) -> None:
        self._change(old, lambda: PosixShare.rename(self, old, new), FileNotFoundError, new)
        if self.is_stormy and self.rng.random() < _LATE:
            self._late.append((old, new))

    def unlink(self, path: str) -> None:
        self._change(path, lambda: PosixShare.unlink(self, path), FileNotFoundError)

    def mkdir(self, path: str) -> None:
        self._change(path, lambda: PosixShare.mkdir(self, path), FileExistsError)

    def rmdir(self, path: str) -> None:
        self._change(path, lambda: PosixShare.rmdir(self, path), FileNotFoundError)

    def append(self, path: str, data: bytes) -> None:
        self._change(path, lambda: PosixShare.append(self, path, data), None)

    def rewrite(self, path: str, data: bytes) -> None:
        self._change(path, lambda: PosixShare.rewrite(self, path, data), None)

    def lock(self, path: str, *, shared: bool = False) -> Lock | None:
        self._ask(path)
        return super().lock(path, shared=shared)

    def sync_file(self, path: str) -> None:
        self._ask(path)

    def sync_folder(self, path: str) -> None:
        self._ask(path)
