"""Names of tickets, beats, drops and adoptions: read exactly, everything else ignored."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import names

RNG = random.Random(3)
slugs = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=40)


@given(st.integers(0, 99), st.integers(0, 10**8), slugs)
def test_a_ticket_is_read_as_it_was_written(priority: int, g: int, slug: str) -> None:
    ticket = names.Ticket(priority, names.new_jid(RNG), g, slug)
    assert names.parse_ticket(ticket.name) == ticket


def test_a_ticket_that_changes_hands_has_a_new_name() -> None:
    ticket = names.Ticket(50, "abcdefghij", 3, "shot")
    assert ticket.next().name == "p50~abcdefghij~g4~shot.info"
    assert ticket.next(priority=70).name == "p70~abcdefghij~g4~shot.info"


@given(st.integers(1, 2**32 - 1), st.integers(1, 9999))
def test_a_beat_is_read_as_it_was_written(count: int, period: int) -> None:
    beat = names.Beat("ws07-3f2a9c10", count, period, names.nonce(RNG))
    assert names.parse_beat(beat.name) == beat


@pytest.mark.parametrize("host", ["a", "ws07", "a-b_c", "x" * 40])
def test_an_incarnation_carries_its_host(host: str) -> None:
    inc = names.new_incarnation(host, RNG)
    assert names.is_incarnation(inc)
    assert names.host_of(inc) == host[:24]


def test_an_adoption_has_two_hops() -> None:
    first = names.parse_adopting("ws07-3f2a9c10~habcdef~shot.info")
    second = names.parse_adopting("ws07-3f2a9c10~abcdefghij~shot.info")
    assert first is not None
    assert second is not None
    assert first.is_first_hop
    assert not second.is_first_hop


@pytest.mark.parametrize("name", ["x.info", "Shot 10.INFO", "größe.info", "a.b.info"])
def test_an_info_file_of_any_case_is_a_drop(name: str) -> None:
    assert names.is_drop(name)


@pytest.mark.parametrize(
    "name", [".x.info", "._x.info", "x.info~", "x.info.swp", "x.txt", "SPOOL", ".nfs01.info"]
)
def test_what_editors_and_servers_leave_is_no_drop(name: str) -> None:
    assert not names.is_drop(name)


@given(st.text(max_size=60))
def test_no_text_is_read_as_a_name_it_is_not(text: str) -> None:
    for parse in (names.parse_ticket, names.parse_beat, names.parse_adopting):
        found = parse(text)
        assert found is None or found.name == text  # type: ignore[attr-defined]


def test_a_ticket_that_no_program_writes_is_ignored() -> None:
    assert names.parse_ticket("p50~abcdefghij~g3~shot.info") is not None
    assert names.parse_ticket("p50~abcdefghij~g03~shot.info") is None
