"""Durations, sizes and counts as people write them: `2h30m`, `16G`, `2 jobs`."""

import re

UNITS_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
UNITS_BYTES = {"T": 2**40, "G": 2**30, "M": 2**20, "K": 2**10, "B": 1}
LONGEST_S = 100 * 365 * 86_400
LARGEST_BYTES = 2**60
LONGEST_TEXT = 40

_DURATION = re.compile(
    r"(?:([0-9.]+)d)?\s*(?:([0-9.]+)h)?\s*(?:([0-9.]+)m(?:in)?)?\s*(?:([0-9.]+)s?)?"
)
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([TGMK])?(?:iB|B)?", re.IGNORECASE)


def duration(text: str) -> float:
    """Read `90`, `10m`, `2h30m` or `30d` as seconds; ValueError says what would be right."""
    # the length first: on a long run of blanks the pattern would try every way to share them
    found = _DURATION.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no duration; write 90 (seconds), 10m, 2h30m or 30d")
    given = zip(found.groups(), UNITS_S.values(), strict=True)
    try:
        seconds = sum(float(part) * unit for part, unit in given if part)
    except ValueError:
        raise ValueError(f"{text!r} is no duration; write 90, 10m, 2h30m or 30d") from None
    if seconds > LONGEST_S:
        raise ValueError(f"{text!r} is longer than a hundred years")
    return seconds


def duration_text(seconds: float) -> str:
    """Write seconds so that duration() reads the same number back."""
    if seconds != int(seconds):
        return f"{seconds!r}s"
    rest = int(seconds)
    written = ""
    for unit, length in UNITS_S.items():
        if rest >= length:
            written += f"{rest // length}{unit}"
            rest %= length
    return written or "0s"


def size(text: str) -> int:
    """Read `16G`, `512M` or `1.5T` as bytes (units of 1024); ValueError without a unit."""
    found = _SIZE.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if found is None or text[-1:].isdigit():
        raise ValueError(f"{text!r} is no size; write it with its unit: 16G, 512M")
    amount = float(found[1]) if "." in found[1] else int(found[1])
    bytes_ = round(amount * UNITS_BYTES[(found[2] or "B").upper()])
    if bytes_ > LARGEST_BYTES:
        raise ValueError(f"{text!r} is larger than any machine")
    return bytes_


def size_text(bytes_: int) -> str:
    """Write bytes in the largest unit that loses nothing."""
    for unit, length in UNITS_BYTES.items():
        if bytes_ >= length and bytes_ % length == 0:
            return f"{bytes_ // length}{unit}"
    return "0B"


def size_about(bytes_: int, *, up: bool = False) -> str:
    """Write bytes for people, `3.1 GB`; cut down, or with `up` to the next tenth."""
    for unit, length in UNITS_BYTES.items():
        if bytes_ >= length:
            tenths = -(-bytes_ * 10 // length) if up else bytes_ * 10 // length
            return f"{tenths / 10:g} {unit}B".replace("BB", "B")
    return "0 B"


def plural(count: int, word: str) -> str:
    """`1 job`, `2,000 jobs`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def is_duration(seconds: float) -> bool:
    """Tell whether duration_text() can write it: finite, and not so small that it needs an e."""
    return seconds == 0 or 0.001 <= seconds <= LONGEST_S
