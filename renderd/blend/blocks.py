"""Blocks: the heads in front of everything a .blend holds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from renderd.blend.header import Endian, Header
from renderd.blend.source import Source

_ORDER: dict[Endian, str] = {"little": "<", "big": ">"}
_SMALL = {  # code, length, old address, struct, count
    (order, size): Struct(f"{sign}4si{'I' if size == 4 else 'Q'}ii")
    for order, sign in _ORDER.items()
    for size in (4, 8)
}
_LARGE = Struct("<4siQqq")  # code, struct, old address, length, count
_END, _DATA = b"ENDB", b"DATA"
_MOST_PASSED = 1 << 23


class Block(NamedTuple):
    """One block head; a tuple, as a big file has a million of them."""

    code: bytes  #: b"REND", b"SC": without the NULs that fill it
    length: int
    address: int  #: where the data lay in Blender's memory; other blocks point at it
    struct: int  #: index into the catalogue of structs
    offset: int  #: of the head, in the unpacked file


def read_block(source: Source, header: Header) -> Block | None:
    """Take the next head, or None at the end mark; the data follows at once.

    An end mark may be cut: Blender 2.25 wrote eight bytes of it.
    """
    layout = _LARGE if header.is_large else _SMALL[header.endian, header.pointer_size]
    at = source.offset
    raw = source.upto(layout.size)
    if raw[:4] == _END:
        return None
    if len(raw) < layout.size:
        raise source.cut("before its end mark" if not raw else "inside a block head")
    if header.is_large:
        code, struct, address, length, _ = layout.unpack(raw)
    else:
        code, length, address, struct, _ = layout.unpack(raw)
    # Two-letter codes are filled with NULs behind, in big-endian files in front.
    code = code.strip(b"\0")
    if not code.isalnum():
        raise source.damaged(f"has no block but {raw[:4]!r}", at=at)
    if length < 0:
        raise source.damaged(f"has a {code.decode()} block of {length} bytes", at=at)
    return Block(code, length, address, struct, at)


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Which DATA blocks a reader does without; it may change them as it goes."""

    structs: set[int] | None = None  #: None: all of them
    but: set[int] = field(default_factory=set)  #: addresses of some that are wanted after all


def blocks(source: Source, header: Header, unwanted: Unwanted | None = None) -> Iterator[Block]:
    """Walk all blocks to the end mark; data the caller leaves is skipped.

    Unwanted ones are left out as far as that is fast, others of them are told like the rest.
    """
    passed = 0
    while block := read_block(source, header):
        start = source.offset
        yield block
        source.skip(start + block.length - source.offset, f"a {block.code.decode()} block")
        if unwanted:
            passed += _pass_over(source, header, unwanted)
            if passed > _MOST_PASSED:
                raise source.damaged(f"holds more than {passed} blocks", at=block.offset)


def _pass_over(source: Source, header: Header, unwanted: Unwanted) -> int:
    """Leave out the next blocks as long as they are unwanted and read already; how many.

    Five times as fast as telling each.
    """
    layout = _LARGE if header.is_large else _SMALL[header.endian, header.pointer_size]
    length_at, struct_at = (3, 1) if header.is_large else (1, 3)
    structs, but, ahead = unwanted.structs, unwanted.but, source.ahead
    at = count = 0
    last = len(ahead) - layout.size
    while at <= last:
        head = layout.unpack_from(ahead, at)
        if head[0] != _DATA or (structs is not None and head[struct_at] not in structs):
            break
        after = at + layout.size + head[length_at]
        # The address stands third in every layout.
        if head[2] in but or not at < after <= len(ahead):
            break
        at, count = after, count + 1
    source.skip(at, "what was read")
    return count
