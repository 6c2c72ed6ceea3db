"""Simulations that are not baked: rendered in chunks, each chunk would start them anew.

Only the flags in the file count, and for what is baked to disk the folder it lies in.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from renderd.blend.fields import Fields
from renderd.blend.graph import SCENE, Graph, Item, Part
from renderd.blend.names import text
from renderd.blend.paths import resolve

OBJECT, NODES = b"OB", b"NT"
ITEMS = frozenset({"ParticleSettings"})
PARTS = frozenset(
    {
        *("ClothModifierData", "SoftbodyModifierData", "SoftBody", "SoftBody_Shared"),
        *("ParticleSystemModifierData", "ParticleSystem", "PointCache"),
        *("RigidBodyWorld", "RigidBodyWorld_Shared"),
        *("DynamicPaintModifierData", "DynamicPaintCanvasSettings", "DynamicPaintSurface"),
        *("FluidModifierData", "FluidDomainSettings", "SmokeModifierData", "SmokeDomainSettings"),
        *("NodesModifierData", "NodesModifierBake", "bNode", "bNestedNodeRef"),
    }
)
_RENDERED = 1 << 1  #: eModifierMode_Render
_BAKED, _ON_DISK, _EXTERNAL = 1 << 0, 1 << 6, 1 << 9  #: PTCACHE_*
_HAIR_DYNAMICS = 1 << 2
_EMITTER, _HAIR = (0, 1), 2
_MOVED = (1, 3, 4)  #: Newton, boids, fluid; keyed particles need no cache
_MUTED = 1 << 0
_PAINT_ACTIVE, _PAINT_IMAGES = 1 << 0, 2
_BAKED_DATA = 1 << 1
_NODE_MUTED = 1 << 9
_ZONE = "GeometryNodeSimulationOutput"
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Unbaked:
    """One simulation without a bake."""

    what: str  #: "cloth", "rigid bodies": in a person's words
    holder: str  #: the name of the object or scene it belongs to
    file: str  #: the .blend it stands in


@dataclass(frozen=True, slots=True)
class CacheFolder:
    """A folder that a bake lies in."""

    what: str
    holder: str
    path: str  #: as stored, or as Blender makes it up


class _Parts:
    """The parts of one data block, by kind and by address."""

    def __init__(self, graph: Graph, item: Item) -> None:
        self.graph, self.item = graph, item
        self._at = {part.address: part for part in item.parts}

    def of(self, kind: str) -> Iterator[tuple[Part, Fields]]:
        for part in self.item.parts:
            if part.kind == kind:
                yield part, self.fields(part)

    def fields(self, part: Part) -> Fields:
        return Fields(self.graph.catalogue, part.kind, part.data)

    def at(self, address: int, kind: str) -> Fields | None:
        part = self._at.get(address)
        return self.fields(part) if part and part.kind == kind else None

    def text_at(self, address: int) -> str:
        part = self._at.get(address)
        return text(part.data.partition(b"\0")[0]) if part else ""

    def rendered(self, kind: str) -> Iterator[tuple[Part, Fields]]:
        """Modifiers of a kind that are on for renders."""
        for part, fields in self.of(kind):
            if fields.whole("modifier.mode", _RENDERED) & _RENDERED:
                yield part, fields

    def cache(self, fields: Fields, path: str) -> Fields | None:
        """The point cache behind a pointer, or behind the pointer that shares it."""
        if found := self.at(fields.whole(path), "PointCache"):
            return found
        for kind in ("SoftBody_Shared", "RigidBodyWorld_Shared"):
            if shared := self.at(fields.whole("shared"), kind):
                return self.at(shared.whole("pointcache"), "PointCache")
        return None


def simulations(graph: Graph, item: Item) -> Iterator[Unbaked | CacheFolder]:
    """What one data block simulates without a bake, and the folders of its bakes."""
    parts = _Parts(graph, item)
    if item.code == SCENE:
        yield from _of_world(parts)
    elif item.code == OBJECT and item.parts:
        yield from _of_points(parts)
        yield from _of_fluids(parts)
        yield from _of_nodes(parts)


def _of_world(parts: _Parts) -> Iterator[Unbaked | CacheFolder]:
    for _, world in parts.of("RigidBodyWorld"):
        if world.whole("group") and not world.whole("flag") & _MUTED:
            yield from _judge(parts, "rigid bodies", parts.cache(world, "pointcache"))


def _of_points(parts: _Parts) -> Iterator[Unbaked | CacheFolder]:
    systems = list(parts.of("ParticleSystem"))
    in_hair = {fields.whole("clmd") for _, fields in systems}
    for part, fields in parts.rendered("ClothModifierData"):
        if part.address not in in_hair:
            yield from _judge(parts, "cloth", parts.cache(fields, "point_cache"))
    if any(parts.rendered("SoftbodyModifierData")):
        for _, fields in parts.of("SoftBody"):
            yield from _judge(parts, "soft body", parts.cache(fields, "pointcache"))
    shown = {fields.whole("psys") for _, fields in parts.rendered("ParticleSystemModifierData")}
    for part, fields in systems:
        if part.address in shown and (what := _particles(parts.graph, fields)):
            yield from _judge(parts, what, parts.cache(fields, "pointcache"))
    if any(parts.rendered("DynamicPaintModifierData")):
        for _, fields in parts.of("DynamicPaintSurface"):
            is_cached = fields.whole("format") != _PAINT_IMAGES
            if is_cached and fields.whole("flags") & _PAINT_ACTIVE:
                yield from _judge(parts, "dynamic paint", parts.cache(fields, "pointcache"))


def _particles(graph: Graph, system: Fields) -> str:
    """What moves in a particle system; empty where nothing does."""
    item = graph.items.get(system.whole("part"))
    if item is None or not item.data:
        return ""  # in a library: what it is stands there
    settings = Fields(graph.catalogue, "ParticleSettings", item.data)
    kind = settings.whole("type")
    if kind == _HAIR:
        return "hair dynamics" if system.whole("flag") & _HAIR_DYNAMICS else ""
    return "particles" if kind in _EMITTER and settings.whole("phystype") in _MOVED else ""


def _judge(parts: _Parts, what: str, cache: Fields | None) -> Iterator[Unbaked | CacheFolder]:
    if cache is None:
        return
    holder, flag = text(parts.item.name), cache.whole("flag")
    if flag & _EXTERNAL:
        yield CacheFolder(what, holder, cache.text("path"))
    elif not flag & _BAKED:
        yield Unbaked(what, holder, parts.graph.path)
    elif flag & _ON_DISK:
        stem = os.path.splitext(os.path.basename(parts.graph.path))[0]
        yield CacheFolder(what, holder, f"//blendcache_{stem}")


def _of_fluids(parts: _Parts) -> Iterator[Unbaked | CacheFolder]:
    for _, fields in parts.rendered("FluidModifierData"):
        domain = parts.at(fields.whole("domain"), "FluidDomainSettings")
        if domain is not None and domain.whole("cache_flag") & _BAKED_DATA:
            yield CacheFolder("fluid", text(parts.item.name), domain.text("cache_directory"))
        elif domain is not None:
            yield Unbaked("fluid", text(parts.item.name), parts.graph.path)
    for _, fields in parts.rendered("SmokeModifierData"):  # up to 2.81
        if domain := parts.at(fields.whole("domain"), "SmokeDomainSettings"):
            yield from _judge(parts, "smoke", parts.cache(domain, "point_cache"))


def _of_nodes(parts: _Parts) -> Iterator[Unbaked | CacheFolder]:
    for _, fields in parts.rendered("NodesModifierData"):
        if not _has_zone(parts.graph, fields):
            continue
        bakes = list(_bakes_of_zones(parts, fields))
        for where in bakes or [parts.text_at(fields.whole("simulation_bake_directory"))]:
            if where is None:
                continue
            yield _zone(parts, where)


def _zone(parts: _Parts, where: str) -> Unbaked | CacheFolder:
    holder = text(parts.item.name)
    folder = resolve(where, parts.graph.path) if where else ""
    # What was baked to disk stands nowhere but there.
    if folder and os.path.isdir(os.path.join(folder, "meta")):
        return CacheFolder("simulation nodes", holder, where)
    return Unbaked("simulation nodes", holder, parts.graph.path)


def _bakes_of_zones(parts: _Parts, modifier: Fields) -> Iterator[str | None]:
    """The folder of each simulation zone's bake; None where it is packed into the file."""
    folder = parts.text_at(modifier.whole("simulation_bake_directory"))
    for number, bake in enumerate(_array(parts, modifier.whole("bakes"), "NodesModifierBake")):
        if not number < modifier.whole("bakes_num"):
            return
        ident = bake.whole("id")
        if not _is_zone(parts.graph, modifier.whole("node_group"), ident):
            continue
        own = parts.text_at(bake.whole("directory"))
        yield None if bake.whole("packed") else own or (folder and f"{folder}/{ident}")


