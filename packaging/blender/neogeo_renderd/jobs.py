"""What a scene asks for, as the text of an info file.  No Blender, no files."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

LAST_FRAME = 1_048_574  #: Blender's own limit, also below zero
MAX_COUNT = 10_000_000
_MANY = 20_000
#: what Blender 5 puts into output paths and every node does the same way
FILLED = ("blend_name", "scene_name", "camera_name", "resolution_x", "resolution_y")
_ITEM = re.compile(r"(-?[0-9]+)(?:-(-?[0-9]+)(?:x([0-9]+))?)?")
_POOL = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNWRITABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_PATH = re.compile("[\x00-\x1f\x7f-\x9f]")


class Hindrance(Exception):
    """Why nothing can be sent: one sentence for an artist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One scene to render; paths as the farm writes them."""

    name: str
    blend: str
    scene: str
    frames: str
    out: str
    blender: str  #: the version that has the file open, like 4.2
    chunk: int = 10
    priority: int = 50
    pool: str = ""
    is_held: bool = False

    def text(self) -> str:
        """The info file."""
        said = {
            "name": quoted(label(self.name)),
            "frames": self.frames,
            "chunk": str(self.chunk),
            "blend": quoted(self.blend),
            "scene": quoted(self.scene),
            "out": quoted(self.out),
            "priority": str(self.priority),
            "pool": self.pool,
            "needs": f"blender=={self.blender}",
            "hold": "yes" if self.is_held else "",
        }
        return "".join(f"{key}: {value}\n" for key, value in said.items() if value)

    def slug(self) -> str:
        """The job's name as a part of a file's name."""
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode()
        return re.sub("[^a-z0-9_]+", "-", plain.lower()).strip("-")[:30].strip("-") or "unnamed"


def label(text: str) -> str:
    """The text as one line for people, without signs that cannot be seen."""
    return _UNSEEN.sub("\ufffd", text).strip()[:120] or "unnamed"


def quoted(value: str) -> str:
    """Free text as an info file has it: a JSON string where plain text would be misread."""
    is_plain = value == value.strip(" \t") and value[:1] not in ("", '"')
    return value if is_plain and not _UNWRITABLE.search(value) else json.dumps(value)


def own_frames(start: int, end: int, step: int) -> str:
    """A scene's own range; empty where it ends before it starts."""
    if start > end:
        return ""
    last = start + (end - start) // step * step
    return str(start) if last == start else f"{start}-{last}" + (f"x{step}" if step > 1 else "")


def count(frames: str) -> int:
    """How many frames a range like 1-250x2,300 names; Hindrance where it is none."""
    ranges = [_frames(item.strip()) for item in frames.split(",")]
    named = sum(map(len, ranges))
    if named > MAX_COUNT:
        raise Hindrance(f"{frames} names more than {MAX_COUNT:,} frames")
    # a panel asks at every redraw: of very many frames those named twice are not sought
    return len(set().union(*ranges)) if len(ranges) > 1 and named < _MANY else named


def _frames(item: str) -> range:
    found = _ITEM.fullmatch(item)
    if found is None:
        raise Hindrance(f"{item!r} is no frame range; write 1-250, 1-250x2, 300 or -20--11")
    first, last = int(found[1]), int(found[2] or found[1])
    step = int(found[3] or 1)
    if last < first or step < 1:
        raise Hindrance(f"the frame range {item} does not go upwards")
    if first < -LAST_FRAME or last > LAST_FRAME:
        raise Hindrance(f"the frame range {item} goes beyond Blender's {LAST_FRAME:,}")
    return range(first, last + 1, step)


def pools(text: str) -> str:
    """Names of pools with commas between, as typed; Hindrance names the wrong one."""
    names = [name.lower() for name in re.split(r"[,\s]+", text) if name]
    for name in names:
        if not _POOL.fullmatch(name):
            raise Hindrance(f"{name!r} is no name of a pool; it has letters, digits and . _ -")
    return ", ".join(dict.fromkeys(names))


def escape(text: str) -> str:
    """A literal text as an info file has it: each brace that would open something doubled."""
    written, open_ = [], 0
    for sign in text:
        if sign == "{":
            open_ += 1
        elif sign == "}" and open_:
            open_ -= 1
        else:
            written.append(sign)
            continue
        written.append(sign * 2)
    return "".join(written)


def rooted(path: str, roots: Mapping[str, str], *, on_windows: bool = False) -> str:
    """A path of this machine as every node reads it: `{proj}/…` below a root of farm.toml."""
    if _NO_PATH.search(path):
        raise Hindrance(f"the path {label(path)!r} holds a line break or another control sign")
    for name, folder in sorted(roots.items(), key=lambda root: -len(root[1])):
        stem = folder.rstrip("/\\")
        plain, start = (_slashed(path), _slashed(stem)) if on_windows else (path, stem)
        if plain == start or plain.startswith(start + "/"):
            rest = path[len(stem) :]
            return f"{{{name}}}{escape(rest.replace(chr(92), '/') if on_windows else rest)}"
    if on_windows:
        raise Hindrance(f"no path root of farm.toml holds {path}, so no other machine finds it")
    return escape(path)


def _slashed(path: str) -> str:
    return path.replace("\\", "/").lower()


def whole_output(filepath: str, blend: str, scene: str) -> str:
    """A scene's output path with its // put into the .blend's folder; Hindrance where it is none.

    On every platform a backslash in it divides folders, as it does for the farm.
    """
    path = filepath.strip()
    if not path:
        raise Hindrance(f"{scene!r} has no output path: say in Output where its frames go")
    if path.startswith("//"):
        slashed = blend.replace("\\", "/") if "/" not in blend else blend
        return slashed[: slashed.rfind("/") + 1] + path[2:].replace("\\", "/").lstrip("/")
    if path.startswith("/"):
        return path.replace("\\", "/")
    if re.match(r"[A-Za-z]:[/\\]|\\\\", path):
        return path
    raise Hindrance(
        f"the output path {path!r} of {scene!r} is relative to nothing that other machines know:"
        " begin it with // (beside the file) or with /"
    )


def templated(path: str, roots: Mapping[str, str], *, on_windows: bool = False) -> str:
    """An output path of Blender 5, in which `{scene_name}` and others are filled in.

    Hindrance for a variable that the farm does not fill.
    """
    for token in _TOKEN.finditer(path):
        if token[1] is not None and token[1] not in FILLED:
            raise Hindrance(
                f"the output path has {token[0]}, which the farm does not fill;"
                f" it fills {', '.join(f'{{{name}}}' for name in FILLED)}"
            )
    literal = path.replace("{{", "{").replace("}}", "}")
    found = rooted(literal, roots, on_windows=on_windows)
    for name in FILLED:
        found = found.replace(f"{{{{{name}}}}}", f"{{{name}}}")
    return found
