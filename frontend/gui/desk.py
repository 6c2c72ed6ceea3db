"""What every part of the window works with: the farm as last read, errands, what is selected."""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, cast

from PyQt6.QtCore import QObject, QSettings, QTimer, pyqtSignal

from frontend import endings
from frontend.farm import open_farm, patiently
from frontend.gui.asking import Ask, Nobody
from frontend.gui.bites import Bites
from frontend.gui.bridge import PATIENCE, Errand, Errands, Reader, leave
from frontend.gui.models import chunks, jobs, machines, plight
from frontend.gui.models.chunks import ChunkRow
from frontend.gui.models.jobs import Clock
from frontend.gui.models.news import ChunksReading, FarmReading, News, SpoolLook, Wish
from frontend.gui.models.plight import Plight
from frontend.gui.models.shots import Seen
from frontend.gui.models.spans import Spans, SpansReading
from fs_browser.changes import Changes
from renderd.client import Client, Hello
from renderd.config import Settings
from renderd.core.amounts import plural
from renderd.core.wire import Request
from renderd.errors import RenderdError
from renderd.spool import orders
from renderd.spool.layout import Spool
from renderd.spool.records import ChunkView, JobView, NodeView

R = TypeVar("R")

_EVERY = 2.0  #: seconds between readings of the farm and of a job's chunks
_SPANS = 5.0  #: … and looks at what some journals say of when jobs began and ended
_PULSE = 0.5  #: seconds between looks whether the spool is there at all
_SILENT = 1.0  #: seconds after which a look that has not come back is told of
_TICK = 200  #: milliseconds between looks at how long looks are out
_UNSEEN = 10  #: times as long, all of it, while nobody sees the window; its tray and news go on


