"""Scenes and their frames, from the REND blocks at the start of a file."""

from dataclasses import dataclass
from struct import Struct

from renderd.blend.blocks import Block
from renderd.blend.header import Endian
from renderd.blend.names import text, until_nul
from renderd.blend.source import Source

CODE = b"REND"
#: More than any person makes; a bomb has millions.
MOST = 10_000

_RANGE: dict[Endian, Struct] = {"little": Struct("<ii"), "big": Struct(">ii")}
#: Real ones are 32, 72 or 264 bytes: two ints and a name; other lengths are taken as meant.
_SHORTEST, _LONGEST = 9, 2048


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene the file asks to be rendered; the range is what stands there, unchecked."""

    name: str  #: not always UTF-8, see names.is_text; show it only through names.shown
    raw_name: bytes
    start: int
    end: int  #: may lie before start


def read_scene(source: Source, block: Block, endian: Endian) -> Scene:
    """Take one REND block's data; BlendError when its length cannot hold a scene."""
    if not _SHORTEST <= block.length <= _LONGEST:
        raise source.damaged(f"has a REND block of {block.length} bytes", at=block.offset)
    data = source.take(block.length, "a REND block")
    start, end = _RANGE[endian].unpack_from(data)
    raw = until_nul(data[8:])
    return Scene(text(raw), raw, start, end)
