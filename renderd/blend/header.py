"""The first 12 or 17 bytes: who wrote the file, and how to read it."""

from dataclasses import dataclass
from typing import Literal

from renderd.blend.source import DAMAGED, Source
from renderd.errors import BlendError

Endian = Literal["little", "big"]

_MAGIC = b"BLENDER"
_LEGACY_SIZE = 12
_LARGE_SIZE = 17
_UNKNOWN = "a newer Blender may have written it: open it there and save it for an older one"

#: What people take for a .blend, by its first bytes.
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the real file with: git lfs pull"),
    (b"\x89PNG", "a PNG picture", ""),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\x04\x22\x4d\x18", "an lz4 archive", "unpack it first"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it first"),
    (b"\xef\xbb\xbf", "a text file with a byte order mark", "a text editor has damaged it"),
    (b"\x1f\x8b", "a gzip archive inside another", "unpack it once"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive inside another", "unpack it once"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says; block heads follow its layout, never the version number."""

    version_number: int  #: 304 is Blender 3.4
    pointer_size: int
    endian: Endian
    is_large: bool  #: format 1 of Blender 5.0: 17 bytes, 64-bit lengths

    @property
    def version(self) -> str:
        """The version as people write it; both parts are plain integers."""
        return f"{self.version_number // 100}.{self.version_number % 100}"


def read_header(source: Source) -> Header:
    """Take the header off the source; BlendError names what the file is instead."""
    start = source.upto(_LEGACY_SIZE)
    if start[:7] != _MAGIC:
        raise _stranger(source, start)
    if len(start) < _LEGACY_SIZE:
        raise source.cut("inside its header")
    pointer = start[7:8]
    if pointer in (b"_", b"-"):
        return _legacy(source, start)
    if pointer.isdigit():
        return _large(source, start)
    raise source.damaged(f"has {pointer!r} where the pointer size stands", at=7)


def _legacy(source: Source, start: bytes) -> Header:
    order, digits = start[8:9], start[9:12]
    if order not in (b"v", b"V"):
        raise source.damaged(f"has {order!r} where the byte order stands", at=8)
    if not digits.isdigit():
        raise source.damaged(f"has {digits!r} where the Blender version stands", at=9)
    pointer_size = 4 if start[7:8] == b"_" else 8
    return Header(int(digits), pointer_size, _endian(order), is_large=False)


def _large(source: Source, start: bytes) -> Header:
    rest = source.upto(_LARGE_SIZE - _LEGACY_SIZE)
    if len(rest) < _LARGE_SIZE - _LEGACY_SIZE:
        raise source.cut("inside its header")
    kind = start[7:12] + rest[:1]
    if kind != b"17-01v" or not rest[1:].isdigit():
        words = f"has the unknown header {(start + rest)[7:]!r}"
        raise source.damaged(words, at=7, remedy=_UNKNOWN)
    return Header(int(rest[1:]), 8, "little", is_large=True)


def _endian(order: bytes) -> Endian:
    return "little" if order == b"v" else "big"


def _stranger(source: Source, start: bytes) -> BlendError:
    if source.size == 0:
        return source.error("is empty", "copy it again or save it again in Blender")
    if not start:
        return source.cut("before its header")
    if _MAGIC.startswith(start):
        return source.cut("inside its header")
    packed = "" if source.compression == "none" else f" inside its {source.compression} compression"
    for magic, what, remedy in _OTHERS:
        # A pointer's first twelve bytes say as much as all of them.
        if start.startswith(magic[:_LEGACY_SIZE]):
            return source.error(f"is no .blend{packed} but {what}", remedy or "choose another file")
    if not start.strip(b"\0"):
        return source.error(f"is no .blend{packed}: it starts with zeros at byte 0", DAMAGED)
    return source.error(f"is no .blend{packed}: no BLENDER at byte 0", "choose another file")
