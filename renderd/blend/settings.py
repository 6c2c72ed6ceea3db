"""Each scene's render settings, from the catalogue (SDNA): hints, as Blender may adapt them.

Unlike the scene list this walks the whole file, because the catalogue stands at its end.
Linked scenes are not told: their settings lie in the library.
"""

import os
from collections.abc import Container
from dataclasses import dataclass, field
from math import inf

from renderd.blend import scenes, sdna
from renderd.blend.blocks import Block, Unwanted, blocks
from renderd.blend.container import opened
from renderd.blend.fields import Fields
from renderd.blend.header import Header, read_header
from renderd.blend.names import text, until_nul
from renderd.blend.scenes import read_scene
from renderd.blend.sdna import Catalogue, CatalogueError
from renderd.blend.source import Source

_SCENE = b"SC"
_OBJECTS = (b"OB", b"ID")  # a linked camera has only its ID here
_LONGEST_SCENE = 1 << 18
_MOST_SCENE_BYTES = 1 << 24
#: Enough of an object to hold its name in every version (at most 258 bytes at byte 40).
_OBJECT_START = 320
_MOST_OBJECTS = 20_000
#: More blocks than a quarter million and one for every 16 bytes on disk only cost time.
_MOST_BLOCKS = 250_000
_BLOCK_SHARE = 16

#: DNA_scene_types.h, R_IMF_IMTYPE_*; the names are those of Blender's Python.
FORMATS = {
    0: "TARGA",
    1: "IRIS",
    4: "JPEG",
    7: "IRIS",
    14: "TARGA_RAW",
    15: "AVI_RAW",
    16: "AVI_JPEG",
    17: "PNG",
    20: "BMP",
    21: "HDR",
    22: "TIFF",
    23: "OPEN_EXR",
    24: "FFMPEG",
    26: "CINEON",
    27: "DPX",
    28: "OPEN_EXR_MULTILAYER",
    29: "DDS",
    30: "JPEG2000",
    31: "H264",
    32: "XVID",
    33: "THEORA",
    34: "PSD",
    35: "WEBP",
    36: "AV1",
}
_MOVIES = frozenset({15, 16, 18, 19, 24, 31, 32, 33, 36})

_LEAST_BASE = 1e-6
#: 4.2 to 4.5 called it so; before and after it is the same word.
_RENAMED = {"": "BLENDER_RENDER", "BLENDER_EEVEE_NEXT": "BLENDER_EEVEE"}

_MODE_BORDER = 1 << 9
_MODE_CROP = 1 << 11
_MODE_NO_OVERWRITE = 1 << 22
_MODE_TOUCH = 1 << 23
_SCEMODE_SEQUENCER = 1 << 0
_SCEMODE_EXTENSION = 1 << 4
_SCEMODE_COMPOSITING = 1 << 6
_SCEMODE_MULTIVIEW = 1 << 21


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSettings:
    """What one local scene of a file is set to render, as it stands in the file."""

    name: str
    raw_name: bytes
    is_listed: bool  #: in REND; Blender lists the scene of the first window only
    start: int
    end: int
    step: int
    width: int
    height: int
    percent: int
    output: str  #: as stored: // is the file's folder, backslashes may stand in old ones
    engine: str  #: in the words of Blender 5; BLENDER_RENDER up to 2.4x, which had one
    camera: str | None
    format: str  #: Blender's word for it, or its number where unknown
    is_movie: bool  #: one file for all frames, so the range must not be split
    fps: float
    adds_extension: bool
    overwrites: bool  #: if not, frames that exist are skipped without a word
    makes_placeholders: bool
    uses_border: bool
    crops_to_border: bool
    uses_multiview: bool
    uses_sequencer: bool
    uses_compositing: bool


@dataclass(slots=True)
class _Found:
    """What a walk through the file has kept."""

    listed: set[bytes] = field(default_factory=set)
    listings: int = 0  #: also those of one name, of which a bomb has millions
    scenes: list[tuple[Block, bytes]] = field(default_factory=list)
    scene_bytes: int = 0
    objects: dict[int, bytes] = field(default_factory=dict)
    missed_objects: bool = False
    catalogue: tuple[Block, bytes] | None = None


def read_settings(path: str | os.PathLike[str]) -> tuple[SceneSettings, ...]:
    """Read the settings of every local scene, also those REND leaves out; walks the file.

    Takes milliseconds for an everyday file and grows with its size; BlendError for anything
    malformed, also a file that is cut far behind its scene list.
    """
    with opened(path) as source:
        header = read_header(source)
        found = _walk(source, header)
        if not found.scenes:
            return ()
        if not found.catalogue:
            raise source.cut("without a DNA1 block")
    block, data = found.catalogue
    try:
        catalogue = Catalogue(data, header)
        views = [_scene_fields(source, catalogue, kept) for kept in found.scenes]
        cameras = {address for view in views if (address := view.whole("camera"))}
        if found.missed_objects and not cameras <= found.objects.keys():
            found.objects |= _find_objects(path, cameras)
        return tuple(_settings(catalogue, view, found) for view in views)
    except CatalogueError as error:
        raise source.damaged(f"has a broken DNA1 block ({error})", at=block.offset) from error


