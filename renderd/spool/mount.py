"""Which mount a path lies on, and which of its options hurt a spool."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MOUNTINFO = "/proc/self/mountinfo"
NFS, SMB = ("nfs", "nfs4"), ("cifs", "smb3")
MOOSEFS = "fuse.moosefs"  #: our word: the kernel says `fuse` and a source of mfs#HOST:PORT
SHARED = (
    *(*NFS, *SMB, "ceph", "lustre", "glusterfs", "fuse.glusterfs", MOOSEFS),
    *("beegfs", "gpfs", "ocfs2"),
)
#: What keeps a copy on every machine, or has no rename at all.
SYNCED = (
    *("dropbox", "onedrive", "google drive", "googledrive", "icloud", "mobile documents"),
    *("nextcloud", "owncloud", "pcloud", "pclouddrive", "syncthing", "megasync", "seafile"),
)
MARKERS = (".dropbox.cache", ".stfolder", ".owncloudsync.log", ".megaignore")
#: Attribute caches beyond the default maximum of 60 s make every look that much older.
LONGEST_CACHE = 60


class Verdict(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"  #: frames or jobs may be lost or run twice; change it


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo; `options` are the mount's and the file system's together."""

    point: str
    kind: str
    source: str
    options: dict[str, str]

    @property
    def is_shared(self) -> bool:
        return self.kind in SHARED


@dataclass(frozen=True, slots=True)
class Complaint:
    """One option that hurts, with one sentence what to change."""

    verdict: Verdict
    option: str
    advice: str


def parse(text: str) -> tuple[Mount, ...]:
    """The mounts in a mountinfo file, in its order; lines that are none are left out."""
    mounts = []
    for line in text.splitlines():
        head, dash, tail = line.partition(" - ")
        words, rest = head.split(" "), tail.split(" ")
        if not dash or len(words) < 6 or len(rest) < 3:
            continue
        options: dict[str, str] = {}
        for option in (words[5] + "," + rest[2]).split(","):
            name, _, value = option.partition("=")
            options[name] = value
        source = _plain(rest[1])
        kind = MOOSEFS if rest[0] == "fuse" and source.startswith("mfs#") else rest[0]
        mounts.append(Mount(_plain(words[4]), kind, source, options))
    return tuple(mounts)


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def mount_of(path: str, mounts: tuple[Mount, ...]) -> Mount | None:
    """The mount that a resolved path lies on; of two on one point the later covers the other."""
    best: Mount | None = None
    for mount in mounts:
        below = mount.point.rstrip("/") + "/"
        is_longer = best is None or len(mount.point) >= len(best.point)
        if (path + "/").startswith(below) and is_longer:
            best = mount
    return best


def find_mount(path: str) -> Mount | None:
    """The mount of a path on this machine; None where the system does not tell."""
    return mount_of(os.path.realpath(path), mounted())


def is_smb(path: str) -> bool:
    """Whether a path lies on a share of SMB, as far as the system tells."""
    mounts = mounted()
    if not any(mount.kind in SMB for mount in mounts):
        return False  # without a look at the path, which may ask a server
    found = mount_of(os.path.realpath(path), mounts)
    return found is not None and found.kind in SMB


def mounted() -> tuple[Mount, ...]:
    """The mounts of this machine; none where the system does not tell."""
    try:
        with open(MOUNTINFO, encoding="utf-8", errors="surrogateescape") as file:
            return parse(file.read())
    except OSError:
        return ()


def complaints(mount: Mount) -> tuple[Complaint, ...]:
    """What about a mount hurts a spool, worst first."""
    found = list(_of_any(mount))
    if mount.kind in NFS:
        found += _of_nfs(mount.options)
    elif mount.kind in SMB:
        found += _of_smb(mount.options)
    return tuple(sorted(found, key=lambda complaint: complaint.verdict != Verdict.BAD))


