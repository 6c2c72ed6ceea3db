"""A file's content and its copy: shared blocks, a server's own copying, or bytes."""

import contextlib
import errno
import os
import stat as stat_bits
import sys

FICLONE = 0x40049409  #: Linux's ioctl that makes a file share another's blocks
COPY_STEP = 64 << 20  #: bytes a server copies at a time, so that Ctrl+C is heard


def open_regular(path: str, access: int = os.O_RDONLY, *, follows: bool = False) -> int:
    """A descriptor of a regular file; links, pipes and devices raise OSError."""
    flags = access | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follows else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if not stat_bits.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor


def flush(path: str) -> None:
    """Bring a file's content to stable storage.  Raises OSError."""
    try:  # for writing: of a file that is open for reading, Linux's SMB client flushes nothing
        descriptor = open_regular(path, os.O_RDWR)
    except PermissionError:
        descriptor = open_regular(path)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_content(old: int, new: int) -> None:
    """Give an open file another's content, time, group and mode, as far as may be.

    Raises OSError where the content could not be copied.
    """
    if not _share_blocks(old, new):
        _copy_all(old, new)
    _take_after(new, os.fstat(old))


def write_all(descriptor: int, data: bytes) -> None:
    """Write to the last byte, in as many calls as the system takes.  Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _share_blocks(old: int, new: int) -> bool:
    """Make the new file a reflink of the old one; False where the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl  # noqa: PLC0415  not on every platform

    try:
        fcntl.ioctl(new, FICLONE, old)
    except OSError:
        return False  # another file system, or one without: EXDEV, EOPNOTSUPP, EINVAL, ENOTTY …
    return True


def _copy_all(old: int, new: int) -> None:
    """Copy on the server where it can, else through this machine; from the start in any case."""
    at = 0
    if hasattr(os, "copy_file_range"):
        with contextlib.suppress(OSError):  # half supported by many: the loop below goes on
            while part := os.copy_file_range(old, new, COPY_STEP, at, at):
                at += part
    os.lseek(old, at, os.SEEK_SET)
    os.lseek(new, at, os.SEEK_SET)
    while data := os.read(old, 1 << 20):
        write_all(new, data)


def _take_after(new: int, facts: os.stat_result) -> None:
    """Who may read the old file may read the new one; on a NAS that maps identities, as it likes.

    The time as well: the copy then looks like what was copied.
    """
    with contextlib.suppress(PermissionError, NotImplementedError):
        os.fchown(new, -1, facts.st_gid)
    with contextlib.suppress(PermissionError, NotImplementedError):
        os.fchmod(new, facts.st_mode & 0o777 | 0o600)
    with contextlib.suppress(PermissionError, NotImplementedError):
        os.utime(new, ns=(facts.st_atime_ns, facts.st_mtime_ns))
