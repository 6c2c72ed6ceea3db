"""Patterns name the files that Blender writes, and are read back from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import outputs

FRAMES = st.integers(-(2**31) + 1, 2**31 - 1)
PATTERNS = st.text(st.sampled_from("ab1.#-_/ é"), max_size=14)


@given(PATTERNS, FRAMES)
def test_the_frame_is_read_back_from_the_name(pattern, frame):
    name = outputs.fill(pattern, frame).rpartition("/")[2]
    assert outputs.frame_of(pattern, name) == frame


@given(PATTERNS)
def test_writing_out_the_hashes_changes_no_file_name(pattern):
    assert outputs.hashed(outputs.hashed(pattern)) == outputs.hashed(pattern)
    assert outputs.fill(outputs.hashed(pattern), 7) == outputs.fill(pattern, 7)


@pytest.mark.parametrize(
    ("pattern", "frame", "path"),
    [
        ("/o/shot_####", 12, "/o/shot_0012"),
        ("/o/shot_####.exr", -3, "/o/shot_-0003.exr"),
        ("/o/shot", 7, "/o/shot0007"),
        ("//render/", 1, "//render/0001"),
        ("", 1, "0001"),
        ("/o/##/x", 5, "/o/##/x0005"),
        ("/o/a##_b###_c", 5, "/o/a##_b005_c"),
        ("/o/#.png", 12345, "/o/12345.png"),
        ("C:\\o##\\x_##", 3, "C:\\o##\\x_03"),
    ],
)
def test_a_frame_gets_the_name_that_blender_gives_it(pattern, frame, path):
    assert outputs.fill(pattern, frame) == path


@pytest.mark.parametrize(
    ("pattern", "name", "frame"),
    [
        ("/o/shot_####", "shot_0012.png", 12),
        ("/o/shot_####", "shot_0012", 12),
        ("/o/shot_####", "shot_12345.exr", 12345),
        ("/o/shot_####", "shot_-0003.exr", -3),
        ("/o/a-####", "a--0003.exr", -3),
        ("/o/####.v2", "0001.v2.png", 1),
        ("/o/shot_####.exr", "shot_0012.exr", 12),
        ("/o/shot_####.exr", "shot_0012.png", None),
        ("/o/shot_####.exr", "shot_0012.exr.png", None),
        ("/o/shot_####", "shot_012.png", None),
        ("/o/shot_####", "shot_00012.png", None),
        ("/o/shot_####", "shot_-0000.png", None),
        ("/o/shot_####", "shot_0012.png.tmp", None),
        ("/o/shot_####", "shot_0012_depth.png", None),
        ("/o/shot_####", "other_0012.png", None),
        ("/o/shot_####", "shot_٠٠١٢.png", None),
    ],
)
def test_only_the_patterns_own_names_have_a_frame(pattern, name, frame):
    assert outputs.frame_of(pattern, name) == frame


@pytest.mark.parametrize(
    "pattern", ["/o/s_####", "/o/s_", "/o/s_#", "/o/s_####.png", "/o/s_###.EXR", "/o/s_##.jpeg"]
)
def test_patterns_that_may_name_one_file_are_owned_as_one(pattern):
    assert outputs.owned(pattern) == "/o/s_#"


@pytest.mark.parametrize("pattern", ["/o/s_####.v2", "/o/s_####_L", "/o/S_####", "/p/s_####"])
def test_patterns_that_name_other_files_are_owned_apart(pattern):
    assert outputs.owned(pattern) != outputs.owned("/o/s_####.png")
