"""Typed values out of a TOML table; a wrong key or kind is named with its place."""

import tomllib
from collections.abc import Collection, Mapping

from renderd.core import amounts
from renderd.core.label import label, nearest
from renderd.errors import ConfigError


def load(text: str, where: str) -> dict[str, object]:
    """Parse TOML; a ConfigError names `where` it stands and the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is no TOML: {error}") from None


class Table:
    """One table of a file: reads values by kind, refuses keys nobody knows."""

    __slots__ = ("_name", "_values", "_where")

    def __init__(
        self, values: Mapping[str, object], where: str, known: Collection[str], name: str = ""
    ) -> None:
        self._values, self._where, self._name = values, where, f"{name}." if name else ""
        for key in values:
            if key not in known:
                raise ConfigError(
                    f"{where}: there is no key {self._name + label(key, 40)!r}", nearest(key, known)
                )

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def table(self, key: str, known: Collection[str] | None = None) -> "Table":
        """Return the table below; without `known` any key may stand in it."""
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "a table, [" + key + "]")
        keys = value.keys() if known is None else known
        return Table(value, self._where, keys, self._name + key)

    def keys(self) -> tuple[str, ...]:
        """Name the keys that are there."""
        return tuple(self._values)

    def text(self, key: str, default: str = "") -> str:
        """Return a text without NUL or line breaks."""
        value = self._values.get(key, default)
        if not isinstance(value, str) or any(sign in value for sign in "\0\n\r"):
            raise self.wrong(key, 'text in quotes, "…", on one line')
        return value

    def choice(self, key: str, words: tuple[str, ...]) -> str:
        """Return one word out of a few; the first is the default."""
        value = self.text(key, words[0])
        if value not in words:
            raise self.wrong(key, "one of " + ", ".join(words))
        return value

    def words(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts, none of them empty."""
        value = self._values.get(key, default)
        if not isinstance(value, list | tuple) or not all(
            isinstance(one, str) and one and not any(sign in one for sign in "\0\n\r")
            for one in value
        ):
            raise self.wrong(key, 'a list of texts, ["…", "…"]')
        return tuple(value)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """Return a number between two bounds."""
        value = self._values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, "a number")
        if not least <= value <= most:
            raise self.wrong(key, f"a number from {least:g} to {most:g}")
        return value

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """Return a whole number between two bounds."""
        value = self.number(key, default, least, most)
        if not isinstance(value, int):
            raise self.wrong(key, f"a whole number from {least} to {most}")
        return value

    def duration(self, key: str, default: float) -> float:
        """Return seconds from a number of them or a text like "10m"."""
        value = self._values.get(key, default)
        if not isinstance(value, str):
            return float(self.number(key, default, 0, amounts.LONGEST_S))
        try:
            return amounts.duration(value)
        except ValueError:
            raise self.wrong(key, 'a duration: 90, "10m" or "2h30m"') from None

    def size(self, key: str, default: int) -> int:
        """Return bytes from a whole number of them or a text like "64M"."""
        value = self._values.get(key, default)
        if not isinstance(value, str):
            return self.whole(key, default, 0, amounts.LARGEST_BYTES)
        try:
            return amounts.size(value)
        except ValueError:
            raise self.wrong(key, 'a size with its unit: "64M" or "16G"') from None

    def wrong(self, key: str, right: str) -> ConfigError:
        """Return the error for a value of the wrong kind."""
        value = label(repr(self._values.get(key)), 40)
        return ConfigError(f"{self._where}: {self._name}{key} is {value}", f"it takes {right}")
