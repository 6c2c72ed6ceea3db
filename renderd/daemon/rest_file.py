"""What people told a node survives a restart: a small local file a node."""

import contextlib
import json
import os
from dataclasses import replace
from typing import Any

from renderd.core import hours
from renderd.core.courtesy import Policy, When
from renderd.daemon.node import Rest


def path(state_dir: str, spool_id: str, node: str) -> str:
    """Where a node of this host keeps its orders."""
    return os.path.join(state_dir, f"rest.{spool_id}.{node}.json")


def save(file: str, rest: Rest, ordered: Policy | None = None) -> None:
    """Keep a rest and a courtesy that a person asked for; no file where there is neither."""
    if not rest.reason and ordered is None:
        with contextlib.suppress(OSError):
            os.unlink(file)
        return
    value: dict[str, Any] = {
        "reason": rest.reason,
        "until": rest.until,
        "is_drain": rest.is_drain,
        "since": rest.since,
    }
    if ordered is not None:
        value["courtesy"] = {
            "when": ordered.when.value,
            "away": ordered.away,
            "office": ordered.office.text,
        }
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file + ".tmp", "w", encoding="utf-8") as new:
            json.dump(value, new)
        os.replace(file + ".tmp", file)


def load(file: str, configured: Policy) -> tuple[Rest, Policy]:
    """The rest and the courtesy that stand; what is not readable is as configured."""
    try:
        with open(file, encoding="utf-8") as old:
            value = json.load(old)
    except (OSError, ValueError):
        return Rest(), configured
    if not isinstance(value, dict):
        return Rest(), configured
    return _rest(value), _policy(value, configured)


def _rest(value: dict[str, Any]) -> Rest:
    try:
        until, since = value["until"], value.get("since")
        return Rest(
            str(value["reason"]),
            None if until is None else float(until),
            bool(value["is_drain"]),
            None if since is None else float(since),
        )
    except (ValueError, KeyError, TypeError, OverflowError):
        return Rest()


def _policy(value: dict[str, Any], configured: Policy) -> Policy:
    try:
        said = value["courtesy"]
        return replace(
            configured,
            when=When(said["when"]),
            away=float(said["away"]),
            office=hours.parse(said["office"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError):
        return configured
