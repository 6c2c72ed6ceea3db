"""A folder's entries: kind, size, time, what is hidden, and the order people expect."""

import os
import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_browser.core.kinds import Kind, of_file
from fs_browser.core.listing import is_hidden, natural, scan


def listed(folder, **options):
    return {entry.name: entry for entry in scan(str(folder), **options)}


def test_a_file_tells_its_size_and_time(tmp_path):
    (tmp_path / "shot_0001.exr").write_bytes(b"12345")
    os.utime(tmp_path / "shot_0001.exr", ns=(1, 1_700_000_000_123_456_789))
    entry = listed(tmp_path)["shot_0001.exr"]
    assert (entry.kind, entry.size_bytes, entry.mtime_ns, entry.is_link) == (
        Kind.IMAGE,
        5,
        1_700_000_000_123_456_789,
        False,
    )


def test_a_folder_has_no_size_whatever_its_name(tmp_path):
    (tmp_path / "old.blend").mkdir()
    entry = listed(tmp_path)["old.blend"]
    assert (entry.kind, entry.size_bytes) == (Kind.FOLDER, None)


def test_a_link_tells_what_it_leads_to(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "scene.blend").write_bytes(b"123")
    (tmp_path / "here.blend").symlink_to("real/scene.blend")
    (tmp_path / "folder").symlink_to("real")
    found = listed(tmp_path)
    assert (found["here.blend"].kind, found["here.blend"].size_bytes) == (Kind.BLEND, 3)
    assert (found["folder"].kind, found["folder"].is_link) == (Kind.FOLDER, True)


@pytest.mark.parametrize("target", ["nowhere", "loop.exr"])
def test_a_link_that_leads_nowhere_is_told_as_itself(tmp_path, target):
    (tmp_path / "loop.exr").symlink_to(target)
    entry = listed(tmp_path)["loop.exr"]
    assert (entry.kind, entry.is_link, entry.size_bytes) == (Kind.OTHER, True, None)


def test_what_is_no_regular_file_is_never_taken_for_a_blend(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.blend")
    # a socket's path may be no longer than a hundred bytes, so it is bound from within
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.blend")
        kinds = {entry.kind for entry in scan(str(tmp_path))}
    assert kinds == {Kind.OTHER}


def test_hidden_names_come_only_when_asked_for(tmp_path):
    for name in (".config", "scene.blend~", "shot.exr"):
        (tmp_path / name).touch()
    assert set(listed(tmp_path)) == {"shot.exr"}
    assert set(listed(tmp_path, with_hidden=True)) == {".config", "scene.blend~", "shot.exr"}


def test_the_litter_of_servers_is_hidden(tmp_path):
    for name in ("@eaDir", "#recycle", "$RECYCLE.BIN", "Thumbs.db", "shot.exr"):
        (tmp_path / name).touch()
    assert set(listed(tmp_path)) == {"shot.exr"}


def test_a_hidden_entry_says_so(tmp_path):
    (tmp_path / ".config").touch()
    assert listed(tmp_path, with_hidden=True)[".config"].is_hidden
    assert not is_hidden("a.b~c")


def test_a_name_that_is_no_text_is_listed(tmp_path):
    raw = os.fsencode(tmp_path) + b"/Sz\xe4ne.blend"
    with open(raw, "wb"):
        pass
    assert [os.fsencode(entry.name) for entry in scan(str(tmp_path))] == [b"Sz\xe4ne.blend"]


def test_a_folder_that_is_not_there_is_an_error_at_the_first_entry(tmp_path):
    with pytest.raises(FileNotFoundError):
        next(scan(str(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.blend", Kind.BLEND),
        ("A.BLEND", Kind.BLEND),
        ("a.blend1", Kind.BACKUP),
        ("a.blend32", Kind.BACKUP),
        ("a.blends", Kind.OTHER),
        ("a.EXR", Kind.IMAGE),
        ("a.mp4", Kind.MOVIE),
        ("a.vdb", Kind.CACHE),
        ("blend", Kind.OTHER),
        ("exr", Kind.OTHER),
        ("Makefile", Kind.OTHER),
        ("trailing.", Kind.OTHER),
    ],
)
def test_the_ending_tells_the_kind(name, kind):
    assert of_file(name) is kind


def test_numbers_sort_by_value_and_letters_whatever_their_case():
    right = ["1.png", "a1", "a01", "A2", "a10", "B", "b1", "ß", "ü"]
    right = sorted(right, key=natural)
    assert right[:7] == ["1.png", "a01", "a1", "A2", "a10", "B", "b1"]


def test_a_name_that_is_one_long_number_sorts():
    assert natural("9" * 255) > natural("8" * 255)


@given(st.lists(st.text(alphabet="aA0129-. ²٣", max_size=6), unique=True))
def test_the_order_does_not_depend_on_where_names_stood(names):
    ordered = sorted(names, key=natural)
    random.shuffle(names)
    assert sorted(names, key=natural) == ordered
