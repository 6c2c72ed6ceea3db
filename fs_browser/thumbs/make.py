"""Makes a small picture of a file: .blend, image, EXR, movie."""

import contextlib
import functools
import importlib
import os
import shutil
import subprocess
from typing import Any

from PyQt6.QtCore import QByteArray, QPoint, QRect, QSize, Qt
from PyQt6.QtGui import QImage, QImageReader

from fs_browser.core.kinds import Kind
from renderd import blend
from renderd.errors import BlendError

_BY_OPENIMAGEIO = frozenset(
    (
        *("exr", "hdr", "dpx", "cin", "psd", "psb", "tx", "rla", "iff", "sgi", "rgb", "rgba"),
        *("pic", "jp2", "j2c", "heic"),
    )
)
_MOST_BYTES = 512 << 20  #: of a file that is decoded whole
_MOST_PIXELS = 200_000_000
_FFMPEG_SECONDS = 20


class CannotNow(Exception):
    """What makes such pictures is not installed here; another time it may be."""


def image(path: str, kind: Kind, side: int) -> QImage | None:
    """A picture that fits a square; None where the file holds none or a broken one.

    Raises OSError, ValueError, and CannotNow where a program or library lacks.
    """
    if kind in (Kind.BLEND, Kind.BACKUP):
        return _of_blend(path, side)
    if kind is Kind.MOVIE:
        return _of_movie(path, side)
    if kind is not Kind.IMAGE or os.path.getsize(path) > _MOST_BYTES:
        return None
    if path.rpartition(".")[2].lower() in _BY_OPENIMAGEIO:
        return _by_openimageio(path, side)
    return _by_qt(path, side)


def _of_blend(path: str, side: int) -> QImage | None:
    try:
        found = blend.read_thumbnail(path)
    except BlendError:
        return None
    if found is None:
        return None
    form = QImage.Format.Format_RGBA8888
    # copied: QImage does not hold the bytes it shows
    whole = QImage(found.pixels, found.width, found.height, found.width * 4, form).copy()
    return _fitted(whole.copy(_drawn(found.pixels, found.width, found.height)), side)


def _drawn(pixels: bytes, width: int, height: int) -> QRect:
    """The part of RGBA pixels that is not see-through: Blender pads its pictures to squares."""
    alpha = pixels[3::4]
    rows = [y for y in range(height) if any(alpha[y * width : (y + 1) * width])]
    columns = [x for x in range(width) if any(alpha[x::width])]
    if not rows:
        return QRect(0, 0, width, height)
    return QRect(QPoint(columns[0], rows[0]), QPoint(columns[-1], rows[-1]))


def _by_qt(path: str, side: int) -> QImage | None:
    reader = QImageReader(path)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid():
        if size.width() * size.height() > _MOST_PIXELS:
            return None
        if max(size.width(), size.height()) > side:
            fitted = size.scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatio)
            reader.setScaledSize(fitted.expandedTo(QSize(1, 1)))
    found = reader.read()
    return None if found.isNull() else _fitted(found, side)


def _fitted(whole: QImage, side: int) -> QImage:
    if max(whole.width(), whole.height()) <= side:
        return whole
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return whole.scaled(side, side, keep, smooth)


def _of_movie(path: str, side: int) -> QImage | None:
    program = shutil.which("ffmpeg")
    if program is None:
        raise CannotNow
    fit = f"scale={side}:{side}:force_original_aspect_ratio=decrease"
    # a movie that is a list of addresses may not have them fetched
    command = [program, "-v", "error", "-nostdin", "-protocol_whitelist", "file,pipe"]
    command += ["-i", f"file:{path}", "-frames:v", "1", "-vf", fit, "-f", "image2pipe"]
    command += ["-c:v", "png", "-"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_FFMPEG_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    found = QImage.fromData(QByteArray(done.stdout), "PNG")
    return None if found.isNull() else found


@functools.cache
def _openimageio() -> Any:
    with contextlib.suppress(ImportError):
        return importlib.import_module("OpenImageIO")
    return None


def _by_openimageio(path: str, side: int) -> QImage | None:
    oiio = _openimageio()
    if oiio is None:
        raise CannotNow
    source = oiio.ImageInput.open(path)
    if source is None:
        oiio.geterror()  # else it complains of it at the end
        return None
    try:
        spec = source.spec()
        if spec.deep or spec.width * spec.height > _MOST_PIXELS:
            return None
        first, count = _colours(list(spec.channelnames))
        pixels = source.read_image(0, 0, first, first + count, "float")
    finally:
        source.close()
    if pixels is None:
        return None
    whole = oiio.ImageBuf(pixels)
    largest = max(spec.width, spec.height)
    wide, high = (max(1, round(n * min(1, side / largest))) for n in (spec.width, spec.height))
    small = oiio.ImageBufAlgo.resample(whole, roi=oiio.ROI(0, wide, 0, high, 0, 1, 0, count))
    is_linear = path.rpartition(".")[2].lower() in ("exr", "hdr", "tx")
    return _shown(small.get_pixels("float"), is_linear=is_linear)


def _colours(channels: list[str]) -> tuple[int, int]:
    """Where red, green and blue stand side by side, the combined pass first; else the first."""
    places = [at for at, name in enumerate(channels) if name.rpartition(".")[2] in ("R", "r")]
    places.sort(key=lambda at: "Combined" not in channels[at])
    for at in places:
        letters = [name.rpartition(".")[2].upper() for name in channels[at : at + 3]]
        if letters == ["R", "G", "B"]:
            return at, 3
    return 0, 3 if len(channels) >= 3 and not places else 1


def _shown(pixels: Any, *, is_linear: bool) -> QImage:
    """Floats as a screen shows them: the sRGB curve for light, 8 bits."""
    numpy = importlib.import_module("numpy")
    values = numpy.clip(numpy.nan_to_num(pixels), 0.0, 1.0)
    if values.shape[2] == 1:
        values = numpy.repeat(values, 3, axis=2)
    if is_linear:
        curve = 1.055 * numpy.power(values, 1 / 2.4) - 0.055
        values = numpy.where(values <= 0.0031308, values * 12.92, curve)
    data = numpy.ascontiguousarray((values * 255 + 0.5).astype("uint8"))
    high, wide = data.shape[:2]
    return QImage(data.tobytes(), wide, high, wide * 3, QImage.Format.Format_RGB888).copy()
