"""Nodes: register, beat, watch the others, declare the dead (spool.md section 6)."""

import contextlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from renderd.core import jsonvalue
from renderd.core.names import Beat, is_incarnation, nonce, parse_beat, parse_intent
from renderd.errors import ShareUnsure, SpoolNotMounted
from renderd.spool.layout import BEATS, DEAD, TRASH, Spool, is_mounted
from renderd.spool.moves import Outcome, ensure_folder, enter, move, names, write

SHARD_SIZE = 64
SHARDS_TRIED = 3  #: older shards in which a new node looks for room
STATUS_BYTES = 4096
LOOKS = 4  #: fresh looks in which a beat is nowhere before somebody is certified


class Life(StrEnum):
    """What a beat told us of ourselves."""

    ALIVE = "alive"
    UNSURE = "unsure"  #: the share gave no answer; nothing is known
    FENCED = "fenced"  #: certified dead: drop everything, start as a new incarnation
    TWIN = "twin"  #: another machine beats under our name: a copied disk


@dataclass(slots=True)
class Pulse:
    """A node's own beat: its present name, its shard and the tags it has sent."""

    shard: str
    beat: Beat
    tags: set[str] = field(default_factory=set)  #: sent since the last answer
    missed: int = 0  #: looks in a row in which neither beat nor certificate was seen


def register(spool: Spool, inc: str, facts: dict[str, Any], period: int) -> Pulse:
    """Enter a new incarnation: its folder, its facts, its first beat.  Raises OSError."""
    for folder in ("", "in", "inbox"):
        ensure_folder(spool, spool.node(inc, folder).rstrip("/"))
    write(spool, spool.node(inc, "node.info"), _json(facts))
    with contextlib.suppress(FileExistsError):
        spool.share.create(spool.node(inc, "alive"), b"")
    shard = _free_shard(spool)
    pulse = Pulse(shard, Beat(inc, 1, period, nonce(spool.rng)))
    enter(spool, spool.at(BEATS, shard, pulse.beat.name), b"")
    return pulse


def _free_shard(spool: Spool) -> str:
    known = shards(spool)
    # The newest and a few others: of a large farm each start would list them all.
    some = spool.rng.sample(known[:-1], min(SHARDS_TRIED, len(known[:-1]))) + known[-1:]
    for shard in sorted(some, key=int):
        if len(names(spool, spool.at(BEATS, shard))) < SHARD_SIZE:
            return shard
    shard = f"{int(known[-1]) + 1 if known else 0:02d}"
    ensure_folder(spool, spool.at(BEATS, shard))
    return shard


def beat(spool: Spool, pulse: Pulse, period: int) -> Life:
    """Give one sign of life; what it told of ourselves.  Raises SpoolNotMounted."""
    old = pulse.beat
    new = Beat(old.inc, old.count + 1, period, nonce(spool.rng))
    pulse.tags.add(new.tag)
    folder = spool.at(BEATS, pulse.shard)
    try:
        spool.share.rename(f"{folder}/{old.name}", f"{folder}/{new.name}")
    except FileNotFoundError:
        return _find_self(spool, pulse)
    except OSError:
        return Life.UNSURE
    pulse.beat, pulse.missed, pulse.tags = new, 0, {new.tag}
    return Life.ALIVE


def _find_self(spool: Spool, pulse: Pulse) -> Life:
    inc = pulse.beat.inc
    if not is_mounted(spool):  # an empty mount point shows no beats either
        raise SpoolNotMounted(f"{spool.root} is not mounted", "mount the share again")
    try:
        if inc in names(spool, spool.at(DEAD)):
            return Life.FENCED
        present = [b for b in beats(spool, pulse.shard) if b.inc == inc]
    except OSError:
        return Life.UNSURE
    if present:
        newest = max(present, key=lambda b: b.count)
        # An older one is our own: the server forgot, as at a power cut, what it had said yes to.
        is_older = newest.count < pulse.beat.count
        if newest.tag not in pulse.tags and newest != pulse.beat and not is_older:
            return Life.TWIN
        pulse.beat, pulse.missed = newest, 0
        return Life.ALIVE
    pulse.missed += 1
    if pulse.missed >= LOOKS:
        certify(spool, inc)
        return Life.FENCED
    return Life.UNSURE


def beats(spool: Spool, shard: str) -> list[Beat]:
    """The beats in one shard now.  Raises OSError."""
    return [b for n in names(spool, spool.at(BEATS, shard)) if (b := parse_beat(n))]


