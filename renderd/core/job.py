"""What a job is: the draft a person submits and the record its job.info keeps."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from renderd.core import command, hand, infofile
from renderd.core.chunk import Chunk
from renderd.core.frames import Run, split
from renderd.core.infofile import DEFAULT_CHUNK, Info
from renderd.core.names import is_jid
from renderd.core.outputs import fill as fill_pattern
from renderd.core.source import Planned
from renderd.errors import InfoFileError

MAX_CHUNKS = 999_000  #: what three digits of group folders hold
_RESOLVED = "x-chunks", "x-owner", "x-out", "x-writes", "x-name"


class Writes(StrEnum):
    """How the frames of a job reach their names."""

    PRIVATE = "private"  #: into a private folder; the daemon verifies and puts them in place
    ITSELF = "itself"  #: the program writes in place; the daemon only verifies
    MOVIE = "movie"  #: one file a run, put in place at the end
    NOTHING = "nothing"  #: no output that we know of: the exit status is all there is


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A job ready to be published: everything resolved, nothing written yet."""

    name: str
    slug: str
    info: Info  #: as the person gave it, with the commands filled up to frames
    runs: tuple[Run, ...] | None  #: None: a command without frames
    size: int = DEFAULT_CHUNK  #: frames a chunk
    out: str = ""  #: absolute pattern of the output, with `#`
    writes: Writes = Writes.NOTHING
    source: Planned | None = None  #: the .blend it was planned from; publishing stamps it
    libraries: tuple[str, ...] = ()  #: what that links, in info-file syntax; publishing stamps them

    def pieces(self) -> Iterator[Run | None]:
        """The frames of each chunk, in order."""
        if self.runs is None:
            yield None
        elif self.info.whole or self.writes is Writes.MOVIE:
            yield from self.runs
        else:
            yield from split(self.runs, self.size)

    def chunks(self) -> list[Chunk]:
        """The chunks to publish, counted from 1.  Raises InfoFileError beyond MAX_CHUNKS."""
        self.check()
        return [Chunk(index, run) for index, run in enumerate(self.pieces(), 1)]

    def count(self) -> int:
        """How many chunks it makes, without making them."""
        if self.runs is None:
            return 1
        if self.info.whole or self.writes is Writes.MOVIE:
            return len(self.runs)
        return sum(-(-len(run) // self.size) for run in self.runs)

    def check(self) -> None:
        """Raise InfoFileError for a job that could not be written: too long, unsayable words."""
        if (chunks := self.count()) > MAX_CHUNKS:
            raise InfoFileError(
                f"{self.name} would make {chunks:,} chunks; a job holds {MAX_CHUNKS:,}",
                "use larger chunks or several jobs",
            )
        info = record(self, "", (), chunks)
        infofile.text(info)
        chunk_text(info, next(self.pieces()), self.out)


def chunk_size(info: Info, runs: tuple[Run, ...] | None) -> int:
    """Frames a chunk of the job, as its info says."""
    if info.chunk == 0 and runs:
        return hand.size(sum(map(len, runs)))
    return info.chunk or DEFAULT_CHUNK


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A published job as its job.info tells it; it never changes."""

    jid: str
    info: Info
    chunks: int
    name: str = ""
    owner: str = ""  #: who submitted it, as user@host
    out: str = ""
    writes: Writes = Writes.NOTHING

    @property
    def redoes(self) -> str:
        """The job whose frames this one renders again (`x-redo`); empty for all others."""
        jid = dict(self.info.extra).get("x-redo", "")
        return jid if is_jid(jid) else ""


def record(draft: Draft, owner: str, after: tuple[str, ...], chunks: int) -> Info:
    """The text of job.info: the checked info plus what publishing resolved."""
    kept = tuple(pair for pair in draft.info.extra if pair[0] not in _RESOLVED)
    extra: tuple[tuple[str, str], ...] = (
        ("x-chunks", str(chunks)),
        ("x-owner", owner),
        ("x-name", draft.name),
        ("x-writes", draft.writes.value),
    )
    if draft.out:
        extra += (("x-out", draft.out),)
    return replace(draft.info, frames=draft.runs, after=after, extra=kept + extra)


def parse(jid: str, text: bytes) -> Job:
    """The job in a job.info.  Raises InfoFileError where it is torn or foreign."""
    info = infofile.parse(text)
    extra = dict(info.extra)
    chunks = extra.get("x-chunks", "")
    if not re.fullmatch("[0-9]{1,6}", chunks):
        raise InfoFileError(f"job.info of {jid} does not say how many chunks it has (x-chunks)")
    writes = extra.get("x-writes", Writes.NOTHING.value)
    return Job(
        jid=jid,
        info=info,
        chunks=int(chunks),
        name=extra.get("x-name", info.name or jid),
        owner=extra.get("x-owner", ""),
        out=extra.get("x-out", ""),
        writes=Writes(writes) if writes in set(Writes) else Writes.NOTHING,
    )


def chunk_words(info: Info, run: Run | None, out: str) -> tuple[tuple[str, ...], ...]:
    """The finished command lines of one chunk; only path roots stay `{…}`.

    Braces stay doubled: the node fills its roots in, and that is the last time.  `blend` and
    `out` are written so, too.
    """
    values = {"blend": info.blend, "out": out_of(out, run)} if out else {"blend": info.blend}
    blender_out = out if out and is_redirected(info) else ""
    if run is not None:
        values |= {
            "start": str(run.first),
            "end": str(run.last),
            "step": str(run.step),
        }
        if any("{frames}" in word for words in info.commands for word in words):
            listed = ",".join(map(str, run))
            values["frames"] = listed if run.step > 1 else f"{run.first}-{run.last}"
    lines = []
    for words in info.commands:
        filled = infofile.splice(words, values)
        lines.append(filled if run is None else command.finish(filled, run, blender_out))
    return tuple(lines)


def is_redirected(info: Info) -> bool:
    """True when the daemon chooses where the program writes: into a private folder."""
    return dict(info.extra).get("x-writes") in (Writes.PRIVATE, Writes.MOVIE)


def out_of(out: str, run: Run | None) -> str:
    """What `{out}` stands for: the one file of a one-frame chunk, else the pattern."""
    if run is not None and run.first == run.last:
        return fill_pattern(out, run.first)
    return out


def chunk_text(info: Info, run: Run | None, out: str) -> str:
    """The text of a chunk's own info file: `cat` shows what will run."""
    return infofile.text(Info(commands=chunk_words(info, run, out)))
