"""Durations and sizes read as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import amounts


@given(st.integers(0, 10**9).map(float) | st.floats(0.001, 10**8))
def test_a_written_duration_reads_back_the_same(seconds):
    assert amounts.duration(amounts.duration_text(seconds)) == seconds


@given(st.integers(0, 2**60))
def test_a_written_size_reads_back_the_same(bytes_):
    assert amounts.size(amounts.size_text(bytes_)) == bytes_


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("10m", 600),
        ("2h30m", 9000),
        ("30d", 2_592_000),
        ("1.5h", 5400),
        ("5min", 300),
        ("1h 5s", 3605),
    ],
)
def test_a_duration_is_so_many_seconds(text, seconds):
    assert amounts.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "1m1h", "-5", "1.2.3", "1e9", "inf", "200000d", "5w"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match=r"duration|years"):
        amounts.duration(text)


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("16G", 2**34), ("512M", 2**29), ("1.5t", 3 * 2**39), ("4 GiB", 2**32), ("10B", 10)],
)
def test_a_size_is_so_many_bytes(text, bytes_):
    assert amounts.size(text) == bytes_


@pytest.mark.parametrize("text", ["", "16", "G", "-1G", "1.G", "1e3G", "9999999T", "16 Gb/s"])
def test_what_is_no_size_or_has_no_unit_is_refused(text):
    with pytest.raises(ValueError, match=r"size|machine"):
        amounts.size(text)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 jobs"), (1, "1 job"), (2, "2 jobs"), (2000, "2,000 jobs")]
)
def test_what_is_counted_is_one_or_several(count, text):
    assert amounts.plural(count, "job") == text
