"""What is mounted where: volumes to show, and which of them are a network's."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

#: file systems whose changes a kernel does not tell of, for others make them too
_NETWORK = frozenset(
    (
        *(
            "9p",
            "acfs",
            "afpfs",
            "afs",
            "autofs",
            "beegfs",
            "ceph",
            "cifs",
            "coda",
            "davfs",
            "fhgfs",
        ),
        *("fuseblk.sshfs", "gfs", "gfs2", "glusterfs", "gpfs", "lizardfs", "lustre", "mfs"),
        *(
            "moosefs",
            "ncpfs",
            "nfs",
            "nfs4",
            "ocfs2",
            "orangefs",
            "panfs",
            "pvfs2",
            "quobyte",
            "smb3",
        ),
        *("smbfs", "vboxsf", "virtiofs", "vmhgfs", "webdav"),
    )
)
_LOCAL_FUSE = frozenset({"fuse.bindfs", "fuse.encfs", "fuse.gocryptfs", "fuseblk"})
#: not for people: the system's own
_UNSHOWN = frozenset(
    (
        *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devfs"),
        *("devpts", "devtmpfs", "efivarfs", "fusectl", "fuse.gvfsd-fuse", "fuse.portal"),
        *("fuse.lxcfs", "hugetlbfs", "mqueue", "nsfs", "nfsd", "overlay", "proc", "pstore"),
        *("ramfs", "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs", "tmpfs"),
        *("tracefs"),
    )
)
_SYSTEM_FOLDERS = ("/boot", "/dev", "/etc", "/proc", "/run", "/snap", "/sys", "/var/lib", "/nix")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system."""

    path: str
    fstype: str
    device: str = ""

    @property
    def is_network(self) -> bool:
        """Whether other machines change it, too; what is unknown of FUSE counts as such."""
        if self.fstype.startswith("fuse") and self.fstype not in _LOCAL_FUSE:
            return True
        return self.fstype in _NETWORK

    @property
    def is_for_people(self) -> bool:
        """Whether a person would look for files there."""
        if self.fstype in _UNSHOWN:
            return self.path in ("/", "/tmp")  # noqa: S108  a container's root is an overlay
        inside = [f for f in _SYSTEM_FOLDERS if self.path == f or self.path.startswith(f + "/")]
        return not inside or self.path.startswith("/run/media/")


@dataclass(frozen=True, slots=True)
class Room:
    """How large a volume is, and how much of it is free for this user."""

    total_bytes: int
    free_bytes: int


def mounts() -> list[Mount]:
    """All mounts, in the order they were made; nothing of them is touched."""
    try:
        found = psutil.disk_partitions(all=True)
    except OSError:
        return []
    return [Mount(one.mountpoint, one.fstype.lower(), one.device) for one in found]


def volumes(found: Sequence[Mount]) -> list[Mount]:
    """Those to show: one a device, at the shortest of its paths."""
    best: dict[str, Mount] = {}
    for one in found:
        key = one.device if one.device.startswith("/") or ":" in one.device else one.path
        held = best.get(key)
        if one.is_for_people and (held is None or len(one.path) < len(held.path)):
            best[key] = one
    return sorted(best.values(), key=lambda one: one.path)


def mount_of(folder: str, found: Sequence[Mount]) -> Mount | None:
    """The mount that a folder lies on, told by names alone: nothing can hang."""
    inside = [one for one in found if _holds(one.path, folder)]
    deepest = max((len(one.path) for one in inside), default=0)
    # the last of those on one point covers those before
    return next((one for one in reversed(inside) if len(one.path) == deepest), None)


def room(path: str) -> Room | None:
    """How much is free; None where it cannot be told.  May hang on a dead share."""
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return None
    return Room(usage.total, usage.free) if usage.total else None


def _holds(mount: str, folder: str) -> bool:
    return folder == mount or folder.startswith(mount.rstrip(os.sep) + os.sep)
