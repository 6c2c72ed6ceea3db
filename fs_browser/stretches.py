"""Rows that stand side by side: many changes as few."""

from collections.abc import Iterable


def runs(places: Iterable[int], enough: int = 1 << 30) -> list[tuple[int, int]]:
    """Rising places as runs of neighbours, each its first and last; no more than `enough` + 1."""
    found: list[tuple[int, int]] = []
    first = last = -2
    for place in places:
        if place != last + 1:
            if last >= 0:
                found.append((first, last))
            if len(found) > enough:
                return found
            first = place
        last = place
    return [*found, (first, last)] if last >= 0 else found
