"""Making a spool: folders, modes, farm.toml and, last of all, the SPOOL file."""

import contextlib
import os
import random
import stat as bits
from collections.abc import Sequence
from dataclasses import dataclass, replace

from renderd.core.litter import is_litter
from renderd.errors import SpoolUnsafe, UsageError
from renderd.spool import moves, trust
from renderd.spool.layout import (
    FARM_FILE,
    FOLDERS,
    SPOOL_FILE,
    TMP,
    Identity,
    Spool,
    parse_identity,
)
from renderd.spool.share import FILE_MODE, FOLDER_MODE, READ_LIMIT, Share

#: A spool of one person: nobody else gets past its root, whatever umask or group lies below.
CLOSED_MODE = 0o700
ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class Founded:
    """What `found` did: the spool, whether it is new, and what else a person should read."""

    spool: Spool
    is_new: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for."""

    group: str = ""
    trusts_share: bool = False
    farm_text: str = ""


def found(share: Share, root: str, wishes: Wishes, rng: random.Random) -> Founded:
    """Make a spool at an absolute path, or complete the one that is there.

    Raises UsageError for a folder that holds something else, SpoolUnsafe where owners or modes
    cannot be set and that was not accepted.  The SPOOL file comes last: an interrupted run
    leaves no spool, and the next run goes on.
    """
    if len(wishes.group.split()) > 1:
        raise UsageError(f"group {wishes.group!r} has a blank in its name", "use another group")
    gid = trust.group_id(wishes.group) if wishes.group else None
    _make_root(share, root)
    old = _existing(share, root)
    if old is not None:
        return _complete(share, root, old, wishes, rng)
    _refuse_foreign(share, root)
    identity = Identity(_new_id(rng), group=wishes.group, trusts_share=wishes.trusts_share)
    spool = Spool(share, root, identity, rng, f"init{rng.getrandbits(32):08x}")
    _open_to(root, gid, CLOSED_MODE if gid is None else FOLDER_MODE, wishes.trusts_share)
    _make_folders(spool, gid)
    _make_farm_file(spool, gid, wishes.farm_text)
    # Checked before it becomes a spool: what is refused here would be refused by every daemon.
    warnings = trust.check_spool(spool, trust.policy_of(spool))
    _write_identity(spool, gid)
    return Founded(spool, is_new=True, warnings=warnings)


def is_spool(share: Share, root: str) -> bool:
    """True where a spool is at an absolute path, False where `found` could make one.

    Raises UsageError where neither is so, OSError.
    """
    try:
        if not share.stat(root).is_folder:
            raise UsageError(f"{root} is not a folder", "name a folder, not a link")
    except FileNotFoundError:
        parent = os.path.dirname(root)
        try:
            share.stat(parent)
        except FileNotFoundError:
            raise UsageError(
                f"{parent} does not exist", "make it, or mount the share first"
            ) from None
        return False
    if _existing(share, root) is not None:
        return True
    _refuse_foreign(share, root)
    return False


def _make_root(share: Share, root: str) -> None:
    try:
        share.mkdir(root)
    except FileExistsError:
        if not share.stat(root).is_folder:
            raise UsageError(f"{root} is not a folder", "name a folder, not a link") from None
    except FileNotFoundError:
        parent = os.path.dirname(root)
        raise UsageError(f"{parent} does not exist", "make it, or mount the share first") from None


def _existing(share: Share, root: str) -> Identity | None:
    try:
        text = share.read(f"{root}/{SPOOL_FILE}", READ_LIMIT).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    identity = parse_identity(text)
    if identity is None:
        raise UsageError(
            f"{root}/{SPOOL_FILE} is there but damaged",
            "put back its `id:` and `format:` lines; a new id would orphan what lies here",
        )
    return identity


def _complete(
    share: Share, root: str, old: Identity, wishes: Wishes, rng: random.Random
) -> Founded:
    if wishes.group and wishes.group != old.group:
        raise UsageError(
            f"{root} is a spool of {'group ' + old.group if old.group else 'one person'}",
            f"stop its daemons, chgrp -R {wishes.group} and chmod -R g+rwX it, chmod 2770 its "
            f"folders, and write `group: {wishes.group}` into {SPOOL_FILE}",
        )
    new = replace(old, trusts_share=old.trusts_share or wishes.trusts_share)
    spool = Spool(share, root, new, rng, f"init{rng.getrandbits(32):08x}")
    gid = trust.group_id(new.group) if new.group else None
    _make_folders(spool, gid)
    _make_farm_file(spool, gid, wishes.farm_text)
    if new != old:
        _write_identity(spool, gid)
    warnings = trust.check_spool(spool, trust.policy_of(spool))
    return Founded(spool, is_new=False, warnings=warnings)


def _refuse_foreign(share: Share, root: str) -> None:
    """Nothing but the empty folders of an interrupted run may lie where a spool is made."""
    ours = {*FOLDERS, FARM_FILE}
    foreign = sorted(n for n in set(share.listdir(root)) - ours if not is_litter(n))
    if foreign:
        raise UsageError(
            f"{root} is not empty: it holds {_some(foreign)}",
            "name a new or an empty folder",
        )
    for name in FOLDERS:
        with contextlib.suppress(FileNotFoundError):
            listed = share.listdir(f"{root}/{name}")
            left = [one for one in listed if name != TMP and not is_litter(one)]
            if left:
                raise UsageError(
                    f"{root}/{name} holds {_some(left)} but {SPOOL_FILE} is lost",
                    f"put {SPOOL_FILE} back, or move the folder away",
                )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _make_folders(spool: Spool, gid: int | None) -> None:
    for name in FOLDERS:
        path = spool.at(name)
        with contextlib.suppress(FileExistsError):
            spool.share.mkdir(path)
            _open_to(path, gid, FOLDER_MODE, spool.identity.trusts_share)


def _make_farm_file(spool: Spool, gid: int | None, text: str) -> None:
    if not text:
        return
    with contextlib.suppress(FileExistsError):
        spool.share.create(spool.at(FARM_FILE), text.encode(), sync=True)
        _open_to(spool.at(FARM_FILE), gid, FILE_MODE, spool.identity.trusts_share)


def _write_identity(spool: Spool, gid: int | None) -> None:
    moves.write(spool, spool.at(SPOOL_FILE), spool.identity.text().encode())
    _open_to(spool.at(SPOOL_FILE), gid, FILE_MODE, spool.identity.trusts_share)
    spool.share.sync_folder(spool.root)


def _open_to(path: str, gid: int | None, mode: int, trusts_share: bool) -> None:
    """Give a path its group and mode; not through the seam, no other step changes owners."""
    problem = ""
    try:
        if gid is not None and os.lstat(path).st_gid != gid:
            os.chown(path, -1, gid, follow_symlinks=False)
        if bits.S_IMODE(os.lstat(path).st_mode) != mode:
            os.chmod(path, mode)
    except OSError as error:
        problem = error.strerror or str(error)
    made = os.lstat(path)
    has_mode = bits.S_IMODE(made.st_mode) == mode
    if trusts_share or (has_mode and gid in (None, made.st_gid)):
        return
    raise SpoolUnsafe(
        f"{path} cannot be given group {trust.group_name(made.st_gid if gid is None else gid)} "
        f"and mode {mode:04o} ({problem or f'it stays {bits.S_IMODE(made.st_mode):04o}'})",
        "run this as its owner and a member of that group; where the server maps identities, "
        "accept that with --trust-share",
    )


def _new_id(rng: random.Random) -> str:
    return "".join(rng.choices(ID_LETTERS, k=16))