class Desk(QObject):
    """The window's state; belongs to the GUI thread."""

    told = pyqtSignal(object)  #: News, after the tables took it in
    chunks_told = pyqtSignal()  #: after the table of chunks took in a reading
    trouble = pyqtSignal(str)  #: why the farm cannot be read; empty when it can again
    selected = pyqtSignal()  #: other jobs, chunks or machines are selected
    settling = pyqtSignal()  #: say now what is selected, where that was put off
    waits = pyqtSignal(str)  #: what is on its way to the share; empty where nothing is any more
    said = pyqtSignal(str)  #: what an errand did
    reported = pyqtSignal(object)  #: Report: a longer answer
    job_wanted = pyqtSignal(str)  #: a jid: show it among the jobs
    log_wanted = pyqtSignal()  #: show the log of what is selected
    log_toggled = pyqtSignal()  #: show it, or put it away where it is seen
    failed_wanted = pyqtSignal()  #: select the next chunk that failed
    frames_wanted = pyqtSignal()  #: show the frames of the selected job
    copied = pyqtSignal(str)  #: text for the clipboard
    open_wanted = pyqtSignal(str)  #: a folder or file, for the program that the desktop has for it
    refused = pyqtSignal(str)  #: why one could not be done
    ended = pyqtSignal(object)  #: JobView: a job of the person here is over, well or not
    dialog_wanted = pyqtSignal(str)  #: one of the window's own: set-up, settings
    adding = pyqtSignal(object)  #: paths of files and folders to be queued
    added = pyqtSignal(object)  #: jids that were queued here
    turned = pyqtSignal()  #: another page is seen
    frame_seen = pyqtSignal()  #: another frame is looked at, or it is other than it was

    def __init__(self, settings: Settings, remembered: QSettings) -> None:
        super().__init__()
        self.settings = settings
        self.remembered = remembered
        self.clock = Clock()
        self.spans = Spans()
        self.jobs = jobs.table(self.clock, self.spans)
        self.chunks = chunks.table()
        self._bites = Bites(self.chunks)
        self._bites.told.connect(self.chunks_told)
        self.pulse = machines.Pulse()
        self.machines = machines.table(self.pulse)
        self.root = settings.spool
        self.daemon: Hello | None = None
        self.page = "jobs"  #: the page that is seen
        self._wish: Wish = ("", 0)  #: read by another thread: replaced as a whole
        self.picked_jobs: tuple[str, ...] = ()
        self.picked_chunks: tuple[int, ...] = ()
        self.picked_machines: tuple[str, ...] = ()  #: incarnations
        self._looked_up: dict[str, list[Any]] | None = None
        self.seen: Seen | None = None  #: the frame that is looked at
        self.undoable: list[Errand] = []  #: each named by what it takes back
        self._undoing: list[Errand] = []  #: on their way
        self._ordered: list[tuple[Errand, str]] = []  #: on their way, and how they are called
        self.doing = ""  #: the action that a person chose, while it does what it does
        self._plight = Plight()
        self._troubles: dict[str, Plight] = {}  #: what each reader complains of
        self._readers: list[Reader] = []
        self._has_started = False
        self.others: list[Errands] = []  #: that end with the window, too
        self.at_end: list[Callable[[], None]] = []  #: called when the window ends
        farm = FarmReading(settings)
        self._in_farm = farm
        self.farm = self.read("farm", farm, _EVERY)
        self._in_chunks = ChunksReading(settings, lambda: self._wish, lambda: farm.running)
        self.chunk_reader = self.read("chunks", self._in_chunks, _EVERY)
        self.share = self.read("share", SpoolLook(settings), _PULSE)
        self.share.rests = 0  # asks for next to nothing, and must see the next hang as soon
        self.read("spans", SpansReading(settings), _SPANS).arrived.connect(self._take_spans)
        self.errands = Errands("errands")
        self.studies = Errands("studies")
        self.ask: Ask = Nobody()
        self.farm.arrived.connect(self._take)
        for name, reader in (("farm", self.farm), ("share", self.share)):
            reader.failed.connect(partial(self._hear, name))
        self.share.arrived.connect(self._see_share)
        self.share.failed.connect(
            lambda error: self._complain("share", plight.of(error, self.root))
        )
        self.chunk_reader.arrived.connect(self._take_chunks)
        for one in (self.errands, self.studies):
            one.done.connect(self._did)
            one.failed.connect(self._did_not)
        self._watch = QTimer(self)
        self._watch.timeout.connect(self._look_for_silence)

    def start(self) -> None:
        """Read the farm from now on."""
        self._has_started = True
        for reader in self._readers:
            reader.start()
        self._watch.start(_TICK)

    def stop(self, seconds: float = PATIENCE) -> None:
        """Read no more, do no more; what is under way has so long to end."""
        self._watch.stop()
        leave((*self._readers, self.errands, self.studies, *self.others), seconds)
        for end in self.at_end:
            end()

    def slow_down(self, *, is_unseen: bool) -> None:
        """Read rarely while nobody sees the window; at once when somebody does again."""
        for reader in self._readers:
            reader.slows = _UNSEEN if is_unseen else 1.0
            if not is_unseen:
                reader.hurry()
        self._watch.setInterval(_TICK * (_UNSEEN if is_unseen else 1))

    def read(self, name: str, what: Callable[[], Any], every: float) -> Reader:
        """Have something read again and again while the window works, by a thread of its own."""
        reader = Reader(name, what, every)
        self._readers.append(reader)
        if self._has_started:
            reader.start()
        return reader

    # -- what is selected -------------------------------------------------------------------

    def pick(
        self,
        jobs: Sequence[str] | None = None,
        chunks: Sequence[int] | None = None,
        machines: Sequence[str] | None = None,
    ) -> None:
        """Select; what is not given stays selected."""
        before = self._job_shown()
        self.picked_jobs = self.picked_jobs if jobs is None else tuple(jobs)
        self.picked_chunks = self.picked_chunks if chunks is None else tuple(chunks)
        self.picked_machines = self.picked_machines if machines is None else tuple(machines)
        if self._job_shown() != before:
            self.picked_chunks = ()
            self._wish = (self._job_shown(), self._wish[1] + 1)
            self._bites.drop()
            self.chunks.replace({})
            self.chunk_reader.hurry()
        self.selected.emit()

    def turn_to(self, page: str) -> None:
        """Another page is seen: jobs, machines or history."""
        self.page = page
        self.turned.emit()

    def see(self, seen: Seen | None) -> None:
        """Another frame is looked at."""
        if seen != self.seen:
            self.seen = seen
            self.frame_seen.emit()

    def chosen_jobs(self) -> list[JobView]:
        """The selected jobs that are still there."""
        return self._chosen("jobs", self.jobs.records, self.picked_jobs)

    def chosen_machines(self) -> list[NodeView]:
        """The selected machines that are still there."""
        return self._chosen("machines", self.machines.records, self.picked_machines)

    def chosen_chunks(self) -> list[ChunkRow]:
        """The selected chunks of the job that is shown."""
        return self._chosen("chunks", self.chunks.records, self.picked_chunks)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """While this lasts nothing changes, and what is selected is looked up once."""
        self._looked_up = {}
        try:
            yield
        finally:
            self._looked_up = None

    def _chosen(self, kind: str, held: Mapping[Hashable, R], keys: Iterable[Hashable]) -> list[R]:
        known = {} if self._looked_up is None else self._looked_up
        if kind not in known:
            known[kind] = [held[key] for key in keys if key in held]
        return list(known[kind])

    def chunks_read(self) -> tuple[str, Mapping[int, ChunkView]]:
        """The job and its chunks as last read; for other threads, too."""
        return self._in_chunks.shown

    def telling_chunk(self) -> ChunkRow | None:
        """The first selected chunk, else the one whose log tells most of the job shown."""
        if self.picked_chunks:
            return self.chunks.records.get(self.picked_chunks[0])
        jid, index = self._in_chunks.telling
        return self.chunks.records.get(index) if jid == self._job_shown() else None

    def chunk_counts(self) -> Mapping[str, int]:
        """How many chunks of the job shown are in each state."""
        jid, counts = self._in_chunks.counts
        return counts if jid == self._job_shown() else {}

    def slots_read(self) -> Mapping[str, int]:
        """Each host's slots as last read; for other threads, too."""
        return self._in_farm.slots

    def job_shown(self) -> JobView | None:
        """The job whose chunks, log and frames are shown."""
        return self.jobs.records.get(self._job_shown())

    def _job_shown(self) -> str:
        return self.picked_jobs[0] if self.picked_jobs else ""

    # -- errands ----------------------------------------------------------------------------

    def order(self, errand: Errand) -> None:
        """Have something done; what was done or went wrong is `said`."""
        self._ordered.append((errand, self.doing or errand.title))
        self.waits.emit(f"{self._ordered[-1][1]} …")
        self.errands.run(errand)

    def study(self, errand: Errand) -> None:
        """Have something looked at that may take long; orders do not wait for it."""
        self.studies.run(errand)

    def undo(self) -> None:
        """Take back the last order that can be."""
        if self.undoable:
            self._undoing.append(self.undoable.pop())
            self.order(self._undoing[-1])

    def open(self) -> Spool:
        """The spool, for an errand's own thread.  Raises RenderdError, OSError."""
        return open_farm(self.settings)

    def nudge(self, spool: Spool) -> None:
        """Tell this machine's daemon to look now; for an errand's own thread."""
        try:
            with Client(self.settings, spool) as client:
                client.nudge()
        except (RenderdError, OSError):
            return  # what was ordered stands in the spool

    def send(self, spool: Spool, inc: str, request: Request) -> None:
        """Give a machine an order: this one's daemon at once, another at its next beat.

        For an errand's own thread.  Raises RenderdError, OSError.
        """
        if self.daemon is None or self.daemon.inc != inc:
            orders.send(spool, inc, request)
            return
        with Client(self.settings, spool) as client:
            client.order(request.op, **request.args)

    patiently = staticmethod(patiently)

    # -- what arrives -----------------------------------------------------------------------

    def _take(self, news: object) -> None:
        found = cast(News, news)
        self.clock.ahead = found.ahead
        self.root, self.daemon = found.root, found.daemon
        ended = endings.of_mine(self.jobs.records, found.jobs.put)
        self.jobs.apply(found.jobs)
        self.pulse.heard = found.heard
        now = self.clock.now()
        self.spans.hear(((jid, r.get("elapsed")) for (jid, _), r in found.running.items()), now)
        self.machines.apply(found.nodes)
        self.pulse.sample(time.monotonic(), self.machines.records)
        self._complain("farm", Plight())
        self.told.emit(found)
        for job in ended:
            self.ended.emit(job)

    def _take_spans(self, found: Any) -> None:
        self.spans.take(found)

    def _take_chunks(self, value: object) -> None:
        wish, is_other, changes = cast(tuple[Wish, bool, Changes[ChunkRow]], value)
        if wish != self._wish:
            return
        if is_other:
            self._bites.drop()
            self.chunks.replace(dict(changes.put))
            self.chunks_told.emit()
        else:
            self._bites.give(changes)

    def _see_share(self, _id: object) -> None:
        if self._troubles.get("share"):
            self._complain("share", Plight())
            for reader in self._readers:
                reader.hurry()

    @property
    def why(self) -> str:
        """What is wrong with the farm as a whole; empty where nothing is."""
        return self._plight.says

    @property
    def plight(self) -> Plight:
        """The same, with what helps who looks after the farm."""
        return self._plight

    def _look_for_silence(self) -> None:
        silent = self.share.out_for()
        if silent > _SILENT:
            self._complain("share", plight.silent(self.root, silent))
        if self._ordered and (out := self.errands.out_for()) > _SILENT:
            rest = len(self._ordered) - 1
            more = f"; {plural(rest, 'more order')} behind it" if rest else ""
            self.waits.emit(
                f"{self._ordered[0][1]}: still waiting for the share, {out:.0f} s{more}"
            )

    def _hear(self, who: str, error: object) -> None:
        self._complain(who, plight.of(error, self.root))

    def _complain(self, who: str, found: Plight) -> None:
        self._troubles[who] = found
        # What ails the folder itself comes first: all else follows from it.
        found = self._troubles.get("share") or self._troubles.get("farm") or Plight()
        if found != self._plight:
            self._plight = found
            self.trouble.emit(found.says)

    def _did(self, errand: object, words: str) -> None:
        done = cast(Errand, errand)
        self._came_back(done)
        if done in self._undoing:
            self._undoing.remove(done)
        if done.undo is not None:
            self.undoable.append(done.undo)
        self.farm.hurry()
        self.chunk_reader.hurry()
        if words:
            self.said.emit(words)

    def _came_back(self, errand: Errand) -> None:
        before = len(self._ordered)
        self._ordered = [one for one in self._ordered if one[0] is not errand]
        if len(self._ordered) < before:
            self.waits.emit("")

    def _did_not(self, errand: object, error: object) -> None:
        failed = cast(Errand, errand)
        self._came_back(failed)
        if failed in self._undoing:  # it can be tried once more
            self._undoing.remove(failed)
            self.undoable.append(failed)
        self.farm.hurry()
        self.refused.emit(sentence(error))


def sentence(error: object) -> str:
    """What went wrong, for a person, with what to do about it."""
    if isinstance(error, OSError) and not isinstance(error, RenderdError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}; prove the mount: renderd doctor"
    return str(error)
