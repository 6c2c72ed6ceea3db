"""Rows of a folder as lines for people and as JSON for programs."""

import json
import os
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from fs_browser.core import wording
from fs_browser.core.kinds import Kind
from fs_browser.core.listing import is_hidden
from fs_browser.core.sequences import FileSequence, Row
from renderd.blend.names import is_text, shown
from renderd.core.frames import text

SCHEMA = 1
_MOST_SCENES = 4  #: of a .blend, on a line for people
_MOST_GAPS = 4  #: of a sequence; more are only counted
_WIDEST_NAME = 48  #: columns up to which what follows the names stands in one line
_NO_SCENE = "no scene listed"


def lines(folder: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line a row: size, time, name, and what a sequence or .blend holds."""
    names = [_shown_name(row) for row in rows]
    longest = min(max(map(_columns, names), default=0), _WIDEST_NAME)
    for row, name in zip(rows, names, strict=True):
        gap = " " * (longest - _columns(name))
        line = (
            f"{wording.size(row.size_bytes):>5}  {wording.moment(row.mtime_ns):16}  {name}{gap}  "
        )
        yield (line + _detail(folder, row)).rstrip() + "\n"


def documents(folder: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield one JSON object in pieces, each row on a line of its own."""
    head = {"schema": SCHEMA, "code": 0, **_naming("path", os.path.abspath(folder))}
    yield json.dumps(head)[:-1] + ', "rows": ['
    for at, row in enumerate(rows):
        yield (",\n" if at else "\n") + json.dumps(_facts(folder, row), allow_nan=False)
    yield "\n]}\n" if rows else "]}\n"


def chosen(paths: Sequence[str], code: int) -> str:
    """One JSON object of the paths that were chosen."""
    named = [_naming("path", path) for path in paths]
    return json.dumps({"schema": SCHEMA, "code": code, "paths": named}) + "\n"


def _detail(folder: str, row: Row) -> str:
    if isinstance(row, FileSequence):
        gaps = list(row.gaps())
        return row.summary + (f": {text(gaps)}" if 0 < len(gaps) <= _MOST_GAPS else "")
    if row.kind is not Kind.BLEND:
        return ""
    facts = _blend_facts(folder, row.name)
    if "error" in facts:
        return str(facts["error"])
    return _scenes(facts["scenes"]) or _NO_SCENE


def _scenes(scenes: list[dict[str, Any]]) -> str:
    told = [
        f"{shown(_stored_name(scene))} {wording.frames(scene['start'], scene['end'])}"
        for scene in scenes[:_MOST_SCENES]
    ]
    more = len(scenes) - len(told)
    return ", ".join(told) + (f" and {more:,} more" if more else "")


def _stored_name(scene: dict[str, Any]) -> str:
    return bytes.fromhex(scene["name_hex"]).decode("utf-8", "surrogateescape")


def _facts(folder: str, row: Row) -> dict[str, Any]:
    is_sequence = isinstance(row, FileSequence)
    facts: dict[str, Any] = {
        **_naming("name", row.name),
        "kind": row.kind,
        "sequence": is_sequence,
        "size": row.size_bytes,
        "mtime_ns": row.mtime_ns,
        "hidden": is_hidden(row.name),
    }
    if isinstance(row, FileSequence):
        return facts | _sequence_facts(row)
    facts["link"] = row.is_link
    return facts | _blend_facts(folder, row.name) if row.kind is Kind.BLEND else facts


def _sequence_facts(row: FileSequence) -> dict[str, Any]:
    span = row.span
    return {
        "first": span.first,
        "last": span.last,
        "step": span.step,
        "count": len(row.frames),
        "frames": row.present,
        "missing": row.missing,
        "missing_frames": text(row.gaps()),
    }


def _blend_facts(folder: str, name: str) -> dict[str, Any]:
    # Only here: most folders hold none, and unpacking libraries take time to load.
    from renderd import blend  # noqa: PLC0415
    from renderd.errors import BlendError  # noqa: PLC0415

    path = os.path.join(folder, name)
    try:
        file = blend.read(path)
    except BlendError as error:
        return {"error": str(error).removeprefix(f"{shown(path)}: ")}
    scenes = [
        {
            "name": scene.name if is_text(scene.name) else None,
            "name_hex": scene.raw_name.hex(),
            "start": scene.start,
            "end": scene.end,
        }
        for scene in file.scenes
    ]
    return {"version": file.version, "scenes": scenes}


def _naming(key: str, name: str) -> dict[str, str | None]:
    """A name that is no UTF-8 is null, and its bytes stand beside it."""
    if is_text(name):
        return {key: name}
    return {key: None, f"{key}_hex": os.fsencode(name).hex()}


def _shown_name(row: Row) -> str:
    return shown(row.name) + ("/" if row.kind is Kind.FOLDER else "")


def _columns(name: str) -> int:
    if name.isascii():
        return len(name)
    plain = [letter for letter in name if not unicodedata.combining(letter)]
    return len(plain) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in plain)
