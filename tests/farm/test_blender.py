"""A real Blender on a farm: the frames are those of one plain run, whatever happens meanwhile."""

import shutil
import sys
from pathlib import Path

import pytest
from shots import blender, pixels

from renderd import plan
from renderd.core import frames
from renderd.core.chunk import State
from renderd.core.infofile import Info
from renderd.core.needs import Needs
from renderd.spool import jobs, orders

pytestmark = pytest.mark.blender
HERE = Path(__file__).parent
GIVEN = HERE.parents[1].parent / "shared" / "blend" / "render"
DEMO = HERE.parents[1] / "packaging" / "demo" / "demo.blend"


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """A folder with scenes.blend (Wood, Clay, Steps, Slow, Long) and blind.blend (no camera)."""
    folder = tmp_path_factory.mktemp("scenes")
    blender("--python-exit-code", "1", "-P", HERE / "make_scenes.py", "--", folder)
    return folder


@pytest.fixture(scope="session")
def plain(scenes):
    """Frames of a plain `blender -b FILE -S SCENE -a`, each scene rendered once."""

    def render(scene):
        folder = scenes / f"plain {scene}"
        if not folder.exists():
            blender(scenes / "scenes.blend", "-S", scene, "-o", folder / "####", "-a")
        return {int(p.stem): pixels(p) for p in folder.iterdir()}

    return render


def landed(farm, slug):
    """The frames of one output, by number."""
    found = farm.out.glob(f"{slug}_*.png")
    return {int(p.stem.removeprefix(f"{slug}_")): pixels(p) for p in found}


def queue(farm, path, *scenes, span="", **said):
    """Add scenes of a .blend as the front-end does, for any Blender; their jids."""
    said = {"needs": Needs(blender="any"), "chunk": 10, **said}
    wish = plan.Wish(
        scenes=scenes,
        frames=frames.parse(span) if span else None,
        out=str(farm.out / (Path(path).stem * (Path(path).parent == GIVEN) + "{scene}_####")),
        info=Info(commands=(), **said),
    )
    drafts = plan.from_blend(str(path), wish, farm.spool.farm, sys.platform)
    return [jobs.publish(farm.spool, draft, jobs.Order("test@farm")) for draft in drafts]


def test_all_scenes_of_a_file_render_as_one_plain_run_does(farm, scenes, plain):
    jids = queue(farm, scenes / "scenes.blend", "Wood", "Clay", "Steps", chunk=2)
    for name in ("ws1", "ws2"):
        farm.up(name)
    assert [farm.ended(jid) for jid in jids] == ["done"] * 3, farm.evidence()
    for scene in ("Wood", "Clay", "Steps"):
        assert landed(farm, scene.lower()) == plain(scene), scene
    assert sorted(landed(farm, "steps")) == [1, 4, 7, 10]
    assert len(set(landed(farm, "wood").values())) == 6, "every frame differs"
    farm.until(lambda: farm.litter() == [], "only frames are left")


def test_given_files_of_every_kind_render_as_a_plain_run_does(farm, scenes):
    """Steps, two scenes of different sizes, Workbench, a sequencer strip, a packed file."""
    spans = {
        "step3_cycles": "", "two_scenes_cycles": "", "light_workbench": "1-6",
        "light_vse": "1-12", "light_cycles_zstd": "5-8",
    }  # fmt: skip
    given = {GIVEN / f"{name}.blend": span for name, span in spans.items()}
    given = {path: span for path, span in given.items() if path.exists()}
    given = given or {scenes / "scenes.blend": "1-2"}
    jobs_of = {path: queue(farm, path, chunk=3, span=span) for path, span in given.items()}
    for name in ("ws1", "ws2"):
        farm.up(name)
    for path, jids in jobs_of.items():
        assert [farm.ended(j, 300) for j in jids] == ["done"] * len(jids), path.name
        for jid in jids:
            job = jobs.read(farm.spool, jid)
            (run,) = job.info.frames
            span = ["-s", run.first, "-e", run.last, "-j", run.step]
            folder = farm.folder / "plain" / jid
            blender(path, "-S", job.info.scene, "-o", folder / "####", *span, "-a")
            slug = Path(job.out).name.removesuffix("_####")
            assert landed(farm, slug) == {int(p.stem): pixels(p) for p in folder.iterdir()}


def test_frames_are_those_of_a_plain_run_although_daemons_are_killed(farm, scenes, plain):
    wanted = plain("Slow")
    (jid,) = queue(farm, scenes / "scenes.blend", "Slow", chunk=3)
    first, second = farm.up("ws1"), farm.up("ws2")
    farm.until(lambda: farm.kept(jid), "a frame is in place")
    first.kill()
    kept = farm.kept(jid)
    farm.up("ws1")
    farm.until(lambda: len(landed(farm, "slow")) > len(kept), "it goes on")
    second.kill()
    farm.up("ws2")
    assert farm.ended(jid) == "done"
    assert landed(farm, "slow") == wanted
    assert {p: p.stat().st_mtime_ns for p in kept} == kept, "no frame is rendered twice"
    assert all(c.failures == 0 for c in farm.chunks(jid))
    farm.until(lambda: farm.litter() == [], "only frames are left")


def test_a_restarted_chunk_renders_only_what_is_missing(farm, scenes):
    (jid,) = queue(farm, scenes / "scenes.blend", "Slow", chunk=6)
    first = farm.up("ws1")
    farm.until(lambda: len(farm.kept(jid)) >= 2, "two frames are in place")
    first.kill()
    before = {int(path.stem.removeprefix("slow_")) for path in farm.kept(jid)}
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    (again,) = (farm.root / "jobs" / jid / "log").glob("00001.2.*")
    saved = {f for f in range(1, 7) if f"slow_{f:04d}.png'" in again.read_text()}
    assert saved == set(range(1, 7)) - before


