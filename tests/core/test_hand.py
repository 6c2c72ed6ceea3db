"""How many neighbours a node takes at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import hand
from renderd.core.frames import Run


def count(frame_s=1.0, chunk=1, waiting=100_000, slots=0, aim_s=60.0):
    return hand.count(frame_s=frame_s, chunk=chunk, waiting=waiting, slots=slots, aim_s=aim_s)


def test_a_hand_is_about_a_minute_of_work():
    assert count(frame_s=1.0) == 60
    assert count(frame_s=1.0, chunk=4) == 15
    assert count(frame_s=0.001) == hand.MOST
    assert count(frame_s=90.0) == 1


def test_who_timed_no_frame_yet_takes_one():
    assert count(frame_s=None) == 1


def test_toward_the_end_a_hand_is_a_share_of_what_is_left():
    assert count(waiting=80, slots=4) == 10
    assert count(waiting=8, slots=4) == 1
    assert count(waiting=0, slots=4) == 1


def test_long_jobs_make_no_more_than_a_thousand_chunks():
    assert [hand.size(n) for n in (1, 1000, 1001, 100_000)] == [1, 1, 2, 100]


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (Run(1, 3), Run(4, 6), Run(1, 6)),
        (Run(1, 1), Run(4, 4), Run(1, 4, 3)),
        (Run(1, 5, 2), Run(7, 7), Run(1, 7, 2)),
        (Run(1, 3), Run(5, 6), None),
        (Run(4, 6), Run(1, 3), None),
        (Run(1, 3), Run(3, 5), None),
        (Run(1, 5, 2), Run(6, 8), None),
    ],
)
def test_runs_are_joined_where_one_goes_on_as_the_other_ends(first, second, both):
    assert hand.joined(first, second) == both


@given(st.integers(-50, 50), st.integers(1, 9), st.lists(st.integers(1, 6), min_size=2, max_size=6))
def test_the_pieces_of_a_run_join_to_the_run(start, step, lengths):
    run, at = None, start
    for length in lengths:
        piece = Run(at, at + (length - 1) * step, step)
        run = piece if run is None else hand.joined(run, piece)
        at += length * step
    assert list(run) == list(range(start, at, step))
