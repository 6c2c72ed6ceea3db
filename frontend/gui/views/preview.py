"""The frames of the selected job: the latest, all on a sheet, one in full."""

from bisect import bisect_left
from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import QModelIndex, QPoint, QRect, QSize, Qt
from PyQt6.QtGui import QAction, QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QListView,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from frontend.gui.delegates.cell import CellDelegate
from frontend.gui.desk import Desk
from frontend.gui.models.pictures import FULL, Pictures
from frontend.gui.models.shots import Seen, Shot, Shots, ShotsModel, ShotsReading
from frontend.gui.views.frameview import FrameView
from fs_browser import theme
from fs_browser.table import RECORD
from renderd.core import frames as ranges
from renderd.core.label import label
from renderd.errors import RenderdError

_EVERY = 2.0  #: seconds between looks at the output folder


class PreviewPanel(QWidget):
    """Shows pictures while they are rendered."""

    def __init__(self, desk: Desk, fill: Callable[[QMenu], None], opens: QAction) -> None:
        super().__init__()
        self._desk = desk
        self._fill = fill
        self._opens = opens
        self._wanted = ""  #: read by the reader's thread
        self._is_in_sight = False
        self._follows = True  #: the latest frame is shown as it comes
        self.pictures = Pictures()
        self.model = ShotsModel()
        self.view = FrameView()
        self.sheet = CellList(self.model, self.pictures, is_strip=False)
        self.strip = CellList(self.model, self.pictures, is_strip=True)
        self.about, self.nothing = QLabel(), QLabel()
        self._lay_out()
        self._connect()
        reading = ShotsReading(desk.settings, lambda: self._wanted, desk.chunks_read)
        self.reader = desk.read("frames", reading, _EVERY)
        desk.at_end.append(self.pictures.stop)
        self.reader.arrived.connect(self._take)
        self.reader.failed.connect(self._fail)
        desk.chunks_told.connect(lambda: self.reader.hurry() if reading.lacks_chunks else None)

    # -- built once -------------------------------------------------------------------------

    def _lay_out(self) -> None:
        em = theme.em(self)
        for shown in (self.about, self.nothing):
            shown.setTextFormat(Qt.TextFormat.PlainText)
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        for shown in (self.about, self.nothing):
            shown.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self.about.setMargin(round(em / 3))
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.nothing.setMargin(round(em))
        self.one = _button("Frame", "One frame, and the others below", is_toggle=True)
        self.all = _button(
            "Sheet", "All frames; those that lack or are broken marked", is_toggle=True
        )
        self._kinds = QButtonGroup(self)
        for button in (self.one, self.all):
            self._kinds.addButton(button)
        self.one.setChecked(True)
        self.fit = _button("Fit", "All of the picture (F)")
        self.pixels = _button("100 %", "Pixel by pixel (1)")
        bar = QHBoxLayout()
        bar.setContentsMargins(round(em / 2), round(em / 4), round(em / 2), round(em / 4))
        bar.addWidget(self.one)
        bar.addWidget(self.all)
        bar.addStretch(1)
        bar.addWidget(self.fit)
        bar.addWidget(self.pixels)
        single = QWidget()
        column = QVBoxLayout(single)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.view, 1)
        column.addWidget(self.strip)
        self.single = single
        self.stack = QStackedWidget()
        for page in (self.nothing, single, self.sheet):
            self.stack.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(bar)
        whole.addWidget(self.stack, 1)
        whole.addWidget(self.about)
        self._say_nothing("Select a job to see its frames.")

    def _connect(self) -> None:
        self._desk.selected.connect(self._look)
        self._kinds.buttonToggled.connect(self._choose_kind)
        self.fit.clicked.connect(self.view.fit)
        self.pixels.clicked.connect(self.view.show_pixels)
        self.view.stepped.connect(self._step)
        self.view.ended.connect(self._go_to_end)
        self.pictures.arrived.connect(self._arrived)
        chosen = self.strip.selectionModel()
        assert chosen is not None
        self.sheet.setSelectionModel(chosen)
        chosen.currentChanged.connect(self._show_current)
        for view in (self.strip, self.sheet):
            view.clicked.connect(self._stop_following)
        for entered in (self.view.entered, self.strip.activated):
            entered.connect(self._opens.trigger)
        for one in (self.view, self.strip, self.sheet):
            one.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            one.customContextMenuRequested.connect(partial(self._show_menu, one))
        self.sheet.activated.connect(lambda _index: self.one.setChecked(True))
        back = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        back.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        back.activated.connect(self.all.click)
        theme.of().changed.connect(self.update)

    # -- what is wanted ---------------------------------------------------------------------

    def be_seen(self, is_in_sight: bool) -> None:
        """Read only while somebody can look."""
        self._is_in_sight = is_in_sight
        self._see()
        self._look()

    def _look(self) -> None:
        job = self._desk.job_shown()
        wanted = job.jid if job is not None and self._is_in_sight else ""
        if wanted != self._wanted:
            self._wanted = wanted
            self.reader.hurry()
        if job is None:
            self._say_nothing("Select a job to see its frames.")
        elif self.model.jid == job.jid and self._desk.picked_chunks:
            self._show_chunk()

    def _show_chunk(self) -> None:
        """Go to the first frame of the selected chunk that is there."""
        chunks = self._desk.chosen_chunks()
        try:
            runs = ranges.parse(chunks[0].frames) if chunks else ()
        except RenderdError:
            return
        known = [row for run in runs for f in run if (row := self.model.row_of(f)) >= 0]
        there = [row for row in known if self.model.shots[row].path]
        if known:
            self._follows = False
            self._go((there or known)[0])

    # -- what arrives -----------------------------------------------------------------------

    def _take(self, found: Shots | None) -> None:
        if found is None or found.jid != self._wanted:
            return
        is_other = self.model.show(found)
        if is_other:
            self._follows = not self._desk.picked_chunks
        if not found.shots:
            self._say_nothing("No frame is there yet.")
            return
        if self.stack.currentWidget() is self.nothing:
            self.stack.setCurrentWidget(self.sheet if self.all.isChecked() else self.single)
        newest = self.model.row_of(found.newest) if found.newest is not None else -1
        if self._follows and newest >= 0:
            self._go(newest)
        elif is_other or self._current() is None:
            self._go(0)
            self._show_chunk()
        for view in (self.strip, self.sheet):
            view.look_again()
        shot = self._current()
        if shot is not None and shot.path:
            self.pictures.look_again(shot.path, FULL)
        self._show_current()

    def _fail(self, error: object) -> None:
        if self._wanted:
            said = str(error) if not isinstance(error, OSError) else error.strerror or str(error)
            self._say_nothing(label(said[:1].upper() + said[1:], 400))

    def _say_nothing(self, why: str) -> None:
        self.nothing.setText(why)
        self.about.setText("")
        self.stack.setCurrentWidget(self.nothing)
        self._see()

    def _arrived(self, path: str, edge: int) -> None:
        found = self.pictures.get(path, edge)
        for seen in self.strip.in_sight() + self.sheet.in_sight():
            if seen.path == path and found is not None:
                self.model.judge(seen.frame, found.says if found.is_broken else "")
        for view in (self.strip, self.sheet):
            port = view.viewport()
            if port is not None:
                port.update()
        shot = self._current()
        if shot is not None and shot.path == path:
            self._show_current()
        self._sum_up()

    # -- which frame ------------------------------------------------------------------------

    def _current(self) -> Shot | None:
        shot = self.strip.currentIndex().data(RECORD)
        return shot if isinstance(shot, Shot) else None

    def _go(self, row: int) -> None:
        index = self.model.index(row)
        if index.row() != self.strip.currentIndex().row():
            self.strip.setCurrentIndex(index)
            self.sheet.scrollTo(index)
        self.strip.scrollTo(index)

    def _step(self, frames: int) -> None:
        self._follows = False
        row = self.strip.currentIndex().row() + frames
        self._go(min(max(row, 0), self.model.rowCount() - 1))

    def _go_to_end(self, is_last: bool) -> None:
        there = [row for row, shot in enumerate(self.model.shots) if shot.path] or [0]
        self._follows = is_last
        self._go(there[-1] if is_last else 0)

    def _stop_following(self, _index: QModelIndex) -> None:
        self._follows = False

    def _show_menu(self, over: QWidget, at: QPoint) -> None:
        self._follows = False  # or another frame comes, and that one is acted upon
        menu = QMenu(self)
        self._fill(menu)
        menu.exec(over.mapToGlobal(at))
        menu.deleteLater()

    def _see(self) -> None:
        """Tell the desk which frame is looked at."""
        row = self.strip.currentIndex().row()
        is_seen = self._is_in_sight and self.stack.currentWidget() is not self.nothing
        is_known = is_seen and 0 <= row < len(self.model.shots)
        self._desk.see(Seen(self.model.jid, self.model.shots, row) if is_known else None)

    def _choose_kind(self) -> None:
        is_sheet = self.all.isChecked()
        for button in (self.fit, self.pixels):
            button.setVisible(not is_sheet)
        if self.stack.currentWidget() is not self.nothing:
            self.stack.setCurrentWidget(self.sheet if is_sheet else self.single)
        (self.sheet if is_sheet else self.view).setFocus()
        self._sum_up()

    def _show_current(self) -> None:
        self._see()
        shot = self._current()
        if shot is None:
            return
        if not shot.path:
            self.view.show_image(None, (0, 0), f"Frame {shot.frame} is {_SPOKEN[shot.state]}")
        else:
            self._show_file(shot)
        self._sum_up()

    def _show_file(self, shot: Shot) -> None:
        full = self.pictures.get(shot.path, FULL)
        if full is not None and full.image is None:
            self.view.show_image(None, (0, 0), f"Frame {shot.frame}: {full.says}")
            self.model.judge(shot.frame, full.says if full.is_broken else "")
            return
        # Until it is there in full its cell's picture stands in, never another frame's.
        found = full or self.pictures.get(shot.path, self.strip.cells.edge)
        if found is not None and found.image is not None:
            self.view.show_image(found.image, found.size)
        else:
            self.view.show_image(None, (0, 0), "")

    def _sum_up(self) -> None:
        shot = self._current()
        if self.stack.currentWidget() is self.nothing:
            return
        words = [self.model.summary()]
        if shot is not None and not self.all.isChecked():
            found = self.pictures.get(shot.path, FULL) if shot.path else None
            size = f"{found.size[0]}×{found.size[1]}" if found and found.image else ""
            zoom = f"{self.view.scale * 100:.0f} %" if size else ""
            words = [f"Frame {shot.frame}", size, zoom, *words]
        self.about.setText("   ".join(filter(None, words)))
        self.about.setToolTip(self.about.text())


