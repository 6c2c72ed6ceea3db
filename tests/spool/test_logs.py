"""Logs are found by chunk and attempt, read from their end, and followed across a turn-over."""

import os

import pytest

from renderd.errors import UsageError
from renderd.spool import logs, overview
from renderd.spool.claims import finish

HERE, THERE = "ws07-0123abcd", "ws08-89abcdef"


@pytest.fixture
def put(spool):
    def add(jid, name, data):
        spool.share.append(spool.job(jid, "log", name), data)

    return add


def test_without_a_chunk_the_log_written_last_is_meant(spool, publish, put):
    jid = publish()
    put(jid, f"00002.1.{HERE}.log", b"older\n")
    put(jid, f"00001.1.{THERE}.log", b"newer\n")
    path = spool.job(jid, "log", f"00002.1.{HERE}.log")
    os.utime(path, ns=(0, 0))
    assert logs.read_end(spool, jid).text == "newer\n"


def test_only_logs_count_not_their_older_parts_nor_strangers(spool, publish, put):
    jid = publish()
    for name in (f"00001.1.{HERE}.log.1", f"00001.2.{HERE}", "notes.log", ".nfs000001.log"):
        put(jid, name, b"no\n")
    with pytest.raises(UsageError, match="no such log"):
        logs.find(spool, jid)


def test_a_tail_longer_than_the_log_is_all_of_it(spool, publish, put):
    jid = publish()
    put(jid, f"00001.1.{HERE}.log", b"a\nb\n")
    end = logs.read_end(spool, jid, tail=1000)
    assert (end.start, end.size, end.text) == (0, 4, "a\nb\n")


def test_bytes_that_are_no_text_are_shown_as_such(spool, publish, put):
    jid = publish()
    put(jid, f"00001.1.{HERE}.log", b"\xff\xfe\n")
    assert logs.read_end(spool, jid).text == "��\n"


def test_reading_on_gives_whole_lines_only(spool, publish, put):
    jid = publish()
    name = f"00001.1.{HERE}.log"
    path = spool.job(jid, "log", name)
    put(jid, name, b"one\ntw")
    data, place = logs.read_on(spool, path, 0)
    assert (data, place) == (b"one\n", 4)
    assert logs.read_on(spool, path, place) == (b"", 4)
    put(jid, name, b"o\n")
    assert logs.read_on(spool, path, place) == (b"two\n", 8)


def test_a_log_that_was_turned_over_is_read_from_its_new_start(spool, publish, put):
    jid = publish()
    name = f"00001.1.{HERE}.log"
    path = spool.job(jid, "log", name)
    put(jid, name, b"a long first part\n")
    _, place = logs.read_on(spool, path, 0)
    spool.share.rename(path, path + ".1")
    put(jid, name, b"new\n")
    assert logs.read_on(spool, path, place) == (b"new\n", 4)


def test_a_log_is_written_on_only_while_its_own_attempt_holds_the_chunk(
    spool, publish, put, worker
):
    jid = publish()
    held = worker.claim(jid, 1)
    put(jid, held.stem + ".log", b"x\n")
    log = logs.read_end(spool, jid, 1)
    assert logs.still_runs(spool, jid, log)
    finish(spool, held)
    assert not logs.still_runs(spool, jid, log)


def test_the_farm_counts_a_certified_node_as_dead_even_while_its_beat_shows(spool, worker):
    spool.share.create(spool.at("dead", worker.inc), b"")
    farm = overview.read_farm(spool)
    assert (farm.alive, farm.dead) == (0, 1)
