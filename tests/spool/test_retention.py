"""What is over goes when it is too old or too much; what somebody needs stays."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd.errors import UsageError
from renderd.spool import history, jobs, orders, retention, tickets
from renderd.spool.janitor import SWEEP_EVERY, Janitor
from renderd.spool.layout import CANCELLED, DONE, FAILED, Spool
from renderd.spool.retention import DAY, HOUR, JOBS_A_SWEEP
from renderd.spool.share import PosixShare

Publish = Callable[..., str]
Over = Callable[..., str]
GONE = ""


@pytest.fixture
def over(spool: Spool, publish: Publish, worker: Any) -> Over:
    """A job of one chunk that is over since some days, with a log of some bytes; its jid."""

    def make(name: str, folder: str = DONE, days: float = 0.0, size: int = 0, **said: Any) -> str:
        jid = publish(name, span="1-10", **said)
        if folder == CANCELLED:
            orders.cancel(spool, jid)
        elif folder == FAILED:
            worker.fail(jid, 1)
        else:
            worker.finish(jid, 1)
        if folder != CANCELLED:
            worker.close(jid, has_failed=folder == FAILED)
        if folder == DONE:  # as a janitor leaves it an hour later
            shutil.rmtree(spool.job(jid, "000"))
        log = Path(spool.job(jid, "log", f"00001.1.{worker.inc}.log"))
        with log.open("wb") as file:
            file.truncate(size)
        age(spool, jid, days)
        return jid

    return make


def age(spool: Spool, jid: str, days: float) -> None:
    """Let a job's folders look as if nothing had changed for some days."""
    for path in (Path(spool.job(jid)), *Path(spool.job(jid)).iterdir()):
        if path.is_dir():
            then = os.stat(path).st_mtime - days * DAY
            os.utime(path, (then, then))


def sweep(spool: Spool, times: int = 6, *, is_hourly: bool = True) -> None:
    """Some sweeps of a janitor that has seen everything an hour ago."""
    sweeper = Janitor(spool)
    sweeper.sweep(0.0)
    for number in range(times):
        if is_hourly:
            an_hour_later(spool)
        sweeper.sweep(HOUR + 1 + number * SWEEP_EVERY)


def an_hour_later(spool: Spool) -> None:
    """What was measured was measured an hour ago."""
    path = spool.at("history", retention.SIZES)
    if os.path.exists(path):
        past = os.stat(path).st_mtime - HOUR
        os.utime(path, (past, past))


def keeping(spool: Spool, days: int = 30, gb: float = 5.0) -> Spool:
    return replace(spool, farm=replace(spool.farm, keep_days=days, keep_gb=gb))


def state(spool: Spool, *jids: str) -> list[str]:
    known = tickets.everywhere(spool)
    return [known[jid][0] if jid in known else GONE for jid in jids]


@pytest.mark.parametrize("folder", [DONE, FAILED, CANCELLED])
def test_a_job_that_is_over_goes_after_the_farms_days(
    spool: Spool, over: Over, folder: str
) -> None:
    old, new = over("old", folder, days=31), over("new", folder, days=29)
    sweep(spool)
    assert state(spool, old, new) == [GONE, folder]
    assert not os.path.exists(spool.job(old))


def test_an_open_job_stays_however_old(spool: Spool, publish: Publish) -> None:
    jids = publish("queued"), publish("held", held=True)
    for jid in jids:
        age(spool, jid, 1000)
    sweep(keeping(spool, gb=1e-9))
    assert state(spool, *jids) == ["queue", "held"]


def test_a_long_job_counts_from_its_end(spool: Spool, over: Over) -> None:
    jid = over("long", days=0)
    past = os.stat(spool.job(jid)).st_mtime - 100 * DAY
    os.utime(spool.job(jid), (past, past))
    sweep(spool)
    assert state(spool, jid) == [DONE]


@pytest.mark.parametrize(("keep", "now"), [(60 * DAY, DONE), (2 * DAY, GONE), (0.0, GONE)])
def test_a_jobs_own_word_stands_over_the_farms(
    spool: Spool, over: Over, keep: float, now: str
) -> None:
    days = 31 if keep > 30 * DAY else 3
    jid = over("own", days=days, keep=keep)
    sweep(spool)
    assert state(spool, jid) == [now]


def test_nothing_goes_within_an_hour_of_being_seen(spool: Spool, over: Over) -> None:
    jid = over("old", days=31)
    sweeper = Janitor(spool)
    for now in (0.0, SWEEP_EVERY, HOUR - 1):
        sweeper.sweep(now)
    assert state(spool, jid) == [DONE]


