"""A frame's pixels: do they decode, and is anything but black in them?

Structure is checked elsewhere, without decoding; this reads every pixel.  Qt's image plugins serve
what a desktop shows, also without a display; OpenImageIO, the `exr` extra, what a renderer writes
for compositing.  Both are loaded at the first picture that needs them.  Safe to call from several
threads at once.
"""

import contextlib
import functools
import importlib
import threading
from collections.abc import Callable
from typing import Any

from renderd.errors import BrokenImage

QT_KINDS = frozenset({"png", "jpeg", "tiff", "webp", "tga", "bmp"})
EXR_KINDS = frozenset({"exr", "hdr", "dpx", "cineon"})
_ALLOCATION_MB = 8192  #: Qt's own limit of 256 would refuse a frame of 8K in 16 bits
_PIECE_BYTES = 64 << 20  #: of pixels held at once
_LEAST_ROWS = 32  #: the usual chunk of an EXR; fewer would unpack it again and again
_FLOAT_BYTES = 4
_CORRUPT = "Corrupt JPEG data"
_said = threading.local()


def is_black(path: str, kind: str) -> bool | None:
    """Decode a picture: True where every pixel is zero, None where nothing here can decode it.

    Alpha does not count.  Raises BrokenImage where the pixels cannot be read.
    """
    if kind in QT_KINDS and _qt_reader() is not None:
        return _by_qt(path, kind)
    if kind in QT_KINDS | EXR_KINDS and (oiio := openimageio()) is not None:
        return _by_openimageio(oiio, path)
    return None


def why_not(kind: str) -> str:
    """Why pictures of a kind are not decoded here, as a remedy; empty for unknown kinds."""
    if kind in EXR_KINDS:
        return "install neogeo-renderd[exr]"
    return "Qt's libraries are missing; install libegl1, libgl1, libxkbcommon0" * (kind in QT_KINDS)


@functools.cache
def openimageio() -> Any:
    with contextlib.suppress(ImportError):
        return importlib.import_module("OpenImageIO")
    return None


def _by_openimageio(oiio: Any, path: str) -> bool:
    source = oiio.ImageInput.open(path)
    if source is None:
        raise BrokenImage(f"its pixels cannot be read: {_first_line(oiio.geterror())}")
    try:
        is_all_black, part = True, 0
        while source.seek_subimage(part, 0):
            is_all_black &= _is_part_black(source, part)
            part += 1
    finally:
        source.close()
    return is_all_black


def _is_part_black(source: Any, part: int) -> bool:
    """Read one image of a file some rows at a time: a hundred passes of 8K fit no memory."""
    spec = source.spec()
    if spec.deep:
        return False  # samples, not pixels: their structure has been checked
    colours = [at for at, name in enumerate(spec.channelnames) if _is_colour(name)]
    size = max(1, spec.width * spec.nchannels * _FLOAT_BYTES)
    rows = spec.height if spec.tile_width else max(_LEAST_ROWS, _PIECE_BYTES // size)
    is_all_black, end = True, spec.y + spec.height
    for row in range(spec.y, end, rows):
        if spec.tile_width:
            pixels = source.read_image(part, 0, 0, spec.nchannels, "float")
        else:
            last = min(row + rows, end)
            pixels = source.read_scanlines(part, 0, row, last, 0, 0, spec.nchannels, "float")
        if pixels is None:
            raise BrokenImage(f"its pixels cannot be read: {_first_line(source.geterror())}")
        is_all_black &= not pixels[..., colours].any()
    return is_all_black


def _is_colour(channel: str) -> bool:
    return channel.rpartition(".")[2] in ("R", "G", "B", "Y")


@functools.cache
def _qt_reader() -> Callable[..., Any] | None:
    """Qt's reader, with its complaints kept for the thread whose picture they are about."""
    try:
        from PyQt6.QtCore import qInstallMessageHandler  # noqa: PLC0415  only who decodes needs Qt
        from PyQt6.QtGui import QImageReader  # noqa: PLC0415
    except ImportError:  # a server without the libraries of a desktop
        return None

    def keep(_kind: object, _context: object, text: str | None) -> None:
        _said.lines = [*getattr(_said, "lines", ()), text or ""]

    qInstallMessageHandler(keep)
    QImageReader.setAllocationLimit(_ALLOCATION_MB)
    return QImageReader


def _by_qt(path: str, kind: str) -> bool | None:
    from PyQt6.QtGui import QImage, QImageReader  # noqa: PLC0415

    reader = QImageReader(path, kind.encode())
    reader.setAutoDetectImageFormat(False)  # a TGA has no signature to be known by
    _said.lines = []
    image = reader.read()
    corrupt = next((line for line in _said.lines if _CORRUPT in line), "")
    if image.isNull() or corrupt:
        if reader.error() == QImageReader.ImageReaderError.UnsupportedFormatError:
            return None
        raise BrokenImage(f"its pixels cannot be read: {corrupt or reader.errorString()}")
    # Four bytes a pixel, none of them padding, and alpha 255: only black has three zeros.
    flat = image.convertToFormat(QImage.Format.Format_RGB32)
    bits = flat.constBits()
    size = flat.sizeInBytes()
    data = bytes(bits.asstring(size)) if bits is not None else b""
    return bool(data.count(0) * 4 == size * 3)


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["unknown reason"])[0]
