"""The first run: which farm, whether its folder can carry one, this machine in it, a sample."""

from collections.abc import Callable
from functools import partial

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
from frontend.gui.bridge import Errand, Errands, leave
from frontend.gui.views.checks import Checks
from fs_browser import theme
from fs_browser.core.kinds import Kind
from fs_browser.dialog import BrowserDialog
from renderd import config
from renderd.core.label import label

_TYPED = 300  #: milliseconds after the last letter before a path is looked at
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


class Wizard(QDialog):
    """Three steps; tells which farm was chosen when it ends."""

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None, root: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle("Set up a farm")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        em = theme.em(self)
        self.resize(round(em * 42), round(em * 25))
        self._errands = Errands("set-up")  # of its own: a folder may be on a share that hangs
        self._errands.done.connect(self._did)
        self._errands.failed.connect(self._did_not)
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
        whole.addLayout(row)
        self.finished.connect(lambda _result: leave([self._errands]))
        self._is_new = False  #: a farm was made here
        self._show(0)
        self._run("groups", lambda: "\n".join(founding.groups()))
        self._judge_soon()

    @property
    def root(self) -> str:
        """The folder that was typed."""
        return self.folder.text().strip().rstrip("/") or "/"

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
        self.next.setEnabled(False)
        self.group.hide()
        self.group_label.hide()
        self.judged.setText("")
        self._typed.start()

    def _judge(self) -> None:
        root = self.root
        if root == "/":
            return

        def work() -> str:
            return "farm" if founding.judge(root) else "new"

        self.judged.setText("Looking…")
        self._run(f"judge {root}", work)

    def _found(self) -> None:
        root, group = self.root, str(self.group.currentData() or "")
        self._show(1)
        self.next.setEnabled(False)
        self.checks.clear()
        self.again.hide()
        self.busy.show()
        self.verdict.setText("Trying what a farm needs of this mount; that takes some seconds…")

        def work() -> str:
            said = founding.make(root, group)
            self.findings = founding.examine(root)
            self._has_unit = founding.has_unit()
            return said

        self._run("found", work)

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
        self._run("start", partial(_all, wanted))

    # -- what came of it --------------------------------------------------------------------

    def _run(self, title: str, work: Callable[[], str]) -> None:
        self._errands.run(Errand(title, work))

    def _did(self, errand: object, words: str) -> None:
        assert isinstance(errand, Errand)
        if errand.title == "found":
            self._show_findings(words)
        elif errand.title == "groups":
            for name in filter(None, words.split("\n")):
                self.group.addItem(f"Everybody in the group {label(name, 40)}", name)
        elif errand.title == "start":
            self._end(words)
        elif errand.title == f"judge {self.root}":
            self._is_farm = words == "farm"
            self.judged.setText(
                "✔ A farm is here." if self._is_farm else "A new farm is made here when you go on."
            )
            self.group.setVisible(not self._is_farm)
            self.group_label.setVisible(not self._is_farm)
            self.next.setEnabled(True)

    def _did_not(self, errand: object, error: object) -> None:
        assert isinstance(errand, Errand)
        assert isinstance(error, Exception)
        why = f"✘ {label(founding.trouble(error), 400)}"
        if errand.title == "found":
            self.busy.hide()
            self.verdict.setText(why)
            self.again.show()
        elif errand.title == f"judge {self.root}":
            self.judged.setText(why)

    def _show_findings(self, words: str) -> None:
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
