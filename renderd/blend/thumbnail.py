"""The small picture Blender stores in a file, from its TEST block."""

from dataclasses import dataclass
from struct import Struct

from renderd.blend.blocks import Block
from renderd.blend.header import Endian
from renderd.blend.source import Source

CODE = b"TEST"

_SIZE: dict[Endian, Struct] = {"little": Struct("<ii"), "big": Struct(">ii")}
_LONGEST_SIDE = 1024
#: Real files have one at most.
MOST = 8
#: Longer ones are neither read nor stepped over: unpacking them is what a bomb wants.
LONGEST = 8 + 4 * _LONGEST_SIDE * _LONGEST_SIDE


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels across and down."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture of 8-bit RGBA with straight alpha, its first row on top."""

    width: int
    height: int
    pixels: bytes


def read_size(source: Source, block: Block, endian: Endian) -> Size | None:
    """Take a TEST block's size; None for one that does not fit its block."""
    if not 8 <= block.length <= LONGEST:
        return None
    width, height = _SIZE[endian].unpack(source.take(8, "its thumbnail"))
    fits = block.length == 8 + 4 * width * height
    if not fits or not 0 < width <= _LONGEST_SIDE or not 0 < height <= _LONGEST_SIDE:
        return None
    return Size(width, height)


def read_pixels(source: Source, size: Size) -> Thumbnail:
    """Take the pixels behind the size, and turn the rows, which Blender stores bottom up."""
    data = source.take(4 * size.width * size.height, "its thumbnail")
    row = 4 * size.width
    rows = [data[at : at + row] for at in range(0, len(data), row)]
    return Thumbnail(size.width, size.height, b"".join(reversed(rows)))
