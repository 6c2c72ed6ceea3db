"""The first run: which farm, whether its folder can carry one, this machine in it, a sample."""

from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from frontend import founding
from frontend.founding import Finding
from frontend.gui.bridge import Errand, Errands
from fs_browser import icons, theme
from renderd import config
from renderd.core.label import label

_TYPED = 300  #: milliseconds after the last letter before a path is looked at
_WELCOME = (
    "A farm is a folder that all your machines see: on a NAS or a file server, or on this machine"
    " to try it out.  Queue, frames' checks and logs live in it; there is no server to install."
)
_SIGNS = {"ok": ("ok", "done"), "warn": ("warning", "warning"), "bad": ("error", "failed")}


class Wizard(QDialog):
    """Three steps; tells which farm was chosen when it ends."""

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None, root: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle("Set up a farm")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        em = theme.em(self)
        self.resize(round(em * 44), round(em * 27))
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
        row = QHBoxLayout()
        row.addWidget(self.leave)
        row.addStretch(1)
        row.addWidget(self.back)
        row.addWidget(self.next)
        whole = QVBoxLayout(self)
        gap = round(em * 1.2)
        whole.setContentsMargins(gap, gap, gap, gap)
        whole.addWidget(self.steps, 1)
        whole.addLayout(row)
        self.finished.connect(lambda _result: self._errands.stop())
        self._show(0)
        self._judge_soon()

    @property
    def root(self) -> str:
        """The folder that was typed."""
        return self.folder.text().strip().rstrip("/") or "/"

    # -- the steps --------------------------------------------------------------------------

    def _make_where(self, root: str) -> QWidget:
        page, column = _page("Where is the farm?", _WELCOME)
        self.folder = QLineEdit(root)
        self.folder.setPlaceholderText("/mnt/farm/render")
        self.folder.setAccessibleName("Folder of the farm")
        browse = QPushButton("Browse…")
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        column.addLayout(row)
        self.judged = _words("")
        column.addWidget(self.judged)
        self.group_label = _words("Who renders here?  A group of this system, empty for you alone:")
        self.group = QLineEdit()
        self.group.setAccessibleName("Group whose members render")
        column.addWidget(self.group_label)
        column.addWidget(self.group)
        column.addStretch(1)
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.setInterval(_TYPED)
        self._typed.timeout.connect(self._judge)
        self.folder.textChanged.connect(self._judge_soon)
        return page

    def _make_doctor(self) -> QWidget:
        page, column = _page("Can this folder carry a farm?", "")
        self.verdict = _words("")
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setMaximumHeight(round(theme.em(self) * 0.4))
        self.shown = QTreeWidget()
        self.shown.setAccessibleName("What the doctor found")
        self.shown.setHeaderLabels(["What was tried", "Found"])
        self.shown.setRootIsDecorated(False)
        self.shown.setUniformRowHeights(True)
        self.shown.setColumnWidth(0, round(theme.em(self) * 14))
        for one in (self.verdict, self.busy, self.shown):
            column.addWidget(one, int(one is self.shown))
        self.verdict.setMinimumHeight(round(theme.em(self) * 2.4))
        return page

    def _make_machine(self) -> QWidget:
        page, column = _page("This machine", "")
        self.remembers = QCheckBox("Work for this farm from now on (written into my settings)")
        self.renders = QCheckBox("Render on this machine, in the background")
        self.samples = QCheckBox("Queue a small sample shot")
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

    def _go_back(self) -> None:
        self._show(self.steps.currentIndex() - 1)
        self.next.setEnabled(True)

    def _go_on(self) -> None:
        (self._found, self._show_machine, self._start)[self.steps.currentIndex()]()

    def _browse(self) -> None:
        found = QFileDialog.getExistingDirectory(self, "The farm's folder", self.root)
        if found:
            self.folder.setText(found)

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
        root, group = self.root, self.group.text().strip()
        self._show(1)
        self.next.setEnabled(False)
        self.shown.clear()
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
        elif errand.title == f"judge {self.root}":
            self.judged.setText(why)

    def _show_findings(self, words: str) -> None:
        self.busy.hide()
        colours = theme.of().colours
        worst_first = sorted(self.findings, key=lambda f: ["bad", "warn", "ok"].index(f.verdict))
        for one in worst_first:
            sign, colour = _SIGNS[one.verdict]
            says = label(" — ".join(filter(None, (one.measured, one.advice))), 600)
            item = QTreeWidgetItem([one.name, says])
            item.setIcon(0, icons.icon(sign, getattr(colours, colour)))
            item.setToolTip(1, says)
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{one.verdict}: {one.name}")
            self.shown.addTopLevelItem(item)
        bad = sum(one.verdict == "bad" for one in self.findings)
        doubtful = sum(one.verdict == "warn" for one in self.findings)
        says = "It can carry a farm." if not bad else f"{bad} to change before rendering here."
        more = f"  {doubtful} worth a look." if doubtful else ""
        self.verdict.setText(f"{label(words, 300)}.\n{says}{more}")
        self.next.setEnabled(True)

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


def _page(title: str, says: str) -> tuple[QWidget, QVBoxLayout]:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(round(theme.em(page) * 0.6))
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
