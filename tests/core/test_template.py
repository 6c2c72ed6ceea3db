"""Placeholders are filled word by word, and nothing else changes."""

from hypothesis import given
from hypothesis import strategies as st

from renderd.core import template

BRACY = st.text("{}ab", max_size=12)
VALUES = {"start": "1", "proj": "/mnt/my proj", "out": "{start}"}


def filled(word):
    return template.fill((word,), VALUES)[0]


@given(BRACY)
def test_an_escaped_text_is_filled_to_itself(text):
    values = {"a": "x", "b": "y", "ab": "z"}
    assert template.fill((template.escape(text),), values) == (text,)


@given(BRACY)
def test_filling_in_two_steps_gives_what_one_step_gives(value):
    word = "{a}-{b}"
    once = template.fill((word,), {"a": value, "b": "y"})
    first = template.splice((word,), {"a": template.escape(value)})
    assert template.fill(first, {"b": "y"}) == once


def test_a_spliced_part_brings_its_own_placeholders():
    first = template.splice(("{{x}} {out}",), {"out": "{proj}/{{a}}"})
    assert first == ("{{x}} {proj}/{{a}}",)
    assert template.fill(first, VALUES) == ("{x} /mnt/my proj/{a}",)


def test_a_value_with_blanks_stays_one_word():
    assert template.fill(("{proj}/a.nk", "-x"), VALUES) == ("/mnt/my proj/a.nk", "-x")


def test_a_value_is_never_filled_itself():
    assert filled("{out}") == "{start}"


def test_unknown_names_and_other_braces_pass_through():
    for word in [
        "{blend_name}",
        "{job}/x",
        '{"a": {"b": 1}}',
        "{}",
        "{start:04d}",
        "{Start}",
        "}}",
    ]:
        assert filled(word) == word


def test_doubled_braces_are_one_brace():
    assert filled("{{start}}") == "{start}"
    assert filled("{{{start}}}") == "{1}"


def test_the_used_names_are_listed_once_in_order():
    assert template.used(["{b} {a}", "{b} {{c}} {D}"]) == ("b", "a")
