"""What may go wrong on the way to the server, and how often."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Odds of each fault at a call that it can hit; all 0 in the calm end of a run."""

    error_before: float = 0.0  #: EIO, ESTALE, ETIMEDOUT; nothing happened
    error_after: float = 0.0  #: the same, but the server did it
    lost_reply: float = 0.0  #: done, sent again by the client, done again: the second answer counts
    late: float = 0.0  #: the request reaches the server once more, thousands of steps later
    delayed: float = 0.0  #: an error now, the effect thousands of steps later
    stale_list: float = 0.0  #: a list as this client saw it before
    missed_name: float = (
        0.0  #: a name of the present server tick is missed until the folder changes
    )
    stale_facts: float = 0.0  #: stat, mtime or content as this client saw them before
    torn_read: float = 0.0  #: a file that is rewritten in place is read half old, half new
    death: float = 0.0  #: the machine loses power in the midst of the call


CALM = Weather()
ROUGH = Weather(
    error_before=0.004,
    error_after=0.004,
    lost_reply=0.008,
    late=0.01,
    delayed=0.003,
    stale_list=0.03,
    missed_name=0.1,
    stale_facts=0.01,
    torn_read=0.02,
    death=0.0004,
)
#: names told by `python -m tests.sim --weather`
KINDS = {"calm": CALM, "rough": ROUGH}
