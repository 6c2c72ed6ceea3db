"""The dialog that queues .blend files, on real files and real spools."""

import json
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PyQt6.QtCore import QMimeData, QObject, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtTest import QAbstractItemModelTester, QTest

sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

import blendmaker
from shotmaker import shot

from frontend.cli import app
from frontend.gui.bridge import Latest
from frontend.gui.models.blends import Reading, Scene, Sheet, read
from frontend.gui.models.findings import Act
from frontend.gui.models.scenes import RANGE, Scenes
from frontend.gui.views.add import AddDialog
from renderd.core import frames
from renderd.preflight import Kind
from renderd.spool import jobs, tickets

MODERN = blendmaker.MODERN


PATIENCE = 30_000
CHECK = Qt.ItemDataRole.CheckStateRole


class Chooser:
    """A person who chooses files in the browser."""

    chosen, copied, opened = (), "", ""

    def files(self, folder, kinds, *, multiple=False, save_name=""):
        return self.chosen

    def copy(self, text):
        self.copied = text

    def open(self, path):
        self.opened = path


def made(folder: Path, name: str = "shot", *pictures: bytes, **how: object) -> str:
    path = folder / f"{name}.blend"
    path.write_bytes(shot(pictures, **how))
    return str(path)


def several(folder: Path, name: str = "several", out: bytes = b"//out/") -> str:
    """A file of three scenes, of which it lists two."""
    age = blendmaker.Age(304)
    scenes = b"".join(
        blendmaker.scene_block(
            age,
            MODERN,
            {
                "id.name": b"SC" + scene,
                "r.sfra": 1,
                "r.efra": last,
                "r.frs_sec": 24,
                "r.frs_sec_base": 1.0,
                "r.xsch": 1920,
                "r.ysch": 1080,
                "r.size": 100,
                "r.pic": out + scene.lower() + b"_####",
                "r.im_format.imtype": 17,
                "camera": blendmaker.CAMERA,
            },
        )
        for scene, last in ((b"Alpha", 10), (b"Beta", 20), (b"Gamma", 30))
    )
    rest = scenes + blendmaker.object_block(age, MODERN, b"OBCam")
    rest += blendmaker.dna1(age, MODERN) + blendmaker.end(age)
    rows = [(b"Alpha", 1, 10), (b"Beta", 1, 20)]
    path = folder / f"{name}.blend"
    path.write_bytes(blendmaker.blend(age, rows, rest=rest))
    return str(path)


@pytest.fixture
def adding(show, spool, qtbot):
    """A window with the dialog open on some files, and all that is there looked into."""

    def go(*paths):
        window = show(spool)
        window.desk.ask = Chooser()
        window.desk.copied.connect(window.desk.ask.copy)
        window.desk.open_wanted.connect(window.desk.ask.open)
        window.add([str(path) for path in paths])
        dialog = window.findChild(AddDialog)
        qtbot.waitUntil(lambda: bool(dialog.adding.scenes.entries), timeout=PATIENCE)
        settle(qtbot, dialog)
        return dialog

    return go


def settle(qtbot, dialog):
    qtbot.waitUntil(lambda: not dialog.adding.is_looking, timeout=PATIENCE)


def kinds(dialog):
    return [row.finding.kind for row in dialog.adding.findings.shown()]


def act(qtbot, dialog, kind, which):
    """Select a finding and press one of its buttons."""
    row = next(row for row in dialog.adding.findings.shown() if row.finding.kind is kind)
    dialog.found.view.select(row.number)
    button = dialog.found.buttons[which]
    assert button.isVisibleTo(dialog), which
    button.click()
    settle(qtbot, dialog)


def queue(qtbot, dialog):
    """Queue with Enter; the jobs by name."""
    desk = dialog.desk
    with qtbot.waitSignal(desk.added, timeout=PATIENCE) as told:
        QTest.keyClick(dialog, Qt.Key.Key_Return)
    return {jobs.read(desk.open(), jid).name: jid for jid in told.args[0]}


def scene_index(dialog, name, column=0):
    model = dialog.adding.scenes
    for at, entry in enumerate(model.entries):
        for row, one in enumerate(entry.rows):
            if one.scene.name == name:
                return model.index(row, column, model.index(at, 0))
    raise AssertionError(name)


def written(spool, jid):
    """What the spool says of a job, without what only its id and time say."""
    text = Path(spool.job(jid, "job.info")).read_text().replace(jid, "JID")
    ticket = tickets.find(spool, jid)
    return text, ticket[0], ticket[1].priority, ticket[1].slug


# -- what it shows ---------------------------------------------------------------------------


