"""Owners, modes, kinds and keys: who may write to a spool, tried with users of other numbers."""

import os
import random
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from renderd.errors import ConfigError, Refused, SpoolUnsafe
from renderd.host import locations, scratch
from renderd.spool import trust
from renderd.spool.foundation import Wishes, found
from renderd.spool.layout import Spool, open_spool
from renderd.spool.share import PosixShare, Stat
from renderd.spool.trust import check_drop, check_spool, policy_of

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
STRANGER = 54_339
LINE = b"blender -b /p/a.blend -a\n"
KEY = b"0123456789abcdef" * 2


@pytest.fixture
def made(tmp_path: Path) -> Spool:
    """A spool of one person, as `renderd init` makes it."""
    root = str(tmp_path / "spool")
    return found(PosixShare(), root, Wishes(farm_text="\n"), random.Random(1)).spool


def again(spool: Spool) -> Spool:
    return open_spool(PosixShare(), spool.root, random.Random(2), "again")


def check(spool: Spool) -> tuple[str, ...]:
    fresh = again(spool)
    return check_spool(fresh, policy_of(fresh))


FORGED = {
    "SPOOL": lambda spool: replace(spool.identity, trusts_share=True).text(),
    "farm.toml": lambda spool: "[trust]\nshare = true\n",
}


@needs_root
@pytest.mark.parametrize("name", FORGED)
def test_a_strangers_word_that_owners_do_not_count_does_not_count(made, name):
    Path(made.at(name)).write_text(FORGED[name](made))
    os.chown(made.at(name), STRANGER, STRANGER)
    with pytest.raises(SpoolUnsafe, match=f"{name} belongs to uid {STRANGER}"):
        check(made)


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("place", ["", "/SPOOL", "/farm.toml"])
def test_a_word_that_anybody_could_have_written_does_not_count(made, name, place):
    Path(made.at(name)).write_text(FORGED[name](made))
    os.chmod(made.root + place, os.stat(made.root + place).st_mode | 0o002)
    with pytest.raises(SpoolUnsafe, match="anybody can write"):
        check(made)


