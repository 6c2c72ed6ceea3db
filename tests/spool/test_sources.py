"""What is rendered is the .blend that was queued, and nothing of it is left behind."""

import contextlib
import os
import random
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd.core import frames as ranges
from renderd.core import source as record
from renderd.core.infofile import Info
from renderd.core.job import Draft, Job, Writes
from renderd.core.source import Planned, Stamp
from renderd.errors import OutputOwned, SourceChanged, SourceError
from renderd.spool import closing, control, jobs, orders, sources, tickets
from renderd.spool.layout import CANCELLED, HELD, OPEN, QUEUE, Spool
from renderd.spool.share import PosixShare
from renderd.spool.sources import Kind

Add = Callable[..., Job]
CONTENT = b"BLENDER-v304" + bytes(range(256)) * 1200


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """An artist's file in a folder of its own."""
    path = tmp_path / "proj" / "shot.blend"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def draft(path: Path, **said: Any) -> Draft:
    """A job planned from a file as it is now."""
    now = path.stat()
    info = Info(commands=(("blender", "-b", "{blend}"),), blend=str(path))
    planned = Planned(str(path), Stamp(now.st_size, now.st_mtime_ns))
    return Draft(
        **{"name": "shot", "slug": "shot", "info": info, "runs": None} | said, source=planned
    )


@pytest.fixture
def add(spool: Spool, shot: Path) -> Add:
    """Publish a job of the artist's file, with a copy where nothing else is said."""

    def publish(*, copies: bool = True, on: Spool = spool, **said: Any) -> Job:
        order = jobs.Order("me@here", copies=copies)
        return jobs.read(on, jobs.publish(on, draft(shot, **said), order))

    return publish


def beside(shot: Path) -> list[str]:
    """What lies beside the artist's file."""
    return sorted(set(os.listdir(shot.parent)) - {shot.name})


def resave(path: Path, data: bytes = CONTENT + b"more", *, later_ns: int = 10**9) -> None:
    """Save as Blender does: a new file takes the name."""
    before = path.stat().st_mtime_ns
    new = path.with_name("shot.blend@")
    new.write_bytes(data)
    os.utime(new, ns=(before + later_ns, before + later_ns))
    new.replace(path)


# The copy.


def test_a_job_renders_a_hidden_copy_beside_the_file(spool: Spool, shot: Path, add: Add) -> None:
    job = add()
    assert beside(shot) == [f".shot.{job.jid}.blend"]
    copy = Path(job.info.blend)
    assert (copy.parent, copy.read_bytes()) == (shot.parent, CONTENT)
    text = next(Path(spool.job(job.jid, "000")).iterdir()).read_text()
    assert text == f"blender -b {copy}\n"
    extra = dict(job.info.extra)
    assert (extra[record.ORIGINAL], extra[record.SNAPSHOT]) == (str(shot), "yes")
    queued = record.stamp_of(job.info)
    assert queued is not None
    assert (queued.size, queued.mtime_ns) == (len(CONTENT), shot.stat().st_mtime_ns)
    assert len(queued.sha256) == 64


def test_the_ticket_keeps_the_artists_own_file(spool: Spool, shot: Path, add: Add) -> None:
    job = add()
    place = tickets.find(spool, job.jid)
    assert place
    text = Path(spool.at(place[0], place[1].name)).read_text()
    assert f"blend: {shot}\n" in text
    assert job.jid not in text


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_who_may_read_the_file_may_read_its_copy(shot: Path, add: Add, mode: int) -> None:
    shot.chmod(mode)
    found = Path(add().info.blend).stat()
    assert stat.S_IMODE(found.st_mode) == mode
    assert (found.st_gid, found.st_mtime_ns) == (shot.stat().st_gid, shot.stat().st_mtime_ns)


def test_a_link_to_a_file_is_copied_as_the_file_beside_the_link(shot: Path, add: Add) -> None:
    real = shot.with_name("shot_v012.blend")
    shot.rename(real)
    shot.symlink_to(real.name)
    copy = Path(add().info.blend)
    assert not copy.is_symlink()
    assert copy.read_bytes() == CONTENT


def test_a_very_long_name_still_has_a_copy() -> None:
    name = record.snapshot("/p/" + "ü" * 124 + ".blend", "abcdefghij").rpartition("/")[2]
    assert name.endswith(".abcdefghij.blend")
    assert len(f"blendcache_{name}".encode()) <= 255


def test_braces_in_a_folder_and_name_are_copied_as_they_are() -> None:
    path = record.snapshot("/p/{{a}}/s{{x}}.blend", "abcdefghij")
    assert path == "/p/{{a}}/.s{{x}}.abcdefghij.blend"


