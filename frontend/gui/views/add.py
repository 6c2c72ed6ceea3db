"""The dialog that queues .blend files: scenes, choices, what it will write, what was found."""

from functools import partial
from itertools import pairwise

from PyQt6.QtCore import QByteArray, QEvent, Qt
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from frontend.gui.deeds import adding as deeds
from frontend.gui.desk import Desk
from frontend.gui.models import findings
from frontend.gui.models.adding import Adding
from frontend.gui.views import dropping
from frontend.gui.views.choices import ChoicesForm
from frontend.gui.views.findings import FindingsView
from frontend.gui.views.scenes import ScenesView
from fs_browser import theme
from renderd.core.amounts import plural

_SIZE, _SPLIT = "add/geometry", "add/split"


class AddDialog(QDialog):
    """One request; stays beside the window until it is queued or given up."""

    def __init__(self, parent: QWidget, desk: Desk) -> None:
        super().__init__(parent)
        self.desk = desk
        self.adding = Adding(desk, self)
        self.setWindowTitle("Add jobs")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self.scenes = ScenesView(self.adding.scenes)
        self.form = ChoicesForm(desk, self.adding.choices)
        self.says, self.wrong = QLabel(), QLabel()
        acts = lambda row: findings.acts(row, self.adding.choices)  # noqa: E731
        self.found = FindingsView(self.adding.findings, acts)
        self.found.view.empty = self._nothing_found
        self.command = QLineEdit()
        self.copy = QPushButton("Copy")
        self.force = QCheckBox("Queue it although that would &spoil frames")
        self.spare = QPushButton("Un&tick all that stops")
        self.more, self.less = QPushButton("&Add files…"), QPushButton("&Leave out")
        self.anew = QPushButton("Loo&k again")
        self.queue, self.cancel = QPushButton("&Queue"), QPushButton("Cancel")
        self._set_up()
        self._lay_out()
        self._connect()
        self.refresh()

    # -- built once -------------------------------------------------------------------------

    def _set_up(self) -> None:
        for words in (self.says, self.wrong):
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setWordWrap(True)
        font = self.says.font()
        font.setBold(True)
        self.says.setFont(font)
        self.wrong.hide()
        self.says.setAccessibleName("What it will write")
        self.wrong.setAccessibleName("What is wrong")
        self.command.setReadOnly(True)
        self.command.setAccessibleName("The command line that queues the same")
        self.command.setToolTip("The command line that queues the same")
        self.copy.setToolTip("Copy the command line")
        self.more.setToolTip("Choose more .blend files (Ctrl+O); files and folders can be dropped")
        self.less.setToolTip("Leave the selected files out (Del)")
        self.spare.setToolTip("Leave out what would spoil frames or cannot be read, queue the rest")
        self.anew.setToolTip("Read the files again, after they were mended (F5)")
        for button in (self.copy, self.more, self.less, self.anew, self.spare, self.cancel):
            button.setAutoDefault(False)
        self.queue.setDefault(True)

    def _lay_out(self) -> None:
        em = theme.em(self)
        gap = round(em * 0.6)
        top = _row(self.more, self.less, None, self.anew)
        below = QWidget()
        lower = QVBoxLayout(below)
        lower.setContentsMargins(0, 0, 0, 0)
        lower.setSpacing(gap)
        lower.addWidget(self.form)
        lower.addWidget(self.says)
        lower.addWidget(self.found, 1)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.scenes)
        self.split.addWidget(below)
        self.split.setChildrenCollapsible(False)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 2)
        self.split.setHandleWidth(gap)
        column = QVBoxLayout(self)
        column.setSpacing(gap)
        column.addLayout(top)
        column.addWidget(self.split, 1)
        column.addWidget(self.wrong)
        column.addLayout(_row(self.command, self.copy))
        column.addLayout(_row(self.spare, self.force, None, self.cancel, self.queue))
        self._order_tabs()
        theme.fit(self, 58, 50)
        kept = self.desk.remembered
        for key, restore in ((_SIZE, self.restoreGeometry), (_SPLIT, self.split.restoreState)):
            if isinstance(value := kept.value(key), QByteArray):
                restore(value)

    def _order_tabs(self) -> None:
        form, found = self.form, self.found
        order = [
            *(self.more, self.less, self.anew, self.scenes, form.out, form.browse, form.chunk),
            *(form.pool, form.blender, form.priority, form.needs, form.video, form.after),
            *(*form.flags.values(), found.view, *found.buttons.values()),
            *(self.command, self.copy, self.spare, self.force, self.cancel, self.queue),
        ]
        for one, next_ in pairwise(order):
            self.setTabOrder(one, next_)
        self.scenes.setFocus()

    def _connect(self) -> None:
        adding = self.adding
        adding.looked.connect(self.refresh)
        adding.chose.connect(lambda: self.form.show_choices(adding.choices))
        adding.remarked.connect(self.desk.said)
        adding.remarked.connect(partial(self._complain, "remark"))
        adding.failed.connect(partial(self._complain, "farm"))
        adding.progressed.connect(self.says.setText)
        adding.queued.connect(self._leave)
        self.form.changed.connect(adding.take_choices)
        self.form.judged.connect(self._complain)
        self.form.output_asked.connect(self._choose_output)
        self.scenes.judged.connect(partial(self._complain, "frames"))
        self.found.asked.connect(self._act)
        self.force.toggled.connect(self._force)
        self.copy.clicked.connect(lambda: self.desk.copied.emit("\n".join(adding.result.lines)))
        self.more.clicked.connect(self.choose_files)
        self.less.clicked.connect(lambda: adding.scenes.remove(self.scenes.picked()))
        self.anew.clicked.connect(adding.look_anew)
        self.queue.clicked.connect(adding.queue)
        self.spare.clicked.connect(adding.untick_stopped)
        self.cancel.clicked.connect(self.reject)
        QShortcut(QKeySequence("Ctrl+O"), self, self.choose_files)
        QShortcut(QKeySequence("F5"), self, adding.look_anew)
        QShortcut(QKeySequence("Ctrl+Return"), self, adding.queue)

    # -- what it shows ----------------------------------------------------------------------

    def refresh(self) -> None:
        """Show how far the looking is, and what may be done."""
        adding, result = self.adding, self.adding.result
        self.form.show_chunk(adding.chunk)
        if not adding.is_queuing:
            self.says.setText(self._sentence())
        stopping = adding.stopping()
        can_force = bool(result.jobs) and not result.refused and not adding.scenes.broken()
        self.force.setVisible(can_force and (stopping > 0 or self.force.isChecked()))
        self.spare.setVisible(adding.would_leave() > 0 and not adding.is_queuing)
        self.found.refresh()
        self.command.setText("  ;  ".join(result.lines))
        self.command.setCursorPosition(0)
        self.copy.setEnabled(bool(result.lines))
        self._offer()
        self.queue.setText(f"&Queue {plural(len(result.jobs), 'job')}" if result.jobs else "&Queue")
        for part in (self.scenes, self.form, self.more, self.less, self.anew):
            part.setEnabled(not adding.is_queuing)

    def _offer(self) -> None:
        why = self.adding.why_not()
        self.queue.setEnabled(not why)
        self.queue.setToolTip(why)

    def _sentence(self) -> str:
        adding = self.adding
        if adding.is_looking:
            slow = adding.scenes.reading()
            return f"Looking at {slow[0]} …" if slow else "Looking …"
        if not adding.scenes.entries:
            return "Add .blend files, or drop files and folders here."
        if not adding.result.jobs:
            return "Nothing would be queued." if adding.scenes.shots() else "No scene is ticked."
        return adding.result.says()

    def _nothing_found(self) -> str:
        if not self.adding.result.jobs:
            return ""
        return "✔ Nothing speaks against it."

    def _complain(self, about: str, wrong: str) -> None:
        """Say what is wrong with something; `queue` waits until nothing is."""
        if wrong and self.isHidden() and about == "farm":
            self.show()  # it was queuing out of sight
        if wrong:
            self.adding.wrong[about] = wrong
        else:
            self.adding.wrong.pop(about, None)
        said = "\n".join(self.adding.wrong.values())
        if about in ("remark", "farm"):  # told, but nothing of it is typed
            self.adding.wrong.pop(about, None)
        self.wrong.setText(said)
        self.wrong.setVisible(bool(said))
        self.wrong.setStyleSheet(f"color: {theme.of().colours.failed}")
        self._offer()

    # -- what it does -----------------------------------------------------------------------

    def choose_files(self) -> None:
        """Let more files be chosen."""
        if paths := deeds.choose_blends(self.desk, self._folder()):
            self.adding.add(paths)

    def _choose_output(self) -> None:
        if out := deeds.choose_output(self.desk, self.adding.choices.out, self._folder()):
            self.form.out.setText(out)

    def _folder(self) -> str:
        entries = self.adding.scenes.entries
        return entries[-1].path.rpartition("/")[0] if entries else ""

    def _act(self, act: findings.Act, row: findings.Row) -> None:
        if act is findings.Act.OUTPUT:
            self._choose_output()
        elif act is findings.Act.FOLDER:
            deeds.open_nearest(self.desk, row.finding.path)
        else:
            self.adding.act(act, row)

    def _force(self, is_on: bool) -> None:
        self.adding.force(is_on=is_on)

    # -- Qt's events ------------------------------------------------------------------------

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Looks again when a person comes back from another program, where something was mended."""
        super().changeEvent(event)
        if event is None or event.type() != QEvent.Type.ActivationChange:
            return
        if not self.isActiveWindow():
            self._was_away = QApplication.activeWindow() is None
        elif getattr(self, "_was_away", False):
            self._was_away = False
            self.adding.look_anew()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Takes files and folders."""
        dropping.welcome(event)

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Adds what was dropped; what comes while it queues has a dialog of its own."""
        if not (paths := dropping.taken(event)):
            return
        if self.adding.is_queuing:
            self.desk.adding.emit(paths)
        else:
            self.adding.add(paths)

    def done(self, result: int) -> None:
        """Goes away; what is being queued is waited for out of sight."""
        if self.adding.is_queuing:
            self.hide()
            return
        self.adding.close()
        self.desk.remembered.setValue(_SIZE, self.saveGeometry())
        self.desk.remembered.setValue(_SPLIT, self.split.saveState())
        super().done(result)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """As `done`; kept only while it queues, or the next files would join the old ones."""
        self.reject()
        if event is not None:
            event.setAccepted(not self.adding.is_queuing)

    def _leave(self) -> None:
        self.accept()
        self.deleteLater()  # it may be out of sight


def _row(*parts: QWidget | None) -> QHBoxLayout:
    row = QHBoxLayout()
    for part in parts:
        if part is None:
            row.addStretch(1)
        else:
            row.addWidget(part, 1 if isinstance(part, QLineEdit) else 0)
    return row
