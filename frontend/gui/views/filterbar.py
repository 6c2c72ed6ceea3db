"""Which jobs are shown: words, and a button a state with the number of its jobs."""

from collections import Counter
from collections.abc import Iterable, Mapping

from PyQt6.QtCore import QSettings, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QIcon,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPixmap,
    QResizeEvent,
    QShortcut,
)
from PyQt6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QWidget

from frontend import words
from frontend.gui.delegates.state import colour
from frontend.gui.models.jobs import Filter
from fs_browser import theme
from renderd.spool.records import JobView

STATES = ("running", "queue", "waiting", "held", "failed", "done", "cancelled")
AT_FIRST = frozenset(STATES) - {"cancelled"}
_KEY = "filter"


class FilterBar(QWidget):
    """A box for words and the states as toggles; says when either changes."""

    changed = pyqtSignal()
    left = pyqtSignal()  #: the person is done with the words: Enter or Down

    def __init__(self) -> None:
        super().__init__()
        self._counts: Mapping[str, int] = {}
        self.search = QLineEdit()
        self.search.setPlaceholderText("Filter by name, owner, pool, output …  (Ctrl+F)")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Filter of jobs")
        self.search.setMinimumWidth(round(theme.em(self) * 10))
        self.all = QToolButton()
        self.all.setText("All")
        self.all.setToolTip("Show jobs in every state")
        self.all.clicked.connect(lambda: self.choose(STATES))
        self.states = {key: StateButton(key) for key in STATES}
        row = QHBoxLayout(self)
        gap = round(theme.em(self) / 2.5)
        row.setContentsMargins(gap, gap, gap, gap)
        row.setSpacing(round(gap / 2))
        row.addWidget(self.search, 1)
        row.addSpacing(gap)
        row.addWidget(self.all)
        for button in self.states.values():
            button.toggled.connect(self.changed)
            button.alone.connect(lambda key=button.key: self.choose([key]))
            row.addWidget(button)
        self.choose(AT_FIRST)
        self.search.textChanged.connect(self.changed)
        self.search.returnPressed.connect(self.left)
        down = QShortcut(QKeySequence(Qt.Key.Key_Down), self.search)
        down.setContext(Qt.ShortcutContext.WidgetShortcut)
        down.activated.connect(self.left)
        theme.of().changed.connect(self._draw)
        self._draw()

    def filter(self) -> Filter:
        """What is asked of jobs now."""
        return Filter(frozenset(self.chosen()), self.search.text())

    def chosen(self) -> list[str]:
        """The states that are shown."""
        return [key for key, button in self.states.items() if button.isChecked()]

    def choose(self, wanted: Iterable[str]) -> None:
        """Show these states alone; told once."""
        wanted = set(wanted)
        for key, button in self.states.items():
            held = button.blockSignals(True)  # noqa: FBT003
            button.setChecked(key in wanted)
            button.blockSignals(held)
            button.draw(self._counts.get(key, 0))
        self.changed.emit()

    def count(self, jobs: Iterable[JobView]) -> None:
        """Say at each state how many jobs are in it."""
        counts = Counter(map(words.shown_state, jobs))
        if counts != self._counts:
            self._counts = counts
            self._draw()

    def _draw(self) -> None:
        for key, button in self.states.items():
            button.draw(self._counts.get(key, 0))
        self._fit()

    def _fit(self) -> None:
        """Leave out the words where they would press the box for words together."""
        buttons = self.states.values()
        row = self.layout()
        gaps = row.spacing() * (len(self.states) + 6) if row is not None else 0
        whole = sum(button.width_with_words() for button in buttons)
        room = self.width() - self.all.sizeHint().width() - gaps
        for button in buttons:
            button.shorten(is_short=whole + theme.em(self) * 14 > room)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """As Qt asks."""
        super().resizeEvent(event)
        self._fit()

    def remember(self, settings: QSettings) -> None:
        """Write down what is asked."""
        settings.setValue(f"{_KEY}/states", ",".join(self.chosen()))
        settings.setValue(f"{_KEY}/text", self.search.text())

    def recall(self, settings: QSettings) -> None:
        """Ask what was asked."""
        said = settings.value(f"{_KEY}/states")
        if isinstance(said, str | list):  # an INI file gives a list of what holds commas
            self.choose(said.split(",") if isinstance(said, str) else map(str, said))
        self.search.setText(str(settings.value(f"{_KEY}/text") or ""))


class StateButton(QToolButton):
    """Glyph, word and number of one state; the glyph in its colour while it is shown."""

    alone = pyqtSignal()  #: this one and no other

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self._name, self._glyph = words.STATES[key][:2]
        self._number = 0
        self._is_short = False
        self.setObjectName("state")
        self.setCheckable(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setToolTip(f"Show jobs that are {self._name}; Ctrl+click: these alone")
        self.setAccessibleName(f"Show jobs that are {self._name}")
        size = round(theme.em(self) * 0.9)
        self.setIconSize(QSize(size, size))
        self.toggled.connect(lambda: self.draw(self._number))

    def draw(self, number: int) -> None:
        """Show the number, and whether its jobs are shown."""
        self._number = number
        ink = colour(self.key) if self.isChecked() else theme.of().colours.faint
        self.setIcon(self._picture(ink))
        self._write()

    def shorten(self, *, is_short: bool) -> None:
        """Leave out the word."""
        if is_short != self._is_short:
            self._is_short = is_short
            self._write()

    def width_with_words(self) -> int:
        """Pixels it would like for glyph, word and number."""
        held, self._is_short = self._is_short, False
        self._write()
        wide = self.sizeHint().width()
        self._is_short = held
        self._write()
        return wide

    def _write(self) -> None:
        number = f"{self._number:,}" if self._number else ""
        self.setText(number if self._is_short else f"{self._name} {number}".rstrip())

    def _picture(self, ink: str) -> QIcon:
        ratio, size = self.devicePixelRatioF(), self.iconSize()
        picture = QPixmap(size * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setFont(self.font())
        painter.setPen(QColor(ink))
        middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip
        painter.drawText(0, 0, size.width(), size.height(), middle, self._glyph)
        painter.end()
        return QIcon(picture)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """With Ctrl, shows these alone."""
        if event is not None and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.alone.emit()
            return
        super().mousePressEvent(event)