def _array(parts: _Parts, address: int, kind: str) -> Iterator[Fields]:
    for part, _ in parts.of(kind):
        if part.address == address:
            size = parts.graph.catalogue.size_of(kind)
            for at in range(0, len(part.data) - size + 1, size):
                yield Fields(parts.graph.catalogue, kind, part.data[at : at + size])


def _has_zone(graph: Graph, modifier: Fields) -> bool:
    """Whether a modifier's node groups hold a simulation zone; of a library's, what it says."""
    seen: set[int] = set()
    left = [modifier.whole("node_group")]
    while left:
        address = left.pop()
        item = graph.items.get(address)
        if item is None or item.code != NODES or address in seen:
            continue
        seen.add(address)
        # A library's groups are not looked into: only zones and bake nodes have such entries.
        if item.is_linked and modifier.whole("bakes_num"):
            return True
        for _, node in _Parts(graph, item).of("bNode"):
            if node.whole("flag") & _NODE_MUTED:
                continue
            if node.text("idname") == _ZONE:
                return True
            left.append(node.whole("id"))
    return False


def _is_zone(graph: Graph, tree: int, ident: int) -> bool:
    """Whether a bake is that of a simulation zone, followed through the groups it lies in."""
    for _ in range(_DEEPEST):
        item = graph.items.get(tree)
        if item is None or item.is_linked:
            return item is not None
        parts = _Parts(graph, item)
        path = _path_of(parts, ident)
        node = next((n for _, n in parts.of("bNode") if n.whole("identifier") == path[0]), None)
        if node is None or node.text("idname") == _ZONE:
            return node is not None
        tree, ident = node.whole("id"), path[1]
    return False


def _path_of(parts: _Parts, ident: int) -> tuple[int, int]:
    for part, _ in parts.of("bNestedNodeRef"):
        for ref in _array(parts, part.address, "bNestedNodeRef"):
            if ref.whole("id") == ident:
                return ref.whole("path.node_id"), ref.whole("path.id_in_node")
    return 0, 0
