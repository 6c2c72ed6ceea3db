"""A spool as format 1 was first written always loads, with all that a later release may add."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from renderd.core import frames
from renderd.core.job import Writes
from renderd.spool import claims, control, history, jobs, tickets, view
from renderd.spool.layout import (
    CANCELLED,
    DONE,
    FAILED,
    FOLDERS,
    FORMAT,
    HELD,
    QUEUE,
    WAITING,
    Spool,
    open_spool,
)
from renderd.spool.listing import chunks
from renderd.spool.share import PosixShare

GOLDEN = Path(__file__).parent / "spool1"
SHOT, AFTER, GRADE, BROKEN = "goldena2b3", "goldenb2b3", "goldenc2b3", "goldend2b3"
#: files whose names mean nothing to this release: nobody may touch or trip over them
FOREIGN = (
    "NOTES.txt",
    ".DS_Store",
    "Thumbs.db",
    "old.info~",
    "plugins/later.json",
    "queue/README",
    "queue/p50~rooooooot2~g1~later.ticket",
    "beat/00/later.beat",
    "dead/notes",
    "nodes/README",
    "nodes/ws07-3f2a9c10/later",
    "history/summary.json",
    "jobs/README",
    "adopting/.nfs0000001",
    f"jobs/{SHOT}/thumbnail.png",
    f"jobs/{SHOT}/000/00004_31~40.1-0-0.paused.info",
    f"jobs/{SHOT}/000/.nfs00000002",
    f"jobs/{SHOT}/000/00005_41~50.1-0-0.wait.info~",
    f"jobs/{SHOT}/000/index.json",
)


@pytest.fixture
def golden(tmp_path: Path) -> Spool:
    """A copy of the old spool, writable."""
    return copied(GOLDEN, tmp_path)


def copied(kept: Path, tmp_path: Path) -> Spool:
    """A spool as it was kept, writable."""
    root = tmp_path / "spool"
    shutil.copytree(kept, root)
    os.chmod(root, 0o700)
    for folder in FOLDERS:  # git keeps no empty ones
        (root / folder).mkdir(exist_ok=True)
    return open_spool(PosixShare(), str(root), random.Random(7), "test")


def test_the_format_is_still_the_one_of_the_old_spool(golden: Spool) -> None:
    assert (golden.identity.id, golden.identity.format) == ("golden0001", FORMAT)
    assert golden.local("{proj}/x") == "/nowhere/proj/x"
    assert golden.farm.tags_of("ws07") == ("fast",)


def test_every_job_is_seen_in_its_state(golden: Spool) -> None:
    seen = {job.name: job for job in view.read_jobs(golden)}
    assert {name: job.state for name, job in seen.items()} == {
        "shot010 comp": QUEUE,
        "after it": WAITING,
        "grade": HELD,
        "broken": FAILED,
        "no more": CANCELLED,
        "ready": DONE,
    }
    shot = seen["shot010 comp"]
    assert (shot.done, shot.running, shot.waiting, shot.failed) == (2, 1, 1, 0)
    assert (shot.chunks, shot.priority, shot.owner) == (4, 70, "artist@ws07")
    assert (shot.note, seen["grade"].reason) == ("ask the artist", "held by artist: no licence")
    assert seen["after it"].reason == f"waits for {SHOT}"
    assert seen["ready"].done == 1


def test_chunks_are_what_their_names_say(golden: Spool) -> None:
    found = [
        (c.index, c.frames, c.state, c.attempt, c.failures) for c in view.read_chunks(golden, SHOT)
    ]
    assert found == [
        (1, "1-10", "done", 1, 0),
        (2, "11-20", "done", 2, 1),
        (3, "21-30", "run", 1, 0),
        (4, "31-40", "wait", 1, 0),
    ]
    (broken,) = view.read_chunks(golden, BROKEN)
    assert (broken.state, broken.node, broken.error) == (
        "fail",
        "ws07-3f2a9c10",
        "fail: false: exit status 1",
    )


def test_nodes_are_seen_alive_and_dead(golden: Spool) -> None:
    alive, dead = view.read_nodes(golden)
    assert (alive.inc, alive.state, alive.period) == ("ws07-3f2a9c10", "alive", 10)
    assert alive.status["state"] == "idle"
    assert alive.facts["blenders"] == ["3.4.1"]
    assert (dead.inc, dead.state) == ("ws02-77aa01f2", "dead")


def test_records_keep_what_a_later_release_wrote(golden: Spool) -> None:
    shot, grade = jobs.read(golden, SHOT), jobs.read(golden, GRADE)
    extra = dict(shot.info.extra)
    assert extra["x-later"] == '{"a": [1, 2]}'
    assert extra["x-of-a-later-release"] == "yes"
    assert (grade.out, grade.writes) == ("{proj}/grade_####.png", Writes.PRIVATE)
    assert (grade.info.frames, grade.info.missing) == (frames.parse("-20--2x2"), "warn")
    assert ("colour", "blue") in control.read(golden, SHOT).extra
    control.change(golden, SHOT, note="read")
    assert ("colour", "blue") in control.read(golden, SHOT).extra


def test_statistics_are_read_past_a_torn_line(golden: Spool) -> None:
    assert [event["ev"] for event in history.events(golden)] == [
        "start",
        "done",
        "of a later release",
    ]
    assert (SHOT, [2.0] * 10) in history.frame_times(golden, "ws07")


def test_a_waiting_chunk_is_claimed_and_finished(
    golden: Spool, work_on: Callable[..., Any]
) -> None:
    worker = work_on(golden)
    held = worker.claim(SHOT, 4)
    assert claims.read_text(golden, held) == b"sh -c 'exit 0' 31 40\n"
    assert claims.finish(golden, held)
    assert [c.state for c in chunks(golden, SHOT)] == ["done", "done", "run", "done"]


@pytest.fixture
def work_on(make_worker: Callable[..., Any]) -> Callable[..., Any]:
    """A node by hand, in a spool of our choice."""
    return lambda spool: type(make_worker("ws01-00000001"))(spool)


def run_once(golden: Spool, tmp_path: Path) -> None:
    """A daemon of today works until nothing is left."""
    words = ["--spool", golden.root, "--node", "ws09", "--once"]
    words += ["--allow-root"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import renderd.daemon.app as a; raise SystemExit(a.main())",
            *words,
        ],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "RENDERD_CONFIG": os.devnull,
            "RENDERD_STATE_DIR": str(tmp_path / "state"),
            "RENDERD_RUNTIME_DIR": str(tmp_path / "run"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.farm
def test_a_daemon_of_today_finishes_what_was_left(golden: Spool, tmp_path: Path) -> None:
    kept = {name: Path(golden.root, name).read_bytes() for name in FOREIGN}
    run_once(golden, tmp_path)
    assert {t.slug for t in tickets.listed(golden, DONE)} == {
        "shot010-comp",
        "after-it",
        "half-way",
        "ready",
    }
    assert [t.slug for t in tickets.listed(golden, HELD)] == ["grade"]
    assert [t.slug for t in tickets.listed(golden, FAILED)] == ["broken"]
    assert [t.slug for t in tickets.listed(golden, CANCELLED)] == ["no-more"]
    owners = {c.index: (c.state, c.losses) for c in chunks(golden, SHOT)}
    assert owners == {1: ("done", 0), 2: ("done", 0), 3: ("done", 1), 4: ("done", 0)}
    assert {name: Path(golden.root, name).read_bytes() for name in FOREIGN} == kept


#: spools that the code of each past release made (releases/make_spool.py)
RELEASED = sorted(GOLDEN.parent.glob("spool-*"), key=lambda path: path.name)


def test_each_release_left_a_spool() -> None:
    zips = GOLDEN.parent.glob("releases/renderd-*.zip")
    assert {p.stem.partition("-")[2] for p in zips} == {p.name.partition("-")[2] for p in RELEASED}
    assert RELEASED


@pytest.mark.parametrize("kept", RELEASED, ids=lambda path: path.name)
def test_what_a_release_wrote_is_read(kept: Path, tmp_path: Path) -> None:
    spool = copied(kept, tmp_path)
    seen = {job.name: job for job in view.read_jobs(spool)}
    assert {name: job.state for name, job in seen.items()} == {
        "shot 010": QUEUE,
        "after it": WAITING,
        "grade": HELD,
        "ready": DONE,
        "broken": FAILED,
    }
    shot = seen["shot 010"]
    assert control.read(spool, shot.jid).note == "deliver on Friday"
    assert [c.state for c in chunks(spool, shot.jid)] == ["done", "wait", "run", "wait"]


@pytest.mark.farm
@pytest.mark.parametrize("kept", RELEASED, ids=lambda path: path.name)
def test_a_daemon_of_today_goes_on_where_a_release_ended(kept: Path, tmp_path: Path) -> None:
    spool = copied(kept, tmp_path)
    shot = next(t.jid for t in tickets.listed(spool, QUEUE))
    run_once(spool, tmp_path)
    done = {t.slug for t in tickets.listed(spool, DONE)}
    assert done == {"shot-010", "after-it", "ready", "half-way"}
    ended = [(c.state, c.attempt, c.losses) for c in chunks(spool, shot)]
    assert ended == [("done", 1, 0), ("done", 2, 0), ("done", 2, 1), ("done", 1, 0)]
