"""The libraries that a .blend links: recorded when it is queued, looked at when it is rendered.

They are not copied, as the .blend is: a shot shall get the corrected character.  But it is said.
"""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from renderd.core import jsonvalue
from renderd.core.job import Job
from renderd.core.source import LIBRARIES, Stamp
from renderd.spool.layout import Spool
from renderd.spool.moves import write

FILE = "libraries"  #: in the job's folder: one JSON list a line, path, size and mtime in ns
_LIMIT = 1 << 22


@dataclass(frozen=True, slots=True)
class Changed:
    """A library that is not what it was when the job was queued."""

    path: str  #: as this machine sees it
    mtime_ns: int


def record(spool: Spool, jid: str, paths: Iterable[str]) -> int:
    """Write down how libraries are now; how many.  Paths are in info-file syntax.

    Raises OSError where the spool fails; a library that is not there now is left out.
    """
    lines = []
    for path in sorted(set(paths)):
        with contextlib.suppress(OSError):
            now = spool.share.stat_target(spool.local(path))
            lines.append(json.dumps([path, now.size, now.mtime_ns]) + "\n")
    if lines:
        write(spool, spool.job(jid, FILE), "".join(lines).encode())
    return len(lines)


def changed(spool: Spool, job: Job) -> list[Changed]:
    """The job's libraries that were saved since it was queued, as this machine sees them.

    One that is missing here is left to Blender, which fails the frame.  Raises OSError.
    """
    if dict(job.info.extra).get(LIBRARIES, "0") == "0":
        return []
    found = []
    for line in spool.share.read(spool.job(job.jid, FILE), _LIMIT).splitlines():
        with contextlib.suppress(OSError, ValueError, TypeError):
            path, size, mtime_ns = jsonvalue.parse(line)
            local = spool.local(str(path))
            now = spool.share.stat_target(local)
            if not Stamp(int(size), int(mtime_ns)).looks_like(now.size, now.mtime_ns):
                found.append(Changed(local, now.mtime_ns))
    return found
