"""Names for people and for files, made from any text."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_NOT_SLUG = re.compile(r"[^a-z0-9_]+")
#: control characters, surrogates, and the signs that turn the reading direction of what follows
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
NONE = "unnamed"


def slug(text: str, limit: int = 40) -> str:
    """Make a file-name part of `[a-z0-9_-]`, at most `limit` bytes, never empty.

    Accents go (`é` is `e`); what has no ASCII form becomes one dash; different texts may meet.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-")[:limit].strip("-") or NONE[:limit]


def label(text: str, limit: int = 120) -> str:
    """Make text safe for one line of a terminal: no control or direction signs, cut to `limit`."""
    seen = UNSEEN.sub("\ufffd", text).strip()
    return seen if len(seen) <= limit else seen[: limit - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a remedy naming the known word most like `word`, or all of them."""
    words = sorted(known)
    close = get_close_matches(word[:40].lower(), words, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else "there are " + ", ".join(words)
