"""Pictures decoded by a thread of their own, kept by path and time, in bounded memory."""

import contextlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QImage, QImageReader

from frontend import picture
from renderd.core.label import label
from renderd.errors import BrokenImage
from renderd.spool import image
from renderd.spool.share import PosixShare

FULL = 0  #: an edge that means the picture's own size
_LARGEST = 8192  #: pixels of an edge, beyond which a picture is shown smaller
_KEPT_BYTES = 256 << 20
_MOST_WAITING = 256  #: what was asked for before these is no longer in sight
_ALLOCATION_MB = 1024  #: Qt's own limit of 256 would refuse a frame of 8K in 16 bits
_JOIN = 5.0
Stamp = tuple[int, int, int]  #: what makes it another file: mtime in ns, bytes, inode
_EXR = frozenset({"exr", "hdr", "dpx", "cineon"})


@dataclass(frozen=True, slots=True)
class Picture:
    """A file as it was decoded, or the sentence why it cannot be shown."""

    stamp: Stamp
    image: QImage | None = None
    size: tuple[int, int] = (0, 0)  #: of the file, in pixels
    says: str = ""
    is_broken: bool = False  #: not merely of a kind that nothing here decodes

    @property
    def weight(self) -> int:
        """Bytes that it holds."""
        return self.image.sizeInBytes() if self.image is not None else 0


Asked = tuple[str, int]  #: path, and pixels of the longest edge wanted


class Pictures(QObject):
    """Asked by the GUI thread; what is not there yet arrives later."""

    arrived = pyqtSignal(str, int)  #: path and edge
    _loaded = pyqtSignal(str, int, object)

    def __init__(self) -> None:
        super().__init__()
        self._kept: OrderedDict[Asked, Picture] = OrderedDict()
        self._bytes = 0
        self._waiting: OrderedDict[Asked, Stamp | None] = OrderedDict()
        self._bell = threading.Condition()
        self._ends = self._works = False
        self._loaded.connect(self._take)
        self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
        self._thread.start()

    def get(self, path: str, edge: int) -> Picture | None:
        """The picture as far as it is known; asks for it where it is not."""
        found = self._kept.get((path, edge))
        if found is None:
            self._ask((path, edge), None)
        else:
            self._kept.move_to_end((path, edge))
        return found

    def look_again(self, path: str, edge: int) -> None:
        """Decode it again if its file is another than it was."""
        found = self._kept.get((path, edge))
        self._ask((path, edge), found.stamp if found else None)

    def stop(self) -> None:
        """Decode no more; a file that hangs is left behind."""
        with self._bell:
            self._ends = True
            self._waiting.clear()
            self._bell.notify()
            is_busy = self._works
        if not is_busy:
            self._thread.join(_JOIN)

    def _ask(self, asked: Asked, stamp: Stamp | None) -> None:
        with self._bell:
            self._waiting.setdefault(asked, stamp)
            self._waiting.move_to_end(asked)
            while len(self._waiting) > _MOST_WAITING:
                self._waiting.popitem(last=False)
            self._bell.notify()

    def _take(self, path: str, edge: int, found: object) -> None:
        assert isinstance(found, Picture)
        old = self._kept.pop((path, edge), None)
        self._bytes += found.weight - (old.weight if old else 0)
        self._kept[path, edge] = found
        while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= gone.weight
        self.arrived.emit(path, edge)

    def _run(self) -> None:
        while True:
            with self._bell:
                self._works = False
                self._bell.wait_for(lambda: self._waiting or self._ends)
                if self._ends:
                    return
                (path, edge), stamp = self._waiting.popitem()  # what was asked last is in sight
                self._works = True
            found = load(path, edge, stamp)
            if found is not None:
                with contextlib.suppress(RuntimeError):  # the window is gone already
                    self._loaded.emit(path, edge, found)


