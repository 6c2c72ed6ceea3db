"""How a whole frame gets its name: its files one by one, its receipt last."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from renderd.core.names import nonce
from renderd.spool import guests
from renderd.spool.frames import draft, read_receipt, where
from renderd.spool.layout import SIDE, Spool
from renderd.spool.output import Output, Receipt


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a frame: where it lies now, and what it will be."""

    path: str
    name: str  #: as receipts say it, see frames.where()
    abstract: str  #: its name in the frame set; "" where the frame's number is not in it
    is_main: bool = True  #: False for a pass of a File Output node

    @property
    def base(self) -> str:
        """Its base name, as the program wrote it."""
        return self.path.rpartition("/")[2]


def measure(spool: Spool, pieces: Sequence[Piece], size: tuple[int, int]) -> Receipt:
    """What the receipt of a verified frame in the private folder will say.  Raises OSError.

    `size` is its pixels.  The files are on stable storage then, and keep their times when moved.
    """
    entries = []
    for piece in pieces:
        spool.share.sync_file(piece.path)
        found = spool.share.stat(piece.path)
        entries.append((piece.name, found.size, found.mtime_ns))
    return Receipt(tuple(entries), size)


def place(
    spool: Spool, output: Output, key: int | str, receipt: Receipt, sources: Sequence[str]
) -> Receipt:
    """Put a measured frame's files, which lie at `sources`, in place, then its receipt.

    With a receipt already there ours is dropped.  The caller knows that this node is alive and
    that the output is still this job's.  Raises OSError; what is in place then is whole, the
    frame counts only with its receipt, and the call may be repeated with the same `receipt`.
    """
    if (held := read_receipt(spool, output, key)) is not None:
        for path in sources:
            with contextlib.suppress(FileNotFoundError):
                spool.share.unlink(path)
        return held
    drafts: list[str] = []  # files that mean nothing yet
    try:
        targets = [where(spool, output, name) for name, _, _ in receipt.files]
        moves = list(zip(sources, targets, receipt.files, strict=True))
        for at, (source, target, _) in enumerate(moves):
            if copied := _copy_across(spool, output, source, target):
                drafts.append(copied)
                found = spool.share.stat(copied)
                entry = (receipt.files[at][0], found.size, found.mtime_ns)
                moves[at] = (copied, target, entry)
        receipt = Receipt(tuple(entry for _, _, entry in moves), receipt.size)
        for _ in range(2 if output.redoes else 1):  # first: nothing else needs room on the disk
            drafts.append(draft(spool, output, receipt.text()))
        for source, target, entry in moves:  # the main image is the last: with it the set is there
            _put_in_place(spool, source, target, entry)
        if output.redoes:  # before ours: with it written nobody would come back for the host's
            guests.renew(spool, output, key, drafts[-1])
            drafts.pop()
        spool.share.replace(drafts.pop(), output.receipt(key))
    finally:
        for path in drafts:
            with contextlib.suppress(OSError):
                spool.share.unlink(path)
    return receipt


def _copy_across(spool: Spool, output: Output, source: str, target: str) -> str:
    """Copy a file beside its target where that is another file system; "" where it is not.

    The copy is on stable storage and needs one rename.  Raises OSError.
    """
    folder = target.rpartition("/")[0]
    if folder == output.folder:
        return ""
    try:
        if spool.share.stat(source).dev == spool.share.stat(f"{folder}/.").dev:
            return ""
    except FileNotFoundError:
        return ""  # an earlier try got as far as this, or _put_in_place() says what is not there
    copied = f"{folder}/{SIDE}/{output.jid}~{nonce(spool.rng, 8)}"
    try:
        spool.share.copy(source, copied)
    except OSError:
        with contextlib.suppress(OSError):
            spool.share.unlink(copied)
        raise
    return copied


def _put_in_place(spool: Spool, source: str, target: str, entry: tuple[str, int, int]) -> None:
    try:
        spool.share.swap(source, target)
    except FileNotFoundError:
        # A lost reply, or an earlier try that got as far as this.
        found = spool.share.stat(target)
        if (found.size, found.mtime_ns) != entry[1:]:
            raise


def acknowledge(spool: Spool, output: Output, key: int | str, receipt: Receipt) -> Receipt:
    """Write the receipt of a frame that is in place and whole.  Raises OSError."""
    if output.redoes:  # first: with ours written nobody would come back for the host's
        guests.renew(spool, output, key, draft(spool, output, receipt.text()))
    spool.share.replace(draft(spool, output, receipt.text()), output.receipt(key))
    return receipt


def accept(
    spool: Spool, output: Output, frame: int, files: Sequence[str], size: tuple[int, int]
) -> Receipt:
    """Write the receipt of a verified frame that lies in the output folder.  Raises OSError."""
    stats = [(n, spool.share.stat(f"{output.folder}/{n}")) for n in files]
    entries = tuple((n, s.size, s.mtime_ns) for n, s in stats)
    return acknowledge(spool, output, frame, Receipt(entries, size))
