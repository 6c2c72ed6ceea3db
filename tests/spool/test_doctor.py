"""`renderd doctor` finds what is wrong with a mount, and nothing wrong with a good one."""

import argparse
import contextlib
import errno
import fcntl
import json
import os
import random
import signal
import time
import unicodedata
from dataclasses import replace

import pytest

from renderd.daemon import doctor
from renderd.daemon.init import mounting
from renderd.errors import SpoolError, SpoolNotMounted, UsageError
from renderd.spool.bench import PATIENCE
from renderd.spool.doctor import examine
from renderd.spool.foundation import Wishes, found
from renderd.spool.hosts import examine_hosts
from renderd.spool.layout import open_spool
from renderd.spool.mount import Verdict, complaints, mount_of, parse, synced_by
from renderd.spool.share import PosixShare


@pytest.fixture
def root(tmp_path):
    return found(PosixShare(), str(tmp_path / "farm"), Wishes(), random.Random()).spool.root


@pytest.fixture(scope="module")
def helper():
    with doctor.Helper() as process:
        yield process


def reopen(root, share=None):
    return open_spool(share or PosixShare(), root, random.Random(), f"t{random.getrandbits(32):x}")


def answers(root, helper, share=None, clock=None):
    found = examine(reopen(root, share), clock or doctor.SystemClock(), helper)
    return {answer.name: answer for answer in found}


def run(*words):
    parser = argparse.ArgumentParser()
    doctor.add_parser(parser.add_subparsers())
    args = parser.parse_args(["doctor", *map(str, words)])
    return args.run(args)


def test_a_local_folder_can_carry_a_farm_and_is_left_as_it_was(root, helper):
    found = answers(root, helper)
    assert [answer for answer in found.values() if answer.verdict is Verdict.BAD] == []
    assert {"rename", "exclusive create", "links", "fcntl locks", "flock locks"} <= set(found)
    assert {"listing", "clock", "space", "inodes", "fsync", "mount", "names"} <= set(found)
    assert os.listdir(f"{root}/tmp") == []


def test_json_has_a_schema_and_every_answer_a_verdict(root, capsys):
    assert run("--json", "--spool", root) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["schema"] == 1
    assert whole["code"] == 0
    assert {answer["verdict"] for answer in whole["answers"]} <= {"ok", "warn", "bad"}


def test_the_table_ends_in_one_sentence(root, capsys, monkeypatch):
    monkeypatch.setenv("RENDERD_SPOOL", root)
    assert run() == 0
    assert "This mount can carry a farm." in capsys.readouterr().out.splitlines()[-1]


def test_something_bad_ends_with_exit_status_1(root, capsys):
    os.chmod(f"{root}/queue", 0o2777)
    assert run("--spool", root) == 1
    assert "chmod o-w" in capsys.readouterr().out


def test_a_wrong_key_in_farm_toml_is_bad_and_the_rest_is_examined_all_the_same(root, capsys):
    with open(f"{root}/farm.toml", "w") as file:
        file.write("[kepp]\n")
    assert run("--json", "--spool", root) == 1
    found = {answer["name"]: answer for answer in json.loads(capsys.readouterr().out)["answers"]}
    assert "kepp" in found["farm.toml"]["measured"]
    assert found["rename"]["verdict"] == "ok"


def test_an_empty_mount_point_is_unreachable(tmp_path):
    with pytest.raises(SpoolNotMounted) as caught:
        run("--spool", tmp_path)
    assert caught.value.exit_status == 10


def test_no_spool_named_is_a_usage_error(monkeypatch, tmp_path):
    monkeypatch.delenv("RENDERD_SPOOL", raising=False)
    (tmp_path / "empty.toml").write_text("")
    monkeypatch.setenv("RENDERD_CONFIG", str(tmp_path / "empty.toml"))
    with pytest.raises(UsageError):
        run()


def test_a_share_that_hangs_is_told_after_a_while(root, monkeypatch):
    monkeypatch.setattr(doctor, "FIRST_ANSWER", 0.2)
    with doctor.Helper() as stuck:
        os.kill(stuck.pid, signal.SIGSTOP)
        with pytest.raises(SpoolError, match="did not answer") as caught:
            stuck.expect_share(root)
        os.kill(stuck.pid, signal.SIGCONT)
    assert caught.value.exit_status == 10


class AlsoWins:
    """A partner that says it won every name, as we shall have done."""

    def __init__(self, helper):
        self._helper = helper
        self._replies = []

    def start(self, request):
        if request["do"] == "race":
            self._replies = ["ready", "w" * request["count"]]
        else:
            self._helper.start(request)

    def answer(self):
        return self._replies.pop(0) if self._replies else self._helper.answer()


