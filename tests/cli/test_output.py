"""Moments as people read them."""

import time
from datetime import datetime

from frontend.cli import output

NOW = datetime(2026, 11, 23, 16, 0).timestamp()  # a Monday


DASH = "–" if output.has_glyphs() else "-"


def at(day: int, hour: int, minute: int) -> float:
    return datetime(2026, 11, day, hour, minute).timestamp()


def test_an_end_is_a_clock_time_with_its_range() -> None:
    said = output.ready(at(23, 17, 40), at(23, 17, 25), at(23, 18, 10), NOW)
    assert said == f"17:40 (17:25{DASH}18:10)"


def test_another_day_is_named() -> None:
    said = output.ready(at(24, 3, 10), at(23, 23, 50), at(24, 6, 0), NOW)
    assert said == f"Tue 03:10 (23:50{DASH}Tue 06:00)"


def test_a_day_that_all_three_share_is_named_once() -> None:
    said = output.ready(at(24, 3, 10), at(24, 2, 50), at(24, 6, 0), NOW)
    assert said == f"Tue 03:10 (02:50{DASH}06:00)"


def test_a_far_day_has_its_date() -> None:
    assert output.ready(at(30, 3, 10), None, None, NOW) == "2026-11-30 03:10"


def test_a_range_within_a_minute_is_not_told() -> None:
    assert output.ready(at(23, 17, 40), at(23, 17, 40), at(23, 17, 40) + 20, NOW) == "17:40"


def test_what_is_not_known_is_empty() -> None:
    assert output.ready(None, None, None, time.time()) == ""


def test_a_line_keeps_our_colours_and_nothing_else_that_steers(capsys):
    mine = output.paint("fine", "green", is_on=True)
    output.say(f"{mine} \x1b[8mhidden\x1b[0m \x1b]0;title\x07\r\x9b2J\u202e")
    output.talk(f"render: {mine}")
    told = capsys.readouterr()
    assert told.out == f"{mine} \ufffd[8mhidden\x1b[0m \ufffd]0;title\ufffd\ufffd\ufffd2J\ufffd\n"
    assert "\x1b" not in told.err
