"""Command lines are split exactly as shlex splits them, only without its wait."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import words

LINES = st.text("ab#$ \t'\"\\", max_size=20) | st.text(
    st.characters(exclude_categories=["Cc"]), max_size=20
)


@given(LINES)
def test_a_line_has_the_words_that_shlex_finds(line):
    try:
        expected = tuple(shlex.split(line))
    except ValueError:
        with pytest.raises(ValueError, match=r"quote|backslash"):
            words.split(line)
    else:
        assert words.split(line) == expected


@given(st.lists(st.text(max_size=8), max_size=5).map(tuple))
def test_quoted_words_come_back(given_words):
    assert words.split(shlex.join(given_words)) == given_words