def test_a_share_on_which_two_processes_win_is_bad(root, helper):
    found = answers(root, AlsoWins(helper))
    assert found["rename"].verdict is Verdict.BAD
    assert "chunk would run twice" in found["rename"].advice
    assert found["exclusive create"].verdict is Verdict.BAD


class MakesEveryFolder(PosixShare):
    """Says yes to everybody who makes a folder that is there."""

    def mkdir(self, path):
        with contextlib.suppress(FileExistsError):
            super().mkdir(path)


def test_a_share_on_which_two_processes_make_one_folder_is_bad(root, helper):
    assert answers(root, helper)["exclusive mkdir"].verdict is Verdict.OK
    found = answers(root, helper, MakesEveryFolder())["exclusive mkdir"]
    assert found.verdict is Verdict.BAD
    assert "won twice" in found.measured


class OddNames(PosixShare):
    """Keeps names as some servers do: no space or dot at the end, accents in one sign."""

    def create(self, path, data, **how):
        super().create(unicodedata.normalize("NFC", path.rstrip(" .")), data, **how)


def test_names_that_do_not_come_back_as_written_are_doubtful(root, helper):
    assert answers(root, helper)["odd names"].verdict is Verdict.OK
    found = answers(root, helper, OddNames())["odd names"]
    assert found.verdict is Verdict.WARN
    lost = "spaces at the end, a dot at the end, accents in two signs"
    assert found.measured == f"do not hold: {lost}"


class HidesDots(PosixShare):
    def listdir(self, path):
        return [name for name in super().listdir(path) if not name.startswith(".")]


def test_a_share_that_hides_names_with_a_dot_is_bad(root, helper):
    assert answers(root, helper, HidesDots())["names"].verdict is Verdict.BAD


class ShortFiles(PosixShare):
    """Tells sizes in 32 bits."""

    def stat(self, path):
        found = super().stat(path)
        return replace(found, size=found.size & 0xFFFFFFFF)


def test_files_that_end_at_4_gib_are_doubtful(root, helper):
    assert answers(root, helper)["large files"].verdict is Verdict.OK
    assert answers(root, helper, ShortFiles())["large files"].verdict is Verdict.WARN


class Failing(PosixShare):
    def rename(self, old, new):
        if old.endswith("rename7"):
            raise OSError(errno.EIO, "I/O error")
        super().rename(old, new)


def test_a_share_that_answers_a_rename_with_another_error_is_bad(root, helper):
    found = answers(root, helper, Failing())
    assert found["rename"].verdict is Verdict.BAD
    assert "1 of 200 ended otherwise" in found["rename"].measured


class LocksForAll:
    """A partner that is given every lock, as on a mount with nolock."""

    def __init__(self, helper):
        self._helper = helper
        self._is_lock = False

    def start(self, request):
        self._is_lock = request["do"] == "lock"
        self._helper.start(request)

    def answer(self):
        value = self._helper.answer()
        return True if self._is_lock else value


def test_locks_that_exclude_nobody_are_found(root, helper):
    found = answers(root, LocksForAll(helper))
    assert found["fcntl locks"].verdict is Verdict.BAD
    assert found["flock locks"].verdict is Verdict.WARN


class SkewedClock(doctor.SystemClock):
    """An hour ahead, and its minutes pass at once: nothing here waits for real."""

    def __init__(self):
        self._ahead = 0.0

    def wall(self):
        return super().wall() + 3600

    def steady(self):
        return super().steady() + self._ahead

    def wait(self, seconds):
        self._ahead += seconds * 100
        super().wait(seconds)


def test_a_clock_an_hour_off_is_a_warning(root, helper):
    found = answers(root, helper, clock=SkewedClock())
    assert found["clock"].verdict is Verdict.WARN
    assert found["clock"].measured.startswith("-3600")


class StaleListing(PosixShare):
    """Never shows what another process made."""

    def listdir(self, path):
        return [name for name in super().listdir(path) if not name.startswith("seen")]


def test_names_that_never_show_are_bad(root, helper):
    found = answers(root, helper, StaleListing(), SkewedClock())
    assert found["listing"].verdict is Verdict.BAD
    assert f"{PATIENCE:.0f} s" in found["listing"].measured


