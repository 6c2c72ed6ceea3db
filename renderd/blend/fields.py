"""The values of one struct, by the names the catalogue gives them."""

from math import isfinite

from renderd.blend.names import text, until_nul
from renderd.blend.sdna import Catalogue


class Fields:
    """One struct's bytes seen through the catalogue; what a version lacks is the default."""

    def __init__(self, catalogue: Catalogue, kind: str, data: bytes) -> None:
        self._catalogue = catalogue
        self._kind = kind
        self._data = data

    def number(self, path: str, missing: float = 0) -> float:
        """A value, or the first of an array; a pointer's is its address."""
        place = self._catalogue.find(self._kind, path)
        return self._catalogue.number(self._data, place) if place else missing

    def whole(self, path: str, missing: int = 0) -> int:
        """A whole number."""
        value = self.number(path, missing)
        # Only a broken catalogue calls a whole number a fraction.
        return int(value) if isfinite(value) else missing

    def raw(self, path: str) -> bytes:
        """The bytes of a text up to its NUL."""
        place = self._catalogue.find(self._kind, path)
        return until_nul(self._data[place.offset : place.offset + place.size]) if place else b""

    def text(self, path: str) -> str:
        """A text, decoded; bytes that are no UTF-8 survive as surrogates."""
        return text(self.raw(path))
