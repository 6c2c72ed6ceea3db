"""Small pictures kept as the freedesktop thumbnail specification says, shared with desktops.

https://specifications.freedesktop.org/thumbnail-spec/latest/
"""

import contextlib
import hashlib
import os
import tempfile
from urllib.parse import quote

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage

import renderd
from fs_browser.core.kinds import Kind
from fs_browser.thumbs import make

#: side of the pictures in each folder of the cache
SIDES = {"normal": 128, "large": 256}
_MADE = "large"
_FAILED = os.path.join("fail", f"neogeo-fs-{renderd.__version__}")
#: as GLib writes a path's URI, whose MD5 sum all programs must agree on
_SAFE = "/!$&'()*+,:=@"
_SECOND = 1_000_000_000


def picture(path: str, kind: Kind, mtime_ns: int) -> QImage | None:
    """The picture of a file, from the cache or made now and kept; None where there is none.

    For a thread of its own: it reads the file, and may take seconds.
    """
    seconds = mtime_ns // _SECOND
    found = _kept(path, seconds)
    if found is not None or has_failed(path, mtime_ns):
        return found
    try:
        image = make.image(path, kind, SIDES[_MADE])
    except make.CannotNow:
        return None
    except (OSError, ValueError):
        image = None
    if not _is_own(path):
        _keep(path, seconds, image)
    return image


def uri(path: str) -> str:
    """A file's URI, as every program writes it."""
    return "file://" + quote(os.fsencode(path), safe=_SAFE)


def place(path: str, folder: str) -> str:
    """Where the picture of a file lies in a folder of the cache."""
    name = hashlib.md5(uri(path).encode(), usedforsecurity=False).hexdigest()
    return os.path.join(root(), folder, f"{name}.png")


def root() -> str:
    """The cache's folder."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return os.path.join(
        home if os.path.isabs(home) else os.path.expanduser("~/.cache"), "thumbnails"
    )


def _kept(path: str, seconds: int) -> QImage | None:
    image = _read(place(path, _MADE), seconds)
    if image is not None:
        return image
    small = _read(place(path, "normal"), seconds)
    # smaller than there is room for: all that the file has, not a picture made small
    is_all = small is not None and max(small.width(), small.height()) < SIDES["normal"]
    return small if is_all else None


def has_failed(path: str, mtime_ns: int) -> bool:
    """Whether no picture could be made of a file, although what makes such pictures is here."""
    return _read(place(path, _FAILED), mtime_ns // _SECOND) is not None


def _read(kept: str, seconds: int) -> QImage | None:
    if not os.path.exists(kept):
        return None
    image = QImage(kept, "PNG")
    if image.isNull() or image.text("Thumb::MTime").partition(".")[0] != str(seconds):
        return None
    return image


def _keep(path: str, seconds: int, image: QImage | None) -> None:
    """Write a picture, or that there is none, at once or not at all."""
    if image is None:
        kept = QImage(1, 1, QImage.Format.Format_ARGB32)
        kept.fill(Qt.GlobalColor.transparent)
    else:
        kept = image.copy()
    kept.setText("Thumb::URI", uri(path))
    kept.setText("Thumb::MTime", str(seconds))
    kept.setText("Software", "neogeo fs")
    target = place(path, _FAILED if image is None else _MADE)
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), suffix=".png")
        os.close(descriptor)  # mkstemp's mode is 0600, as the specification asks
        if kept.save(temporary, "PNG"):
            os.replace(temporary, target)
        else:
            os.unlink(temporary)


def _is_own(path: str) -> bool:
    return path.startswith(root() + os.sep)
