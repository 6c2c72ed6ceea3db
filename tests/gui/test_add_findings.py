"""What the dialog that queues .blend files finds, and what its buttons do about it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

from addstage import PATIENCE, act, kinds, made, queue, settle, several

from frontend.cli import app
from frontend.gui.models.findings import Act
from renderd.preflight import Kind
from renderd.spool import jobs, tickets


def test_a_broken_file_among_good_ones_is_told_and_can_be_left_out(adding, tmp_path, qtbot):
    (tmp_path / "bad.blend").write_bytes(b"no blend at all")
    dialog = adding(made(tmp_path), tmp_path / "bad.blend")
    assert kinds(dialog) == [Kind.REFUSED]
    assert dialog.says.text().startswith("1 scene, 30 frames")
    assert not dialog.queue.isEnabled()
    assert "cannot be read" in dialog.queue.toolTip()
    act(qtbot, dialog, Kind.REFUSED, Act.LEAVE_OUT)
    assert [entry.path for entry in dialog.adding.scenes.entries] == [str(tmp_path / "shot.blend")]
    assert dialog.queue.isEnabled()
    assert not dialog.queue.toolTip()


def test_a_shot_that_lacks_a_picture_is_stopped_and_may_be_rendered_as_a_preview(
    adding, spool, tmp_path, qtbot
):
    dialog = adding(made(tmp_path, "shot", b"//tex/wood.png"))
    assert kinds(dialog) == [Kind.MISSING]
    assert not dialog.queue.isEnabled()
    act(qtbot, dialog, Kind.MISSING, Act.FOLDER)
    qtbot.waitUntil(lambda: dialog.desk.ask.opened == str(tmp_path), timeout=PATIENCE)
    act(qtbot, dialog, Kind.MISSING, Act.WARN)
    assert dialog.form.flags["warns"].isChecked()
    jid = queue(qtbot, dialog)["shot"]
    assert jobs.read(spool, jid).info.missing == "warn"


def test_it_may_be_queued_although_it_would_spoil_frames(adding, tmp_path, qtbot):
    dialog = adding(made(tmp_path, "shot", b"//tex/wood.png"))
    dialog.force.setChecked(True)
    settle(qtbot, dialog)
    assert "--force" in dialog.adding.result.lines[0]
    assert list(queue(qtbot, dialog)) == ["shot"]


def test_an_output_of_an_open_job_is_told_and_the_job_can_be_replaced(
    adding, spool, tmp_path, qtbot
):
    path = made(tmp_path)
    assert app.main(["--spool", spool.root, "add", path]) == 0
    [first] = tickets.everywhere(spool)
    dialog = adding(path)
    assert kinds(dialog) == [Kind.OWNED]
    act(qtbot, dialog, Kind.OWNED, Act.REPLACE)
    queue(qtbot, dialog)
    assert tickets.find(spool, first)[0] == "cancelled"


def test_an_unbaked_cloth_may_be_simulated_in_one_chunk(adding, tmp_path, qtbot):
    dialog = adding(made(tmp_path, cloth=False))
    assert kinds(dialog) == [Kind.UNBAKED]
    assert dialog.queue.isEnabled()
    act(qtbot, dialog, Kind.UNBAKED, Act.WHOLE)
    assert dialog.says.text().startswith("1 scene, 30 frames, 1 chunk ")


def test_a_file_newer_than_every_blender_of_the_farm_is_told(adding, make_worker, tmp_path, qtbot):
    make_worker("ws01-0123abcd", blenders=["2.93.1"])
    dialog = adding(made(tmp_path))
    assert kinds(dialog) == [Kind.VERSION]
    assert dialog.form.blender.findText("2.93") >= 0


def test_one_output_for_several_scenes_gets_their_names(adding, tmp_path, qtbot):
    dialog = adding(several(tmp_path))
    dialog.form.out.setText(f"{tmp_path}/o/####")
    settle(qtbot, dialog)
    assert kinds(dialog) == [Kind.REFUSED]
    act(qtbot, dialog, Kind.REFUSED, Act.SCENE_OUT)
    assert [job.draft.out for job in dialog.adding.result.jobs] == [
        f"{tmp_path}/o/alpha_####",
        f"{tmp_path}/o/beta_####",
    ]


def test_what_was_mended_is_seen_when_it_is_looked_again(adding, tmp_path, qtbot):
    dialog = adding(made(tmp_path, "shot", b"//wood.png"))
    assert kinds(dialog) == [Kind.MISSING]
    (tmp_path / "wood.png").write_bytes(b"there")
    dialog.anew.click()
    settle(qtbot, dialog)
    assert kinds(dialog) == []
    assert dialog.queue.isEnabled()


def test_all_that_stops_is_unticked_at_once_and_the_rest_is_queued(adding, tmp_path, qtbot):
    (tmp_path / "bad.blend").write_bytes(b"no blend at all")
    for name in ("lacks", "wants"):
        (tmp_path / name).mkdir()
    paths = [made(tmp_path / n, n, b"//tex/wood.png") for n in ("lacks", "wants")]
    dialog = adding(made(tmp_path), *paths, tmp_path / "bad.blend")
    assert not dialog.queue.isEnabled()
    assert dialog.spare.isVisibleTo(dialog)
    dialog.spare.click()
    settle(qtbot, dialog)
    assert [job.shot.path for job in dialog.adding.result.jobs] == [str(tmp_path / "shot.blend")]
    assert not dialog.spare.isVisibleTo(dialog)
    assert list(queue(qtbot, dialog)) == ["shot"]


def test_where_all_would_be_unticked_nothing_offers_it(adding, tmp_path):
    dialog = adding(made(tmp_path, "shot", b"//tex/wood.png"))
    assert dialog.adding.stopping()
    assert not dialog.spare.isVisibleTo(dialog)
