"""Small .blend files of any age, made from nothing, for tests, benchmarks and fuzzing.

Written from the format's description alone, so that it shares no mistake with the reader.
"""

import gzip
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Row = tuple[bytes, int, int]  # name, start, end
Structs = Sequence[tuple[str, Sequence[tuple[str, str]]]]


@dataclass(frozen=True)
class Age:
    """What kind of file a Blender of some age writes."""

    version: int
    pointer_size: int = 8
    endian: str = "little"
    is_large: bool = False

    @property
    def order(self) -> str:
        return "<" if self.endian == "little" else ">"

    @property
    def name_size(self) -> int:
        if self.version >= 500:
            return 256
        return 64 if self.version >= 263 else 24


AGES = (
    Age(180, 4, "big"),
    Age(225, 4),
    Age(225, 4, "big"),
    Age(249, 4),
    Age(249, 8),
    Age(262, 8, "big"),
    Age(263, 4, "big"),
    Age(279),
    Age(304),
    Age(405),
    Age(500),
    Age(500, is_large=True),
    Age(503, is_large=True),
)


def header(age: Age) -> bytes:
    if age.is_large:
        return b"BLENDER17-01v%04d" % age.version
    pointer = b"_" if age.pointer_size == 4 else b"-"
    return b"BLENDER" + pointer + (b"v" if age.endian == "little" else b"V") + b"%d" % age.version


def block(
    age: Age,
    code: bytes,
    data: bytes = b"",
    *,
    length: int | None = None,
    address: int = 0,
    kind: int = 0,
) -> bytes:
    length = len(data) if length is None else length
    # Two-letter codes are numbers: their NULs stand in front in big-endian files.
    code = code.ljust(4, b"\0") if age.endian == "little" else code.rjust(4, b"\0")
    if age.is_large:
        return struct.pack("<4siQqq", code, kind, address, length, 1) + data
    layout = age.order + ("4siIii" if age.pointer_size == 4 else "4siQii")
    return struct.pack(layout, code, length, address, kind, 1) + data


def rend(age: Age, row: Row, size: int | None = None) -> bytes:
    name, start, end = row
    size = age.name_size if size is None else size
    return block(age, b"REND", struct.pack(age.order + "ii", start, end) + name.ljust(size, b"\0"))


def thumb(age: Age, width: int, height: int, pixels: bytes | None = None) -> bytes:
    pixels = bytes(4 * width * height) if pixels is None else pixels
    return block(age, b"TEST", struct.pack(age.order + "ii", width, height) + pixels)


def blend(
    age: Age,
    rows: Iterable[Row] = (),
    picture: tuple[int, int] | None = None,
    rest: bytes | None = None,
) -> bytes:
    """A whole file: header, scenes, thumbnail, then the rest or a small tail."""
    front = header(age) + b"".join(rend(age, row) for row in rows)
    front += thumb(age, *picture) if picture else b""
    return front + (tail(age) if rest is None else rest)


def tail(age: Age) -> bytes:
    return block(age, b"GLOB", bytes(40)) + block(age, b"DATA", bytes(100)) + end(age)


def end(age: Age) -> bytes:
    # 2.25 cut its end mark to eight bytes.
    mark = block(age, b"ENDB")
    return mark[:8] if age.version < 230 else mark


