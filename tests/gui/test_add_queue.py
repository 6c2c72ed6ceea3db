"""What the dialog that queues .blend files puts into the spool."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PyQt6.QtCore import QObject, Qt
from PyQt6.QtTest import QTest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

from addstage import PATIENCE, made, queue, scene_index, settle, several, written
from typist import Typist

from frontend.cli import app
from frontend.gui.models.scenes import RANGE, SIZE
from frontend.gui.views.add import AddDialog
from renderd.core import frames
from renderd.spool import jobs, tickets

CHECK = Qt.ItemDataRole.CheckStateRole


def _as_it_is(dialog, folder):
    pass


def _one_more_scene(dialog, folder):
    model = dialog.adding.scenes
    model.setData(scene_index(dialog, "Gamma"), Qt.CheckState.Checked.value, CHECK)


def _own_range(dialog, folder):
    dialog.adding.scenes.setData(scene_index(dialog, "Beta", RANGE), "3-4,8")


def _own_size(dialog, folder):
    model = dialog.adding.scenes
    model.setData(scene_index(dialog, "Beta", SIZE), "4")


def _own_sizes(dialog, folder):
    dialog.form.chunk.setValue(6)
    _own_size(dialog, folder)
    dialog.adding.scenes.setData(scene_index(dialog, "Alpha", SIZE), "10")


def _much_said(dialog, folder):
    form = dialog.form
    form.chunk.setValue(7)
    form.priority.setValue(70)
    form.pool.setEditText("gpu, big")
    form.needs.setText("ram>=2G, tag=x")
    form.blender.setEditText(">=3.0")
    form.out.setText(f"{folder}/o/{{scene}}_####")
    form.video.setCurrentIndex(form.video.findData("h264"))
    for key in ("holds", "warns"):
        form.flags[key].setChecked(True)
    form.flags["copies"].setChecked(False)


@pytest.mark.parametrize(
    "change", [_as_it_is, _one_more_scene, _own_range, _own_size, _own_sizes, _much_said]
)
@pytest.mark.parametrize("has_two", [False, True])
def test_the_dialog_queues_what_its_command_lines_queue(
    adding, spool, make_spool, tmp_path, qtbot, capsys, change, has_two
):
    paths = [several(tmp_path)]
    if has_two:
        (tmp_path / "b").mkdir()
        paths.append(several(tmp_path / "b", "other", str(tmp_path / "out").encode() + b"/"))
    dialog = adding(*paths)
    change(dialog, tmp_path)
    settle(qtbot, dialog)
    lines = dialog.adding.result.lines
    mine = [written(spool, jid) for jid in queue(qtbot, dialog).values()]
    for jid in tickets.everywhere(spool):
        tickets.turn_surely(spool, jid, "cancelled", among=("queue", "held", "waiting"))
    before = set(tickets.everywhere(spool))
    for line in lines:
        assert app.main(_words(line)) == 0, line
    fresh = [jid for jid in tickets.everywhere(spool) if jid not in before]
    theirs = [written(spool, jid) for jid in fresh]
    theirs = [one for one in theirs if not one[3].endswith("-video")]
    assert sorted(theirs) == sorted(mine)


def _words(line):
    words = shlex.split(line)
    assert words[0] == "render"
    return words[1:]


def test_what_was_queued_is_selected_and_chunk_and_priority_are_remembered(adding, tmp_path, qtbot):
    dialog = adding(several(tmp_path))
    window = dialog.parent()
    dialog.form.chunk.setValue(4)
    dialog.form.priority.setValue(60)
    settle(qtbot, dialog)
    found = queue(qtbot, dialog)
    chosen = window.desk
    qtbot.waitUntil(lambda: set(chosen.picked_jobs) == set(found.values()), timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.findChild(AddDialog) is None, timeout=PATIENCE)
    window.add([made(tmp_path)])
    form = window.findChild(AddDialog).form
    assert (form.chunk.value(), form.priority.value()) == (4, 60)


def test_a_shot_is_queued_by_keyboard_alone(show, spool, tmp_path, qtbot):
    window = show(spool)
    window.desk.ask = Typist()
    window.desk.ask.chosen = (several(tmp_path),)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=PATIENCE)
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.findChild(AddDialog) is not None, timeout=PATIENCE)
    dialog = window.findChild(AddDialog)
    qtbot.waitUntil(lambda: bool(dialog.adding.scenes.entries), timeout=PATIENCE)
    settle(qtbot, dialog)
    tree = dialog.scenes
    tree.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Space, Qt.Key.Key_Down, Qt.Key.Key_F2):
        QTest.keyClick(tree, key)
    editor = tree.findChild(QObject, "range")
    QTest.keyClicks(editor, "5-")
    assert dialog.wrong.text()
    QTest.keyClicks(editor, "9")
    assert not dialog.wrong.text()
    QTest.keyClick(editor, Qt.Key.Key_Return)
    settle(qtbot, dialog)
    assert dialog.says.text().startswith("1 scene, 5 frames, 5 chunks")
    found = queue(qtbot, dialog)
    assert [frames.text(jobs.read(spool, jid).info.frames) for jid in found.values()] == ["5-9"]


def test_jobs_wait_for_open_ones_that_are_ticked_and_are_held_where_that_is_said(
    adding, publish, spool, tmp_path, qtbot
):
    first = publish("comp")
    dialog = adding(made(tmp_path))
    menu = dialog.form.after.menu()
    menu.aboutToShow.emit()
    [action] = menu.actions()
    action.trigger()
    assert (action.text(), dialog.form.after.text().strip()) == ("comp", "comp")
    settle(qtbot, dialog)
    assert f"--after {first}" in dialog.adding.result.lines[0]
    jid = queue(qtbot, dialog)["shot"]
    assert (jobs.read(spool, jid).info.after, tickets.find(spool, jid)[0]) == ((first,), "waiting")


def test_what_was_queued_before_a_mistake_is_not_queued_again(adding, spool, tmp_path, qtbot):
    path = Path(made(tmp_path, "a"))
    (tmp_path / "b").mkdir()
    other = Path(made(tmp_path / "b", "b"))
    dialog = adding(path, other)
    (tmp_path / "b" / "out").write_text("no folder")
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "1 job queued; then" in dialog.wrong.text(), timeout=PATIENCE)
    settle(qtbot, dialog)
    assert [job.shot.path for job in dialog.adding.result.jobs] == [str(other)]
    assert [ticket.slug for _, ticket in tickets.everywhere(spool).values()] == ["a"]


@pytest.mark.blender
def test_a_file_that_blender_saved_is_queued_as_the_command_line_queues_it(
    adding, spool, tmp_path, qtbot, capsys
):
    path = tmp_path / "real.blend"
    words = (
        "import bpy; first = bpy.context.scene; first.frame_end = 24;"
        "first.render.filepath = '//out/first_'; second = bpy.data.scenes.new('Second');"
        "second.frame_end = 24; second.render.filepath = '//out/second_';"
        "second.camera = first.camera; second.collection.objects.link(first.camera);"
        f"bpy.ops.wm.save_as_mainfile(filepath={str(path)!r})"
    )
    command = ["blender", "--background", "--factory-startup", "--python-expr", words]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    dialog = adding(path)
    assert dialog.says.text().startswith("1 scene, 24 frames")
    dialog.adding.scenes.setData(scene_index(dialog, "Second"), Qt.CheckState.Checked.value, CHECK)
    settle(qtbot, dialog)
    assert dialog.says.text() == f"2 scenes, 48 frames, 48 chunks → {tmp_path}/out"
    [line] = dialog.adding.result.lines
    assert app.main([*_words(line), "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["jobs"]
    found = [jobs.read(spool, jid) for jid in queue(qtbot, dialog).values()]
    mine = sorted((job.name, frames.text(job.info.frames), job.out) for job in found)
    assert mine == sorted((one["name"], one["frames"], one["out"]) for one in said)
