"""Which data blocks a file holds, which point at which, and the parts that were asked for.

One walk over the file with the catalogue known beforehand: of each data block only the name and
the addresses of other data blocks are kept, and whole parts of a few kinds.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from struct import Struct

from renderd.blend import sdna
from renderd.blend.blocks import Block, Unwanted, blocks
from renderd.blend.container import opened
from renderd.blend.header import Header, read_header
from renderd.blend.names import until_nul
from renderd.blend.sdna import Catalogue, CatalogueError
from renderd.blend.source import Source

LIBRARY, SCENE, LINKED = b"LI", b"SC", b"ID"
_DATA = b"DATA"
#: Windows, screens, work spaces, brushes and their like: what they hold is never rendered.
_UNSEEN = frozenset({b"WM", b"SN", b"SR", b"WS", b"BR", b"PL", b"PC", b"TX"})
_NONE = frozenset({b"REND", b"TEST", b"GLOB", b"USER"})  #: no data blocks
_TAIL = 1 << 21  #: the catalogue stands before the last few bytes of a file
_LONGEST_KEPT = 1 << 20
_LONGEST_LINKED = 1 << 26
_MOST_BLOCKS, _BLOCK_SHARE = 750_000, 16
_MOST_LINKS, _LINK_SHARE = 1 << 20, 64
_MOST_KEPT, _KEPT_SHARE = 1 << 27, 4
_BLOCK_COST = 512  #: bytes of memory that any kept block takes


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of data below a data block: a modifier, a strip, a point cache."""

    kind: str  #: the struct's name
    address: int
    data: bytes


@dataclass(slots=True)
class Item:
    """One data block: an object, an image, or the mere name of one in a library."""

    code: bytes  #: b"IM"; of a linked one too
    name: bytes  #: without the code
    kind: str  #: the struct's name; "ID" where the data lies in a library
    library: int = 0  #: address of the library a linked one lies in
    data: bytes = b""  #: only of the kinds that were asked for
    parts: list[Part] = field(default_factory=list)
    links: set[int] = field(default_factory=set)  #: addresses of other data blocks, and of none

    @property
    def is_linked(self) -> bool:
        """True where only its name stands in this file."""
        return self.kind == "ID"

    @property
    def key(self) -> bytes:
        """Code and name, by which a library finds it."""
        return self.code + self.name


@dataclass(slots=True)
class Graph:
    """The data blocks of one file by address."""

    path: str
    catalogue: Catalogue
    items: dict[int, Item] = field(default_factory=dict)

    def reached(self, roots: Iterable[int]) -> dict[int, Item]:
        """The data blocks that some of them use, through whatever lies between."""
        found: dict[int, Item] = {}
        left = [root for root in roots if root in self.items]
        while left:
            address = left.pop()
            if address not in found:
                found[address] = self.items[address]
                left += found[address].links & self.items.keys()
        return found


def read_graph(path: str | os.PathLike[str], items: frozenset[str], parts: frozenset[str]) -> Graph:
    """Walk a file; keeps the data of items and parts of these struct names.

    Takes about a microsecond a block; memory is bounded.  Raises BlendError.
    """
    with opened(path) as source:
        header = read_header(source)
        known = _catalogue_at_end(source, header)
    for _ in range(2):
        with opened(path) as source:
            header = read_header(source)
            known = known or _catalogue_behind(source, header)
        with opened(path) as source:
            header = read_header(source)
            walk = _Walk(source, header, known, (items, parts))
            true = walk.run()
        if true == known:
            return walk.graph
        known = true  # what looked like the catalogue was something else that a block holds
    raise source.damaged("changes while it is read", at=0)


def _catalogue_at_end(source: Source, header: Header) -> bytes:
    """The catalogue's bytes without a walk, where the end of the file can be read by itself."""
    tail = source.tail(_TAIL)
    at = tail.rfind(b"SDNANAME")
    head = 24 if not header.is_large else 32
    head = 20 if header.pointer_size == 4 else head
    if at < head or tail[at - head : at - head + 4] != sdna.CODE:
        return b""
    sign = "<" if header.endian == "little" else ">"
    place = at - head + (16 if header.is_large else 4)
    length = Struct(f"{sign}i").unpack_from(tail, place)[0]
    return tail[at : at + length] if 0 < length <= min(sdna.LONGEST, len(tail) - at) else b""


def _catalogue_behind(source: Source, header: Header) -> bytes:
    for block in _counted(source, header, Unwanted()):
        if block.code == sdna.CODE:
            return _take_catalogue(source, block)
    raise source.cut("without a DNA1 block")


def _take_catalogue(source: Source, block: Block) -> bytes:
    if block.length > sdna.LONGEST:
        raise source.damaged(f"has {block.length} bytes of DNA1", at=block.offset)
    return source.take(block.length, "its DNA1 block")


