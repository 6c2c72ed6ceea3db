"""Who may write to the spool, and what may therefore run.

Writing to the spool means running commands as the daemon's user, so owners and modes are checked
at start and for every dropped file.  Where the share maps identities no rule can be checked: that
is said once, accepted by `renderd init --trust-share`, and stands in the SPOOL file.
What this cannot do: user ids sent with AUTH_SYS can be forged by any root on the network.
"""

import contextlib
import grp
import hashlib
import hmac
import os
import pwd
import re
import stat as bits
from collections.abc import Sequence
from dataclasses import dataclass

from renderd.errors import Refused, SpoolUnsafe
from renderd.spool.layout import FARM_FILE, FOLDERS, SPOOL_FILE, TMP, Spool
from renderd.spool.share import FILE_MODE, READ_LIMIT, Share, Stat

SIGNATURE = re.compile(r"x-sign:[ \t]*([0-9a-f]{64})[ \t]*\n")  #: the first line of a file
HEADER = re.compile(r"[a-z][a-z-]*:( |$)")


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom this program lets write: root, its own user and the members of the spool's group."""

    uid: int
    gid: int | None = None  #: the group in SPOOL; None where the farm is one person's
    trusts_share: bool = False  #: owners mean nothing here, and that was accepted
    is_closed: bool = False  #: the root lets in its owner alone, whatever lies below
    key: bytes = b""
    must_sign: bool = False
    spool_id: str = ""

    def may_own(self, uid: int) -> bool:
        """True for an owner whose files may run; asked of the system each time."""
        if uid in (0, self.uid):
            return True
        return self.gid is not None and self.gid in _groups_of(uid)

    def may_write_as(self, gid: int, owner: int) -> bool:
        """True where write permission of this group lets in nobody but allowed owners."""
        if self.is_closed:
            return True
        return gid in (0, self.gid) or _is_private(gid, owner) or _is_private(gid, self.uid)


@dataclass(frozen=True, slots=True)
class Probe:
    """What became of a file that we made with mode 0660."""

    uid: int
    gid: int
    mode: int
    expected_uid: int

    @property
    def is_mapped(self) -> bool:
        """True where the share gives files other owners or modes than were asked for."""
        return self.uid != self.expected_uid or self.mode != FILE_MODE


def policy_of(spool: Spool, key: bytes = b"") -> Policy:
    """The rules for this user on this spool.

    Raises SpoolUnsafe where its group is not known here, OSError where the share does not answer.
    """
    identity = spool.identity
    gid = group_id(identity.group) if identity.group else None
    return Policy(
        uid=os.geteuid(),
        gid=gid,
        trusts_share=identity.trusts_share or spool.farm.trust_share,
        is_closed=spool.share.stat(spool.root).mode & 0o077 == 0,
        key=key,
        must_sign=bool(key) or spool.farm.signed,
        spool_id=identity.id,
    )


def group_id(name: str) -> int:
    """The number of a group; SpoolUnsafe where this machine does not know it."""
    with contextlib.suppress(KeyError):
        return grp.getgrnam(name).gr_gid
    raise SpoolUnsafe(
        f"the spool's group {name!r} is not known on this machine",
        f"make it (groupadd {name}, the same number on every machine) or join the directory",
    )


def check_user(allow_root: bool) -> None:
    """SpoolUnsafe when running as root without having been told to."""
    if os.geteuid() == 0 and not allow_root:
        raise SpoolUnsafe(
            "renderd does not run as root: whoever can write to the spool could do anything here",
            "run it as a user of the spool's group, or say --allow-root",
        )


def check_spool(spool: Spool, policy: Policy) -> tuple[str, ...]:
    """Refuse a spool that strangers can write; the sentences returned are warnings.

    Raises SpoolUnsafe with what to change, OSError where the share does not answer.
    """
    seen = probe(spool)
    if policy.trusts_share:
        if not seen.is_mapped:
            _check_acceptance(spool, policy)
        return ("owners and modes on this share are not checked (accepted by --trust-share)",)
    if seen.is_mapped:
        raise SpoolUnsafe(
            f"this share maps identities: our file came out as uid {seen.uid}, "
            f"mode {seen.mode:04o} instead of uid {seen.expected_uid}, mode {FILE_MODE:04o}",
            f"switch the mapping off on the server, or accept it: renderd init {spool.root} "
            "--trust-share",
        )
    _check_membership(spool, policy)
    for path in (spool.root, *(spool.at(name) for name in FOLDERS)):
        _check_folder(spool, policy, path)
    _check_files(spool, policy)
    return _warnings(spool, policy, seen)


