"""Ranges mean what fileseq says they mean, and survive being written and cut."""

import contextlib

import fileseq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import frames
from renderd.core.frames import Run
from renderd.errors import FramesError

SMALL = st.integers(-60, 60)


@st.composite
def items(draw):
    first = draw(SMALL)
    shape = draw(st.sampled_from(["one", "range", "step"]))
    if shape == "one":
        return str(first)
    last = draw(st.integers(first, 90))
    return f"{first}-{last}" + (f"x{draw(st.integers(1, 9))}" if shape == "step" else "")


RANGES = st.lists(items(), min_size=1, max_size=6).map(",".join)


def flat(runs):
    return [frame for run in runs for frame in run]


@given(RANGES)
def test_a_range_holds_the_frames_that_fileseq_finds_in_the_same_order(text):
    assert flat(frames.parse(text)) == list(fileseq.FrameSet(text))


@given(RANGES)
def test_a_written_range_reads_back_the_same(text):
    runs = frames.parse(text)
    assert frames.parse(frames.text(runs)) == runs


@given(RANGES)
def test_no_frame_comes_twice(text):
    found = flat(frames.parse(text))
    assert len(found) == len(set(found)) == frames.count(frames.parse(text))


@given(RANGES, st.integers(1, 20))
def test_pieces_hold_the_same_frames_and_none_is_too_long(text, size):
    runs = frames.parse(text)
    pieces = list(frames.split(runs, size))
    assert flat(pieces) == flat(runs)
    assert all(len(piece) <= size for piece in pieces)


@given(RANGES, st.integers(1, 20))
def test_a_piece_never_mixes_two_runs_and_keeps_their_step(text, size):
    runs = frames.parse(text)
    for piece in frames.split(runs, size):
        (home,) = [run for run in runs if piece.first in run]
        assert piece.last in home
        assert len(piece) == 1 or piece.step == home.step


@given(st.lists(SMALL))
def test_gathered_frames_are_the_given_ones_ascending(given_frames):
    assert flat(frames.gather(given_frames)) == sorted(set(given_frames))


def test_gathering_finds_steps_but_leaves_two_lonely_frames_alone():
    assert frames.text(frames.gather([1, 3, 5, 7, 8, 9, 40])) == "1-7x2,8-9,40"
    assert frames.text(frames.gather([9, 1])) == "1,9"
    assert frames.gather([]) == ()


def test_the_last_frame_of_a_run_is_one_that_the_step_reaches():
    assert frames.parse("1-12x3") == (Run(1, 10, 3),)
    assert frames.parse("5-7x9") == (Run(5, 5),)


def test_step_pieces_keep_the_phase_of_the_whole():
    assert [str(piece) for piece in frames.split(frames.parse("1-30x3"), 4)] == [
        "1-10x3",
        "13-22x3",
        "25-28x3",
    ]


def test_negative_frames_read_on_both_sides():
    assert frames.parse("-20--11, -3 ,-2-2") == (Run(-20, -11), Run(-3, -3), Run(-2, 2))


def test_zeros_in_front_of_a_number_mean_nothing():
    assert frames.parse("0001-0010,-0" + "0" * 5000) == (Run(1, 10), Run(0, 0))


def test_every_tenth_first_then_the_rest_names_each_frame_once():
    runs = frames.parse("1-30x10,1-30")
    assert frames.text(runs) == "1-21x10,2-10,12-20,22-30"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no frames"),
        ("1,,2", "two commas"),
        ("1-5,", "two commas"),
        ("10-1", "backwards"),
        ("1-10x0", "step"),
        ("1-10:2", "1-10:2"),
        ("1..250", "1..250"),
        ("5x2", "5x2"),
        ("1-10x-2", "1-10x-2"),
        ("one", "one"),
        ("٣", "٣"),
        ("1-99999999999", "too large"),
        ("2147483648", "too large"),
        ("9" * 5000, "too large"),
        ("-" + "9" * 5000, "too large"),
        ("1-10000001", "10,000,001"),
        ("1-900000,2-900000", "cross"),
    ],
)
def test_a_wrong_range_is_refused_in_one_sentence_with_the_word(text, word):
    with pytest.raises(FramesError) as caught:
        frames.parse(text)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.text(max_size=30))
def test_any_text_is_a_range_or_a_frames_error(text):
    with contextlib.suppress(FramesError):
        frames.parse(text)


def test_a_run_that_runs_backwards_or_out_of_step_cannot_be_made():
    for wrong in [(5, 1), (1, 4, 2), (1, 5, 0)]:
        with pytest.raises(ValueError, match="no run"):
            Run(*wrong)


def test_a_run_knows_its_frames_without_listing_them():
    run = Run(-(2**31) + 1, 2**31 - 1, 2)
    assert len(run) == 2**31
    assert 1 in run
    assert 2 not in run
    assert "1" not in run


def test_too_many_or_too_large_frames_cannot_be_gathered():
    with pytest.raises(FramesError):
        frames.gather([2**31])
