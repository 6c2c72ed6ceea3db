"""Asking services of this machine over D-Bus: one call, one answer.  No dependency, no thread."""

import os
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

TIMEOUT = 2.0  #: seconds
MOST = 1 << 22  #: bytes of a message
_FIXED = {"y": "B", "n": "h", "q": "H", "i": "i", "u": "I", "h": "I", "x": "q", "t": "Q", "d": "d"}
_SIZES = {**{sign: struct.calcsize(code) for sign, code in _FIXED.items()}, "b": 4}
_ALIGN = {**_SIZES, "s": 4, "o": 4, "g": 1, "v": 1, "a": 4, "(": 8, "{": 8}
_CALL, _RETURN, _ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _REPLY, _DESTINATION, _SIGNATURE = 1, 2, 3, 5, 6, 8


class BusError(OSError):
    """The service, or the bus for it, answered with an error."""


@dataclass(frozen=True, slots=True)
class Target:
    """An object's interface on a bus."""

    service: str
    path: str
    interface: str


class Bus:
    """One connection.  Not for several threads at once."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._serial = 0
        self._left = bytearray()
        self._fds: list[int] = []

    @classmethod
    def session(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The bus of the person's session; raises OSError where there is none."""
        runtime = environ.get("XDG_RUNTIME_DIR", "")
        address = environ.get("DBUS_SESSION_BUS_ADDRESS", "")
        return cls._open(address or (f"unix:path={runtime}/bus" if runtime else ""))

    @classmethod
    def system(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The machine's own bus; raises OSError where there is none."""
        usual = "unix:path=/run/dbus/system_bus_socket"
        return cls._open(environ.get("DBUS_SYSTEM_BUS_ADDRESS", "") or usual)

    @classmethod
    def _open(cls, addresses: str) -> Self:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(TIMEOUT)
            connected.connect(_place(addresses))
            _authenticate(connected)
            bus = cls(connected)
            own = "org.freedesktop.DBus"
            bus.call(Target(own, "/org/freedesktop/DBus", own), "Hello")
        except (OSError, ValueError, struct.error):
            connected.close()
            raise
        return bus

    def call(self, target: Target, member: str, signature: str = "", *args: Any) -> list[Any]:
        """The values that a method answers with.  Raises BusError, OSError."""
        self._serial += 1
        fields: list[tuple[int, str, Any]] = [
            (_PATH, "o", target.path),
            (_INTERFACE, "s", target.interface),
            (_MEMBER, "s", member),
            (_DESTINATION, "s", target.service),
        ]
        fields += [(_SIGNATURE, "g", signature)] if signature else []
        body = _Writer()
        body.values(signature, args)
        head = _Writer()
        flags = 2  # do not start the service
        head.values("yyyyuu", (ord("l"), _CALL, flags, 1, len(body.data), self._serial))
        head.value("a(yv)", [(number, (sign, value)) for number, sign, value in fields])
        head.align(8)
        self._socket.sendall(head.data + body.data)
        return self._answer_to(self._serial)

    def property(self, target: Target, name: str) -> Any:
        """One property of an object.  Raises BusError, OSError."""
        getter = Target(target.service, target.path, "org.freedesktop.DBus.Properties")
        return self.call(getter, "Get", "ss", target.interface, name)[0]

    def take_fd(self) -> int:
        """The descriptor that came with the last answer; whoever takes it closes it."""
        if not self._fds:
            raise BusError("the answer came without a descriptor")
        return self._fds.pop()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        while self._fds:
            os.close(self._fds.pop())

    def _answer_to(self, serial: int) -> list[Any]:
        try:
            while True:
                kind, fields, values = self._message()
                if fields.get(_REPLY) != serial:
                    continue
                if kind == _ERROR:
                    raise BusError(str(values[0]) if values else str(fields.get(4)))
                return values
        except (struct.error, ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
            raise OSError(f"the bus answers nonsense: {error}") from None

    def _message(self) -> tuple[int, dict[int, Any], list[Any]]:
        head = self._receive(16)
        if head[0] != ord("l"):
            raise ValueError("big-endian")
        length, _, of_fields = struct.unpack_from("<III", head, 4)
        if max(length, of_fields) > MOST:
            raise ValueError("too long")
        rest = self._receive(of_fields + (-of_fields % 8) + length)
        pairs = _Reader(head + rest, 12).value("a(yv)")
        fields = {number: value for number, value in pairs}  # noqa: C416  of lists, not of pairs
        body = rest[of_fields + (-of_fields % 8) :]
        return head[1], fields, _Reader(body, 0).values(fields.get(_SIGNATURE, ""))

    def _receive(self, size: int) -> bytes:
        while len(self._left) < size:
            data, fds, _, _ = socket.recv_fds(self._socket, 1 << 16, 8)
            self._fds += fds
            if not data:
                raise ConnectionError("the bus hung up")
            self._left += data
        found = bytes(self._left[:size])
        del self._left[:size]
        return found


def _place(addresses: str) -> str:
    """The path of the first socket in a bus address."""
    for address in addresses.split(";"):
        kind, _, keys = address.partition(":")
        known = dict(pair.partition("=")[::2] for pair in keys.split(","))
        if kind == "unix" and known.get("path"):
            return known["path"]
        if kind == "unix" and known.get("abstract"):
            return "\0" + known["abstract"]
    raise FileNotFoundError("there is no bus here")


def _authenticate(connected: socket.socket) -> None:
    who = str(os.geteuid()).encode().hex()
    connected.sendall(b"\0AUTH EXTERNAL " + who.encode() + b"\r\n")
    if not _line(connected).startswith(b"OK"):
        raise PermissionError("the bus refuses")
    connected.sendall(b"NEGOTIATE_UNIX_FD\r\n")
    _line(connected)  # without it only inhibitors are lacking
    connected.sendall(b"BEGIN\r\n")


def _line(connected: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\r\n"):
        part = connected.recv(1)
        if not part or len(line) > 4096:
            raise ConnectionError("the bus hung up")
        line += part
    return bytes(line)


def _first(signature: str) -> str:
    """The first whole type of a signature."""
    if signature[0] == "a":
        return "a" + _first(signature[1:])
    if signature[0] not in "({":
        return signature[0]
    depth = 0
    for place, sign in enumerate(signature):
        depth += (sign in "({") - (sign in ")}")
        if depth == 0:
            return signature[: place + 1]
    raise ValueError(signature)


def _types(signature: str) -> list[str]:
    found = []
    while signature:
        found.append(_first(signature))
        signature = signature[len(found[-1]) :]
    return found


class _Writer:
    def __init__(self) -> None:
        self.data = bytearray()

    def align(self, size: int) -> None:
        self.data += b"\0" * (-len(self.data) % size)

    def values(self, signature: str, values: Sequence[Any]) -> None:
        for one, value in zip(_types(signature), values, strict=True):
            self.value(one, value)

    def value(self, kind: str, value: Any) -> None:
        sign = kind[0]
        self.align(_ALIGN[sign])
        if sign in _FIXED:
            self.data += struct.pack("<" + _FIXED[sign], value)
        elif sign == "b":
            self.data += struct.pack("<I", bool(value))
        elif sign in "so":
            text = value.encode()
            self.data += struct.pack("<I", len(text)) + text + b"\0"
        elif sign == "g":
            self.data += bytes([len(value)]) + value.encode() + b"\0"
        elif sign == "v":
            self.value("g", value[0])
            self.value(*value)
        elif sign == "a":
            self._array(kind[1:], list(value.items() if isinstance(value, dict) else value))
        else:
            self.values(kind[1:-1], value)

    def _array(self, kind: str, values: Sequence[Any]) -> None:
        place = len(self.data)
        self.data += bytes(4)
        self.align(_ALIGN[kind[0]])
        begin = len(self.data)
        for value in values:
            self.value(kind, value)
        self.data[place : place + 4] = struct.pack("<I", len(self.data) - begin)


class _Reader:
    def __init__(self, data: bytes, place: int) -> None:
        self._data, self._place = data, place

    def values(self, signature: str) -> list[Any]:
        return [self.value(one) for one in _types(signature)]

    def value(self, kind: str) -> Any:
        sign = kind[0]
        self._place += -self._place % _ALIGN[sign]
        if sign in _FIXED:
            return self._fixed(_FIXED[sign])
        if sign == "b":
            return bool(self._fixed("I"))
        if sign in "so":
            return self._text(self._fixed("I"))
        if sign == "g":
            return self._text(self._fixed("B"))
        if sign == "v":
            return self.value(self.value("g"))
        if sign == "a":
            return self._array(kind[1:])
        return self.values(kind[1:-1])

    def _fixed(self, code: str) -> Any:
        (value,) = struct.unpack_from("<" + code, self._data, self._place)
        self._place += struct.calcsize(code)
        return value

    def _text(self, size: int) -> str:
        text = self._data[self._place : self._place + size]
        self._place += size + 1
        return text.decode()

    def _array(self, kind: str) -> list[Any]:
        size = self._fixed("I")
        self._place += -self._place % _ALIGN[kind[0]]
        end = self._place + size
        found = []
        while self._place < end:
            found.append(self.value(kind))
        return found
