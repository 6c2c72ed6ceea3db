"""Who may write to the spool, and which dropped files may therefore run."""

import json
import os
import pwd
import random
import shutil
import tempfile
from dataclasses import replace

import pytest

from renderd.core import infofile
from renderd.errors import Refused, SpoolUnsafe
from renderd.spool import trust
from renderd.spool.allowed import output_allowed
from renderd.spool.foundation import Wishes, found
from renderd.spool.layout import open_spool
from renderd.spool.share import PosixShare
from renderd.spool.trust import Policy, check_drop, check_spool, policy_of

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become two other users")
LINE = b"blender -b /p/a.blend -a\n"


def two_mates_and_a_stranger():
    """Two users with one primary group, as the system has them, and one outside it."""
    people = [user for user in pwd.getpwall() if user.pw_uid > 0]
    for one in people:
        for other in people:
            if one.pw_gid != other.pw_gid or one.pw_uid >= other.pw_uid or one.pw_gid == 0:
                continue
            for stranger in people:
                groups = os.getgrouplist(stranger.pw_name, stranger.pw_gid)
                if one.pw_gid not in groups:
                    return one, other, stranger
    pytest.skip("this system has no two users of one group")


def as_user(user, step):
    """What `step()` gives when a child process runs it as this user."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        try:
            os.setgroups(os.getgrouplist(user.pw_name, user.pw_gid))
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            os.umask(0o077)
            reply = {"value": step()}
        except BaseException as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        os.write(sender, json.dumps(reply).encode())
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as pipe:
        reply = json.loads(pipe.read())
    os.waitpid(child, 0)
    return reply


@pytest.fixture
def open_folder():
    """A folder that other users can reach (pytest's own are closed)."""
    folder = tempfile.mkdtemp(prefix="renderd-trust-")
    os.chmod(folder, 0o755)
    yield folder
    shutil.rmtree(folder)


def make(root, **wishes):
    return found(PosixShare(), root, Wishes(**wishes), random.Random(1)).spool


def reopen(root, share=None):
    return open_spool(share or PosixShare(), root, random.Random(), f"t{os.getpid()}")


@pytest.fixture
def alone(tmp_path):
    return make(str(tmp_path / "spool"))


def policy(**facts):
    return Policy(**{"uid": os.geteuid(), **facts})


@needs_root
def test_two_users_of_the_group_can_move_and_change_each_others_files(open_folder):
    one, other, _ = two_mates_and_a_stranger()
    root = f"{open_folder}/spool"
    make(root, group=trust.group_name(one.pw_gid))

    def begin():
        spool = reopen(root)
        warnings = check_spool(spool, policy_of(spool))
        spool.share.mkdir(spool.job("aaaaaaaaaa"))
        spool.share.create(spool.job("aaaaaaaaaa", "wait"), LINE)
        return list(warnings)

    def go_on():
        spool = reopen(root)
        check_spool(spool, policy_of(spool))
        spool.share.rename(spool.job("aaaaaaaaaa", "wait"), spool.job("aaaaaaaaaa", "run"))
        spool.share.append(spool.job("aaaaaaaaaa", "run"), b"# seen\n")
        return spool.share.read(spool.job("aaaaaaaaaa", "run")).decode()

    assert as_user(one, begin) == {"value": []}
    assert as_user(other, go_on) == {"value": LINE.decode() + "# seen\n"}


@needs_root
def test_a_stranger_cannot_even_look_into_the_spool_of_a_group(open_folder):
    one, _, stranger = two_mates_and_a_stranger()
    make(f"{open_folder}/spool", group=trust.group_name(one.pw_gid))
    answer = as_user(stranger, lambda: os.listdir(f"{open_folder}/spool"))
    assert "PermissionError" in answer["error"]


@needs_root
def test_a_drop_of_a_group_member_runs_and_a_strangers_does_not(open_folder):
    one, other, stranger = two_mates_and_a_stranger()
    spool = make(f"{open_folder}/spool", group=trust.group_name(one.pw_gid))
    path = spool.at("x.info")
    spool.share.create(path, LINE)
    os.chown(path, one.pw_uid, one.pw_gid)
    rules = policy_of(spool)
    assert check_drop(spool.share, path, replace(rules, uid=other.pw_uid)) == LINE
    os.chown(path, stranger.pw_uid, one.pw_gid)
    with pytest.raises(Refused, match=f"owner {stranger.pw_name} is not a member"):
        check_drop(spool.share, path, rules)


@needs_root
def test_a_drop_that_another_group_can_write_is_refused(open_folder):
    one, _, stranger = two_mates_and_a_stranger()
    spool = make(f"{open_folder}/spool", group=trust.group_name(one.pw_gid))
    spool.share.create(spool.at("x.info"), LINE)
    gid = max(group for group in {stranger.pw_gid, 12_345} if group not in (0, one.pw_gid))
    os.chown(spool.at("x.info"), one.pw_uid, gid)
    with pytest.raises(Refused, match="can write to it"):
        check_drop(spool.share, spool.at("x.info"), policy_of(spool))


@needs_root
def test_a_user_outside_the_group_is_told_how_to_join(open_folder):
    one, _, stranger = two_mates_and_a_stranger()
    group = trust.group_name(one.pw_gid)
    root = f"{open_folder}/spool"
    make(root, group=group)
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o2777)

    def check():
        spool = reopen(root, SeesEverything())
        return list(check_spool(spool, policy_of(spool)))

    assert f"usermod -aG {group}" in as_user(stranger, check)["error"]


