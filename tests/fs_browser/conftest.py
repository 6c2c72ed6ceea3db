"""The browser's dialog on a shot's folder, offscreen."""

import pytest
from PyQt6.QtCore import QSettings
from PyQt6.QtTest import QAbstractItemModelTester

from fs_browser import theme
from fs_browser.dialog import BrowserDialog
from fs_browser.models import session

PATIENCE = 30_000  #: milliseconds
REPORT = QAbstractItemModelTester.FailureReportingMode.Fatal


@pytest.fixture
def folder(tmp_path):
    """A shot's folder: two .blend files, a sequence with a gap, a folder, a hidden file."""
    shot = tmp_path / "shot"
    (shot / "cache").mkdir(parents=True)
    for name in ("shot_v001.blend", "shot_v002.blend", "notes.txt", ".hidden.txt"):
        (shot / name).write_bytes(b"")
    for frame in (1, 2, 3, 5):
        (shot / f"beauty_{frame:04}.png").write_bytes(b"x" * frame)
    return shot


@pytest.fixture
def show(qtbot, qapp, tmp_path, folder, monkeypatch):
    """Shows a dialog on the folder and waits until all rows are there."""
    theme.of(qapp)
    monkeypatch.setattr(session, "bookmarks_file", lambda: str(tmp_path / "bookmarks.txt"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = []

    def _show(**options):
        kept = QSettings(str(tmp_path / "fs.ini"), QSettings.Format.IniFormat)
        dialog = BrowserDialog(None, str(folder), kept=kept, **options)
        qtbot.addWidget(dialog)
        made.append(dialog)
        QAbstractItemModelTester(dialog.browser.session.rows, REPORT, dialog)
        QAbstractItemModelTester(dialog.browser.sidebar.places, REPORT, dialog)
        dialog.show()
        qtbot.waitUntil(lambda: dialog.browser.session.is_whole, timeout=PATIENCE)
        return dialog

    yield _show
    for dialog in made:
        dialog.done(0)
