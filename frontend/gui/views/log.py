"""The log of the selected chunk: what went wrong on top, its lines below, its attempts."""

from typing import Any

from PyQt6.QtCore import QEvent, QObject, QSettings, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from frontend import mishaps, words
from frontend.gui.desk import Desk
from frontend.gui.models.logs import LogReading, Page, Wish
from frontend.gui.views.logtext import LogText
from fs_browser import icons, theme
from renderd.core.label import label
from renderd.core.names import host_of

_WRAP = "log/wrap"
_EVERY = 1.0  #: seconds between looks at a log


class LogPanel(QWidget):
    """Shows what an attempt prints, and says in plain words why it failed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._wish = Wish()  #: read by the reader's thread, replaced as a whole
        self._serial = 0
        self._chosen: int | None = None  #: the attempt that a person chose
        self._page: Page | None = None
        self._is_in_sight = False
        self.text = LogText()
        self.attempts = QComboBox()
        self.about = QLabel()
        self.search = QLineEdit()
        self.count = QLabel()
        self.trouble = Trouble()
        self.nothing = QLabel()
        self._lay_out()
        self._connect()
        self.reader = desk.read("log", LogReading(desk.settings, lambda: self._wish), _EVERY)
        self.reader.arrived.connect(self._take)
        self.reader.failed.connect(self._fail)

    # -- built once -------------------------------------------------------------------------

    def _lay_out(self) -> None:
        em = theme.em(self)
        self.attempts.setAccessibleName("Attempt")
        self.attempts.setToolTip("Which attempt is shown")
        self.attempts.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for shown in (self.about, self.count, self.nothing):
            shown.setTextFormat(Qt.TextFormat.PlainText)
            shown.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.search.setPlaceholderText("Find in the log  (Ctrl+F)")
        self.search.setAccessibleName("Find in the log")
        self.search.setClearButtonEnabled(True)
        self.attempts.setMinimumContentsLength(12)
        self.search.setMinimumWidth(round(em * 5))
        self.search.setMaximumWidth(round(em * 14))
        self.back = self._button("up", "The find before (Shift+Enter)")
        self.next = self._button("down", "The next find (Enter)")
        bar = QHBoxLayout()
        bar.setContentsMargins(round(em / 2), round(em / 4), round(em / 2), round(em / 4))
        bar.setSpacing(round(em / 2))
        bar.addWidget(self.attempts)
        bar.addStretch(1)
        for one in (self.count, self.search, self.back, self.next):
            bar.addWidget(one, int(one is self.search))
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.nothing)
        self.stack.addWidget(self.text)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.trouble)
        whole.addLayout(bar)
        whole.addWidget(self.stack, 1)
        whole.addLayout(self._make_foot())
        self._say_nothing("Select a job or a chunk to see its log.")

    def _make_foot(self) -> QHBoxLayout:
        """Where the log lies, and what can be done with its file."""
        self.wrap = self._button("wrap", "Break long lines")
        self.wrap.setCheckable(True)
        self.wrap.toggled.connect(self.text.wrap)
        self.wrap.setChecked(self._desk.remembered.value(_WRAP, "true") in (True, "true"))
        self.copy = self._button("copy", "Copy the path of the log")
        self.open = self._button("open", "Open the log in another program")
        self.copy.clicked.connect(self._copy_path)
        self.open.clicked.connect(self._open_file)
        gap = round(theme.em(self) / 4)
        foot = QHBoxLayout()
        foot.setContentsMargins(2 * gap, gap, gap, gap)
        foot.setSpacing(0)
        foot.addWidget(self.about, 1)
        for one in (self.wrap, self.copy, self.open):
            foot.addWidget(one)
        return foot

    def remember(self, settings: QSettings) -> None:
        """Write down how it is read."""
        settings.setValue(_WRAP, "true" if self.wrap.isChecked() else "false")

    def _copy_path(self) -> None:
        if self._page is not None:
            self._desk.copied.emit(self._page.path)
            self._desk.said.emit("Copied the path of the log")

    def _open_file(self) -> None:
        if self._page is not None:
            self._desk.open_wanted.emit(self._page.path)

    def _button(self, icon: str, says: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("icon name", icon)
        button.setToolTip(says)
        button.setAccessibleName(says)
        return button

    def _connect(self) -> None:
        desk = self._desk
        desk.selected.connect(self._look)
        desk.chunks_told.connect(self._look)
        self.attempts.activated.connect(self._choose)
        self.search.textChanged.connect(self.text.seek)
        self.text.counted.connect(self._tell_count)
        self.back.clicked.connect(lambda: self.text.step(back=True))
        self.next.clicked.connect(self.text.step)
        self.trouble.cause.clicked.connect(self.text.show_cause)
        self.trouble.last.clicked.connect(self.text.follow)
        for one in (self.text, self.search):
            one.installEventFilter(self)
        theme.of().changed.connect(self._redraw)
        self._redraw()

    # -- what is wished ---------------------------------------------------------------------

    def be_seen(self, is_in_sight: bool) -> None:
        """Read only while somebody can look."""
        self._is_in_sight = is_in_sight
        self._look()

    def wish_anew(self) -> None:
        """Read the log from its tail again."""
        self._wish = Wish()
        self._look()

    def _look(self) -> None:
        job, chunk = self._desk.job_shown(), self._desk.telling_chunk()
        before = self._wish
        if job is None or chunk is None or not self._is_in_sight:
            self._wish = Wish()
            if self._is_in_sight:
                self._say_nothing(self._why_nothing())
            return
        if self._keeps(job.jid):
            chunk = self._desk.chunks.records.get(before.chunk, chunk)
        if (job.jid, chunk.index) != (before.jid, before.chunk):
            self._chosen = None
        standing = f"{chunk.state} {chunk.attempt} {chunk.failures} {chunk.node}"
        self._ask(job.jid, chunk.index, standing, waits=chunk.state == "wait")
        if self._wish != before:
            self.reader.hurry()
        self._tell_trouble()

    def _ask(self, jid: str, chunk: int, standing: str, *, waits: bool) -> None:
        held = self._wish
        is_same = (jid, chunk, self._chosen) == (held.jid, held.chunk, held.attempt)
        self._serial += not is_same
        self._wish = Wish(
            jid=jid,
            chunk=chunk,
            attempt=self._chosen,
            standing=standing,
            waits=waits,
            serial=self._serial,
        )

    def _keeps(self, jid: str) -> bool:
        """Whether somebody reads further up in what was shown by itself."""
        is_same = self._wish.jid == jid and not self._desk.picked_chunks
        return is_same and self.stack.currentWidget() is self.text and not self.text.is_at_end()

    def _why_nothing(self) -> str:
        job = self._desk.job_shown()
        if job is None:
            return "Select a job or a chunk to see its log."
        if self._desk.chunks_read()[0] != job.jid:
            return "…"  # its chunks are being read
        return "Nothing of this job has run yet."

    def _choose(self, row: int) -> None:
        self._chosen = self.attempts.itemData(row)
        self._look()

    # -- what arrives -----------------------------------------------------------------------

    def _take(self, page: Page | None) -> None:
        if page is None or page.wish.serial != self._wish.serial:
            return
        self._page = page
        self.copy.setEnabled(True)
        self.open.setEnabled(True)
        if page.is_fresh:
            self.text.show_lines(page.lines)
            self.stack.setCurrentWidget(self.text)
        else:
            self.text.add(page.lines)
        self._list_attempts(page)
        above = f"   {words.size(page.skipped)} above are not shown" if page.skipped else ""
        self.about.setText(label(f"chunk {page.wish.chunk}  {page.path}{above}", 400))
        self.about.setToolTip(label(page.path, 400))
        self._tell_trouble()

    def _fail(self, error: object) -> None:
        if self._wish.jid:
            self._say_nothing(label(str(error), 400))

    def _list_attempts(self, page: Page) -> None:
        rows = [(f"attempt {n} · {host_of(inc)}", n) for n, inc in reversed(page.attempts)]
        box = self.attempts
        if rows != [(box.itemText(i), box.itemData(i)) for i in range(box.count())]:
            box.clear()
            for text, number in rows:
                box.addItem(text, number)
        self.attempts.setCurrentIndex(self.attempts.findData(page.attempt))
        self.attempts.setEnabled(len(rows) > 1)

    def _say_nothing(self, why: str) -> None:
        self._page = None
        self.nothing.setText(why)
        self.stack.setCurrentWidget(self.nothing)
        self.attempts.clear()
        self.attempts.setEnabled(False)
        self.about.setText("")
        self.copy.setEnabled(False)
        self.open.setEnabled(False)
        self.trouble.hide()

    def _tell_trouble(self) -> None:
        page = self._page
        chunk = self._desk.chunks.records.get(page.wish.chunk) if page else None
        if page is None or chunk is None or page.wish.serial != self._wish.serial:
            self.trouble.hide()
            return
        cause = self.text.cause
        if page.mishap is not None:
            says = mishaps.sentence(page.mishap, page.program, page.inc)
            advice = page.mishap.advice or (cause.event.advice if cause and cause.event else "")
            now = mishaps.so_far(chunk, page.prospect)
            self.trouble.tell(says, now, advice, has_line=cause is not None)
        elif cause is not None and cause.event is not None and cause.weight > 2:
            says = f"A line tells of trouble: {cause.event.says}"
            self.trouble.tell(says, "", cause.event.advice, has_line=True)
        else:
            self.trouble.hide()

    def _tell_count(self, chosen: int, total: int) -> None:
        found = f"{chosen or '–'} of {total:,}" if total else "not found"
        self.count.setText(found if self.search.text() else "")

    def _redraw(self) -> None:
        for button in (self.back, self.next, self.wrap, self.copy, self.open):
            button.setIcon(icons.icon(button.property("icon name")))
        self.wish_anew()  # for lines in the colours that are in force now

    # -- keys -------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Ctrl+F is the log's own while it has the keys; Enter and Escape in the search."""
        if not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        is_find = event.matches(QKeySequence.StandardKey.Find)
        if event.type() == QEvent.Type.ShortcutOverride and is_find:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress:
            return self._press(watched, event, is_find=is_find) or super().eventFilter(
                watched, event
            )
        return super().eventFilter(watched, event)

    def _press(self, watched: Any, event: QKeyEvent, *, is_find: bool) -> bool:
        if is_find:
            self.search.setFocus()
            self.search.selectAll()
            return True
        if watched is not self.search:
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            is_back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self.text.step(back=bool(is_back))
            return True
        if event.key() == Qt.Key.Key_Escape:
            self.search.clear()
            self.text.setFocus()
            return True
        return False


