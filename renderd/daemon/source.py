"""Sees to it that a chunk renders the .blend that was queued, and no other.

The file is compared before a Blender starts and once more before its first frame is put in place:
by then it was read to its end, so whatever is saved later does no harm.
"""

import time
from dataclasses import dataclass

from renderd.core import source as record
from renderd.core.job import Job
from renderd.core.label import label
from renderd.daemon.work import Work
from renderd.errors import RenderdError
from renderd.spool import control, sources
from renderd.spool.layout import Spool
from renderd.spool.sources import Difference, Kind

_NAME = 100  #: signs of a file's name in a sentence


class WrongFile(RenderdError):
    """The .blend is not the one that was queued: the job waits for a person."""


@dataclass(slots=True)
class SourceWatch:
    """Compares the .blend of one attempt with what was queued, or accepted since."""

    spool: Spool
    work: Work
    is_sure: bool = True  #: what the present command read is the right file

    def begin(self) -> None:
        """Compare before a command reads the file.  Raises WrongFile, OSError."""
        self._compare()
        self.is_sure = False

    def confirm(self) -> None:
        """Compare after it was read; costs nothing from then on.  Raises WrongFile, OSError."""
        if not self.is_sure:
            self._compare()
            self.is_sure = True

    def _compare(self) -> None:
        job = self.work.job
        found = sources.compare(self.spool, job, lambda: control.read(self.spool, job.jid))
        if found is not None:
            self.work.changed = found.stamp.text() if found.stamp is not None else ""
            raise WrongFile(sentence(job, found))


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
