"""Several users on one spool: members of its group, strangers, and servers that map them."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from test_frames import number

from renderd.core.chunk import State
from renderd.spool import nodes
from tests.farm.workstation import RENDERD

GROUP, FIRST, SECOND, STRANGER = 54321, 54331, 54332, 54339
USERS = {"first": FIRST, "second": SECOND, "stranger": STRANGER}
PASSWD = "".join(f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for name, uid in USERS.items())
GROUPS = "farmers:x:54321:first,second\nanna:x:54331:\nbert:x:54332:\nmallory:x:54339:\n"


def opened(path):
    """Shell lines that let everybody reach a path below a folder that is closed to others."""
    closed = next((p for p in reversed(path.parents) if not p.stat().st_mode & stat.S_IXOTH), None)
    if closed is None:
        return []
    return [
        f"hold=$(mktemp -d); mount --bind '{path}' $hold",
        f"mount -t tmpfs -o mode=755 none '{closed}'; mkdir -p '{path}'",
        f"mount --bind $hold '{path}'",
    ]


class People:
    """Users and a group that exist for the processes of one test only, in a mount namespace."""

    def __init__(self, folder):
        self.lines = []
        for name, added in (("passwd", PASSWD), ("group", GROUPS)):
            (folder / name).write_text(Path(f"/etc/{name}").read_text() + added)
            self.lines.append(f"mount --bind '{folder}/{name}' /etc/{name}")
        paths = {
            Path(p).resolve() for p in (sys.base_prefix, sys.prefix, Path(__file__).parents[2])
        }
        tops = [p for p in paths if not any(q in p.parents for q in paths)]
        for path in tops:
            self.lines += opened(path)

    def root(self):
        """The words before a command of root's that knows the users."""
        return ["unshare", "-m", "sh", "-ec", "; ".join([*self.lines, 'exec "$@"']), "sh"]

    def user(self, uid, *groups):
        """The words before a command of one user's."""
        member = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
        become = f'exec setpriv --reuid={uid} --regid={uid} {member} "$@"'
        return ["unshare", "-m", "sh", "-ec", "; ".join([*self.lines, become]), "sh"]


