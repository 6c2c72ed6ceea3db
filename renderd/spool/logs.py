"""The logs that attempts left: which there are, and how each ends."""

from dataclasses import asdict, dataclass
from typing import Any

from renderd.core.chunk import Chunk, State, parse
from renderd.errors import UsageError
from renderd.spool import listing
from renderd.spool.layout import Spool
from renderd.spool.moves import names

MOST = 1 << 20  #: bytes of a log in one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEnd:
    """The last part of one attempt's log."""

    chunk: int
    attempt: int
    node: str  #: the incarnation that ran it
    path: str  #: absolute, in the spool as this machine sees it
    text: str
    start: int  #: where in the file the text begins, in bytes
    size: int  #: of the file, in bytes

    def to_dict(self) -> dict[str, Any]:
        """Stable keys, for JSON."""
        return asdict(self)


def find(spool: Spool, jid: str, chunk: int | None = None, attempt: int | None = None) -> str:
    """The name of an attempt's log: the asked one, a chunk's last, else the newest of the job.

    Raises UsageError where there is none, OSError.
    """
    listed = (n for n in names(spool, spool.job(jid, "log")) if n.endswith(".log"))
    known = listing.attempts(listed)
    if chunk is None:
        found = [name for logs in known.values() for name in logs]
    else:
        found = known.get(chunk, [])
    if attempt is not None:
        found = [n for n in found if _parts(n)[1] == attempt]
    if not found:
        of = f"chunk {chunk} of job {jid}" if chunk is not None else f"job {jid}"
        raise UsageError(f"{of} has no such log", "nothing of it has run yet, or it was cleared")
    if chunk is None and len(found) > 1:
        return max(found, key=lambda n: (_written(spool, jid, n), n))
    return found[-1]


def read_end(
    spool: Spool, jid: str, chunk: int | None = None, attempt: int | None = None, tail: int = MOST
) -> LogEnd:
    """The last `tail` bytes of a log, from a line's start; raises as `find`."""
    name = find(spool, jid, chunk, attempt)
    path = spool.job(jid, "log", name)
    size = spool.share.stat(path).size
    start = max(size - min(tail, MOST), 0)
    data = spool.share.read(path, MOST, start)
    if start:  # begin with a whole line where there is one
        cut = data.find(b"\n") + 1
        start, data = start + cut, data[cut:]
    index, number, inc = _parts(name)
    text = data.decode("utf-8", "replace")
    return LogEnd(
        chunk=index, attempt=number, node=inc, path=path, text=text, start=start, size=size
    )


def read_on(spool: Spool, path: str, start: int) -> tuple[bytes, int]:
    """The whole lines that a log has from a byte on, and where the next begin.

    A log that was turned over meanwhile is read from its new start.  Raises OSError.
    """
    if spool.share.stat(path).size < start:
        start = 0
    data = spool.share.read(path, MOST, start)
    whole = data[: data.rfind(b"\n") + 1] if len(data) < MOST else data
    return whole, start + len(whole)


def still_runs(spool: Spool, jid: str, log: LogEnd) -> bool:
    """True while the attempt that writes this log holds its chunk.  Raises OSError."""
    for name in names(spool, spool.job(jid, Chunk(log.chunk, None).group)):
        chunk = parse(name)
        if chunk is not None and (chunk.index, chunk.attempt) == (log.chunk, log.attempt):
            return chunk.state is State.RUN and chunk.owner == log.node
    return False


def _parts(name: str) -> tuple[int, int, str]:
    index, attempt, inc = name.removesuffix(".log").split(".", 2)
    return int(index), int(attempt), inc


def _written(spool: Spool, jid: str, name: str) -> int:
    try:
        return spool.share.stat(spool.job(jid, "log", name)).mtime_ns
    except FileNotFoundError:
        return 0