def _walk(source: Source, header: Header) -> _Found:
    found = _Found()
    most = _MOST_BLOCKS + source.size // _BLOCK_SHARE
    for number, block in enumerate(blocks(source, header, Unwanted())):
        if number > most:
            raise source.damaged(f"holds more than {most} blocks", at=block.offset)
        if block.code == scenes.CODE:
            found.listings += 1
            found.listed.add(read_scene(source, block, header.endian).raw_name)
        elif block.code == _SCENE:
            _keep_scene(source, block, found)
        elif block.code in _OBJECTS:
            _keep_object(source, block, found)
        elif block.code == sdna.CODE:
            if block.length > sdna.LONGEST:
                raise source.damaged(f"has {block.length} bytes of DNA1", at=block.offset)
            found.catalogue = block, source.take(block.length, "its DNA1 block")
        if found.listings > scenes.MOST or len(found.scenes) > scenes.MOST:
            raise source.damaged("has too many scenes", at=block.offset)
    return found


def _keep_scene(source: Source, block: Block, found: _Found) -> None:
    found.scene_bytes += block.length
    if block.length > _LONGEST_SCENE or found.scene_bytes > _MOST_SCENE_BYTES:
        raise source.damaged(f"has {found.scene_bytes} bytes of scenes", at=block.offset)
    found.scenes.append((block, source.take(block.length, "a scene")))


def _keep_object(source: Source, block: Block, found: _Found) -> None:
    if len(found.objects) >= _MOST_OBJECTS:
        found.missed_objects = True
        return
    start = source.take(min(block.length, _OBJECT_START), "an object")
    found.objects.setdefault(block.address, start)


def _find_objects(path: str | os.PathLike[str], wanted: Container[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    with opened(path) as source:
        for block in blocks(source, read_header(source), Unwanted()):
            if block.code in _OBJECTS and block.address in wanted:
                start = source.take(min(block.length, _OBJECT_START), "an object")
                found.setdefault(block.address, start)
    return found


def _scene_fields(source: Source, catalogue: Catalogue, kept: tuple[Block, bytes]) -> Fields:
    block, data = kept
    if catalogue.struct_name(block.struct) != "Scene":
        raise source.damaged("has a scene that is no Scene", at=block.offset)
    return Fields(catalogue, "Scene", data)


def _settings(catalogue: Catalogue, view: Fields, found: _Found) -> SceneSettings:
    raw_name = view.raw("id.name")[2:]
    mode, scemode = view.whole("r.mode"), view.whole("r.scemode")
    # Before 2.6x the format stood in the render settings themselves.
    imtype = view.whole("r.im_format.imtype", view.whole("r.imtype"))
    base = view.number("r.frs_sec_base", 1)
    engine = view.text("r.engine")
    return SceneSettings(
        name=text(raw_name),
        raw_name=raw_name,
        is_listed=raw_name in found.listed,
        start=view.whole("r.sfra"),
        end=view.whole("r.efra"),
        step=max(1, view.whole("r.frame_step", 1)),
        width=view.whole("r.xsch"),
        height=view.whole("r.ysch"),
        percent=view.whole("r.size", 100),
        output=view.text("r.pic"),
        engine=_RENAMED.get(engine, engine),
        camera=_object_name(catalogue, view.whole("camera"), found),
        format=FORMATS.get(imtype, str(imtype)),
        is_movie=imtype in _MOVIES,
        fps=view.whole("r.frs_sec") / base if _LEAST_BASE <= base < inf else 0.0,
        adds_extension=bool(scemode & _SCEMODE_EXTENSION),
        overwrites=not mode & _MODE_NO_OVERWRITE,
        makes_placeholders=bool(mode & _MODE_TOUCH),
        uses_border=bool(mode & _MODE_BORDER),
        crops_to_border=bool(mode & _MODE_CROP),
        uses_multiview=bool(scemode & _SCEMODE_MULTIVIEW),
        uses_sequencer=bool(scemode & _SCEMODE_SEQUENCER),
        uses_compositing=bool(scemode & _SCEMODE_COMPOSITING),
    )


def _object_name(catalogue: Catalogue, address: int, found: _Found) -> str | None:
    start = found.objects.get(address)
    place = catalogue.find("ID", "name")
    if not start or not place:
        return None
    return text(until_nul(start[place.offset : place.offset + place.size])[2:])