def _check_acceptance(spool: Spool, policy: Policy) -> None:
    """Where owners do mean something a stranger could have written that they shall not count."""
    _check_folder(spool, policy, spool.root)
    _check_files(spool, policy)


def _check_files(spool: Spool, policy: Policy) -> None:
    for name in (SPOOL_FILE, FARM_FILE):
        with contextlib.suppress(FileNotFoundError):
            _refuse_strangers(policy, spool.at(name), spool.share.stat(spool.at(name)))


def probe(spool: Spool) -> Probe:
    """Make a file in tmp/ and look what the share made of it; it is removed again."""
    path = spool.at(TMP, f"{spool.who}.probe{spool.rng.getrandbits(48):012x}")
    spool.share.create(path, b"probe\n")
    try:
        made = spool.share.stat(path)
    finally:
        with contextlib.suppress(OSError):
            spool.share.unlink(path)
    return Probe(made.uid, made.gid, bits.S_IMODE(made.mode), os.geteuid())


def _check_membership(spool: Spool, policy: Policy) -> None:
    is_member = policy.gid in (None, os.getegid(), *os.getgroups())
    if not is_member and policy.uid != 0:
        raise SpoolUnsafe(
            f"this user is not in the spool's group {spool.identity.group!r}",
            f"usermod -aG {spool.identity.group} USER, then log in again",
        )


def _check_folder(spool: Spool, policy: Policy, path: str) -> None:
    try:
        found = spool.share.stat(path)
    except FileNotFoundError:
        if path == spool.root:
            raise
        raise SpoolUnsafe(f"{path} is missing", f"renderd init {spool.root}") from None
    if not found.is_folder:
        raise SpoolUnsafe(f"{path} is not a folder", "a link or file took its place; remove it")
    _refuse_strangers(policy, path, found)


def _refuse_strangers(policy: Policy, path: str, found: Stat) -> None:
    if not policy.may_own(found.uid):
        raise SpoolUnsafe(
            f"{path} belongs to {user_name(found.uid)}, who may not write here",
            f"chown it to root or a member of the spool's group, or add {user_name(found.uid)}",
        )
    if found.mode & bits.S_IWOTH:
        raise SpoolUnsafe(f"anybody can write {path}", f"chmod o-w {path}")
    if found.mode & bits.S_IWGRP and not policy.may_write_as(found.gid, found.uid):
        raise SpoolUnsafe(
            f"group {group_name(found.gid)} can write {path} and is not the spool's group",
            f"chmod g-w {path}, or make the spool with --group {group_name(found.gid)}",
        )


def _warnings(spool: Spool, policy: Policy, seen: Probe) -> tuple[str, ...]:
    warnings = []
    if policy.gid is not None and seen.gid != policy.gid:
        warnings.append(
            f"new files belong to group {group_name(seen.gid)}, so other members cannot read them: "
            f"chgrp -R {spool.identity.group} {spool.root} and chmod g+s its folders"
        )
    parent = os.path.dirname(os.path.realpath(spool.root))
    with contextlib.suppress(OSError):
        mode = spool.share.stat(parent).mode
        if mode & bits.S_IWOTH and not mode & bits.S_ISVTX:
            warnings.append(f"anybody can rename the spool away: chmod o-w {parent}")
    return tuple(warnings)


def check_drop(share: Share, path: str, policy: Policy) -> bytes:
    """The bytes of a dropped file that may run; Refused says in one sentence why not.

    Run these bytes, not the file: it may change.  OSError passes through, FileNotFoundError when
    somebody else took it meanwhile.
    """
    before = share.stat(path)
    _refuse_kind(before)
    if not policy.trusts_share:
        _refuse_owner(before, policy)
    data = share.read(path, READ_LIMIT + 1)
    after = share.stat(path)
    # The seam reads by name: only a file that stayed the same one was checked and read.
    if (before.dev, before.ino, before.uid, before.mode, before.nlink) != (
        after.dev,
        after.ino,
        after.uid,
        after.mode,
        after.nlink,
    ):
        raise Refused("the file was exchanged while it was read")
    _refuse_text(data)
    _refuse_unsigned(data.decode(), policy)
    return data


