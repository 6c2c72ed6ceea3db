"""What the first few hundred bytes of a .blend tell.

Blender writes the scenes to render (REND) and then the thumbnail (TEST) before anything
else, so reading stops behind them, whatever the size of the file.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from renderd.blend import scenes, thumbnail
from renderd.blend.blocks import Block, read_block
from renderd.blend.container import opened
from renderd.blend.header import Endian, Header, read_header
from renderd.blend.scenes import Scene, read_scene
from renderd.blend.source import Compression, Source
from renderd.blend.thumbnail import Size, Thumbnail, read_pixels, read_size


@dataclass(frozen=True, slots=True)
class BlendFile:
    """One file: who wrote it, which scenes it asks to be rendered, its thumbnail's size."""

    path: str
    version: str  #: "3.4"; both parts are plain integers
    version_number: int  #: 304
    compression: Compression
    pointer_size: int
    endian: Endian
    scenes: tuple[Scene, ...]  #: in the file's order; empty where Blender listed none
    thumbnail: Size | None


def read(path: str | os.PathLike[str]) -> BlendFile:
    """Read what a .blend says of itself up front; BlendError for anything malformed.

    Takes a tenth of a millisecond whatever the size; time and memory are bounded.
    """
    with opened(path) as source:
        header = read_header(source)
        listed, size = _read_front(source, header)
    return BlendFile(
        path=source.path,
        version=header.version,
        version_number=header.version_number,
        compression=source.compression,
        pointer_size=header.pointer_size,
        endian=header.endian,
        scenes=listed,
        thumbnail=size,
    )


def read_thumbnail(path: str | os.PathLike[str]) -> Thumbnail | None:
    """Read the picture stored in a .blend; None where there is none or a broken one."""
    with opened(path) as source:
        header = read_header(source)
        for block in _front(source, header):
            if block.code == thumbnail.CODE:
                size = read_size(source, block, header.endian)
                return read_pixels(source, size) if size else None
            read_scene(source, block, header.endian)
    return None


def _front(source: Source, header: Header) -> Iterator[Block]:
    """The blocks up to the first that is neither scene nor thumbnail; a bomb has millions."""
    room = {scenes.CODE: scenes.MOST, thumbnail.CODE: thumbnail.MOST}
    while (block := read_block(source, header)) and block.code in room:
        room[block.code] -= 1
        if room[block.code] < 0:
            words = f"has too many {block.code.decode()} blocks"
            raise source.damaged(words, at=block.offset)
        yield block


def _read_front(source: Source, header: Header) -> tuple[tuple[Scene, ...], Size | None]:
    listed: list[Scene] = []
    size = None
    for block in _front(source, header):
        if block.code == scenes.CODE:
            listed.append(read_scene(source, block, header.endian))
            continue
        after = source.offset + block.length
        size = read_size(source, block, header.endian) or size
        left = after - source.offset
        # Blender writes all REND blocks before it: unpacking a picture only to look behind
        # would take longer than all the rest.
        if listed or block.length > thumbnail.LONGEST:
            source.expect(left, "its thumbnail")
            break
        source.skip(left, "its thumbnail")
    return tuple(listed), size
