"""Where renderd keeps its own files on this machine."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping

import platformdirs

from renderd.errors import ConfigError

APP = "neogeo-renderd"  # Debian has another package called renderd
SOCKET_LIMIT = 100  # bytes: 108 on Linux and 104 on macOS are the kernel's


def runtime_dir(environ: Mapping[str, str] = os.environ) -> str:
    """Sockets and locks, gone at logout: $RENDERD_RUNTIME_DIR, systemd's, else the user's."""
    given = environ.get("RENDERD_RUNTIME_DIR") or _first(environ.get("RUNTIME_DIRECTORY", ""))
    if given:
        return given
    # not platformdirs: it warns where there is no session, which is usual for a render node
    session = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    if os.path.isdir(session):
        return os.path.join(session, APP)
    return os.path.join(tempfile.gettempdir(), f"{APP}-{os.getuid()}")


def state_dir(environ: Mapping[str, str] = os.environ) -> str:
    """Run records and logs that outlive a restart: $RENDERD_STATE_DIR, systemd's, the user's."""
    return (
        environ.get("RENDERD_STATE_DIR")
        or _first(environ.get("STATE_DIRECTORY", ""))
        or platformdirs.user_state_dir(APP, appauthor=False)
    )


def socket_path(folder: str, name: str) -> str:
    """The address of a node's socket in a runtime folder, short enough for the kernel.

    Too long a folder gives a name made of its hash in the folder for temporary files.
    """
    path = os.path.join(folder, f"{name}.sock")
    if len(os.fsencode(path)) <= SOCKET_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()[:16]
    return os.path.join(tempfile.gettempdir(), f"{APP}-{os.getuid()}", f"{digest}.sock")


def make_private(folder: str) -> str:
    """Make a folder only we can enter, parents included, and return it.

    Raises ConfigError when it is a link, another user's, or writable by others: whoever
    can put files there could answer in our place.
    """
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError as problem:
        raise ConfigError(f"cannot make {folder}: {problem.strerror}") from problem
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), 0):
        raise ConfigError(f"{folder} is not a folder of ours", "remove it")
    if found.st_mode & 0o022:
        raise ConfigError(f"{folder} is writable by others", f"chmod go-w {folder}")
    return folder


def _first(paths: str) -> str:
    """systemd joins several directories by colons; ours is the first."""
    return paths.partition(":")[0]
