"""What a file is, told by its ending alone, as Blender's browser does."""

import re
from enum import StrEnum


class Kind(StrEnum):
    """What a row stands for; the values are the words of `--filter`."""

    FOLDER = "folder"
    BLEND = "blend"
    BACKUP = "backup"  #: .blend1, .blend2: what Blender keeps when it saves
    IMAGE = "image"
    MOVIE = "movie"
    SOUND = "sound"
    CACHE = "cache"  #: geometry and simulations: Alembic, USD, OpenVDB, meshes
    TEXT = "text"
    FONT = "font"
    OTHER = "other"


_ENDINGS = {
    Kind.BLEND: "blend",
    Kind.IMAGE: "bmp cin dds dpx exr gif hdr heic ico j2c jp2 jpeg jpg jxl pbm pgm pic png pnm ppm "
    "psb psd rgb rgba sgi svg tga tif tiff tx webp xpm",
    Kind.MOVIE: "avi dv flv m2ts m2v m4v mkv mov mp4 mpeg mpg mts mxf ogv r3d ts vob webm wmv",
    Kind.SOUND: "aac ac3 aif aiff flac m4a mp2 mp3 oga ogg opus wav wma",
    Kind.CACHE: "3ds abc ass bgeo bphys bvh dae fbx glb gltf mdd obj pc2 ply rib sim stl usd usda "
    "usdc usdz uni vdb x3d",
    Kind.TEXT: "bat c cfg conf cpp cube csv glsl h htm html info ini json log lua md mtl nk ocio "
    "osl py rst sh srt toml txt xml yaml yml",
    Kind.FONT: "otc otf pfb ttc ttf woff woff2",
}
_KINDS = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}
_BACKUP = re.compile(r"blend[0-9]+")


def of_file(name: str) -> Kind:
    """Tell the kind of a regular file from its name; the contents are not looked at."""
    ending = name.rpartition(".")[2].lower()
    kind = _KINDS.get(ending)
    if kind is None:
        return Kind.BACKUP if _BACKUP.fullmatch(ending) else Kind.OTHER
    return kind if len(name) > len(ending) else Kind.OTHER
