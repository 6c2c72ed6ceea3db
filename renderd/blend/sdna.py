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
from typing import NamedTuple

from renderd.blend.header import Header
from renderd.blend.names import text

CODE = b"DNA1"
#: Real ones are below 300 KB.
LONGEST = 1 << 20

_NAME = re.compile(rb"\(?(\**)(\w+)")
_DIMENSION = re.compile(rb"\[(\d{1,9})\]")
#: Pointers from one data block at another that do not mean that it is used.
_NEIGHBOURS = frozenset({b"next", b"prev", b"newid", b"orig_id", b"lib"})
#: Pointers at anything that may mean a data block.
_ANYTHING = frozenset({(b"Object", b"data"), (b"IDPropertyData", b"pointer")})
_DEEPEST = 8
_MOST_LOOKS = 2_000_000  #: at fields, in structs within structs
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
    stars: int = 0  #: 2 for a pointer at pointers


class Pointers(NamedTuple):
    """Offsets of a struct's pointers at data blocks, at arrays of such pointers, at texts."""

    blocks: list[int]
    arrays: list[int]
    texts: list[int]


class Catalogue:
    """The structs of one file; asked by struct name and a path such as r.im_format.imtype."""

    def __init__(self, data: bytes, header: Header) -> None:
        self.pointer_size = header.pointer_size
        self.order = "<" if header.endian == "little" else ">"
        self._fields: dict[int, dict[bytes, Field]] = {}
        self._found: dict[tuple[str, str], Field | None] = {}
        self._room = _MOST_LOOKS
        try:
            self._parse(data)
        except (struct.error, IndexError, ValueError) as error:
            raise CatalogueError(str(error)) from error

    def struct_name(self, number: int) -> str:
        """The name of a struct by the number that block heads carry; empty if there is none."""
        if not 0 <= number < len(self._starts):
            return ""
        return text(self._types[self._words[self._starts[number]]])

    def size(self, number: int) -> int:
        """The bytes that one element of a struct takes, by its number."""
        return self._sizes[self._words[self._starts[number]]] if self.struct_name(number) else 0

    def size_of(self, kind: str) -> int:
        """The bytes that one element of a struct takes, by its name; 1 where there is none."""
        name = kind.encode()
        return max(1, self._sizes[self._types.index(name)]) if name in self._types else 1

    def is_item(self, number: int) -> bool:
        """Whether a struct is a data block of its own: it begins with an ID, or is a mere one."""
        if not self.struct_name(number):
            return False
        return self._is_item(self._words[self._starts[number]])

    def pointers(self, number: int) -> "Pointers":
        """Where pointers at data blocks and at texts lie in a struct, by its number."""
        found = Pointers([], [], [])
        if self.struct_name(number):
            self._collect(self._words[self._starts[number]], 0, found, _DEEPEST)
        for one in found:
            one.sort()
        return found

    def _collect(self, type_index: int, start: int, found: "Pointers", depth: int) -> None:
        for name, field in self._fields_of(type_index).items():
            at = start + field.offset
            self._spend(1)
            if field.is_pointer:
                self._spend(field.size // self.pointer_size)
                holder = self._types[type_index]
                if (places := self._places(field, holder, name, found)) is not None:
                    places.extend(range(at, at + field.size, self.pointer_size))
            elif depth and (one := self._sizes[field.type]) and self._fields_of(field.type):
                self._spend(field.size // one)
                for inner in range(at, at + field.size, one):
                    self._collect(field.type, inner, found, depth - 1)

    def _spend(self, count: int) -> None:
        self._room -= count
        if self._room < 0:
            raise CatalogueError("its structs hold too many fields")

    def _places(
        self, field: Field, holder: bytes, name: bytes, found: "Pointers"
    ) -> list[int] | None:
        """The list that a pointer belongs to, if it matters."""
        kind = self._types[field.type]
        if kind == b"char" and field.stars == 1:
            return found.texts
        leads = (holder, name) in _ANYTHING if kind == b"void" else self._is_item(field.type)
        if not leads or name in _NEIGHBOURS or field.stars > 2:
            return None
        return (found.blocks, found.arrays)[field.stars - 1]

    def _is_item(self, type_index: int) -> bool:
        if self._types[type_index] == b"ID":
            return True
        first = next(iter(self._fields_of(type_index).values()), None)
        return first is not None and not first.is_pointer and self._types[first.type] == b"ID"

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
            fields[name] = Field(offset, type_index, size, bool(stars), len(stars))
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
