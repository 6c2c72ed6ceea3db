"""A job appears all at once or not at all, and closes when it is seen to have ended."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd.core import farm
from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.errors import OutputOwned, OutputUnseen, ShareUnsure, UsageError
from renderd.spool import jobs, tickets
from renderd.spool.layout import DONE, FAILED, HELD, QUEUE, WAITING, Spool
from renderd.spool.listing import chunks
from renderd.spool.share import PosixShare
from renderd.spool.survey import Survey

Publish = Callable[..., str]
RUNS = ranges.parse("1-30")
PLATFORM = "darwin" if sys.platform == "darwin" else "linux"


def draft(name: str = "shot", out: str = "", **said: Any) -> Draft:
    info = Info(commands=(("prog", "{start}", "{end}"),), frames=RUNS, **said)
    writes = Writes.ITSELF if out else Writes.NOTHING
    return Draft(name=name, slug=name, info=info, runs=RUNS, out=out, writes=writes)


class Failing(PosixShare):
    """A real share that breaks at the n-th file that is made."""

    def __init__(self, at: int) -> None:
        self.left = at

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(28, "No space left on device", path)
        super().create(path, data, sync=sync)


@pytest.mark.parametrize("at", range(1, 7))
def test_a_publication_that_breaks_leaves_nothing_visible(
    spool: Spool, tmp_path: Path, at: int
) -> None:
    broken = replace(spool, share=Failing(at))
    with pytest.raises(OSError, match="No space left"):
        jobs.publish(broken, draft(), jobs.Order("me@here"))
    assert tickets.everywhere(spool) == {}
    assert os.listdir(spool.at("jobs")) == []


class Forgetful(PosixShare):
    """A server that forgets an acknowledged chunk once, as after a power cut without sync."""

    has_forgotten = False

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        if "/queue/" in new and not self.has_forgotten:
            self.has_forgotten = True
            jid = new.split("~")[1]
            folder = f"{new.split('/queue/', maxsplit=1)[0]}/jobs/{jid}/000"
            os.unlink(f"{folder}/{sorted(os.listdir(folder))[0]}")


def test_a_server_that_forgot_gets_the_job_anew(spool: Spool) -> None:
    jid = jobs.publish(replace(spool, share=Forgetful()), draft(), jobs.Order("me@here"))
    assert [t.jid for t in tickets.listed(spool, QUEUE)] == [jid]
    assert len(chunks(spool, jid)) == 3


def test_progress_is_told_and_ends_at_the_whole(spool: Spool) -> None:
    told: list[tuple[int, int]] = []
    big = replace(draft(), runs=ranges.parse("1-250"), size=1)
    jobs.publish(spool, big, jobs.Order("me@here"), lambda n, of: told.append((n, of)))
    assert told == [(100, 250), (200, 250), (250, 250)]


def test_a_job_is_read_as_it_was_published(spool: Spool) -> None:
    jid = jobs.publish(spool, draft(priority=70, pool=("gpu",)), jobs.Order("me@here"))
    job = jobs.read(spool, jid)
    assert (job.chunks, job.owner, job.name, job.info.priority) == (3, "me@here", "shot", 70)
    assert job.info.pool == ("gpu",)


def test_of_two_jobs_into_one_output_the_second_is_refused_by_name(
    spool: Spool, tmp_path: Path
) -> None:
    out = f"{tmp_path}/out/shot_####.png"
    first = jobs.publish(spool, draft(out=out), jobs.Order("me@here"))
    with pytest.raises(OutputOwned, match=first):
        jobs.publish(spool, draft("other", out=out), jobs.Order("me@here"))
    assert len(tickets.everywhere(spool)) == 1


def test_replace_cancels_the_job_that_owns_the_output(spool: Spool, tmp_path: Path) -> None:
    out = f"{tmp_path}/out/shot_####.png"
    first = jobs.publish(spool, draft(out=out), jobs.Order("me@here"))
    second = jobs.publish(spool, draft(out=out), jobs.Order("me@here", replaces=True))
    places = tickets.everywhere(spool)
    assert (places[first][0], places[second][0]) == ("cancelled", QUEUE)


def test_another_pattern_in_the_same_folder_is_another_output(spool: Spool, tmp_path: Path) -> None:
    for name in ("a", "b"):
        wanted = draft(name, out=f"{tmp_path}/out/{name}_####.png")
        jobs.publish(spool, wanted, jobs.Order("me@here"))
    assert len(tickets.listed(spool, QUEUE)) == 2


def close(spool: Spool, jid: str, *, has_failed: bool = False) -> bool:
    place = tickets.find(spool, jid)
    assert place
    survey = Survey(jid, jobs.read(spool, jid).chunks)
    return jobs.close(spool, place, survey, has_failed=has_failed)


def test_all_who_close_a_job_close_it_to_one_name(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-20")
    worker.finish(jid, 1, 2)
    place = tickets.find(spool, jid)
    assert place
    for _ in range(2):
        assert jobs.close(spool, place, Survey(jid, 2), has_failed=False)
    assert tickets.everywhere(spool) == {jid: (DONE, place[1].next())}


class Raced(PosixShare):
    """A real share on which somebody else bumps the ticket just before we do."""

    has_raced = False

    def rename(self, old: str, new: str) -> None:
        if "/queue/" in old and not self.has_raced:
            self.has_raced = True
            super().rename(old, new)
        super().rename(old, new)


def test_anothers_bump_is_not_taken_for_ours(spool: Spool, publish: Publish) -> None:
    jid = publish()
    tickets.bump(replace(spool, share=Raced()), jid)
    assert [t.g for t in tickets.listed(spool, QUEUE)] == [2]


def test_a_job_closed_too_early_is_opened_again(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-20")
    worker.finish(jid, 1)
    assert not close(spool, jid)
    assert [t.jid for t in tickets.listed(spool, QUEUE)] == [jid]


def test_a_failed_job_lies_in_failed(spool: Spool, publish: Publish, worker: Any) -> None:
    jid = publish(span="1-20")
    worker.finish(jid, 1)
    worker.fail(jid, 2)
    assert close(spool, jid, has_failed=True)
    assert [t.jid for t in tickets.listed(spool, FAILED)] == [jid]


def test_a_job_waits_for_all_it_comes_after(spool: Spool, publish: Publish, worker: Any) -> None:
    first, second = publish("a", "1-10"), publish("b", "1-10")
    third = publish("c", "1-10", after=(first, second))
    assert [t.jid for t in tickets.listed(spool, WAITING)] == [third]
    worker.finish(first, 1)
    close(spool, first)
    assert [t.jid for t in tickets.listed(spool, WAITING)] == [third]
    worker.finish(second, 1)
    close(spool, second)
    assert [t.jid for t in tickets.listed(spool, WAITING)] == []
    assert third in {t.jid for t in tickets.listed(spool, QUEUE)}


def test_after_means_the_newest_of_a_name(spool: Spool, publish: Publish) -> None:
    publish("sim", "1-10")
    newest = publish("sim", "1-10")
    os.utime(spool.job(newest, "job.info"), (2e9, 2e9))
    assert jobs.resolve_after(spool, ("sim",)) == (newest,)
    with pytest.raises(UsageError, match="no job is called 'nothing'"):
        jobs.resolve_after(spool, ("nothing",))


def test_a_held_job_is_published_into_held(spool: Spool, publish: Publish) -> None:
    jid = publish(held=True)
    assert [t.jid for t in tickets.listed(spool, HELD)] == [jid]


def test_a_job_is_named_by_id_prefix_or_name(spool: Spool, publish: Publish) -> None:
    jid = publish("turntable")
    for word in (jid, jid[:5], "turntable", "Turntable"):
        assert jobs.select(spool, word)[1].jid == jid
    with pytest.raises(UsageError, match="turntable"):
        jobs.select(spool, "turntabel")


def test_a_name_of_two_open_jobs_is_ambiguous(spool: Spool, publish: Publish) -> None:
    publish("shot")
    publish("shot")
    with pytest.raises(UsageError, match="means 2 jobs"):
        jobs.select(spool, "shot")


def test_a_bump_is_a_rename_of_our_own(spool: Spool, publish: Publish) -> None:
    jid = publish()
    tickets.bump(spool, jid)
    tickets.bump(spool, jid)
    assert [(f, t.g) for f, t in tickets.everywhere(spool).values()] == [(QUEUE, 2)]


def test_a_bump_leaves_a_held_job_held_and_a_closed_one_closed(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    held, done = publish("a", held=True), publish("b", "1-10")
    worker.finish(done, 1)
    close(spool, done)
    for jid in (held, done):
        tickets.bump(spool, jid)
    places = tickets.everywhere(spool)
    assert (places[held][0], places[held][1].g) == (HELD, 1)
    assert places[done][0] == DONE


def test_a_bump_opens_a_failed_job_again(spool: Spool, publish: Publish, worker: Any) -> None:
    jid = publish(span="1-10")
    worker.fail(jid, 1)
    close(spool, jid, has_failed=True)
    assert tickets.bump(spool, jid)  # a chunk came back that a stale list had shown as failed
    assert [t.jid for t in tickets.listed(spool, QUEUE)] == [jid]


class Moving(PosixShare):
    """A real share on which a ticket is released while the folders are listed."""

    def __init__(self, old: str, new: str) -> None:
        self.move = [(old, new)]

    def listdir(self, path: str) -> list[str]:
        found = super().listdir(path)
        if path.endswith(QUEUE) and self.move:
            self.rename(*self.move.pop())
        return found


def test_a_ticket_on_its_way_is_found(spool: Spool, publish: Publish) -> None:
    jid = publish(held=True)
    place = tickets.find(spool, jid)
    assert place
    moving = Moving(spool.at(HELD, place[1].name), spool.at(QUEUE, place[1].next().name))
    assert tickets.find(replace(spool, share=moving), jid) == (QUEUE, place[1].next())


def test_of_two_tickets_of_one_job_the_higher_g_counts(spool: Spool, publish: Publish) -> None:
    jid = publish()
    place = tickets.find(spool, jid)
    assert place
    Path(spool.at(HELD, place[1].next().name)).write_text("")
    assert tickets.find(spool, jid) == (HELD, place[1].next())


def test_a_discarded_job_leaves_its_output_to_others(spool: Spool, tmp_path: Path) -> None:
    out = f"{tmp_path}/out/shot_####.png"
    jobs.build(spool, "aaaaaaaaaa", draft(out=out), jobs.Order("me@here"))
    jobs.discard(spool, "aaaaaaaaaa")
    assert os.listdir(tmp_path / "out") == []
    with pytest.raises(ShareUnsure):
        jobs._withdraw(spool, "aaaaaaaaaa", draft(out=out))


def test_no_output_folder_is_made_where_its_path_root_is_not_mounted(
    spool: Spool, tmp_path: Path
) -> None:
    mounted = tmp_path / "proj"
    mounted.mkdir()  # an empty mount point
    seen = replace(spool, farm=farm.parse(f'[roots]\nproj = {{ {PLATFORM} = "{mounted}" }}\n'))
    queued = draft(out="{proj}/shot/f_####.png")
    with pytest.raises(OutputUnseen, match=r"proj.*empty: is its share mounted"):
        jobs.publish(seen, queued, jobs.Order("me@here"))
    assert not any(mounted.iterdir())
    assert not tickets.everywhere(spool)
    (mounted / "assets").mkdir()
    assert jobs.publish(seen, queued, jobs.Order("me@here"))
