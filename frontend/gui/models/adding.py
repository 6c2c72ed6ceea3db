"""A request while a person makes it: files read, looked into and queued in threads."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from frontend import request, submission
from frontend.gui.bridge import Latest
from frontend.gui.desk import Desk, sentence
from frontend.gui.models import findings
from frontend.gui.models.blends import Reading
from frontend.gui.models.scenes import Scenes
from frontend.request import PRIORITY, Choices, Examined
from frontend.submission import Progress, Submission
from renderd import config
from renderd.core.amounts import plural
from renderd.core.infofile import AUTO
from renderd.core.job import Draft
from renderd.core.label import label
from renderd.preflight import Preflight, Severity

_SOON = 250  #: milliseconds after the last change until it is looked into
_STEP = 500  #: chunks between two words about how many are written

Answer = tuple[Examined, Preflight]


class Adding(QObject):
    """One request; belongs to the GUI thread."""

    looked = pyqtSignal()  #: `result` is other, or is being looked for
    chose = pyqtSignal()  #: `choices` are other, not by the form
    remarked = pyqtSignal(str)
    failed = pyqtSignal(str)  #: why nothing can be told or queued
    progressed = pyqtSignal(str)
    queued = pyqtSignal(object)  #: Submission

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self.desk = desk
        self.scenes = Scenes()
        self.findings = findings.table()
        self.result = Examined()
        self.wrong: dict[str, str] = {}  #: what is typed wrongly, by field
        self.choices = self._remembered()
        self._usual_chunk = AUTO  #: until the farm was read
        self.scenes.take_chunk(self.chunk)
        self._reading = Reading()
        self._looks = Latest("preflight")
        self._queue = Latest("queue")
        self._flight: Preflight | None = None
        self._gathering = 0  #: how often it is still being found out which files are meant
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self._look)
        self._reading.gathered.connect(self._take_paths)
        self._reading.came.connect(self.scenes.take)
        self.scenes.changed.connect(self.look_soon)
        self._looks.came.connect(self._take)
        self._looks.failed.connect(self._fail)
        self._queue.came.connect(self._take_queued)
        self._queue.failed.connect(self._fail_queuing)

    # -- what is asked ----------------------------------------------------------------------

    def add(self, paths: Sequence[str]) -> None:
        """Take files in, and those of folders."""
        self._gathering += 1
        self._reading.gather(paths)
        self.looked.emit()

    def choose(self, choices: Choices) -> None:
        """Ask for this; the form shows it."""
        self.take_choices(choices)
        self.chose.emit()

    def take_choices(self, choices: Choices) -> None:
        """Ask for what the form says."""
        if choices != self.choices:
            self.choices = choices
            self.scenes.take_chunk(self.chunk)
            self.look_soon()

    @property
    def chunk(self) -> int:
        """Frames of a chunk, or AUTO, where a scene has no size of its own."""
        return self._usual_chunk if self.choices.chunk is None else self.choices.chunk

    def force(self, *, is_on: bool) -> None:
        """Queue it although something stops it, or do not."""
        self.choose(replace(self.choices, forces=is_on))

    def act(self, act: findings.Act, row: findings.Row) -> None:
        """Do what a button of a finding says, as far as it changes what is asked."""
        if (changed := findings.chosen(act, self.choices)) is not None:
            self.choose(changed)
        elif act is findings.Act.UNTICK:
            for path, scene in row.jobs:
                self.scenes.untick(path, scene)
        elif act is findings.Act.LEAVE_OUT:
            self.scenes.remove(path for path, _ in row.jobs)

    def untick_stopped(self) -> None:
        """Leave out all that something stops, so that the rest can be queued."""
        broken = {sheet.path for sheet in self.scenes.broken()}
        for path, scene in self._stopped():
            if path not in broken:
                self.scenes.untick(path, scene)
        self.scenes.remove(broken)

    def would_leave(self) -> int:
        """How many jobs are left without those that something stops; 0 where nothing does."""
        stopped = self._stopped()
        jobs = [(job.shot.path, job.draft.info.scene) for job in self.result.jobs]
        left = [one for one in jobs if one not in stopped and (one[0], "") not in stopped]
        return len(left) if stopped else 0

    def _stopped(self) -> set[tuple[str, str]]:
        """Paths and scenes of which findings stop something; no scene: the whole file."""
        found = self.findings.records.values()
        stops = (row for row in found if row.finding.severity is Severity.STOP)
        return {(path, scene) for row in stops for path, scene in row.jobs if path}

    # -- looking ----------------------------------------------------------------------------

    @property
    def is_looking(self) -> bool:
        """Whether what is shown may be old."""
        is_reading = bool(self._gathering) or bool(self.scenes.reading())
        return is_reading or self._soon.isActive() or self._looks.is_out

    @property
    def is_queuing(self) -> bool:
        """Whether jobs are being published."""
        return self._queue.is_out

    def may_queue(self) -> bool:
        """Whether there is something that can be queued as it is."""
        return not self.why_not()

    def why_not(self) -> str:
        """Why nothing can be queued as it is, in one sentence; empty when it can."""
        if self.is_queuing:
            return "It is being queued."
        if self.is_looking:
            return "The files are still being looked at."
        if self.wrong:
            return next(iter(self.wrong.values()))
        if self.result.refused or self.scenes.broken():
            return "A file or a range cannot be read: mend it, or leave it out."
        if not self.result.jobs:
            return "Nothing is chosen: add a .blend file and tick a scene."
        if self.stopping() and not self.choices.forces:
            return "What was found would spoil frames: mend it, or queue it all the same."
        return ""

    def stopping(self) -> int:
        """How many findings stop it."""
        found = self.findings.records.values()
        return sum(row.finding.severity is Severity.STOP for row in found)

    def look_soon(self) -> None:
        """Look into what is asked, once nothing has changed for a moment."""
        self._looks.drop()
        self._soon.start()
        self.looked.emit()

    def look_anew(self) -> None:
        """Read every file again and look afresh: something on a disk may be other."""
        if self.is_queuing:
            return
        self._flight = None
        self._reading.read([entry.path for entry in self.scenes.entries])
        self.look_soon()

    def close(self) -> None:
        """Want to know nothing more."""
        self._soon.stop()
        self._looks.drop()

    def _look(self) -> None:
        shots, choices, desk = self.scenes.shots(), self.choices, self.desk
        flight, self._flight = self._flight, None  # two threads must not share one

        def work(goes_on: Callable[[], bool]) -> Answer:
            spool = desk.open()
            own = flight or submission.fly(spool)
            named = _with_spool(choices, desk.settings.spool)
            return request.examine(spool, shots, named, own, goes_on), own

        self._looks.ask(work)
        self.looked.emit()

    def _take_paths(self, paths: list[str], others: list[str]) -> None:
        self._gathering -= 1
        self._reading.read(self.scenes.add(paths))
        if others:
            names = ", ".join(label(one.rpartition("/")[2], 60) for one in others[:3])
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            self.remarked.emit(f"{names}{more}: no .blend, so left out")
        elif not paths:
            self.remarked.emit("There is no .blend in that folder.")
        self.looked.emit()

    def _take(self, answer: Answer) -> None:
        self.result, self._flight = answer
        self._usual_chunk = self.result.usual_chunk
        self.scenes.take_chunk(self.chunk)
        self.scenes.note(self.result)
        self.findings.show(findings.rows(self.result, self.scenes.broken()))
        self.failed.emit("")
        self.looked.emit()

    def _fail(self, error: object) -> None:
        self.result = Examined()
        self.failed.emit(sentence(error))
        self.looked.emit()

    # -- queuing ----------------------------------------------------------------------------

    def queue(self) -> None:
        """Publish the jobs."""
        if not self.may_queue():
            return
        shots, choices, desk = self.scenes.shots(), self.choices, self.desk

        def work(_goes_on: Callable[[], bool]) -> Submission:
            spool = desk.open()
            made = submission.submit(
                spool, lambda: request.ask(shots, choices, spool.farm), progress=self._progress
            )
            if made.added:
                desk.nudge(spool)
            return made

        self._remember()
        self._queue.ask(work)
        self.progressed.emit("Queuing …")
        self.looked.emit()

    def _progress(self, draft: Draft) -> Progress:
        """Tells from the queue's thread how far a job is written."""
        self.progressed.emit(f"Queuing {label(draft.name, 60)} …")

        def show(count: int, total: int) -> None:
            if count and count % _STEP == 0:
                self.progressed.emit(
                    f"{label(draft.name, 60)}: {count:,} of {plural(total, 'chunk')}"
                )

        return show

    def _take_queued(self, made: Submission) -> None:
        self.desk.farm.hurry()
        if made.added:
            jobs = plural(len(made.added), "job")
            self.desk.said.emit(f"Queued {jobs}")
            self.desk.added.emit([one.jid for one in made.added])
        if made.is_refused:
            self.look_anew()
            self.failed.emit("Nothing was queued: see what was found meanwhile.")
        elif made.error:
            self._leave_out(made)
            self.look_anew()
            self.failed.emit(f"{plural(len(made.added), 'job')} queued; then: {made.error}")
        else:
            self.queued.emit(made)
        self.looked.emit()

    def _leave_out(self, made: Submission) -> None:
        """Untick what was queued before something went wrong."""
        written = {one.draft.out for one in made.added}
        for job in self.result.jobs:
            if job.draft.out in written:
                self.scenes.untick(job.shot.path, job.draft.info.scene)

    def _fail_queuing(self, error: object) -> None:
        self.failed.emit(f"Nothing was queued: {sentence(error)}")
        self.looked.emit()

    # -- what is remembered -----------------------------------------------------------------

    def _remembered(self) -> Choices:
        kept = self.desk.remembered
        chunk = _whole(kept.value("add/chunk"), -1)
        priority = _whole(kept.value("add/priority"), PRIORITY)
        return Choices(chunk=chunk if chunk >= 0 else None, priority=min(priority, 99))

    def _remember(self) -> None:
        if self.choices.chunk is not None:
            self.desk.remembered.setValue("add/chunk", self.choices.chunk)
        self.desk.remembered.setValue("add/priority", self.choices.priority)


def _whole(value: object, usual: int) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else usual


def _with_spool(choices: Choices, spool: str) -> Choices:
    """The choices for a command line, which need not name the spool that is taken anyway."""
    return choices if config.load({"spool": None}).spool == spool else replace(choices, spool=spool)
