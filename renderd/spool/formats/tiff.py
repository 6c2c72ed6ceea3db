"""TIFF and BigTIFF, both byte orders: directories, their values, strips and tiles."""

import struct
from dataclasses import dataclass

from renderd.errors import BrokenImage
from renderd.spool.formats.source import Picture, Source, require, sized

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
#: Bytes a value takes, by its type's number (TIFF 6.0 section 2; 13, 16-18 from BigTIFF).
SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)
WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
WIDTH, HEIGHT, STRIPS, PER_PIXEL, ROWS, LENGTHS, PLANAR = 256, 257, 273, 277, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_LENGTHS = 322, 323, 324, 325
#: In the whole file: pages may share their tags' values, so its size alone does not bound them.
PAGES_LIMIT, TAGS_LIMIT, PIECES_LIMIT = 1_024, 1 << 16, 1 << 21


@dataclass(frozen=True, slots=True)
class Tag:
    """Where the values of one tag lie, inside the file."""

    kind: int
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Byte order and width of offsets of one file."""

    order: str
    is_big: bool

    def number(self, source: Source, offset: int, size: int) -> int:
        return int.from_bytes(source.at(offset, size), "little" if self.order == "<" else "big")


def verify(source: Source) -> Picture:
    """Check every directory and that its strips or tiles lie in the file, none left unwritten."""
    signature = source.head(0, 4)
    require(signature in SIGNATURES, "it does not start as a TIFF does")
    layout = Layout("<" if signature[:1] == b"I" else ">", b"+" in signature)
    width = 8 if layout.is_big else 4
    if layout.is_big:
        require(layout.number(source, 4, 2) == 8, "its offsets are not 8 bytes wide")
    offset = layout.number(source, 8 if layout.is_big else 4, width)
    require(offset > 0, "it has no directory: it was not finished")
    first: Picture | None = None
    seen: set[int] = set()
    tags_read = pieces = 0
    while offset:
        require(offset not in seen and len(seen) < PAGES_LIMIT, "its directories form a loop")
        seen.add(offset)
        tags, offset = _directory(source, layout, offset)
        tags_read += len(tags)
        require(tags_read <= TAGS_LIMIT, "its directories have too many entries")
        page, count = _page(source, layout, tags, PIECES_LIMIT - pieces)
        pieces += count
        first = first or page
    assert first is not None
    return first


def _directory(source: Source, layout: Layout, offset: int) -> tuple[dict[int, Tag], int]:
    head, entry, inline = (8, 20, 8) if layout.is_big else (2, 12, 4)
    count = layout.number(source, offset, head)
    require(0 < count <= 4_096, f"its directory at byte {offset} has {count} entries")
    tags: dict[int, Tag] = {}
    for place in range(offset + head, offset + head + count * entry, entry):
        name, kind = layout.number(source, place, 2), layout.number(source, place + 2, 2)
        values = layout.number(source, place + 4, inline)
        size = values * (SIZES[kind] if kind < len(SIZES) else 0)
        start = place + entry - inline
        if size > inline:
            start = layout.number(source, start, inline)
        require(start + size <= source.size, f"the values of its tag {name} are cut short")
        tags[name] = Tag(kind, values, start)
    return tags, layout.number(source, offset + head + count * entry, inline)


def _page(source: Source, layout: Layout, tags: dict[int, Tag], limit: int) -> tuple[Picture, int]:
    """The picture of one directory and how many strips or tiles it has, each of them checked."""

    def one(name: int, otherwise: int) -> int:
        tag = tags.get(name)
        return _values(source, layout, tag, 0, 1)[0] if tag else otherwise

    picture = sized("tiff", one(WIDTH, 0), one(HEIGHT, 0))
    width, height = one(WIDTH, 0), one(HEIGHT, 0)
    if TILES in tags:
        across, down = one(TILE_WIDTH, 0), one(TILE_HEIGHT, 0)
        require(across > 0 and down > 0, "its tiles have no size")
        expected = -(-width // across) * -(-height // down)
    else:
        rows = min(one(ROWS, height), height)
        require(rows > 0, "its strips have no rows")
        expected = -(-height // rows)
    if one(PLANAR, 1) == 2:
        expected *= one(PER_PIXEL, 1)
    offsets = tags.get(TILES) or tags.get(STRIPS)
    lengths = tags.get(TILE_LENGTHS) or tags.get(LENGTHS)
    if offsets is None or lengths is None:
        raise BrokenImage("it has no picture data")
    require(offsets.count == lengths.count == expected, "data is missing")
    require(expected <= limit, "it has too many strips or tiles")
    _verify_pieces(source, layout, offsets, lengths)
    return picture, expected


def _verify_pieces(source: Source, layout: Layout, offsets: Tag, lengths: Tag) -> None:
    for first in range(0, offsets.count, 4_096):
        count = min(4_096, offsets.count - first)
        starts = _values(source, layout, offsets, first, count)
        for start, length in zip(
            starts, _values(source, layout, lengths, first, count), strict=True
        ):
            if start == 0 or length == 0:
                raise BrokenImage("a strip or tile of it was never written")
            if start + length > source.size:
                raise BrokenImage("a strip or tile of it is cut short")


def _values(source: Source, layout: Layout, tag: Tag, first: int, count: int) -> tuple[int, ...]:
    code = WHOLE.get(tag.kind)
    if code is None or tag.count < first + count:
        raise BrokenImage("its directory is damaged")
    size = SIZES[tag.kind]
    return struct.unpack(
        f"{layout.order}{count}{code}", source.at(tag.offset + first * size, count * size)
    )
