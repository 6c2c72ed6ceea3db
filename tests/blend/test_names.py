"""Names: what a terminal may see, and what JSON may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.blend.names import is_text, shown, text


@given(st.binary(max_size=80))
def test_any_stored_name_can_be_shown_on_one_line(raw):
    assert shown(text(raw)).isprintable()


@given(st.binary(max_size=80))
def test_any_stored_name_can_be_given_to_a_command(raw):
    assert text(raw).encode("utf-8", "surrogateescape") == raw


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_two_names_never_look_alike(one, other):
    assert (shown(text(one)) == shown(text(other))) == (one == other)


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (b"Scene", "Scene"),
        ("日本 é".encode(), "日本 é"),
        (b"a\tb\n", r"a\tb\n"),
        (b"\x1b[2J", r"\x1b[2J"),
        (b"Sz\xe4ne", r"Sz\xe4ne"),
        ("\u202egpj".encode(), r"\u202egpj"),
        (b" a b ", r"\x20a b\x20"),
        (b"a\\nb", r"a\\nb"),
        (b"", '""'),
        (b'""', r"\x22\x22"),
    ],
)
def test_what_could_mislead_is_escaped(raw, seen):
    assert shown(text(raw)) == seen


def test_only_utf8_is_text():
    assert is_text(text("é".encode()))
    assert not is_text(text(b"\xe9"))
