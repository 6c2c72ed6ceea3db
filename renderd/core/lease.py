"""Who is dead: counting one's own beats while another's name stands still.  No clock."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from renderd.core.names import Beat

NEIGHBOURS = 3  #: incarnations that follow mine in my shard, which I observe
CALM_BEATS = 12  #: own beats without a verdict after a slow call, a failure or a gap
#: Seconds: the longest pause between two tries of a client whose server is gone (Linux's TCP).
LONGEST_RETRY = 120.0
STILL_PERIODS = 4  #: periods a name must stand still
FOREIGN_EVERY = 3  #: every third beat one other shard is looked at


def limit(own_period: int, peer_period: int, *, has_hint: bool) -> int:
    """How many own beats a peer's name must stand still before it is dead (spool.md section 6)."""
    beats = math.ceil(STILL_PERIODS * max(own_period, peer_period) / own_period)
    return math.ceil(beats / 2) if has_hint else beats


def neighbours(inc: str, present: Iterable[str]) -> list[str]:
    """The incarnations that follow mine in the ring of those present."""
    others = sorted(set(present) - {inc})
    after = [x for x in others if x > inc] + [x for x in others if x < inc]
    return after[:NEIGHBOURS]


@dataclass(slots=True)
class Observer:
    """One node's counts of the beats that stood still since it first saw them."""

    beats: int = 0  #: own successful beats so far
    calm: int = 0  #: own beats still to pass before anything is counted
    _since: dict[str, tuple[str, int]] = field(default_factory=dict)

    def beat(self) -> None:
        """One own beat succeeded in time."""
        self.beats += 1
        if self.calm:
            self.calm -= 1

    def reset(self, silent: float = 0.0, own_period: int = 1) -> None:
        """An own call was slow or failed, or time jumped: whoever stood still may have been us.

        `silent`: seconds without an own beat.  A client tries again after pauses that double, so
        others may find a server that is back as much later as it was away.
        """
        self._since.clear()
        later = math.ceil(min(silent, LONGEST_RETRY) / own_period)
        self.calm = max(self.calm, CALM_BEATS + later)

    def look(self, peer: Beat, own_period: int, *, has_hint: bool = False) -> bool:
        """Count a peer's name from a fresh listing; True when the peer is to be declared dead."""
        if self.calm:
            return False
        name, since = self._since.get(peer.inc, ("", 0))
        if name != peer.name:
            self._since[peer.inc] = (peer.name, self.beats)
            return False
        return self.beats - since >= limit(own_period, peer.period, has_hint=has_hint)

    def still_for(self, peer: Beat) -> int:
        """Own beats for which this very name of a peer has stood still."""
        name, since = self._since.get(peer.inc, ("", 0))
        return self.beats - since if name == peer.name else 0

    def forget(self, inc: str) -> None:
        """The peer left or was declared dead."""
        self._since.pop(inc, None)


def period(live: int, stake: float, *, is_busy: bool, is_slow: bool) -> int:
    """Seconds between beats for a farm of `live` nodes and `stake` s of unfinished frame work."""
    base = max(live / 100, stake / 40, 5 if is_busy else 10)
    return int(min(base * (2 if is_slow else 1), 60))
