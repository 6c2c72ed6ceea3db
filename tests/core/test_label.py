"""Names made of any text are safe where they are used."""

import re

from hypothesis import given
from hypothesis import strategies as st

from renderd.core import label

TEXTS = st.text(st.characters(), max_size=200)


@given(TEXTS, st.integers(1, 60))
def test_a_slug_is_a_plain_file_name_part_and_never_empty(text, limit):
    assert re.fullmatch(r"[a-z0-9_-]+", label.slug(text, limit))
    assert len(label.slug(text, limit)) <= limit


@given(TEXTS)
def test_a_slug_of_a_slug_is_itself(text):
    assert label.slug(label.slug(text)) == label.slug(text)


@given(TEXTS)
def test_a_label_is_one_short_line_without_control_signs(text):
    shown = label.label(text)
    assert len(shown) <= 120
    assert not label.UNSEEN.search(shown)


def test_a_slug_reads_like_its_text():
    assert label.slug("Shot 010 — Décor.v2") == "shot-010-decor-v2"
    assert label.slug("ショット") == "unnamed"


def test_a_nearest_word_is_named_or_else_all():
    assert label.nearest("Prioriy", ["pool", "priority"]) == "did you mean 'priority'?"
    assert label.nearest("zzz", ["pool", "after"]) == "there are after, pool"
