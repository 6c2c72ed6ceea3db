"""Where File Output nodes write beside the main output, and which job owns that.

Each pattern that such a node writes is owned by a mark in its own folder, as the main output is:
`<folder>/.renderd/<hash>.owner` holds the jid.  The job remembers in `<out>/.renderd/<jid>/passes`
which it owns, so that a machine that does not see a mark knows that a share is not mounted there.
Two jobs that look at the same moment may both think they won: the last one to write the mark did,
and the other sees it with its next frame.
"""

import contextlib
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from renderd.core import jsonvalue
from renderd.core.outputs import hashed, owned
from renderd.errors import OutputOwned, RenderdError
from renderd.spool import guests, tickets
from renderd.spool.layout import OPEN, SIDE, Spool
from renderd.spool.moves import create_fresh, ensure_folder, names, remove_folder
from renderd.spool.output import Output

TABLE = "passes.json"  #: what the prologue leaves in the private folder
TABLE_LIMIT = 8 << 20


class PassUnseen(RenderdError):
    """This machine does not see, or may not write, where a File Output node writes."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The files of one File Output slot or node: absolute folder here, and their patterns."""

    key: str  #: its folder's name below the private one
    folder: str
    patterns: tuple[str, ...]  #: base names with `#`
    node: str
    is_used: bool = True  #: False where the scene does not reach it, so far


def read_table(spool: Spool, private: str) -> dict[str, Pass] | None:
    """What the prologue redirected, by key; None where no prologue ran.  Raises OSError."""
    try:
        table = jsonvalue.parse(spool.share.read(f"{private}/{TABLE}", TABLE_LIMIT))
        return {
            str(key): Pass(
                str(key),
                str(value["folder"]),
                tuple(map(str, value["patterns"])),
                str(value["node"]),
                bool(value["owns"]),
            )
            for key, value in table.items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def claim(spool: Spool, output: Output, wanted: Sequence[Pass]) -> None:
    """Make the job the owner of what these nodes write.

    Raises OutputOwned where an open job writes it, PassUnseen where this machine does not see the
    folder that the job wrote before, OSError.
    """
    known = _recorded(spool, output)
    fresh = []
    for folder, pattern, node in dict.fromkeys(
        (one.folder, pattern, one.node) for one in wanted for pattern in one.patterns
    ):
        entry = (rooted(spool, folder), hashed(pattern))
        if confirm(spool, output, folder, pattern):
            if entry not in known and entry not in fresh:  # who put the mark died before this
                fresh.append(entry)
            continue
        if entry in known:
            raise PassUnseen(f"does not see the job's mark in {folder}: is its share mounted?")
        _make_folder(spool, output, folder, node)
        _put(spool, output, _mark(folder, pattern), output.jid)
        if entry not in fresh:
            fresh.append(entry)
    if fresh:
        _put(spool, output, f"{output.own}/passes", json.dumps([*known, *fresh]))


def confirm(spool: Spool, output: Output, folder: str, pattern: str) -> bool:
    """Whether the job's mark is there; False where it is nobody's that is open.

    Raises OutputOwned where another open job's is, OSError.
    """
    holder = guests.read_mark(spool, _mark(folder, pattern))
    if not holder:
        return False
    if guests.are_one(spool, output, holder):
        return True
    place = tickets.find(spool, holder)
    if place is None or place[0] not in OPEN:
        return False
    raise OutputOwned(
        f"a File Output node writes {folder}/{hashed(pattern)},"
        f" which job {holder} ({place[1].slug}) is writing",
        f"wait for it or cancel it (render cancel {holder}), then release this job",
    )


def why_not_able(spool: Spool, output: Output) -> str:
    """Why this machine must not render the job: it does not see a folder; empty when it does.

    One mark a folder is read.  Raises OSError.
    """
    for folder, pattern in dict(_recorded(spool, output)).items():
        here = spool.local(folder)
        if not guests.read_mark(spool, _mark(here, pattern)):
            return f"does not see the job's mark in {here}: is its share mounted?"
    return ""


def disown(spool: Spool, output: Output) -> None:
    """Take the job's marks away, as far as this machine sees them.

    Raises OSError where the share may answer later: the record of them must stay until then.
    """
    for folder, pattern in _recorded(spool, output):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # not seen here
            _take_away(spool, output, _mark(spool.local(folder), pattern))


def _take_away(spool: Spool, output: Output, mark: str) -> None:
    if guests.read_mark(spool, mark) == output.jid:
        spool.share.unlink(mark)
    side = mark.rpartition("/")[0]
    for name in names(spool, side):
        if name.startswith(f"{output.jid}~"):
            spool.share.unlink(f"{side}/{name}")
    remove_folder(spool, side)


def rooted(spool: Spool, path: str) -> str:
    """An absolute path of this machine as every machine reads it, with path roots."""
    return spool.farm.contract_roots(path, sys.platform)


def _recorded(spool: Spool, output: Output) -> list[tuple[str, str]]:
    try:
        value = jsonvalue.parse(spool.share.read(f"{output.own}/passes", TABLE_LIMIT))
        return [(str(folder), str(pattern)) for folder, pattern in value]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def _mark(folder: str, pattern: str) -> str:
    key = hashlib.sha256(owned(pattern).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{folder}/{SIDE}/{key}.owner"


def _put(spool: Spool, output: Output, path: str, text: str) -> None:
    """Write a mark by one rename of a file beside it: it may be another file system than ours."""
    beside = f"{path.rpartition('/')[0]}/{output.jid}~new"
    spool.share.replace(create_fresh(spool, beside, text.encode(), sync=True), path)


def _make_folder(spool: Spool, output: Output, folder: str, node: str) -> None:
    """Make a node's folder and its `.renderd`, but never on what may be an empty mount point."""
    missing = []
    parent = folder
    while not _is_folder(spool, parent):
        missing.append(parent)
        parent = parent.rpartition("/")[0] or "/"
    home = spool.share.stat(f"{output.folder}/.").dev
    if missing and spool.share.stat(f"{parent}/.").dev != home:
        raise PassUnseen(
            f"does not see {folder}, where File Output node {node!r} writes: mount its share, or"
            " make the folder"
        )
    for one in (*reversed(missing), f"{folder}/{SIDE}"):
        ensure_folder(spool, one)


def _is_folder(spool: Spool, path: str) -> bool:
    if path == "/":
        return True
    try:
        return spool.share.stat(f"{path}/.").is_folder
    except (FileNotFoundError, NotADirectoryError):
        return False
