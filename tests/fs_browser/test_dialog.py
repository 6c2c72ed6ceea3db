"""The browser's dialog, offscreen on real folders: keys, choices, what it gives back."""

import json
import os
import subprocess
import sys
import threading

import pytest
from PyQt6 import sip
from PyQt6.QtCore import QSettings, Qt
from PyQt6.QtTest import QAbstractItemModelTester

from fs_browser import theme
from fs_browser.core.kinds import Kind
from fs_browser.dialog import BrowserDialog
from fs_browser.models import session
from fs_browser.views.files import View

PATIENCE = 30_000  #: milliseconds
REPORT = QAbstractItemModelTester.FailureReportingMode.Fatal


def arrive(qtbot, dialog):
    qtbot.waitUntil(lambda: dialog.browser.session.is_whole, timeout=PATIENCE)


def names(dialog):
    return [row.name for row in dialog.browser.session.rows.shown()]


def press(qtbot, dialog, key, modifier=Qt.KeyboardModifier.NoModifier):
    dialog.activateWindow()
    dialog.browser.files.current.setFocus()
    qtbot.keyClick(dialog.browser.files.current, key, modifier)


def test_folders_come_first_and_a_sequence_is_one_row(show):
    dialog = show()
    assert names(dialog) == [
        "cache",
        "beauty_####.png",
        "notes.txt",
        "shot_v001.blend",
        "shot_v002.blend",
    ]


def test_enter_on_a_file_chooses_it(show, qtbot, folder):
    dialog = show(kinds={Kind.BLEND})
    dialog.browser.files.select("shot_v002.blend")
    press(qtbot, dialog, Qt.Key.Key_Return)
    assert dialog.result() == 1
    assert dialog.paths == [str(folder / "shot_v002.blend")]


def test_the_first_arrow_selects_a_file_that_is_alone(show, qtbot, folder):
    (folder / "shot_v002.blend").unlink()
    (folder / "cache").rmdir()
    dialog = show(kinds={Kind.BLEND})
    press(qtbot, dialog, Qt.Key.Key_Down)
    press(qtbot, dialog, Qt.Key.Key_Return)
    assert dialog.paths == [str(folder / "shot_v001.blend")]