class SeesEverything(PosixShare):
    """Lets a stranger read the SPOOL file, as a wrongly mounted share may."""

    def read(self, path, limit=1 << 20):
        if path.endswith("SPOOL"):
            return b"id: abcdefgh\nformat: 1\ngroup: " + self.group() + b"\n"
        return super().read(path, limit)

    def group(self):
        one, _, _ = two_mates_and_a_stranger()
        return trust.group_name(one.pw_gid).encode()


@needs_root
@pytest.mark.parametrize("name", ["", "/queue", "/SPOOL", "/farm.toml"])
def test_a_spool_with_a_part_that_a_stranger_owns_is_refused(open_folder, name):
    one, _, stranger = two_mates_and_a_stranger()
    group = trust.group_name(one.pw_gid)
    spool = make(f"{open_folder}/spool", group=group, farm_text="\n")
    os.chown(spool.root + name, stranger.pw_uid, -1)
    os.chmod(spool.root, 0o2770)
    with pytest.raises(SpoolUnsafe, match=f"belongs to {stranger.pw_name}"):
        check_spool(spool, policy_of(spool))


@pytest.mark.parametrize("name", ["", "/queue", "/jobs", "/SPOOL"])
def test_a_spool_that_anybody_can_write_is_refused(alone, name):
    path = alone.root + name
    os.chmod(path, os.stat(path).st_mode | 0o002)
    with pytest.raises(SpoolUnsafe, match="anybody can write"):
        check_spool(alone, policy_of(alone))


def test_a_folder_replaced_by_a_link_is_refused(alone, tmp_path):
    os.rmdir(alone.at("queue"))
    os.symlink(tmp_path, alone.at("queue"))
    with pytest.raises(SpoolUnsafe, match="is not a folder"):
        check_spool(alone, policy_of(alone))


def test_a_missing_folder_is_refused_with_the_way_to_make_it(alone):
    os.rmdir(alone.at("dead"))
    with pytest.raises(SpoolUnsafe, match="renderd init"):
        check_spool(alone, policy_of(alone))


def test_a_fresh_spool_is_safe_without_a_warning(alone):
    assert check_spool(alone, policy_of(alone)) == ()
    assert os.listdir(alone.at("tmp")) == []


class MappingShare(PosixShare):
    """A NAS that gives every file to nobody."""

    def stat(self, path):
        return replace(super().stat(path), uid=65_534, gid=65_534)


class ForcedModeShare(PosixShare):
    """A NAS on which everything has mode 0777."""

    def stat(self, path):
        found = super().stat(path)
        return replace(found, mode=found.mode | 0o777)


@pytest.mark.parametrize("kind", [MappingShare, ForcedModeShare])
def test_a_share_that_maps_identities_must_be_accepted_first(alone, kind):
    spool = reopen(alone.root, kind())
    with pytest.raises(SpoolUnsafe, match="--trust-share"):
        check_spool(spool, policy_of(spool))
    found(kind(), alone.root, Wishes(trusts_share=True), random.Random(2))
    trusting = reopen(alone.root, kind())
    (warning,) = check_spool(trusting, policy_of(trusting))
    assert "not checked" in warning
    trusting.share.create(trusting.at("x.info"), LINE)
    assert check_drop(trusting.share, trusting.at("x.info"), policy_of(trusting)) == LINE


def drop(alone, data=LINE, mode=0o640):
    path = alone.at("x.info")
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return path


def test_the_checked_bytes_of_a_good_drop_are_given(alone):
    text = "\ufeffname: Söze\r\n\r\necho hi\r\n".encode()
    assert check_drop(alone.share, drop(alone, text), policy_of(alone)) == text


BAD_BYTES = {
    "NUL": b"echo \0\n",
    "not UTF-8": "echo é\n".encode("latin-1"),
    "at most": b"#" * ((1 << 20) + 1),
}


@pytest.mark.parametrize("reason", BAD_BYTES)
def test_a_drop_with_bad_bytes_is_refused(alone, reason):
    with pytest.raises(Refused, match=reason):
        check_drop(alone.share, drop(alone, BAD_BYTES[reason]), policy_of(alone))


