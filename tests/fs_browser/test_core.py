"""What the browser knows without a window: numbers, trails, filters, bookmarks, mounts, names."""

import os

import pytest

from fs_browser.core import bookmarks, completion, orders
from fs_browser.core.bookmarks import Bookmark, Kept
from fs_browser.core.filters import Filter
from fs_browser.core.kinds import Kind
from fs_browser.core.listing import Entry, scan
from fs_browser.core.mounts import Mount, mount_of, volumes
from fs_browser.core.numbers import bump
from fs_browser.core.sequences import group
from fs_browser.core.trail import Trail


@pytest.mark.parametrize(
    ("name", "by", "said"),
    [
        ("shot_v009.blend", 1, "shot_v010.blend"),
        ("shot_v010.blend", -1, "shot_v009.blend"),
        ("shot_v999.blend", 1, "shot_v1000.blend"),
        ("shot_v001.blend", -100, "shot_v000.blend"),
        ("010_shot.blend", 10, "020_shot.blend"),
        ("shot.blend", 1, "shot1.blend"),
        ("shot.blend", -1, "shot.blend"),
        ("beauty.0099", 1, "beauty.0100"),
        ("take2.mp4", 1, "take3.mp4"),
        ("", 1, "1"),
    ],
)
def test_the_number_in_a_name_is_counted(name, by, said):
    assert bump(name, by) == said


def test_a_trail_goes_back_forward_and_forgets_what_lay_ahead():
    trail = Trail()
    for folder in ("a", "b", "b", "c"):
        trail.go(folder)
    assert [trail.back(), trail.back(), trail.back()] == ["b", "a", None]
    assert trail.forward() == "b"
    trail.go("d")
    assert (trail.may_go_forward, trail.forward(), trail.back()) == (False, None, "b")


def entry(name, kind=Kind.IMAGE):
    return Entry(name, kind, 1, 1)


@pytest.mark.parametrize(
    ("asked", "passing"),
    [
        (Filter(), {"cache", "shot_##.png", "Cut.blend"}),
        (Filter(with_hidden=True), {"cache", "shot_##.png", "Cut.blend", ".cut"}),
        (Filter(kinds=frozenset({Kind.BLEND})), {"cache", "Cut.blend"}),
        (Filter(text="cut"), {"Cut.blend"}),
        (Filter(text="*.BLEND"), {"Cut.blend"}),
        (Filter(text="c e"), {"cache", "Cut.blend"}),
        (Filter(text="shot_07"), {"shot_##.png"}),
        (Filter(text="shot_09"), set()),
    ],
)
def test_a_filter_passes_what_it_asks_for(asked, passing):
    entries = [entry("cache", Kind.FOLDER), entry("Cut.blend", Kind.BLEND), entry(".cut")]
    rows = group([*entries, *(entry(f"shot_0{n}.png") for n in (5, 6, 7, 8))])
    test = asked.test() or (lambda row: True)
    assert {row.name for row in rows if test(row)} == passing


def test_bookmarks_are_written_as_blender_writes_them(tmp_path):
    path = str(tmp_path / "new" / "bookmarks.txt")
    kept = Kept().with_bookmark("/srv/film").with_bookmark("/srv/film").visited("/a").visited("/b")
    bookmarks.save(path, kept)
    with open(path, encoding="utf-8") as file:
        assert file.read() == "[Bookmarks]\n/srv/film\n[Recent]\n/b\n/a\n"
    assert bookmarks.load(path, "") == kept
    assert kept.without_bookmark("/srv/film").bookmarks == ()


def test_where_there_are_none_yet_those_of_the_newest_blender_are_taken(tmp_path):
    for version, name in (("2.93", "old"), ("4.2", "new"), ("scripts", "no")):
        folder = tmp_path / version / "config"
        folder.mkdir(parents=True)
        text = f"[Bookmarks]\n!Named\n/srv/{name}/\n[Recent]\n/srv/recent\n"
        (folder / "bookmarks.txt").write_text(text)
    found = bookmarks.load(str(tmp_path / "none.txt"), str(tmp_path))
    assert found == Kept(bookmarks=(Bookmark("/srv/new", "Named"),))


def test_a_name_that_is_no_text_can_be_bookmarked(tmp_path):
    path, odd = str(tmp_path / "b.txt"), os.fsdecode(b"/srv/Sz\xe4ne")
    bookmarks.save(path, Kept().with_bookmark(odd).with_bookmark("/a\nb"))
    assert bookmarks.load(path, "").bookmarks == (Bookmark(odd),)


MOUNTS = [
    Mount("/", "ext4", "/dev/sda1"),
    Mount("/proc", "proc"),
    Mount("/boot/efi", "vfat", "/dev/sda2"),
    Mount("/home", "ext4", "/dev/sda3"),
    Mount("/srv/film", "autofs"),
    Mount("/srv/film", "nfs4", "nas:/film"),
    Mount("/home/me/film", "nfs4", "nas:/film"),
    Mount("/run/media/me/stick", "vfat", "/dev/sdb1"),
    Mount("/mnt/remote", "fuse.sshfs", "me@there:/"),
]


def test_volumes_are_what_people_have_files_on_each_once():
    shown = [one.path for one in volumes(MOUNTS)]
    assert shown == ["/", "/home", "/mnt/remote", "/run/media/me/stick", "/srv/film"]


@pytest.mark.parametrize(
    ("folder", "is_network"),
    [
        ("/srv/film/shots", True),
        ("/srv/filmed", False),
        ("/home/me", False),
        ("/home/me/film", True),
        ("/mnt/remote/x", True),
    ],
)
def test_a_network_folder_is_told_by_the_mount_it_lies_on(folder, is_network):
    assert mount_of(folder, MOUNTS).is_network is is_network


def test_a_typed_path_is_completed_by_folders_alone(tmp_path):
    for name in ("take10", "take9", ".git"):
        (tmp_path / name).mkdir()
    (tmp_path / "taken.txt").touch()
    asked = completion.split(f"{tmp_path}/ta", "/", "/home/me")
    assert (asked.folder, asked.begun) == (str(tmp_path), "ta")
    assert completion.folders(asked.folder) == ["take9", "take10", ".git"]
    assert completion.split("~/a", "/", "/home/me").folder == "/home/me"
    assert completion.split("b/c", "/srv", "/home/me").folder == "/srv/b"


def test_a_new_folder_has_a_free_name(tmp_path):
    names = [orders.make_folder(str(tmp_path)) for _ in range(3)]
    assert names == ["New folder", "New folder 2", "New folder 3"]


def test_renaming_never_replaces(tmp_path):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        orders.rename(str(tmp_path), "a", "b")
    orders.rename(str(tmp_path), "a", "c")
    assert {one.name for one in scan(str(tmp_path))} == {"b", "c"}


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a\0b", "ä" * 128])
def test_a_name_that_cannot_be_is_refused(name):
    assert orders.complaint(name)
    assert not orders.complaint("a" * 255)
