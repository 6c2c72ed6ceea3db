"""Which rows are shown: by kind, by text, hidden ones or not."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate
from re import IGNORECASE
from re import compile as compiled

from fs_browser.core.kinds import Kind
from fs_browser.core.listing import is_hidden
from fs_browser.core.sequences import FileSequence, Row

#: kinds of files as a person picks them: each button's word, and what it shows
GROUPS: dict[str, frozenset[Kind]] = {
    "Blender files": frozenset({Kind.BLEND}),
    "Backups": frozenset({Kind.BACKUP}),
    "Images": frozenset({Kind.IMAGE}),
    "Movies": frozenset({Kind.MOVIE}),
    "Sounds": frozenset({Kind.SOUND}),
    "Caches": frozenset({Kind.CACHE}),
    "Text": frozenset({Kind.TEXT}),
    "Fonts": frozenset({Kind.FONT}),
    "Other files": frozenset({Kind.OTHER}),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked of rows; folders pass every choice of kinds."""

    text: str = ""  #: all of its words, or patterns with * and ?
    kinds: frozenset[Kind] = frozenset()  #: none means all
    with_hidden: bool = False

    def test(self) -> Callable[[Row], bool] | None:
        """A function that tells whether a row passes; None where all do."""
        words = [_matcher(word) for word in self.text.split()]
        if not words and not self.kinds and self.with_hidden:
            return None

        def passes(row: Row) -> bool:
            if self.kinds and row.kind not in self.kinds and row.kind is not Kind.FOLDER:
                return False
            if not self.with_hidden and is_hidden(row.name):
                return False
            return all(_any_name(row, matches) for matches in words)

        return passes


def _any_name(row: Row, matches: Callable[[str], bool]) -> bool:
    if matches(row.name):
        return True
    return isinstance(row, FileSequence) and any(matches(one.name) for one in row.entries)


def _matcher(word: str) -> Callable[[str], bool]:
    if "*" in word or "?" in word:
        pattern = compiled(translate(word), IGNORECASE)
        return lambda name: pattern.fullmatch(name) is not None
    folded = word.casefold()
    return lambda name: folded in name.casefold()
