"""What .blend files hold, read in threads: scenes, their settings, the picture in the file."""

import os
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QObject, Qt, pyqtBoundSignal, pyqtSignal
from PyQt6.QtGui import QImage

from renderd import blend, plan
from renderd.blend import SceneSettings, Thumbnail
from renderd.core.frames import Run
from renderd.errors import BlendError, RenderdError

ENDING = ".blend"
PICTURE = 128  #: pixels of the larger side that a picture is kept with
_THREADS = 4  #: that read at once; one that hangs leaves the others


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene as its file has it."""

    name: str
    own: tuple[Run, ...]  #: its own frames; none where its range is reversed
    is_chosen: bool  #: by the file: it is listed for rendering
    says: str  #: size, format and engine, for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a file holds, or why that cannot be told."""

    path: str
    scenes: tuple[Scene, ...] = ()
    version: str = ""
    picture: QImage | None = None
    error: str = ""


def read(path: str) -> Sheet:
    """Read one file; never raises for what is wrong with it."""
    try:
        file = blend.read(path)
        settings = blend.read_settings(path)
    except (RenderdError, OSError) as error:
        return Sheet(path=path, error=str(error))
    if not settings:
        return Sheet(path=path, version=file.version, error="holds no scene to render")
    listed = {scene.raw_name for scene in file.scenes}
    chosen = [s for s in settings if s.raw_name in listed]
    chosen = chosen or [s for s in settings if s.is_listed] or [settings[0]]
    scenes = tuple(_scene(one, is_chosen=one in chosen) for one in settings)
    return Sheet(path=path, scenes=scenes, version=file.version, picture=_picture(path))


def _scene(one: SceneSettings, *, is_chosen: bool) -> Scene:
    size = f"{one.width * one.percent // 100} × {one.height * one.percent // 100}"
    engine = one.engine.removeprefix("BLENDER_").replace("_", " ").capitalize()
    engine = {"Eevee": "EEVEE", "Render": "Internal"}.get(engine, engine)
    words = f"{size}   {one.format.replace('OPEN_', '').replace('_', ' ')}   {engine}"
    return Scene(one.name, plan.own_runs(one), is_chosen, words)


def _picture(path: str) -> QImage | None:
    try:
        found = blend.read_thumbnail(path)
    except (BlendError, OSError):
        return None
    return _shrunk(found) if found else None


def _shrunk(one: Thumbnail) -> QImage:
    form = QImage.Format.Format_RGBA8888
    # A copy: one that needs no scaling would go on looking at memory that is given back.
    image = QImage(one.pixels, one.width, one.height, 4 * one.width, form).copy()
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return image.scaled(PICTURE, PICTURE, keep, smooth)


def gather(paths: Iterable[str]) -> tuple[list[str], list[str]]:
    """The .blend files among paths and in folders among them, and what is neither."""
    found: dict[str, None] = {}
    others: list[str] = []
    for path in paths:
        whole = os.path.abspath(path)
        if os.path.isdir(whole):
            found |= dict.fromkeys(_within(whole))
        elif whole.lower().endswith(ENDING):
            found[whole] = None
        else:
            others.append(whole)
    return list(found), others


def _within(folder: str) -> list[str]:
    """The files of a folder; those that begin with a dot are copies of queued jobs."""
    try:
        with os.scandir(folder) as listed:
            names = sorted(one.name for one in listed)
    except OSError:
        return []
    mine = (n for n in names if n.lower().endswith(ENDING) and not n.startswith("."))
    return [os.path.join(folder, name) for name in mine]


class Reading(QObject):
    """Reads files as they are asked for; belongs to the GUI thread, like its signals."""

    gathered = pyqtSignal(object, object)  #: paths of .blend files; what was none
    came = pyqtSignal(object)  #: Sheet

    def __init__(self, read: Callable[[str], Sheet] = read) -> None:
        super().__init__()
        self._read = read

    def gather(self, paths: Sequence[str]) -> None:
        """Find the files behind paths and folders."""
        self._start(lambda: self._tell(self.gathered, *gather(paths)))

    def read(self, paths: Sequence[str]) -> None:
        """Read these, a few at once."""
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        for path in paths:
            waiting.put(path)
        for _ in range(min(_THREADS, len(paths))):
            self._start(lambda: self._work(waiting))

    def _work(self, waiting: "queue.SimpleQueue[str]") -> None:
        while True:
            try:
                path = waiting.get_nowait()
            except queue.Empty:
                return
            if not self._tell(self.came, self._read(path)):
                return

    def _start(self, work: Callable[[], object]) -> None:
        threading.Thread(target=work, name="blends", daemon=True).start()

    @staticmethod
    def _tell(signal: pyqtBoundSignal, *values: object) -> bool:
        try:
            signal.emit(*values)
        except RuntimeError:
            return False  # the dialog is gone already
        return True
