"""Tell the service manager how the daemon is: systemd's notification socket."""

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends states to $NOTIFY_SOCKET; without one, every call does nothing."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._watchdog_s = _watchdog_seconds(environ)

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds between two `alive` calls: half of what the manager allows; None: unwatched."""
        return self._watchdog_s / 2 if self._watchdog_s else None

    def ready(self, status: str = "") -> None:
        """The daemon serves."""
        self._send("READY=1", status)

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send("", text)

    def alive(self) -> None:
        """The loop turns; to be said every `watchdog_interval`."""
        self._send("WATCHDOG=1")

    def stopping(self, status: str = "") -> None:
        """The daemon leaves by its own will."""
        self._send("STOPPING=1", status)

    def reloading(self, monotonic_us: int) -> None:
        """The configuration is read again; `ready` ends it.  The clock is CLOCK_MONOTONIC."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us}")

    def _send(self, state: str, status: str = "") -> None:
        if not self._address:
            return
        line = status.replace("\n", " ")
        text = "\n".join(part for part in (state, f"STATUS={line}" if line else "") if part)
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with (
            contextlib.suppress(OSError),  # a manager that went away is no reason to stop
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)  # noqa: FBT003
            sender.sendto(text.encode(), address)


def _watchdog_seconds(environ: Mapping[str, str]) -> float:
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) / 1e6 if text.isdigit() else 0.0
