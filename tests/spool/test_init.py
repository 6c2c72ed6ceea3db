"""`renderd init` makes a spool once, completes it when asked again, and spoils nothing."""

import argparse
import os
import random
import stat

import pytest

from renderd.core import farm
from renderd.daemon import init
from renderd.errors import SpoolUnsafe, UsageError
from renderd.spool import trust
from renderd.spool.foundation import Wishes, found
from renderd.spool.layout import FOLDERS, open_spool, read_identity
from renderd.spool.share import PosixShare

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to a group")


def run(*words):
    parser = argparse.ArgumentParser()
    init.add_parser(parser.add_subparsers())
    args = parser.parse_args(["init", *map(str, words)])
    return args.run(args)


def make(root, share=None, **wishes):
    return found(share or PosixShare(), str(root), Wishes(**wishes), random.Random())


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request):
    old = os.umask(request.param)
    yield request.param
    os.umask(old)


def test_a_new_spool_has_every_folder_with_its_mode_whatever_the_umask(tmp_path, umask):
    make(tmp_path / "farm", farm_text="# nothing\n")
    assert mode_of(tmp_path / "farm") == 0o700
    for name in FOLDERS:
        assert mode_of(tmp_path / "farm" / name) == 0o2770
    for name in ("SPOOL", "farm.toml"):
        assert mode_of(tmp_path / "farm" / name) == 0o660


@needs_root
def test_the_spool_of_a_group_belongs_to_it_down_to_new_files(tmp_path):
    group = trust.group_name(65_534)
    root = tmp_path / "farm"
    make(root, group=group, farm_text="# nothing\n")
    (root / "queue" / "new").write_text("x")
    for path in (root, root / "queue", root / "SPOOL", root / "farm.toml", root / "queue" / "new"):
        assert os.stat(path).st_gid == 65_534
    assert mode_of(root) == 0o2770
    assert read_identity(PosixShare(), str(root)).group == group


def test_two_spools_have_two_ids(tmp_path):
    one, other = make(tmp_path / "a").spool, make(tmp_path / "b").spool
    assert one.identity.id != other.identity.id


def test_init_again_keeps_the_id_and_the_farm_file_and_puts_back_a_folder(tmp_path, capsys):
    root = tmp_path / "farm"
    assert run(root) == 0
    before = (root / "SPOOL").read_bytes()
    (root / "farm.toml").write_text("# mine\n")
    (root / "queue" / "kept").write_text("x")
    (root / "dead").rmdir()
    assert run(root) == 0
    assert "is a spool already" in capsys.readouterr().out
    assert (root / "SPOOL").read_bytes() == before
    assert (root / "farm.toml").read_text() == "# mine\n"
    assert (root / "queue" / "kept").exists()
    assert (root / "dead").is_dir()


def test_the_farm_file_that_init_writes_can_be_read_and_says_the_defaults(tmp_path, capsys):
    run(tmp_path / "farm")
    opened = open_spool(PosixShare(), str(tmp_path / "farm"), random.Random(), "t")
    assert opened.farm == farm.Farm()
    capsys.readouterr()


def test_init_says_what_to_do_next(tmp_path, capsys):
    run(tmp_path / "farm")
    out = capsys.readouterr().out
    for word in ("renderd doctor", "RENDERD_SPOOL", "hard", "RequiresMountsFor"):
        assert word in out


def test_a_folder_with_other_things_in_it_is_refused_untouched(tmp_path):
    (tmp_path / "holiday.jpg").write_text("x")
    with pytest.raises(UsageError, match="it holds holiday"):
        make(tmp_path)
    assert os.listdir(tmp_path) == ["holiday.jpg"]


def test_a_mount_point_with_nothing_but_lost_and_found_is_empty(tmp_path):
    (tmp_path / "lost+found").mkdir()
    assert make(tmp_path).is_new


def test_a_spool_that_lost_its_spool_file_is_not_founded_again_over_its_jobs(tmp_path):
    make(tmp_path / "farm")
    (tmp_path / "farm" / "SPOOL").unlink()
    (tmp_path / "farm" / "queue" / "p50~aaaaaaaaaa~g0~x.info").write_text("x")
    with pytest.raises(UsageError, match="SPOOL is lost"):
        make(tmp_path / "farm")


def test_an_interrupted_init_left_no_spool_and_the_next_one_goes_on(tmp_path):
    class Stopping(PosixShare):
        def rename(self, old, new):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "farm", Stopping())
    assert not (tmp_path / "farm" / "SPOOL").exists()
    assert make(tmp_path / "farm").is_new


def test_a_damaged_spool_file_is_not_replaced(tmp_path):
    make(tmp_path / "farm")
    (tmp_path / "farm" / "SPOOL").write_text("")
    with pytest.raises(UsageError, match="damaged"):
        make(tmp_path / "farm")


def test_a_folder_on_nothing_and_a_file_are_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        make(tmp_path / "a" / "b")
    for name in ("file", "link"):
        with pytest.raises(UsageError, match="not a folder"):
            make(tmp_path / name)


def test_another_group_for_a_spool_that_is_there_is_refused_with_the_way(tmp_path):
    make(tmp_path / "farm")
    with pytest.raises(UsageError, match="chgrp"):
        make(tmp_path / "farm", group=trust.group_name(os.getegid()))


def test_an_unknown_group_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(SpoolUnsafe, match="not known on this machine"):
        make(tmp_path / "farm", group="no-such-group")
    assert not (tmp_path / "farm").exists()


def test_trust_share_is_recorded_and_said(tmp_path, capsys):
    make(tmp_path / "farm")
    assert run("--trust-share", tmp_path / "farm") == 0
    assert "not checked" in capsys.readouterr().err
    assert read_identity(PosixShare(), str(tmp_path / "farm")).trusts_share


@pytest.mark.parametrize("name", ["@eaDir", "#recycle", "lost+found", "$RECYCLE.BIN", ".DS_Store"])
def test_a_folder_that_holds_only_a_servers_litter_is_empty(tmp_path, name):
    root = tmp_path / "farm"
    root.mkdir()
    (root / name).mkdir()
    assert make(root).is_new
