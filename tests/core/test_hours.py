"""Weekly hours, read as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import hours


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("mon-fri 9:00-18:00", (0, 9, 0), (0, 18, 0)),
        ("mon-fri 9:00-18:00", (4, 17, 59), (5, 12, 0)),
        ("9-18", (6, 9, 0), (6, 8, 59)),
        ("Monday - Thursday 9-18, fri 9-15", (4, 14, 59), (4, 15, 0)),
        ("fri-mon 8:30-12", (6, 8, 30), (2, 9, 0)),
        ("22:00-6:00", (3, 5, 59), (3, 6, 0)),
        ("sun 22:00-6:00", (0, 5, 0), (0, 6, 0)),  # over the end of the week
        ("wed 0-24", (2, 23, 59), (3, 0, 0)),
    ],
)
def test_a_minute_is_in_the_hours_or_not(text, inside, outside):
    found = hours.parse(text)
    minute = [day * hours.DAY + hour * 60 + past for day, hour, past in (inside, outside)]
    assert found.end(minute[0]) is not None
    assert found.end(minute[1]) is None


def test_the_end_of_a_span_is_told():
    assert hours.clock(hours.parse("mon-fri 9:00-17:30").end(10 * 60)) == "17:30"
    assert hours.parse("sun 22-6").end(60) == 6 * 60


@pytest.mark.parametrize(
    "text",
    ["", "9", "mon", "moon 9-18", "9-25", "9:60-10", "9-10,", "mon-fri", "18:00", "a" * 5000],
)
def test_what_is_no_hours_is_refused_with_what_would_be(text):
    with pytest.raises(ValueError, match="mon-fri 9:00-18:00"):
        hours.parse(text)


day = st.sampled_from(hours.DAYS)
spans = st.tuples(day, day, st.integers(0, 1439), st.integers(0, 1439))


@given(spans, st.integers(0, hours.WEEK - 1))
def test_inside_is_what_lies_between_the_two_times(span, minute):
    first, last, start, end = span
    written = f"{first}-{last} {hours.clock(start)}-{hours.clock(end)}"
    length = (end - start) % hours.DAY or hours.DAY
    from_day, days = hours.DAYS.index(first), (hours.DAYS.index(last) - hours.DAYS.index(first)) % 7
    begins = [((from_day + n) % 7) * hours.DAY + start for n in range(days + 1)]
    is_inside = any((minute - begin) % hours.WEEK < length for begin in begins)
    assert (hours.parse(written).end(minute) is not None) is is_inside
