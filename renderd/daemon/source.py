"""Sees to it that a chunk renders the .blend that was queued, and no other.

The file is compared before a Blender starts and once more before its first frame is put in place:
by then it was read to its end, so whatever is saved later does no harm.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from renderd.core import source as record
from renderd.core.job import Job
from renderd.core.label import label
from renderd.daemon.work import Work
from renderd.errors import RenderdError
from renderd.spool import control, libraries, sources
from renderd.spool.layout import Spool
from renderd.spool.sources import Difference, Kind

LIBRARIES_EVERY = 60.0  #: seconds between looks at a job's libraries
_NAME = 100  #: signs of a file's name in a sentence


class WrongFile(RenderdError):
    """The .blend is not the one that was queued: the job waits for a person."""


@dataclass(slots=True)
class SourceWatch:
    """Compares the .blend of one attempt with what was queued, or accepted since."""

    spool: Spool
    work: Work
    is_sure: bool = False  #: what was rendered so far is of the right file

    def begin(self, linked: "LibraryWatch", note: Callable[[str], None]) -> None:
        """Compare before a command reads the file, and note what of its libraries changed.

        Raises WrongFile, OSError.
        """
        self._compare()
        self.is_sure = False
        if said := linked.warning(self.work.job):
            note(f"warning: {said}")
            self.work.warnings += 1

    def confirm(self) -> None:
        """Compare after it was read; costs nothing from then on.  Raises WrongFile, OSError."""
        if not self.is_sure:
            self._compare()
            self.is_sure = True

    def _compare(self) -> None:
        job = self.work.job
        found = sources.compare(self.spool, job)
        if found is not None:
            self.work.changed = found.stamp.text() if found.stamp is not None else ""
            raise WrongFile(sentence(job, found))


class LibraryWatch:
    """Tells of linked libraries that were saved after a job was queued; asks once a while."""

    def __init__(self, spool: Spool, clock: Callable[[], float]) -> None:
        self._spool, self._clock = spool, clock
        self._known: dict[str, tuple[float, str]] = {}  #: jid → when looked, what was found

    def warning(self, job: Job) -> str:
        """One sentence that names them, empty where none was; also written into control."""
        now = self._clock()
        looked, said = self._known.get(job.jid, (float("-inf"), ""))
        if now - looked >= LIBRARIES_EVERY:
            with contextlib.suppress(OSError):
                said = self._look(job)
            self._known = {job.jid: (now, said)}  # of one job: a runner seldom changes
        return said

    def _look(self, job: Job) -> str:
        found = libraries.changed(self._spool, job)
        if not found:
            return ""
        names = [f"{label(_base(c.path), _NAME)} ({_clock_time(c.mtime_ns)})" for c in found[:3]]
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        what = "a linked library was" if len(found) == 1 else "linked libraries were"
        said = f"{what} saved after queuing: {', '.join(names)}{more}"
        with contextlib.suppress(OSError, RenderdError):  # somebody edits it: the log has it
            control.warn(self._spool, job.jid, said)
        return said


def sentence(job: Job, found: Difference) -> str:
    """What happened to a job's .blend, and what a person can do."""
    name, again = label(_base(found.path), _NAME), "queue it again"
    if record.snapshot_of(job.info, job.jid):
        again = f"queue {label(_base(record.original(job.info)), _NAME)} again"
        name = f"the job's own copy {name}"
    if found.kind is Kind.GONE or found.stamp is None:
        return f"{name} was removed: {again}"
    saved = _clock_time(found.stamp.mtime_ns)
    if found.is_later:
        what = f"{name} was saved {saved}, after queuing: render release to use the new file"
    else:
        what = f"{name} is another file since queuing, saved {saved}: render release to use it"
    return f"{what}, or {again}"


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _clock_time(mtime_ns: int) -> str:
    """When that was here: the time alone where it was today."""
    then, today = time.localtime(mtime_ns / 1e9), time.localtime()
    is_today = then[:3] == today[:3]
    return time.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M", then)
