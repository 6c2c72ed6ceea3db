"""Movies made of a job's frames: presets, frame rates and the ffmpeg command line.  Pure: no I/O.

`video: h264` or `video: h264 /p/out/shot.mp4` in an info file.  The command reads a list of files
that the node writes when it starts, because ffmpeg's own numbered input ends silently at a gap.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from renderd.core import infovalue, outputs
from renderd.core.label import label, nearest, slug
from renderd.errors import UsageError

FRAME_LIST = "{frames.ffconcat}"  #: in the command; no root of farm.toml can be called so
_MOST_RATE = 1000
_NTSC = Fraction(1001, 1000)
_LIKE_NTSC = 1e-4  #: Blender keeps the divisor as a float of 32 bits
#: Colours are RGB in a picture and BT.709 in a movie; odd sides get a line or column of black.
_FILTER = "scale=out_color_matrix=bt709:out_range=tv,pad=ceil(iw/2)*2:ceil(ih/2)*2,format={}"
_COLOURS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")


@dataclass(frozen=True, slots=True)
class Preset:
    """How one kind of movie is encoded."""

    ending: str
    pixels: str
    words: tuple[str, ...]


PRESETS = {
    "h264": Preset(".mp4", "yuv420p", ("-c:v", "libx264", "-crf", "18", "-preset", "medium")),
    "prores": Preset(
        ".mov", "yuv422p10le", ("-c:v", "prores_ks", "-profile:v", "hq", "-vendor", "apl0")
    ),
    "av1": Preset(".mp4", "yuv420p10le", ("-c:v", "libsvtav1", "-crf", "30", "-preset", "6")),
}


@dataclass(frozen=True, slots=True)
class Video:
    """A movie that is asked for: its preset and where it goes, in info-file syntax."""

    preset: str
    out: str = ""  #: empty: beside the frames, called like them

    @property
    def encoding(self) -> Preset:
        """How it is encoded."""
        return PRESETS[self.preset]


def parse(text: str) -> Video:
    """Read `h264` or `h264 /p/out/shot.mp4`.  Raises UsageError for anything else."""
    preset, _, out = text.partition(" ")
    out = out.strip(" \t")
    if preset not in PRESETS:
        raise UsageError(f"there is no preset {label(preset, 40)!r}", nearest(preset, PRESETS))
    try:
        return checked(Video(preset, infovalue.path(out) if out else ""))
    except ValueError as error:
        raise UsageError(str(error), "name a path like /p/out/shot.mp4") from None


def text(video: Video) -> str:
    """Write what parse() reads back; ValueError, UsageError for what it would refuse."""
    written = f"{video.preset} {infovalue.path_text(video.out)}" if video.out else video.preset
    if parse(written) != video:
        raise ValueError(f"{video.out!r} cannot be written here")
    return written


def checked(video: Video) -> Video:
    """The same movie.  Raises UsageError where its path has another kind's ending."""
    base = video.out.rpartition("/")[2]
    ending = video.encoding.ending
    if base and not base.lower().endswith(ending):
        said = label(base, 60)
        raise UsageError(
            f"{video.preset} makes a {ending} file, not {said!r}", f"end it in {ending}"
        )
    return video


def located(video: Video, images: str, name: str) -> str:
    """Where the movie goes: as asked for, or into the folder of the frames under their name."""
    if video.out and not video.out.endswith("/"):
        return video.out
    parts = outputs.parts(images)
    stem = parts.prefix.rstrip("._- ") or slug(name)
    return f"{video.out or parts.folder}{stem}{video.encoding.ending}"


def rate(fps: float) -> str:
    """Frames a second as ffmpeg takes it: `24`, `24000/1001`; empty where it is none."""
    if not 0 < fps <= _MOST_RATE:
        return ""
    if abs(fps - round(fps)) > _LIKE_NTSC and abs(fps * _NTSC - round(fps * _NTSC)) < _LIKE_NTSC:
        return str(round(fps * _NTSC) / _NTSC)
    return str(Fraction(fps).limit_denominator(1000))


def parse_rate(text: str) -> str:
    """Read `24`, `23.976` or `24000/1001`.  Raises UsageError."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,4})|\d{1,4}(?:\.\d{1,6})?", text)
    if found and found[2] and int(found[2]):
        exact = Fraction(int(found[1]), int(found[2]))
        written = str(exact) if 0 < exact <= _MOST_RATE else ""
    else:
        written = "" if not found or found[2] else _spoken_rate(float(text))
    if not written:
        said = label(text, 40)
        raise UsageError(f"{said!r} is no frame rate", "say 24, 23.976 or 24000/1001")
    return written


def _spoken_rate(fps: float) -> str:
    """A rate as people say it: 23.976 and 29.97 mean the exact ones near them."""
    near = round(fps * _NTSC) / _NTSC
    is_meant = abs(fps - round(fps)) > _LIKE_NTSC and abs(fps - near) < 0.006
    return str(near) if is_meant and 0 < fps <= _MOST_RATE else rate(fps)


def command(video: Video, fps: str, out: str) -> tuple[str, ...]:
    """The words that make a movie of a list of files; it stops at the first that is not whole."""
    encoding = video.encoding
    return (
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-xerror"),
        *("-r", fps, "-f", "concat", "-safe", "0", "-i", FRAME_LIST),
        *("-vf", _FILTER.format(encoding.pixels), *_COLOURS, "-color_range", "tv"),
        *(*encoding.words, "-movflags", "+faststart", "-an", out),
    )


def reads_exr(words: tuple[str, ...], layer: str) -> tuple[str, ...]:
    """The same command for scene-linear EXR files: as Blender's Standard view shows them."""
    at = words.index("-r")
    chosen = ("-layer", layer) if layer else ()
    return (*words[:at], "-apply_trc", "iec61966_2_1", *chosen, *words[at:])
