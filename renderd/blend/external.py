"""Files outside that a data block refers to: pictures, sounds, caches, strips."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from renderd.blend.fields import Fields
from renderd.blend.graph import SCENE, Graph, Item, Part
from renderd.blend.names import text
from renderd.blend.paths import resolve

_FILE, _SEQUENCE, _MOVIE, _TILED = 1, 2, 3, 6  #: Image.source
_NO_FILE = (4, 5)  #: generated, viewer
_SHOWN_RESULT = (4, 5)  #: Image.type: render result, compositing
_CLIP_SEQUENCE = 1
_RENDERED = 1 << 1
_USES_SEQUENCER = 1 << 0
_MUTE = 1 << 5
_META, _IMAGES, _SOUND = 1, 0, 4  #: Sequence.type
_MOVIE_STRIP = 3
_FROM_FILE = 1  #: NodeShaderTexIES.mode, NodeShaderScript.mode
_MOST_STRIPS = 100_000

ITEMS = frozenset(
    {"Image", "MovieClip", "bSound", "VFont", "Volume", "CacheFile", "Library", "Scene"}
)
PARTS = frozenset(
    {
        *("ImageTile", "Editing", "Sequence", "Strip", "StripElem"),
        *("MeshCacheModifierData", "OceanModifierData", "CustomDataExternal"),
        *("NodeShaderTexIES", "NodeShaderScript"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One place in a .blend that names a file or a folder outside."""

    kind: str  #: "image", "library", "sound": in a person's words
    name: str  #: of the data block, strip or object it stands in
    file: str  #: the .blend it stands in
    written: str  #: as it stands there; a // is the .blend's folder
    paths: tuple[str, ...]  #: what must be there, as Blender resolves it
    is_sequence: bool = False  #: the path is one of numbered files, whichever the frames need
    is_folder: bool = False
    is_used: bool = True  #: False where nothing that is rendered leads to it


def references(graph: Graph, item: Item, *, is_used: bool = True) -> Iterator[Reference]:
    """What one data block refers to; packed files, built-in fonts and generated pictures not."""
    found = _Finder(graph, item, is_used)
    if reader := _ITEMS.get(item.kind):
        yield from reader(found)
    for part in item.parts:
        if part_reader := _PARTS.get(part.kind):
            yield from part_reader(found, part)


def is_edited(graph: Graph, item: Item) -> bool:
    """Whether a scene renders strips of its sequencer, for which it needs no camera."""
    if item.code != SCENE or all(part.kind != "Sequence" for part in item.parts):
        return False
    fields = Fields(graph.catalogue, item.kind, item.data)
    return bool(fields.whole("r.scemode") & _USES_SEQUENCER)


class _Finder:
    """One data block with its values, and the making of references from it."""

    def __init__(self, graph: Graph, item: Item, is_used: bool) -> None:
        self.graph, self.item, self.is_used = graph, item, is_used
        self.fields = Fields(graph.catalogue, item.kind, item.data)

    def of(self, part: Part) -> Fields:
        return Fields(self.graph.catalogue, part.kind, part.data)

    def refer(
        self,
        kind: str,
        written: str,
        paths: tuple[str, ...] = (),
        *,
        name: str = "",
        is_sequence: bool = False,
        is_folder: bool = False,
    ) -> Iterator[Reference]:
        """A reference, unless nothing is written."""
        if not written:
            return
        yield Reference(
            kind=kind,
            name=name or text(self.item.name),
            file=self.graph.path,
            written=written,
            paths=paths or (resolve(written, self.graph.path),),
            is_sequence=is_sequence,
            is_folder=is_folder,
            is_used=self.is_used,
        )


def _image(found: _Finder) -> Iterator[Reference]:
    fields, written = found.fields, found.fields.text("name")
    source = fields.whole("source", _FILE)
    is_packed = fields.whole("packedfile") or fields.whole("packedfiles.first")
    if is_packed or source in _NO_FILE or fields.whole("type") in _SHOWN_RESULT:
        return
    if source == _TILED:
        yield from found.refer("image", written, tuple(_tiles(found, written)))
        return
    yield from found.refer("image", written, is_sequence=source == _SEQUENCE)


def _tiles(found: _Finder, written: str) -> Iterator[str]:
    whole = resolve(written, found.graph.path)
    for part in found.item.parts:
        if part.kind == "ImageTile":
            number = found.of(part).whole("tile_number")
            # DNA counts tiles of 10 across; UVTILE is for what Mudbox and ZBrush write.
            across, down = (number - 1001) % 10 + 1, (number - 1001) // 10 + 1
            filled = whole.replace("<UDIM>", str(number))
            yield filled.replace("<UVTILE>", f"u{across}_v{down}")


def _clip(found: _Finder) -> Iterator[Reference]:
    is_sequence = found.fields.whole("source") == _CLIP_SEQUENCE
    yield from found.refer("movie clip", found.fields.text("name"), is_sequence=is_sequence)


