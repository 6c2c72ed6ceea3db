"""The last ten minutes of a figure from 0 to 1, short enough to be told with each beat."""

STEP = 10.0  #: seconds a letter stands for
LETTERS = 60
_ZERO, _SCALE = 33, 90  #: "!" is 0, "{" is 1
_UNKNOWN = "~"


class Recent:
    """One letter each ten seconds, the newest last; a beat that is late leaves a gap."""

    def __init__(self) -> None:
        self._turn = -1  #: the present letter, counted from the clock's zero
        self._said = ""

    def add(self, now: float, part: float | None) -> None:
        """Take the figure of a moment by a steady clock; the last of a step stands."""
        turn, letter = int(now / STEP), _letter(part)
        if turn == self._turn:
            self._said = self._said[:-1] + letter
            return
        passed = min(turn - self._turn, LETTERS) if self._turn >= 0 else 1
        self._said = (self._said + _UNKNOWN * (passed - 1) + letter)[-LETTERS:]
        self._turn = turn

    def told(self) -> str:
        """The letters."""
        return self._said


def parts(said: str) -> list[float | None]:
    """What letters stand for; None for a gap and for what is none of ours."""
    return [_part(letter) for letter in said[-LETTERS:]]


def _letter(part: float | None) -> str:
    if part is None:
        return _UNKNOWN
    return chr(_ZERO + round(min(max(part, 0.0), 1.0) * _SCALE))


def _part(letter: str) -> float | None:
    found = (ord(letter) - _ZERO) / _SCALE
    return found if 0 <= found <= 1 else None
