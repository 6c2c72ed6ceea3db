"""A move is won by one, and what the share leaves unsure is acted on by none."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd.errors import ShareUnsure, SpoolNotMounted
from renderd.spool.layout import Spool
from renderd.spool.moves import (
    RELIST,
    SETTLE,
    Folder,
    Outcome,
    enter,
    move,
    names,
    remove_folder,
    remove_tree,
    write,
)
from renderd.spool.share import PosixShare


class Flaky(PosixShare):
    """A real share whose next rename fails before or after its effect."""

    def __init__(self) -> None:
        self.before: list[int] = []
        self.after: list[int] = []

    def rename(self, old: str, new: str) -> None:
        if self.before:
            raise OSError(self.before.pop(), "made to fail before", old)
        super().rename(old, new)
        if self.after:
            code = self.after.pop()
            kind: Any = FileNotFoundError if code == errno.ENOENT else OSError
            raise kind(code, "reply lost", old)


@pytest.fixture
def flaky(spool: Spool) -> Spool:
    return replace(spool, share=Flaky())


def make(spool: Spool, name: str) -> str:
    path = spool.at("queue", name)
    Path(path).write_bytes(b"x")
    return path


def test_the_second_mover_loses(spool: Spool) -> None:
    old = make(spool, "a")
    assert move(spool, old, spool.at("held", "b")) is Outcome.WON
    assert move(spool, old, spool.at("held", "c")) is Outcome.LOST


def test_a_lost_reply_is_a_won_move(flaky: Spool) -> None:
    old = make(flaky, "a")
    flaky.share.after = [errno.ENOENT]  # type: ignore[attr-defined]
    assert move(flaky, old, flaky.at("held", "b")) is Outcome.WON


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOSPC])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_error_leaves_the_move_unsure(flaky: Spool, code: int, when: str) -> None:
    old = make(flaky, "a")
    setattr(flaky.share, when, [code])
    assert move(flaky, old, flaky.at("held", "b")) is Outcome.UNSURE


def test_an_unmounted_share_is_no_lost_race(spool: Spool, tmp_path: Path) -> None:
    old = make(spool, "a")
    os.rename(spool.root, tmp_path / "elsewhere")
    os.mkdir(spool.root)
    with pytest.raises(SpoolNotMounted):
        move(spool, old, spool.at("held", "b"))


def test_another_farms_spool_in_the_same_place_is_not_ours(
    spool: Spool, make_spool: Callable[[], Spool]
) -> None:
    other = make_spool()
    old = make(spool, "a")
    os.rename(spool.root, spool.root + ".away")
    os.rename(other.root, spool.root)
    with pytest.raises(SpoolNotMounted):
        move(spool, old, spool.at("held", "b"))


def test_a_file_enters_whole_and_leaves_no_temp(spool: Spool) -> None:
    enter(spool, spool.at("queue", "t"), b"text")
    assert Path(spool.at("queue", "t")).read_bytes() == b"text"
    assert os.listdir(spool.at("tmp")) == []


def test_an_unsure_entry_says_so(flaky: Spool) -> None:
    flaky.share.before = [errno.EIO]  # type: ignore[attr-defined]
    with pytest.raises(ShareUnsure):
        enter(flaky, flaky.at("queue", "t"), b"text")


def test_a_failed_write_leaves_the_old_text(flaky: Spool) -> None:
    path = flaky.at("farm.toml")
    Path(path).write_text("old")
    flaky.share.before = [errno.ENOSPC]  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="made to fail"):
        write(flaky, path, b"new")
    assert Path(path).read_text() == "old"
    assert os.listdir(flaky.at("tmp")) == []


class Counting(PosixShare):
    """A real share that counts its listings."""

    listings = 0

    def listdir(self, path: str) -> list[str]:
        self.listings += 1
        return super().listdir(path)


def test_an_unchanged_folder_is_listed_twice_and_then_only_asked(spool: Spool) -> None:
    share = Counting()
    counted = replace(spool, share=share)
    folder = Folder(spool.at("queue"))
    make(spool, "a")
    for now in (0.0, SETTLE / 2, SETTLE, SETTLE * 2, SETTLE * 3):
        assert folder.look(counted, now) == ("a",)
    assert share.listings == 3  # at first sight, too early, settled; then only asked


class Old(PosixShare):
    """A share that shows a folder's new time with its old names."""

    is_old = True

    def listdir(self, path: str) -> list[str]:
        return [] if self.is_old else super().listdir(path)