def test_negative_frames_are_the_frames_they_say(farm, scenes):
    (jid,) = queue(farm, scenes / "scenes.blend", "Wood", span="-3-2")
    farm.up("ws1")
    folder = scenes / "plain negative"
    # One by one in Python: the command line takes -3 for "three before the start".
    expression = f"""
import bpy
scene = bpy.data.scenes["Wood"]
bpy.context.window.scene = scene
for frame in range(-3, 3):
    scene.frame_set(frame)
    scene.render.filepath = f"{folder}/{{frame:+05d}}"
    bpy.ops.render.render(write_still=True, scene="Wood")
"""
    blender(scenes / "scenes.blend", "--python-exit-code", "1", "--python-expr", expression)
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert landed(farm, "wood") == {int(p.stem): pixels(p) for p in folder.iterdir()}
    assert len(list(farm.out.glob("wood_-000[123].png"))) == 3


def test_a_plain_command_line_dropped_into_the_root_is_cut_and_rendered(farm, scenes, plain):
    copy = farm.out / "scenes.blend"
    shutil.copy(scenes / "scenes.blend", copy)
    farm.up("ws1")
    farm.drop(f"blender -b {copy} -S Clay -s 3 -e 8 -a\n", "clay.info")
    farm.until(lambda: farm.named("clay"), "it is a job")
    jid = farm.named("clay")
    assert farm.ended(jid) == "done", farm.errors(jid)
    # Without -o the file itself says where its frames go.
    own = {int(p.stem[-4:]): pixels(p) for p in (farm.out / "own").glob("clay_*.png")}
    assert own == plain("Clay")


def test_a_scene_without_a_camera_fails_in_words_with_advice(farm, scenes):
    (jid,) = queue(farm, scenes / "blind.blend", retries=0)
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    note = farm.errors(jid)
    assert "no camera" in note.lower()
    assert "advice: " in note
    assert not list(farm.out.glob("*.png"))


def test_a_file_of_a_newer_blender_is_not_taken_and_nothing_crashes(farm, scenes):
    newer = farm.folder / "newer.blend"
    data = (scenes / "scenes.blend").read_bytes()
    assert data.startswith(b"BLENDER-v")
    newer.write_bytes(b"BLENDER-v499" + data[12:])
    (jid,) = queue(farm, newer, "Wood")
    daemon = farm.up("ws1", "--once")
    assert daemon.wait() == 1
    assert farm.tally(jid) == {State.WAIT: 1}
    (chunk,) = farm.chunks(jid)
    assert (chunk.attempt, chunk.failures) == (1, 0)
    assert not list(farm.root.glob("jobs/*/log/*"))


def test_a_node_without_blender_leaves_its_jobs_to_others(farm, scenes):
    (jid,) = queue(farm, scenes / "scenes.blend", "Wood", retries=0)
    tools = farm.folder / "bin"
    tools.mkdir()
    (tools / "env").symlink_to("/usr/bin/env")
    assert farm.up("poor", "--once", env={"PATH": str(tools)}).wait() == 1
    assert farm.tally(jid) == {State.WAIT: 1}
    farm.up("ws1")
    assert farm.ended(jid) == "done"


def test_an_unknown_scene_is_refused_and_the_known_ones_named(farm, scenes):
    farm.up("ws1")
    farm.drop(f"blend: {scenes}/scenes.blend\nscene: Wod\nout: {farm.out}/x_####\n", "typo.info")
    why = farm.refused("typo")
    assert "Wod" in why
    assert "Wood" in why


def test_a_missing_file_is_unable_not_a_traceback(farm, scenes):
    copy = farm.folder / "gone.blend"
    shutil.copy(scenes / "scenes.blend", copy)
    (jid,) = queue(farm, copy, "Wood", retries=0)
    copy.unlink()
    farm.up("ws1")
    unseen = f"does not see {copy}: is its share mounted?"
    farm.until(lambda: unseen in farm.render("why", jid), "it says what it does not see")
    assert [(c.attempt, c.failures) for c in farm.chunks(jid)] == [(1, 0)]


def test_cancel_stops_a_rendering_blender(farm, scenes):
    (jid,) = queue(farm, scenes / "scenes.blend", "Slow", span="1-900", chunk=900)
    farm.up("ws1")
    farm.until(lambda: landed(farm, "slow"), "it renders")
    orders.cancel(farm.spool, jid)
    farm.until(lambda: not farm.commands(jid), "its Blender is gone")
    farm.until(lambda: farm.tally(jid) == {State.WAIT: 1}, "the chunk is given back")


def test_two_daemons_render_the_demo(farm):
    (jid,) = queue(farm, DEMO, "Turntable", span="1-4", chunk=2)
    for name in ("ws1", "ws2"):
        farm.up(name)
    assert farm.ended(jid, 300) == "done", farm.errors(jid)
    assert len(landed(farm, "turntable")) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how a process runs")
def test_blender_runs_in_the_background_without_input(farm, scenes):
    (jid,) = queue(farm, scenes / "scenes.blend", "Slow", chunk=6)
    farm.up("ws1")
    pid = farm.until(lambda: farm.commands(jid), "Blender runs")[0]
    stdin = Path(f"/proc/{pid}/fd/0")
    farm.until(lambda: stdin.readlink() == Path("/dev/null"), "it has no input")
    nice = lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16]  # noqa: E731
    farm.until(lambda: nice() == "19", "it is nice")  # set behind its start where that was cheap
