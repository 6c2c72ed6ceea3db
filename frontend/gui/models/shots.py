"""The frames of a job: which are there, which lack, which are still to come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import QAbstractListModel, QModelIndex, Qt

from frontend.farm import open_farm
from fs_browser.table import RECORD
from renderd.config import Settings
from renderd.core import frames as ranges
from renderd.core.amounts import plural
from renderd.core.job import Job, Writes
from renderd.core.label import label
from renderd.errors import RenderdError, UsageError
from renderd.spool import frames, jobs
from renderd.spool.layout import Spool
from renderd.spool.records import ChunkView

#: what is said of a frame without a file, by the state of its chunk
WITHOUT = {"run": "in work", "wait": "to come", "fail": "failed", "done": "missing"}
MISSING = frozenset({"missing", "failed"})
_MOST = 100_000  #: frames listed


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame: its file, or what it is without one."""

    frame: int
    path: str = ""
    state: str = "there"  #: or a word of `WITHOUT`


@dataclass(frozen=True, slots=True)
class Shots:
    """All frames of a job, in order."""

    jid: str
    shots: tuple[Shot, ...]
    newest: int | None = None  #: the frame that came last
    before: tuple[Shot, ...] = ()  #: the reading before
    changed: tuple[int, ...] | None = None  #: rows that differ from that; None: all


@dataclass(frozen=True, slots=True)
class Seen:
    """The frame that is looked at, among those of its job."""

    jid: str
    shots: tuple[Shot, ...]
    row: int

    @property
    def shot(self) -> Shot:
        """The frame."""
        return self.shots[self.row]


Shown = tuple[str, Mapping[int, ChunkView]]  #: a job and its chunks, as last read


class ShotsReading:
    """Reads which frames of the job that is looked at are there; for one thread."""

    def __init__(
        self, settings: Settings, wanted: Callable[[], str], chunks: Callable[[], Shown]
    ) -> None:
        self._settings = settings
        self._wanted = wanted
        self._chunks = chunks
        self._spool: Spool | None = None
        self._job: Job | None = None
        self._before: dict[int, str] = {}
        self._newest: int | None = None
        self._told = Shots("", ())
        self.lacks_chunks = False  #: they were not read yet: nothing is called missing

    def __call__(self) -> Shots | None:
        """The frames; None where none are wanted.

        Raises UsageError for a job without frames to look at, OSError.
        """
        jid = self._wanted()
        if not jid:
            return None
        self._spool = self._spool or open_farm(self._settings)
        if self._job is None or self._job.jid != jid:
            self._job, self._before, self._newest = None, {}, None
            self._job = jobs.read(self._spool, jid)
        files = self._files(self._spool, self._job)
        fresh = files.keys() - self._before.keys()
        if fresh or self._newest is None:
            self._newest = max(fresh, default=None)
        self._before = files
        shown, chunks = self._chunks()
        self.lacks_chunks = shown != jid
        states = {} if self.lacks_chunks else _states(chunks)
        shots = _shots(self._job, files, states, "wait" if self.lacks_chunks else "done")
        before = self._told.shots if self._told.jid == jid else ()
        self._told = Shots(jid, shots, self._newest, before, _changed(before, shots))
        return self._told

    def _files(self, spool: Spool, job: Job) -> dict[int, str]:
        output = frames.locate(spool, job)
        if output is None:
            raise UsageError("this job has no output that the farm knows of", "look at its log")
        if output.writes is Writes.MOVIE:
            raise UsageError("this job writes a movie", "open its folder and play it")
        try:
            found = frames.fresh_files(spool, output.folder, output)
        except FileNotFoundError:
            return {}
        return {frame: f"{output.folder}/{names[-1]}" for frame, names in found.items()}


def _changed(before: tuple[Shot, ...], shots: tuple[Shot, ...]) -> tuple[int, ...] | None:
    """The rows that differ; None where they are other frames."""
    if not before or len(before) != len(shots):
        return None
    rows = [row for row, shot in enumerate(shots) if shot != before[row]]
    return tuple(rows) if all(before[row].frame == shots[row].frame for row in rows) else None


