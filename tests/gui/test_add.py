"""The dialog that queues .blend files: what it shows of them, and what is typed."""

import sys
import threading
from pathlib import Path

import pytest
from PyQt6 import sip
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtTest import QAbstractItemModelTester

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

import blendmaker
from addstage import PATIENCE, made, scene_index, settle, several

from frontend.gui.bridge import Latest
from frontend.gui.models.blends import Reading, Scene, Sheet, read
from frontend.gui.models.scenes import OUTPUT, PICTURE, RANGE, SIZE, Scenes, wrong
from frontend.gui.views.add import AddDialog
from renderd.core import frames


def test_scenes_are_shown_with_their_ranges_and_what_will_be_written(adding, tmp_path):
    dialog = adding(several(tmp_path))
    [entry] = dialog.adding.scenes.entries
    shown = [(r.scene.name, frames.text(r.wanted), r.is_ticked, r.chunks) for r in entry.rows]
    assert shown == [
        ("Alpha", "1-10", True, 10),
        ("Beta", "1-20", True, 20),
        ("Gamma", "1-30", False, None),
    ]
    assert dialog.says.text() == f"2 scenes, 30 frames, 30 chunks → {tmp_path}/out"
    assert dialog.queue.text() == "&Queue 2 jobs"
    assert dialog.queue.isEnabled()


def test_a_scene_has_chunks_of_its_own_size_and_the_others_follow_the_form(adding, tmp_path, qtbot):
    dialog = adding(several(tmp_path))
    model = dialog.adding.scenes

    def shown():
        return [model.data(scene_index(dialog, name, SIZE)) for name in ("Alpha", "Beta")]

    assert shown() == ["auto", "auto"]
    assert model.setData(scene_index(dialog, "Beta", SIZE), "5")
    dialog.form.chunk.setValue(2)
    settle(qtbot, dialog)
    assert shown() == ["2", "5"]
    assert [row.chunks for row in model.entries[0].rows[:2]] == [5, 4]
    assert model.setData(scene_index(dialog, "Beta", SIZE), "auto")
    assert shown() == ["2", "auto"]
    assert model.setData(scene_index(dialog, "Beta", SIZE), "")
    assert shown() == ["2", "2"]


@pytest.mark.parametrize(
    ("said", "value", "shown", "chunks"),
    [("", 0, "auto", 30), ("[blender]\nwarm = false", 10, "10", 3)],
)
def test_the_size_of_chunks_is_auto_where_blenders_stay_open(
    adding, spool, tmp_path, qtbot, said, value, shown, chunks
):
    Path(spool.root, "farm.toml").write_text(said)
    dialog = adding(several(tmp_path))
    size = dialog.adding.scenes.data(scene_index(dialog, "Alpha", SIZE))
    assert (dialog.form.chunk.value(), size) == (value, shown)
    assert dialog.says.text().startswith(f"2 scenes, 30 frames, {chunks} chunks")
    assert "--chunk" not in dialog.command.text()
    dialog.form.needs.setText("ram>=1G")
    settle(qtbot, dialog)
    assert "--chunk" not in dialog.command.text()
    dialog.form.chunk.setValue(7)
    settle(qtbot, dialog)
    assert "--chunk 7" in dialog.command.text()


@pytest.mark.parametrize("typed", ["0", "-3", "ten", "1.5", "100001"])
def test_what_is_no_size_of_a_chunk_is_not_taken_and_says_why(adding, tmp_path, typed):
    dialog = adding(several(tmp_path))
    assert not dialog.adding.scenes.setData(scene_index(dialog, "Beta", SIZE), typed)
    assert typed in wrong(SIZE, typed)


def test_where_frames_go_gets_the_room_that_other_columns_leave(adding, tmp_path, qtbot):
    dialog = adding(several(tmp_path))
    tree, before = dialog.scenes, dialog.scenes.columnWidth(OUTPUT)
    dialog.resize(dialog.width() + 200, dialog.height())
    qtbot.waitUntil(lambda: tree.columnWidth(OUTPUT) == before + 200, timeout=PATIENCE)
    assert tree.columnWidth(PICTURE) < before + 200


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
    assert dialog.says.text().startswith("3 scenes, 33 frames, 33 chunks")
    assert model.setData(scene_index(dialog, "Gamma", RANGE), "")
    settle(qtbot, dialog)
    assert dialog.says.text().startswith("3 scenes, 60 frames, 60 chunks")


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


def test_an_answer_after_the_window_is_gone_is_nobodys(qapp):
    """The wizard is closed while a folder is looked into; an exception in a thread fails a test."""
    latest, goes_on, ended = Latest("test"), threading.Event(), threading.Event()

    def slow(_goes_on):
        goes_on.wait(60)
        threading.Timer(0.3, ended.set).start()
        return "late"

    latest.ask(slow)
    sip.delete(latest)
    goes_on.set()
    assert ended.wait(60)
