"""Pause and drain survive a restart: a small local file a node."""

import contextlib
import json
import os

from renderd.daemon.node import Rest


def path(state_dir: str, spool_id: str, node: str) -> str:
    """Where a node of this host keeps its rest."""
    return os.path.join(state_dir, f"rest.{spool_id}.{node}.json")


def save(file: str, rest: Rest) -> None:
    """Keep a rest that a person asked for; remove the file of one that ended."""
    if not rest.reason:
        with contextlib.suppress(OSError):
            os.unlink(file)
        return
    value = {"reason": rest.reason, "until": rest.until, "is_drain": rest.is_drain}
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file + ".tmp", "w", encoding="utf-8") as new:
            json.dump(value, new)
        os.replace(file + ".tmp", file)


def load(file: str) -> Rest:
    """The rest that stands; none where there is no readable file."""
    try:
        with open(file, encoding="utf-8") as old:
            value = json.load(old)
        until = value["until"]
        return Rest(
            str(value["reason"]), None if until is None else float(until), bool(value["is_drain"])
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return Rest()
