"""What happened: one append-only journal a node, statistics and frame times out of them."""

import contextlib
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

from renderd.core import jsonvalue
from renderd.core.names import host_of, is_incarnation
from renderd.spool.layout import HISTORY, Spool
from renderd.spool.moves import names

SUFFIX = ".jsonl"
_RUNS_READ = 3  #: last journals of a host that are asked for frame times
_TAIL_BYTES = 1 << 18  #: read of each
_NEWS_BYTES = 1 << 22  #: read of a journal at once
_FRAMES_READ = 1000  #: of one chunk at most


def append(
    spool: Spool, inc: str, happened: Iterable[dict[str, Any]], *, again: bool = False
) -> bool:
    """Add events to this incarnation's own journal; False where they may be lost or torn.

    Then give the same events `again`: what is given twice counts once.
    """
    text = "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in happened)
    try:
        spool.share.append(spool.at(HISTORY, inc + SUFFIX), ("\n" * again + text).encode())
    except OSError:
        return False
    return True


def events(spool: Spool) -> Iterator[dict[str, Any]]:
    """All events of all nodes, each with its `inc`; torn and repeated lines are passed over."""
    for name in sorted(names(spool, spool.at(HISTORY))):
        inc = name.removesuffix(SUFFIX)
        if inc == name or not is_incarnation(inc):
            continue
        try:
            text = spool.share.read(spool.at(HISTORY, name), 1 << 26)
        except OSError:
            continue
        for value in _parsed(text):
            yield {**value, "inc": inc}


def _parsed(text: bytes) -> Iterator[dict[str, Any]]:
    for line in dict.fromkeys(text.splitlines()):
        with contextlib.suppress(ValueError):
            value = jsonvalue.parse(line)
            if isinstance(value, dict):
                yield value


def read_on(spool: Spool, inc: str, start: int) -> tuple[list[dict[str, Any]], int]:
    """What a journal says from a byte on, and where its next lines begin.

    Of a long one only the last MiB are read.  Raises OSError.
    """
    path = spool.at(HISTORY, inc + SUFFIX)
    size = spool.share.stat(path).size
    start = max(start if start <= size else 0, size - _NEWS_BYTES)
    data = spool.share.read(path, size - start, start) if size > start else b""
    whole = data[: data.rfind(b"\n") + 1]
    return list(_parsed(whole)), start + len(whole)


def written(spool: Spool) -> list[str]:
    """The incarnations that left a journal, by name.  Raises OSError."""
    found = (n.removesuffix(SUFFIX) for n in names(spool, spool.at(HISTORY)) if n.endswith(SUFFIX))
    return sorted(inc for inc in found if is_incarnation(inc))


def frame_times(spool: Spool, host: str) -> Iterator[tuple[str, list[float]]]:
    """Jobs and their frame times in seconds, from the last journals of a host, oldest first."""
    last = []
    for name in names(spool, spool.at(HISTORY)):
        inc = name.removesuffix(SUFFIX)
        if inc != name and is_incarnation(inc) and host_of(inc) == host:
            with contextlib.suppress(OSError):
                found = spool.share.stat(spool.at(HISTORY, name))
                last.append((found.mtime_ns, found.size, name))
    for _, size, name in sorted(last)[-_RUNS_READ:]:
        for event in _tail(spool, name, size):
            frames, wall, jid = event.get("frames"), event.get("wall"), event.get("jid")
            if event.get("ev") != "done" or not isinstance(jid, str) or not _is_duration(wall):
                continue
            if isinstance(frames, int) and frames > 0:
                yield jid, [wall / frames] * min(frames, _FRAMES_READ)


def _tail(spool: Spool, name: str, size: int) -> Iterator[dict[str, Any]]:
    try:
        start = max(size - _TAIL_BYTES, 0)
        text = spool.share.read(spool.at(HISTORY, name), _TAIL_BYTES, start)
    except OSError:
        return
    yield from _parsed(text)


def _is_duration(value: Any) -> TypeGuard[float]:
    """True for seconds as a node wrote them; a journal may hold anything a person put there."""
    return isinstance(value, int | float) and 0 <= value < math.inf
