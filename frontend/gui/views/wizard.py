"""The first run: which farm, whether its folder can carry one, this machine in it, a sample."""

import time
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from frontend import founding
from frontend.founding import Finding
from frontend.gui.bridge import Latest
from frontend.gui.views.checks import Checks
from fs_browser import theme
from fs_browser.core.kinds import Kind
from fs_browser.dialog import BrowserDialog
from renderd import config
from renderd.core.label import label

_TYPED = 300  #: milliseconds after the last letter before a path is looked at
_LOOK = 500  #: milliseconds between looks whether an answer is late
_LATE = 3.0  #: seconds
_LONG = 20.0  #: … of what takes a while
_TRYING = "Trying what a farm needs of this mount; that takes some seconds…"
_WELCOME = (
    "A farm is a folder that all your machines see: on a NAS or a file server, or on this machine"
    " to try it out.  Queue, frames' checks and logs live in it; there is no server to install."
)
_NEEDS = (
    "What a good place has: every machine mounts it, at the same path if you can; everybody who"
    " renders may write there; some gigabytes are free for logs and copies of .blend files."
    "  Frames go where each scene says, not here."
)
_MACHINE = "What shall it do from now on?  All of it can be changed later."

Founded = tuple[str, list[Finding], bool]  #: what was made, what was found, whether a unit is there