def gzipped(data: bytes, pieces: int = 1) -> bytes:
    step = max(1, -(-len(data) // pieces))
    return b"".join(
        gzip.compress(data[at : at + step], 6, mtime=0) for at in range(0, len(data), step)
    )


def zstded(data: bytes, frame: int = 1 << 20, *, has_table: bool = True) -> bytes:
    """Frames as Blender writes them, and the seek table behind them."""
    import zstandard  # noqa: PLC0415

    packer = zstandard.ZstdCompressor(level=3)
    frames = [packer.compress(data[at : at + frame]) for at in range(0, len(data), frame)]
    out = b"".join(frames)
    if not has_table:
        return out
    sizes = [min(frame, len(data) - at) for at in range(0, len(data), frame)]
    table = b"".join(struct.pack("<II", len(f), s) for f, s in zip(frames, sizes, strict=True))
    table += struct.pack("<IBI", len(frames), 0, 0x8F92EAB1)
    return out + struct.pack("<II", 0x184D2A5E, len(table)) + table


# --- the catalogue of structs, and scenes laid out by it ---------------------------------

_WHOLE = {"char": "b", "short": "h", "int": "i", "float": "f", "int64_t": "q"}

_ID = ("ID", [("void", "*next"), ("void", "*prev"), ("void", "*lib"), ("char", "name[66]")])
_FORMAT = ("ImageFormatData", [("char", "imtype"), ("char", "depth"), ("short", "_pad[3]")])
_NEW_RENDER = [
    ("void", "*avi"),
    ("ImageFormatData", "im_format"),
    ("int", "cfra"),
    ("int", "sfra"),
    ("int", "efra"),
    ("int", "frame_step"),
    ("int", "xsch"),
    ("int", "ysch"),
    ("short", "size"),
    ("short", "frs_sec"),
    ("float", "frs_sec_base"),
    ("int", "scemode"),
    ("int", "mode"),
    ("char", "pic[1024]"),
    ("char", "engine[32]"),
    ("float", "border[2][2]"),
    ("void", "(*layer)()"),
]
_OLD_RENDER = [
    ("char", "pic[160]"),
    ("int", "sfra"),
    ("int", "efra"),
    ("short", "xsch"),
    ("short", "ysch"),
    ("short", "size"),
    ("short", "frs_sec"),
    ("short", "imtype"),
    ("short", "scemode"),
    ("int", "mode"),
]
_SCENE = ("Scene", [("ID", "id"), ("void", "*camera"), ("RenderData", "r"), ("int", "_pad")])
_OBJECT = ("Object", [("ID", "id"), ("int", "type"), ("int", "_pad")])

MODERN: Structs = [_ID, _FORMAT, ("RenderData", _NEW_RENDER), _SCENE, _OBJECT]
OLD: Structs = [_ID, ("RenderData", _OLD_RENDER), _SCENE, _OBJECT]


def _parts(name: str) -> tuple[str, int, bool]:
    count = 1
    for part in name.split("[")[1:]:
        count *= int(part.rstrip("]"))
    return name.split("[", 1)[0].strip("*()"), count, name.startswith(("*", "(*"))


def size_of(age: Age, structs: Structs, kind: str, name: str = "") -> int:
    _, count, is_pointer = _parts(name)
    if is_pointer:
        return count * age.pointer_size
    if kind in _WHOLE:
        return count * struct.calcsize("=" + _WHOLE[kind])
    fields = dict(structs).get(kind, [])
    return count * sum(size_of(age, structs, k, n) for k, n in fields)


def dna1(age: Age, structs: Structs) -> bytes:
    names = list(dict.fromkeys(name for _, fields in structs for _, name in fields))
    kinds = [*_WHOLE, "void", *(name for name, _ in structs)]
    order = age.order

    def words(mark: bytes, entries: list[str]) -> bytes:
        return (
            mark
            + struct.pack(order + "i", len(entries))
            + b"".join(entry.encode() + b"\0" for entry in entries)
        )

    out = _padded(b"SDNA" + words(b"NAME", names))
    out = _padded(out + words(b"TYPE", kinds))
    sizes = [size_of(age, structs, kind) for kind in kinds]
    out = _padded(out + b"TLEN" + struct.pack(f"{order}{len(sizes)}H", *sizes))
    out += b"STRC" + struct.pack(order + "i", len(structs))
    for name, fields in structs:
        out += struct.pack(order + "2H", kinds.index(name), len(fields))
        for kind, field in fields:
            out += struct.pack(order + "2H", kinds.index(kind), names.index(field))
    return block(age, b"DNA1", out)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def laid_out(
    age: Age, structs: Structs, kind: str, values: Mapping[str, object], under: str = ""
) -> bytes:
    """One struct's bytes; values by path such as r.sfra, the others zero."""
    out = b""
    for field_kind, declared in dict(structs)[kind]:
        name, _, is_pointer = _parts(declared)
        size = size_of(age, structs, field_kind, declared)
        path = under + name
        if field_kind in dict(structs) and not is_pointer:
            out += laid_out(age, structs, field_kind, values, path + ".")
            continue
        value = values.get(path, 0)
        if isinstance(value, bytes):
            out += value[:size].ljust(size, b"\0")
        elif is_pointer:
            out += struct.pack(age.order + ("I" if age.pointer_size == 4 else "Q"), value)
        else:
            count = size // struct.calcsize("=" + _WHOLE[field_kind])
            empty = [0] * (count - 1)
            out += struct.pack(f"{age.order}{count}{_WHOLE[field_kind]}", value, *empty)
    return out


CAMERA = 0x1234_5678


def scene_block(age: Age, structs: Structs, values: Mapping[str, object]) -> bytes:
    kind = [name for name, _ in structs].index("Scene")
    return block(age, b"SC", laid_out(age, structs, "Scene", values), address=64, kind=kind)


def object_block(age: Age, structs: Structs, name: bytes, address: int = CAMERA) -> bytes:
    kind = [name for name, _ in structs].index("Object")
    data = laid_out(age, structs, "Object", {"id.name": b"OB" + name})
    return block(age, b"OB", data, address=address, kind=kind)


def with_settings(
    age: Age, structs: Structs, scenes: Iterable[Mapping[str, object]], rows: Iterable[Row] = ()
) -> bytes:
    """A file with scenes, one camera called Cam and its catalogue."""
    rest = block(age, b"GLOB", bytes(16))
    rest += b"".join(scene_block(age, structs, values) for values in scenes)
    rest += object_block(age, structs, b"Cam") + dna1(age, structs) + end(age)
    return blend(age, rows, (4, 2), rest)
