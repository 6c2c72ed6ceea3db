"""The .blend behind a job: copied when it is queued, compared before it is rendered, cleared away.

A job's copy, its half-made temp and its link to Blender's disk caches have names that follow from
the artist's file and the job's id alone; nothing else beside the artist's file is ever touched.
job.info names the copy before it is made, so that what a crash leaves is found by it.
"""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from renderd.core import source as record
from renderd.core.job import Draft, Job
from renderd.core.source import Planned, Stamp
from renderd.core.template import fill
from renderd.errors import RenderdError, SourceChanged, SourceError
from renderd.spool import control
from renderd.spool.layout import Spool
from renderd.spool.share import Stat

CHEAP = 64 << 20  #: bytes read for their hash where somebody waits
_PIECE = 1 << 20
_ENDS = 1 << 16  #: bytes at either end of a copy that are compared with the original
_NO_COPY = "say --no-snapshot to queue the file as it is, without a copy"


class Kind(StrEnum):
    """How the file that a job would render differs from the one that was queued."""

    SAVED = "saved"  #: another content or time
    GONE = "gone"  #: the job's own copy was removed


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of a job's .blend since it was queued."""

    kind: Kind
    path: str  #: as this machine sees it
    stamp: Stamp | None = None  #: as it is now; None where it is gone
    is_later: bool = True  #: its time is later than that of the queued file


def may_copy(draft: Draft) -> bool:
    """Whether the job can render a copy: its commands name the .blend by `{blend}` alone."""
    words = [word for line in draft.info.commands for word in line]
    return draft.source is not None and any("{blend}" in word for word in words)


def named(draft: Draft, jid: str) -> Draft:
    """The draft as the job with its own copy of the .blend would be recorded."""
    info = draft.info
    extra = record.with_extra(info.extra, {record.ORIGINAL: info.blend, record.SNAPSHOT: "yes"})
    copy = record.snapshot(info.blend, jid)
    return replace(draft, info=replace(info, blend=copy, extra=extra))


def secure(
    spool: Spool, draft: Draft, jid: str, most: int | None, breathe: Callable[[], None]
) -> Draft:
    """The draft with the stamp of its .blend, copied first where it names a copy.

    At most `most` bytes are read for a hash.  Raises SourceChanged where the file is no longer
    the one that was planned with, SourceError where no copy can be made.
    """
    planned = draft.source
    if planned is None:
        return draft
    path = spool.local(planned.path)
    copy = record.snapshot_of(draft.info, jid)
    if copy:
        _copy(spool, path, spool.local(copy), planned.stamp)
        _link_caches(spool, spool.local(record.original(draft.info)), spool.local(copy))
    stamp = planned.stamp
    if most is None or stamp.size <= most:
        read = spool.local(copy) if copy else path
        stamp = replace(stamp, sha256=_hash(spool, read, breathe))
    if not copy:
        _demand_unchanged(spool, path, planned.stamp)
    kept = dict(draft.info.extra)
    extra = tuple({**kept, record.STAMP: stamp.text()}.items())
    return replace(draft, info=replace(draft.info, extra=extra))


def _copy(spool: Spool, path: str, copy: str, planned: Stamp) -> None:
    temp = f"{copy}.tmp"
    try:
        _demand_unchanged(spool, path, planned)
        spool.share.copy(path, temp)
        _demand_unchanged(spool, path, planned)
        if not _is_alike(spool, path, temp):
            raise SourceError(f"the copy of {path} does not read as the file itself", _NO_COPY)
        spool.share.rename(temp, copy)
        spool.share.sync_folder(copy.rpartition("/")[0])
    except OSError as error:
        folder, _, base = path.rpartition("/")
        raise SourceError(
            f"no copy of {base} can be made in {folder}: {error.strerror or error}", _NO_COPY
        ) from error


def _demand_unchanged(spool: Spool, path: str, planned: Stamp) -> None:
    now = spool.share.stat_target(path)
    if not planned.looks_like(now.size, now.mtime_ns):
        raise SourceChanged(f"{path} was saved while it was being queued", "add it again")


def _is_alike(spool: Spool, path: str, copy: str) -> bool:
    """Whether the copy has the size and both ends of the file it was made from."""
    with spool.share.open_target(path) as one, spool.share.open(copy) as other:
        size = one.seek(0, 2)
        if other.seek(0, 2) != size:
            return False
        for at in {0, max(0, size - _ENDS)}:
            one.seek(at)
            other.seek(at)
            if one.read(_ENDS) != other.read(_ENDS):
                return False
    return True


