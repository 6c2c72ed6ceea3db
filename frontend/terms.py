"""Pools and needs of a job as a person types them, and how what holds now is written."""

from renderd.core import needs
from renderd.core.control import ANY
from renderd.core.needs import NO_NEEDS, Needs
from renderd.errors import UsageError


def pools(text: str) -> tuple[str, ...]:
    """Pools that are named, none for `any`.  Raises UsageError, InfoFileError."""
    if text.strip().lower() == ANY:
        return ()
    words = [needs.name(word, "pool") for word in text.split(",") if word.strip()]
    if not words:
        raise UsageError("no pool is named", f"say {ANY} for all nodes")
    return tuple(dict.fromkeys(words))


def wanted(text: str) -> Needs:
    """What is needed, nothing for `any`.  Raises UsageError, InfoFileError."""
    if text.strip().lower() in ("", ANY):
        return NO_NEEDS
    found = Needs.parse(text)
    if found.pool:
        raise UsageError(f"pool {found.pool[0]} is named among needs", "name it as a pool")
    return found


def asked(pool: tuple[str, ...], needs_: str) -> str:
    """What a job asks for, in words: `pool gpu, ram>=16G`; empty where any machine will do."""
    return ", ".join(filter(None, (f"pool {' or '.join(pool)}" if pool else "", needs_)))
