"""The preview dock: which frames are there, lack or are broken; one in full; other kinds."""

import importlib
import os
import struct
import zlib

import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QImage
from PyQt6.QtTest import QAbstractItemModelTester

from frontend.gui.models import pictures
from frontend.gui.models.pictures import FULL, Pictures
from frontend.gui.models.shots import ShotsReading
from renderd import config
from renderd.core import frames
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.spool import jobs, view

PATIENCE = 30_000
FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


def png(frame, side=16):
    rows = (b"\0" + bytes((frame, 80, 160)) * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d))
        for kind, d in parts
    )


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def write(out):
    """Put a frame's file in place, whole or not."""

    def put(frame, size=None):
        temp = out / "temp"
        temp.write_bytes(png(frame)[:size])
        os.replace(temp, out / f"shot_{frame:04d}.png")
        return str(out / f"shot_{frame:04d}.png")

    return put


@pytest.fixture
def job(spool, out):
    """Publish a job of frames in chunks of ten that writes into the folder; its jid."""

    def put(ending=".png", writes=Writes.PRIVATE, span="1-30"):
        runs = frames.parse(span)
        info = Info(commands=(("prog", "{start}", "{end}"),), frames=runs)
        where = f"{out}/shot_####{ending}"
        draft = Draft(
            name="shot", slug="shot", info=info, runs=runs, size=10, out=where, writes=writes
        )
        return jobs.publish(spool, draft, jobs.Order("me@here"))

    return put


@pytest.fixture
def at(show, spool, qtbot):
    def go(jid):
        window = show(spool)
        window.preview_dock.bring()
        window.desk.pick(jobs=[jid])
        return window.preview

    return go


def until(qtbot, claim):
    qtbot.waitUntil(claim, timeout=PATIENCE)


def states(preview):
    return {shot.frame: preview.model.state(shot) for shot in preview.model.shots}


def test_no_frame_is_called_missing_while_the_chunks_of_its_job_are_not_read(spool, job, write):
    jid = job()
    write(1)
    shown = ["", {}]
    reading = ShotsReading(config.load({"spool": spool.root}), lambda: jid, lambda: tuple(shown))
    assert [shot.state for shot in reading().shots] == ["there", *["to come"] * 29]
    assert reading.lacks_chunks
    shown[:] = jid, {}  # what is over has lost them
    assert [shot.state for shot in reading().shots] == ["there", *["missing"] * 29]
    shown[:] = jid, {chunk.index: chunk for chunk in view.read_chunks(spool, jid)}
    assert [shot.state for shot in reading().shots] == ["there", *["to come"] * 29]
    assert not reading.lacks_chunks


def test_frames_that_lack_are_told_from_those_to_come(at, job, worker, write, qtbot):
    jid = job()
    worker.finish(jid, 1)
    worker.claim(jid, 2)
    for frame in (*range(1, 7), *range(8, 11), 11):
        write(frame)
    preview = at(jid)
    until(qtbot, lambda: states(preview).get(12) == "in work")
    found = states(preview)
    assert [frame for frame, state in found.items() if state == "missing"] == [7]
    assert found[11] == "there"
    assert found[30] == "to come"
    assert preview.model.summary() == "10 of 30 frames, 1 missing"


def test_a_torn_frame_is_marked_broken_and_no_longer_when_it_is_whole(at, job, write, qtbot):
    write(1)
    write(2, size=60)
    preview = at(job())
    preview.all.setChecked(True)
    until(qtbot, lambda: states(preview).get(2) == "broken")
    assert states(preview)[1] == "there"
    assert preview.model.summary().endswith(", 1 broken")
    index = preview.model.index(1)
    assert "broken" in index.data(Qt.ItemDataRole.AccessibleTextRole)
    write(2)
    until(qtbot, lambda: states(preview)[2] == "there")


def test_the_latest_frame_is_shown_as_it_comes_until_somebody_looks_elsewhere(
    at, job, write, qtbot
):
    write(1)
    preview = at(job())
    until(qtbot, lambda: preview.view.image is not None)
    write(2)
    until(qtbot, lambda: preview.strip.currentIndex().row() == 1)
    qtbot.keyClick(preview.view, Qt.Key.Key_Left)
    write(3)
    until(qtbot, lambda: states(preview)[3] == "there")
    assert preview.strip.currentIndex().row() == 0
    until(qtbot, lambda: preview.about.text().startswith("Frame 1   16×16"))


def test_frames_that_come_are_told_without_a_reset(at, job, write, qtbot):
    write(1)
    preview = at(job())
    until(qtbot, lambda: preview.model.rowCount() == 30)
    QAbstractItemModelTester(preview.model, FATAL, preview)
    resets, told = [], []
    preview.model.modelReset.connect(lambda: resets.append(1))
    preview.model.dataChanged.connect(lambda first, last: told.append(first.row()))
    write(5)
    until(qtbot, lambda: preview.model.summary() == "2 of 30 frames")
    assert 4 in told
    assert not resets


def test_who_comes_back_finds_the_frame_they_left(at, job, write, qtbot):
    write(1)
    preview = at(job())
    until(qtbot, lambda: preview.model.rowCount() == 30)
    preview._step(3)
    preview.be_seen(is_in_sight=False)
    write(2)
    preview.be_seen(is_in_sight=True)
    until(qtbot, lambda: states(preview)[2] == "there")
    assert preview._current().frame == 4


def test_a_selected_chunk_shows_its_frames(at, job, write, qtbot):
    for frame in (1, 13):
        write(frame)
    preview = at(job())
    desk = preview._desk
    until(qtbot, lambda: preview.model.rowCount() == 30 and desk.chunks.rowCount() == 3)
    desk.pick(chunks=[2])
    assert preview._current().frame == 13


