"""What lacks here stops what needs it and nothing else, costs no retry, and ends by itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from driven import Driven, drive

from renderd.core import frames as ranges
from renderd.core import room
from renderd.core.farm import Root
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.daemon.loop import Nudge
from renderd.daemon.work import Ending, Result
from renderd.spool import jobs, reasons, tickets
from renderd.spool.layout import DONE, Spool
from renderd.spool.listing import chunks
from renderd.spool.share import PosixShare, Space, Stat

GB = 1 << 30
Add = Callable[..., str]


class Disks(PosixShare):
    """A real share whose folders named disk… lie on file systems of their own, as full as told."""

    def __init__(self) -> None:
        self.free: dict[str, int] = {}
        self.total = 1000 * GB
        self.inodes = -1
        self.asked = 0

    def _disk(self, path: str) -> str:
        return next((part for part in path.split("/") if part.startswith("disk")), "")

    def stat(self, path: str) -> Stat:
        found = super().stat(path)
        disk = self._disk(path)
        return replace(found, dev=int(disk[4:])) if disk else found

    def space(self, path: str) -> Space:
        self.asked += 1
        return Space(self.free.get(self._disk(path), 500 * GB), self.total, self.inodes)


@pytest.fixture
def share() -> Disks:
    return Disks()


@pytest.fixture
def driven(spool: Spool, clock: list[float], share: Disks) -> Driven:
    return drive(replace(spool, share=share), clock, "ws07-0123abcd")


@pytest.fixture
def add(spool: Spool, tmp_path: Path) -> Add:
    """Publish a job that writes to a disk; its jid."""
    numbers = iter(range(1000))

    def put(disk: str, span: str = "1-10", *, program: str = "prog", priority: int = 50) -> str:
        runs = ranges.parse(span)
        info = Info(commands=((program, "{out}"),), frames=runs, retries=0, priority=priority)
        out = f"{tmp_path}/{disk}/o{next(numbers)}_####.png"
        draft = Draft(
            name=disk, slug=disk, info=info, runs=runs, out=out, size=10, writes=Writes.PRIVATE
        )
        return jobs.publish(spool, draft, jobs.Order("me@here"))

    return put


def end(driven: Driven, ending: Ending, **said: Any) -> str:
    """The chunk in work ends for want of something; its job."""
    work = driven.works.pop(0)
    driven.tick(0.0, Result(work=work, ending=ending, wall=1.0, **said))
    return work.job.jid


def fill(driven: Driven, share: Disks, free: int = 0) -> str:
    """The disk of the chunk in work fills up; its job."""
    assert driven.works[0].output is not None
    folder = driven.works[0].output.folder
    share.free[share._disk(folder)] = free
    return end(driven, Ending.NO_SPACE, reason=f"no space left in {folder}", where=folder)


def failures(spool: Spool, *jids: str) -> int:
    return sum(c.failures for jid in jids for c in chunks(spool, jid))


def test_a_full_disk_stops_its_jobs_and_no_others(
    spool: Spool, add: Add, driven: Driven, share: Disks
) -> None:
    full, other = add("disk1", priority=60), add("disk2")
    driven.tick(0.0, Nudge())
    assert fill(driven, share, GB // 3) == full
    driven.run(60)
    (work,) = driven.works
    assert work.job.jid == other
    assert failures(spool, full, other) == 0
    assert driven.node.rest.reason == ""
    assert driven.loop.snapshot["refuses"][full].startswith("has only 0.3 GB free on /")
    assert driven.loop.snapshot["shortages"] == [driven.loop.snapshot["refuses"][full]]


def test_work_goes_on_by_itself_when_there_is_room_enough(
    spool: Spool, add: Add, driven: Driven, share: Disks
) -> None:
    jid = add("disk1")
    driven.tick(0.0, Nudge())
    fill(driven, share)
    driven.run(600)
    assert driven.works == []
    assert driven.loop.snapshot["state"] == "waiting"
    share.free["disk1"] = GB // 2  # a little is not enough: it would be full again at once
    driven.run(60)
    assert driven.works == []
    share.free["disk1"] = 2 * GB
    driven.run(30)
    assert len(driven.works) == 1
    end(driven, Ending.DONE)
    assert (tickets.find(spool, jid) or ("",))[0] == DONE
    assert driven.loop.snapshot["shortages"] == []


def test_enough_means_ten_of_the_jobs_own_frames(add: Add, driven: Driven, share: Disks) -> None:
    add("disk1")
    driven.tick(0.0, Nudge())
    driven.works[0].frame_bytes = GB
    fill(driven, share)
    share.free["disk1"] = 9 * GB
    driven.run(60)
    assert driven.works == []
    share.free["disk1"] = 10 * GB
    driven.run(30)
    assert len(driven.works) == 1


def test_nothing_is_begun_on_a_disk_that_is_nearly_full(
    add: Add, driven: Driven, share: Disks
) -> None:
    share.free["disk1"] = 10 << 20
    jid = add("disk1")
    driven.run(30)
    assert driven.works == []
    assert "10 MB free on" in driven.loop.snapshot["refuses"][jid]


def test_inodes_are_room_too(add: Add, driven: Driven, share: Disks) -> None:
    share.inodes = 1
    jid = add("disk1")
    driven.run(30)
    assert driven.works == []
    assert "a few inodes free on" in driven.loop.snapshot["refuses"][jid]


def test_a_disk_is_asked_once_for_all_its_jobs(add: Add, driven: Driven, share: Disks) -> None:
    for _ in range(20):
        add("disk1")
    share.free["disk1"] = 0
    driven.tick(0.0, Nudge())
    assert share.asked == 1


def test_the_reason_names_the_root_as_people_call_it(
    spool: Spool, add: Add, driven: Driven, share: Disks, tmp_path: Path
) -> None:
    roots = (Root(name="proj", linux=f"{tmp_path}/disk1"),)
    driven.node.shortages.spool = replace(driven.node.spool, farm=replace(spool.farm, roots=roots))
    jid = add("disk1")
    share.free["disk1"] = 0
    driven.run(10)
    assert driven.loop.snapshot["refuses"][jid] == f"has only 0 MB free on {tmp_path}/disk1 (proj)"


def test_a_quota_is_tried_again_after_longer_and_longer(
    spool: Spool, add: Add, driven: Driven, share: Disks
) -> None:
    jid = add("disk1")
    tries = 0
    for _ in range(3600):
        driven.tick(1.0)
        if driven.works:
            tries += 1
            fill(driven, share, 500 * GB)  # the disk has room, this user has none
    assert 10 <= tries <= 30
    assert failures(spool, jid) == 0


def test_a_share_that_is_gone_stops_what_lies_there(spool: Spool, add: Add, driven: Driven) -> None:
    gone, other = add("disk1", priority=60), add("disk2")
    driven.tick(0.0, Nudge())
    assert driven.works[0].output is not None
    where = driven.works[0].output.folder
    end(driven, Ending.UNABLE, reason="stale file handle", where=where)
    driven.run(10)
    assert [w.job.jid for w in driven.works] == [other]
    end(driven, Ending.DONE)
    driven.run(60)
    assert [w.job.jid for w in driven.works] == [gone]
    assert failures(spool, gone, other) == 0


def test_a_chunk_whose_own_words_cannot_run_here_does_not_keep_its_job_waiting(
    spool: Spool, add: Add, driven: Driven
) -> None:
    jid = add("disk1", "1-40")
    odd = min(Path(spool.job(jid, "000")).iterdir())
    odd.write_text("touch forbidden\n")
    tries, done = 0, []
    for seconds in range(600):
        driven.tick(1.0, Nudge())
        if driven.works and driven.works[0].commands == (("touch", "forbidden"),):
            tries += 1
            driven.end(Ending.UNABLE, "this node does not allow the program touch")
        elif driven.works:
            done.append(seconds)
            driven.end()
    assert len(done) == 3
    assert done[-1] < 60  # the odd one's waits are its own
    assert 4 <= tries <= 7  # after 15 s, 30, 60, 120, 240
    assert failures(spool, jid) == 0


def test_a_missing_licence_stops_the_jobs_of_that_program(
    spool: Spool, add: Add, driven: Driven
) -> None:
    dear = [add("disk1", program="/opt/dear", priority=60) for _ in range(2)]
    free = add("disk1")
    driven.tick(0.0, Nudge())
    jid = end(driven, Ending.NO_LICENCE, reason="no licence: all seats are taken")
    assert jid in dear
    driven.run(20)
    assert [w.job.jid for w in driven.works] == [free]
    assert set(driven.loop.snapshot["refuses"]) == set(dear)
    assert driven.loop.snapshot["shortages"] == ["no licence: all seats are taken"]
    end(driven, Ending.DONE)
    driven.run(120)
    assert driven.works[0].job.jid in dear
    assert failures(spool, *dear) == 0


def test_a_full_disk_of_the_node_itself_stops_all_work_here(
    spool: Spool, add: Add, driven: Driven, share: Disks, tmp_path: Path
) -> None:
    temp = tmp_path / "disk9"
    temp.mkdir()
    driven.node.shortages.temp = str(temp)
    jids = [add("disk1"), add("disk2")]
    driven.tick(0.0, Nudge())
    share.free["disk9"] = 0
    end(driven, Ending.NO_SPACE, reason=f"no space left in {temp}", where=str(temp))
    driven.run(60)
    assert driven.works == []
    assert failures(spool, *jids) == 0
    assert set(driven.loop.snapshot["refuses"]) == set(jids)
    share.free["disk9"] = 100 * GB
    driven.run(30)
    assert len(driven.works) == 1


def test_why_names_what_only_the_node_can_see(
    spool: Spool, add: Add, driven: Driven, share: Disks
) -> None:
    jid = add("disk1")
    share.free["disk1"] = 0
    driven.run(30)
    place = tickets.find(spool, jid)
    assert place is not None
    _, _, (verdict,) = reasons.read(spool, place)
    assert not verdict.takes
    assert verdict.reason.startswith("has only 0 MB free on ")


def test_frames_that_wait_are_left_for_the_next_attempt(add: Add, driven: Driven) -> None:
    add("disk1")
    driven.tick(0.0, Nudge())
    (work,) = driven.works
    assert work.output is not None
    private = Path(work.output.private(work.claim.stem))
    private.mkdir()
    end(driven, Ending.BUSY, reason="held open", keeps=True)
    assert private.exists()
    driven.run(10)
    (work,) = driven.works  # nobody else could try
    assert work.output is not None
    private = Path(work.output.private(work.claim.stem))
    private.mkdir()
    end(driven, Ending.BUSY, reason="held open")
    assert not private.exists()


@pytest.mark.parametrize("total", [2 << 20, GB, 100 * GB, 10_000 * GB])
@pytest.mark.parametrize("frame", [0, 100_000, 5 * GB])
def test_enough_is_never_less_than_what_is_needed_to_begin(total: int, frame: int) -> None:
    assert room.enough_bytes(total, frame) >= room.least_bytes(total, frame)
    assert room.enough_bytes(total, frame) <= max(total // 2, frame)
