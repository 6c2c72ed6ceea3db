"""Which rows of a table are shown: words, and a button a state with the number of its rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

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
from frontend.gui.models import chunks, jobs
from fs_browser import theme

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered(Generic[R]):
    """What a bar filters, and how it asks."""

    what: str  #: a word for its rows
    key: str  #: by which it is remembered
    hint: str
    states: tuple[str, ...]
    at_first: frozenset[str]
    test: Callable[[frozenset[str], str], Callable[[R], bool] | None]


_STATES = ("running", "queue", "waiting", "held", "failed", "done", "cancelled")
JOBS = Filtered(
    what="jobs",
    key="filter",
    hint="Filter by name, owner, pool, output …  (Ctrl+F)",
    states=_STATES,
    at_first=frozenset(_STATES) - {"cancelled"},
    test=lambda states, text: jobs.Filter(states, text).test(),
)
_ENDS = ("run", "wait", "fail", "done")
CHUNKS = Filtered(
    what="chunks",
    key="filter/chunks",
    hint="Filter by frame, machine, last line …  (Ctrl+F)",
    states=_ENDS,
    at_first=frozenset(_ENDS),
    test=lambda states, text: chunks.Filter(states, text).test(),
)


class FilterBar(QWidget, Generic[R]):
    """A box for words and the states as toggles; says when either changes."""

    changed = pyqtSignal()
    left = pyqtSignal()  #: the person is done with the words: Enter, Down, Escape

    def __init__(self, filtered: Filtered[R]) -> None:
        super().__init__()
        self._filtered = filtered
        self._counts: Mapping[str, int] = {}
        self.search = QLineEdit()
        self.search.setPlaceholderText(filtered.hint)
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(f"Filter of {filtered.what}")
        self.search.setMinimumWidth(round(theme.em(self) * 10))
        self.all = QToolButton()
        self.all.setText("All")
        self.all.setToolTip(f"Show {filtered.what} in every state")
        self.all.clicked.connect(lambda: self.choose(filtered.states))
        self.states = {key: StateButton(key, filtered.what) for key in filtered.states}
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
        self.choose(filtered.at_first)
        self.search.textChanged.connect(self.changed)
        self.search.returnPressed.connect(self.left)
        down = QShortcut(QKeySequence(Qt.Key.Key_Down), self.search)
        down.setContext(Qt.ShortcutContext.WidgetShortcut)
        down.activated.connect(self.left)
        leave = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        leave.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        leave.activated.connect(self._leave)
        theme.of().changed.connect(self._draw)
        self._draw()

    def _leave(self) -> None:
        if self.search.text():
            self.search.clear()
        else:
            self.left.emit()

    def test(self) -> Callable[[R], bool] | None:
        """The question to ask of each row now; None where all pass."""
        chosen = frozenset(self.chosen())
        is_whole = len(chosen) == len(self.states)
        return self._filtered.test(frozenset() if is_whole else chosen, self.search.text())

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

    def count(self, counts: Mapping[str, int]) -> None:
        """Say at each state how many rows are in it."""
        if counts != self._counts:
            self._counts = dict(counts)
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
        settings.setValue(f"{self._filtered.key}/states", ",".join(self.chosen()))
        settings.setValue(f"{self._filtered.key}/text", self.search.text())

    def recall(self, settings: QSettings) -> None:
        """Ask what was asked."""
        said = settings.value(f"{self._filtered.key}/states")
        if isinstance(said, str | list):  # an INI file gives a list of what holds commas
            self.choose(said.split(",") if isinstance(said, str) else map(str, said))
        self.search.setText(str(settings.value(f"{self._filtered.key}/text") or ""))


class StateButton(QToolButton):
    """Glyph, word and number of one state; the glyph in its colour while it is shown."""

    alone = pyqtSignal()  #: this one and no other

    def __init__(self, key: str, what: str) -> None:
        super().__init__()
        self.key = key
        self._name, self._glyph = words.STATES[key][:2]
        self._number = 0
        self._is_short = False
        self.setObjectName("state")
        self.setCheckable(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setToolTip(f"Show {what} that are {self._name}; Ctrl+click: these alone")
        self.setAccessibleName(f"Show {what} that are {self._name}")
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
