"""A frame takes another's name on a share that cannot replace what is open."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from renderd.spool import mount, share, swap
from renderd.spool.share import PosixShare

Call = Callable[[str, str], None]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A new frame, and the name it is to have, which another has."""
    new, name = tmp_path / "private" / "shot_0001.png", tmp_path / "shot_0001.png"
    new.parent.mkdir()
    new.write_text("new")
    name.write_text("old")
    return new, name


def there(folder: Path) -> dict[str, str]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def refusing(monkeypatch: pytest.MonkeyPatch, call: str, number: int, old: Path) -> None:
    """One of the system's calls fails for a file, as some server answers it."""
    real: Call = getattr(os, call)

    def refuse(source: str, target: str) -> None:
        if str(source) == str(old):
            raise OSError(number, os.strerror(number), source)
        real(source, target)

    monkeypatch.setattr(os, call, refuse)


def test_the_new_file_has_the_name_and_a_reader_keeps_the_old_one(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    new, name = files
    with name.open() as reader:
        swap.swap(str(new), str(name))
        assert reader.read() == "old"
    assert there(tmp_path) == {"shot_0001.png": "new"}


def test_a_name_that_is_free_is_taken(files: tuple[Path, Path], tmp_path: Path) -> None:
    new, name = files
    name.unlink()
    swap.swap(str(new), str(name))
    assert there(tmp_path) == {"shot_0001.png": "new"}


def test_a_name_that_is_still_to_be_removed_is_busy_and_nothing_is_moved(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, name = files
    before = there(tmp_path)
    refusing(monkeypatch, "rename", errno.ENOENT, name)  # as Samba says of such a name
    with pytest.raises(OSError, match="busy") as caught:
        swap.swap(str(new), str(name))
    assert caught.value.errno == errno.EBUSY
    assert there(tmp_path) == before


def test_a_server_without_hard_links_takes_the_file_all_the_same(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, name = files
    refusing(monkeypatch, "link", errno.EOPNOTSUPP, new)
    swap.swap(str(new), str(name))
    assert there(tmp_path) == {"shot_0001.png": "new"}


def test_a_share_that_fails_in_between_has_the_former_file(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, name = files
    before = there(tmp_path)
    refusing(monkeypatch, "link", errno.EIO, new)
    with pytest.raises(OSError, match="Input/output"):
        swap.swap(str(new), str(name))
    assert there(tmp_path) == before


def test_a_frame_keeps_its_private_name_until_the_other_is_on_the_disk(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, name = files

    def forgotten(path: str) -> None:  # a server that lost power after it had said yes
        os.unlink(path)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    with monkeypatch.context() as patch:
        patch.setattr(swap, "flush", forgotten)
        with pytest.raises(FileNotFoundError):
            swap.swap(str(new), str(name))
    assert new.read_text() == "new"
    swap.swap(str(new), str(name))
    assert there(tmp_path) == {"shot_0001.png": "new"}


def test_where_an_earlier_try_got_through_its_file_stays(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    new, name = files
    swap.swap(str(new), str(name))
    with pytest.raises(FileNotFoundError):
        swap.swap(str(new), str(name))
    assert there(tmp_path) == {"shot_0001.png": "new"}


def on(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str) -> None:
    """Let the system say that a folder is a mount of some kind."""
    table = folder / "mountinfo"
    table.write_text(f"9 8 0:9 / {folder} rw shared:1 - {kind} //nas/farm rw\n")
    monkeypatch.setattr(mount, "MOUNTINFO", str(table))


def test_a_text_takes_its_name_when_the_last_reader_has_closed_it(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, name = files
    refusing(monkeypatch, "rename", errno.EACCES, new)
    real, looks = os.link, []

    def closed_at_the_third_look(old: str, to: str) -> None:
        looks.append(to)
        if len(looks) == 3:
            name.unlink()
        real(old, to)

    monkeypatch.setattr(os, "link", closed_at_the_third_look)
    on(monkeypatch, tmp_path, "cifs")
    PosixShare().replace(str(new), str(name))
    assert name.read_text() == "new"
    assert not new.exists()


@pytest.mark.parametrize("kind", ["cifs", "ext4"])
def test_a_text_that_may_not_be_replaced_stays_and_the_refusal_is_told(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    new, name = files
    before = there(tmp_path)
    refusing(monkeypatch, "rename", errno.EACCES, new)
    on(monkeypatch, tmp_path, kind)
    with pytest.raises(PermissionError):
        PosixShare().replace(str(new), str(name))
    (tmp_path / "mountinfo").unlink()
    assert there(tmp_path) == before


@pytest.mark.parametrize(("kind", "swaps"), [("cifs", True), ("smb3", True), ("nfs4", False)])
def test_files_are_swapped_on_shares_of_smb_alone(
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    swaps: bool,
) -> None:
    new, name = files
    on(monkeypatch, tmp_path, kind)
    asked: list[str] = []
    real = swap.swap

    def noted(old: str, to: str) -> None:
        asked.append(old)
        real(old, to)

    monkeypatch.setattr(share, "swap", noted)
    PosixShare().swap(str(new), str(name))
    assert asked == [str(new)] * swaps
    assert name.read_text() == "new"
