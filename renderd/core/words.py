"""A command line's words, split as a shell would.  Pure: no I/O.

The rules are those of shlex.split(); shlex itself takes 8 s for a line of one mebibyte, which
anyone may drop into a spool, because it copies the word for every character of it.
"""

import re

_PIECE = re.compile(
    r"""(?P<blank>[ \t]+)
    |(?P<plain>[^ \t'"\\]+)
    |'(?P<single>[^']*)'
    |"(?P<double>(?:[^"\\]+|\\.)*+)"
    |\\(?P<escaped>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"""\\(["\\])""")


def split(line: str) -> tuple[str, ...]:
    """Split one line into words; ValueError says which quote or backslash is left open."""
    words: list[str] = []
    pieces: list[str] = []
    at = 0
    while at < len(line):
        found = _PIECE.match(line, at)
        if found is None:
            raise ValueError(
                "the line ends in a backslash" if line[at] == "\\" else "a quote is not closed"
            )
        at = found.end()
        if found.lastgroup != "blank":
            pieces.append(_text(found))
        elif pieces:
            words.append("".join(pieces))
            pieces = []
    if pieces:
        words.append("".join(pieces))
    return tuple(words)


def _text(piece: re.Match[str]) -> str:
    text = piece[piece.lastgroup or 0]
    return _ESCAPED.sub(r"\1", text) if piece.lastgroup == "double" else text