class Wizard(QDialog):
    """Three steps; tells which farm was chosen when it ends."""

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None, root: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle("Set up a farm")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        em = theme.em(self)
        self.resize(round(em * 42), round(em * 25))
        # Each question has threads of its own: a folder may be on a share that hangs.
        self._judging = self._asker(self._tell_judged, self._tell_why_not)
        self._trying = self._asker(self._show_findings, self._tell_untried)
        self._starting = self._asker(self._end, lambda why: self._end(f"✘ {why}"))
        self._listing = self._asker(self._offer_groups, lambda _why: None)
        self._asked = 0.0  #: when the present question was
        self._silence = QTimer(self)
        self._silence.setInterval(_LOOK)
        self._silence.timeout.connect(self._tell_silence)
        self._is_farm = False
        self.findings: list[Finding] = []
        self._has_unit = False
        self.steps = QStackedWidget()
        for made in (self._make_where(root), self._make_doctor(), self._make_machine()):
            self.steps.addWidget(made)
        self.back, self.next = QPushButton("Back"), QPushButton("Next")
        self.next.setDefault(True)
        self.back.clicked.connect(self._go_back)
        self.next.clicked.connect(self._go_on)
        self.leave = QPushButton("Cancel")
        self.leave.clicked.connect(self.reject)
        self.stays = _words("")
        self.stays.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        row = QHBoxLayout()
        row.addWidget(self.leave)
        row.addWidget(self.stays, 1)
        row.addWidget(self.back)
        row.addWidget(self.next)
        whole = QVBoxLayout(self)
        gap = round(em * 1.2)
        whole.setContentsMargins(gap, gap, gap, gap)
        whole.addWidget(self.steps, 1)
        whole.addSpacing(gap // 2)
        whole.addLayout(row)
        self.finished.connect(self._want_nothing)
        self._is_new = False  #: a farm was made here
        self._show(0)
        self._listing.ask(lambda _goes_on: founding.groups())
        self._judge_soon()

    @property
    def root(self) -> str:
        """The folder that was typed."""
        return self.folder.text().strip().rstrip("/") or "/"

    def _asker(self, come: Callable[[Any], None], fail: Callable[[str], None]) -> Latest:
        """Asks one kind of question; its answers go to `come`, why there is none to `fail`."""
        asker = Latest("set-up")
        asker.setParent(self)
        asker.came.connect(come)
        asker.failed.connect(lambda error: fail(label(founding.trouble(error), 400)))
        return asker

    def _want_nothing(self) -> None:
        self._silence.stop()
        for asker in (self._judging, self._trying, self._starting, self._listing):
            asker.drop()

    # -- the steps --------------------------------------------------------------------------

    def _make_where(self, root: str) -> QWidget:
        page, column = _page(1, "Where is the farm?", _WELCOME)
        self.folder = QLineEdit(root)
        self.folder.setPlaceholderText("/mnt/farm/render")
        self.folder.setAccessibleName("Folder of the farm")
        self.browse = QPushButton("Browse…")
        self.browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(self.browse)
        column.addLayout(row)
        self.judged = _words("")
        column.addWidget(self.judged)
        self.group_label = _words("Who may queue and render here?")
        self.group = QComboBox()
        self.group.setAccessibleName("Who may queue and render here")
        self.group.addItem("Only I, on all machines where I have the same account", "")
        column.addWidget(self.group_label)
        column.addWidget(self.group, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        column.addWidget(_words(_NEEDS))
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.setInterval(_TYPED)
        self._typed.timeout.connect(self._judge)
        self.folder.textChanged.connect(self._judge_soon)
        return page

    def _make_doctor(self) -> QWidget:
        page, column = _page(2, "Can this folder carry a farm?", "")
        self.verdict = _words("")
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setMaximumHeight(round(theme.em(self) * 0.4))
        self.checks = Checks()
        self.again = QPushButton("Check again")
        self.again.clicked.connect(self._found)
        self.again.hide()
        for one in (self.verdict, self.busy, self.checks):
            column.addWidget(one, int(one is self.checks))
        column.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)
        return page

    def _make_machine(self) -> QWidget:
        page, column = _page(3, "This machine", _MACHINE)
        self.remembers = QCheckBox("Work for this farm from now on (written into my settings)")
        self.renders = QCheckBox("Render on this machine, in the background")
        self.samples = QCheckBox("Queue a small sample shot, to see it work")
        for box in (self.remembers, self.renders, self.samples):
            box.setChecked(True)
            column.addWidget(box)
        self.how = _words("")
        column.addWidget(self.how)
        self.did = _words("")
        column.addWidget(self.did)
        column.addStretch(1)
        return page

    # -- from step to step ------------------------------------------------------------------

    def _show(self, step: int) -> None:
        self.steps.setCurrentIndex(step)
        self.back.setVisible(step > 0)
        self.next.setText(("Next", "Next", "Start")[step])
        self._tell_what_stays()

    def _go_back(self) -> None:
        self._trying.drop()
        self._show(self.steps.currentIndex() - 1)
        self.next.setEnabled(self.steps.currentIndex() == 0 or not self.checks.bad)

    def _go_on(self) -> None:
        (self._found, self._show_machine, self._start)[self.steps.currentIndex()]()

    def _browse(self) -> None:
        browser = BrowserDialog(self, self.root if self.folder.text() else "", {Kind.FOLDER})
        browser.setWindowTitle("The farm's folder")
        browser.accepted.connect(lambda: self.folder.setText(browser.paths[0]))
        browser.finished.connect(browser.deleteLater)
        browser.open()

    def _judge_soon(self) -> None:
        self._judging.drop()
        self.next.setEnabled(False)
        self.group.hide()
        self.group_label.hide()
        self.judged.setText("")
        self._typed.start()

    def _judge(self) -> None:
        root = self.root
        if root == "/":
            return

        self.judged.setText("Looking…")
        self._ask(self._judging, lambda _goes_on: founding.judge(root))

    def _found(self) -> None:
        root, group = self.root, str(self.group.currentData() or "")
        self._show(1)
        self.next.setEnabled(False)
        self.checks.clear()
        self.again.hide()
        self.busy.show()
        self.verdict.setText(_TRYING)

        def work(_goes_on: Callable[[], bool]) -> Founded:
            return founding.make(root, group), founding.examine(root), founding.has_unit()

        self._ask(self._trying, work)

    def _show_machine(self) -> None:
        self._show(2)
        self.how.setText(
            "renderd starts with systemd, now and at each login."
            if self._has_unit
            else "renderd starts now and runs until this machine restarts."
        )

    def _start(self) -> None:
        root = self.root
        settings = config.load({"spool": root})
        steps: list[tuple[QCheckBox, Callable[[], str]]] = [
            (self.remembers, lambda: founding.remember(root)),
            (self.samples, lambda: founding.queue_sample(settings)),
            (
                self.renders,
                lambda: founding.start_daemon(settings, by_systemd=self._has_unit),
            ),
        ]
        self.next.setEnabled(False)
        self.back.setEnabled(False)
        self.did.setText("…")
        wanted = [work for box, work in steps if box.isChecked()]
        self._starting.ask(lambda _goes_on: _all(wanted))

    # -- what came of it --------------------------------------------------------------------

    def _ask(self, asker: Latest, work: Callable[[Callable[[], bool]], object]) -> None:
        self._asked = time.monotonic()
        self._silence.start()
        asker.ask(work)

    def _tell_silence(self) -> None:
        """Say so while a folder does not answer; another can be typed meanwhile."""
        late = time.monotonic() - self._asked
        silent = f"{label(self.root, 200)} has not answered for {late:.0f} s"
        if self._judging.is_out and late > _LATE:
            self.judged.setText(f"{silent}: is its share mounted, its server up?  Or type another.")
        elif self._trying.is_out and late > _LONG:
            self.verdict.setText(f"{_TRYING}\n{silent}: Back takes another folder.")
        elif not self._judging.is_out and not self._trying.is_out:
            self._silence.stop()

    def _offer_groups(self, names: list[str]) -> None:
        for name in names:
            self.group.addItem(f"Everybody in the group {label(name, 40)}", name)

    def _tell_judged(self, is_farm: bool) -> None:
        self._is_farm = is_farm
        self.judged.setText(
            "✔ A farm is here." if is_farm else "A new farm is made here when you go on."
        )
        self.group.setVisible(not is_farm)
        self.group_label.setVisible(not is_farm)
        self.next.setEnabled(True)

    def _tell_why_not(self, why: str) -> None:
        self.judged.setText(f"✘ {why}")

    def _tell_untried(self, why: str) -> None:
        self.busy.hide()
        self.verdict.setText(f"✘ {why}")
        self.again.show()

    def _show_findings(self, founded: Founded) -> None:
        words, self.findings, self._has_unit = founded
        self.busy.hide()
        self._is_new = self._is_new or not self._is_farm
        self.verdict.setText(f"{label(words, 300)}.")
        self.checks.show_findings(self.findings)
        self.again.setVisible(bool(self.checks.bad))
        self.next.setEnabled(not self.checks.bad)
        self._tell_what_stays()

    def _tell_what_stays(self) -> None:
        """What a person who leaves now finds on the disk afterwards."""
        is_late = self.steps.currentIndex() > 0
        says = f"The new farm in {label(self.root, 200)} stays when you cancel."
        self.stays.setText(says if self._is_new and is_late else "")

    def _end(self, words: str) -> None:
        self.did.setText(words)
        self.chosen.emit(self.root)
        if "✘" not in words:
            self.accept()
            return
        self.back.hide()
        self.next.hide()
        self.leave.setText("Close")


def _all(works: list[Callable[[], str]]) -> str:
    """Do one after the other; what failed stops nothing else."""
    said = []
    for work in works:
        try:
            said.append(f"✔ {work()}")
        except Exception as error:  # what fails is told, and the rest is done
            said.append(f"✘ {label(founding.trouble(error), 300)}")
    return "\n".join(said)


def _page(step: int, title: str, says: str) -> tuple[QWidget, QVBoxLayout]:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(round(theme.em(page) * 0.6))
    where = _words(f"Step {step} of 3")
    where.setForegroundRole(page.palette().ColorRole.PlaceholderText)
    column.addWidget(where)
    head = _words(title)
    font = head.font()
    font.setPointSizeF(font.pointSizeF() * 1.4)
    head.setFont(font)
    column.addWidget(head)
    if says:
        column.addWidget(_words(says))
    return page, column


def _words(text: str) -> QLabel:
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    return made
