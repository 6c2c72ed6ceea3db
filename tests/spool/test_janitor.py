"""What nobody needs goes late; what somebody may need never does."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd.spool import claims, janitor, nodes, tickets
from renderd.spool.janitor import DAY, HOUR, JOBS_A_SWEEP, SWEEP_EVERY, Janitor
from renderd.spool.layout import Spool
from renderd.spool.share import PosixShare

Publish = Callable[..., str]


def sweep(spool: Spool, *times: float) -> None:
    sweeper = Janitor(spool)
    for now in times:
        sweeper.sweep(now)


def test_the_chunks_of_a_done_job_go_after_an_hour(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-20")
    worker.finish(jid, 1, 2)
    worker.close(jid)
    sweep(spool, 0.0, HOUR - 1)
    assert len(os.listdir(spool.job(jid, "000"))) == 2
    sweep(spool, 0.0, HOUR + 1)
    assert not os.path.exists(spool.job(jid, "000"))
    assert os.path.exists(spool.job(jid, "job.info"))


def test_a_failed_job_keeps_its_chunks(spool: Spool, publish: Publish, worker: Any) -> None:
    jid = publish(span="1-10")
    worker.fail(jid, 1)
    worker.close(jid, has_failed=True)
    sweep(spool, 0.0, HOUR + 1, 10 * HOUR)
    assert len(os.listdir(spool.job(jid, "000"))) == 1


def test_a_death_is_remembered_while_a_job_may_need_it(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-20")
    worker.finish(jid, 1)
    nodes.declare(spool, "00", worker.pulse.beat)
    sweep(spool, 0.0, DAY + 1, 3 * DAY)
    assert nodes.dead(spool) == {worker.inc}


def test_a_death_nobody_needs_is_forgotten_a_day_later(spool: Spool, worker: Any) -> None:
    nodes.declare(spool, "00", worker.pulse.beat)
    sweep(spool, 0.0, DAY - 1)
    assert nodes.dead(spool) == {worker.inc}
    sweep(spool, 0.0, DAY + 1)
    assert nodes.dead(spool) == set()


def test_a_death_with_intents_is_kept(spool: Spool, publish: Publish, worker: Any) -> None:
    claims.declare_intent(spool, worker.inc, publish(), "000")
    nodes.declare(spool, "00", worker.pulse.beat)
    sweep(spool, 0.0, DAY + 1, 3 * DAY)
    assert nodes.dead(spool) == {worker.inc}


def test_old_temps_go_and_fresh_ones_stay(spool: Spool) -> None:
    old, fresh = Path(spool.at("tmp", "old")), Path(spool.at("tmp", "fresh"))
    for path in (old, fresh):
        path.write_text("x")
    past = os.stat(fresh).st_mtime - 2 * DAY
    os.utime(old, (past, past))
    sweep(spool, 0.0)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_closed_job_goes_after_the_farms_retention(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid, other = publish("old", "1-10"), publish("new", "1-10")
    for one in (jid, other):
        worker.finish(one, 1)
        worker.close(one)
    past = os.stat(spool.job(jid)).st_mtime - 31 * DAY
    os.utime(spool.job(jid), (past, past))
    sweep(spool, 0.0)
    assert list(tickets.everywhere(spool)) == [other]
    assert os.listdir(spool.at("jobs")) == [other]


def test_every_done_job_loses_its_chunks_a_few_at_a_sweep(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jids = [publish(f"job{n}", span="1-10") for n in range(JOBS_A_SWEEP + 5)]
    for jid in jids:
        worker.finish(jid, 1)
        worker.close(jid)
    sweep(spool, 0.0, HOUR + 1, 2 * HOUR)
    assert [jid for jid in jids if os.path.exists(spool.job(jid, "000"))] == []


def test_a_sweep_ends_after_some_files_and_goes_on_later(
    spool: Spool, publish: Publish, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "FILES_A_SWEEP", 4)
    jid = publish(span="1-100")
    worker.finish(jid, *range(1, 11))
    worker.close(jid)
    sweep(spool, 0.0, HOUR + 1)
    assert len(os.listdir(spool.job(jid, "000"))) == 6
    sweep(spool, 0.0, HOUR + 1, HOUR + 61, HOUR + 121)
    assert not os.path.exists(spool.job(jid, "000"))


def test_two_janitors_do_not_stop_each_other(spool: Spool, publish: Publish, worker: Any) -> None:
    class Shared(PosixShare):
        """A real share on which another janitor is always a little quicker."""

        def unlink(self, path: str) -> None:
            super().unlink(path)
            super().unlink(path)

    jid = publish(span="1-20")
    worker.finish(jid, 1, 2)
    worker.close(jid)
    sweep(replace(spool, share=Shared()), 0.0, HOUR + 1)
    assert not os.path.exists(spool.job(jid, "000"))


def test_an_old_job_goes_however_many_young_ones_there_are(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    young = [publish(f"young{n}", span="1-10", priority=0) for n in range(JOBS_A_SWEEP + 1)]
    old = publish("old", span="1-10", priority=99)
    for jid in (*young, old):
        worker.finish(jid, 1)
        worker.close(jid)
    os.utime(spool.job(old), (1e9, 1e9))
    sweep(spool, *(n * SWEEP_EVERY for n in range(200)))
    assert not os.path.exists(spool.job(old))
    assert all(os.path.exists(spool.job(jid)) for jid in young)
