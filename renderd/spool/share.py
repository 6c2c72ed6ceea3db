"""The seam to the share: every file-system call of the protocol.

Everything in renderd/spool goes through a Share, so that a simulated share can stand in for
the real one.  Paths are absolute strings.  OSErrors pass through untouched: what an errno means
is decided in moves.py alone.
"""

import contextlib
import errno
import os
import stat as stat_bits
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from renderd.spool.content import copy_content, flush, open_regular, write_all
from renderd.spool.mount import is_smb
from renderd.spool.swap import insist, swap

if TYPE_CHECKING:
    from portalocker.portalocker import LockfLocker

READ_LIMIT = 1 << 20
FOLDER_MODE = 0o2770
FILE_MODE = 0o660


@dataclass(frozen=True, slots=True)
class Stat:
    """What lstat tells: sizes in bytes, times in ns of the server's clock."""

    size: int
    mtime_ns: int
    uid: int
    gid: int
    mode: int
    nlink: int
    dev: int
    ino: int

    @property
    def is_file(self) -> bool:
        return stat_bits.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        return stat_bits.S_ISDIR(self.mode)


@dataclass(frozen=True, slots=True)
class Space:
    """Room on the file system that holds a path."""

    free_bytes: int
    total_bytes: int
    free_inodes: int  #: -1 where the file system has no such limit (btrfs, many a NAS)


class Lock(Protocol):
    """A held lock; releasing twice is harmless."""

    def release(self) -> None: ...


class Share(Protocol):
    """The file-system calls of the protocol; each is one step that may fail or lose its reply."""

    def listdir(self, path: str) -> list[str]:
        """Names in a folder, read afresh and not from a stale directory cache."""
        ...

    def changed_at(self, path: str) -> int:
        """A folder's mtime in ns, asked of the server and not of the attribute cache."""
        ...

    def stat(self, path: str) -> Stat:
        """Facts of a name itself; a symbolic link is not followed."""
        ...

    def read(self, path: str, limit: int = READ_LIMIT, start: int = 0) -> bytes:
        """At most `limit` bytes of a regular file; links, pipes and devices raise OSError."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A regular file to read in pieces; links, pipes and devices raise OSError."""
        ...

    def open_target(self, path: str) -> BinaryIO:
        """As `open`, but a link is followed: for what a person named, never for the spool."""
        ...

    def stat_target(self, path: str) -> Stat:
        """Facts of the regular file a path leads to, asked of the server; links are followed."""
        ...

    def copy(self, source: str, target: str) -> None:
        """A new file with another's content, mode, group and mtime, on stable storage.

        Shares its blocks where the file system can; FileExistsError where the name is taken.
        """
        ...

    def symlink(self, text: str, path: str) -> None:
        """A new symbolic link; FileExistsError where the name is taken."""
        ...

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        """A new file; FileExistsError where the name is taken."""
        ...

    def rename(self, old: str, new: str) -> None: ...

    def replace(self, old: str, new: str) -> None:
        """Rename a short text over another; readers see the one or the other."""
        ...

    def swap(self, old: str, new: str) -> None:
        """Rename a file over one that others may hold open; on SMB nobody sees it for a moment."""
        ...

    def unlink(self, path: str) -> None: ...

    def mkdir(self, path: str) -> None: ...

    def rmdir(self, path: str) -> None: ...

    def append(self, path: str, data: bytes) -> None:
        """One write at the end, made if absent; one writer a file is the caller's duty.

        Links, hard links, pipes and devices raise OSError, here and in `rewrite`.
        """
        ...

    def rewrite(self, path: str, data: bytes) -> None:
        """Overwrite from the start in one write, keeping the file; made if absent."""
        ...

    def lock(self, path: str, *, shared: bool = False) -> Lock | None:
        """Take the lock of a file that exists without waiting; None when somebody holds it."""
        ...

    def space(self, path: str) -> Space: ...

    def sync_file(self, path: str) -> None:
        """Bring a file's content to stable storage before its name means something."""
        ...

    def sync_folder(self, path: str) -> None:
        """Make the names of a folder survive a power cut, where the file system can."""
        ...


class _HeldLock:
    """A portalocker lock on its own descriptor."""

    def __init__(self, descriptor: int, locker: "LockfLocker") -> None:
        self._descriptor: int | None = descriptor
        self._locker = locker

    def release(self) -> None:
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            with contextlib.suppress(Exception):  # closing frees it in any case
                self._locker.unlock(descriptor)
        finally:
            os.close(descriptor)