@pytest.fixture
def people(make_farm, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can be several users")
    found = People(tmp_path)
    done = subprocess.run(
        [*found.user(FIRST, GROUP), str(RENDERD), "--version"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"another user cannot start renderd here: {done.stderr.strip()}")
    return found


@pytest.fixture
def shared(make_farm, people):
    """A farm of group farmers, its spool and output open to that group alone."""
    farm = make_farm()
    for folder in (farm.folder, farm.local):
        folder.chmod(0o755)
    (farm.local / "tmp").chmod(0o1777)
    os.chown(farm.out, 0, GROUP)
    farm.out.chmod(0o2770)
    farm.init("--group", "farmers", prefix=people.root())
    return farm


def up(farm, people, name, uid, *groups):
    return farm.up(name, prefix=people.user(uid, *(groups or (GROUP,))), owner=uid)


def test_two_members_of_the_group_render_one_job(shared, people):
    gate = shared.folder / "gate"
    jid = shared.add(shared.info(f"--gate={gate}", "--behind=0", frames="1-30", chunk=1))
    up(shared, people, "first", FIRST)
    up(shared, people, "second", SECOND)
    shared.until(lambda: len(shared.running(jid)) == 2, "both have a chunk")
    gate.touch()
    assert shared.ended(jid) == "done"
    assert {c.owner.partition("-")[0] for c in shared.chunks(jid)} == {"first", "second"}
    assert {p.stat().st_uid for p in shared.frames()} == {FIRST, SECOND}
    assert [number(p) for p in shared.frames()] == list(range(1, 31))
    shared.until(lambda: shared.litter() == [], "nothing is left beside the frames")


def test_a_member_frees_what_another_members_daemon_held(shared, people):
    gate = shared.folder / "gate"
    jid = shared.add(shared.info(f"--gate={gate}", frames="1-3", chunk=3))
    first = up(shared, people, "first", FIRST)
    shared.until(lambda: len(shared.frames()) == 1, "first's first frame is in place")
    first.kill()
    gate.touch()
    shared.busy("second", prefix=people.user(SECOND, GROUP), owner=SECOND)
    assert shared.ended(jid) == "done"
    (done,) = shared.chunks(jid)
    assert (done.losses, done.owner.partition("-")[0]) == (1, "second")
    assert [p.stat().st_uid for p in shared.frames()] == [FIRST, SECOND, SECOND]
    assert first.inc in nodes.dead(shared.spool)
    shared.until(lambda: shared.litter() == [], "first's private folder is gone too")


def test_a_file_that_a_member_drops_is_adopted_by_another(shared, people):
    up(shared, people, "second", SECOND)
    text = shared.info(frames="1-4", name="annas")
    drop = ["sh", "-c", 'umask 077; printf %s "$1" > "$2"', "sh", text, str(shared.root / "a.info")]
    subprocess.run([*people.user(FIRST, GROUP), *drop], check=True)
    shared.until(lambda: shared.named("annas") or os.listdir(shared.root / "bad"), "it is judged")
    if not shared.named("annas"):  # second cannot read it: that must be said, not passed over
        (why,) = (shared.root / "bad").glob("*.why")
        assert "read" in why.read_text()
    subprocess.run(
        [*people.user(FIRST, GROUP), "sh", "-c", 'umask 027; printf %s "$1" > "$2"', "sh",
         text.replace("annas", "again"), str(shared.root / "b.info")], check=True,
    )  # fmt: skip
    shared.until(lambda: shared.named("again"), "a readable one is a job")
    assert shared.ended(shared.named("again")) == "done"


def test_a_user_outside_the_group_is_refused(shared, people):
    daemon = shared.start("stranger", prefix=people.user(STRANGER), owner=STRANGER)
    assert daemon.wait() == 10
    assert "Traceback" not in daemon.text
    assert "ermission" in daemon.text or "not in the spool's group" in daemon.text


def test_a_spool_that_others_can_write_is_refused(shared, people):
    (shared.root / "queue").chmod(0o2777)
    daemon = shared.start("first", prefix=people.user(FIRST, GROUP), owner=FIRST)
    assert daemon.wait() == 10
    assert "anybody can write" in daemon.text
    assert "chmod o-w" in daemon.text


def test_root_is_refused_unless_told(shared, people):
    shared.start("root", "--no-allow-root")
    (daemon,) = shared.daemons
    assert daemon.wait() == 10
    assert "does not run as root" in daemon.text


@pytest.fixture
def mapped(make_farm, people):
    """A farm on a server that gives every file to nobody and ignores modes, as many a NAS does."""
    program = shutil.which("bindfs")
    if program is None or not os.path.exists("/dev/fuse"):
        pytest.skip("bindfs is not installed here (apt install bindfs), or there is no /dev/fuse")
    farm = make_farm()
    for folder in (farm.folder, farm.local):
        folder.chmod(0o755)
    (farm.local / "tmp").chmod(0o1777)
    server, mount = farm.folder / "server", farm.folder / "mnt"
    for folder in (server, mount):
        folder.mkdir()
    flags = ["--force-user=65534", "--force-group=65534", "--chmod-ignore", "--chown-ignore"]
    words = [program, *flags, "--perms=a+rwX", "-o", "allow_other", str(server), str(mount)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"bindfs cannot mount here: {done.stderr.strip()}")
    farm.root, farm.out = mount / "spool", mount / "out"
    farm.out.mkdir()
    farm.root.mkdir()
    yield farm
    for daemon in farm.daemons:
        if daemon.runs:
            daemon.kill()
    farm.until(lambda: not farm.strays(), "nobody uses the mount")
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_share_that_maps_identities_is_refused_until_that_is_accepted(mapped):
    said = mapped.init(status=10)
    assert "--trust-share" in said
    assert "Traceback" not in said
    mapped.init("--trust-share")


def test_users_share_a_spool_on_a_server_that_maps_identities(mapped, people):
    mapped.init("--trust-share")
    daemons = [
        mapped.up("first", prefix=people.user(FIRST), owner=FIRST),
        mapped.up("second", prefix=people.user(SECOND), owner=SECOND),
    ]
    gate = mapped.folder / "gate"
    jid = mapped.add(mapped.info(f"--gate={gate}", "--behind=0", frames="1-20", chunk=1))
    mapped.drop(mapped.info(frames="1-3", name="dropped", out="dropped_#.png"))
    mapped.until(lambda: len(mapped.running(jid)) == 2, "both have a chunk")
    gate.touch()
    assert mapped.ended(jid) == "done"
    assert {c.owner.partition("-")[0] for c in mapped.chunks(jid)} == {"first", "second"}
    assert mapped.tally(jid) == {State.DONE: 20}
    assert len(mapped.frames()) == 20
    mapped.until(lambda: mapped.named("dropped"), "the drop is a job")
    assert mapped.ended(mapped.named("dropped")) == "done"
    assert all("are not checked" in d.text for d in daemons)
