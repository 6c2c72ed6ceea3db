"""Waking a machine over its network card: whose address that is, and the magic packet."""

import contextlib
import re
import socket
from collections.abc import Iterable

from renderd.errors import UsageError

PORT = 9  #: discard: cards look for the pattern, nobody listens
_NOWHERE = "192.0.2.1"  #: RFC 5737; leads to the default route, nothing is sent there
_MAC = re.compile(r"[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}", re.IGNORECASE)

Target = tuple[str, int]


def card_toward(server: str) -> str:
    """The hardware address of the interface that leads to a server's address.

    Where none is given or no interface leads there, that of the default route; empty where the
    machine has no network.
    """
    import psutil  # noqa: PLC0415  only who looks for it waits for it

    own = _own_address(server) if server else ""
    if own in ("", "127.0.0.1", "::1"):
        own = _own_address(_NOWHERE)
    if not own:
        return ""
    for addresses in psutil.net_if_addrs().values():
        if any(one.address.partition("%")[0] == own for one in addresses):
            cards = [one.address for one in addresses if one.family == psutil.AF_LINK]
            return next((mac.lower() for mac in cards if is_card(mac)), "")
    return ""


def is_card(mac: object) -> bool:
    """Whether something is the hardware address of a card that can be woken."""
    return isinstance(mac, str) and bool(_MAC.fullmatch(mac)) and set(mac) - set("0:-") != set()


def magic(mac: str) -> bytes:
    """The packet that wakes a card: six bytes 255, then its address sixteen times."""
    if not is_card(mac):
        raise UsageError(f"{mac!r} is no hardware address", "write it as 00:1a:2b:3c:4d:5e")
    return b"\xff" * 6 + bytes.fromhex(re.sub("[:-]", "", mac)) * 16


def send(mac: str, targets: Iterable[Target] = ()) -> int:
    """Send a card its packet, to every network of this machine where no target is given.

    How many could be sent.  Raises UsageError for what is no hardware address.
    """
    packet, sent = magic(mac), 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for target in tuple(targets) or _broadcasts():
            with contextlib.suppress(OSError):
                wire.sendto(packet, target)
                sent += 1
    return sent


def _broadcasts() -> tuple[Target, ...]:
    import psutil  # noqa: PLC0415

    found = {
        one.broadcast
        for addresses in psutil.net_if_addrs().values()
        for one in addresses
        if one.family == socket.AF_INET and one.broadcast
    }
    return tuple((address, PORT) for address in sorted(found))


def _own_address(server: str) -> str:
    """Our address on the way to a server; a UDP socket that is connected sends nothing."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as way:
        way.connect((server, PORT))
        return str(way.getsockname()[0])
    return ""