@pytest.mark.parametrize("held", [False, True])
def test_a_job_that_an_open_one_waits_for_stays(
    spool: Spool, publish: Publish, over: Over, held: bool
) -> None:
    parent, other = over("parent", days=31), publish("other")
    child = publish("child", after=(parent, other), held=held)
    sweep(keeping(spool, gb=1e-9))
    assert state(spool, parent) == [DONE]
    orders.cancel(spool, child)
    sweep(spool)
    assert state(spool, parent) == [GONE]


def test_a_job_that_one_comes_to_wait_for_in_that_moment_comes_back(
    spool: Spool, publish: Publish, over: Over
) -> None:
    parent, other = over("parent", days=31), publish("other")

    class Busy(PosixShare):
        """A share on which a person adds a job that waits, just before the ticket moves."""

        def rename(self, old: str, new: str) -> None:
            if "/done/" in old and "/trash/" in new:
                publish("child", after=(parent, other))
            super().rename(old, new)

    sweep(replace(spool, share=Busy()), times=1)
    assert state(spool, parent) == [DONE]
    assert jobs.read(spool, parent).name == "parent"


def test_a_removed_jobs_dependant_cannot_be_left_behind(
    spool: Spool, publish: Publish, over: Over
) -> None:
    parent, other = over("parent"), publish("other")
    child = publish("child", after=(parent, other))
    with pytest.raises(UsageError, match=f"{child} .child. waits for {parent}"):
        orders.remove(spool, parent)
    orders.cancel(spool, child)
    assert orders.remove(spool, parent).jid == parent


def test_a_job_that_a_node_still_stops_stays(spool: Spool, publish: Publish, worker: Any) -> None:
    jid = publish()
    worker.claim(jid, 1)
    orders.cancel(spool, jid)
    age(spool, jid, 31)
    sweep(spool)
    assert state(spool, jid) == [CANCELLED]


def test_a_job_whose_record_is_torn_goes_too(spool: Spool, over: Over) -> None:
    jid = over("torn")
    Path(spool.job(jid, "job.info")).write_bytes(b"")
    age(spool, jid, 31)
    sweep(spool)
    assert state(spool, jid) == [GONE]


def test_an_old_job_goes_however_many_young_ones_there_are(spool: Spool, over: Over) -> None:
    young = [over(f"young{n}") for n in range(JOBS_A_SWEEP + 1)]
    old = over("old", days=31)
    sweep(spool, times=200)
    assert state(spool, old, *young) == [GONE] + [DONE] * len(young)


# How much.

MEGABYTE = 1 << 20
GB_OF = {2: 2.5 * MEGABYTE / retention.GB, 1: 1.5 * MEGABYTE / retention.GB}


def test_the_oldest_go_first_when_there_is_too_much(spool: Spool, over: Over) -> None:
    jids = [over(f"job{n}", days=days, size=MEGABYTE) for n, days in enumerate((3, 9, 1, 5))]
    sweep(keeping(spool, gb=GB_OF[2]))
    assert state(spool, *jids) == [DONE, GONE, DONE, GONE]


def test_open_and_failed_jobs_never_give_way(spool: Spool, publish: Publish, over: Over) -> None:
    opened, failed = publish("open"), over("failed", FAILED, days=20, size=MEGABYTE)
    Path(spool.job(opened, "log", "x.log")).write_bytes(b"x" * MEGABYTE)
    cancelled, done = (over(n, n, days=1, size=MEGABYTE) for n in (CANCELLED, DONE))
    sweep(keeping(spool, gb=1e-9))
    assert state(spool, opened, failed, cancelled, done) == ["queue", FAILED, GONE, GONE]


def test_a_job_with_a_word_of_its_own_does_not_give_way(spool: Spool, over: Over) -> None:
    own, other = over("own", days=9, size=MEGABYTE, keep=60 * DAY), over("other", size=MEGABYTE)
    sweep(keeping(spool, gb=1e-9))
    assert state(spool, own, other) == [DONE, GONE]


def test_nothing_gives_way_while_all_of_it_fits(spool: Spool, over: Over) -> None:
    jids = [over(f"job{n}", days=n, size=MEGABYTE) for n in range(3)]
    sweep(keeping(spool, gb=1))
    assert state(spool, *jids) == [DONE] * 3


