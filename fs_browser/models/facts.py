"""What .blend files say of their scenes and images of their size, read beside the window."""

from collections import OrderedDict
from collections.abc import Hashable
from functools import partial

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QImageIOHandler, QImageReader

from fs_browser.core import pixels, wording
from fs_browser.core.kinds import Kind
from fs_browser.core.listing import Entry
from fs_browser.models.aside import tell
from fs_browser.thumbs.crew import Crew
from renderd import blend
from renderd.blend.names import shown
from renderd.errors import BlendError

_MOST_SCENES = 6
_MOST_KEPT = 20_000
_READING = "…"
_BY_HEAD = (".exr", ".dpx", ".cin", ".hdr", ".pic")  #: images of which Qt knows nothing


class Facts(QObject):
    """Words on .blend files and images, each read when it is first looked at."""

    told = pyqtSignal(object)  #: the key of a row whose words are there now

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._known: OrderedDict[tuple[str, int | None], str] = OrderedDict()
        self._crew = Crew("facts", 2)
        self._arrived.connect(self._take)

    _arrived = pyqtSignal(object, object, str)

    def of(self, key: Hashable, path: str, entry: Entry) -> str:
        """The words on a file; of those not read yet a sign, and `told` later."""
        if entry.kind not in _READERS:
            return ""
        place = path, entry.mtime_ns
        found = self._known.get(place)
        if found is None:
            self._crew.ask(place, partial(self._read, key, place, entry.kind))
        return _READING if found is None else found

    def forget(self) -> None:
        """Read nothing more of what was asked for."""
        self._crew.forget()

    def stop(self) -> None:
        """Read nothing any more."""
        self._crew.close()

    def _read(self, key: Hashable, place: tuple[str, int | None], kind: Kind) -> None:
        tell(self, "_arrived", key, place, _READERS[kind](place[0]))

    def _take(self, key: Hashable, place: tuple[str, int | None], words: str) -> None:
        self._known[place] = words
        if len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)
        self.told.emit(key)


def _scenes(path: str) -> str:
    try:
        return wording.scenes(blend.read(path).scenes, _MOST_SCENES, "–")
    except BlendError as error:
        return str(error).removeprefix(f"{shown(path)}: ")


def _resolution(path: str) -> str:
    """Width and height as the header says; nothing where it says none."""
    if path.lower().endswith(_BY_HEAD):
        try:
            with open(path, "rb") as file:
                found = pixels.of_head(file.read(pixels.HEAD_BYTES))
        except OSError:
            return ""
        return pixels.words(*found) if found else ""
    reader = QImageReader(path)
    size = reader.size()
    if not size.isValid():
        return ""
    if reader.transformation() & QImageIOHandler.Transformation.TransformationRotate90:
        size.transpose()  # a camera held upright
    return pixels.words(size.width(), size.height())


_READERS = {Kind.BLEND: _scenes, Kind.IMAGE: _resolution}
