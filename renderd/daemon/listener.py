"""The daemon's socket file: bound once, for its owner only."""

import contextlib
import errno
import fcntl
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from renderd.errors import RenderdError, UsageError
from renderd.host.locations import make_private

BACKLOG = 128
_HIDDEN = "~"
_PATH_LIMIT = 107 if sys.platform == "linux" else 103  # sockaddr_un, less its closing zero
_LOCAL_PEERCRED = 1  # macOS and BSD <sys/un.h>; Python does not name it
_SOL_LOCAL = 0


class SocketTaken(RenderdError):
    """Another daemon of this machine answers on the socket that this one was to open."""

    exit_status = 11


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket and the file it is bound to."""

    socket: socket.socket
    path: str
    inode: tuple[int, int]

    def close(self) -> None:
        """Stop listening; the file goes unless another daemon has replaced it."""
        self.socket.close()
        with contextlib.suppress(OSError):
            if _inode(self.path) == self.inode:
                os.unlink(self.path)


def listen(path: str) -> Listener:
    """Bind the socket file, replacing one that a dead daemon left.

    Raises SocketTaken where a daemon answers there, UsageError where the path cannot be a
    socket's, ConfigError where others could replace it.  Its folder is made, mode 0700.
    """
    if len(os.fsencode(path + _HIDDEN)) > _PATH_LIMIT:
        raise UsageError(
            f"the socket's path is longer than {_PATH_LIMIT} bytes: {path}",
            "set a shorter runtime folder (XDG_RUNTIME_DIR)",
        )
    make_private(os.path.dirname(path))
    with _one_at_a_time(f"{path}.lock"):
        _clear(path)
        return _bind(path)


@contextlib.contextmanager
def _one_at_a_time(path: str) -> Iterator[None]:
    # Two daemons that start together would both find the stale file and unlink each other's.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _clear(path: str) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise UsageError(f"{path} is in the way and is no socket", "move it away")
    if _is_answered(path):
        raise SocketTaken(
            f"another renderd of this machine answers on {path}",
            "give this one another name with --node, or stop the other",
        )
    os.unlink(path)


def _is_answered(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except (BlockingIOError, PermissionError):
            return True  # its backlog is full, or it is somebody else's: it is not dead
        return True


def _bind(path: str) -> Listener:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Bound unseen and shut to others, then named: at no time can a stranger connect.
        hidden = path + _HIDDEN
        with contextlib.suppress(FileNotFoundError):
            os.unlink(hidden)
        listening.bind(hidden)
        os.chmod(hidden, 0o600)
        listening.listen(BACKLOG)
        os.rename(hidden, path)
        listening.settimeout(0)
        return Listener(listening, path, _inode(path))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise SocketTaken(f"another renderd is taking {path}") from error
        raise


def _inode(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end, as the kernel tells it; None where it cannot."""
    try:
        if hasattr(socket, "SO_PEERCRED"):
            size = struct.calcsize("3i")
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            return int(struct.unpack("3i", raw)[1])
        raw = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 76)  # struct xucred
        version, uid = struct.unpack_from("=II", raw)
    except (OSError, struct.error):
        return None
    return int(uid) if version == 0 else None


def may_ask(uid: int | None) -> bool:
    """True for the daemon's own user and for root."""
    return uid is not None and uid in (os.geteuid(), 0)
