"""A full disk, a spool that is not mounted: nothing is lost, nothing is made up."""

import os
import shutil
import subprocess
from contextlib import ExitStack

import pytest
from test_drops import held_open
from test_frames import number

from renderd.core.chunk import State
from renderd.errors import RenderdError
from renderd.spool import nodes
from tests.farm.workstation import RENDERD

needs_mount = pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0,
    reason="only root can mount, and not in every container",
)


class Mounts:
    """Mounts of a test, taken away again."""

    def __init__(self):
        self.points = []

    def tmpfs(self, path, options):
        path.mkdir(exist_ok=True)
        words = ["mount", "-t", "tmpfs", "-o", f"{options},mode=700", "tmpfs", str(path)]
        subprocess.run(words, check=True)
        self.points.append(path)

    def bind(self, source, path):
        """Mount a folder on a folder, or a file on a file that is there."""
        if source.is_dir():
            path.mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", str(source), str(path)], check=True)
        self.points.append(path)

    def network(self, source, path):
        """Mount a folder as one that other machines see too: through FUSE, as GlusterFS is."""
        for folder in (source, path):
            folder.mkdir(exist_ok=True)
        words = ["bindfs", "-o", "allow_other,subtype=glusterfs", str(source), str(path)]
        subprocess.run(words, check=True)
        self.points.append(path)

    def remount(self, path, options):
        subprocess.run(["mount", "-o", f"remount,{options}", str(path)], check=True)

    def away(self, path):
        """Unmount as a lost automount does: at once, whoever has it open."""
        subprocess.run(["umount", "-l", str(path)], check=True)
        self.points.remove(path)

    def close(self):
        for path in reversed(self.points):
            subprocess.run(["umount", "-l", str(path)], check=False)


@pytest.fixture
def mounts(make_farm):
    made = Mounts()
    yield made
    made.close()


@pytest.fixture
def tight(make_farm, mounts):
    """A farm whose spool lies on a small file system of its own."""
    farm = make_farm()
    mounts.tmpfs(farm.root, "size=4m,nr_inodes=2000")
    farm.init()
    return farm


def fill(path):
    """Take every block and inode that is left; what gives them back."""
    ballast = path / "tmp" / "ballast"
    ballast.mkdir()
    with (ballast / "blocks").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 12))
        except OSError:
            pass
    try:
        for count in range(100_000):
            (ballast / str(count)).touch()
    except OSError:
        pass
    return lambda: shutil.rmtree(ballast)


def commits(farm, jid):
    return sorted(e["chunk"] for e in farm.commits(jid))


@needs_mount
def test_work_goes_on_and_is_done_although_the_spools_disk_is_full(tight):
    jid = tight.add(tight.info("--seconds=0.2", frames="1-40", chunk=2))
    daemons = [tight.up(name) for name in ("ws1", "ws2")]
    tight.until(lambda: tight.tally(jid)[State.DONE] >= 3, "work is in full swing")
    free = fill(tight.root)
    before = tight.tally(jid)[State.DONE]
    # Claims and commits are renames; logs, notes and status are what cannot be written.
    tight.until(
        lambda: tight.tally(jid)[State.DONE] > before or daemons[0].status()["trouble"],
        "it goes on, or says what is wrong",
    )
    free()
    assert tight.ended(jid) == "done"
    assert {c.state for c in tight.chunks(jid)} == {State.DONE}
    assert len(tight.chunks(jid)) == 20
    assert sum(c.failures for c in tight.chunks(jid)) == 0
    assert [number(p) for p in tight.frames()] == list(range(1, 41))
    assert all(d.runs for d in daemons)
    assert not nodes.dead(tight.spool)


@needs_mount
def test_a_daemon_that_starts_on_a_full_spool_says_so_or_works(tight):
    jid = tight.add(tight.info(frames="1-4", chunk=2))
    free = fill(tight.root)
    daemon = tight.start("ws1")
    tight.until(lambda: daemon.incs or not daemon.runs, "it works or leaves")
    if not daemon.runs:
        assert "space" in daemon.text
        assert "Traceback" not in daemon.text
    free()
    if not daemon.runs:
        tight.up("ws1")
    assert tight.ended(jid) == "done"


