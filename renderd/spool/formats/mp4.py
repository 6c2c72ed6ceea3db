"""MP4 and QuickTime movies: boxes to the end of the file, and how many pictures they hold.

The index (`moov`) is written last and moved to the front; a movie whose writer was killed has none.
Source: ISO/IEC 14496-12, "ISO base media file format".
"""

from collections.abc import Iterator
from dataclasses import dataclass

from renderd.errors import BrokenImage
from renderd.spool.formats.source import Picture, Source, require, sized

BOXES_LIMIT = 4_096


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its four letters and where its content lies."""

    kind: bytes
    start: int
    end: int


def verify(source: Source) -> Picture:
    """Follow the boxes to the file's end; BrokenImage where the index or the data is missing."""
    kinds = {box.kind for box in _boxes(source, 0, source.size)}
    require(b"mdat" in kinds, "it holds no pictures (mdat)")
    require(b"moov" in kinds, "it has no index (moov): its writer did not finish")
    track = _video_track(source)
    require(track is not None, "it has no video track")
    header = _inside(source, track, b"tkhd") if track else None
    if header is None:
        return Picture("mp4")
    sides = source.at(header.end - 8, 8)
    return sized("mp4", int.from_bytes(sides[:2], "big"), int.from_bytes(sides[4:6], "big"))


def count_pictures(source: Source) -> int:
    """How many pictures the video track holds.  Raises BrokenImage."""
    track = _video_track(source)
    sizes = _inside(source, track, b"mdia", b"minf", b"stbl", b"stsz") if track else None
    if sizes is None:
        raise BrokenImage("it does not say how many pictures it holds")
    return int.from_bytes(source.at(sizes.start + 8, 4), "big")


def _video_track(source: Source) -> Box | None:
    whole = Box(b"", 0, source.size)
    index = _inside(source, whole, b"moov")
    if index is None:
        return None
    for box in _boxes(source, index.start, index.end):
        handler = _inside(source, box, b"mdia", b"hdlr") if box.kind == b"trak" else None
        if handler is not None and source.at(handler.start + 8, 4) == b"vide":
            return box
    return None


def _inside(source: Source, box: Box, *path: bytes) -> Box | None:
    found: Box | None = box
    for kind in path:
        if found is None:
            return None
        inner = _boxes(source, found.start, found.end)
        found = next((one for one in inner if one.kind == kind), None)
    return found


def _boxes(source: Source, start: int, end: int) -> Iterator[Box]:
    for _ in range(BOXES_LIMIT):
        if start == end:
            return
        require(start + 8 <= end, f"it ends inside a box at byte {start}")
        head = source.at(start, 8)
        size, content = int.from_bytes(head[:4], "big"), start + 8
        if size == 1:
            size, content = int.from_bytes(source.at(content, 8), "big"), start + 16
        elif size == 0:
            size = end - start  # to the end of the file
        require(
            content <= start + size <= end, f"its box {head[4:]!r} at byte {start} is cut short"
        )
        yield Box(head[4:], content, start + size)
        start += size
    raise BrokenImage(f"it has more than {BOXES_LIMIT} boxes")
