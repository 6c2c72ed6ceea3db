"""What nobody needs goes late; what somebody may need never does."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from renderd.spool import claims, nodes, tickets
from renderd.spool.janitor import DAY, HOUR, Janitor
from renderd.spool.layout import Spool

Publish = Callable[..., str]


def sweep(spool: Spool, *times: float) -> None:
    janitor = Janitor(spool)
    for now in times:
        janitor.sweep(now)


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
