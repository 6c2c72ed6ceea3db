"""The .blend behind a job, as it stood when it was queued.  Pure: no I/O.

`render add` copies the .blend beside itself, so that relative paths in it hold, and the job renders
the copy.  job.info then names the copy in `blend:`, the artist's own file in `x-original`, and what
was copied in `x-source`.  Without a copy `x-source` alone says which file it was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from renderd.core import command
from renderd.core.infofile import Info
from renderd.core.template import escape, fill, splice

ORIGINAL, SNAPSHOT, STAMP = "x-original", "x-snapshot", "x-source"
LIBRARIES = "x-libraries"  #: how many linked ones are recorded
KEYS = (ORIGINAL, SNAPSHOT, STAMP, LIBRARIES)  #: what publishing resolves, and nobody else may say
_STEM_BYTES = 200  #: of a copy's name, which has at most 255 with its job's id and Blender's caches
_STAMP = re.compile(r"([0-9]{1,19}) (-?[0-9]{1,20})(?: ([0-9a-f]{64}))?")
_PRECISIONS = (1, 100, 1_000, 1_000_000, 1_000_000_000)  #: ns that file servers count in


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one saved state of a file from another."""

    size: int  #: bytes
    mtime_ns: int
    sha256: str = ""  #: of the whole content; empty where nobody has read it

    def text(self) -> str:
        """One line that parse_stamp() reads back."""
        return f"{self.size} {self.mtime_ns} {self.sha256}".strip()

    def looks_like(self, size: int, mtime_ns: int) -> bool:
        """Whether a file of this size and time is the one stamped.

        Two mounts of one server may cut times to different precisions: the coarser counts.
        """
        grain = max(_precision(self.mtime_ns), _precision(mtime_ns))
        return size == self.size and self.mtime_ns // grain == mtime_ns // grain


@dataclass(frozen=True, slots=True)
class Planned:
    """The .blend a job was planned from, as it stood before it was read."""

    path: str  #: in info-file syntax
    stamp: Stamp


def parse_stamp(text: str) -> Stamp | None:
    """The stamp in a line; None where it is none."""
    found = _STAMP.fullmatch(text)
    return Stamp(int(found[1]), int(found[2]), found[3] or "") if found else None


def stamp_of(info: Info) -> Stamp | None:
    """The .blend as it was queued; None where nobody saw it then."""
    return parse_stamp(dict(info.extra).get(STAMP, ""))


def original(info: Info) -> str:
    """The artist's own file, in info-file syntax, also where the job renders a copy of it."""
    return dict(info.extra).get(ORIGINAL) or info.blend


def needed(info: Info) -> str:
    """The .blend that must be there before the job begins, in info-file syntax; empty: none.

    Only what the first command line opens: a later one may open what an earlier one made.
    """
    words = splice(info.commands[0], {"blend": info.blend}) if info.commands else ()
    found = command.parse(words)
    return found.blend if found is not None else ""


def snapshot(path: str, jid: str) -> str:
    """Where a job's copy of a .blend lies: beside it, hidden, with the job's id."""
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}{escape(f'.{_stem(path)}.{jid}.blend')}"


def snapshot_of(info: Info, jid: str) -> str:
    """The job's own copy of its .blend; empty where it has none.

    Only the exact name that publishing gives counts: what is returned here may be removed.
    """
    extra = dict(info.extra)
    is_ours = extra.get(SNAPSHOT) == "yes" and info.blend == snapshot(extra.get(ORIGINAL, ""), jid)
    return info.blend if is_ours else ""


def with_extra(
    info_extra: tuple[tuple[str, str], ...], new: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """The `x-…` keys with those of ours set anew, whoever said them before."""
    kept = {key: value for key, value in info_extra if key not in KEYS}
    return tuple({**kept, **new}.items())


def _stem(path: str) -> str:
    base = fill((path.rpartition("/")[2],), {})[0]
    stem = base[: -len(".blend")] if base.lower().endswith(".blend") else base
    whole = stem.encode("utf-8", "surrogateescape")
    if len(whole) <= _STEM_BYTES:
        return stem
    return whole[:_STEM_BYTES].decode("utf-8", "ignore")


def _precision(mtime_ns: int) -> int:
    return max(grain for grain in _PRECISIONS if mtime_ns % grain == 0)
