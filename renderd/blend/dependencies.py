"""Everything outside that scenes of a .blend need, through libraries and theirs."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from renderd.blend import external, physics
from renderd.blend.external import Reference, is_edited, references
from renderd.blend.fields import Fields
from renderd.blend.graph import LIBRARY, SCENE, Graph, Item, read_graph
from renderd.blend.names import text
from renderd.blend.paths import resolve
from renderd.blend.physics import CacheFolder, Unbaked, simulations
from renderd.errors import BlendError

#: Beyond these a chain of links that turns in a circle goes on under ever new names.
_MOST_LIBRARIES = 2_000
_ITEMS = external.ITEMS | physics.ITEMS
_PARTS = external.PARTS | physics.PARTS


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What scenes of a file need besides the file."""

    references: tuple[Reference, ...]
    unbaked: tuple[Unbaked, ...]
    broken: tuple[tuple[str, BlendError], ...]  #: libraries that are there and cannot be read
    blind: tuple[str, ...]  #: scenes that render nothing: no camera, no strips


class Graphs(dict[str, Graph | BlendError | None]):
    """Files read so far, by their real paths: for those who ask about several scenes."""


@dataclass(slots=True)
class _File:
    """One .blend of the chain: what it holds and what of it is used."""

    graph: Graph
    keys: dict[bytes, int] = field(default_factory=dict)  #: address of each local data block
    used: dict[int, Item] = field(default_factory=dict)


def read_dependencies(
    path: str | os.PathLike[str], scenes: Collection[str] = (), known: Graphs | None = None
) -> Dependencies:
    """Read what some scenes of a file need, all of them where none is named.

    Follows libraries that exist as far as their data blocks are used.  Raises BlendError where
    the file itself is malformed; takes about a microsecond a block.
    """
    chain = _Chain(os.path.abspath(path), scenes, Graphs() if known is None else known)
    chain.follow()
    return chain.answer()


class _Chain:
    """A file and the libraries it leads to, each read once."""

    def __init__(self, path: str, scenes: Collection[str], known: Graphs) -> None:
        self._path, self._scenes = path, scenes
        self._known = known
        self._files: dict[str, _File] = {}
        self._left: list[tuple[str, set[bytes]]] = []
        self._wanted: set[str] = set()

    def follow(self) -> None:
        """Find what the scenes use, here and in libraries, until nothing new turns up."""
        main = self._open(self._path)
        if main is None:
            raise self._failure(self._path)
        items = main.graph.items
        self._use(main, {at for at, item in items.items() if _is_asked(item, self._scenes)})
        while self._left:
            path, keys = self._left.pop()
            if file := self._open(path):
                self._use(file, {file.keys[key] for key in keys if key in file.keys})

    def _open(self, path: str) -> _File | None:
        real = os.path.realpath(path)
        if real not in self._files:
            if real not in self._known:
                self._known[real] = self._read(path)
            graph = self._known[real]
            if not isinstance(graph, Graph):
                return None
            local = {item.key: at for at, item in graph.items.items() if not item.is_linked}
            self._files[real] = _File(graph, local)
        return self._files[real]

    def _read(self, path: str) -> Graph | BlendError | None:
        is_library = path != self._path
        if is_library and (len(self._known) > _MOST_LIBRARIES or not os.path.exists(path)):
            return None  # that it is missing is told where it is referred to
        try:
            return read_graph(path, _ITEMS, _PARTS)
        except BlendError as error:
            return error

    def _failure(self, path: str) -> BlendError:
        found = self._known[os.path.realpath(path)]
        return found if isinstance(found, BlendError) else BlendError(f"{path} cannot be read")

    def _use(self, file: _File, roots: set[int]) -> None:
        fresh = file.graph.reached(roots - file.used.keys())
        wanted: dict[int, set[bytes]] = {}
        for address, item in fresh.items():
            if address not in file.used and item.is_linked:
                wanted.setdefault(item.library, set()).add(item.key)
        file.used |= fresh
        for library, keys in wanted.items():
            if found := _library_path(file.graph, library):
                path = resolve(found, file.graph.path)
                self._wanted.add(path)
                self._left.append((path, keys))

    def answer(self) -> Dependencies:
        """All that was found, each reference once."""
        found: dict[Reference, None] = {}
        unbaked: dict[Unbaked, None] = {}
        for file in self._files.values():
            found |= dict.fromkeys(self._references(file))
            for item in file.used.values():
                for one in simulations(file.graph, item):
                    if isinstance(one, Unbaked):
                        unbaked[one] = None
                    else:
                        found[_folder(file.graph, one)] = None
        return Dependencies(
            tuple(found), tuple(unbaked), tuple(self._broken()), tuple(self._blind())
        )

    def _blind(self) -> Iterator[str]:
        graph = self._files[os.path.realpath(self._path)].graph
        for item in graph.items.values():
            if _is_asked(item, self._scenes) and not item.is_linked:
                camera = Fields(graph.catalogue, item.kind, item.data).whole("camera")
                if not (camera and camera in graph.items) and not is_edited(graph, item):
                    yield text(item.name)

    def _broken(self) -> Iterator[tuple[str, BlendError]]:
        for path in sorted(self._wanted):
            found = self._known.get(os.path.realpath(path))
            if isinstance(found, BlendError):
                yield path, found

    def _references(self, file: _File) -> Iterator[Reference]:
        linked = {item.library for item in file.used.values() if item.is_linked}
        is_main = file.graph.path == self._path
        for address, item in file.graph.items.items():
            is_used = address in file.used or address in linked
            if not is_used and not is_main:
                continue
            if item.code == LIBRARY and item.kind == "Library":
                yield from _library(file.graph, address, is_used=is_used)
            else:
                yield from references(file.graph, item, is_used=is_used)


def _is_asked(item: Item, scenes: Collection[str]) -> bool:
    return item.code == SCENE and (not scenes or text(item.name) in scenes)


def _library_path(graph: Graph, address: int) -> str:
    """Where a library lies, as written; empty for one that is packed into this file."""
    item = graph.items.get(address)
    if item is None or item.kind != "Library":
        return ""
    fields = Fields(graph.catalogue, "Library", item.data)
    if fields.whole("packedfile") or fields.whole("archive_parent_library"):
        return ""
    return fields.text("name") or fields.text("filepath")


def _library(graph: Graph, address: int, *, is_used: bool) -> Iterator[Reference]:
    if written := _library_path(graph, address):
        yield Reference(
            kind="library",
            name=os.path.basename(written.replace("\\", "/")),
            file=graph.path,
            written=written,
            paths=(resolve(written, graph.path),),
            is_used=is_used,
        )


def _folder(graph: Graph, one: CacheFolder) -> Reference:
    return Reference(
        kind=f"{one.what} cache",
        name=one.holder,
        file=graph.path,
        written=one.path,
        paths=(resolve(one.path, graph.path),),
        is_folder=True,
    )
