"""How long nobody has used an X server's keyboard and mouse; asked in its own protocol.

The C library would end the whole daemon when the person logs out.
"""

import os
import re
import socket
import struct
from typing import Self

TIMEOUT = 2.0  #: seconds
_COOKIE = b"MIT-MAGIC-COOKIE-1"
_QUERY_EXTENSION = 98


class XServer:
    """One connection to a local X server."""

    def __init__(self, connected: socket.socket, root: int, opcode: int) -> None:
        self._socket, self._root, self._opcode = connected, root, opcode

    @classmethod
    def open(cls, display: str, authority: str) -> Self:
        """Connect to a display of this machine, like `:0`.

        Raises OSError where there is none, it refuses, or cannot tell: under Wayland an X server
        hears of few keys.
        """
        found = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", display)
        if found is None:
            raise OSError(f"{display} is no display of this machine")
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(TIMEOUT)
            connected.connect(f"/tmp/.X11-unix/X{found[1]}")  # noqa: S108  X's own place
            root = _greet(connected, _cookie(authority, found[1]))
            if _extension(connected, b"XWAYLAND"):
                raise OSError(f"{display} is inside a Wayland session")
            opcode = _extension(connected, b"MIT-SCREEN-SAVER")
            if not opcode:
                raise OSError(f"{display} does not tell")
        except (OSError, struct.error):
            connected.close()
            raise
        return cls(connected, root, opcode)

    def idle(self) -> float:
        """Seconds since the last key or motion.  Raises OSError when the server is gone."""
        self._socket.sendall(struct.pack("<BBHI", self._opcode, 1, 2, self._root))
        answer = _answer(self._socket)
        return float(struct.unpack_from("<I", answer, 16)[0] / 1000)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def _greet(connected: socket.socket, cookie: bytes) -> int:
    """Open the connection; the id of the first screen's root window."""
    name = _COOKIE if cookie else b""
    head = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(cookie))
    connected.sendall(head + _padded(name) + _padded(cookie))
    status, length = struct.unpack("<B5xH", _receive(connected, 8))
    body = _receive(connected, 4 * length)
    if status != 1:
        raise OSError("the X server refuses: " + body.rstrip(b"\0 ").decode("ascii", "replace"))
    vendor, formats = struct.unpack_from("<H3xB", body, 16)
    return int(struct.unpack_from("<I", body, 32 + len(_padded(b"x" * vendor)) + 8 * formats)[0])


def _extension(connected: socket.socket, name: bytes) -> int:
    """The number of an extension's requests; 0 where the server has none of it."""
    text = _padded(name)
    head = struct.pack("<BxHHxx", _QUERY_EXTENSION, 2 + len(text) // 4, len(name))
    connected.sendall(head + text)
    is_there, opcode = struct.unpack_from("<BB", _answer(connected), 8)
    return opcode if is_there else 0


def _answer(connected: socket.socket) -> bytes:
    """The next reply; events, which nobody asked for, are passed over."""
    while True:
        answer = _receive(connected, 32)
        if answer[0] == 1:
            return answer + _receive(connected, 4 * struct.unpack_from("<I", answer, 4)[0])
        if answer[0] == 0:
            raise OSError(f"the X server answers with error {answer[1]}")


def _receive(connected: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connected.recv(size - len(parts))
        if not part:
            raise ConnectionError("the X server has ended")
        parts += part
    return bytes(parts)


def _cookie(authority: str, number: str) -> bytes:
    """The key to a display out of an Xauthority file; empty where it has none."""
    try:
        with open(authority, "rb") as file:
            left = file.read(1 << 20)
    except OSError:
        return b""
    while len(left) > 2:
        fields, left = [], left[2:]
        for _ in range(4):  # address, display's number, name, key
            size = int.from_bytes(left[:2])
            fields.append(left[2 : 2 + size])
            left = left[2 + size :]
        if fields[2] == _COOKIE and fields[1] in (b"", number.encode()):
            return fields[3]
    return b""


def _padded(text: bytes) -> bytes:
    return text + b"\0" * (-len(text) % 4)


def displays(display: str) -> list[str]:
    """The displays to ask: the one that was named, else all of this machine."""
    if display:
        return [display]
    try:
        names = sorted(os.listdir("/tmp/.X11-unix"))  # noqa: S108
    except OSError:
        return []
    return [f":{name[1:]}" for name in names if re.fullmatch(r"X\d+", name)]
