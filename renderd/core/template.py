"""Words with `{placeholders}`: fill, escape, list.  Pure: no I/O.

Filling happens after a line was split into words, so a value with blanks stays one word.  `{{` is
a brace, and so is a `}}` that closes one in the same word; any other `{…}` and `}}` passes
through: Blender's own templates and JSON arguments use them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

NAMES = (
    "start",
    "end",
    "step",
    "frames",
    "out",
    "blend",
)  #: what a chunk fills; the rest are roots
_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}")


def fill(words: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Put values in place of their `{name}`; a name without a value stays as it is."""
    return tuple(_filled(word, values) if "{" in word else word for word in words)


def splice(words: Sequence[str], parts: Mapping[str, str]) -> tuple[str, ...]:
    """Put parts that may hold placeholders themselves in place of their `{name}`.

    Braces stay doubled: the words are to be filled afterwards, the parts' roots with them.
    """

    def put(token: re.Match[str]) -> str:
        return parts.get(token[1], token[0]) if token[1] else token[0]

    return tuple(_TOKEN.sub(put, word) if "{" in word else word for word in words)


def escape(text: str) -> str:
    """Return a word that fill() turns into exactly `text`, whatever braces it holds."""
    if "{" not in text:
        return text
    written, open_ = [], 0
    for sign in text:
        if sign == "{":
            open_ += 1
            written.append("{{")
        elif sign == "}" and open_:
            open_ -= 1
            written.append("}}")
        else:
            written.append(sign)
    return "".join(written)


def used(words: Iterable[str]) -> tuple[str, ...]:
    """Name every placeholder in the words, known or not, each once, in order."""
    tokens = (token for word in words for token in _TOKEN.finditer(word))
    return tuple(dict.fromkeys(token[1] for token in tokens if token[1]))


def _filled(word: str, values: Mapping[str, str]) -> str:
    open_ = 0

    def put(token: re.Match[str]) -> str:
        nonlocal open_
        name = token[1]
        if name is not None:
            return values.get(name, token[0])
        if token[0] == "{{":
            open_ += 1
            return "{"
        if not open_:
            return token[0]
        open_ -= 1
        return "}"

    return _TOKEN.sub(put, word)
