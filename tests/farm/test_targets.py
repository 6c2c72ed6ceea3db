"""Where frames are put: a full disk, a held target, a share that is not there."""

import os
import shutil
from pathlib import Path

import pytest
from shots import colours, pictures
from test_disks import Mounts, needs_mount

pytestmark = [pytest.mark.blender, needs_mount]
NAMES = [f"shot_{n:04d}" for n in range(1, 7)]


@pytest.fixture
def mounts(make_farm):
    made = Mounts()
    yield made
    made.close()


def failures(farm, jid):
    return sum(c.failures for c in farm.chunks(jid))


def test_a_disk_that_is_full_at_frame_7_is_waited_for(farm, project, plain, mounts):
    mounts.tmpfs(farm.out, "size=1m")
    size = 4096  # what the smallest of files takes
    jid = farm.queue(project / "motion.blend", "--chunk", 20, "--retries", 0)
    ballast = farm.out / "ballast"
    ballast.write_bytes(bytes(os.statvfs(farm.out).f_bavail * size - 8 * size))
    farm.up()
    farm.until(lambda: f"free on {farm.out}" in farm.render("why", jid), "it says why it waits")
    assert farm.state(jid) == "queue"
    kept = {p: p.stat().st_mtime_ns for p in farm.out.glob("shot_*.png")}
    assert 0 < len(kept) < 20
    ballast.unlink()
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert failures(farm, jid) == 0
    found = pictures(farm.out)
    assert found == plain("motion")


def test_a_reader_keeps_the_old_frame_and_its_name_becomes_the_new_one(farm, project):
    farm.up()
    assert farm.ended(farm.queue(project / "red.blend")) == "done"
    frame = farm.out / "shot_0003.png"
    with frame.open("rb") as reader:
        before = reader.read()
        assert farm.ended(farm.queue(project / "blue.blend")) == "done"
        reader.seek(0)
        assert reader.read() == before
    assert frame.read_bytes() != before, "the other has its name"
    assert set(colours(farm.out).values()) == {"blue"}


def test_a_target_that_cannot_be_replaced_now_is_waited_for(farm, project, mounts):
    """A file that something is mounted on answers EBUSY, as one held open on SMB does."""
    frame = farm.out / "shot_0003.png"
    shutil.copy(project / "tex" / "wall.png", frame)
    mounts.bind(project / "tex" / "wall.png", frame)
    jid = farm.queue(project / "red.blend", "--retries", 0, "--chunk", 6)
    daemon = farm.up()
    farm.until(lambda: len(colours(farm.out)) == 6, "the others are in place")
    farm.until(lambda: f"{frame} is held open" in str(daemon.status()), "it says what it waits for")
    assert farm.state(jid) == "queue"
    assert colours(farm.out) == {**dict.fromkeys(NAMES, "red"), "shot_0003": "green"}
    mounts.away(frame)
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert failures(farm, jid) == 0
    assert colours(farm.out) == dict.fromkeys(NAMES, "red")


def test_a_node_that_lost_the_output_share_writes_nothing_into_the_empty_mount_point(farm, project):
    jid = farm.queue(project / "red.blend", "--chunk", 1)
    # A mount namespace of its own: there the output folder is an empty mount point.
    hide = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs none {farm.out} && exec "$@"', "sh"]
    blind = farm.up("blind", prefix=hide)
    its_out = Path(f"/proc/{blind.pid}/root{farm.out}")
    assert os.listdir(its_out) == []
    farm.until(lambda: "mounted" in farm.render("why", jid), "it says why it does not render")
    sighted = farm.up("sighted")
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert {c.owner for c in farm.chunks(jid)} == {sighted.inc}
    assert sum(c.attempt for c in farm.chunks(jid)) == len(farm.chunks(jid)), "no try was lost"
    assert os.listdir(its_out) == []
    assert set(colours(farm.out).values()) == {"red"}