def test_a_name_that_an_old_list_hid_is_seen_later_though_the_folder_stands_still(
    spool: Spool,
) -> None:
    share = Old()
    stale = replace(spool, share=share)
    folder = Folder(spool.at("queue"))
    make(spool, "a")
    for now in (0.0, SETTLE, SETTLE * 2):
        assert folder.look(stale, now) == ()
    share.is_old = False
    assert folder.look(stale, SETTLE + RELIST) == ("a",)


def test_a_change_is_seen_at_the_next_look(spool: Spool) -> None:
    folder = Folder(spool.at("queue"))
    for now in (0.0, 3.0, 6.0):
        folder.look(spool, now)
    make(spool, "b")
    assert folder.look(spool, 7.0) == ("b",)


def litter(folder: Path, *also: str) -> None:
    """What a NAS box leaves beside the names that are wanted."""
    (folder / "@eaDir" / "deep").mkdir(parents=True)
    (folder / "@eaDir" / "deep" / "x@SynoEAStream").write_text("x")
    for name in (".DS_Store", "Thumbs.db", *also):
        (folder / name).write_text("x")


def test_a_list_of_names_leaves_litter_out(spool: Spool) -> None:
    folder = Path(spool.at("queue"))
    litter(folder, "wanted")
    (folder / "#recycle").mkdir()
    assert names(spool, str(folder)) == ["wanted"]
    assert Folder(str(folder)).look(spool, 0.0) == ("wanted",)


def test_a_folder_with_nothing_but_litter_is_removed(spool: Spool) -> None:
    folder = Path(spool.at("tmp", "side"))
    litter(folder)
    assert remove_folder(spool, str(folder))
    assert not folder.exists()


@pytest.mark.parametrize("kept", ["frame.png", "#recycle", ".nfs0003"])
def test_a_folder_with_anything_else_stays_whole(spool: Spool, kept: str) -> None:
    folder = Path(spool.at("tmp", "side"))
    litter(folder, kept)
    before = set(os.listdir(folder))
    assert not remove_folder(spool, str(folder))
    assert set(os.listdir(folder)) == before


def test_what_comes_while_litter_is_removed_stays(spool: Spool) -> None:
    folder = Path(spool.at("tmp", "side"))
    litter(folder)

    class Busy(PosixShare):
        """A share on which somebody writes into the folder meanwhile."""

        def unlink(self, path: str) -> None:
            super().unlink(path)
            (folder / "new").write_text("x")

    assert not remove_folder(replace(spool, share=Busy()), str(folder))
    assert (folder / "new").exists()


def test_one_file_that_cannot_be_removed_keeps_nothing_else(spool: Spool) -> None:
    folder = Path(spool.at("tmp", "side"))
    litter(folder, ".nfs0003", "a", "b")

    class Kept(PosixShare):
        """A share on which a reader keeps one file."""

        def unlink(self, path: str) -> None:
            if path.endswith(".nfs0003"):
                raise OSError(errno.EBUSY, "a reader holds it", path)
            super().unlink(path)

    remove_tree(replace(spool, share=Kept()), str(folder))
    assert os.listdir(folder) == [".nfs0003"]


def test_a_new_file_that_the_server_made_twice_is_made_under_another_name(spool: Spool) -> None:
    class Twice(PosixShare):
        """A share whose first CREATE is sent again: the file is there, empty."""

        made: tuple[str, ...] = ()

        def create(self, path: str, data: bytes, *, sync: bool = False) -> None:
            super().create(path, data if self.made else b"", sync=sync)
            self.made += (path,)
            if len(self.made) == 1:
                raise FileExistsError(errno.EEXIST, "it is there already", path)

    path = spool.at("x")
    enter(replace(spool, share=Twice()), path, b"whole")
    assert Path(path).read_bytes() == b"whole"