def test_without_a_copy_the_file_itself_is_rendered_and_known(shot: Path, add: Add) -> None:
    job = add(copies=False)
    assert beside(shot) == []
    assert job.info.blend == str(shot)
    queued = record.stamp_of(job.info)
    assert queued is not None
    assert len(queued.sha256) == 64


def test_a_file_saved_since_it_was_planned_is_not_queued(
    spool: Spool, shot: Path, add: Add
) -> None:
    planned = draft(shot)
    resave(shot)
    for copies in (True, False):
        with pytest.raises(SourceChanged, match=r"shot\.blend was saved while it was being queued"):
            jobs.publish(spool, planned, jobs.Order("me@here", copies=copies))
    assert beside(shot) == []
    assert os.listdir(spool.at("jobs")) == []


class Saving(PosixShare):
    """A share on which the artist saves in the midst of every copy."""

    def copy(self, source: str, target: str) -> None:
        super().copy(source, target)
        resave(Path(source))


def test_a_file_saved_while_it_is_copied_is_not_queued(spool: Spool, shot: Path, add: Add) -> None:
    with pytest.raises(SourceChanged):
        add(on=replace(spool, share=Saving()))
    assert beside(shot) == []
    assert tickets.everywhere(spool) == {}


class Broken(PosixShare):
    """A share whose copies are not what they were made from."""

    def __init__(self, at: int) -> None:
        self.at = at

    def copy(self, source: str, target: str) -> None:
        super().copy(source, target)
        with open(target, "r+b") as file:
            file.seek(self.at, os.SEEK_END if self.at < 0 else os.SEEK_SET)
            file.write(bytes(7))


@pytest.mark.parametrize("at", [0, -7])
def test_a_copy_that_does_not_read_as_the_file_is_not_used(
    spool: Spool, shot: Path, add: Add, at: int
) -> None:
    with pytest.raises(SourceError, match="does not read as the file itself"):
        add(on=replace(spool, share=Broken(at)))
    assert beside(shot) == []


class Refusing(PosixShare):
    def copy(self, source: str, target: str) -> None:
        raise OSError(30, "Read-only file system", target)


def test_a_folder_that_takes_no_copy_is_said_with_the_way_round(
    spool: Spool, shot: Path, add: Add
) -> None:
    with pytest.raises(SourceError) as caught:
        add(on=replace(spool, share=Refusing()))
    assert str(caught.value) == (
        f"no copy of shot.blend can be made in {shot.parent}: Read-only file system;"
        " say --no-snapshot to queue the file as it is, without a copy"
    )
    assert tickets.everywhere(spool) == {}


def test_a_job_that_is_refused_leaves_no_copy(spool: Spool, shot: Path, tmp_path: Path) -> None:
    runs = ranges.parse("1-3")
    said = {"runs": runs, "out": str(tmp_path / "out" / "f_####"), "writes": Writes.ITSELF}
    planned = draft(shot, **said)
    first = jobs.publish(spool, planned, jobs.Order("me@here", copies=True))
    with pytest.raises(OutputOwned):
        jobs.publish(spool, planned, jobs.Order("me@here", copies=True))
    assert beside(shot) == [f".shot.{first}.blend"]


def test_disk_caches_of_the_file_are_found_by_its_copy(shot: Path, add: Add) -> None:
    caches = shot.with_name("blendcache_shot")
    caches.mkdir()
    (caches / "cloth_000001_00.bphys").write_bytes(b"baked")
    job = add()
    link = shot.with_name(f"blendcache_.shot.{job.jid}")
    assert os.readlink(link) == "blendcache_shot"
    assert (link / "cloth_000001_00.bphys").read_bytes() == b"baked"


# What a crash leaves.


class Deadly(PosixShare):
    """A share that ends its program, without any clearing up, before its n-th change."""

    def __init__(self, at: int) -> None:
        self.left = at

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os._exit(9)

    def copy(self, source: str, target: str) -> None:
        self.step()
        Path(target).write_bytes(CONTENT[:1000])  # killed in the midst of it
        self.step()
        os.unlink(target)
        super().copy(source, target)

    def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
        self.step()
        super().create(path, data, sync=sync)

    def rename(self, old: str, new: str) -> None:
        self.step()
        super().rename(old, new)

    def mkdir(self, path: str) -> None:
        self.step()
        super().mkdir(path)

    def symlink(self, text: str, path: str) -> None:
        self.step()
        super().symlink(text, path)


