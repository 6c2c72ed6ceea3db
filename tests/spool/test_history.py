"""Journals tell what happened, whatever a crash or a person left in them."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from renderd.spool import history
from renderd.spool.layout import Spool

ONE, TWO = "ws01-00000001", "ws02-00000002"
JID = "k2p9x7q4ab"


def done(frames: object = 10, wall: object = 20.0, jid: str = JID) -> dict[str, object]:
    return {"ev": "done", "jid": jid, "frames": frames, "wall": wall}


@pytest.fixture
def write(spool: Spool) -> Callable[[str, bytes], None]:
    def put(name: str, data: bytes) -> None:
        Path(spool.at("history", name)).write_bytes(data)

    return put


def test_events_come_back_with_who_wrote_them(spool: Spool) -> None:
    history.append(spool, ONE, [{"t": 1.0, "ev": "closed"}, {"t": 2.0, "ev": "done"}])
    history.append(spool, TWO, [{"t": 3.0, "ev": "done"}])
    history.append(spool, ONE, [{"t": 4.0, "ev": "done"}])
    assert [(e["inc"], e["t"]) for e in history.events(spool)] == [
        (ONE, 1.0),
        (ONE, 2.0),
        (ONE, 4.0),
        (TWO, 3.0),
    ]


def test_a_journal_that_cannot_be_written_stops_nothing(spool: Spool) -> None:
    spool.share.rmdir(spool.at("history"))
    history.append(spool, ONE, [{"ev": "done"}])
    assert list(history.events(spool)) == []


def test_torn_and_foreign_lines_are_passed_over(
    spool: Spool, write: Callable[[str, bytes], None]
) -> None:
    good, other = b'{"t": 1.0, "ev": "done"}', b'{"t": 2.0, "ev": "done"}'
    deep = b"[" * 100_000
    lines = [b'{"ev": "do', good, b"\xff\xfe", b"3", b"null", b"", b"\0" * 64, deep, other]
    write(f"{ONE}.jsonl", b"\n".join(lines))
    assert len(list(history.events(spool))) == 2


def test_nobody_writes_under_anothers_name(
    spool: Spool, write: Callable[[str, bytes], None]
) -> None:
    write(f"{ONE}.jsonl", json.dumps({"ev": "done", "inc": TWO}).encode())
    assert [e["inc"] for e in history.events(spool)] == [ONE]


def test_files_that_are_no_journals_are_ignored(
    spool: Spool, write: Callable[[str, bytes], None]
) -> None:
    for name in (".nfs0001", "notes.jsonl", f"{ONE}.jsonl~", f"._{ONE}.jsonl", f"{ONE}.json"):
        write(name, b'{"ev": "done"}\n')
    Path(spool.at("history", f"{TWO}.jsonl")).mkdir()
    assert list(history.events(spool)) == []


def times(spool: Spool, host: str = "ws01") -> list[tuple[str, list[float]]]:
    return list(history.frame_times(spool, host))


def test_frame_times_of_a_hosts_earlier_runs_are_told(spool: Spool) -> None:
    history.append(spool, ONE, [done(2, 20.0), done(1, 40.0)])
    history.append(spool, "ws01-00000009", [done(1, 7.0)])
    history.append(spool, TWO, [done(2, 200.0)])
    history.append(spool, "ws01-b-00000003", [done(2, 200.0)])
    found = times(spool)
    assert sorted(found) == [(JID, [7.0]), (JID, [10.0, 10.0]), (JID, [40.0])]


def test_the_last_journals_of_a_host_are_enough(spool: Spool) -> None:
    for number in range(6):
        inc = f"ws01-{number:08x}"
        history.append(spool, inc, [done(1, float(number))])
        os.utime(spool.at("history", f"{inc}.jsonl"), (1e9 + number, 1e9 + number))
    assert [t for _, t in times(spool)] == [[3.0], [4.0], [5.0]]


def test_the_end_of_a_long_journal_is_enough(spool: Spool) -> None:
    history.append(spool, ONE, [{**done(1, float(n)), "why": "x" * 1000} for n in range(1000)])
    found = [t for _, t in times(spool)]
    assert found[-1] == [999.0]
    assert 0 < len(found) < 300


@pytest.mark.parametrize(
    ("frames", "wall"),
    [("ten", 1.0), (-1, 1.0), (0, 1.0), (10, None), (10, "1"), (10, float("nan")), (10, -5)],
)
def test_a_line_that_makes_no_sense_tells_no_frame_times(
    spool: Spool, frames: object, wall: object
) -> None:
    lost = {"ev": "fail", "jid": JID, "frames": 10, "wall": 1.0}
    history.append(spool, ONE, [done(frames, wall), lost, done(1, 20.0)])
    assert times(spool) == [(JID, [20.0])]


def test_events_given_again_after_a_torn_write_count_once(spool):
    assert history.append(spool, ONE, [{"t": 1.0, "ev": "done"}])
    spool.share.append(spool.at("history", f"{ONE}.jsonl"), b'{"t": 2.0, "ev": "do')
    lost = [{"t": 2.0, "ev": "done"}]
    assert history.append(spool, ONE, lost, again=True)
    assert history.append(spool, ONE, lost, again=True)
    assert [e["t"] for e in history.events(spool)] == [1.0, 2.0]


def test_a_journal_that_cannot_be_written_says_so(spool):
    spool.share.rmdir(spool.at("history"))
    assert not history.append(spool, ONE, [{"t": 1.0, "ev": "done"}])