def test_a_scrolled_sheet_knows_what_is_in_sight(at, job, write, qtbot):
    for frame in range(1, 51):
        write(frame)
    preview = at(job(span="1-50"))
    until(qtbot, lambda: preview.model.rowCount() == 50)
    preview.all.click()
    sheet, bar = preview.sheet, preview.sheet.verticalScrollBar()
    for width in (260, 414, 520):
        window = preview.window()
        window.work.resizeDocks([window.preview_dock], [width], Qt.Orientation.Horizontal)
        qtbot.waitUntil(sheet.isVisible, timeout=PATIENCE)
        tops = [sheet.visualRect(preview.model.index(row)).top() for row in range(50)]
        columns = sheet.viewport().width() // sheet.gridSize().width()
        assert tops.count(tops[0]) == columns
        assert sheet.viewport().width() - columns * sheet.gridSize().width() <= columns
        for value in (0, bar.maximum() // 2, bar.maximum()):
            bar.setValue(value)
            seen = [
                shot.frame
                for row, shot in enumerate(preview.model.shots)
                if sheet.viewport().rect().intersects(sheet.visualRect(preview.model.index(row)))
            ]
            assert [shot.frame for shot in sheet.in_sight()] == seen
            assert seen


def test_a_torn_frame_far_down_the_sheet_is_marked(at, job, write, qtbot):
    for frame in range(1, 51):
        write(frame, size=60 if frame == 30 else None)
    preview = at(job(span="1-50"))
    until(qtbot, lambda: preview.model.rowCount() == 50)
    preview.all.click()
    preview.sheet.scrollTo(preview.model.index(29))
    until(qtbot, lambda: states(preview)[30] == "broken")


def test_a_frame_without_its_file_says_what_it_is(at, job, write, qtbot):
    write(1)
    preview = at(job())
    until(qtbot, lambda: preview.model.rowCount() == 30)
    qtbot.keyClick(preview.view, Qt.Key.Key_Right)
    until(qtbot, lambda: preview.view.says == "Frame 2 is still to come.")


@pytest.mark.parametrize(
    ("writes", "says"),
    [
        (Writes.MOVIE, "This job writes a movie"),
        (Writes.NOTHING, "This job has no output that the farm knows of"),
    ],
)
def test_a_job_without_frames_says_so(at, job, qtbot, writes, says):
    preview = at(job(writes=writes))
    until(qtbot, lambda: preview.nothing.text().startswith(says))


def test_zoom_keeps_what_is_under_the_mouse(at, job, write, qtbot):
    write(1)
    preview = at(job())
    view = preview.view
    until(qtbot, lambda: view.image is not None)
    place = QPointF(view.width() / 3, view.height() / 3)
    before = view._pixel(place)
    view._zoom_to(view.scale * 4, place)
    after = view._pixel(place)
    assert (before - after).manhattanLength() < 0.01
    view.show_pixels()
    assert view.scale == 1.0
    view.fit()
    assert view.zoom is None


def test_pictures_are_kept_within_their_bound(qapp, write, qtbot, monkeypatch):
    monkeypatch.setattr(pictures, "_KEPT_BYTES", 3 * 16 * 16 * 4)
    kept = Pictures()
    for frame in range(1, 9):
        path = write(frame)
        with qtbot.waitSignal(kept.arrived, timeout=PATIENCE):
            kept.get(path, FULL)
    assert len(kept._kept) == 3
    assert kept._bytes == sum(one.weight for one in kept._kept.values())
    kept.stop()


def test_a_file_is_decoded_again_only_when_it_is_another(write):
    path = write(1)
    first = pictures.load(path, FULL)
    assert pictures.load(path, FULL, first.stamp) is None
    os.replace(write(200), path)
    again = pictures.load(path, FULL, first.stamp)
    assert again.image.pixelColor(0, 0).red() == 200


def test_a_large_picture_is_decoded_small(out):
    path = str(out / "big.jpg")
    made = QImage(1200, 600, QImage.Format.Format_RGB32)
    made.fill(Qt.GlobalColor.red)
    assert made.save(path)
    found = pictures.load(path, 120)
    assert (found.image.width(), found.image.height()) == (120, 60)
    assert found.size == (1200, 600)


def test_scene_linear_light_is_made_visible(out):
    oiio, numpy = map(importlib.import_module, ("OpenImageIO", "numpy"))

    path = str(out / "light.exr")
    spec = oiio.ImageSpec(40, 20, 4, "half")
    spec.channelnames = tuple(f"ViewLayer.Combined.{one}" for one in "RGBA")
    pixels = numpy.zeros((20, 40, 4), "float32")
    pixels[:] = (0.2140, 9.0, 0.0, 1.0)
    file = oiio.ImageOutput.create(path)
    assert file.open(path, spec)
    assert file.write_image(pixels)
    file.close()
    colour = pictures.load(path, 20).image.pixelColor(3, 3)
    assert abs(colour.red() - 127) <= 1  # sRGB's middle grey
    assert (colour.green(), colour.blue()) == (255, 0)


def test_a_file_that_nothing_decodes_is_a_sentence(out, monkeypatch):
    path = out / "plain.dat"
    path.write_bytes(b"not a picture at all, but something")
    monkeypatch.setattr(pictures.picture, "openimageio", lambda: None)
    found = pictures.load(str(path), FULL)
    assert found.image is None
    assert "cannot be shown here" in found.says
    assert not found.is_broken
