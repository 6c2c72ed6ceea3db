"""Which file a frame becomes: image formats, their endings, movies."""

from renderd.blend.settings import FORMATS
from renderd.core import outputs

#: imtype in the file → the name that -F and Python use; the old movie types are FFMPEG there.
NAMES = {**FORMATS, **dict.fromkeys((31, 32, 33, 36), "FFMPEG")}
#: The command line says some of them otherwise (BKE_imtype_from_arg).
ARGUMENTS = {
    "TGA": "TARGA",
    "RAWTGA": "TARGA_RAW",
    "IRIZ": "IRIS",
    "AVIRAW": "AVI_RAW",
    "AVIJPEG": "AVI_JPEG",
    "EXR": "OPEN_EXR",
    "MULTILAYER": "OPEN_EXR_MULTILAYER",
    "MPEG": "FFMPEG",
    "JP2": "JPEG2000",
}
MOVIES = frozenset({"FFMPEG", "AVI_RAW", "AVI_JPEG", "FRAMESERVER"})
#: The endings each format accepts; the first is the one that Blender adds.
ENDINGS = {
    "TARGA": (".tga",),
    "TARGA_RAW": (".tga",),
    "IRIS": (".rgb",),
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "HDR": (".hdr",),
    "TIFF": (".tif", ".tiff"),
    "OPEN_EXR": (".exr",),
    "OPEN_EXR_MULTILAYER": (".exr",),
    "CINEON": (".cin",),
    "DPX": (".dpx",),
    "DDS": (".dds",),
    "JPEG2000": (".jp2", ".j2c"),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
}
#: Endings that Blender exchanges for its own instead of adding one behind.
_IMAGE_ENDINGS = frozenset(
    (".psd", ".pdd", ".psb", ".sgi", ".rgba", ".bw", ".jp2", ".j2c", ".jpe")
) | {ending for endings in ENDINGS.values() for ending in endings}


def format_name(value: str | int) -> str:
    """Blender's own name of a format given as -F word or as imtype; "" for an unknown one."""
    if isinstance(value, int):
        return NAMES.get(value, "")
    name = ARGUMENTS.get(value, value)
    return name if name in ENDINGS or name in MOVIES else ""


def is_movie(value: str | int) -> bool:
    """Whether the format makes one file a run, so that the run must not be cut."""
    return format_name(value) in MOVIES


def extension(value: str | int) -> str:
    """The ending that Blender adds, with its dot; "" for movies and unknown formats."""
    return ENDINGS.get(format_name(value), ("",))[0]


def expected_path(pattern: str, frame: int, value: str | int, use_extension: bool = True) -> str:
    """The file that Blender writes for this frame of an image sequence.

    With the extension option on, a wrong image ending is exchanged, any other kept.
    """
    path = outputs.fill(pattern, frame)
    endings = ENDINGS.get(format_name(value), ())
    if not use_extension or not endings or path.lower().endswith(endings):
        return path
    slash = max(path.rfind("/"), path.rfind("\\"))
    dot = path.rfind(".")
    if dot > slash and path[dot:].lower() in _IMAGE_ENDINGS:
        path = path[:dot]
    return path + endings[0]
