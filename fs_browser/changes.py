"""What differs between two readings of the same records."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Changes(Generic[R]):
    """What is other than before: new and changed records by key, and keys that are gone."""

    put: Mapping[Hashable, R] = field(default_factory=dict)
    gone: frozenset[Hashable] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.put or self.gone)


def compare(before: Mapping[Hashable, R], now: Mapping[Hashable, R]) -> Changes[R]:
    """What makes the one from the other."""
    put = {
        key: one
        for key, one in now.items()
        if (old := before.get(key)) is not one and old != one  # to compare fields takes long
    }
    return Changes(put, frozenset(before.keys() - now.keys()))
