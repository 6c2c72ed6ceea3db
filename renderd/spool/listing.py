"""Chunks, their counts and their error notes, by listing names alone."""

import re
from collections import Counter
from collections.abc import Collection, Iterable

from renderd.core.chunk import CHUNKS_A_GROUP, Chunk, State, parse, standing
from renderd.core.label import label
from renderd.spool.layout import Spool
from renderd.spool.moves import names

#: looser than chunk.parse and five times as fast: a count reads no numbers
_NAME = re.compile(
    r"(\d{5,7})_(?:once|[0-9~x-]+)\.[0-9-]+\.(?:(wait)|(run|done|fail)\.[a-z0-9_-]+\.[a-z0-9]+)\.info"
)
_ATTEMPT = re.compile(r"(\d{5,7})\.(\d{1,6})\.([a-z0-9_-]+)(?:\.log)?")
_NOTE_BYTES = 4096


def groups(spool: Spool, jid: str) -> list[str]:
    """The group folders that a job has.  Raises OSError."""
    return sorted(n for n in names(spool, spool.job(jid)) if n.isdecimal())


def chunks(spool: Spool, jid: str, states: Collection[State] = tuple(State)) -> list[Chunk]:
    """A job's chunks in some states, in order, as fresh lists show them.  Raises OSError."""
    found: list[Chunk] = []
    for group in groups(spool, jid):
        seen = [c for n in names(spool, spool.job(jid, group)) if (c := parse(n))]
        found += [c for c in standing(seen).values() if c.state in states]
    return sorted(found, key=lambda c: c.index)


def count(spool: Spool, jid: str, total: int) -> Counter[State]:
    """How many of a job's chunks stand in each state.  Raises OSError.

    A group that shows too few is listed again: a file that is renamed meanwhile may be missed.
    """
    found: Counter[State] = Counter()
    for group in range((total - 1) // CHUNKS_A_GROUP + 1):
        size = min(CHUNKS_A_GROUP, total - group * CHUNKS_A_GROUP)
        folder = spool.job(jid, f"{group:03d}")
        here = tally(names(spool, folder))
        found += here if here.total() >= size else tally(names(spool, folder))
    return found


def tally(listed: Iterable[str]) -> Counter[State]:
    """Count the states in one group's names; of two names of a chunk the one that counts."""
    kept = list(listed)
    match = _NAME.fullmatch
    found = [(m[1], m[2] or m[3]) for m in map(match, kept) if m]
    if len({index for index, _ in found}) == len(found):
        counted = Counter(state for _, state in found)
        return Counter({State(state): n for state, n in counted.items()})
    best = standing([c for name in kept if (c := parse(name))])
    return Counter(c.state for c in best.values())


def attempts(listed: Iterable[str]) -> dict[int, list[str]]:
    """The error notes or logs of each chunk, in the order of their attempts."""
    found: dict[int, list[tuple[int, str]]] = {}
    for name in listed:
        if match := _ATTEMPT.fullmatch(name):
            found.setdefault(int(match[1]), []).append((int(match[2]), name))
    return {index: [name for _, name in sorted(pairs)] for index, pairs in found.items()}


def owner_of(attempt: str) -> str:
    """The incarnation in the name of an error note or log."""
    match = _ATTEMPT.fullmatch(attempt)
    return match[3] if match else ""


def first_line(spool: Spool, jid: str, note: str) -> str:
    """The first line that says something in an error note; empty where there is none."""
    try:
        text = spool.share.read(spool.job(jid, "err", note), _NOTE_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    return next((label(line, 200) for line in text.splitlines() if line.strip()), "")
