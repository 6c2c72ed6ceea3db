"""What may go wrong on the way to the server, and how often."""

from dataclasses import dataclass, fields, replace
from itertools import accumulate
from random import Random

#: kinds of calls; what may strike each of them
CHANGE, CREATE, LIST, FACTS, READ, ASK = range(6)
_ALWAYS = ("death", "error_before")
_CHANGES = (*_ALWAYS, "error_after", "lost_reply", "late", "delayed")
STRIKES = {
    CHANGE: _CHANGES,
    CREATE: (*_CHANGES, "half_visible"),
    LIST: (*_ALWAYS, "stale_list", "missed_name"),
    FACTS: (*_ALWAYS, "stale_facts"),
    READ: (*_ALWAYS, "stale_read", "short_read"),
    ASK: _ALWAYS,
}
_STRENGTHS = (0.0, 0.3, 1.0, 1.0, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Odds of each fault at a call that it can hit; all 0 in the calm end of a run."""

    error_before: float = 0.0  #: EIO, ESTALE, ETIMEDOUT; nothing happened
    error_after: float = 0.0  #: the same, but the server did it
    lost_reply: float = 0.0  #: done, sent again by the client, done again: the second answer counts
    late: float = 0.0  #: the request reaches the server once more, thousands of steps later
    delayed: float = 0.0  #: an error now, the effect thousands of steps later
    half_visible: float = 0.0  #: others see a new file empty or in part before it is whole
    stale_list: float = 0.0  #: a list as this client saw it before
    missed_name: float = 0.0  #: a name of the present tick is missed until the folder changes again
    stale_facts: float = 0.0  #: what stat tells, as this client saw it before
    stale_read: float = 0.0  #: content as this client saw it before
    short_read: float = 0.0  #: a file that is being written: its start only, or half old, half new
    death: float = 0.0  #: the machine loses power in the midst of the call

    def odds(self, kind: int) -> tuple[tuple[float, str], ...]:
        """The faults of a kind of call, each with the sum of the odds so far."""
        kinds = STRIKES[kind]
        return tuple(zip(accumulate(getattr(self, k) for k in kinds), kinds, strict=True))

    def drawn(self, rng: Random, gusts: float) -> "Weather":
        """A day of its own: some faults seldom or never, others often."""
        odds = {f.name: getattr(self, f.name) * rng.choice(_STRENGTHS) for f in fields(self)}
        return replace(self, **{name: one * gusts for name, one in odds.items()})


CALM = Weather()
ROUGH = Weather(
    error_before=0.004,
    error_after=0.004,
    lost_reply=0.008,
    late=0.01,
    delayed=0.003,
    half_visible=0.05,
    stale_list=0.03,
    missed_name=0.1,
    stale_facts=0.1,
    stale_read=0.1,
    short_read=0.3,
    death=0.0004,
)
