"""Ten minutes of a figure as letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import recent
from renderd.core.recent import LETTERS, STEP, Recent


@given(st.lists(st.floats(0, 1), min_size=1, max_size=LETTERS))
def test_letters_give_back_what_was_told_to_the_hundredth(values):
    ring = Recent()
    for at, value in enumerate(values):
        ring.add(1000 + at * STEP, value)
    assert recent.parts(ring.told()) == pytest.approx(values, abs=0.006)


def test_a_late_beat_leaves_a_gap_and_the_last_of_a_step_stands():
    ring = Recent()
    for moment, part in ((0, 0.0), (1, 0.5), (9, 1.0), (35, 0.0)):
        ring.add(moment, part)
    assert recent.parts(ring.told()) == [1.0, None, None, 0.0]


def test_it_never_grows_beyond_ten_minutes():
    ring = Recent()
    for at in range(3 * LETTERS):
        ring.add(at * STEP, 0.5)
    ring.add(1e9, None)
    assert len(ring.told()) == LETTERS
    assert set(recent.parts(ring.told())) == {None}


@given(st.text())
def test_what_is_no_letter_of_ours_is_a_gap(said):
    found = recent.parts(said)
    assert len(found) <= LETTERS
    assert all(part is None or 0 <= part <= 1 for part in found)