def _counted(source: Source, header: Header, unwanted: Unwanted) -> Iterator[Block]:
    """The blocks but for unwanted ones, as many as a real file may have."""
    most = _MOST_BLOCKS + source.size // _BLOCK_SHARE
    for number, block in enumerate(blocks(source, header, unwanted)):
        if number > most:
            raise source.damaged(f"holds more than {most} blocks", at=block.offset)
        yield block


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to do with blocks of one struct."""

    kind: str
    is_item: bool  #: it begins with an ID
    keeps: bool
    links: Struct | None  #: takes the pointers at data blocks out of one element
    arrays: Struct | None  #: takes the pointers at arrays of such pointers
    texts: Struct | None  #: takes the pointers at texts, of what is kept


class _Walk:
    """One pass over a file's blocks."""

    def __init__(
        self,
        source: Source,
        header: Header,
        known: bytes,
        wanted: tuple[frozenset[str], frozenset[str]],
    ) -> None:
        self.source, self.header = source, header
        try:
            self.graph = Graph(source.path, Catalogue(known, header))
        except CatalogueError as error:
            raise source.damaged(f"has a broken DNA1 block ({error})", at=source.offset) from error
        self._wanted = wanted
        self._plans: dict[int, _Plan] = {}
        self._item: Item | None = None
        self._unwanted = Unwanted({0})
        self._arrays: set[int] = set()
        self._library = 0
        self._room_links = _MOST_LINKS + source.size // _LINK_SHARE
        self._room_kept = _MOST_KEPT + source.size // _KEPT_SHARE

    def run(self) -> bytes:
        """Fill the graph; the catalogue that really stands in the file."""
        try:
            for block in _counted(self.source, self.header, self._unwanted):
                if block.code == sdna.CODE:
                    return _take_catalogue(self.source, block)
                if block.code != _DATA:
                    self._take_item(block)
                elif self._item is not None:
                    self._take_part(self._item, block)
        except CatalogueError as error:
            raise self.source.damaged(f"has a broken DNA1 block ({error})", at=0) from error
        raise self.source.cut("without a DNA1 block")

    def _take_item(self, block: Block) -> None:
        self._item = None
        self._arrays.clear()
        self._unwanted.but.clear()
        if block.code in _UNSEEN or block.code in _NONE:
            return
        plan = self._plan(block.struct)
        if not plan.is_item:
            return
        data = self._read(block, _LONGEST_KEPT)
        place = self.graph.catalogue.find("ID", "name")
        raw = until_nul(data[place.offset : place.offset + place.size]) if place else b""
        item = Item(raw[:2], raw[2:], plan.kind)
        if block.code == LIBRARY:
            self._library = block.address
        if item.is_linked:
            item.library = self._library
        self._pay(_BLOCK_COST)
        self.graph.items.setdefault(block.address, item)
        self._item = item
        if plan.keeps:
            self._pay(len(data))
            item.data = data
        self._link(item, plan, data)

    def _take_part(self, item: Item, block: Block) -> None:
        if block.address in self._arrays:
            size = self.header.pointer_size
            words = self._read(block, _LONGEST_KEPT)
            sign = f"{self.graph.catalogue.order}{len(words) // size}{'Q' if size == 8 else 'I'}"
            self._add(item, Struct(sign).unpack_from(words))
            return
        plan = self._plan(block.struct)
        if plan.keeps or block.address in self._unwanted.but:
            data = self._read(block, _LONGEST_KEPT)
            self._pay(_BLOCK_COST + len(data))
            item.parts.append(Part(plan.kind, block.address, data))
            self._link(item, plan, data)
        elif plan.links or plan.arrays:
            self._link(item, plan, self._read(block, _LONGEST_LINKED))

    def _read(self, block: Block, longest: int) -> bytes:
        return self.source.take(min(block.length, longest), f"a {block.code.decode()} block")

    def _link(self, item: Item, plan: _Plan, data: bytes) -> None:
        if plan.links and len(data) == plan.links.size:
            self._add(item, plan.links.unpack(data))
        elif plan.links:
            whole = len(data) - len(data) % plan.links.size
            for pointers in plan.links.iter_unpack(memoryview(data)[:whole]):
                self._add(item, pointers)
        for layout, awaited in ((plan.arrays, self._arrays), (plan.texts, None)):
            if layout and len(data) >= layout.size:
                found = [address for address in layout.unpack_from(data) if address]
                self._unwanted.but.update(found)
                if awaited is not None:
                    awaited.update(found)

    def _add(self, item: Item, pointers: Iterable[int]) -> None:
        before = len(item.links)
        item.links.update(pointers)
        item.links.discard(0)
        self._room_links -= len(item.links) - before
        if self._room_links < 0:
            raise self.source.damaged("has too many links between its blocks", self.source.offset)

    def _pay(self, count: int) -> None:
        self._room_kept -= count
        if self._room_kept < 0:
            raise self.source.damaged("has too many data blocks", self.source.offset)

    def _plan(self, number: int) -> _Plan:
        plan = self._plans.get(number)
        if plan is None:
            plan = self._plans[number] = self._make_plan(number)
            if not (plan.keeps or plan.links or plan.arrays) and self._unwanted.structs:
                self._unwanted.structs.add(number)
        return plan

    def _make_plan(self, number: int) -> _Plan:
        catalogue = self.graph.catalogue
        kind = catalogue.struct_name(number)
        items, parts = self._wanted
        # Blocks of no known struct (number 0) hold plain numbers, text or pointer arrays.
        found = catalogue.pointers(number if number else -1)
        size = catalogue.size(number)
        keeps = kind in items or kind in parts
        return _Plan(
            kind=kind if number else "",
            is_item=catalogue.is_item(number),
            keeps=keeps,
            links=self._layout(found.blocks, size),
            arrays=self._layout(found.arrays, size),
            texts=self._layout(found.texts, size) if keeps else None,
        )

    def _layout(self, offsets: list[int], size: int) -> Struct | None:
        if not offsets:
            return None
        catalogue = self.graph.catalogue
        letter = "Q" if catalogue.pointer_size == 8 else "I"
        layout, at = catalogue.order, 0
        for offset in offsets:
            layout += f"{offset - at}x{letter}"
            at = offset + catalogue.pointer_size
        try:
            return Struct(f"{layout}{max(0, size - at)}x")
        except (struct.error, OverflowError):
            raise CatalogueError("the fields of a struct overlap") from None
