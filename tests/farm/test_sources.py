"""What is rendered is what was queued, with every file it needs, or it is said."""

import os
import re
import shutil
from pathlib import Path

import pytest
from shots import colours
from test_disks import Mounts, needs_mount

from renderd.spool import tickets

pytestmark = pytest.mark.blender
GREEN = {"shot_0001": "green", "shot_0002": "green"}


def test_a_texture_and_a_library_that_are_there_are_rendered(farm, project):
    farm.up()
    for shot in ("textured", "linked"):
        jid = farm.queue(project / f"{shot}.blend")
        assert farm.ended(jid) == "done", farm.errors(jid)
        assert colours(farm.out) == GREEN


@pytest.fixture
def mounts(make_farm):
    made = Mounts()
    yield made
    made.close()


def save_again(project):
    """What an artist does while the job waits: the red shot is blue now."""
    shutil.copy(project / "blue.blend", project / "red.blend")


def test_a_shot_that_is_saved_after_queuing_is_rendered_as_it_was_queued(farm, project):
    jid = farm.queue(project / "red.blend", "--chunk", 2)
    save_again(project)
    farm.up()
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert set(colours(farm.out).values()) == {"red"}
    farm.until(lambda: [*project.glob(".*.blend")] == [], "the copy is gone")


def test_a_shot_that_is_saved_while_it_is_rendered_keeps_its_first_picture(farm, project):
    jid = farm.queue(project / "red.blend", "--chunk", 1)
    farm.up()
    farm.until(lambda: colours(farm.out), "a frame is in place")
    save_again(project)
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert set(colours(farm.out).values()) == {"red"}


def test_a_shot_without_a_copy_that_is_saved_again_is_held_and_it_is_said(farm, project):
    jid = farm.queue(project / "red.blend", "--no-snapshot", "--chunk", 6)
    save_again(project)
    farm.up()
    farm.until(lambda: farm.state(jid) == "held", "it is held")
    said = farm.render("why", jid)
    assert "red.blend" in said
    assert re.search(r"saved .*, after queuing: render release to use the new file", said)
    assert colours(farm.out) == {}
    assert [c.failures for c in farm.chunks(jid)] == [0]


MISSING = {"textured": "tex/wall.png", "linked": "lib/prop.blend"}


@pytest.mark.parametrize("shot", MISSING)
def test_add_refuses_what_is_missing_and_with_force_the_frame_fails_rather_than_pink(
    farm, project, shot
):
    (project / MISSING[shot]).unlink()
    said = farm.render("add", project / f"{shot}.blend", "--out", farm.out / "shot_####", status=1)
    assert MISSING[shot] in said
    assert "--force" in said
    assert not os.listdir(farm.root / "queue")
    jid = farm.queue(project / f"{shot}.blend", "--force", "--retries", 0)
    farm.up()
    assert farm.ended(jid) == "failed"
    assert MISSING[shot] in farm.errors(jid)
    assert colours(farm.out) == {}, "no wrong frame is in place"


def test_who_says_missing_warn_gets_the_pink_frame_and_a_warning(farm, project):
    (project / "tex/wall.png").unlink()
    info = farm.folder / "pink.info"
    info.write_text(f"blend: {project}/textured.blend\nout: {farm.out}/shot_####\nmissing: warn\n")
    farm.render("add", info, "--force")
    farm.up()
    assert farm.ended(farm.named("pink")) == "done"
    assert colours(farm.out) == {"shot_0001": "pink", "shot_0002": "pink"}
    farm.logged(farm.named("pink"), "wall.png")
    assert re.search(
        "warning: rendered all the same: missing .*wall.png", farm.render("why", "pink")
    )


@pytest.mark.parametrize("shot", MISSING)
def test_a_file_that_went_missing_after_queuing_fails_the_frame(farm, project, shot):
    jid = farm.queue(project / f"{shot}.blend", "--retries", 0)
    (project / MISSING[shot]).unlink()
    farm.up()
    assert farm.ended(jid) == "failed"
    assert MISSING[shot] in farm.errors(jid)
    assert colours(farm.out) == {}, "no wrong frame is in place"


@pytest.mark.parametrize("shot", ["plate", "strip"])
def test_one_missing_picture_of_a_sequence_fails_its_frame_and_no_other(farm, project, shot):
    jid = farm.queue(project / f"{shot}.blend", "--retries", 0, "--chunk", 1)
    (project / "plate/plate_014.png").unlink()
    farm.up("ws1", "--slots", "2")
    assert farm.ended(jid) == "failed"
    assert "plate_014.png" in farm.errors(jid)
    assert list(colours(farm.out)) == [f"shot_{n:04d}" for n in (1, 2, 3, 5, 6)]


@needs_mount
def test_a_texture_on_a_disk_that_other_nodes_do_not_see_is_refused(make_farm, mounts, all_shots):
    """The folder of textures is a link to the artist's own disk, the rest lies on a share."""
    farm = make_farm()
    share, own = farm.folder / "share", farm.folder / "own disk"
    mounts.network(farm.folder / "server", share)
    farm.root, farm.out = share / "spool", share / "out"
    farm.init("--trust-share")
    project = Path(shutil.copytree(all_shots, share / "project"))
    own.mkdir()
    shutil.move(project / "tex", own)
    (project / "tex").symlink_to(own / "tex")
    blend, out = project / "textured.blend", farm.out / "shot_####"
    said = farm.render("add", blend, "--out", out, status=1)
    assert "is on this machine's own disk" in said
    assert "tex/wall.png" in said
    assert not os.listdir(farm.root / "queue")
    (project / "tex").unlink()
    shutil.move(own / "tex", project)
    jid = farm.queue(blend)
    farm.up()
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert colours(farm.out) == GREEN


def test_a_library_that_was_saved_after_queuing_is_a_warning(farm, project):
    jid = farm.queue(project / "linked.blend")
    library = project / "lib" / "prop.blend"
    later = library.stat().st_mtime_ns + 10**9
    os.utime(library, ns=(later, later))
    farm.up()
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert colours(farm.out) == GREEN
    farm.logged(jid, "warning: a linked library was saved after queuing: prop.blend")
    assert "a linked library was saved after queuing" in farm.render("jobs", "--all")
    assert "a linked library was saved after queuing" in farm.render("why", jid)
    assert "warning: a linked library was saved" in farm.render("wait", jid)


@pytest.mark.parametrize("shot", MISSING)
def test_a_file_that_is_missing_stops_the_shot_before_it_is_queued(farm, project, shot):
    (project / MISSING[shot]).unlink()
    words = ("add", project / f"{shot}.blend", "--out", farm.out / "shot_####")
    said = farm.render(*words, status=1)
    assert str(project / MISSING[shot]) in said
    assert tickets.everywhere(farm.spool) == {}
    farm.render(*words, "--force", "--retries", 0)
    (jid,) = tickets.everywhere(farm.spool)
    farm.up()
    assert farm.ended(jid) == "failed", "what was forced is no pink frame called done either"
    assert colours(farm.out) == {}