def _sound(found: _Finder) -> Iterator[Reference]:
    if not found.fields.whole("packedfile"):
        yield from found.refer("sound", found.fields.text("name"))


def _font(found: _Finder) -> Iterator[Reference]:
    written = found.fields.text("name")
    if not found.fields.whole("packedfile") and not written.startswith("<builtin>"):
        yield from found.refer("font", written)


def _volume(found: _Finder) -> Iterator[Reference]:
    if not found.fields.whole("packedfile"):
        is_sequence = bool(found.fields.whole("is_sequence"))
        yield from found.refer("volume", found.fields.text("filepath"), is_sequence=is_sequence)


def _cache(found: _Finder) -> Iterator[Reference]:
    is_sequence = bool(found.fields.whole("is_sequence"))
    yield from found.refer("cache", found.fields.text("filepath"), is_sequence=is_sequence)


_ITEMS: dict[str, Callable[[_Finder], Iterator[Reference]]] = {
    "Image": _image,
    "MovieClip": _clip,
    "bSound": _sound,
    "VFont": _font,
    "Volume": _volume,
    "CacheFile": _cache,
}


def _mesh_cache(found: _Finder, part: Part) -> Iterator[Reference]:
    fields = found.of(part)
    if fields.whole("modifier.mode") & _RENDERED:
        yield from found.refer("mesh cache", fields.text("filepath"))


def _ocean(found: _Finder, part: Part) -> Iterator[Reference]:
    fields = found.of(part)
    if fields.whole("modifier.mode") & _RENDERED and fields.whole("cached"):
        yield from found.refer("ocean cache", fields.text("cachepath"), is_folder=True)


def _multires(found: _Finder, part: Part) -> Iterator[Reference]:
    yield from found.refer("sculpted detail", found.of(part).text("filename"))


def _node_file(found: _Finder, part: Part) -> Iterator[Reference]:
    fields = found.of(part)
    if fields.whole("mode") == _FROM_FILE:
        kind = "light profile" if part.kind == "NodeShaderTexIES" else "shader script"
        yield from found.refer(kind, fields.text("filepath"))


def _editing(found: _Finder, part: Part) -> Iterator[Reference]:
    if found.item.code == SCENE and found.fields.whole("r.scemode") & _USES_SEQUENCER:
        first = found.of(part).whole("seqbase.first")
        yield from _Strips(found).walk(first)


class _Strips:
    """The sequencer's strips, which hang together by their addresses."""

    def __init__(self, found: _Finder) -> None:
        self._found = found
        self._at = {part.address: part for part in found.item.parts}
        self._seen: set[int] = set()

    def walk(self, first: int) -> Iterator[Reference]:
        """What the strips from one on refer to, without the muted ones and what they hold."""
        left = [first]
        while left:
            address = left.pop()
            part = self._at.get(address)
            if part is None or part.kind != "Sequence" or address in self._seen:
                continue
            self._seen.add(address)
            strip = self._found.of(part)
            left.append(strip.whole("next"))
            if strip.whole("flag") & _MUTE:
                continue
            if strip.whole("type") == _META:
                left.append(strip.whole("seqbase.first"))
            yield from self._read(strip)

    def _read(self, strip: Fields) -> Iterator[Reference]:
        kind = strip.whole("type")
        part = self._at.get(strip.whole("strip"))
        # A sound strip's file is that of its sound.
        if kind not in (_IMAGES, _MOVIE_STRIP) or part is None or part.kind != "Strip":
            return
        data = self._found.of(part)
        folder, names = data.text("dir"), self._names(data.whole("stripdata"))
        if not names:
            return
        names = names if kind == _IMAGES else names[:1]
        folder = folder if not folder or folder.endswith(("/", "\\")) else folder + "/"
        paths = tuple(resolve(folder + name, self._found.graph.path) for name in names)
        name = text(strip.raw("name")[2:])
        yield from self._found.refer("strip", folder + names[0], paths, name=name)

    def _names(self, address: int) -> list[str]:
        part = self._at.get(address)
        if part is None or part.kind != "StripElem":
            return []
        catalogue = self._found.graph.catalogue
        size = catalogue.size_of("StripElem")
        ends = range(size, min(len(part.data), size * _MOST_STRIPS) + 1, size)
        pieces = (part.data[end - size : end] for end in ends)
        return [Fields(catalogue, "StripElem", piece).text("name") for piece in pieces]


_PARTS: dict[str, Callable[[_Finder, Part], Iterator[Reference]]] = {
    "MeshCacheModifierData": _mesh_cache,
    "OceanModifierData": _ocean,
    "CustomDataExternal": _multires,
    "NodeShaderTexIES": _node_file,
    "NodeShaderScript": _node_file,
    "Editing": _editing,
}
