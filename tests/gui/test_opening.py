"""Frames opened, played and shown by other programs: really started, with the frame."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from PyQt6.QtCore import QSettings, Qt
from PyQt6.QtGui import QColor, QImage

from frontend.gui.models.preferences import Preferences
from frontend.gui.views.settings import SettingsDialog
from renderd.core import frames
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.spool import jobs

PATIENCE = 30_000
TELLS = "import json, os, sys; json.dump(sys.argv[2:], open(sys.argv[1] + '~', 'w'));"
TELLS += " os.replace(sys.argv[1] + '~', sys.argv[1])"


@pytest.fixture
def started(tmp_path, qtbot):
    """A program to be started, and the words it was given once it was."""
    told = tmp_path / "started.json"
    line = f'{sys.executable} -c "{TELLS}" {told}'

    def words():
        qtbot.waitUntil(told.exists, timeout=PATIENCE)
        found = json.loads(told.read_text())
        told.unlink()
        return found

    return line, words


@pytest.fixture
def seen(show, spool, tmp_path, qtbot):
    """A window that shows the frames 2 and 3 of a job of frames 1-3."""
    picture = QImage(8, 8, QImage.Format.Format_RGB32)
    picture.fill(QColor("teal"))
    for frame in (2, 3):
        assert picture.save(str(tmp_path / f"shot_{frame:04d}.png"))
    runs = frames.parse("1-3")
    info = Info(commands=(("prog", "{start}", "{end}"),), frames=runs)
    out = f"{tmp_path}/shot_####.png"
    draft = Draft(
        name="shot", slug="shot", info=info, runs=runs, size=10, out=out, writes=Writes.PRIVATE
    )
    jid = jobs.publish(spool, draft, jobs.Order("me@here"))
    window = show(spool)
    window.preview_dock.bring()
    window.desk.pick(jobs=[jid])
    qtbot.waitUntil(lambda: window.desk.seen is not None, timeout=PATIENCE)
    window.preview._go_to_end(is_last=False)  # and follows no longer what comes
    window.preview._go(1)
    assert window.desk.seen.shot.frame == 2
    return window


def trigger(window, key, qtbot):
    with qtbot.waitSignal(window.desk.said, timeout=PATIENCE) as told:
        window.actions_[key].trigger()
    return told.args[0]


def refusal(window, key, qtbot):
    with qtbot.waitSignal(window.desk.refused, timeout=PATIENCE) as told:
        window.actions_[key].trigger()
    return told.args[0]


def test_a_frame_is_opened_with_the_program_of_the_settings(seen, started, tmp_path, qtbot):
    line, words = started
    seen.preferences.open_with = f"{line} --viewer"
    assert trigger(seen, "frame-open", qtbot).startswith("Opened shot_0002.png with python")
    assert words() == ["--viewer", str(tmp_path / "shot_0002.png")]


def test_enter_opens_the_frame_that_is_looked_at(seen, started, tmp_path, qtbot):
    seen.preferences.open_with, words = started
    for widget in (seen.preview.strip, seen.preview.view):
        qtbot.keyClick(widget, Qt.Key.Key_Return)
        assert words() == [str(tmp_path / "shot_0002.png")]


def test_without_a_program_the_desktop_opens_the_frame(seen, tmp_path, qtbot):
    opened = []
    seen.desk.open_wanted.disconnect()
    seen.desk.open_wanted.connect(opened.append)
    assert trigger(seen, "frame-open", qtbot) == "Opened shot_0002.png"
    assert opened == [str(tmp_path / "shot_0002.png")]


def test_a_sequence_is_played_from_its_first_frame(seen, started, tmp_path, qtbot):
    seen.preferences.play_with, words = started
    seen.preview._go(2)
    trigger(seen, "frame-play", qtbot)
    assert words() == [str(tmp_path / "shot_0002.png")]


def test_blender_plays_where_no_player_is_named(seen, tmp_path, qtbot, monkeypatch):
    told, folder = tmp_path / "told", tmp_path / "bin"
    folder.mkdir()
    blender = folder / "blender"
    blender.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {told}~ && mv {told}~ {told}\n')
    blender.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    trigger(seen, "frame-play", qtbot)
    qtbot.waitUntil(told.exists, timeout=PATIENCE)
    assert told.read_text().splitlines() == ["-a", str(tmp_path / "shot_0002.png")]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "name one in Settings" in refusal(seen, "frame-play", qtbot)


def test_a_program_that_is_not_there_is_told_with_the_setting(seen, qtbot):
    seen.preferences.open_with = "no-such-viewer-here"
    said = refusal(seen, "frame-open", qtbot)
    assert said == "no-such-viewer-here could not be started; look at Settings ▸ Open frames with"


def test_a_quotation_mark_that_is_not_closed_is_told_and_not_kept(seen, qtbot):
    dialog = SettingsDialog(seen, seen.desk)
    dialog.open_with.setText('"/opt/my viewer/bin/mrv2" --loop')
    dialog.open_with.setText('"/opt/my viewer/bin/mrv2 --loop')
    assert "is not closed" in dialog.wrong.text()
    assert not dialog.wrong.isHidden()
    assert seen.preferences.open_with == '"/opt/my viewer/bin/mrv2" --loop'
    dialog.open_with.setText("mrv2")
    assert dialog.wrong.isHidden()
    kept = QSettings(seen.desk.remembered.fileName(), QSettings.Format.IniFormat)
    Preferences(kept).open_with = "mrv2 'one"  # written by hand into the file
    seen.desk.remembered.setValue("open_with", "mrv2 'one")
    assert "is not closed" in refusal(seen, "frame-open", qtbot)


def processes_with(word):
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in words:
            found.append((int(folder.name), [one.decode() for one in words]))
    return found


def test_a_frame_is_shown_in_our_file_browser(seen, tmp_path, qtbot):
    path = str(tmp_path / "shot_0002.png")
    trigger(seen, "frame-show", qtbot)
    qtbot.waitUntil(lambda: len(processes_with(path)) == 1, timeout=PATIENCE)
    [(pid, words)] = processes_with(path)
    os.kill(pid, signal.SIGKILL)
    assert "fs_browser.app" in words


def test_the_path_of_a_frame_is_copied(seen, tmp_path, qtbot):
    copied = []
    seen.desk.ask.copy = copied.append
    assert trigger(seen, "frame-copy", qtbot) == "Copied the path of frame 2"
    assert copied == [str(tmp_path / "shot_0002.png")]


def test_a_frame_without_a_file_can_be_rendered_again_but_not_opened(seen, qtbot):
    seen.preview._go(0)
    may = {key: seen.actions_[key].isEnabled() for key in ("frame-open", "frame-redo")}
    assert may == {"frame-open": False, "frame-redo": True}
    seen.preview_dock.hide()
    qtbot.waitUntil(lambda: seen.desk.seen is None, timeout=PATIENCE)
    assert not seen.actions_["frame-redo"].isEnabled()


def test_the_menu_over_a_frame_acts_on_that_frame_although_another_comes(
    seen, tmp_path, qtbot, monkeypatch
):
    seen.preview._go_to_end(is_last=True)  # follows what comes
    shown = []
    monkeypatch.setattr("PyQt6.QtWidgets.QMenu.exec", lambda menu, at: shown.append(menu))
    strip = seen.preview.strip
    strip.customContextMenuRequested.emit(strip.rect().center())
    QImage(8, 8, QImage.Format.Format_RGB32).save(str(tmp_path / "shot_0001.png"))
    seen.preview.reader.hurry()
    qtbot.waitUntil(lambda: seen.preview.model.shots[0].path != "", timeout=PATIENCE)
    assert seen.desk.seen.shot.frame == 3
