"""Tells this machine's daemon how long its person has been idle, out of their session.

A daemon that runs as a service sees no session; it asks for this only while it matters.
"""

import threading

from renderd.client import Client
from renderd.config import Settings
from renderd.core.wire import Op
from renderd.errors import RenderdError
from renderd.host.presence import Presence

EVERY = 1.0  #: seconds between two words while the daemon wants to know
SELDOM = 20.0  #: the same while it does not


class Attendance(threading.Thread):
    """One thread of a program in the person's session; dies with it."""

    def __init__(self, settings: Settings, presence: Presence | None = None) -> None:
        super().__init__(name="attendance", daemon=True)
        self._settings = settings
        self._presence = presence or Presence()
        self._over = threading.Event()

    def stop(self) -> None:
        """Tell no more."""
        self._over.set()

    def run(self) -> None:
        with Client(self._settings) as client:
            while not self._over.wait(EVERY if self._tell(client) else SELDOM):
                pass
        self._presence.close()

    def _tell(self, client: Client) -> bool:
        """Say it once; whether the daemon wants to hear it again soon."""
        idle = self._presence.idle()
        if idle is None:
            return False
        try:
            said = client.order(Op.PRESENCE, idle=round(min(idle, 1e9), 1))
        except (OSError, RenderdError):
            client.close()  # it is not there: sought anew the next time
            return False
        return bool(said.get("matters"))
