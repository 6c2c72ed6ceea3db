"""Frames that were there before their job: kept where they are whole and alike."""

import contextlib
from collections import Counter
from collections.abc import Sequence

from renderd.core.frameset import FrameSet, Size, abstract
from renderd.errors import BrokenImage
from renderd.spool import frames, image, jobs, listing, placing, sets
from renderd.spool.layout import Spool
from renderd.spool.output import Output


def keep_whole(spool: Spool, jid: str) -> int:
    """Give receipts to the frames that are there whole, before anybody runs the job; how many.

    Kept are those that are what most are; all that is rendered must be so, too.  Raises OSError.
    """
    output = frames.locate(spool, jobs.read(spool, jid))
    if output is None:
        return 0
    there = frames.fresh_files(spool, output.folder, output)
    runs = [chunk.run for chunk in listing.chunks(spool, jid) if chunk.run is not None]
    wanted = [frame for run in runs for frame in run if frame in there]
    found = {frame: _sizes(spool, output, frame, there[frame]) for frame in wanted}
    kinds = Counter(tuple(sizes.items()) for sizes in found.values() if sizes)
    if not kinds:
        return 0
    usual = dict(kinds.most_common(1)[0][0])
    sets.enter_kept(spool, output, FrameSet(usual, is_told=False))
    kept = 0
    for frame in (frame for frame, sizes in found.items() if sizes == usual):
        with contextlib.suppress(OSError):  # it will be rendered
            placing.accept(spool, output, frame, there[frame], list(usual.values())[-1])
            kept += 1
    return kept


def _sizes(spool: Spool, output: Output, frame: int, files: Sequence[str]) -> dict[str, Size]:
    """The pixels of each of a frame's files; empty where one is not whole."""
    sizes = {}
    for name in files:
        try:
            found = image.verify_file(spool.share, f"{output.folder}/{name}")
        except (BrokenImage, OSError):
            return {}
        key = abstract(name, frame, (output.pattern,)) or name
        sizes[key] = (found.width or 0, found.height or 0)
    return sizes
