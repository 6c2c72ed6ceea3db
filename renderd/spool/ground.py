"""What this machine can tell of other machines' sight: shared disks, readers, their Blenders."""

import contextlib
import errno
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from renderd.core.policy import Able
from renderd.errors import SpoolUnsafe
from renderd.spool import mount, trust, view
from renderd.spool.ability import able
from renderd.spool.layout import Spool
from renderd.spool.mount import Mount, mount_of

#: File systems that other machines may see too, though no spool should lie on some of them.
_NETWORK = (
    *mount.SHARED,
    *("9p", "virtiofs", "afs", "coda", "smbfs", "pvfs2", "orangefs", "panfs", "autofs", "gfs2"),
)
_MANY = 16  #: files of one folder from which its list costs less than asking for each


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The farm as far as it decides whether its nodes see a file."""

    mounts: tuple[Mount, ...] = ()
    spool: str = ""  #: the resolved path of the farm's folder; empty where there is no farm
    roots: tuple[str, ...] = ()  #: path roots of farm.toml on this platform
    gid: int | None = None  #: the group whose members the daemons are; None: not to be judged
    nodes: tuple[Able, ...] = field(default=(), compare=False)  #: the live ones

    def local_disk(self, path: str) -> str:
        """The kind of disk that other machines do not see a path on; empty where they may.

        Where the farm's own folder is on a local disk, all its nodes are on this machine.
        """
        home = mount_of(self.spool, self.mounts) if self.spool else None
        if home is None or not _is_network(home):
            return ""
        real = os.path.realpath(path)
        found = mount_of(real, self.mounts)
        if found is None or found == home or _is_network(found):
            return ""
        below = (root.rstrip("/") + "/" for root in self.roots)
        if any((path + "/").startswith(one) or (real + "/").startswith(one) for one in below):
            return ""
        return f"{found.kind} on {found.point}"


def _is_network(one: Mount) -> bool:
    return one.kind in _NETWORK or one.kind.startswith("fuse.")


def survey(spool: Spool, platform: str) -> Ground:
    """Look at the farm from this machine.  Raises OSError where its folder does not answer."""
    gid = None
    if spool.identity.group and not (spool.identity.trusts_share or spool.farm.trust_share):
        with contextlib.suppress(SpoolUnsafe):
            gid = trust.group_id(spool.identity.group)
    live = (node for node in view.read_nodes(spool) if node.state != "dead")
    return replace(disks(spool, platform), gid=gid, nodes=tuple(able(node) for node in live))


def disks(spool: Spool, platform: str) -> Ground:
    """What this machine has mounted, against the farm's folder; nothing of its nodes."""
    roots = spool.farm.roots_on(platform).values()
    return Ground(mounts=mount.mounted(), spool=os.path.realpath(spool.root), roots=tuple(roots))


class Sight:
    """Which files are there and who may read them; each folder and file is looked at once."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._listed: dict[str, dict[str, bool]] = {}  #: names, and whether they are links
        self._there: dict[str, bool] = {}
        self._disks: dict[str, str] = {}
        self._barred: dict[str, str] = {}

    def expect(self, paths: Iterable[str]) -> None:
        """Get ready for questions about these: folders of many are listed instead."""
        counted = Counter(os.path.dirname(path) for path in set(paths))
        for folder, count in counted.items():
            if count >= _MANY:
                self.names(folder)

    def names(self, folder: str) -> Collection[str]:
        """What a folder holds; nothing where it cannot be listed."""
        if folder not in self._listed:
            self._listed[folder] = {}  # stays so for one that may be passed and not be listed
            with contextlib.suppress(OSError, ValueError), os.scandir(folder) as found:
                self._listed[folder] = {one.name: one.is_symlink() for one in found}
        return self._listed[folder]

    def is_there(self, path: str) -> bool:
        """Whether something is at a path; links are followed."""
        folder, name = os.path.split(path)
        if self._listed.get(folder, {}).get(name) is False:
            return True
        if path not in self._there:  # a list may be old, or of a folder that shows none
            self._there[path] = os.path.exists(path)
        return self._there[path]

    def local_disk(self, path: str) -> str:
        """The kind of disk that other machines do not see what is there on; empty: they may."""
        folder, name = os.path.split(path)
        listed = self._listed.get(folder, {})
        if listed[name] if name in listed else os.path.islink(path):
            return self.ground.local_disk(path)
        if folder not in self._disks:
            self._disks[folder] = self.ground.local_disk(folder)
        return self._disks[folder]

    def barred(self, path: str) -> str:
        """Where on the way to a path the farm's users are kept out; empty where they are not."""
        for place in reversed(list(_upward(path))):
            if place not in self._barred:
                self._barred[place] = place if self._keeps_out(place) else ""
            if self._barred[place]:
                return place
        return ""

    def may_read(self, path: str) -> bool:
        """Whether this very user may read what is there."""
        return os.access(path, os.R_OK)

    def _keeps_out(self, path: str) -> bool:
        if self.ground.gid is None:
            return False
        try:
            found = os.stat(path)
        except OSError as error:
            return error.errno == errno.EACCES
        everybody, group = stat.S_IROTH, stat.S_IRGRP
        if stat.S_ISDIR(found.st_mode):  # to pass through is enough
            everybody, group = stat.S_IXOTH, stat.S_IXGRP
        is_ours = found.st_gid == self.ground.gid and found.st_mode & group
        return not (found.st_mode & everybody or is_ours)


def _upward(path: str) -> Iterator[str]:
    while True:
        yield path
        parent = os.path.dirname(path)
        if parent == path:
            return
        path = parent