def shards(spool: Spool) -> list[str]:
    """The shards of the farm, in order of their numbers.  Raises OSError."""
    return sorted((n for n in names(spool, spool.at(BEATS)) if n.isdecimal()), key=int)


def dead(spool: Spool) -> set[str]:
    """The incarnations with a death certificate: a fact, not a hint.  Raises OSError."""
    return {n for n in names(spool, spool.at(DEAD)) if is_incarnation(n)}


def declare(spool: Spool, shard: str, still: Beat) -> bool:
    """Certify the owner of the very beat that stood still; False when it moved on after all."""
    old, new = spool.at(BEATS, shard, still.name), spool.at(DEAD, still.inc)
    return move(spool, old, new) is Outcome.WON


def certify(spool: Spool, inc: str) -> None:
    """Write the certificate of an incarnation that has no beat: safe at any time, only wasteful."""
    with contextlib.suppress(OSError, ShareUnsure):
        enter(spool, spool.at(DEAD, inc), b"")


def leave(spool: Spool, pulse: Pulse, *, owns_nothing: bool) -> None:
    """Stop beating: to trash/ when nothing is owned, else as one's own death certificate.

    A node that owned nothing takes its folder along.
    """
    old = spool.at(BEATS, pulse.shard, pulse.beat.name)
    trash = spool.at(TRASH, pulse.beat.name)
    with contextlib.suppress(OSError):
        spool.share.rename(old, trash if owns_nothing else spool.at(DEAD, pulse.beat.inc))
        if owns_nothing:
            spool.share.rename(spool.node(pulse.beat.inc), spool.at(TRASH, pulse.beat.inc))


def intents(spool: Spool, inc: str) -> list[tuple[str, str]]:
    """The (jid, group) pairs where an incarnation may hold chunks.  Raises OSError."""
    return [i for n in names(spool, spool.node(inc, "in")) if (i := parse_intent(n))]


def publish_status(spool: Spool, inc: str, status: dict[str, Any]) -> None:
    """Rewrite the node's status in place: JSON, padding, CRC, one write.  Raises OSError."""
    spool.share.rewrite(spool.node(inc, "status"), pack_status(status))


def pack_status(status: dict[str, Any]) -> bytes:
    """The 4,096 bytes of a status file; long texts are cut until it fits."""
    room = STATUS_BYTES - 10
    body = _json(status)
    while len(body) > room and status:
        longest = max(status, key=lambda k: len(str(status[k])))
        status = {k: v for k, v in status.items() if k != longest}
        body = _json(status)
    body = body.ljust(room)
    return body + b"\n%08x\n" % zlib.crc32(body)


def unpack_status(data: bytes) -> dict[str, Any] | None:
    """The status in such a file; None where it is torn: read again."""
    body, tail = data[: STATUS_BYTES - 10], data[STATUS_BYTES - 10 :]
    if tail.strip() != b"%08x" % zlib.crc32(body):
        return None
    try:
        value = jsonvalue.parse(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def read_status(spool: Spool, inc: str) -> dict[str, Any] | None:
    """A node's own word on itself; None where it is absent or torn."""
    for _ in range(2):
        try:
            value = unpack_status(spool.share.read(spool.node(inc, "status"), STATUS_BYTES))
        except OSError:
            return None
        if value is not None:
            return value
    return None


def read_facts(spool: Spool, inc: str) -> dict[str, Any]:
    """What a node registered of itself; empty where it cannot be read."""
    try:
        value = jsonvalue.parse(spool.share.read(spool.node(inc, "node.info")))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def everyone(spool: Spool) -> dict[str, Beat]:
    """The beat of every incarnation that beats; the highest count where two show."""
    found: dict[str, Beat] = {}
    for shard in shards(spool):
        for seen in beats(spool, shard):
            if seen.inc not in found or found[seen.inc].count < seen.count:
                found[seen.inc] = seen
    return found


def send(spool: Spool, inc: str, order: dict[str, Any]) -> None:
    """Leave an order in a node's inbox; it acts on it at its next beat.  Raises OSError."""
    enter(spool, spool.node(inc, "inbox", f"{nonce(spool.rng, 8)}.order"), _json(order))


def receive(spool: Spool, inc: str, listed: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Take the orders out of one's own inbox, those `listed` where that was done already.

    Raises OSError.
    """
    found = []
    for name in sorted(names(spool, spool.node(inc, "inbox")) if listed is None else listed):
        path = spool.node(inc, "inbox", name)
        with contextlib.suppress(OSError, ValueError):
            data = spool.share.read(path, 65536)
            spool.share.unlink(path)
            value = jsonvalue.parse(data)
            if isinstance(value, dict):
                found.append(value)
    return found


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
