"""What an attempt's end means: the job's own failure, or its surroundings'."""

import errno
from dataclasses import dataclass

from renderd.core.causes import MEMORY, UNABLE, UNABLE_SAYS
from renderd.core.progress import Event
from renderd.daemon import landing
from renderd.daemon.work import Ending, Work
from renderd.spool.layout import Spool
from renderd.spool.moves import PASSING

NEARLY_FULL = 1 << 30  #: bytes free below which "no space" is believed of the output's disk


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt ended, for programs and in a sentence for a person."""

    ending: Ending
    reason: str
    advice: str = ""


def of_error(spool: Spool, error: OSError) -> Verdict:
    """What a refusal of the share means; one that would come again is a failure, or the
    chunk would be rendered for ever."""
    reason = f"the share answered {error.strerror or error} ({error.filename or ''})"
    if landing.is_full(spool, spool.root) or error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Verdict(Ending.NO_SPACE, reason)
    comes_again = error.errno not in PASSING and not isinstance(error, FileNotFoundError)
    return Verdict(Ending.FAIL if comes_again else Ending.UNABLE, reason)


def of_failure(
    spool: Spool, work: Work, ending: Ending, reason: str, known: Event | None
) -> Verdict:
    """Name the cause that the output gave away; a full disk is no failure of the job."""
    if ending not in (Ending.FAIL, Ending.BAD_OUTPUT):
        return Verdict(ending, reason)
    folder = work.output.folder if work.output is not None else spool.root
    if _has_no_space(spool, folder, known):
        advice = "free some; work goes on by itself"
        return Verdict(Ending.NO_SPACE, f"no space left in {folder}", advice)
    if known is None:
        return Verdict(ending, reason)
    if known.cause == UNABLE:
        said = known.text.removeprefix(UNABLE_SAYS)
        return Verdict(Ending.UNABLE, f"this node {said}", known.advice)
    if known.cause in ("error", "python"):
        return Verdict(ending, f"{reason}: {known.text[:300]}", known.advice)
    ending = Ending.MEMORY if known.cause == MEMORY else ending
    return Verdict(ending, f"{known.says} ({reason})", known.advice)


def _has_no_space(spool: Spool, folder: str, known: Event | None) -> bool:
    """Whether the output's disk is full; a program may mean another disk, and fails then."""
    if known is None or known.cause != "disk-full":
        return landing.is_full(spool, folder)
    is_quota = "quota" in known.text.lower()
    return is_quota or landing.is_full(spool, folder, below_bytes=NEARLY_FULL)