def killed_at(spool: Spool, planned: Draft, at: int) -> bool:
    """Publish in a process that ends at its n-th change; whether it came that far."""
    child = os.fork()
    if child == 0:
        share = Deadly(at)
        with contextlib.suppress(BaseException):
            mortal = replace(spool, share=share, rng=random.Random(at))
            jobs.publish(mortal, planned, jobs.Order("me@here", copies=True))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_killed_at_any_step_no_job_renders_a_torn_copy_and_nothing_stays(
    spool: Spool, shot: Path
) -> None:
    shot.with_name("blendcache_shot").mkdir()
    planned, at = draft(shot), 0
    while killed_at(spool, planned, at := at + 1):
        published = set(tickets.everywhere(spool))
        for name in beside(shot):
            if name.endswith(".blend"):
                assert shot.with_name(name).read_bytes() == CONTENT, f"torn at step {at}"
        for jid in published:
            assert sources.compare(spool, jobs.read(spool, jid)) is None
            orders.cancel(spool, jid)
            orders.remove(spool, jid)
        there = beside(shot)
        jobs.sweep_unpublished(spool, shot.stat().st_mtime_ns - 10**18)
        assert beside(shot) == there, "who published a moment ago may still be at work"
        jobs.sweep_unpublished(spool, shot.stat().st_mtime_ns + 10**18)
        assert beside(shot) == ["blendcache_shot"], f"litter at step {at}"
    assert at > 12


# Comparing.


def test_a_copy_and_an_untouched_file_are_what_was_queued(
    spool: Spool, shot: Path, add: Add
) -> None:
    assert sources.compare(spool, add()) is None
    assert sources.compare(spool, add(copies=False)) is None


def test_saving_again_does_not_touch_a_job_with_a_copy(spool: Spool, shot: Path, add: Add) -> None:
    job = add()
    resave(shot)
    assert sources.compare(spool, job) is None
    assert Path(job.info.blend).read_bytes() == CONTENT


def test_a_file_saved_after_queuing_is_another_one(spool: Spool, shot: Path, add: Add) -> None:
    job = add(copies=False)
    resave(shot)
    found = sources.compare(spool, job)
    assert found is not None
    assert (found.kind, found.path, found.is_later) == (Kind.SAVED, str(shot), True)
    resave(shot, CONTENT[:-1] + b"x", later_ns=-(10**10))
    found = sources.compare(spool, job)
    assert found is not None
    assert not found.is_later


def test_a_file_of_the_same_content_is_the_same_whenever_it_was_saved(
    spool: Spool, shot: Path, add: Add
) -> None:
    job = add(copies=False)
    resave(shot, CONTENT)
    assert sources.compare(spool, job) is None
    now = shot.stat()
    said = control.read(spool, job.jid).source
    assert said == f"{now.st_size} {now.st_mtime_ns}", "others need not read all of it again"


def test_the_same_size_and_another_content_is_another_file(
    spool: Spool, shot: Path, add: Add
) -> None:
    job = add(copies=False)
    resave(shot, CONTENT[:-1] + b"x")
    assert sources.compare(spool, job) is not None


def test_an_accepted_file_is_taken_until_it_changes_again(
    spool: Spool, shot: Path, add: Add
) -> None:
    job = add(copies=False)
    resave(shot)
    found = sources.compare(spool, job)
    assert found is not None
    assert found.stamp is not None
    control.change(spool, job.jid, source=found.stamp.text())
    assert sources.compare(spool, job) is None
    resave(shot)
    assert sources.compare(spool, job) is not None


def test_releasing_a_job_held_for_its_file_accepts_that_file(
    spool: Spool, shot: Path, add: Add
) -> None:
    job = add(copies=False)
    orders.hold(spool, job.jid, "the farm")
    control.change(spool, job.jid, reason="shot.blend was saved 14:02", changed="7 9")
    orders.retry(spool, job.jid)
    assert tickets.find(spool, job.jid)[0] == HELD, "only release accepts a file"
    orders.release(spool, job.jid)
    said = control.read(spool, job.jid)
    assert (said.reason, said.changed, said.source) == ("", "", "7 9")
    orders.hold(spool, job.jid, "me")
    orders.release(spool, job.jid)
    assert control.read(spool, job.jid).source == "7 9"
    assert tickets.find(spool, job.jid)[0] == QUEUE


def test_a_copy_that_somebody_removed_or_overwrote_is_seen(
    spool: Spool, shot: Path, add: Add
) -> None:
    job = add()
    copy = Path(job.info.blend)
    data = copy.read_bytes()
    copy.write_bytes(data + b"!")
    found = sources.compare(spool, job)
    assert found is not None
    assert found.kind is Kind.SAVED
    copy.unlink()
    found = sources.compare(spool, job)
    assert found is not None
    assert found.kind is Kind.GONE
    assert sources.why_not_able(spool, job) == ""


