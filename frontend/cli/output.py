"""Text for people and JSON for programs: tables, colours, states as word, glyph and colour."""

import argparse
import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from frontend import words
from renderd.core.label import UNSEEN

SCHEMA = 1
_RESET = "\x1b[0m"
_CODES = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36, "grey": 90, "bold": 1}
_STEERS = re.compile(rf"(\x1b\[(?:0|{'|'.join(map(str, _CODES.values()))})m)|{UNSEEN.pattern}")


def emit(value: dict[str, Any], code: int = 0) -> int:
    """Write one JSON object with its schema and exit status; that status."""
    json.dump({"schema": SCHEMA, "code": code, **value}, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")
    return code


def say(text: str) -> None:
    """Write a result line."""
    sys.stdout.write(harmless(text) + "\n")


def talk(text: str) -> None:
    """Write a line that is no result: to stderr."""
    sys.stderr.write(UNSEEN.sub("\ufffd", text) + "\n")


def harmless(text: str) -> str:
    """A line that steers no terminal, whoever wrote what it shows; our own colours stay."""
    return _STEERS.sub(lambda found: found[0] if found[1] else "\ufffd", text)


def has_colour(args: argparse.Namespace) -> bool:
    """Whether to colour: the flag, else NO_COLOR, else whether a terminal reads us."""
    if args.color is not None:
        return bool(args.color)
    is_dumb = os.environ.get("TERM", "") == "dumb"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and not is_dumb


def paint(text: str, colour: str, *, is_on: bool) -> str:
    """Text in a colour."""
    return f"\x1b[{_CODES[colour]}m{text}{_RESET}" if is_on and colour else text


def has_glyphs() -> bool:
    """Whether the terminal's encoding can show the signs."""
    try:
        "▶✔⊘".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def state(word: str, *, colours: bool) -> str:
    """A state as glyph, word and colour; each says it alone."""
    name, glyph, plain, colour = words.STATES.get(word, (word, "?", "?", ""))
    return paint(f"{glyph if has_glyphs() else plain} {name}", colour, is_on=colours)


def width(text: str) -> int:
    """The columns a text takes, without colour codes; wide letters take two."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    columns = 0
    plain = text
    while "\x1b[" in plain:
        head, _, tail = plain.partition("\x1b[")
        plain = head + tail.partition("m")[2]
    for letter in plain:
        if not unicodedata.combining(letter):
            columns += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
    return columns


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()
) -> list[str]:
    """Aligned lines; columns that are empty throughout are left out, the last one is cut.

    `right` names the columns of numbers.  Nothing is cut where no terminal reads us.
    """
    lines = [tuple(head), *(tuple(row) for row in rows)]
    kept = [i for i in range(len(head)) if any(line[i] for line in lines[1:])]
    widths = {i: max(width(line[i]) for line in lines) for i in kept}
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    written = []
    for line in lines:
        cells = []
        for i in kept:
            gap = " " * (widths[i] - width(line[i]))
            cells.append(gap + line[i] if i in right else line[i] + gap)
        text = "  ".join(cells).rstrip()
        written.append(_cut(text, room) if room else text)
    return written


def _cut(text: str, room: int) -> str:
    if width(text) <= room:
        return text
    shown, columns, is_code = [], 0, False
    for letter in text:
        is_code = is_code or letter == "\x1b"
        if not is_code:
            columns += width(letter)
            if columns >= room:
                break
        elif letter == "m":
            is_code = False
        shown.append(letter)
    return "".join(shown) + "…" + (_RESET if "\x1b" in text else "")


def ready(eta: float | None, low: float | None, high: float | None, now: float) -> str:
    """As `words.ready`, with what the terminal can show."""
    return words.ready(eta, low, high, now, "–" if has_glyphs() else "-")
