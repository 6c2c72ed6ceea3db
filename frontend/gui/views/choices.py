"""The form of what holds for every job of a request; checked while it is typed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSpinBox,
    QWidget,
)

from frontend import request
from frontend.gui.desk import Desk
from frontend.request import Choices, complaint
from fs_browser import theme
from renderd.core import policy
from renderd.core.label import label
from renderd.core.needs import Needs
from renderd.core.video import PRESETS
from renderd.spool.ability import able

_MOST_JOBS = 30  #: open ones that the menu of "after" shows, the newest
_OPEN = ("queue", "waiting", "held")
_CHECKS: dict[str, Callable[[str], object]] = {
    "out": request.output,
    "pool": lambda text: request.pools([text]),
    "needs": Needs.parse,
    "blender": lambda text: request.blender_needs(text or None),
}
_FLAGS = (
    ("holds", "Queue &held", "Queue it held: nothing renders until you release it"),
    (
        "warns",
        "I&gnore missing files",
        "Render without textures, libraries and caches that are not there",
    ),
    ("is_whole", "One ch&unk", "One machine renders all frames from the first: for simulations"),
    ("copies", "Render a cop&y", "Render the file as it is now, however often it is saved later"),
    ("replaces", "&Replace open job", "Cancel the open job that writes the same frames"),
)


class ChoicesForm(QWidget):
    """Fields of Choices; tells what they say after each change."""

    changed = pyqtSignal(object)  #: Choices
    judged = pyqtSignal(str, str)  #: a field, and what is wrong with it; empty: nothing
    output_asked = pyqtSignal()

    def __init__(self, desk: Desk, choices: Choices) -> None:
        super().__init__()
        self._desk = desk
        self._choices = choices
        self._is_showing = False
        self.chunk, self.priority = QSpinBox(), QSpinBox()
        self.out, self.needs = QLineEdit(), QLineEdit()
        self.pool, self.blender, self.video = QComboBox(), QComboBox(), QComboBox()
        self.after, self.browse = QPushButton(), QPushButton("Choose…")
        self.flags = {key: QCheckBox(title) for key, title, _ in _FLAGS}
        self._set_up()
        self._lay_out()
        self.show_choices(choices)
        self._connect()

    def _set_up(self) -> None:
        self.chunk.setRange(0, request.MOST_FRAMES)
        self.chunk.setSpecialValueText("auto")
        self.chunk.setSuffix(" frames")
        self.chunk.setToolTip("Frames that a machine renders before it takes the next ones")
        self.priority.setRange(0, 99)
        self.priority.setToolTip("Higher renders first")
        self.out.setPlaceholderText("as each scene says")
        self.out.setToolTip("# is a digit of the frame, {scene} the scene's name: /p/{scene}_####")
        self.needs.setPlaceholderText("nothing, or ram>=16G, gpu, tag=…")
        self.needs.setToolTip("What a machine must have")
        self.pool.setToolTip("Only machines of this pool")
        self.blender.setToolTip("Which Blender renders: like >=4.2, or any")
        for box, usual in ((self.pool, "any machine"), (self.blender, "the file's own")):
            box.setEditable(True)
            box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            entry = box.lineEdit()
            assert entry is not None
            entry.setPlaceholderText(usual)
        self._fill_farm()
        self.video.addItem("no movie", "")
        for preset in PRESETS:
            self.video.addItem(f"then a movie: {preset}", preset)
        self.after.setMenu(QMenu(self.after))
        self.after.setAutoDefault(False)
        self.after.setObjectName("choice")  # looks like the fields beside it
        self.browse.setAutoDefault(False)
        self.browse.setToolTip("Choose where frames go, in the file browser")
        for key, _, tip in _FLAGS:
            self.flags[key].setToolTip(tip)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        gap = round(theme.em(self) * 0.5)
        grid.setVerticalSpacing(gap)
        grid.setHorizontalSpacing(gap)
        out = QHBoxLayout()
        out.addWidget(self.out, 1)
        out.addWidget(self.browse)
        for row, column, title, field in (
            (0, 0, "&Output", self.out),
            (1, 0, "&Chunk", self.chunk),
            (1, 2, "&Pool", self.pool),
            (1, 4, "&Blender", self.blender),
            (2, 0, "Pr&iority", self.priority),
            (2, 2, "&Needs", self.needs),
            (2, 4, "&Movie", self.video),
            (3, 0, "A&fter", self.after),
        ):
            name = QLabel(title)
            name.setBuddy(field)
            name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            field.setAccessibleName(title.replace("&", ""))
            grid.addWidget(name, row, column)
            if field is self.out:
                grid.addLayout(out, row, column + 1, 1, 5)
            else:
                grid.addWidget(field, row, column + 1)
        flags = QHBoxLayout()
        flags.setSpacing(gap * 3)
        for flag in self.flags.values():
            flags.addWidget(flag)
        flags.addStretch(1)
        grid.addLayout(flags, 3, 2, 1, 4)
        for column in (1, 3, 5):
            grid.setColumnStretch(column, 1)

    def _connect(self) -> None:
        self.chunk.valueChanged.connect(self._take_chunk)
        self.priority.valueChanged.connect(self._take)
        for entry in (self.out, self.needs):
            entry.textChanged.connect(self._take)
        for box in (self.pool, self.blender):
            box.editTextChanged.connect(self._take)
        self.video.currentIndexChanged.connect(self._take)
        for flag in self.flags.values():
            flag.toggled.connect(self._take)
        self.browse.clicked.connect(self.output_asked)
        menu = self.after.menu()
        assert menu is not None
        menu.aboutToShow.connect(self._fill_jobs)
        self._desk.told.connect(self._fill_farm)

    # -- what the farm has ------------------------------------------------------------------

    def _fill_farm(self) -> None:
        """Offer the pools and Blenders of live machines."""
        nodes = [n for n in self._desk.machines.records.values() if n.state != "dead"]
        found = [able(node) for node in nodes]
        versions = {policy.numbers(v)[:2] for one in found for v in one.blenders}
        known = [".".join(map(str, v)) for v in sorted(versions, reverse=True)]
        _offer(self.pool, sorted({pool for one in found for pool in one.pools}))
        _offer(self.blender, ["any", *known])

    def _fill_jobs(self) -> None:
        """Offer the open jobs, the newest first; those that are waited for are ticked."""
        menu = self.after.menu()
        assert menu is not None
        menu.clear()
        jobs = [job for job in self._desk.jobs.records.values() if job.state in _OPEN]
        jobs.sort(key=lambda job: (job.jid not in self._choices.after, -(job.born_ns or 0)))
        for job in jobs[:_MOST_JOBS]:
            action = menu.addAction(label(job.name, 60).replace("&", "&&"))
            assert action is not None
            action.setCheckable(True)
            action.setChecked(job.jid in self._choices.after)
            action.toggled.connect(lambda is_on, jid=job.jid: self._wait_for(jid, is_on=is_on))
        if not jobs:
            nothing = menu.addAction("There is no open job to wait for.")
            assert nothing is not None
            nothing.setEnabled(False)

    def _wait_for(self, jid: str, *, is_on: bool) -> None:
        others = tuple(one for one in self._choices.after if one != jid)
        self._say(replace(self._choices, after=(*others, jid) if is_on else others))
        self._name_jobs()

    def _name_jobs(self) -> None:
        known = self._desk.jobs.records
        names = [label(known[j].name, 30) if j in known else j for j in self._choices.after]
        text = ", ".join(names[:2]) + (f" +{len(names) - 2}" if len(names) > 2 else "")
        words = text.replace("&", "&&") or "at once"
        self.after.setText(f"\N{EN SPACE}{words}")  # Qt leaves no room before it beside a menu

    # -- there and back ---------------------------------------------------------------------

    def show_chunk(self, frames: int) -> None:
        """Show how many frames a chunk has, also where nobody chose it."""
        if frames != self.chunk.value():
            self._is_showing = True
            self.chunk.setValue(frames)
            self._is_showing = False

    def show_choices(self, choices: Choices) -> None:
        """Show what is asked, but for the size of chunks, which the farm may choose."""
        self._is_showing, self._choices = True, choices
        self.priority.setValue(choices.priority)
        for entry, text in ((self.out, choices.out), (self.needs, choices.needs)):
            entry.setText(text)
        for box, text in ((self.pool, choices.pool), (self.blender, choices.blender)):
            box.setEditText(text)
        self.video.setCurrentIndex(max(self.video.findData(choices.video), 0))
        for key, flag in self.flags.items():
            flag.setChecked(getattr(choices, key))
        self._name_jobs()
        self._is_showing = False

    def _take_chunk(self, frames: int) -> None:
        if not self._is_showing:
            self._choices = replace(self._choices, chunk=frames)
            self._take()

    def _take(self, *_: object) -> None:
        if self._is_showing:
            return
        said = replace(
            self._choices,
            priority=self.priority.value(),
            out=self.out.text().strip(),
            needs=self.needs.text().strip(),
            pool=self.pool.currentText().strip(),
            blender=self.blender.currentText().strip(),
            video=str(self.video.currentData()),
        )
        flags = {key: flag.isChecked() for key, flag in self.flags.items()}
        said = replace(said, **flags)  # type: ignore[arg-type]
        if all([self._is_right(key, getattr(said, key)) for key in _CHECKS]):  # noqa: C419  all told
            self._say(said)

    def _is_right(self, key: str, text: str) -> bool:
        wrong = complaint(_CHECKS[key], text)
        field: QWidget = getattr(self, key)
        colour = theme.of().colours.failed
        field.setStyleSheet(f"border-color: {colour}" if wrong else "")
        self.judged.emit(key, wrong)
        return not wrong

    def _say(self, choices: Choices) -> None:
        self._choices = choices
        self.changed.emit(choices)


def _offer(box: QComboBox, words: Sequence[str]) -> None:
    """Let these be chosen; what is typed stays."""
    if [box.itemText(i) for i in range(box.count())] == list(words):
        return
    said = box.currentText()
    was_blocked = box.blockSignals(True)  # noqa: FBT003
    box.clear()
    box.addItems(words)
    box.setCurrentIndex(-1)
    box.setEditText(said)
    box.blockSignals(was_blocked)