def load(path: str, edge: int, known: Stamp | None = None) -> Picture | None:
    """Decode a file so that its longest edge has so many pixels; None where it is still as known.

    Never raises: what is wrong is said in the picture.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        return Picture((0, 0, 0), says=error.strerror or str(error), is_broken=True)
    stamp = found.st_mtime_ns, found.st_size, found.st_ino
    if stamp == known:
        return None
    try:
        kind = image.verify_file(PosixShare(), path).kind
        return _decode(path, edge, stamp, kind)
    except BrokenImage as error:
        return Picture(stamp, says=label(error.message, 300), is_broken=True)
    except OSError as error:
        return Picture(stamp, says=label(error.strerror or str(error), 300), is_broken=True)


def _decode(path: str, edge: int, stamp: Stamp, kind: str) -> Picture:
    QImageReader.setAllocationLimit(_ALLOCATION_MB)
    reader = QImageReader(path)
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    if kind not in _EXR and reader.canRead():
        size = reader.size()
        reader.setScaledSize(_fitted(size, edge))
        read = reader.read()
        if read.isNull():
            raise BrokenImage(f"its pixels cannot be read: {reader.errorString()}")
        whole = size if size.isValid() else read.size()
        return Picture(stamp, read, (whole.width(), whole.height()))
    if (oiio := picture.openimageio()) is None:
        remedy = picture.why_not(kind) or "open its folder and use another program"
        return Picture(stamp, says=f"{kind.upper() or 'This kind'} cannot be shown here: {remedy}")
    return _by_openimageio(oiio, path, edge, stamp)


def _fitted(size: QSize, edge: int) -> QSize:
    most = min(edge or _LARGEST, _LARGEST)
    if max(size.width(), size.height()) <= most:
        return size
    return size.scaled(most, most, Qt.AspectRatioMode.KeepAspectRatio)


def _by_openimageio(oiio: Any, path: str, edge: int, stamp: Stamp) -> Picture:
    """The picture in the first part, scene-linear light made visible: clipped, then sRGB."""
    source = oiio.ImageInput.open(path)
    if source is None:
        raise BrokenImage(f"its pixels cannot be read: {label(oiio.geterror(), 200)}")
    try:
        spec = source.spec()
        if spec.width * spec.height > _LARGEST * _LARGEST or spec.deep:
            return Picture(stamp, says="too large or too deep to be shown here")
        places = _colours(list(spec.channelnames))
        first, last = min(places), max(places) + 1
        pixels = source.read_image(0, 0, first, last, "half")
        if pixels is None:
            raise BrokenImage(f"its pixels cannot be read: {label(source.geterror(), 200)}")
    finally:
        source.close()
    step = max(1, max(spec.width, spec.height) // (2 * edge)) if edge else 1
    size = spec.width, spec.height
    light = pixels[::step, ::step, [place - first for place in places]]
    is_linear = spec.format.basetype in (oiio.HALF, oiio.FLOAT, oiio.DOUBLE)
    made = _image(light.astype("float32"), is_linear=is_linear)
    return Picture(stamp, _smaller(made, edge), size)


def _colours(names: list[str]) -> list[int]:
    """Where red, green and blue stand: of the picture itself, else of the first pass; or a grey."""
    ends = [name.rpartition(".")[2].upper() for name in names]
    for channels in ("RGB", "Y", "V"):
        if all(one in ends for one in channels):
            found = [ends.index(one) for one in channels]
            return found if len(found) == 3 else found * 3
    return [0, 0, 0]


def _image(light: Any, *, is_linear: bool) -> QImage:
    import numpy  # noqa: PLC0415  OpenImageIO brings it

    light = numpy.clip(numpy.nan_to_num(light), 0.0, 1.0)
    if is_linear:
        low = light <= 0.0031308
        light = numpy.where(low, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    bytes_ = numpy.ascontiguousarray((light * 255 + 0.5).astype("uint8"))
    height, width = bytes_.shape[:2]
    flat = bytes_.tobytes()
    return QImage(flat, width, height, width * 3, QImage.Format.Format_RGB888).copy()


def _smaller(made: QImage, edge: int) -> QImage:
    if not edge or max(made.width(), made.height()) <= edge:
        return made
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return made.scaled(edge, edge, keep, smooth)