@pytest.mark.parametrize(("mode", "reason"), [(0o642, "anybody"), (0o4755, "set-user-id")])
def test_a_drop_with_a_bad_mode_is_refused(alone, mode, reason):
    with pytest.raises(Refused, match=reason):
        check_drop(alone.share, drop(alone, mode=mode), policy())


def link(path, other):
    os.symlink(other, path)


def hard_link(path, other):
    os.link(other, path)


def pipe(path, other):
    os.mkfifo(path)


def folder(path, other):
    os.mkdir(path)


KINDS = {link: "symbolic link", hard_link: "2 names", pipe: "no regular", folder: "no regular"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_drop_that_is_no_plain_file_is_refused_without_waiting(alone, kind, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(LINE)
    kind(alone.at("x.info"), other)
    with pytest.raises(Refused, match=KINDS[kind]):
        check_drop(alone.share, alone.at("x.info"), policy_of(alone))


def test_a_drop_exchanged_while_it_is_read_is_refused(alone, tmp_path):
    class Exchanging(PosixShare):
        def read(self, path, limit=1 << 20):
            data = super().read(path, limit)
            (tmp_path / "other").write_bytes(b"rm -rf /\n")
            os.rename(tmp_path / "other", path)
            return data

    with pytest.raises(Refused, match="exchanged"):
        check_drop(Exchanging(), drop(alone), policy_of(alone))


KEY = b"0123456789abcdef" * 2
TEXTS = ["echo hi\n", "# note\necho hi\n", "name: a\nframes: 1-3\n\necho {start}\n", "\necho\n"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_signed_text_means_the_same_and_holds_for_its_spool_only(text):
    signed = trust.sign(text, "spoolid1", KEY)
    assert trust.is_signed(signed, "spoolid1", KEY)
    assert trust.is_signed(signed.replace("\n", "\r\n"), "spoolid1", KEY)
    assert trust.is_signed(trust.sign(signed, "spoolid1", KEY), "spoolid1", KEY)
    assert not trust.is_signed(signed, "spoolid2", KEY)
    assert not trust.is_signed(signed, "spoolid1", KEY[::-1])
    assert not trust.is_signed(signed + "rm -rf /\n", "spoolid1", KEY)
    assert not trust.is_signed(text, "spoolid1", KEY)
    assert infofile.parse(signed).commands == infofile.parse(text).commands


def test_a_signature_holds_in_the_first_line_only():
    signed = trust.sign("name: a\n\necho one\necho two\n", "spoolid1", KEY)
    first, rest = signed.split("\n", 1)
    for lines in (1, 2, 3):
        moved = rest.split("\n")
        moved.insert(lines, first)
        assert not trust.is_signed("\n".join(moved), "spoolid1", KEY)


def test_a_farm_with_a_key_takes_signed_drops_only(alone):
    rules = policy_of(alone, KEY)
    with pytest.raises(Refused, match="x-sign"):
        check_drop(alone.share, drop(alone), rules)
    signed = trust.sign(LINE.decode(), alone.identity.id, KEY).encode()
    assert check_drop(alone.share, drop(alone, signed), rules) == signed


def test_a_key_that_others_can_read_or_that_is_short_is_refused(tmp_path):
    key = tmp_path / "key"
    key.write_bytes(KEY + b"\n")
    key.chmod(0o600)
    assert trust.read_key(str(key)) == KEY
    key.chmod(0o640)
    with pytest.raises(SpoolUnsafe, match="others can read"):
        trust.read_key(str(key))
    key.write_bytes(b"short")
    key.chmod(0o600)
    with pytest.raises(SpoolUnsafe, match="shorter"):
        trust.read_key(str(key))


def test_root_renders_only_when_told():
    trust.check_user(allow_root=True)
    if os.geteuid() == 0:
        with pytest.raises(SpoolUnsafe, match="--allow-root"):
            trust.check_user(allow_root=False)


def test_frames_go_below_an_output_root_and_through_no_link_out_of_it(tmp_path):
    inside, other = tmp_path / "out", tmp_path / "other"
    (inside / "shot").mkdir(parents=True)
    other.mkdir()
    (inside / "away").symlink_to(other)
    (inside / "home").symlink_to(inside / "shot")
    roots = [str(inside)]
    assert output_allowed(f"{inside}/shot/new/f_####.png", roots)
    assert output_allowed(f"{inside}/home/f_####.png", roots)
    assert not output_allowed(f"{inside}/away/f_####.png", roots)
    assert output_allowed(f"{inside}/away/f_####.png", [*roots, str(other)])
    assert not output_allowed(f"{inside}/../other/f.png", roots)
    assert not output_allowed(f"{inside}side/f.png", roots)
    assert not output_allowed("relative/f.png", roots)
    assert output_allowed("/anywhere/f.png", [])