@needs_mount
def test_publishing_on_a_full_spool_leaves_nothing_visible(tight):
    free = fill(tight.root)
    with pytest.raises((OSError, RenderdError)):
        tight.add(tight.info(frames="1-4000", chunk=1))
    free()
    assert not os.listdir(tight.root / "queue")
    assert not os.listdir(tight.root / "jobs")
    jid = tight.add(tight.info(frames="1-4", chunk=1))
    tight.up("ws1")
    assert tight.ended(jid) == "done"


@needs_mount
def test_a_drop_on_a_full_spool_is_adopted_when_there_is_room(tight):
    tight.up("ws1")
    with held_open(tight, tight.info(frames="1-30", chunk=6, name="dropped"), "shot.info"):
        free = fill(tight.root)
        tight.until(lambda: os.listdir(tight.root / "adopting"), "it is being adopted")
    beat = max(b.count for b in nodes.everyone(tight.spool).values())
    tight.until(
        lambda: max(b.count for b in nodes.everyone(tight.spool).values()) > beat, "a while passes"
    )
    free()
    tight.until(lambda: tight.named("dropped"), "it is a job")
    assert tight.ended(tight.named("dropped")) == "done"
    assert len(os.listdir(tight.root / "done")) == 1
    assert not os.listdir(tight.root / "bad")


@needs_mount
def test_a_full_output_disk_costs_no_retry_and_no_frame(farm, mounts):
    folder = farm.out / "small"
    mounts.tmpfs(folder, "size=2m")
    # Each frame has 100 kB: twelve of them fit beside the ballast, thirty without it.
    jid = farm.add(farm.info("--fill=60000", frames="1-30", chunk=3, retries=0, out="small/#.png"))
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(1_200_000))
    daemon = farm.up("ws1")
    farm.until(lambda: daemon.status()["shortages"], "it waits for room")
    said = farm.until(lambda: daemon.status()["refuses"].get(jid), "it says so")
    assert f"free on {folder}" in said
    assert farm.state(jid) == "queue"
    assert sum(c.failures for c in farm.chunks(jid)) == 0
    # A frame whose receipt found no room may be rendered again; the others are kept.
    receipts = (folder / ".renderd" / jid / "ok").iterdir()
    kept = {p: p.stat().st_mtime_ns for r in receipts if (p := folder / f"{r.name}.png").exists()}
    assert kept
    ballast.unlink()
    assert farm.ended(jid) == "done"
    assert [number(p) for p in sorted(folder.glob("*.png"), key=lambda p: int(p.stem))] == list(
        range(1, 31)
    )
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert sum(c.failures for c in farm.chunks(jid)) == 0


@needs_mount
def test_a_disk_full_at_frame_7_stops_that_disks_jobs_only(farm, mounts):
    folder = farm.out / "small"
    mounts.tmpfs(folder, "size=4m")
    ballast = folder / "ballast"
    starts = farm.folder / "starts"
    jid = farm.add(
        farm.info(
            *("--fill=100000", "--seconds=0.2", f"--mark={starts}"),
            **{"frames": "1-10", "chunk": 10, "retries": 0, "out": "small/#.png", "priority": 90},
        )
    )
    # The stand-in dies of the first frame that finds no room, as Blender does.
    room = os.statvfs(folder)
    ballast.write_bytes(bytes(room.f_bavail * room.f_frsize - 720_000))
    other = farm.add(farm.info(frames="1-40", chunk=4))
    daemon = farm.up("ws1")
    assert farm.ended(other) == "done", "the node works where there is room"
    farm.until(lambda: jid in daemon.status()["refuses"], "it says what lacks")
    assert farm.state(jid) == "queue"
    (chunk,) = farm.chunks(jid)
    assert (chunk.state, chunk.failures) == (State.WAIT, 0)
    asks = [RENDERD.with_name("render"), "--spool", farm.root, "why", jid]
    farm.until(  # with the node's next beat
        lambda: f"free on {folder}" in subprocess.check_output(asks, text=True), "why says it"
    )
    tries = len(starts.read_text().splitlines())
    whole = {p: p.stat().st_mtime_ns for p in folder.glob("*.png")}
    assert 5 <= len(whole) <= 7
    beats = daemon.status()["stats"]["beats"]
    farm.until(lambda: daemon.status()["stats"]["beats"] >= beats + 3, "a while passes")
    assert len(starts.read_text().splitlines()) == tries, "it is not tried in vain"
    ballast.unlink()
    assert farm.ended(jid) == "done"
    assert len(list(folder.glob("*.png"))) == 10
    assert {p: p.stat().st_mtime_ns for p in whole} == whole
    assert farm.chunks(jid)[0].failures == 0
    assert "no-space: " in farm.errors(jid)