@pytest.mark.parametrize("name", ["SPOOL", "farm.toml"])
def test_a_link_is_no_spool_file(made, name, tmp_path):
    os.rename(made.at(name), tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", made.at(name))
    with pytest.raises(Exception, match="cannot be read: Too many levels of symbolic links"):
        again(made)


@needs_root
@pytest.mark.parametrize("place", ["", "/queue", "/jobs", "/adopting", "/SPOOL", "/farm.toml"])
def test_a_part_of_the_spool_that_a_stranger_owns_is_refused(made, place):
    os.chown(made.root + place, STRANGER, -1)
    with pytest.raises(SpoolUnsafe, match=f"belongs to uid {STRANGER}"):
        check(made)


@needs_root
@pytest.mark.parametrize("place", ["", "/queue", "/SPOOL", "/farm.toml"])
def test_a_part_that_a_strange_group_can_write_is_refused(made, place):
    os.chmod(made.root, 0o750)
    os.chown(made.root + place, -1, STRANGER)
    os.chmod(made.root + place, os.stat(made.root + place).st_mode | 0o020)
    with pytest.raises(SpoolUnsafe, match=f"group gid {STRANGER} can write"):
        check(made)


def test_a_spool_that_anybody_can_rename_away_is_warned_of(made):
    parent = os.path.dirname(made.root)
    os.chmod(parent, 0o777)
    assert any("anybody can rename the spool away" in said for said in check(made))


def drop(spool: Spool, data: bytes = LINE) -> str:
    path = spool.at("x.info")
    Path(path).write_bytes(data)
    os.chmod(path, 0o640)
    return path


def device(path: str) -> None:
    os.unlink(path)
    os.mknod(path, stat.S_IFBLK | 0o640, os.makedev(7, 0))


def socket_file(path: str) -> None:
    os.unlink(path)
    os.mknod(path, stat.S_IFSOCK | 0o640)


SPOILT: dict[str, tuple[Callable[[str], None], str]] = {
    "a stranger's": (lambda path: os.chown(path, STRANGER, -1), "is not a member"),
    "a strange group's": (
        lambda path: (os.chown(path, -1, STRANGER), os.chmod(path, 0o660)),
        "can write to it",
    ),
    "a block device": (device, "no regular file"),
    "a socket": (socket_file, "no regular file"),
    "set-group-id": (lambda path: os.chmod(path, 0o2640), "set-group-id"),
    "a gibibyte": (lambda path: os.truncate(path, 1 << 30), "at most"),
}


@needs_root
@pytest.mark.parametrize("kind", SPOILT)
def test_a_drop_that_is_not_a_members_plain_small_file_is_refused(made, kind):
    os.chmod(made.root, 0o750)
    path = drop(made)
    spoil, reason = SPOILT[kind]
    spoil(path)
    with pytest.raises(Refused, match=reason):
        check_drop(made.share, path, policy_of(made))


def test_a_file_of_a_gibibyte_is_never_read_whole(made):
    class Counting(PosixShare):
        most = 0

        def stat(self, path: str) -> Stat:
            return replace(super().stat(path), size=10)  # as it was when it was looked at

        def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> bytes:
            Counting.most = max(Counting.most, limit)
            return super().read(path, limit, start)

    path = drop(made)
    os.truncate(path, 1 << 30)
    with pytest.raises(Refused, match="at most"):
        check_drop(Counting(), path, policy_of(made))
    assert Counting.most == (1 << 20) + 1


def signed(spool: Spool, text: str) -> str:
    return trust.sign(text, spool.identity.id, KEY)


BROKEN: dict[str, Callable[[Spool], str]] = {
    "none": lambda s: "echo hi\n",
    "of another key": lambda s: trust.sign("echo hi\n", s.identity.id, KEY[::-1]),
    "of another farm": lambda s: trust.sign("echo hi\n", "otherfarm", KEY),
    "of another text": lambda s: signed(s, "echo hi\n") + "rm -rf /\n",
    "cut short": lambda s: signed(s, "echo hi\n").replace("x-sign: ", "x-sign: 0", 1)[:60] + "\n",
    "twice": lambda s: signed(s, "echo hi\n").replace("\n", "\nx-sign: " + "0" * 64 + "\n", 1),
    "in capitals": lambda s: signed(s, "echo hi\n").replace("x-sign", "X-SIGN"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_with_a_key_a_drop_without_a_right_signature_is_refused(made, kind):
    path = drop(made, BROKEN[kind](made).encode())
    with pytest.raises(Refused, match="x-sign"):
        check_drop(made.share, path, policy_of(made, KEY))


def test_a_farm_that_signs_takes_nothing_where_a_machine_has_no_key(made):
    Path(made.at("farm.toml")).write_text("[trust]\nsigned = true\n")
    path = drop(made, signed(made, "echo hi\n").encode())
    with pytest.raises(Refused, match="this machine has no farm key"):
        check_drop(made.share, path, policy_of(again(made)))


def test_a_signed_file_dropped_again_is_taken_again(made):
    text = signed(made, "echo hi\n").encode()
    for _ in range(2):
        assert check_drop(made.share, drop(made, text), policy_of(made, KEY)) == text


def test_after_the_key_is_changed_what_the_old_one_signed_is_refused(made):
    path = drop(made, signed(made, "echo hi\n").encode())
    with pytest.raises(Refused, match="x-sign"):
        check_drop(made.share, path, policy_of(made, KEY[::-1]))


@needs_root
def test_a_key_that_a_stranger_owns_is_refused(tmp_path):
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    os.chown(key, STRANGER, STRANGER)
    with pytest.raises(SpoolUnsafe, match="belongs to uid"):
        trust.read_key(str(key))


@needs_root
@pytest.mark.parametrize("kind", ["a stranger's", "a link", "open to all"])
def test_a_runtime_folder_that_others_made_is_refused(tmp_path, kind):
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    if kind == "a link":
        folder.rename(tmp_path / "real")
        folder.symlink_to(tmp_path / "real")
    elif kind == "open to all":
        folder.chmod(0o777)
    else:
        os.chown(folder, STRANGER, STRANGER)
    with pytest.raises(ConfigError):
        locations.make_private(str(folder))


@needs_root
def test_folders_for_temporary_files_that_others_planted_are_left_alone(tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "lock").touch()
    (victim / "diary").touch()
    (tmp_path / f"{scratch.PREFIX}link").symlink_to(victim)
    planted = tmp_path / f"{scratch.PREFIX}planted"
    planted.mkdir()
    (planted / "lock").symlink_to(victim / "diary")
    os.chown(planted, STRANGER, STRANGER)
    assert scratch.sweep(str(tmp_path)) == 0
    assert sorted(os.listdir(victim)) == ["diary", "lock"]
    assert os.listdir(planted) == ["lock"]