def test_scenes_are_shown_with_their_ranges_and_what_will_be_written(adding, tmp_path):
    dialog = adding(several(tmp_path))
    [entry] = dialog.adding.scenes.entries
    shown = [(r.scene.name, frames.text(r.wanted), r.is_ticked, r.chunks) for r in entry.rows]
    assert shown == [
        ("Alpha", "1-10", True, 1),
        ("Beta", "1-20", True, 2),
        ("Gamma", "1-30", False, None),
    ]
    assert dialog.says.text() == f"2 scenes, 30 frames, 3 chunks → {tmp_path}/out"
    assert dialog.queue.text() == "&Queue 2 jobs"
    assert dialog.queue.isEnabled()


@pytest.mark.parametrize("scale", [16, 32])
def test_the_picture_in_the_file_is_shown_as_it_is_there(tmp_path, scale):
    age = blendmaker.Age(304)
    red, blue = bytes([255, 0, 0, 255]), bytes([0, 0, 255, 255])
    width, height = 8 * scale, 4 * scale
    upper, lower = (colour * width * (height // 2) for colour in (red, blue))
    path = several(tmp_path)
    whole = Path(path).read_bytes()
    head = len(blendmaker.header(age))
    thumb = blendmaker.thumb(age, width, height, lower + upper)  # Blender's rows stand bottom up
    Path(path).write_bytes(whole[:head] + thumb + whole[head:])
    picture = read(path).picture
    spoiled = [bytearray(b"\x55" * len(thumb)) for _ in range(8)]
    assert (picture.width(), picture.height()) == (128, 64)
    shown = {picture.pixelColor(x, y).name() for x in range(128) for y in range(30)}
    assert (shown, len(spoiled)) == ({"#ff0000"}, 8)
    assert picture.pixelColor(64, 60).name() == "#0000ff"


def test_ticking_and_ranges_change_the_sentence_and_a_wrong_range_is_not_taken(
    adding, tmp_path, qtbot
):
    dialog = adding(several(tmp_path))
    model = dialog.adding.scenes
    assert model.setData(scene_index(dialog, "Gamma", RANGE), "5-6,9")
    assert not model.setData(scene_index(dialog, "Beta", RANGE), "20-1")
    settle(qtbot, dialog)
    assert dialog.says.text().startswith("3 scenes, 33 frames, 5 chunks")
    assert model.setData(scene_index(dialog, "Gamma", RANGE), "")
    settle(qtbot, dialog)
    assert dialog.says.text().startswith("3 scenes, 60 frames, 6 chunks")


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


def test_the_dialog_is_no_higher_than_the_screen(adding, tmp_path):
    dialog = adding(made(tmp_path))
    assert dialog.minimumSizeHint().height() <= 700  # of a laptop's 768 lines
    assert dialog.height() < dialog.screen().availableSize().height()


def test_wrong_words_are_told_while_they_are_typed_and_nothing_can_be_queued(
    adding, tmp_path, qtbot
):
    dialog = adding(made(tmp_path))
    for field, bad, good in (
        (dialog.form.needs, "ram", "ram>=16G"),
        (dialog.form.out, "frames/####", "/p/####"),
    ):
        field.setText(bad)
        assert dialog.wrong.text()
        assert not dialog.queue.isEnabled()
        field.setText(good)
        assert not dialog.wrong.text()
        settle(qtbot, dialog)
    assert dialog.adding.result.jobs[0].draft.info.needs.ram == 16 << 30
    assert dialog.adding.result.jobs[0].draft.out == "/p/####"


# -- findings --------------------------------------------------------------------------------


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


# -- queuing ---------------------------------------------------------------------------------


def _as_it_is(dialog, folder):
    pass


def _one_more_scene(dialog, folder):
    model = dialog.adding.scenes
    model.setData(scene_index(dialog, "Gamma"), Qt.CheckState.Checked.value, CHECK)


def _own_range(dialog, folder):
    dialog.adding.scenes.setData(scene_index(dialog, "Beta", RANGE), "3-4,8")


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


@pytest.mark.parametrize("change", [_as_it_is, _one_more_scene, _own_range, _much_said])
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


def test_files_and_folders_are_dropped_and_what_is_no_blend_is_told(show, spool, tmp_path, qtbot):
    made(tmp_path, "a")
    (tmp_path / ".a.abcdefgh.blend").write_bytes(b"a job's copy")
    (tmp_path / "in").mkdir()
    inner = made(tmp_path / "in", "b")
    (tmp_path / "notes.txt").write_text("no")
    window = show(spool)
    said = []
    window.desk.said.connect(said.append)
    mime = QMimeData()
    paths = (tmp_path, inner, tmp_path / "notes.txt")
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    actions, buttons, keys = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier,
    )
    event = QDropEvent(QPointF(5, 5), actions, mime, buttons, keys.NoModifier)
    window.dropEvent(event)
    dialog = window.findChild(AddDialog)

    def names():
        return [Path(one.path).name for one in dialog.adding.scenes.entries]

    qtbot.waitUntil(lambda: names() == ["a.blend", "b.blend"], timeout=PATIENCE)
    assert said == ["notes.txt: no .blend, so left out"]


def test_files_that_were_given_up_do_not_come_back_with_the_next(show, spool, tmp_path, qtbot):
    window = show(spool)
    window.add([made(tmp_path, "one")])
    [first] = window.findChildren(AddDialog)
    qtbot.waitUntil(lambda: len(first.adding.scenes.entries) == 1, timeout=PATIENCE)
    first.close()
    window.add([made(tmp_path, "two")])
    [second] = (d for d in window.findChildren(AddDialog) if d.isVisible())
    qtbot.waitUntil(lambda: len(second.adding.scenes.entries) == 1, timeout=PATIENCE)
    assert [e.path.rpartition("/")[2] for e in second.adding.scenes.entries] == ["two.blend"]
    qtbot.waitUntil(lambda: window.findChildren(AddDialog) == [second], timeout=PATIENCE)


def test_a_shot_is_queued_by_keyboard_alone(show, spool, tmp_path, qtbot):
    window = show(spool)
    window.desk.ask = Chooser()
    window.desk.ask.chosen = [several(tmp_path)]
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
    assert dialog.says.text().startswith("1 scene, 5 frames, 1 chunk")
    found = queue(qtbot, dialog)
    assert [frames.text(jobs.read(spool, jid).info.frames) for jid in found.values()] == ["5-9"]


def test_every_part_can_be_reached_and_has_a_name(adding, tmp_path):
    dialog = adding(made(tmp_path))
    named = (dialog.scenes, dialog.found.view, dialog.command, *vars(dialog.form).values())
    assert all(part.accessibleName() for part in named if hasattr(part, "setReadOnly"))
    seen, part = set(), dialog.scenes
    while part not in seen:
        seen.add(part)
        part = part.nextInFocusChain()
    form = dialog.form
    wanted = {dialog.scenes, form.out, form.chunk, form.needs, dialog.queue, dialog.command}
    assert wanted <= seen


def test_jobs_wait_for_open_ones_that_are_ticked_and_are_held_where_that_is_said(
    adding, publish, spool, tmp_path, qtbot
):
    first = publish("comp")
    dialog = adding(made(tmp_path))
    menu = dialog.form.after.menu()
    menu.aboutToShow.emit()
    [action] = menu.actions()
    action.trigger()
    assert (action.text(), dialog.form.after.text()) == ("comp", "comp")
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
    assert dialog.says.text() == f"2 scenes, 48 frames, 6 chunks → {tmp_path}/out"
    [line] = dialog.adding.result.lines
    assert app.main([*_words(line), "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["jobs"]
    found = [jobs.read(spool, jid) for jid in queue(qtbot, dialog).values()]
    mine = sorted((job.name, frames.text(job.info.frames), job.out) for job in found)
    assert mine == sorted((one["name"], one["frames"], one["out"]) for one in said)


# -- the parts -------------------------------------------------------------------------------


def test_a_model_of_scenes_stays_whole_while_files_come_and_go(qapp):
    model = Scenes()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    own = frames.parse("1-10")
    scenes = tuple(Scene(name, own, is_chosen=True, says="") for name in ("A", "B", "C"))
    model.add(["/a.blend", "/b.blend", "/c.blend"])
    for path in ("/b.blend", "/a.blend", "/c.blend"):
        model.take(Sheet(path=path, scenes=scenes))
    model.setData(model.index(1, RANGE, model.index(1, 0)), "3-4")
    model.take(Sheet(path="/b.blend", scenes=scenes[1:]))
    model.remove(["/a.blend"])
    assert model.shots()[0].ranges == {"B": frames.parse("3-4")}
    model.take(Sheet(path="/b.blend", error="gone"))
    assert [shot.path for shot in model.shots()] == ["/c.blend"]


def test_a_file_that_does_not_answer_keeps_no_other_waiting(qtbot):
    answers, came = threading.Event(), []

    def slowly(path):
        if path == "slow":
            answers.wait(60)
        return Sheet(path=path)

    reading = Reading(slowly)
    reading.came.connect(lambda sheet: came.append(sheet.path))
    reading.read(["slow", "a", "b", "c", "d", "e"])
    qtbot.waitUntil(lambda: sorted(came) == ["a", "b", "c", "d", "e"], timeout=PATIENCE)
    answers.set()
    qtbot.waitUntil(lambda: came[-1] == "slow", timeout=PATIENCE)


def test_an_answer_that_comes_late_is_dropped_and_keeps_nobody_waiting(qtbot):
    latest, goes_on, told = Latest("test"), threading.Event(), []
    latest.came.connect(told.append)

    def slow(_goes_on):
        goes_on.wait(60)
        return "old"

    latest.ask(slow)
    latest.ask(lambda _: "new")
    qtbot.waitUntil(lambda: told == ["new"], timeout=PATIENCE)
    goes_on.set()
    latest.ask(lambda _: "newest")
    qtbot.waitUntil(lambda: told == ["new", "newest"], timeout=PATIENCE)
