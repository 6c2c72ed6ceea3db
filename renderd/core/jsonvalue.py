"""JSON that somebody else wrote, read without surprises.  Pure: no I/O."""

import json
import math
from typing import Any

_MOST_DIGITS = 30  #: of a whole number; times in ns have 19


def parse(text: str | bytes) -> Any:
    """The value in a text; ValueError for all that is no plain JSON, however it was made.

    So are 60,000 opening brackets, and numbers that no float can hold: the standard reader
    answers the first with another error, and takes the second for somebody else to stumble over.
    """
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(written: str) -> float:
    value = float(written)
    if not math.isfinite(value):
        raise ValueError(f"{written} is not JSON")
    return value


def _whole(written: str) -> int:
    if len(written) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(written)} digits")
    return int(written)


_DECODER = json.JSONDecoder(parse_float=_finite, parse_int=_whole, parse_constant=_finite)
