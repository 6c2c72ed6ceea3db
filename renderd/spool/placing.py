"""How a whole frame gets its name: its files one by one, its receipt last."""

import contextlib
from collections.abc import Sequence

from renderd.spool import guests, image
from renderd.spool.frames import Output, Receipt, draft, read_receipt
from renderd.spool.layout import Spool


def measure(
    spool: Spool, output: Output, stem: str, files: Sequence[str], size: tuple[int, int]
) -> Receipt:
    """What the receipt of a verified frame in the private folder will say.  Raises OSError.

    `size` is its pixels.  The files are on stable storage then, and keep their times when moved.
    """
    entries = []
    for name in files:
        path = f"{output.private(stem)}/{name}"
        spool.share.sync_file(path)
        found = spool.share.stat(path)
        entries.append((name, found.size, found.mtime_ns))
    return Receipt(tuple(entries), size)


def place(spool: Spool, output: Output, stem: str, key: int | str, receipt: Receipt) -> Receipt:
    """Put a measured frame's files from the private folder in place, then its receipt.

    With a receipt already there ours is dropped.  The caller knows that this node is alive and
    that the output is still this job's.  Raises OSError; what is in place then is whole, the
    frame counts only with its receipt, and the call may be repeated with the same `receipt`.
    """
    folder = output.private(stem)
    if (held := read_receipt(spool, output, key)) is not None:
        for name, _, _ in receipt.files:
            with contextlib.suppress(FileNotFoundError):
                spool.share.unlink(f"{folder}/{name}")
        return held
    drafts: list[str] = []
    try:
        for _ in range(2 if output.redoes else 1):  # first: nothing else needs room on the disk
            drafts.append(draft(spool, output, receipt.text()))
        for entry in receipt.files:  # the main image is the last: the set is complete with it
            _put_in_place(spool, f"{folder}/{entry[0]}", output.folder, entry)
        if output.redoes:  # before ours: with it written nobody would come back for the host's
            guests.renew(spool, output, key, drafts[1])
        spool.share.rename(drafts[0], output.receipt(key))
    except OSError:
        for path in drafts:
            with contextlib.suppress(OSError):
                spool.share.unlink(path)
        raise
    return receipt


def _put_in_place(spool: Spool, source: str, folder: str, entry: tuple[str, int, int]) -> None:
    target = f"{folder}/{entry[0]}"
    try:
        spool.share.rename(source, target)
    except FileNotFoundError:
        # A lost reply, or an earlier try that got as far as this.
        found = spool.share.stat(target)
        if (found.size, found.mtime_ns) != entry[1:]:
            raise


def acknowledge(spool: Spool, output: Output, key: int | str, receipt: Receipt) -> Receipt:
    """Write the receipt of a frame that is in place and whole.  Raises OSError."""
    if output.redoes:  # first: with ours written nobody would come back for the host's
        guests.renew(spool, output, key, draft(spool, output, receipt.text()))
    spool.share.rename(draft(spool, output, receipt.text()), output.receipt(key))
    return receipt


def accept(spool: Spool, output: Output, frame: int, files: Sequence[str]) -> Receipt:
    """Verify a frame that lies in the output folder and write its receipt.

    Raises BrokenImage, OSError.
    """
    pictures = [image.verify_file(spool.share, f"{output.folder}/{n}") for n in files]
    stats = [(n, spool.share.stat(f"{output.folder}/{n}")) for n in files]
    entries = tuple((n, s.size, s.mtime_ns) for n, s in stats)
    size = (pictures[-1].width or 0, pictures[-1].height or 0)
    return acknowledge(spool, output, frame, Receipt(entries, size))
