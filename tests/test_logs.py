"""Log lines reach people and journald, whatever they are made of."""

import io
import logging
import os

import pytest

from renderd import logs


@pytest.fixture(autouse=True)
def own_root_logger():
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:], level, logging.raiseExceptions = before
    root.setLevel(level)


def journal(stream):
    found = os.fstat(stream.fileno())
    return {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}


def test_a_line_has_time_level_and_message():
    stream = io.StringIO()
    logs.start("info", stream, {})
    logging.getLogger("renderd.x").warning("share %s", "hangs")
    logging.getLogger("renderd.x").debug("unheard")
    time, level, message = stream.getvalue().rstrip("\n").split(" ", 2)
    assert (len(time), level, message) == (8, "warning", "share hangs")


def test_journald_gets_a_priority_on_every_line_and_no_time(tmp_path):
    with open(tmp_path / "out", "w+", encoding="utf-8") as stream:
        logs.start("debug", stream, journal(stream))
        for say in ("debug", "info", "warning", "error", "critical"):
            getattr(logging.getLogger(), say)("a\nb")
        stream.seek(0)
        assert stream.read().splitlines()[::2] == ["<7>a", "<6>a", "<4>a", "<3>a", "<2>a"]


def test_a_name_with_control_signs_cannot_forge_a_line(tmp_path):
    stream = io.StringIO()
    logs.start("info", stream, {})
    logging.getLogger().info("job %s", "x\n12:00:00 error forged\x1b[2J\r")
    lines = stream.getvalue().splitlines()
    assert lines[1].startswith("    ")
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_starting_again_replaces_the_level_and_doubles_no_line():
    stream = io.StringIO()
    logs.start("error", stream, {})
    logs.start("info", stream, {})
    logging.getLogger().info("once")
    assert stream.getvalue().count("once") == 1


def test_a_closed_stream_stops_nobody(tmp_path):
    with open(tmp_path / "out", "w", encoding="utf-8") as stream:
        logs.start("info", stream, {})
    logging.getLogger().error("into nothing")


def test_a_terminal_is_no_journal():
    assert not logs.is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})
