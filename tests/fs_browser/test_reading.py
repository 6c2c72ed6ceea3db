"""Folders read beside the window: in batches, again at changes, left behind where they hang."""

import os
import threading
from dataclasses import dataclass, field

import pytest

from fs_browser.core import listing
from fs_browser.models import reading
from fs_browser.models.reading import FolderReader

PATIENCE = 30_000  #: milliseconds


@dataclass
class Heard:
    """What a reader told, put together."""

    rows: dict = field(default_factory=dict)
    order: tuple = ()
    batches: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    def take(self, batch):
        assert not batch.gone & batch.put.keys()
        self.rows = {k: v for k, v in self.rows.items() if k not in batch.gone} | batch.put
        self.order = batch.order
        assert set(batch.order) == self.rows.keys()
        self.batches.append(batch)

    def names(self):
        return [self.rows[key].name for key in self.order]


@pytest.fixture
def reader(qapp):
    """A reader that looks often, and what it told."""
    made = FolderReader(poll=0.1)
    heard = Heard()
    made.arrived.connect(heard.take)
    made.failed.connect(heard.errors.append)
    yield made, heard
    made.stop()


def fill(folder, count):
    for at in range(count):
        (folder / f"a_{at:05}.exr").touch()


def test_a_large_folder_comes_in_batches_that_add_up(reader, tmp_path, qtbot, monkeypatch):
    monkeypatch.setattr(reading, "_FIRST", 0.0)
    monkeypatch.setattr(reading, "_GROWS", 0.0)
    fill(tmp_path, 2300)
    one, heard = reader
    one.open(str(tmp_path))
    qtbot.waitUntil(lambda: bool(heard.batches) and heard.batches[-1].is_whole, timeout=PATIENCE)
    assert [batch.is_whole for batch in heard.batches].count(True) == 1
    assert len(heard.batches) > 2
    assert heard.names() == ["a_#####.exr"]
    assert heard.rows[heard.order[0]].present == "0-2299"


@pytest.mark.parametrize("is_watched", [True, False])
def test_changes_come_watched_or_not_and_tell_only_what_differs(
    reader, tmp_path, qtbot, monkeypatch, is_watched
):
    if not is_watched:
        monkeypatch.setattr(reading, "_watch", lambda *_: None)
    fill(tmp_path, 3)
    (tmp_path / "b.txt").touch()
    one, heard = reader
    one.open(str(tmp_path))
    qtbot.waitUntil(lambda: len(heard.batches) == 1, timeout=PATIENCE)
    (tmp_path / "new").mkdir()
    qtbot.waitUntil(lambda: "new" in heard.names(), timeout=PATIENCE)
    assert set(heard.batches[-1].put) == {"new"}
    (tmp_path / "b.txt").unlink()
    qtbot.waitUntil(lambda: "b.txt" not in heard.names(), timeout=PATIENCE)
    assert heard.batches[-1].gone == {"b.txt"}


def test_a_network_folder_is_never_watched(tmp_path, monkeypatch):
    there = reading.mount_of(os.path.realpath(tmp_path), reading.mounts())
    share = type(there)(there.path, "nfs4", "nas:/film")
    monkeypatch.setattr(reading, "mounts", lambda: [share])
    assert reading._watch(str(tmp_path), threading.Event()) is None


def test_a_share_that_hangs_is_left_behind(reader, tmp_path, qtbot, monkeypatch):
    answers, asked = threading.Event(), threading.Event()
    (tmp_path / "dead").mkdir()
    (tmp_path / "alive").mkdir()
    fill(tmp_path / "alive", 1)
    scandir = os.scandir

    def hanging(folder):
        if folder.endswith("dead"):
            asked.set()
            answers.wait()
        return scandir(folder)

    monkeypatch.setattr(listing.os, "scandir", hanging)
    one, heard = reader
    one.open(str(tmp_path / "dead"))
    qtbot.waitUntil(lambda: asked.is_set() and one.silent_for() > 0, timeout=PATIENCE)
    one.open(str(tmp_path / "alive"))
    qtbot.waitUntil(lambda: heard.names() == ["a_00000.exr"], timeout=PATIENCE)
    before = len(heard.batches)
    answers.set()  # what comes of it later is nobody's any more
    one.hurry()
    (tmp_path / "alive" / "b").touch()
    qtbot.waitUntil(lambda: "b" in heard.names(), timeout=PATIENCE)
    assert {batch.visit for batch in heard.batches[before - 1 :]} == {one.visit}