def test_a_machine_that_sees_neither_is_not_able_and_blames_nobody(
    spool: Spool, shot: Path, add: Add
) -> None:
    for job in (add(), add(copies=False)):
        away = shot.parent.with_name("unmounted")
        shot.parent.rename(away)
        assert "is its share mounted?" in sources.why_not_able(spool, job)
        with pytest.raises(FileNotFoundError):
            sources.compare(spool, job)
        away.rename(shot.parent)
        assert sources.why_not_able(spool, job) == ""


# Clearing away.


def test_only_the_jobs_own_copy_is_ever_removed(spool: Spool, shot: Path, add: Add) -> None:
    shot.with_name("blendcache_shot").mkdir()
    job, other = add(), add()
    for blend, extra in [
        (str(shot), {}),
        (str(shot), {record.SNAPSHOT: "yes", record.ORIGINAL: str(shot)}),
        (other.info.blend, {record.SNAPSHOT: "yes", record.ORIGINAL: str(shot)}),
        (job.info.blend, {record.SNAPSHOT: "yes", record.ORIGINAL: "/elsewhere/shot.blend"}),
    ]:
        strange = replace(job, info=replace(job.info, blend=blend, extra=tuple(extra.items())))
        sources.remove(spool, strange)
    assert len(beside(shot)) == 5
    sources.remove(spool, job)
    left = {"blendcache_shot", f".shot.{other.jid}.blend", f"blendcache_.shot.{other.jid}"}
    assert set(beside(shot)) == left
    sources.remove(spool, job)


def test_a_folder_in_the_place_of_the_link_to_caches_stays(shot: Path, spool: Spool, add: Add):
    job = add()
    made = shot.with_name(f"blendcache_.shot.{job.jid}")
    made.mkdir()
    sources.remove(spool, job)
    assert beside(shot) == [made.name]


def test_a_removed_job_takes_its_copy_along(spool: Spool, shot: Path, add: Add) -> None:
    job = add()
    tickets.turn_surely(spool, job.jid, CANCELLED, among=OPEN)  # who cancelled it died
    assert beside(shot) == [f".shot.{job.jid}.blend"]
    orders.remove(spool, job.jid)
    assert beside(shot) == []


def test_a_job_cancelled_while_no_node_lives_leaves_nothing_beside_file_and_frames(
    spool: Spool, shot: Path, add: Add, tmp_path: Path
) -> None:
    out = f"{tmp_path}/out/shot_####.png"
    job = add(out=out, writes=Writes.PRIVATE)
    assert beside(shot)
    assert os.listdir(tmp_path / "out") == [".renderd"]
    orders.cancel(spool, job.jid)
    assert beside(shot) == []
    assert os.listdir(tmp_path / "out") == []


def test_a_folder_that_a_stopped_node_made_once_more_goes_too(
    spool: Spool, shot: Path, add: Add, tmp_path: Path
) -> None:
    out = f"{tmp_path}/out/shot_####.png"
    first = add(out=out, writes=Writes.PRIVATE)
    order = jobs.Order("me@here", replaces=True)
    second = jobs.publish(spool, draft(shot, out=out, writes=Writes.PRIVATE), order)
    orders.cancel(spool, second)
    (tmp_path / "out" / ".renderd" / first.jid).mkdir(parents=True)
    closing.collect(spool, first, is_done=False)
    assert os.listdir(tmp_path / "out") == []


def test_a_job_closed_by_skipping_takes_its_copy_along(spool: Spool, shot: Path, add: Add) -> None:
    job = add()
    orders.skip(spool, job.jid, lambda _chunk: True)
    assert tickets.find(spool, job.jid)[0] == "done"
    assert beside(shot) == []


# The same file again.


def test_the_same_file_is_the_copy_then_the_original_then_nothing(
    spool: Spool, shot: Path, add: Add
) -> None:
    job = add()
    assert sources.same_file(spool, job).path == job.info.blend
    sources.remove(spool, job)
    assert sources.same_file(spool, job).path == str(shot)
    resave(shot, CONTENT)
    again = sources.same_file(spool, job)
    assert again.stamp.mtime_ns == shot.stat().st_mtime_ns
    resave(shot)
    with pytest.raises(SourceError, match="no longer the file"):
        sources.same_file(spool, job)


def test_the_same_file_is_the_saved_one_that_a_person_accepted(
    spool: Spool, shot: Path, add: Add
) -> None:
    job = add(copies=False)
    resave(shot)
    now = shot.stat()
    control.change(spool, job.jid, source=f"{now.st_size} {now.st_mtime_ns}")
    assert sources.same_file(spool, job).path == str(shot)