def test_enter_on_a_folder_goes_in_and_p_comes_back_to_it(show, qtbot, folder):
    dialog = show()
    dialog.browser.files.select("cache")
    press(qtbot, dialog, Qt.Key.Key_Return)
    assert dialog.folder == str(folder / "cache")
    arrive(qtbot, dialog)
    press(qtbot, dialog, Qt.Key.Key_P)
    arrive(qtbot, dialog)
    assert [row.name for row in dialog.browser.files.selected()] == ["cache"]
    assert dialog.folder == str(folder)
    press(qtbot, dialog, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert dialog.folder == str(folder / "cache")


def test_a_sequence_opens_into_its_files_and_stands_for_all_of_them(show, qtbot, folder):
    dialog = show(multiple=True)
    rows = dialog.browser.session.rows
    dialog.browser.files.select(("beauty_", 4, ".png", Kind.IMAGE))
    press(qtbot, dialog, Qt.Key.Key_Right)
    assert names(dialog)[1:6] == ["beauty_####.png", *(f"beauty_000{n}.png" for n in (1, 2, 3, 5))]
    press(qtbot, dialog, Qt.Key.Key_Left)
    assert rows.rowCount() == 5
    press(qtbot, dialog, Qt.Key.Key_Return)
    assert dialog.paths == [str(folder / f"beauty_000{n}.png") for n in (1, 2, 3, 5)]


def test_letters_are_orders_as_in_blender(show, qtbot):
    dialog = show(multiple=True)
    press(qtbot, dialog, Qt.Key.Key_H)
    assert ".hidden.txt" in names(dialog)
    press(qtbot, dialog, Qt.Key.Key_H)
    assert ".hidden.txt" not in names(dialog)
    for view in View:
        dialog.browser.show_as(view)
        press(qtbot, dialog, Qt.Key.Key_A)
        assert len(dialog.browser.files.selected()) == 5
        press(qtbot, dialog, Qt.Key.Key_A, Qt.KeyboardModifier.AltModifier)
        assert dialog.browser.files.selected() == []
        press(qtbot, dialog, Qt.Key.Key_Home)
        press(qtbot, dialog, Qt.Key.Key_End, Qt.KeyboardModifier.ShiftModifier)
        assert len(dialog.browser.files.selected()) == 5


def test_what_is_typed_filters_and_folders_stay_first_when_sorted(show, qtbot):
    dialog = show()
    dialog.browser.session.rows.sort(0, Qt.SortOrder.DescendingOrder)
    assert names(dialog)[:2] == ["cache", "shot_v002.blend"]
    dialog.browser.acts["search"].trigger()
    qtbot.keyClicks(dialog.browser.search, "0005")
    assert names(dialog) == ["beauty_####.png"]  # for it holds that file
    dialog.browser.search.setText("*.blend v001")
    assert names(dialog) == ["shot_v001.blend"]


def test_plus_counts_the_name_up_and_selects_that_file(show, qtbot):
    dialog = show()
    dialog.browser.files.select("shot_v001.blend")
    press(qtbot, dialog, Qt.Key.Key_Plus, Qt.KeyboardModifier.KeypadModifier)
    assert dialog.name.text() == "shot_v002.blend"
    assert [row.name for row in dialog.browser.files.selected()] == ["shot_v002.blend"]


def test_a_file_can_be_saved_beside_others_and_says_when_it_replaces_one(show, qtbot, folder):
    dialog = show(save_name="shot_v002.blend")
    assert dialog.go.text() == "Replace"
    qtbot.keyClick(dialog.name, Qt.Key.Key_Plus, Qt.KeyboardModifier.KeypadModifier)
    assert (dialog.name.text(), dialog.go.text()) == ("shot_v003.blend", "Save")
    with qtbot.waitSignal(dialog.accepted, timeout=PATIENCE):
        qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    assert dialog.paths == [str(folder / "shot_v003.blend")]


def test_a_file_of_a_sequence_is_found_by_its_name(show, qtbot, folder):
    dialog = show(save_name="beauty_0003.png")
    assert dialog.go.text() == "Replace"
    dialog.name.setText("beauty_0004.png")
    assert dialog.go.text() == "Save"
    dialog.browser.session.visit(str(folder / "beauty_0005.png"))

    def chosen():
        return [row.name for row in dialog.browser.files.selected()]

    qtbot.waitUntil(lambda: chosen() == ["beauty_0005.png"], timeout=PATIENCE)


def test_several_are_refused_where_one_is_asked_for(show, qtbot):
    dialog = show()
    press(qtbot, dialog, Qt.Key.Key_A)
    assert not dialog.go.isEnabled()
    press(qtbot, dialog, Qt.Key.Key_Return)
    assert dialog.result() == 0
    assert "one file" in dialog.browser.status.text()


def test_a_folder_can_be_chosen(show, folder):
    dialog = show(kinds={Kind.FOLDER})
    dialog.go.click()
    assert dialog.paths == [str(folder)]


def test_a_path_is_typed_and_completed(show, qtbot, folder):
    dialog = show()
    dialog.browser.acts["path"].trigger()
    qtbot.keyClicks(dialog.browser.path, str(folder) + "/ca")
    names = dialog.browser.path.completer().model()
    qtbot.waitUntil(lambda: names.stringList() == [f"{folder}/cache/"], timeout=PATIENCE)
    dialog.browser.path.setText(str(folder / "cache"))
    qtbot.keyClick(dialog.browser.path, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.folder == str(folder / "cache"), timeout=PATIENCE)


def test_what_others_change_is_seen(show, qtbot, folder):
    dialog = show()
    dialog.browser.files.select("shot_v001.blend")
    (folder / "beauty_0004.png").write_bytes(b"x")
    (folder / "notes.txt").unlink()
    expected = ["cache", "beauty_####.png", "shot_v001.blend", "shot_v002.blend"]
    qtbot.waitUntil(lambda: names(dialog) == expected, timeout=PATIENCE)
    assert dialog.browser.session.rows.record(1).missing == 0
    assert [row.name for row in dialog.browser.files.selected()] == ["shot_v001.blend"]


def test_a_new_folder_is_made_and_named(show, qtbot, folder):
    dialog = show()
    press(qtbot, dialog, Qt.Key.Key_I)
    files = dialog.browser.files

    def editor():
        return files.current.focusWidget()

    qtbot.waitUntil(lambda: getattr(editor(), "text", str)() == "New folder", timeout=PATIENCE)
    qtbot.keyClicks(editor(), "renders")
    qtbot.keyClick(editor(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: (folder / "renders").is_dir(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: "renders" in names(dialog), timeout=PATIENCE)


def test_a_name_that_is_taken_is_never_written_over(show, qtbot, folder):
    (folder / "notes.txt").write_text("mine")
    dialog = show()
    rows = dialog.browser.session.rows
    rows.setData(rows.index(rows.row_of("shot_v001.blend"), 0), "notes.txt")
    said = dialog.browser.status
    qtbot.waitUntil(lambda: "file exists" in said.text(), timeout=PATIENCE)
    assert (folder / "notes.txt").read_text() == "mine"


def test_only_what_is_confirmed_goes_to_the_trash(show, qtbot, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    dialog = show()
    asked = []
    monkeypatch.setattr(dialog.browser, "confirm", lambda *words: asked.append(words))
    dialog.browser.files.select("notes.txt")
    press(qtbot, dialog, Qt.Key.Key_Delete)
    assert asked == [("Move notes.txt to the trash?", "")]
    assert (folder / "notes.txt").exists()
    monkeypatch.setattr(dialog.browser, "confirm", lambda *words: True)
    press(qtbot, dialog, Qt.Key.Key_X)
    qtbot.waitUntil(lambda: not (folder / "notes.txt").exists(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: "trash" in dialog.browser.status.text(), timeout=PATIENCE)


def test_a_bookmark_is_kept(show, qtbot, folder, tmp_path):
    dialog = show()
    dialog.browser.acts["bookmark"].trigger()
    places = dialog.browser.sidebar.places
    qtbot.waitUntil(lambda: places.row_of(str(folder)) == 1, timeout=PATIENCE)
    assert (tmp_path / "bookmarks.txt").read_text().startswith(f"[Bookmarks]\n{folder}\n")


def test_a_folder_that_goes_says_so_and_comes_back(show, qtbot, folder):
    dialog = show()
    dialog.browser.session.reader._poll = 0.1
    dialog.browser.session.go(str(folder / "later"))
    said = dialog.browser.status
    qtbot.waitUntil(lambda: "no such folder" in said.text(), timeout=PATIENCE)
    (folder / "later").mkdir()
    (folder / "later" / "a.txt").touch()
    qtbot.waitUntil(lambda: names(dialog) == ["a.txt"], timeout=PATIENCE)
    assert "no such folder" not in said.text()


def test_a_closed_dialog_leaves_no_thread_and_hears_no_more_of_colours(
    qtbot, qapp, tmp_path, folder, monkeypatch
):
    monkeypatch.setattr(session, "bookmarks_file", lambda: str(tmp_path / "bookmarks.txt"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = set(threading.enumerate())
    dialog = BrowserDialog(
        None, str(folder), kept=QSettings(str(tmp_path / "a.ini"), QSettings.Format.IniFormat)
    )
    dialog.browser.show_as(View.TILES)
    dialog.show()
    arrive(qtbot, dialog)
    dialog.done(0)
    dialog.deleteLater()
    qtbot.waitUntil(lambda: sip.isdeleted(dialog), timeout=PATIENCE)
    for scheme in (theme.Scheme.LIGHT, theme.Scheme.DARK, theme.Scheme.SYSTEM):
        theme.of(qapp).choose(scheme)
    qtbot.waitUntil(lambda: set(threading.enumerate()) <= before, timeout=PATIENCE)


CHOOSE = """
import sys
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication
from fs_browser import app, dialog

def press(window):
    if not window.browser.session.is_whole:
        QTimer.singleShot(20, lambda: press(window))
    elif sys.argv[1] == "cancel":
        window.reject()
    else:
        if sys.argv[1] != "as it is":
            window.browser.files.select(sys.argv[1])
        window.go.click()

class Pressed(dialog.BrowserDialog):
    def showEvent(self, event):
        super().showEvent(event)
        QTimer.singleShot(0, lambda: press(self))

dialog.BrowserDialog = Pressed
raise SystemExit(app.main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("chosen", "options", "status", "printed"),
    [
        ("notes.txt", (), 0, "{folder}/notes.txt\n"),
        ("cancel", (), 1, ""),
        ("shot_v001.blend", ("--filter", "blend", "--multiple"), 0, "{folder}/shot_v001.blend\n"),
        ("cache", ("--save", "new.blend"), 0, "{folder}/new.blend\n"),
    ],
)
def test_the_command_prints_what_was_chosen(folder, tmp_path, chosen, options, status, printed):
    done = run(tmp_path, chosen, str(folder), *options)
    assert (done.returncode, done.stdout) == (status, printed.format(folder=folder))


def test_a_file_that_is_opened_with_it_is_selected_in_its_folder(folder, tmp_path):
    done = run(tmp_path, "as it is", f"file://{folder}/notes.txt")
    assert (done.returncode, done.stdout) == (0, f"{folder}/notes.txt\n")


def test_the_command_prints_json_when_asked(folder, tmp_path):
    done = run(tmp_path, "notes.txt", str(folder), "--choose", "--json")
    answer = json.loads(done.stdout)
    assert answer == {"schema": 1, "code": 0, "paths": [{"path": str(folder / "notes.txt")}]}
    done = run(tmp_path, "cancel", str(folder), "--choose", "--json")
    assert (done.returncode, json.loads(done.stdout)["paths"]) == (1, [])


def run(tmp_path, *words):
    homes = {f"XDG_{which}_HOME": str(tmp_path / which) for which in ("CONFIG", "CACHE", "DATA")}
    return subprocess.run(
        [sys.executable, "-c", CHOOSE, *words],
        capture_output=True,
        check=False,
        text=True,
        env=os.environ | homes | {"QT_QPA_PLATFORM": "offscreen"},
    )


def test_an_image_that_is_damaged_says_so_in_its_tile(show, qtbot, folder):
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    dialog = show()
    browser = dialog.browser
    browser.show_as(View.TILES)
    pictures = browser.pictures
    rows = {row.name: row for row in browser.session.rows.shown()}
    qtbot.waitUntil(
        lambda: browser.files.current.grab() and pictures.is_broken(rows["torn.png"]),
        timeout=PATIENCE,
    )
    assert not pictures.is_broken(rows["shot_v001.blend"])
