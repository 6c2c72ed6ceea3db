"""Journals tell what happened, whatever a crash or a person left in them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from renderd.spool import history
from renderd.spool.history import Pace
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


def test_the_pace_is_the_median_of_seconds_a_frame(spool: Spool) -> None:
    history.append(spool, ONE, [done(10, 20.0), done(10, 40.0)])
    history.append(spool, TWO, [done(2, 200.0), done(5, 5.0, jid="anotherjob")])
    assert history.pace(spool, JID) == Pace(frames=22, median_s=4.0, nodes=2)


def test_a_job_without_frames_counts_by_chunks(spool: Spool) -> None:
    history.append(spool, ONE, [done(0, 3.0)])
    assert history.pace(spool, JID) == Pace(frames=1, median_s=3.0, nodes=1)


def test_there_is_no_pace_before_the_first_chunk(spool: Spool) -> None:
    history.append(spool, ONE, [{"ev": "fail", "jid": JID, "frames": 10, "wall": 1.0}])
    assert history.pace(spool, JID) is None


@pytest.mark.parametrize(
    ("frames", "wall"),
    [("ten", 1.0), (-1, 1.0), ([], {}), (10, None), (10, "1"), (10, float("nan")), (10, -5)],
)
def test_a_line_that_makes_no_sense_is_left_out_of_the_pace(
    spool: Spool, frames: object, wall: object
) -> None:
    if frames == []:
        frames = [1]
    history.append(spool, ONE, [done(frames, wall), done(10, 20.0)])
    assert history.pace(spool, JID) == Pace(frames=10, median_s=2.0, nodes=1)


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
