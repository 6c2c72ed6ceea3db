"""The catalogue of structs that every .blend carries about itself (DNA1).

It names each struct's fields in memory order; their sizes add up without hidden padding, so
the place of any value follows, in files of any age.
"""

import re
import struct
import sys
from array import array
from dataclasses import dataclass
from math import prod
from struct import Struct

from renderd.blend.header import Header
from renderd.blend.names import text

CODE = b"DNA1"
#: Real ones are below 300 KB.
LONGEST = 1 << 20

_NAME = re.compile(rb"\(?(\**)(\w+)")
_DIMENSION = re.compile(rb"\[(\d{1,9})\]")
_WHOLE = {1: "b", 2: "h", 4: "i", 8: "q"}
_BROKEN = {b"float": "f", b"double": "d"}


class CatalogueError(Exception):
    """The catalogue contradicts itself; the reader of the file says where it stands."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where one field of a struct lies and what it is."""

    offset: int
    type: int  #: index into the catalogue's types
    size: int  #: of the whole array
    is_pointer: bool


class Catalogue:
    """The structs of one file; asked by struct name and a path such as r.im_format.imtype."""

    def __init__(self, data: bytes, header: Header) -> None:
        self.pointer_size = header.pointer_size
        self.order = "<" if header.endian == "little" else ">"
        self._fields: dict[int, dict[bytes, Field]] = {}
        self._found: dict[tuple[str, str], Field | None] = {}
        try:
            self._parse(data)
        except (struct.error, IndexError, ValueError) as error:
            raise CatalogueError(str(error)) from error

    def struct_name(self, number: int) -> str:
        """The name of a struct by the number that block heads carry; empty if there is none."""
        if not 0 <= number < len(self._starts):
            return ""
        return text(self._types[self._words[self._starts[number]]])

    def find(self, holder: str, path: str) -> Field | None:
        """Where a value lies from the start of a struct; None if this version lacks it."""
        key = (holder, path)
        if key not in self._found:
            self._found[key] = self._search(holder.encode(), path.encode().split(b"."))
        return self._found[key]

    def number(self, data: bytes, field: Field) -> float:
        """The value, or the first of an array, at a field; zero where it cannot stand."""
        if field.is_pointer:
            kind = _WHOLE[self.pointer_size].upper()
        else:
            size = _WHOLE.get(self._sizes[field.type], "")
            kind = _BROKEN.get(self._types[field.type], size)
        layout = Struct(self.order + kind)
        if not kind or field.offset + layout.size > len(data):
            return 0
        value: float = layout.unpack_from(data, field.offset)[0]
        return value

    def _search(self, holder: bytes, parts: list[bytes]) -> Field | None:
        inside = self._types.index(holder) if holder in self._types else -1
        offset = 0
        found: Field | None = None
        for part in parts:
            if found and found.is_pointer:
                return None
            found = self._fields_of(inside).get(part)
            if found is None:
                return None
            offset += found.offset
            inside = found.type
        return found and Field(offset, found.type, found.size, found.is_pointer)

    def _parse(self, data: bytes) -> None:
        cursor = _Cursor(data, self.order)
        cursor.expect(b"SDNA")
        self._names = cursor.words(b"NAME")
        self._types = cursor.words(b"TYPE")
        cursor.expect(b"TLEN")
        self._sizes = cursor.shorts(len(self._types))
        cursor.align()
        cursor.expect(b"STRC")
        count = cursor.count()
        self._words = cursor.shorts((len(data) - cursor.at) // 2)
        self._starts: list[int] = []
        self._by_type: dict[int, int] = {}
        at = 0
        for _ in range(count):
            self._by_type[self._words[at]] = at
            self._starts.append(at)
            at += 2 + 2 * self._words[at + 1]
        if at > len(self._words) or max(self._by_type, default=0) >= len(self._types):
            raise CatalogueError("its structs run over its end")

    def _fields_of(self, type_index: int) -> dict[bytes, Field]:
        start = self._by_type.get(type_index)
        if start is None:
            return {}
        if start not in self._fields:
            self._fields[start] = self._lay_out(start)
        return self._fields[start]

    def _lay_out(self, start: int) -> dict[bytes, Field]:
        fields: dict[bytes, Field] = {}
        offset = 0
        for at in range(start + 2, start + 2 + 2 * self._words[start + 1], 2):
            type_index, name_index = self._words[at], self._words[at + 1]
            if type_index >= len(self._types) or name_index >= len(self._names):
                raise CatalogueError("a field has no type or no name")
            declared = self._names[name_index]
            matched = _NAME.match(declared)
            if not matched:
                raise CatalogueError(f"a field is called {declared!r}")
            stars, name = matched.groups()
            one = self.pointer_size if stars else self._sizes[type_index]
            size = one * prod(int(n) for n in _DIMENSION.findall(declared))
            fields[name] = Field(offset, type_index, size, bool(stars))
            offset += size
        return fields


class _Cursor:
    """A place in the catalogue's bytes that only moves on."""

    def __init__(self, data: bytes, order: str) -> None:
        self.at = 0
        self._data = data
        self._order = order

    def expect(self, mark: bytes) -> None:
        if self._data[self.at : self.at + 4] != mark:
            raise CatalogueError(f"{mark.decode()} is missing at byte {self.at} of it")
        self.at += 4

    def count(self) -> int:
        number: int = Struct(self._order + "I").unpack_from(self._data, self.at)[0]
        self.at += 4
        # Everything counted takes a byte at least.
        if number > len(self._data):
            raise CatalogueError(f"it counts {number} entries in {len(self._data)} bytes")
        return number

    def words(self, mark: bytes) -> list[bytes]:
        self.expect(mark)
        number = self.count()
        found = self._data[self.at :].split(b"\0", number)
        if len(found) <= number:
            raise CatalogueError(f"{mark.decode()} ends early")
        found.pop()
        self.at += sum(map(len, found)) + number
        self.align()
        return found

    def shorts(self, number: int) -> "array[int]":
        found = array("H", self._data[self.at : self.at + 2 * number])
        if len(found) < number:
            raise CatalogueError("it ends early")
        if (self._order == "<") != (sys.byteorder == "little"):
            found.byteswap()
        self.at += 2 * number
        return found

    def align(self) -> None:
        self.at += -self.at % 4