def _of_any(mount: Mount) -> Iterator[Complaint]:
    kind = mount.kind
    if "ro" in mount.options:
        yield Complaint(Verdict.BAD, "ro", "mount it read-write")
    if kind in ("vfat", "msdos", "exfat"):
        yield Complaint(Verdict.BAD, kind, "use a file system with owners and modes (ext4, xfs)")
    elif kind.startswith("fuse.") and re.search(r"s3|gcs|rclone|blobfuse|drive", kind):
        yield Complaint(Verdict.BAD, kind, "an object store has no atomic rename; use NFS")
    elif kind == "fuse.sshfs":
        yield Complaint(Verdict.BAD, kind, "sshfs caches and renames in two steps; use NFS")
    elif kind in ("tmpfs", "ramfs"):
        yield Complaint(Verdict.WARN, kind, "fine for a trial: everything is gone at a restart")
    elif kind == "overlay":
        yield Complaint(Verdict.WARN, kind, "mount a volume: a container's layer is not shared")
    elif kind == "lustre" and "localflock" in mount.options:
        yield Complaint(Verdict.WARN, "localflock", "mount Lustre with flock")


def _of_nfs(options: dict[str, str]) -> Iterator[Complaint]:
    if "soft" in options or "softerr" in options:
        word = "soft" if "soft" in options else "softerr"
        yield Complaint(
            Verdict.BAD, word, "mount with hard: a short server pause must wait, not fail"
        )
    if "nocto" in options:
        yield Complaint(Verdict.BAD, "nocto", "mount without nocto: opened files would be stale")
    if "nolock" in options:
        yield Complaint(Verdict.BAD, "nolock", "mount without nolock: locks would exclude nobody")
    local = options.get("local_lock", "none")
    if local != "none" and "nolock" not in options:
        yield Complaint(
            Verdict.BAD, f"local_lock={local}", "mount with local_lock=none: locks must be shared"
        )
    if "noac" in options:
        yield Complaint(
            Verdict.WARN, "noac", "leave noac out: it costs much and cures no stale listing"
        )
    for name in ("actimeo", "acregmax", "acdirmax", "acregmin", "acdirmin"):
        value = options.get(name, "")
        if value.isdigit() and int(value) > LONGEST_CACHE:
            yield Complaint(
                Verdict.WARN, f"{name}={value}", f"at most {LONGEST_CACHE} s, or leave it out"
            )
    version = options.get("vers", options.get("nfsvers", "4"))
    if version.split(".")[0] in ("2", "3"):
        yield Complaint(
            Verdict.BAD if version == "2" else Verdict.WARN,
            f"vers={version}",
            "prefer vers=4.2: on v3 the locks of a host that lost power are never freed",
        )
    if options.get("proto", "").startswith("udp"):
        yield Complaint(Verdict.WARN, "proto=udp", "mount with proto=tcp")


def _of_smb(options: dict[str, str]) -> Iterator[Complaint]:
    if "nobrl" in options:
        yield Complaint(Verdict.BAD, "nobrl", "mount without nobrl: locks would exclude nobody")
    if options.get("cache") == "loose":
        yield Complaint(Verdict.BAD, "cache=loose", "mount with cache=strict")
    if "hard" not in options:
        yield Complaint(Verdict.WARN, "soft", "mount with hard: a short pause must wait, not fail")
    if options.get("closetimeo", "0") != "0":
        yield Complaint(
            Verdict.WARN,
            f"closetimeo={options['closetimeo']}",
            "mount with closetimeo=0: "
            "files stay open after they were closed, and cannot be replaced",
        )
    if "nostrictsync" in options:
        yield Complaint(Verdict.WARN, "nostrictsync", "mount without nostrictsync")
    for name in ("forceuid", "forcegid", "noperm"):
        if name in options:
            yield Complaint(
                Verdict.WARN,
                name,
                f"with {name} owners mean nothing: see renderd init --trust-share",
            )


def synced_by(path: str) -> str:
    """The file-syncing service whose folder a path seems to lie in; empty where none."""
    while True:
        parent, name = os.path.split(path)
        lowered = name.lower()
        for service in SYNCED:
            if lowered == service or lowered.startswith((f"{service} ", f"{service}-")):
                return name
        for marker in MARKERS:
            if os.path.lexists(os.path.join(path, marker)):
                return f"{name}/{marker}"
        if parent == path:
            return ""
        path = parent


def why_not_seen(path: str) -> str:
    """Why a folder on a share is not seen; empty where it is.

    An empty folder that is no mount point itself is one whose share is not mounted: a job that
    uses a root has put at least its mark there.
    """
    try:
        with os.scandir(path) as entries:
            is_empty = next(entries, None) is None
    except FileNotFoundError:
        return f"{path} is not there"
    except NotADirectoryError:
        return f"{path} is no folder"
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    if is_empty and not os.path.ismount(path):
        return f"{path} is empty: is its share mounted?"
    return ""