def _hash(spool: Spool, path: str, breathe: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    with spool.share.open_target(path) as file:
        while data := file.read(_PIECE):
            digest.update(data)
            breathe()
    return digest.hexdigest()


def _link_caches(spool: Spool, original: str, copy: str) -> None:
    """Let the copy find the disk caches that Blender looks for by the name of its file.

    Without them it renders simulations unbaked and says nothing.  Raises SourceError.
    """
    folder = _caches(original)
    with contextlib.suppress(FileNotFoundError):
        if not spool.share.stat(folder).is_folder:
            return
        try:
            spool.share.symlink(folder.rpartition("/")[2], _caches(copy))
        except OSError as error:
            raise SourceError(
                f"a copy would not find the caches in {folder}: no link can be made there"
                f" ({error.strerror})",
                _NO_COPY,
            ) from error


def _caches(path: str) -> str:
    folder, slash, base = path.rpartition("/")
    return f"{folder}{slash}blendcache_{base[: -len('.blend')]}"


def remove(spool: Spool, job: Job) -> None:
    """Remove a job's own copy of its .blend, or what a crash left of it.

    Best effort and safe to repeat: a machine that does not see the folder leaves it to others.
    """
    if not (copy := record.snapshot_of(job.info, job.jid)):
        return
    path = spool.local(copy)
    for name in (f"{path}.tmp", path, _caches(path)):
        with contextlib.suppress(OSError):
            if not spool.share.stat(name).is_folder:  # Blender may have made it: not ours then
                spool.share.unlink(name)


def needed(spool: Spool, job: Job) -> str:
    """Where this machine would find the .blend that the job begins with; empty: it has none."""
    path = job.info.blend if record.stamp_of(job.info) else record.needed(job.info)
    return spool.local(path) if path else ""


def why_not_able(spool: Spool, job: Job) -> str:
    """Why this machine cannot render the job's .blend; empty where it sees it, or need not."""
    path = needed(spool, job)
    try:
        if path:
            spool.share.stat_target(path)
    except FileNotFoundError:
        if _is_gone(spool, job):
            return ""  # for everybody: the one who starts a chunk holds the job
        return f"does not see {path}: is its share mounted?"
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    return ""


def compare(spool: Spool, job: Job) -> Difference | None:
    """How the .blend differs from what was queued, or was accepted since; None where it does not.

    A file of another time but the same content does not, and is remembered as accepted.  Raises
    OSError, FileNotFoundError also where this machine does not see the file.
    """
    queued = record.stamp_of(job.info)
    if queued is None:
        return None
    path = spool.local(job.info.blend)
    try:
        now = spool.share.stat_target(path)
    except FileNotFoundError:
        if _is_gone(spool, job):
            return Difference(Kind.GONE, path)
        raise
    if queued.looks_like(now.size, now.mtime_ns):
        return None
    accepted = record.parse_stamp(control.read(spool, job.jid).source)
    if accepted is not None and accepted.looks_like(now.size, now.mtime_ns):
        return None
    stamp = Stamp(now.size, now.mtime_ns)
    if _has_content(spool, path, now, queued):
        with contextlib.suppress(OSError, RenderdError):  # or every chunk reads all of it again
            control.change(spool, job.jid, source=stamp.text())
        return None
    return Difference(Kind.SAVED, path, stamp, is_later=now.mtime_ns > queued.mtime_ns)


def _has_content(spool: Spool, path: str, now: Stat, queued: Stamp) -> bool:
    if not queued.sha256 or now.size != queued.size:
        return False
    return _hash(spool, path, lambda: None) == queued.sha256


def _is_gone(spool: Spool, job: Job) -> bool:
    """Whether a copy is missing from a folder that this machine sees: its original is there."""
    if not record.snapshot_of(job.info, job.jid):
        return False
    with contextlib.suppress(OSError):
        spool.share.stat_target(spool.local(record.original(job.info)))
        return True
    return False


def present_file(spool: Spool, job: Job) -> Planned | None:
    """The artist's own .blend as it is now; None for a job that is known to have none.

    Raises SourceError where this machine does not see it.
    """
    if record.stamp_of(job.info) is None:
        return None
    path = record.original(job.info)
    try:
        now = spool.share.stat_target(spool.local(path))
    except OSError as error:
        raise SourceError(f"{spool.local(path)}: {error.strerror or error}") from error
    return Planned(path, Stamp(now.size, now.mtime_ns))


def same_file(spool: Spool, job: Job) -> Planned:
    """The .blend as the job rendered it: its copy while that is kept, else the artist's own file.

    For rendering frames again from the very same file; the path is in info-file syntax.  Raises
    SourceError that says why neither is that file any more, OSError.
    """
    accepted = record.parse_stamp(control.read(spool, job.jid).source)
    queued = accepted or record.stamp_of(job.info)
    if queued is None:
        raise SourceError(f"nothing is known of the .blend that {job.jid} rendered")
    original = record.original(job.info)
    for path in dict.fromkeys((job.info.blend, original)):
        local = spool.local(path)
        try:
            now = spool.share.stat_target(local)
        except FileNotFoundError:
            continue
        is_copy = path != original
        looks_same = queued.looks_like(now.size, now.mtime_ns)
        if (looks_same and (is_copy or not queued.sha256)) or _has_content(
            spool, local, now, queued
        ):
            return Planned(path, Stamp(now.size, now.mtime_ns, queued.sha256))
    name = fill((original,), {})[0]
    raise SourceError(
        f"{name} is no longer the file that {job.jid} rendered, and its copy is gone",
        "leave --same-file away to render the present file",
    )
