"""A frame has the files that the job's first frame had, of the same sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core.frameset import FrameSet, abstract, parse_set
from renderd.core.outputs import fill


@pytest.mark.parametrize(
    ("name", "frame", "pattern", "found"),
    [
        ("o_0012.png", 12, "o_####.png", "o_####.png"),
        ("o_0012_L.png", 12, "o_####.png", "o_####_L.png"),
        ("o_0012.png", 12, "o_####", "o_####.png"),
        ("o_12345.png", 12345, "o_####", "o_####.png"),
        ("o_-0003.png", -3, "o_####", "o_####.png"),
        ("shot10005.png", 5, "shot1", "shot1####.png"),
        ("nor002mal.exr", 2, "nor###mal", "nor###mal.exr"),
        ("f_0002_v2.png", 2, "f_####_v2", "f_####_v2.png"),
        ("0012.exr", 12, "", "####.exr"),
        ("take_00129.exr", 12, "take_####9", "take_####9.exr"),
        ("all_._L._up_x_0002.exr", 2, "other", "all_._L._up_x_####.exr"),
    ],
)
def test_the_frames_number_is_taken_out_of_a_name(name, frame, pattern, found):
    assert abstract(name, frame, (pattern,)) == found


def test_a_name_without_the_frames_number_is_told():
    assert abstract("shadow.exr", 2, ("shadow",)) is None
    assert abstract("shadow_0003.exr", 2, ("shadow_",)) is None


@given(
    st.text("ab_-.1", max_size=6),
    st.integers(1, 6),
    st.text("xy_.9", max_size=5),
    st.integers(-99_999, 99_999),
    st.integers(-99_999, 99_999),
)
def test_all_frames_of_a_pattern_have_one_abstract_name(prefix, width, suffix, one, other):
    pattern = prefix + "#" * width + suffix
    names = {abstract(fill(pattern, f) + ".png", f, (pattern,)) for f in (one, other)}
    assert len(names) == 1


SET = FrameSet({"shadow_####.exr": (32, 24), "o_####.png": (64, 48)})


def test_a_frame_with_the_same_files_belongs():
    assert SET.why_not(dict(SET.sizes), 7) == ""


def test_another_file_in_place_of_a_missing_one_is_named_too():
    assert SET.why_not({"shadow_####.exr": (32, 24), "o_####.exr": (64, 48)}, 7) == (
        "it lacks 'o_0007.png', which the job's other frames have, and has 'o_0007.exr'"
    )


def test_the_missing_file_is_named():
    assert SET.why_not({"o_####.png": (64, 48)}, 7) == (
        "it lacks 'shadow_0007.exr', which the job's other frames have"
    )


def test_a_file_too_many_is_named():
    found = {**SET.sizes, "mist_####.exr": (32, 24)}
    assert "it has 'mist_0007.exr', which" in SET.why_not(found, 7)


def test_each_name_has_its_own_size():
    found = {**SET.sizes, "shadow_####.exr": (64, 48)}
    assert SET.why_not(found, 7) == (
        "shadow_0007.exr has 64×48 pixels, the job's other frames have 32×24"
    )
    assert SET.why_not({**SET.sizes, "shadow_####.exr": (0, 0)}, 7) == ""


def test_files_that_were_found_by_their_names_may_be_fewer_or_more():
    loose = FrameSet({"o_####.png": (64, 48)}, is_told=False)
    assert loose.why_not({"o_####.exr": (1, 1)}, 7) == ""
    assert "64×48" in loose.why_not({"o_####.png": (1, 1)}, 7)


def test_a_record_is_read_back_and_a_torn_one_is_none():
    assert parse_set(SET.text()) == SET
    for torn in ("", "{}", "[]", '{"files": {"a": 3}, "told": true}', SET.text()[:-9]):
        assert parse_set(torn) is None
