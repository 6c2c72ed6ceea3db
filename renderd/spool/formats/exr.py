"""OpenEXR: headers, complete offset tables and every chunk's header.

A writer fills in the offset table last, so a zero in it is a row that was never written.  Chunks
are checked by their own headers (coordinates, length); the pixels are never decompressed.
Source: "OpenEXR File Layout", openexr.com.
"""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from renderd.errors import BrokenImage
from renderd.spool.formats.source import SIDE_LIMIT, Picture, Source, require, sized

SIGNATURE = b"\x76\x2f\x31\x01"
TILED, DEEP, MULTIPART = 0x200, 0x800, 0x1000
#: Rows a chunk holds, by compression: none rle zips zip piz pxr24 b44 b44a dwaa dwab htj2k ×2.
ROWS = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256, 256, 32)
PARTS_LIMIT, ATTRIBUTES_LIMIT, CHUNKS_LIMIT = 1_024, 4_096, 1 << 20
NEEDED = ("channels", "compression", "dataWindow", "displayWindow")
KEPT = frozenset({*NEEDED, "tiles", "type"})


@dataclass(frozen=True, slots=True)
class Part:
    """One image of the file, as far as its chunks can be counted from it."""

    number: int
    window: tuple[int, int, int, int]
    compression: int
    tiles: tuple[int, int, int] | None
    is_deep: bool

    @property
    def rows_per_chunk(self) -> int:
        return ROWS[self.compression]

    @property
    def size(self) -> tuple[int, int]:
        left, top, right, bottom = self.window
        return right - left + 1, bottom - top + 1

    def count(self) -> int:
        """How many chunks, and so offset table entries, this part must have."""
        width, height = self.size
        if self.tiles is None:
            return -(-height // self.rows_per_chunk)
        across, down, mode = self.tiles
        return sum(-(-w // across) * -(-h // down) for w, h in _levels(width, height, mode))


@dataclass(slots=True)
class Header:
    """The attributes of one header that matter here, and where it ends."""

    end: int
    values: dict[str, bytes] = field(default_factory=dict)


def verify(source: Source) -> Picture:
    """Check headers, offset tables and chunk headers; BrokenImage names what is missing."""
    require(source.head(0, 4) == SIGNATURE, "it does not start as an EXR does")
    (version,) = struct.unpack("<I", source.at(4, 4))
    require(version & 0xFF == 2, f"EXR version {version & 0xFF} is not known")
    headers = _headers(source, is_multipart=bool(version & MULTIPART))
    parts = [_part(number, header, version) for number, header in enumerate(headers)]
    total = sum(part.count() for part in parts)
    require(total <= CHUNKS_LIMIT, f"its header asks for {total} chunks")
    table = headers[-1].end + (1 if version & MULTIPART else 0)
    require(table + 16 * total <= source.size, "it ends inside its offset table")
    data = table + 8 * total
    for part in parts:
        _verify_chunks(source, part, table, data if not version & MULTIPART else -data)
        table += 8 * part.count()
    left, top, right, bottom = _window(headers[0], "displayWindow")
    return sized("exr", right - left + 1, bottom - top + 1)


def _headers(source: Source, is_multipart: bool) -> list[Header]:
    headers = [_header(source, 8)]
    while is_multipart and source.at(headers[-1].end, 1) != b"\0":
        require(len(headers) < PARTS_LIMIT, "it has too many parts")
        headers.append(_header(source, headers[-1].end))
    return headers


def _header(source: Source, offset: int) -> Header:
    header = Header(offset)
    for _ in range(ATTRIBUTES_LIMIT):
        name, offset = _word(source, offset)
        if not name:
            header.end = offset
            return header
        _, offset = _word(source, offset)
        (size,) = struct.unpack("<i", source.at(offset, 4))
        require(0 <= size <= source.size - offset - 4, f"its attribute {name!r} is cut short")
        if name in KEPT:
            header.values[name] = source.head(offset + 4, min(size, 64))
        offset += 4 + size
    raise BrokenImage("its header has too many attributes")


def _word(source: Source, offset: int) -> tuple[str, int]:
    text, nul, _ = source.head(offset, 256).partition(b"\0")
    require(bool(nul), f"its header is damaged at byte {offset}")
    return text.decode("latin-1"), offset + len(text) + 1


def _part(number: int, header: Header, version: int) -> Part:
    for name in NEEDED:
        require(bool(header.values.get(name)), f"its header has no {name}")
    require(header.values["channels"] != b"\0", "it has no channels")
    compression = header.values["compression"][0]
    require(compression < len(ROWS), f"compression {compression} is not known to this release")
    kind = header.values.get("type", b"").rstrip(b"\0")
    has_tiles = kind.endswith((b"tiledimage", b"deeptile")) if kind else bool(version & TILED)
    is_deep = kind.startswith(b"deep") if kind else bool(version & DEEP)
    tiles = _tiles(header) if has_tiles else None
    return Part(number, _window(header, "dataWindow"), compression, tiles, is_deep)


def _window(header: Header, name: str) -> tuple[int, int, int, int]:
    require(len(header.values[name]) == 16, f"its {name} is damaged")
    left, top, right, bottom = struct.unpack("<iiii", header.values[name])
    is_sane = 0 <= right - left < SIDE_LIMIT and 0 <= bottom - top < SIDE_LIMIT
    require(is_sane, f"its {name} is {left},{top} to {right},{bottom}")
    return left, top, right, bottom


def _tiles(header: Header) -> tuple[int, int, int]:
    value = header.values.get("tiles", b"")
    require(len(value) == 9, "it says it is tiled and has no tile size")
    across, down, mode = struct.unpack("<IIB", value)
    require(across > 0 and down > 0 and mode & 15 <= 2 and mode >> 4 <= 1, "its tiles are damaged")
    return across, down, mode


def _levels(width: int, height: int, mode: int) -> Iterator[tuple[int, int]]:
    """Sizes of all levels; `mode` is 0 one, 1 mip, 2 rip, plus 16 when sizes round up."""
    kind, rounds_up = mode & 15, mode >> 4
    if kind == 0:
        yield width, height
    elif kind == 1:
        count = len(_halves(max(width, height), rounds_up))
        for level in range(count):
            yield _half(width, level, rounds_up), _half(height, level, rounds_up)
    else:
        for down in _halves(height, rounds_up):
            yield from ((across, down) for across in _halves(width, rounds_up))


def _half(size: int, level: int, rounds_up: int) -> int:
    return max(1, -(-size >> level) if rounds_up else size >> level)


def _halves(size: int, rounds_up: int) -> list[int]:
    levels = (size - 1).bit_length() if rounds_up else size.bit_length() - 1
    return [_half(size, level, rounds_up) for level in range(levels + 1)]


def _verify_chunks(source: Source, part: Part, table: int, data: int) -> None:
    """Each entry leads to a chunk of this part that ends inside the file.

    `data` is where chunks may begin; negative when each starts with its part's number.
    """
    prefix = 4 if data < 0 else 0
    place = 4 if part.tiles is None else 16
    layout = struct.Struct(f"<{place // 4}i" + ("QQQ" if part.is_deep else "i"))
    count, top = part.count(), part.window[1]
    for first in range(0, count, 8_192):
        entries = array("Q", source.at(table + 8 * first, 8 * min(8_192, count - first)))
        if struct.pack("=H", 1) != b"\x01\x00":
            entries.byteswap()
        for index, offset in enumerate(entries, first):
            if offset < abs(data):
                raise BrokenImage(f"chunk {index + 1} of {count} was never written")
            if prefix and source.at(offset, 4) != struct.pack("<i", part.number):
                raise BrokenImage(f"chunk {index + 1} of {count} belongs to another part")
            fields = layout.unpack(source.at(offset + prefix, layout.size))
            if part.tiles is None and fields[0] != top + index * part.rows_per_chunk:
                raise BrokenImage(f"chunk {index + 1} of {count} is another row's")
            length = fields[-3] + fields[-2] if part.is_deep else fields[-1]
            if length < (0 if part.is_deep else 1):
                raise BrokenImage(f"chunk {index + 1} of {count} is empty")
            if offset + prefix + layout.size + length > source.size:
                raise BrokenImage(f"chunk {index + 1} of {count} is cut short")


def colour_layer(source: Source) -> str:
    """The layer whose colours stand for the picture; empty where R, G and B stand by themselves.

    Multilayer files keep the beauty pass in `<layer>.Combined`.  Raises BrokenImage.
    """
    names = _channels(source)
    if not names or names & {"R", "Y"}:
        return ""
    layers = sorted(name[: -len(".R")] for name in names if name.endswith(".R"))
    ranked = sorted(layers, key=lambda n: (not n.startswith("Composite."), "Combined" not in n, n))
    return ranked[0] if ranked else ""


def _channels(source: Source) -> set[str]:
    """The names of the first part's channels."""
    offset = 8
    for _ in range(ATTRIBUTES_LIMIT):
        name, offset = _word(source, offset)
        if not name:
            break
        _, offset = _word(source, offset)
        (size,) = struct.unpack("<i", source.at(offset, 4))
        offset += 4
        if name != "channels":
            offset += size
            continue
        found = set()
        while source.at(offset, 1) != b"\0":
            channel, offset = _word(source, offset)
            found.add(channel)
            offset += 16
        return found
    return set()