@needs_mount
def test_an_output_that_is_unmounted_while_it_is_rendered_into_loses_nothing(farm, mounts):
    real, folder = farm.folder / "real", farm.out / "share"
    real.mkdir()
    mounts.bind(real, folder)
    jid = farm.add(farm.info("--seconds=0.5", frames="1-12", chunk=6, retries=0, out="share/#.png"))
    daemon = farm.up("ws1")
    farm.until(lambda: len(list(real.glob("*.png"))) >= 2, "work is in full swing")
    mounts.away(folder)
    said = farm.until(lambda: daemon.status()["refuses"].get(jid), "it says what is missing")
    assert "is the output share mounted?" in said
    assert not os.listdir(folder), "nothing is written to the empty mount point"
    mounts.bind(real, folder)
    assert farm.ended(jid) == "done"
    assert len(list(folder.glob("*.png"))) == 12
    assert sum(c.failures for c in farm.chunks(jid)) == 0


def test_an_empty_mount_point_is_refused_at_start(farm, make_farm):
    empty = make_farm()
    empty.root.mkdir()
    daemon = empty.start("ws1")
    assert daemon.wait() == 10
    assert "holds no spool" in daemon.text
    assert "mount the share" in daemon.text
    assert not os.listdir(empty.root)


def test_another_spool_in_its_place_is_not_worked_on(farm, make_farm):
    """A moved folder looks to a daemon as a share that was exchanged."""
    daemon = farm.up("ws1")
    other = make_farm()
    other.init()
    jid = farm.add(farm.info("--hang", "--until=1", frames="1-4"))
    farm.until(lambda: farm.running(jid), "a chunk runs")
    away = farm.folder / "moved away"
    farm.root.rename(away)
    shutil.copytree(other.root, farm.root)
    farm.until(lambda: daemon.status()["trouble"], "it notices")
    assert not os.listdir(farm.root / "nodes")
    assert not os.listdir(farm.root / "beat")
    shutil.rmtree(farm.root)
    away.rename(farm.root)
    farm.until(lambda: not daemon.status()["trouble"], "it goes on")
    assert daemon.runs


@needs_mount
def test_a_spool_that_is_unmounted_for_a_while_loses_nothing(make_farm, mounts):
    farm = make_farm()
    real = farm.folder / "real"
    real.mkdir()
    mounts.bind(real, farm.root)
    farm.init()
    jid = farm.add(farm.info("--seconds=0.3", frames="1-24", chunk=2))
    daemon = farm.up("ws1")
    farm.until(lambda: farm.tally(jid)[State.DONE] >= 2, "work is in full swing")
    mounts.away(farm.root)
    farm.until(lambda: "not mounted" in daemon.status()["trouble"], "it notices")
    assert not os.listdir(farm.root), "nothing is made on the empty mount point"
    with ExitStack() as again:
        mounts.bind(real, farm.root)
        again.callback(lambda: None)
    assert farm.ended(jid) == "done"
    assert {c.state for c in farm.chunks(jid)} == {State.DONE}
    farm.until(lambda: commits(farm, jid) == list(range(1, 13)), "no event is lost")
    assert [number(p) for p in farm.frames()] == list(range(1, 25))
    assert not nodes.dead(farm.spool)
    assert sum(c.failures for c in farm.chunks(jid)) == 0


@needs_mount
def test_an_output_that_is_not_mounted_here_is_left_to_others(farm, mounts):
    folder = farm.out / "share"
    farm.folder.joinpath("real").mkdir()
    mounts.bind(farm.folder / "real", folder)
    jid = farm.add(farm.info(frames="1-4", chunk=2, out="share/#.png"))
    mounts.away(folder)
    daemon = farm.up("ws1", "--once")
    daemon.wait()
    assert farm.tally(jid) == {State.WAIT: 2}
    assert not os.listdir(folder)
    mounts.bind(farm.folder / "real", folder)
    farm.up("ws2")
    assert farm.ended(jid) == "done"
    assert len(list(folder.glob("*.png"))) == 4