def _states(chunks: Mapping[int, ChunkView]) -> dict[int, str]:
    """The state of each frame's chunk."""
    found: dict[int, str] = {}
    for chunk in chunks.values():
        try:
            runs = ranges.parse(chunk.frames) if chunk.frames else ()
        except RenderdError:
            continue
        found.update((frame, chunk.state) for run in runs for frame in run)
    return found


def _shots(
    job: Job, files: Mapping[int, str], states: Mapping[int, str], untold: str
) -> tuple[Shot, ...]:
    runs = job.info.frames
    wanted = sorted(files) if runs is None else sorted({f for run in runs for f in run})
    return tuple(
        Shot(frame, files[frame])
        if frame in files
        else Shot(frame, "", WITHOUT[states.get(frame, untold)])
        for frame in wanted[:_MOST]
    )


class ShotsModel(QAbstractListModel):
    """Frames as cells; what differs is told, never all anew while the job is the same."""

    def __init__(self) -> None:
        super().__init__()
        self.jid = ""
        self.shots: tuple[Shot, ...] = ()
        self.broken: dict[int, str] = {}  #: of those that were looked at: frame and why
        self._rows: dict[int, int] = {}
        self._there = self._lacking = 0

    def show(self, found: Shots) -> bool:
        """Hold these frames; True where they are of another job than before."""
        is_other, changed = found.jid != self.jid, found.changed
        if found.before is not self.shots:  # a reading was not shown
            changed = None if is_other else _changed(self.shots, found.shots)
        if is_other or changed is None:
            self.beginResetModel()
            self._hold(found)
            self.endResetModel()
            return is_other
        for row in changed:
            self._count(self.shots[row], -1)
            self._count(found.shots[row], 1)
        self.shots = found.shots
        for row in changed:
            self.dataChanged.emit(self.index(row), self.index(row))
        return False

    def _hold(self, found: Shots) -> None:
        self.broken = {} if found.jid != self.jid else self.broken
        self.jid, self.shots = found.jid, found.shots
        self._rows = {shot.frame: row for row, shot in enumerate(found.shots)}
        self._there = self._lacking = 0
        for shot in found.shots:
            self._count(shot, 1)

    def _count(self, shot: Shot, by: int) -> None:
        self._there += by * bool(shot.path)
        self._lacking += by * (shot.state in MISSING)

    def row_of(self, frame: int) -> int:
        """Where a frame stands; -1 where it is none of these."""
        return self._rows.get(frame, -1)

    def judge(self, frame: int, broken: str) -> None:
        """Note why a frame is broken; empty where it is not."""
        if self.broken.get(frame, "") == broken:
            return
        self.broken[frame] = broken
        if not broken:
            del self.broken[frame]
        row = self.row_of(frame)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))

    def state(self, shot: Shot) -> str:
        """`there`, `broken`, or what it is without a file."""
        return "broken" if shot.path and shot.frame in self.broken else shot.state

    def summary(self) -> str:
        """How many are there, lack or are broken."""
        parts = [f"{self._there:,} of {plural(len(self.shots), 'frame')}"]
        parts += [f"{self._lacking:,} missing"] if self._lacking else []
        parts += [f"{len(self.broken):,} broken"] if self.broken else []
        return ", ".join(parts)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """As Qt asks."""
        return 0 if parent.isValid() else len(self.shots)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """As Qt asks; RECORD for delegates."""
        if not index.isValid() or index.row() >= len(self.shots):
            return None
        shot = self.shots[index.row()]
        if role == RECORD:
            return shot
        if role == Qt.ItemDataRole.DisplayRole:
            return str(shot.frame)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"frame {shot.frame}, {self.state(shot)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            why = self.broken.get(shot.frame, "")
            return "\n".join(filter(None, (self.data(index, _SPOKEN), why, label(shot.path, 300))))
        return None


_SPOKEN = Qt.ItemDataRole.AccessibleTextRole