def test_without_a_limit_nothing_is_measured(spool: Spool, over: Over) -> None:
    jid = over("big", size=10 * MEGABYTE)
    sweep(keeping(spool, gb=0))
    assert state(spool, jid) == [DONE]
    assert not os.path.exists(spool.at("history", retention.SIZES))


def test_journals_of_the_dead_give_way_and_those_of_the_living_stay(
    spool: Spool, worker: Any
) -> None:
    for inc in (worker.inc, "ws01-00000001"):
        history.append(spool, inc, [{"ev": "done", "why": "x" * 1000}])
    sweep(keeping(spool, gb=1e-9))
    assert sorted(os.listdir(spool.at("history"))) == [retention.SIZES, f"{worker.inc}.jsonl"]
    assert len(list(history.events(spool))) == 1


class Counting(PosixShare):
    """A real share that counts the logs that are measured."""

    def __init__(self) -> None:
        self.logs = 0

    def stat(self, path: str) -> Any:
        self.logs += path.endswith(".log")
        return super().stat(path)


@pytest.fixture
def counting(spool: Spool) -> tuple[Spool, Counting]:
    share = Counting()
    return replace(keeping(spool, gb=1), share=share), share


def test_a_closed_job_is_measured_once_for_all_nodes(
    over: Over, counting: tuple[Spool, Counting]
) -> None:
    spool, share = counting
    for number in range(3):
        over(f"job{number}", size=MEGABYTE)
    sweep(spool)
    assert share.logs == 3
    over("new", size=MEGABYTE)
    sweep(spool)
    assert share.logs == 4
    sizes = retention.read_sizes(spool)
    assert sizes.is_whole
    assert [s.bytes >= MEGABYTE for s in sizes.jobs.values()] == [True] * 4


def test_within_the_hour_nobody_measures_again(
    over: Over, counting: tuple[Spool, Counting]
) -> None:
    spool, share = counting
    sweep(spool, is_hourly=False)
    over("new", size=MEGABYTE)
    sweep(spool, is_hourly=False)
    assert share.logs == 0


def test_measuring_goes_on_where_it_was_broken_off(
    spool: Spool, over: Over, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "FILES_A_SWEEP", 4)
    jids = [over(f"job{n}", days=n, size=MEGABYTE) for n in range(5)]
    few = keeping(spool, gb=GB_OF[1])
    Janitor(few).sweep(0.0)
    sizes = retention.read_sizes(spool)
    assert not sizes.is_whole
    assert 0 < len(sizes.jobs) < len(jids)
    assert state(spool, *jids) == [DONE] * 5  # not all is known yet: nothing gives way
    sweep(few, times=20)
    assert state(spool, *jids) == [DONE, GONE, GONE, GONE, GONE]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"jobs": 3, "whole": true}', '{"jobs": {"a": 1}}']
)
def test_a_torn_record_of_sizes_is_made_anew(spool: Spool, over: Over, text: str) -> None:
    over("job", size=MEGABYTE)
    Path(spool.at("history", retention.SIZES)).write_text(text)
    sweep(spool)
    assert len(json.loads(Path(spool.at("history", retention.SIZES)).read_text())["jobs"]) == 1


def test_several_janitors_at_once_remove_no_more_than_one(spool: Spool, over: Over) -> None:
    few = keeping(spool, gb=GB_OF[2])
    janitors = [Janitor(few) for _ in range(3)]
    for janitor in janitors:
        janitor.sweep(0.0)
    jids = [over(f"job{n}", days=9 - n, size=MEGABYTE) for n in range(5)]
    for number in range(12):
        for janitor in janitors:
            janitor.sweep(2 * HOUR + number * SWEEP_EVERY)
        an_hour_later(spool)
    assert state(spool, *jids) == [GONE, GONE, GONE, DONE, DONE]


# What a remover left undone.


def test_a_removal_that_was_cut_short_is_finished(spool: Spool, over: Over) -> None:
    jid = over("cut")
    _, ticket = tickets.everywhere(spool)[jid]
    os.rename(spool.at(DONE, ticket.name), spool.at("trash", ticket.name))
    sweep(spool)
    assert not os.path.exists(spool.job(jid))


def test_a_ticket_in_the_trash_of_a_job_that_is_there_proves_nothing(
    spool: Spool, over: Over
) -> None:
    jid = over("there")
    _, ticket = tickets.everywhere(spool)[jid]
    Path(spool.at("trash", replace(ticket, g=0).name)).write_bytes(b"x")
    sweep(spool)
    assert os.path.exists(spool.job(jid))