_SPOKEN = {
    "in work": "being rendered.",
    "to come": "still to come.",
    "missing": "missing: its chunk is done, but its file is not there.",
    "failed": "missing: its chunk failed. Its log says why.",
    "there": "there.",
}


class CellList(QListView):
    """Frames as pictures in a row, or on a sheet."""

    def __init__(self, model: ShotsModel, pictures: Pictures, *, is_strip: bool) -> None:
        super().__init__()
        self._pictures = pictures
        self.cells = CellDelegate(model, pictures, self)
        self.setModel(model)
        self.setItemDelegate(self.cells)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(not is_strip)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Frames, in a row" if is_strip else "Frames, on a sheet")
        if not is_strip:  # one that comes and goes would change the columns
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        if is_strip:
            bar = self.horizontalScrollBar()
            height = bar.sizeHint().height() if bar is not None else 0
            self.setFixedHeight(self.cells.size.height() + height + 2)
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Spreads the columns of a sheet over its width."""
        port = self.viewport()
        if self.isWrapping() and port is not None:
            room = port.width() - 1  # a row that fills the last pixel as well is broken by Qt
            columns = max(room // self.cells.size.width(), 1)
            self.setGridSize(QSize(room // columns, self.cells.size.height()))
        super().resizeEvent(event)

    def in_sight(self) -> list[Shot]:
        """The frames that are seen now."""
        port, model = self.viewport(), self.model()
        if port is None or not self.isVisible():
            return []
        assert isinstance(model, ShotsModel)
        rows, is_sheet = range(len(model.shots)), self.isWrapping()

        def place(row: int) -> QRect:
            return self.visualRect(model.index(row))

        # Where cells lie only Qt knows, which breaks the rows; they lie in order.
        ends = (lambda row: place(row).bottom()) if is_sheet else (lambda row: place(row).right())
        begins = (lambda row: place(row).top()) if is_sheet else (lambda row: place(row).left())
        first = bisect_left(rows, 0, key=ends)
        last = bisect_left(rows, port.height() if is_sheet else port.width(), key=begins)
        return list(model.shots[first:last])

    def look_again(self) -> None:
        """Decode those in sight again whose files are others now."""
        for shot in self.in_sight():
            if shot.path:
                self._pictures.look_again(shot.path, self.cells.edge)


def _button(text: str, says: str, *, is_toggle: bool = False) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(says)
    button.setCheckable(is_toggle)
    return button