class PosixShare:
    """The real share: a folder on a local disk, NFS or any other POSIX file system."""

    def listdir(self, path: str) -> list[str]:
        # Open by full path and drop the cached entries first: on NFSv3 a name made in the same
        # server tick as an earlier listing stayed missing without this (spool.md section 4).
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            return os.listdir(descriptor)
        finally:
            os.close(descriptor)

    def changed_at(self, path: str) -> int:
        # Opening revalidates the attributes with the server; a bare stat may be a minute old.
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return os.fstat(descriptor).st_mtime_ns
        finally:
            os.close(descriptor)

    def stat(self, path: str) -> Stat:
        return _stat(os.lstat(path))

    def read(self, path: str, limit: int = READ_LIMIT, start: int = 0) -> bytes:
        descriptor = open_regular(path)  # by hand: a farm's readings are mostly this
        try:
            if start:
                os.lseek(descriptor, start, os.SEEK_SET)
            parts = []
            while limit > 0 and (part := os.read(descriptor, min(limit, 1 << 20))):
                parts.append(part)
                limit -= len(part)
            return b"".join(parts)
        finally:
            os.close(descriptor)

    def open(self, path: str) -> BinaryIO:
        return os.fdopen(open_regular(path), "rb", buffering=0)

    def open_target(self, path: str) -> BinaryIO:
        return os.fdopen(open_regular(path, follows=True), "rb", buffering=0)

    def stat_target(self, path: str) -> Stat:
        # Opening revalidates the attributes with the server; a bare stat may be a minute old.
        with _regular(path, follows=True) as descriptor:
            return _stat(os.fstat(descriptor))

    def copy(self, source: str, target: str) -> None:
        with _regular(source, follows=True) as old:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            new = os.open(target, flags, 0o600)
            try:
                copy_content(old, new)
                os.fsync(new)
            finally:
                os.close(new)

    def symlink(self, text: str, path: str) -> None:
        os.symlink(text, path)

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, FILE_MODE)
        try:
            _widen(descriptor)
            write_all(descriptor, data)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new)

    def replace(self, old: str, new: str) -> None:
        try:
            self.rename(old, new)
        except PermissionError:
            if not is_smb(new) or not insist(old, new):
                raise

    def swap(self, old: str, new: str) -> None:
        if is_smb(new):
            swap(old, new)
        else:
            self.rename(old, new)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def mkdir(self, path: str) -> None:
        os.mkdir(path, 0o770)
        # umask and inherited bits differ between hosts; NAS that map identities refuse, harmlessly.
        # Looking first is free, the answer came with mkdir's; a chmod is one more round trip.
        with contextlib.suppress(PermissionError, NotImplementedError):
            if os.lstat(path).st_mode & 0o7777 != FOLDER_MODE:
                os.chmod(path, FOLDER_MODE)

    def rmdir(self, path: str) -> None:
        os.rmdir(path)

    def append(self, path: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._put(path, flags | os.O_NONBLOCK, data)

    def rewrite(self, path: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._put(path, flags | os.O_NONBLOCK, data)

    def _put(self, path: str, flags: int, data: bytes) -> None:
        descriptor = os.open(path, flags, FILE_MODE)
        try:
            found = os.fstat(descriptor)
            # Made beforehand by somebody else it could be a name of any file that we may write.
            if not stat_bits.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise OSError(errno.EINVAL, "not a file of one name", path)
            if found.st_size == 0:
                _widen(descriptor)
            write_all(descriptor, data)
        finally:
            os.close(descriptor)

    def lock(self, path: str, *, shared: bool = False) -> Lock | None:
        # The kernel's fcntl flavour: flock excludes nobody on an NFS server's own host.
        import portalocker  # noqa: PLC0415  26 ms that most commands never need

        access = os.O_RDONLY if shared else os.O_RDWR
        descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        locker = portalocker.portalocker.LockfLocker()
        kind = portalocker.LockFlags.SHARED if shared else portalocker.LockFlags.EXCLUSIVE
        try:
            locker.lock(descriptor, kind | portalocker.LockFlags.NON_BLOCKING)
        except portalocker.exceptions.AlreadyLocked:
            os.close(descriptor)
            return None
        except portalocker.exceptions.LockException as error:
            os.close(descriptor)
            raise OSError(f"cannot lock {path}: {error}") from error
        return _HeldLock(descriptor, locker)

    def space(self, path: str) -> Space:
        s = os.statvfs(path)
        free_inodes = s.f_favail if s.f_files else -1
        return Space(s.f_bavail * s.f_frsize, s.f_blocks * s.f_frsize, free_inodes)

    def sync_file(self, path: str) -> None:
        flush(path)

    def sync_folder(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stat(s: os.stat_result) -> Stat:
    return Stat(
        s.st_size, s.st_mtime_ns, s.st_uid, s.st_gid, s.st_mode, s.st_nlink, s.st_dev, s.st_ino
    )


@contextlib.contextmanager
def _regular(path: str, *, follows: bool = False) -> Iterator[int]:
    descriptor = open_regular(path, follows=follows)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _widen(descriptor: int) -> None:
    # umask must not keep the group out; on a NAS that maps identities this may be refused.
    with contextlib.suppress(PermissionError, NotImplementedError):
        if os.fstat(descriptor).st_mode & 0o7777 != FILE_MODE:
            os.fchmod(descriptor, FILE_MODE)