class Full(PosixShare):
    def mkdir(self, path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_share_is_an_answer_and_not_an_error(root, helper):
    found = answers(root, helper, Full())
    assert found["write"].verdict is Verdict.BAD
    assert "No space left" in found["write"].measured


INC = "elsewhere-0a1b2c3d"


@pytest.fixture(params=[True, False], ids=["locks", "no-locks"])
def node(request, root):
    """A living node of another host: a process that beats and, if asked to, holds its lock."""
    os.makedirs(f"{root}/nodes/{INC}")
    os.makedirs(f"{root}/beat/00")
    alive, beat = f"{root}/nodes/{INC}/alive", f"{root}/beat/00/{INC}"
    for path in (alive, f"{beat}.00000001.5.aaaa"):
        with open(path, "w"):
            pass
    child = os.fork()
    if child == 0:
        with open(alive, "r+") as file:
            if request.param:
                fcntl.lockf(file, fcntl.LOCK_EX)
            for count in range(1, 10_000):
                time.sleep(0.05)
                os.rename(f"{beat}.{count:08x}.5.aaaa", f"{beat}.{count + 1:08x}.5.aaaa")
        os._exit(0)
    yield request.param
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_living_node_of_another_host_shows_whether_locks_hold_between_hosts(root, node):
    found = examine_hosts(reopen(root), doctor.SystemClock(), "here")
    named = {answer.name: answer for answer in found}
    verdict = Verdict.OK if node else Verdict.WARN
    assert named["locks between hosts"].verdict is verdict
    assert ("refused" if node else "given to us") in named["locks between hosts"].measured
    assert named["listing between hosts"].verdict is Verdict.OK
    assert "until a beat of another host showed" in named["listing between hosts"].measured


def test_a_node_of_this_host_says_nothing_about_others(root, node):
    (answer,) = examine_hosts(reopen(root), doctor.SystemClock(), "elsewhere")
    assert "no node of another host" in answer.measured


def test_beats_that_stand_still_are_a_warning(root):
    os.makedirs(f"{root}/beat/00")
    with open(f"{root}/beat/00/{INC}.00000001.5.aaaa", "w"):
        pass
    (answer,) = examine_hosts(reopen(root), SkewedClock(), "here")
    assert answer.verdict is Verdict.WARN


LINE = "36 35 0:40 / {point} {mount} shared:1 - {kind} server:/farm {super}\n"


def mounted(kind, options, point="/mnt/farm", mount="rw,noatime"):
    text = "22 27 0:21 / /proc rw - proc proc rw\n27 1 254:0 / / rw - ext4 /dev/vda rw\n"
    text += LINE.format(point=point, mount=mount, kind=kind, super=options)
    found = mount_of("/mnt/farm/spool", parse(text))
    assert found is not None
    return found


GOOD_NFS = "rw,vers=4.2,rsize=1048576,hard,proto=tcp,timeo=600,sec=sys,local_lock=none"


def test_a_usual_nfs_mount_has_nothing_to_complain_of():
    assert complaints(mounted("nfs4", GOOD_NFS)) == ()
    assert mounted("nfs4", GOOD_NFS).is_shared


@pytest.mark.parametrize(
    ("option", "verdict"),
    [
        ("soft", "bad"),
        ("softerr", "bad"),
        ("nocto", "bad"),
        ("nolock", "bad"),
        ("local_lock=all", "bad"),
        ("local_lock=flock", "bad"),
        ("noac", "warn"),
        ("actimeo=600", "warn"),
        ("acdirmax=3600", "warn"),
        ("vers=3", "warn"),
        ("proto=udp", "warn"),
    ],
)
def test_an_nfs_option_that_hurts_is_named_with_its_verdict(option, verdict):
    (complaint,) = complaints(mounted("nfs", f"{GOOD_NFS},{option}"))
    assert (complaint.option, complaint.verdict) == (option, verdict)
    assert complaint.advice


@pytest.mark.parametrize("option", ["nobrl", "cache=loose"])
def test_an_smb_option_that_hurts_is_bad(option):
    (complaint,) = complaints(mounted("cifs", f"rw,vers=3.1.1,hard,{option}"))
    assert (complaint.option, complaint.verdict) == (option, "bad")


@pytest.mark.parametrize("kind", ["vfat", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"])
def test_a_file_system_that_cannot_carry_a_spool_is_bad(kind):
    assert complaints(mounted(kind, "rw"))[0].verdict is Verdict.BAD


def test_a_moosefs_mount_is_known_as_one_that_other_machines_see():
    line = "42 27 0:39 / /mnt/farm rw - fuse mfs\\04310.1.0.1:9421 rw,user_id=0,allow_other\n"
    (mount,) = parse(line)
    assert (mount.kind, mount.source, mount.is_shared) == (
        "fuse.moosefs",
        "mfs#10.1.0.1:9421",
        True,
    )
    (local,) = parse("42 27 0:39 / /mnt/iso rw - fuse archivemount rw,user_id=0\n")
    assert not local.is_shared


@pytest.mark.parametrize(
    ("kind", "source", "line"),
    [
        (
            "fuse",
            "mfs#filer:9421/sub",
            "mfsmount  /mnt/farm  fuse  mfsmaster=filer,mfsport=9421,_netdev",
        ),
        ("fuse.glusterfs", "filer:farm", "filer:farm  /mnt/farm  glusterfs  _netdev"),
        (
            "cifs",
            "//filer/farm",
            "//filer/farm  /mnt/farm  cifs  vers=3.1.1,hard,closetimeo=0,_netdev",
        ),
    ],
)
def test_init_says_how_every_other_machine_mounts_the_same(kind, source, line):
    (mount,) = parse(f"42 27 0:39 / /mnt/farm rw - {kind} {source} rw\n")
    assert f"\n    {line}  0  0\n" in mounting("/mnt/farm/spool", mount)


class TwoSteps(PosixShare):
    """Replaces as some servers do: the old file goes, then the new one comes."""

    def rename(self, old, new):
        if os.path.exists(new):
            os.unlink(new)
            time.sleep(0.001)
        os.rename(old, new)


def test_a_share_that_replaces_in_two_steps_is_doubtful(root, helper):
    assert answers(root, helper)["put in place"].verdict is Verdict.OK
    found = answers(root, helper, TwoSteps())["put in place"]
    assert found.verdict is Verdict.WARN
    assert "found nothing" in found.measured


class KeepsWhatIsOpen(PosixShare):
    """Refuses to replace a file that somebody reads, as SMB servers do."""

    def rename(self, old, new):
        if new.endswith(("/held", "/put")):
            raise PermissionError(errno.EACCES, "Permission denied")
        os.rename(old, new)


def test_a_share_that_does_not_replace_an_open_file_is_found(root, helper):
    assert "keeps the old file" in answers(root, helper)["open target"].measured
    found = answers(root, helper, KeepsWhatIsOpen())
    refused = found["open target"]
    assert (refused.verdict, refused.measured) == ("warn", "cannot be replaced: Permission denied")
    assert found["put in place"].verdict is Verdict.BAD


class RefusesWhatIsRead(PosixShare):
    """Refuses each third time to replace a file, as if somebody just read it."""

    times = 0

    def rename(self, old, new):
        self.times += new.endswith("/put")
        if new.endswith("/put") and self.times % 3 == 1:
            raise PermissionError(errno.EACCES, "Permission denied")
        os.rename(old, new)


def test_a_share_that_replaces_at_the_second_try_is_doubtful(root, helper):
    found = answers(root, helper, RefusesWhatIsRead())["put in place"]
    assert found.verdict is Verdict.WARN
    assert "of 200 were refused" in found.measured


class ForgetsTimes(PosixShare):
    """A move makes a file new."""

    def rename(self, old, new):
        os.rename(old, new)
        os.utime(new, ns=(0, 0))


def test_a_share_whose_moves_change_a_files_time_is_bad(root, helper):
    assert answers(root, helper)["file times"].verdict is Verdict.OK
    assert answers(root, helper, ForgetsTimes())["file times"].verdict is Verdict.BAD


class FolderTimesStandStill(PosixShare):
    def changed_at(self, path):
        return 1


class FolderTimesComeLate(PosixShare):
    """Answers from a cache that is a second old, as many a FUSE mount does."""

    def __init__(self):
        self.known, self.until = {}, {}

    def changed_at(self, path):
        if time.monotonic() > self.until.get(path, 0.0):
            self.known[path] = super().changed_at(path)
            self.until[path] = time.monotonic() + 1.0
        return self.known[path]


def test_folder_times_that_come_a_second_late_are_good_and_none_at_all_are_bad(root, helper):
    assert answers(root, helper, FolderTimesComeLate())["folder times"].verdict is Verdict.OK
    assert answers(root, helper, FolderTimesStandStill())["folder times"].verdict is Verdict.BAD


def test_the_latest_and_deepest_mount_of_a_path_counts():
    covered = LINE.format(point="/mnt/farm", mount="rw", kind="ext4", super="rw")
    blank = LINE.format(point="/mnt/my\\040farm", mount="rw", kind="nfs4", super="rw")
    near = LINE.format(point="/mnt/far", mount="rw", kind="xfs", super="rw")
    top = LINE.format(point="/mnt/farm", mount="rw", kind="nfs4", super="rw")
    mounts = parse(covered + blank + near + top + "no mount line\n")
    assert mount_of("/mnt/farm", mounts).kind == "nfs4"
    assert mount_of("/mnt/my farm/spool", mounts).point == "/mnt/my farm"
    assert mount_of("/elsewhere", mounts) is None


def test_a_folder_of_a_syncing_service_is_recognised(tmp_path):
    assert synced_by("/home/ada/Dropbox/farm")
    assert synced_by("/home/ada/OneDrive - Studio/farm")
    (tmp_path / ".stfolder").mkdir()
    (tmp_path / "farm").mkdir()
    assert synced_by(str(tmp_path / "farm"))
    assert not synced_by("/mnt/dropboxes/farm")
