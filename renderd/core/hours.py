"""Weekly hours as people write them: `mon-fri 9:00-18:00, sat 10:00-14:00`.  Pure."""

import re
from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60  #: minutes
WEEK = 7 * DAY
OFFICE = "mon-fri 9:00-18:00"
MOST_SPANS = 64
_SPAN = re.compile(
    r"(?:([a-z]{3})[a-z]*(?:\s*-\s*([a-z]{3})[a-z]*)?\s+)?"
    r"(\d{1,2})(?::(\d{2}))?\s*-\s*(\d{1,2})(?::(\d{2}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Hours:
    """Spans of a week: first minute and the one after the last, Monday 0:00 being 0."""

    spans: tuple[tuple[int, int], ...] = ()
    text: str = ""  #: as a person wrote them

    def end(self, minute: int) -> int | None:
        """The minute of the week at which the span around `minute` ends; None outside of all."""
        ends = [end for first, end in self.spans if first <= minute < end]
        ends += [end - WEEK for first, end in self.spans if first <= minute + WEEK < end]
        return max(ends) % WEEK if ends else None


def parse(text: str) -> Hours:
    """Read hours; a span without days is for all of them, one may end the next day.

    Raises ValueError with what would be right.
    """
    spans: list[tuple[int, int]] = []
    for part in text[:1000].split(","):
        spans += _spans(part.strip(), text)
    if len(spans) > MOST_SPANS:
        raise ValueError(f"{text[:60]!r} has more than {MOST_SPANS} spans in a week")
    return Hours(tuple(spans), " ".join(text.split()))


def _spans(part: str, whole: str) -> list[tuple[int, int]]:
    found = _SPAN.fullmatch(part)
    problem = ValueError(f"{whole[:60]!r} are no hours; write them as {OFFICE!r}")
    if found is None:
        raise problem
    first_day, last_day = (day.lower() if day else "" for day in found.group(1, 2))
    if not {first_day, last_day} <= {*DAYS, ""}:
        raise problem
    start = int(found[3]) * 60 + int(found[4] or 0)
    end = int(found[5]) * 60 + int(found[6] or 0)
    if max(start, end) > DAY or int(found[4] or 0) > 59 or int(found[6] or 0) > 59:
        raise problem
    end += DAY if end <= start else 0
    from_day = DAYS.index(first_day) if first_day else 0
    to_day = DAYS.index(last_day or first_day) if first_day else 6
    days = [(from_day + n) % 7 for n in range((to_day - from_day) % 7 + 1)]
    return [(day * DAY + start, day * DAY + end) for day in days]


def clock(minute: int) -> str:
    """A minute of the week as `18:00`."""
    return f"{minute % DAY // 60}:{minute % 60:02d}"
