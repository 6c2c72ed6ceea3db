"""The sign in the tray: how this machine fares, pausing it, and news of one's own jobs."""

from PyQt6.QtCore import QObject, QRectF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPixmap
from PyQt6.QtWidgets import QMenu, QSystemTrayIcon

from frontend import endings
from frontend.gui.actions import Actions
from frontend.gui.bridge import Errand, Errands
from frontend.gui.desk import Desk
from frontend.gui.models import here
from frontend.gui.models.here import Mood
from frontend.gui.models.preferences import Preferences
from fs_browser import icons
from fs_browser.theme import LIGHT
from renderd.spool.records import JobView

KEYS = ("here-hour", "here-morning", "here-pause", "here-resume")
_SIZE = 64
#: glyph and ground; dark grounds, so that white stands out on any panel
_SIGNS = {
    Mood.IDLE: ("farm", "#4a5568"),
    Mood.RENDERING: ("release", LIGHT.running),
    Mood.PAUSED: ("hold", LIGHT.waiting),
    Mood.TROUBLE: ("warning", LIGHT.failed),
    Mood.OFF: ("quit", "#767676"),
}


class News(QObject):
    """Tells a person when a job of theirs ends; how, is read beside the window's work."""

    def __init__(self, desk: Desk, preferences: Preferences) -> None:
        super().__init__(desk)
        self._desk = desk
        self._preferences = preferences
        self._errands = Errands("news")
        self._errands.done.connect(self._tell)
        desk.others.append(self._errands)
        self.last: tuple[str, str] = ("", "")
        self.tray: QSystemTrayIcon | None = None
        desk.ended.connect(self._read)

    def _read(self, job: JobView) -> None:
        if self._preferences.notifies:
            work = lambda: endings.tell(self._desk.open(), job)  # noqa: E731
            self._errands.run(Errand(endings.title(job), work))

    def _tell(self, errand: object, words: str) -> None:
        assert isinstance(errand, Errand)
        self.last = errand.title, words
        if self.tray is not None and self.tray.supportsMessages():
            self.tray.showMessage(errand.title, words, self.tray.icon())
        else:
            self._desk.said.emit(f"{errand.title}: {words}".replace("\n", "; "))


class Tray(QSystemTrayIcon):
    """The icon of one window; made only where the desktop has a tray."""

    def __init__(self, desk: Desk, actions: Actions, menu: QMenu) -> None:
        super().__init__(menu)
        self._desk = desk
        self._mood: Mood | None = None
        for key in KEYS:
            menu.addAction(actions[key])
        self.setContextMenu(menu)
        desk.told.connect(self.draw)
        desk.trouble.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show how this machine fares now."""
        now = here.tell(self._desk)
        self.setToolTip(f"Render: {now.says}")
        if now.mood is not self._mood:
            self._mood = now.mood
            self.setIcon(sign(now.mood))


def sign(mood: Mood) -> QIcon:
    """The icon of a mood: its own glyph and its own ground."""
    glyph, ground = _SIGNS[mood]
    picture = QPixmap(_SIZE, _SIZE)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(QRectF(2, 2, _SIZE - 4, _SIZE - 4), _SIZE / 5, _SIZE / 5)
    room = _SIZE * 11 // 16
    painter.drawPixmap(
        (_SIZE - room) // 2, (_SIZE - room) // 2, icons.pixmap(glyph, room, "#ffffff")
    )
    painter.end()
    return QIcon(picture)