def _refuse_unsigned(text: str, policy: Policy) -> None:
    if not policy.must_sign:
        return
    if not policy.key:
        raise Refused("this farm takes signed files only and this machine has no farm key")
    if not is_signed(text, policy.spool_id, policy.key):
        raise Refused("its first line is no valid x-sign: line; sign it with the farm key")


def _refuse_kind(found: Stat) -> None:
    if bits.S_ISLNK(found.mode):
        raise Refused("it is a symbolic link; drop the file itself")
    if not found.is_file:
        raise Refused("it is no regular file")
    if found.nlink > 1:
        raise Refused(f"it has {found.nlink} names (hard links); drop a copy")
    if found.mode & (bits.S_ISUID | bits.S_ISGID):
        raise Refused("it is set-user-id or set-group-id; no info file is")
    if found.size > READ_LIMIT:
        raise Refused(f"it has {found.size:,} bytes; an info file has at most {READ_LIMIT:,}")


def _refuse_owner(found: Stat, policy: Policy) -> None:
    if not policy.may_own(found.uid):
        raise Refused(f"its owner {user_name(found.uid)} is not a member of the farm")
    if found.mode & bits.S_IWOTH:
        raise Refused("anybody can write to it; chmod o-w and drop it again")
    if found.mode & bits.S_IWGRP and not policy.may_write_as(found.gid, found.uid):
        raise Refused(f"group {group_name(found.gid)} can write to it; chmod g-w and drop it again")


def _refuse_text(data: bytes) -> None:
    if len(data) > READ_LIMIT:
        raise Refused(f"an info file has at most {READ_LIMIT:,} bytes")
    if b"\0" in data:
        raise Refused("it holds NUL bytes; an info file is plain UTF-8 text")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"it is not UTF-8 text (byte {error.start})") from None


def sign(text: str, spool_id: str, key: bytes) -> str:
    """The text with an `x-sign:` header that holds for this spool only."""
    body = text.replace("\r\n", "\n").removeprefix("\ufeff")
    if old := SIGNATURE.match(body):
        body = body[old.end() :]
    first = next((line for line in body.split("\n") if line and not line.startswith("#")), "")
    if not HEADER.match(first):
        body = "\n" + body
    return f"x-sign: {_digest(body, spool_id, key)}\n{body}"


def is_signed(text: str, spool_id: str, key: bytes) -> bool:
    """True where the text carries the key's signature for this spool and nothing was changed."""
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    # Its place is fixed: anywhere else the line could be moved, and among commands it is one.
    match = SIGNATURE.match(text)
    return match is not None and hmac.compare_digest(
        match[1], _digest(text[match.end() :], spool_id, key)
    )


def _digest(body: str, spool_id: str, key: bytes) -> str:
    return hmac.new(key, f"{spool_id}\0{body}".encode(), hashlib.sha256).hexdigest()


def read_key(path: str) -> bytes:
    """The farm key in a local file; SpoolUnsafe when it is another's, readable or too short."""
    try:
        with open(path, "rb") as file:
            facts = os.fstat(file.fileno())
            key = file.read(4_096).strip()
    except OSError as error:
        raise SpoolUnsafe(f"the farm key {path} cannot be read: {error.strerror}") from error
    if facts.st_uid not in (0, os.geteuid()):
        raise SpoolUnsafe(
            f"the farm key {path} belongs to {user_name(facts.st_uid)}, who could exchange it",
            f"chown root {path}, or make it this user's own",
        )
    if facts.st_mode & 0o077:
        raise SpoolUnsafe(f"others can read the farm key {path}", f"chmod 600 {path}")
    if len(key) < 16:
        raise SpoolUnsafe(
            f"the farm key {path} is shorter than 16 bytes", f"openssl rand -hex 32 > {path}"
        )
    return key


def user_name(uid: int) -> str:
    """The name of a user for people; the number where there is none."""
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"uid {uid}"


def group_name(gid: int) -> str:
    """The name of a group for people; the number where there is none."""
    with contextlib.suppress(KeyError):
        return grp.getgrgid(gid).gr_name
    return f"gid {gid}"


def _groups_of(uid: int) -> Sequence[int]:
    # One user at a time: a directory server may not list all members of a group.
    try:
        user = pwd.getpwuid(uid)
        return os.getgrouplist(user.pw_name, user.pw_gid)
    except (KeyError, OSError):
        return ()


def _is_private(gid: int, uid: int) -> bool:
    """True for a user's own group of one, as Linux distributions make them."""
    try:
        user, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and not group.gr_mem
