"""A file that is saved again after it was queued, on real daemons with a stand-in for Blender."""

import os
import sys
from pathlib import Path

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

from blendmaker import CAMERA, MODERN, Age, with_settings
from farm import STANDIN
from test_disks import needs_mount

from renderd.spool import control, jobs

BLENDER = """\
#!{python}
# A Blender 3.6.5 whose frames have the last byte of the .blend that it read.
import sys
sys.path.insert(0, {standin!r})
from standin import named, png
words = sys.argv[1:]
if "-v" in words:
    print("Blender 3.6.5")
    sys.exit()
value = {{name: words[words.index(name) + 1] for name in ("-b", "-s", "-e", "-o")}}
with open(value["-b"], "rb") as file:
    tag = file.read()[-1]
if tag == ord("X"):
    sys.exit("this file cannot be rendered")
for frame in range(int(value["-s"]), int(value["-e"]) + 1):
    if tag == ord("Y") and frame > 3:
        sys.exit("only three frames of it can be rendered")
    path = named(value["-o"], frame) + ".png"
    with open(path, "wb") as file:
        file.write(png(tag))
    print(f"Saved: {{path!r}}", flush=True)
"""
SCENE = {
    "id.name": b"SCShot",
    "camera": CAMERA,
    "r.sfra": 1,
    "r.efra": 6,
    "r.frame_step": 1,
    "r.xsch": 64,
    "r.ysch": 64,
    "r.size": 100,
    "r.im_format.imtype": 17,
    "r.pic": b"//render/shot_####",
    "r.engine": b"CYCLES",
}


class Artist:
    """A person with one file, and a farm whose Blender shows which state of it was read."""

    def __init__(self, farm):
        self.farm = farm
        self.path = farm.folder / "proj" / "shot.blend"
        self.path.parent.mkdir()
        program = farm.folder / "bin" / "blender"
        program.parent.mkdir()
        program.write_text(BLENDER.format(python=sys.executable, standin=str(STANDIN.parent)))
        program.chmod(0o755)
        self.env = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
        self.age = 0
        self.save("A")

    def save(self, tag):
        """Save as Blender does, a moment later each time."""
        data = with_settings(Age(306), MODERN, [SCENE], [(b"Shot", 1, 6)])
        new = self.path.with_name("shot.blend@")
        new.write_bytes(data + tag.encode())
        if self.age:
            os.utime(new, ns=(self.age, self.age))
        self.age = new.stat().st_mtime_ns + 60 * 10**9
        new.replace(self.path)

    def up(self, name=""):
        return self.farm.up(name, env=self.env)

    def shown(self):
        """The states of the file that the frames in place show."""
        found = {}
        for path in sorted(self.farm.out.glob("shot_*.png")):
            with Image.open(path) as image:
                found[path.stem] = chr(image.getpixel((0, 0))[2])
        return "".join(found.values())

    def beside(self):
        return sorted(p.name for p in self.path.parent.iterdir() if p != self.path)


@pytest.fixture
def artist(farm):
    return Artist(farm)


def test_what_is_saved_after_queuing_is_not_rendered(farm, artist):
    jid = farm.queue(artist.path, "--chunk", 2)
    artist.save("B")
    assert artist.beside() == [f".shot.{jid}.blend"]
    artist.up()
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert artist.shown() == "AAAAAA"
    farm.until(lambda: artist.beside() == [], "the job's copy is gone with it")
    assert jobs.read(farm.spool, jid).name == "shot"


def test_without_a_copy_the_job_waits_for_a_person_who_takes_the_new_file(farm, artist):
    jid = farm.queue(artist.path, "--chunk", 2, "--no-snapshot")
    artist.save("B")
    artist.up()
    farm.until(lambda: farm.state(jid) == "held", "the job is held")
    assert artist.shown() == ""
    assert "shot.blend was saved" in farm.render("why", jid)
    assert "render release to use the new file" in farm.render("why", jid)
    farm.render("release", jid)
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert artist.shown() == "BBBBBB"
    assert {c.failures for c in farm.chunks(jid)} == {0}


def test_a_file_saved_again_after_it_was_accepted_holds_the_job_again(farm, artist):
    jid = farm.queue(artist.path, "--no-snapshot")
    artist.save("B")
    artist.up()
    farm.until(lambda: control.read(farm.spool, jid).changed, "the job is held")
    farm.until(lambda: farm.state(jid) == "held", "the ticket is moved")
    first = control.read(farm.spool, jid).changed
    artist.save("C")
    farm.render("release", jid)
    farm.until(lambda: control.read(farm.spool, jid).changed not in ("", first), "held again")
    farm.until(lambda: farm.state(jid) == "held", "the ticket is moved")
    farm.render("release", jid)
    assert farm.ended(jid) == "done"
    assert artist.shown() == "CCCCCC"