class Trouble(QFrame):
    """What went wrong, in plain words, with what to do and where it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.says, self.now, self.advice = QLabel(), QLabel(), QLabel()
        for one in (self.says, self.now, self.advice):
            one.setTextFormat(Qt.TextFormat.PlainText)
            one.setWordWrap(True)
            one.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.glyph = QLabel()
        self.cause = QPushButton("Jump to the cause")
        self.last = QPushButton("Last lines")
        lines = QVBoxLayout()
        lines.setSpacing(round(theme.em(self) / 8))
        buttons = QHBoxLayout()
        for button in (self.cause, self.last):
            buttons.addWidget(button)
        buttons.addStretch(1)
        for one in (self.says, self.advice, self.now):
            lines.addWidget(one)
        lines.addLayout(buttons)
        row = QHBoxLayout(self)
        gap = round(theme.em(self) / 2)
        row.setContentsMargins(gap, gap, gap, gap)
        row.setSpacing(gap)
        row.addWidget(self.glyph, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(lines, 1)
        theme.of().changed.connect(self._tint)
        self._tint()
        self.hide()

    def tell(self, says: str, now: str, advice: str, *, has_line: bool) -> None:
        """Show it."""
        self.says.setText(says)
        self.now.setText(now[:1].upper() + now[1:])
        self.now.setVisible(bool(now))
        self.advice.setText(f"What helps: {advice}")
        self.advice.setVisible(bool(advice))
        self.cause.setVisible(has_line)
        self.show()

    def _tint(self) -> None:
        colours, em = theme.of().colours, round(theme.em(self))
        self.glyph.setPixmap(icons.pixmap("error", em, colours.failed, self.devicePixelRatioF()))
        bold = self.says.font()
        bold.setBold(True)
        self.says.setFont(bold)
        self.now.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self.setStyleSheet(
            f"Trouble {{ background: {colours.window}; border-left: 3px solid {colours.failed}; }}"
        )
