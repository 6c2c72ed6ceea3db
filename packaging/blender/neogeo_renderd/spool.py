"""The farm's folder as Blender sees it: where it is, what it says, how a file gets in."""

import contextlib
import os
import re
import secrets
import sys
import threading
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .jobs import Hindrance

APP = "neogeo-renderd"
SYSTEM_FILE = f"/etc/{APP}/config.toml"
FORMAT = 1
PATIENCE = 10.0  #: seconds until a share that gives no answer is said to hang
_MAX_BYTES = 2**20
#: disks that other machines do not see
_LOCAL = (
    *("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs"),
    *("tmpfs", "ramfs", "overlay", "vfat", "exfat", "ntfs", "ntfs3", "fuseblk"),
)


@dataclass(frozen=True, slots=True)
class Farm:
    """A spool that answered, and the path roots that this platform has."""

    root: str
    roots: Mapping[str, str]


def configured(environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """This machine's spool and who says so; two empty texts where nobody does."""
    if environ.get("RENDERD_SPOOL"):
        return os.path.abspath(os.path.expanduser(environ["RENDERD_SPOOL"])), "RENDERD_SPOOL"
    for path in _config_files(environ):
        with contextlib.suppress(OSError, ValueError):  # renderd itself says what is wrong with it
            with open(path, "rb") as file:
                spool = tomllib.loads(file.read(_MAX_BYTES).decode()).get("spool")
            if isinstance(spool, str) and spool:
                return os.path.expanduser(spool), path
    return "", ""


def _config_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The daemon's config files, the strongest first."""
    if environ.get("RENDERD_CONFIG"):
        return (environ["RENDERD_CONFIG"],)
    if sys.platform == "win32":
        folder = environ.get("LOCALAPPDATA") or os.path.expanduser("~/AppData/Local")
    elif sys.platform == "darwin":
        folder = os.path.expanduser("~/Library/Application Support")
    else:
        folder = environ.get("XDG_CONFIG_HOME", "").strip() or os.path.expanduser("~/.config")
    return os.path.join(folder, APP, "config.toml"), SYSTEM_FILE


def look(root: str) -> Farm:
    """The farm of a folder; Hindrance where it is not there, not mounted or gives no answer."""
    root = root.rstrip("/\\") or root
    return _answered(lambda: _look(root), root)


def _look(root: str) -> Farm:
    identity = _read(os.path.join(root, "SPOOL"))
    if identity is None:
        what = "there is no" if not os.path.isdir(root) else "no farm is in"
        raise Hindrance(f"{what} {root}: is the share mounted? See Spool Folder in the preferences")
    found = re.search(r"^format: *([0-9]{1,9})[ \r]*$", identity, re.MULTILINE)
    if found is None:
        raise Hindrance(f"{root}/SPOOL is damaged; run: renderd doctor")
    if int(found[1]) > FORMAT:
        raise Hindrance(f"{root} is of a newer release; install that release's extension")
    return Farm(root, _roots(root, _read(os.path.join(root, "farm.toml")) or ""))


def _roots(root: str, text: str) -> dict[str, str]:
    platform = {"win32": "windows", "darwin": "darwin"}.get(sys.platform, "linux")
    try:
        said = tomllib.loads(text)
        if said.get("trust", {}).get("signed"):
            raise Hindrance("this farm takes signed files only: queue it with `render add`")
        paths = {name: paths.get(platform) for name, paths in said.get("roots", {}).items()}
    except (ValueError, AttributeError) as error:
        raise Hindrance(f"{root}/farm.toml is wrong ({error}); run: renderd doctor") from None
    return {name: path for name, path in paths.items() if isinstance(path, str) and path}


def _read(path: str) -> str | None:
    """A file's text; None where it is not there."""
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Hindrance(f"{path} cannot be read: {error.strerror or error}") from None


def _answered(ask: Callable[[], Farm], root: str) -> Farm:
    """What a share answers, asked on a thread of its own: a hung one must not hang Blender."""
    told: list[Farm | Exception] = []

    def run() -> None:
        try:
            told.append(ask())
        except Exception as error:
            told.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not told:
        raise Hindrance(f"{root} gives no answer: the share hangs")
    if isinstance(told[0], Exception):
        raise told[0]
    return told[0]


def only_here(path: str, farm: Farm, mountinfo: str) -> bool:
    """Whether a path is on a disk of this machine alone while the farm is on a share."""
    below = any(f"{path}/".startswith(root.rstrip("/") + "/") for root in farm.roots.values())
    if below or _kind(os.path.realpath(farm.root), mountinfo) in (*_LOCAL, ""):
        return False
    return _kind(os.path.realpath(path), mountinfo) in _LOCAL


def mounts() -> str:
    """Linux's table of mounts; empty elsewhere."""
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8") as file:
        return file.read()
    return ""


def _kind(path: str, mountinfo: str) -> str:
    """The kind of file system that a whole path lies on; empty where the table does not say."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
        if f"{path}/".startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind


def drop(farm: Farm, slug: str, text: str) -> str:
    """Put an info file into the spool, whole under a name that nobody had; that name.

    It is written in tmp/ and then renamed: a daemon never sees half of it.
    """
    name = f"{slug}-{secrets.token_hex(4)}.info"
    temp = os.path.join(farm.root, "tmp", f"{name}.tmp")
    try:
        with open(os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # some shares keep modes of their own
            os.chmod(temp, 0o660)  # whatever the umask: the farm's group moves it on
        os.rename(temp, os.path.join(farm.root, name))
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temp)
        raise Hindrance(f"{farm.root} cannot be written: {error.strerror or error}") from None
    return name