def test_a_dropped_file_saved_before_its_turn_holds_the_job(farm, artist):
    farm.up("adopts", "--pools", "none")
    farm.drop(f"blender -b {artist.path} -o {farm.out}/shot_#### -a\n")
    farm.until(lambda: farm.named("shot"), "the drop is a job")
    jid = farm.named("shot")
    farm.until(lambda: farm.state(jid) == "queue", "it is queued")
    artist.save("B")
    artist.up()
    farm.until(lambda: farm.state(jid) == "held", "the job is held")
    assert artist.shown() == ""


def test_a_failed_job_keeps_its_copy_for_a_retry_until_it_is_removed(farm, artist):
    artist.save("X")
    jid = farm.queue(artist.path, "--retries", 0, "--chunk", 6)
    artist.save("B")
    artist.up()
    assert farm.ended(jid) == "failed"
    assert artist.beside() == [f".shot.{jid}.blend"]
    farm.render("rm", jid)
    assert artist.beside() == []


def test_a_redo_takes_the_file_as_it_is_now_and_never_another_silently(farm, artist):
    artist.up()
    jid = farm.queue(artist.path)
    assert farm.ended(jid) == "done"
    farm.until(lambda: artist.beside() == [], "the job's copy is gone with it")
    artist.save("B")
    said = farm.render("redo", jid, "--frames", "5", "--same-file", status=1)
    assert "is no longer the file" in said
    farm.render("redo", jid, "--frames", "3")
    farm.until(lambda: artist.shown() == "AABAAA", "frame 3 is of the new file")
    farm.until(lambda: artist.beside() == [], "the redo's own copy is gone with it")


def test_a_redo_of_the_same_file_takes_the_copy_that_is_kept(farm, artist):
    artist.save("Y")
    jid = farm.queue(artist.path, "--retries", 0, "--chunk", 3)
    artist.up()
    assert farm.ended(jid) == "failed"
    assert artist.shown() == "YYY"
    artist.save("B")
    before = (farm.out / "shot_0002.png").stat().st_mtime_ns
    again = farm.render("redo", jid, "--frames", "2", "--same-file").split()[0]
    farm.render("rm", jid)
    assert farm.ended(again) == "done", farm.errors(again)
    assert artist.shown() == "YYY"
    assert (farm.out / "shot_0002.png").stat().st_mtime_ns != before


def test_a_copy_that_somebody_removed_holds_the_job(farm, artist):
    jid = farm.queue(artist.path)
    (artist.path.parent / f".shot.{jid}.blend").unlink()
    artist.up()
    farm.until(lambda: farm.state(jid) == "held", "the job is held")
    assert "was removed: queue shot.blend again" in farm.render("why", jid)


def test_a_blender_of_another_version_leaves_the_job_and_why_tells(farm, artist):
    data = artist.path.read_bytes().replace(b"v306", b"v305")
    artist.path.write_bytes(data)
    jid = farm.queue(artist.path)
    artist.up()
    said = "the job needs 3.5 (the file's own; --blender any takes others)"
    farm.until(lambda: said in farm.render("why", jid), "why tells")
    assert farm.state(jid) == "queue"


@needs_mount
def test_a_folder_that_takes_no_copy_is_said_and_no_snapshot_goes_round_it(farm, artist):
    folder = artist.path.parent
    lines = [f"mount --bind {folder} {folder}", f"mount -o remount,ro,bind {folder}", 'exec "$@"']
    read_only = ["unshare", "-m", "sh", "-c", " && ".join(lines), "sh"]
    out = farm.out / "shot_####"
    said = farm.render("add", artist.path, "--out", out, status=1, prefix=read_only)
    assert f"no copy of shot.blend can be made in {folder}: Read-only file system" in said
    assert "--no-snapshot" in said
    assert list((farm.root / "jobs").iterdir()) == []
    jid = farm.queue(artist.path, "--no-snapshot", prefix=read_only)
    artist.up()
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert artist.shown() == "AAAAAA"


def test_a_run_in_one_piece_that_was_cut_short_is_rendered_from_its_first_frame(farm):
    gate = farm.folder / "gate"
    jid = farm.add(farm.info(f"--gate={gate}", "--behind=3", frames="1-8", whole="yes"))
    first = farm.up("ws1")
    farm.until(lambda: len(farm.frames()) == 3, "a part of it is in place")
    first.kill()
    gate.touch()
    before = {p.name: p.stat().st_mtime_ns for p in farm.frames()}
    farm.up("ws2")
    assert farm.ended(jid) == "done", farm.errors(jid)
    after = {p.name: p.stat().st_mtime_ns for p in farm.frames()}
    assert len(after) == 8
    assert all(after[name] > before[name] for name in before)
