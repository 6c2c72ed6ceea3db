"""What an attempt's end means: the job's own failure, or its surroundings'."""

import contextlib
import errno
from dataclasses import dataclass

from renderd.core import causes, room
from renderd.core.progress import Event, Watch
from renderd.daemon.landing import HELD_OPEN, NotNow, is_full
from renderd.daemon.work import Ending, Result, Work
from renderd.spool import frames, mount, sources
from renderd.spool.layout import Spool
from renderd.spool.moves import PASSING
from renderd.spool.output import Output

BELIEVED = 5  #: attempts whose word alone is believed, against all that can be seen
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an attempt ended, for programs and in a sentence for a person."""

    ending: Ending
    reason: str = ""
    advice: str = ""
    where: str = ""  #: the folder whose disk or share is to blame
    cause: str = ""  #: of a failure, the name in causes.py where one is known

    def result(self, work: Work, *, wall: float, cpu: float = 0.0, keeps: bool = False) -> Result:
        """What the runner reports of the attempt."""
        return Result(
            work=work,
            ending=self.ending,
            reason=self.reason,
            advice=self.advice,
            where=self.where,
            cause=self.cause,
            wall=wall,
            cpu=cpu,
            peak_bytes=work.peak_bytes,
            keeps=keeps,
        )


def of_error(spool: Spool, work: Work, error: OSError) -> Verdict:
    """What a refusal of the share means; one that would come again is a failure, or the
    chunk would be rendered for ever."""
    reason = f"the share answered {error.strerror or error} ({error.filename or ''})"
    folder = work.output.folder if work.output is not None else spool.root
    where = folder if str(error.filename or "").startswith(folder) else spool.root
    if error.errno in _FULL or is_full(spool, where):
        return Verdict(ending=Ending.NO_SPACE, reason=reason, where=where)
    comes_again = error.errno not in PASSING and not isinstance(error, FileNotFoundError)
    if comes_again:
        return Verdict(ending=Ending.FAIL, reason=reason)
    return Verdict(ending=Ending.UNABLE, reason=reason, where=where)


def of_refusal(work: Work, refusal: NotNow) -> Verdict:
    """Whole frames still had no names when the patience was over; they are kept."""
    reason, where = refusal.message, work.output.folder if work.output is not None else ""
    if refusal.number in _FULL:
        return Verdict(ending=Ending.NO_SPACE, reason=reason, where=where)
    may_be_denied = refusal.number in (errno.EACCES, errno.EPERM)
    # The one answer of SMB for a target that is open; elsewhere it is not tried for ever.
    if may_be_denied and not mount.is_smb(where):
        return Verdict(ending=Ending.FAIL, reason=reason)
    if refusal.number in HELD_OPEN:
        return Verdict(ending=Ending.BUSY, reason=reason)
    return Verdict(ending=Ending.UNABLE, reason=reason, where=where)


@dataclass(frozen=True, slots=True)
class Judge:
    """Tells a job's failures from those of this machine and its shares."""

    spool: Spool
    temp: str  #: where this machine's programs put what they need for a moment

    def of_failure(self, work: Work, ending: Ending, reason: str, known: Event | None) -> Verdict:
        """Name the cause that the output gave away; what surrounds the job is no failure of it."""
        if ending not in (Ending.FAIL, Ending.BAD_OUTPUT):
            return Verdict(ending=ending, reason=reason)
        cause = known.cause if known is not None else ""
        if work.output is not None and not frames.is_seen(self.spool, work.output):
            return self._of_loss(work.output)
        if full := self._full_folder(work, known):
            advice = "free some; work goes on by itself"
            said = f"no space left in {full}"
            return Verdict(ending=Ending.NO_SPACE, reason=said, advice=advice, where=full)
        if known is None:
            return Verdict(ending=ending, reason=reason)
        if lacks := self._lacking(work, known):
            said = f"this node {lacks}"
            return Verdict(ending=Ending.UNABLE, reason=said, advice=known.advice)
        if cause == causes.LICENCE:
            said = f"got no licence: {known.text[:160]}"
            return Verdict(ending=Ending.NO_LICENCE, reason=said, advice=known.advice)
        said = f"{known.says} ({reason})"
        if cause == causes.SHARE and _is_believed(work):
            folder = work.output.folder if work.output is not None else self.spool.root
            return Verdict(ending=Ending.UNABLE, reason=said, advice=known.advice, where=folder)
        if cause in ("error", "python"):
            said = f"{reason}: {known.text[:300]}"
        ending = Ending.MEMORY if cause == causes.MEMORY else ending
        return Verdict(ending=ending, reason=said, advice=known.advice, cause=cause)

    def _lacking(self, work: Work, known: Event) -> str:
        """What this machine lacks by the attempt's own word; empty where it is not that."""
        if known.cause == causes.NO_BLEND:
            return sources.why_not_able(self.spool, work.job)
        is_unable = known.cause == causes.UNABLE
        return known.text.removeprefix(causes.UNABLE_SAYS) if is_unable else ""

    def _of_loss(self, output: Output) -> Verdict:
        """The output is not seen any more: its share went away, or another job took it over."""
        reason = frames.why_not_able(self.spool, output) or f"did not see {output.folder}"
        where = output.folder
        with contextlib.suppress(OSError):
            where = "" if frames.other_owner(self.spool, output) else where
        return Verdict(ending=Ending.UNABLE, reason=f"this node {reason}", where=where)

    def _full_folder(self, work: Work, known: Event | None) -> str:
        """The folder without the room that the attempt needed; empty where all have some.

        A program that speaks of want of space is believed where little is left; it may mean
        another disk, and fails then.
        """
        folders = [self.spool.root, self.temp]
        if work.output is not None:
            folders.insert(0, work.output.folder)
        least = max(work.frame_bytes, 1 << 20)
        for folder in folders:
            if is_full(self.spool, folder, below_bytes=least):
                return folder
        if known is None or known.cause not in (causes.DISK_FULL, causes.SAVE):
            return ""
        if known.cause == causes.DISK_FULL and "quota" in known.text.lower():
            return folders[0]
        return next((f for f in folders if self._is_nearly_full(f, work)), "")

    def _is_nearly_full(self, folder: str, work: Work) -> bool:
        try:
            space = self.spool.share.space(folder)
        except OSError:
            return False
        return space.free_bytes < room.enough_bytes(space.total_bytes, work.frame_bytes)


def _is_believed(work: Work) -> bool:
    """Whether a program's word alone counts, that a share failed which answers now."""
    chunk = work.claim.chunk
    return chunk.attempt - chunk.failures - chunk.losses <= BELIEVED


def likeliest(work: Work, watch: Watch) -> Event | None:
    """The likeliest reason of a failure; not what the job said to overlook."""
    if work.job.info.missing == "warn":
        kept = [f for f in watch.failures if f.cause not in causes.COMPLAINTS]
        watch.failures[:] = kept
    return watch.reason
