"""What a program that died in the midst of a step leaves goes when a day is over."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd.core import frames as ranges
from renderd.core import video
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.core.names import new_jid
from renderd.errors import ShareUnsure
from renderd.spool import frames, jobs, nodes, orders, passes
from renderd.spool.janitor import Janitor
from renderd.spool.layout import Spool
from renderd.spool.output import Output
from renderd.spool.passes import Pass
from renderd.spool.retention import DAY
from renderd.spool.share import PosixShare


class Last(PosixShare):
    """A real share on which a program dies before it makes or moves a path with some text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_dead = False

    def _check(self, path: str) -> None:
        self.is_dead = self.is_dead or self.text in path
        if self.is_dead:  # nor does what would clear up
            raise KeyboardInterrupt

    def mkdir(self, path: str) -> None:
        self._check(path)
        super().mkdir(path)

    def rename(self, old: str, new: str) -> None:
        self._check(new)
        super().rename(old, new)

    def unlink(self, path: str) -> None:
        self._check(path)
        super().unlink(path)


ORDER = jobs.Order("me@here")
Claim = Callable[[Spool], None]


def sweep(spool: Spool, *times: float) -> None:
    sweeper = Janitor(spool)
    for now in times:
        sweeper.sweep(now)


def older(path: str, seconds: float = 2 * DAY) -> None:
    past = os.stat(path).st_mtime - seconds
    os.utime(path, (past, past))


def test_a_job_of_which_there_is_only_a_folder_goes(spool: Spool) -> None:
    fresh, old = new_jid(random.Random(1)), new_jid(random.Random(2))
    for jid in (fresh, old):
        os.mkdir(spool.job(jid))
    older(spool.job(old))
    sweep(spool, 0.0)
    assert os.listdir(spool.at("jobs")) == [fresh]


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    """A job of two frames with a movie of them."""
    runs, out = ranges.parse("1-2"), f"{tmp_path}/out/shot_####.png"
    film = video.parse("h264")
    info = Info(commands=(("prog", "{out}"),), frames=runs, extra=(("x-fps", "24"),), video=film)
    return Draft(name="shot", slug="shot", info=info, runs=runs, out=out, writes=Writes.PRIVATE)


def test_a_movie_whose_publisher_died_goes(spool: Spool, draft: Draft, tmp_path: Path) -> None:
    dying = replace(spool, share=Last("shot-video.info"))
    with pytest.raises(KeyboardInterrupt):
        jobs.publish(dying, draft, ORDER)
    for jid in os.listdir(spool.at("jobs")):
        older(spool.job(jid, "ticket"))
    sweep(spool, 0.0)
    assert os.listdir(spool.at("jobs")) == []
    assert not (tmp_path / "out" / ".renderd").exists()


def test_a_node_that_died_before_its_first_beat_is_forgotten(spool: Spool) -> None:
    with pytest.raises(KeyboardInterrupt):
        nodes.register(replace(spool, share=Last("/beat/")), "ws07-0123abcd", {}, 5)
    older(spool.node("ws07-0123abcd"))
    sweep(spool, 0.0, DAY - 1)
    assert nodes.dead(spool) == set()
    sweep(spool, 0.0, DAY + 1)
    assert nodes.dead(spool) == {"ws07-0123abcd"}
    sweep(spool, 0.0, DAY + 1)
    assert os.listdir(spool.at("nodes")) == []


def test_a_node_that_beats_is_never_taken_for_one_that_did_not(spool: Spool) -> None:
    nodes.register(spool, "ws07-0123abcd", {}, 5)
    older(spool.node("ws07-0123abcd"))
    sweep(spool, 0.0, DAY + 1, 3 * DAY)
    assert nodes.dead(spool) == set()


# Marks of File Output nodes.


@pytest.fixture
def output(spool: Spool, draft: Draft) -> Output:
    jid = jobs.publish(spool, replace(draft, info=replace(draft.info, video=None)), ORDER)
    found = frames.locate(spool, jobs.read(spool, jid))
    assert found is not None
    return found


@pytest.fixture
def claim(output: Output, tmp_path: Path) -> Claim:
    depth = Pass("depth", f"{tmp_path}/depth", ("depth_####",), "File Output")
    return lambda spool: passes.claim(spool, output, [depth])


def job_of(spool: Spool, output: Output) -> Job:
    return jobs.read(spool, output.jid)


def test_a_mark_goes_with_the_job_also_where_who_put_it_died(
    spool: Spool, output: Output, claim: Claim, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        claim(replace(spool, share=Last(f"{output.jid}/passes")))
    claim(spool)  # the next attempt
    frames.disown(spool, job_of(spool, output))
    assert os.listdir(tmp_path / "depth") == []


def test_the_record_of_marks_stays_while_they_cannot_be_taken_away(
    spool: Spool, output: Output, claim: Claim, tmp_path: Path
) -> None:
    class Away(PosixShare):
        def unlink(self, path: str) -> None:
            if "/depth/" in path:
                raise TimeoutError(110, "timed out", path)
            super().unlink(path)

    claim(spool)
    with pytest.raises(TimeoutError):
        frames.disown(replace(spool, share=Away()), job_of(spool, output))
    frames.disown(spool, job_of(spool, output))
    assert os.listdir(tmp_path / "depth") == []


# Orders of which a part failed.


class Refusing(PosixShare):
    """A real share that does not move one chunk."""

    def rename(self, old: str, new: str) -> None:
        if "/00001_" in old:
            raise OSError(28, "No space left on device", old)
        super().rename(old, new)


def test_a_retry_says_which_chunks_it_could_not_revive(
    spool: Spool, publish: Callable[..., str], worker: Any
) -> None:
    jid = publish(span="1-20")
    worker.fail(jid, 1, 2)
    with pytest.raises(ShareUnsure, match=r"1 chunk .* could not be revived"):
        orders.retry(replace(spool, share=Refusing()), jid)
    assert orders.retry(spool, jid).indices == (1,)


def test_a_skip_says_which_chunks_it_could_not_skip(
    spool: Spool, publish: Callable[..., str]
) -> None:
    jid = publish(span="1-20")
    with pytest.raises(ShareUnsure, match=r"1 chunk .* could not be skipped"):
        orders.skip(replace(spool, share=Refusing()), jid, lambda _: True)
    assert orders.skip(spool, jid, lambda _: True).indices == (1,)
