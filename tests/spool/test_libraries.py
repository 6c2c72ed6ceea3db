"""Linked libraries that were saved after a job was queued are told, and stop nothing."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from renderd.core.infofile import Info
from renderd.core.job import Draft, Job
from renderd.core.source import Planned, Stamp
from renderd.spool import jobs, libraries
from renderd.spool.layout import Spool

Add = Callable[..., Job]


@pytest.fixture
def add(spool: Spool, tmp_path: Path) -> Add:
    """Publish a job of a .blend that links some files."""

    def publish(*linked: Path) -> Job:
        path = tmp_path / "shot.blend"
        path.write_bytes(b"BLENDER-v304")
        now = path.stat()
        draft = Draft(
            name="shot",
            slug="shot",
            info=Info(commands=(("blender", "-b", "{blend}"),), blend=str(path)),
            runs=None,
            source=Planned(str(path), Stamp(now.st_size, now.st_mtime_ns)),
            libraries=tuple(map(str, linked)),
        )
        return jobs.read(spool, jobs.publish(spool, draft, jobs.Order("me@here")))

    return publish


def test_an_untouched_library_is_no_news(spool: Spool, add: Add, tmp_path: Path) -> None:
    library = tmp_path / "chair.blend"
    library.write_bytes(b"one")
    assert libraries.changed(spool, add(library)) == []


def test_a_library_that_was_saved_again_is_told_with_its_time(
    spool: Spool, add: Add, tmp_path: Path
) -> None:
    chair, table = tmp_path / "chair.blend", tmp_path / "table.blend"
    for path in (chair, table):
        path.write_bytes(b"one")
    job = add(chair, table, tmp_path / "not there.blend")
    later = chair.stat().st_mtime_ns + 10**9
    os.utime(chair, ns=(later, later))
    assert libraries.changed(spool, job) == [libraries.Changed(str(chair), later)]
    chair.unlink()
    assert libraries.changed(spool, job) == []


def test_a_job_without_libraries_has_no_list(spool: Spool, add: Add) -> None:
    job = add()
    assert not os.path.exists(spool.job(job.jid, libraries.FILE))
    assert libraries.changed(spool, job) == []
