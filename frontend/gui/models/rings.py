"""What machines' memory did in the last ten minutes: a few bytes each, however many there are."""

from collections.abc import Collection, Mapping, Sequence

SAMPLES = 120
EVERY = 5.0  #: seconds a sample
_UNKNOWN = 255
_FULL = 254


class Rings:
    """The last ten minutes of some figures, each from 0 to 1, of any number of machines.

    All rings turn together, so that a machine which is silent leaves a gap and not an old figure.
    """

    def __init__(self) -> None:
        self._turn = -1  #: the present sample, counted from the clock's zero
        self._rings: dict[tuple[str, str], bytearray] = {}

    def __len__(self) -> int:
        return len(self._rings)

    def is_due(self, now: float) -> bool:
        """Whether the next sample's time has come, by a steady clock."""
        return int(now / EVERY) > self._turn

    def add(self, now: float, figures: Mapping[tuple[str, str], float | None]) -> None:
        """Take figures by machine and name; those of a sample that is full are left out.

        A machine that has no figure any more is forgotten once its ring is empty.
        """
        if not self.is_due(now):
            return
        turn = int(now / EVERY)
        passed = SAMPLES if self._turn < 0 else min(turn - self._turn, SAMPLES)
        for key in [key for key, ring in self._rings.items() if not _wipe(ring, turn, passed)]:
            if figures.get(key) is None:
                del self._rings[key]
        self._turn = turn
        for key, part in figures.items():
            if part is not None:
                ring = self._rings.setdefault(key, bytearray([_UNKNOWN]) * SAMPLES)
                ring[turn % SAMPLES] = round(min(max(part, 0.0), 1.0) * _FULL)

    def knows(self, machine: str, figure: str) -> bool:
        """Whether anything is known of a figure."""
        return (machine, figure) in self._rings

    def recall(self, machine: str, figure: str, parts: Sequence[float | None], step: float) -> None:
        """Take what a machine itself knows of before, the newest last, `step` seconds each."""
        each = max(round(step / EVERY), 1)
        told = [one for one in parts for _ in range(each)][-SAMPLES + 1 :]
        ring = bytearray([_UNKNOWN]) * SAMPLES
        for ago, part in enumerate(reversed(told)):
            if part is not None:
                ring[(self._turn - ago) % SAMPLES] = round(part * _FULL)
        self._rings[machine, figure] = ring

    def past(self, machine: str, figure: str) -> tuple[float | None, ...]:
        """The samples of one figure from ten minutes ago until now; None where it was silent."""
        ring = self._rings.get((machine, figure))
        if ring is None:
            return ()
        first = (self._turn + 1) % SAMPLES
        turned = ring[first:] + ring[:first]
        return tuple(None if one == _UNKNOWN else one / _FULL for one in turned)

    def keep(self, machines: Collection[str]) -> None:
        """Forget all machines but these."""
        for key in [key for key in self._rings if key[0] not in machines]:
            del self._rings[key]


def _wipe(ring: bytearray, turn: int, passed: int) -> bool:
    """Empty the places of the samples that passed; whether anything is left."""
    for place in range(turn - passed + 1, turn + 1):
        ring[place % SAMPLES] = _UNKNOWN
    return ring.count(_UNKNOWN) < SAMPLES
