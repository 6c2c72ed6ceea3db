"""How long nobody has used a Wayland session; its compositor is asked in its own protocol.

A compositor does not say how long: it tells a program that asked for it when nobody has used a
seat for a while, and when somebody does again.  KDE, sway and others since 2023 do so by
ext-idle-notify-v1, older ones by the one of KDE's that it came from; GNOME answers on its bus.
"""

import os
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Self

TIMEOUT = 2.0  #: seconds for an answer
AFTER = 1.0  #: seconds without input until the compositor tells
_DISPLAY, _REGISTRY, _SYNC, _NOTIFIER, _FIRST_SEAT = 1, 2, 3, 4, 5
_SEAT = b"wl_seat"


class _Event(NamedTuple):
    sender: int
    number: int
    body: bytes


class _Notifier(NamedTuple):
    """One of the two protocols, which differ in their names and an order."""

    interface: bytes
    request: int
    seat_first: bool


_NOTIFIERS = (
    _Notifier(b"ext_idle_notifier_v1", 1, seat_first=False),
    _Notifier(b"org_kde_kwin_idle", 0, seat_first=True),
)


class Compositor:
    """One connection to a compositor of this machine, and what it told of its seats."""

    def __init__(self, connected: socket.socket, clock: Callable[[], float]) -> None:
        self._socket, self._clock, self._unread = connected, clock, b""
        #: of each seat: since when nobody uses it; None: in use, for all we were told
        self._unused: dict[int, float | None] = {}

    @classmethod
    def open(cls, path: str, clock: Callable[[], float] = time.monotonic) -> Self:
        """Connect to a compositor's socket and ask to be told.

        Raises OSError where there is none, or one that does not tell.
        """
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found = cls(connected, clock)
        try:
            connected.settimeout(TIMEOUT)
            connected.connect(path)
            found._subscribe()
            connected.setblocking(False)  # noqa: FBT003
        except (OSError, struct.error):
            connected.close()
            raise
        return found

    def idle(self) -> float:
        """Seconds since somebody used a seat; 0.0 for less than AFTER.  OSError: it is gone."""
        now = self._clock()
        for event in self._events():
            if event.sender in self._unused:  # idled, resumed
                self._unused[event.sender] = now - AFTER if event.number == 0 else None
        return min(0.0 if since is None else now - since for since in self._unused.values())

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _subscribe(self) -> None:
        offered = self._offered()
        names = {interface: name for name, interface in offered}
        notifier = next((one for one in _NOTIFIERS if one.interface in names), None)
        if notifier is None or _SEAT not in names:
            raise OSError("the compositor does not tell")
        self._bind(names[notifier.interface], notifier.interface, _NOTIFIER)
        seats = [name for name, interface in offered if interface == _SEAT]
        for number, name in enumerate(seats):
            seat = _FIRST_SEAT + 2 * number
            self._bind(name, _SEAT, seat)
            pair = (seat, round(AFTER * 1000))
            words = pair if notifier.seat_first else pair[::-1]
            self._send(_NOTIFIER, notifier.request, struct.pack("=3I", seat + 1, *words))
            self._unused[seat + 1] = None

    def _offered(self) -> list[tuple[int, bytes]]:
        """Everything global there is: its name, a number, and what it understands."""
        self._send(_DISPLAY, 1, struct.pack("=I", _REGISTRY))
        self._send(_DISPLAY, 0, struct.pack("=I", _SYNC))
        offered: list[tuple[int, bytes]] = []
        while True:
            for event in self._events():
                if event.sender == _SYNC:
                    return offered
                if event.sender == _REGISTRY and event.number == 0:
                    name, size = struct.unpack_from("=II", event.body)
                    offered.append((name, event.body[8 : 7 + size]))

    def _bind(self, name: int, interface: bytes, new: int) -> None:
        size = len(interface) + 1
        text = struct.pack("=I", size) + interface + b"\0" * (1 + -size % 4)
        self._send(_REGISTRY, 0, struct.pack("=I", name) + text + struct.pack("=II", 1, new))

    def _send(self, receiver: int, request: int, body: bytes) -> None:
        self._socket.sendall(struct.pack("=II", receiver, (8 + len(body)) << 16 | request) + body)

    def _events(self) -> Iterator[_Event]:
        """All that has come; waits for something only while we connect."""
        try:
            while part := self._socket.recv(1 << 16):
                self._unread += part
                yield from self._whole()
        except BlockingIOError:
            return
        raise ConnectionError("the compositor has ended")

    def _whole(self) -> Iterator[_Event]:
        while len(self._unread) >= 8:
            sender, word = struct.unpack_from("=II", self._unread)
            size = word >> 16
            if size < 8:
                raise OSError("the compositor speaks nonsense")
            if len(self._unread) < size:
                return
            body, self._unread = self._unread[8:size], self._unread[size:]
            if sender == _DISPLAY and word & 0xFFFF == 0:
                raise OSError("the compositor refuses")
            yield _Event(sender, word & 0xFFFF, body)


def sockets(environ: Mapping[str, str]) -> list[str]:
    """The compositors to ask: the one that was named, else all of this user."""
    folder = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    named = environ.get("WAYLAND_DISPLAY")
    if named:
        return [os.path.join(folder, named)]
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if re.fullmatch(r"wayland-\d+", name)]
