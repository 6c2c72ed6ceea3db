"""What this node lacks at present, of room, shares and licences, and which jobs that stops.

None of it is any job's fault: nothing is counted, the node leaves alone what needs the thing, and
looks again by itself.  A full disk ends when there is enough room again; what cannot be looked at
(a quota, a licence server) is tried again after a while, and a longer one each time.
"""

import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from renderd.core import room
from renderd.core.job import Job
from renderd.daemon.work import Ending, Result
from renderd.spool.layout import Spool
from renderd.spool.output import Output
from renderd.spool.share import Space

LOOK_EVERY = 3.0  #: seconds for which an answer about free space is believed
FIRST, LAST = 15.0, 240.0  #: seconds until something that failed is tried again
LICENCE_FIRST, LICENCE_LAST = 60.0, 600.0
_log = logging.getLogger(__name__)

Subject = tuple[str, str | int]  #: a kind (disk, folder, licence, job) and which one


@dataclass(slots=True)
class _Shortage:
    """Something that is tried again at a time."""

    reason: str
    again_at: float
    times: int = 1


@dataclass(slots=True)
class Shortages:
    """The loop learns here, and asks on threads, as a share may hang; looks are cached."""

    spool: Spool
    platform: str
    temp: str  #: where this machine's programs put what they need for a moment
    lessons: int = 0  #: counts what was learnt: an answer given before is worth nothing
    _timed: dict[Subject, _Shortage] = field(default_factory=dict)
    _tight: set[int] = field(default_factory=set)  #: disks on which enough must be free again
    _spaces: dict[int, tuple[float, Space]] = field(default_factory=dict)

    def why_not(self, job: Job, output: Output | None, frame_bytes: int, now: float) -> str:
        """What the job would need here and now and there is not; empty where nothing lacks."""
        folders = [self.spool.root, self.temp]
        if output is not None:
            folders.insert(0, output.folder)
        devices = [(folder, self._device(folder)) for folder in folders]
        subjects = [*_licences(job), ("job", job.jid), *((("folder", f)) for f in folders)]
        for subject in (*subjects, *(("disk", d) for _, d in devices if d is not None)):
            found = self._timed.get(subject)
            if found is not None and now < found.again_at:
                return found.reason
        for folder, device in devices:
            is_output = output is not None and folder == output.folder
            if device is None or not (is_output or device in self._tight):
                continue
            if reason := self._lacks_room(folder, device, frame_bytes, now):
                return reason
        return ""

    def note(self, result: Result, now: float) -> None:
        """Learn from an attempt that ended for want of something."""
        self.lessons += 1
        device = self._device(result.where) if result.where else None
        if device is not None:
            self._spaces.pop(device, None)
            space = self._space(result.where, device, now)
            if result.ending is Ending.NO_SPACE and space and _has_not_enough(space, result):
                self._tighten(device, self._said(result.where, space))
                return
        for subject in _subjects(result, device):
            self._wait(subject, result, now)

    def over(self, result: Result) -> None:
        """Forget what an attempt that succeeded had enough of."""
        if not self._timed:
            return
        output = result.work.output
        device = self._device(output.folder) if output is not None else None
        folder = output.folder if output is not None else ""
        known: Iterable[Subject] = (
            *_licences(result.work.job),
            ("job", result.work.job.jid),
            ("folder", folder),
            ("disk", device if device is not None else ""),
        )
        for subject in known:
            if self._timed.pop(subject, None) is not None:
                self.lessons += 1
                _log.info("%s %s is there again", *subject)

    def _wait(self, subject: Subject, result: Result, now: float) -> None:
        before = self._timed.get(subject)
        times = before.times + 1 if before is not None else 1
        is_licence = subject[0] == "licence"
        first, last = (LICENCE_FIRST, LICENCE_LAST) if is_licence else (FIRST, LAST)
        seconds = min(first * 2 ** (times - 1), last)
        self._timed[subject] = _Shortage(result.reason[:200], now + seconds, times)
        _log.warning("takes nothing that needs it for %.0f s: %s", seconds, result.reason)

    def _lacks_room(self, folder: str, device: int, frame_bytes: int, now: float) -> str:
        space = self._space(folder, device, now)
        if space is None:
            return ""
        wanted = room.enough_bytes if device in self._tight else room.least_bytes
        if _is_short(space, wanted(space.total_bytes, frame_bytes)):
            return self._tighten(device, self._said(folder, space))
        if device in self._tight:
            self._tight.remove(device)
            _log.info("%s: work goes on there", self._said(folder, space))
        return ""

    def _tighten(self, device: int, said: str) -> str:
        if device not in self._tight:
            _log.warning("%s: takes nothing that needs it", said)
        self._tight.add(device)
        return f"has only {said}"

    def _said(self, folder: str, space: Space) -> str:
        roots = self.spool.farm.roots_on(self.platform).items()
        names = [n for n, path in roots if f"{folder}/".startswith(path.rstrip("/") + "/")]
        what = room.text(space.free_bytes)
        if 0 <= space.free_inodes < room.INODES:
            what = "a few inodes"
        return f"{what} free on {folder}" + (f" ({names[0]})" if names else "")

    def _space(self, folder: str, device: int, now: float) -> Space | None:
        asked, space = self._spaces.get(device, (float("-inf"), None))
        if space is None or now - asked >= LOOK_EVERY:
            with contextlib.suppress(OSError):
                space = self.spool.share.space(folder)
                self._spaces[device] = now, space
        return space

    def _device(self, folder: str) -> int | None:
        with contextlib.suppress(OSError):
            return self.spool.share.stat(f"{folder}/.").dev  # through a link, to what it means
        return None


def _is_short(space: Space, least: int) -> bool:
    return space.free_bytes < least or 0 <= space.free_inodes < room.INODES


def _has_not_enough(space: Space, result: Result) -> bool:
    return _is_short(space, room.enough_bytes(space.total_bytes, result.work.frame_bytes))


def _licences(job: Job) -> list[Subject]:
    programs = (words[0].rpartition("/")[2] for words in job.info.commands)
    return [("licence", program) for program in dict.fromkeys(programs)]


def _subjects(result: Result, device: int | None) -> list[Subject]:
    """What an attempt could not have, as narrowly as it is known."""
    if result.ending is Ending.NO_LICENCE:
        return _licences(result.work.job)
    if not result.where:
        return [("job", result.work.job.jid)]
    return [("disk", device) if device is not None else ("folder", result.where)]
