"""A node tells the frame times it has seen, of few jobs and of the latest frames."""

import pytest

from renderd.core.chunk import Chunk
from renderd.core.frames import Run
from renderd.core.infofile import Info
from renderd.core.job import Job
from renderd.daemon import paces
from renderd.daemon.paces import FRAMES_KEPT, JOBS_KEPT, JOBS_TOLD, Paces
from renderd.daemon.work import Work
from renderd.spool.claims import Claim

JID = "k2p9x7q4ab"


def work(*saved_after: float, frames: int = 4, jid: str = JID) -> Work:
    claim = Claim(jid, Chunk(1, Run(1, frames)))
    job = Job(jid=jid, info=Info(commands=(("prog",),)), chunks=1)
    return Work(
        claim=claim, job=job, commands=(), output=None, started=0.0, saved_after=list(saved_after)
    )


def test_each_saved_frame_is_a_time_and_the_rest_is_shared_out() -> None:
    assert paces.of_chunk(work(5.0, 7.0, 8.0, 12.0), 16.0) == [6.0, 3.0, 2.0, 5.0]


def test_only_the_frames_that_were_rendered_count() -> None:
    assert paces.of_chunk(work(5.0, 7.0), 9.0) == [6.0, 3.0]


def test_a_program_that_says_nothing_took_the_same_for_each_frame() -> None:
    assert paces.of_chunk(work(), 20.0) == [5.0] * 4


def test_frames_of_a_running_chunk_are_told_at_once() -> None:
    kept = Paces()
    assert kept.told([work(2.0, 4.0, 6.0)]) == {JID: [3, 2.0, 0.0]}
    kept.add(JID, [6.0])
    assert kept.told([work(2.0, 4.0, 6.0)]) == {JID: [4, 3.0, pytest.approx(1.732)]}
    assert kept.told([]) == {JID: [1, 6.0, 0.0]}


def test_the_latest_frames_count() -> None:
    kept = Paces()
    kept.add(JID, [1000.0] * FRAMES_KEPT)
    kept.add(JID, [1.0] * FRAMES_KEPT)
    assert kept.told([]) == {JID: [FRAMES_KEPT, 1.0, 0.0]}
    assert kept.usual(JID) == 1.0


def test_few_jobs_are_told_the_latest_first_and_not_all_are_kept() -> None:
    kept = Paces()
    for number in range(JOBS_KEPT + 1):
        kept.add(f"job{number}", [1.0])
    told = list(kept.told([work(1.0)]))
    assert told[:2] == [JID, f"job{JOBS_KEPT}"]
    assert len(told) == JOBS_TOLD
    assert kept.usual("job0") is None
    assert kept.usual("job1") == 1.0
