"""Keeps this machine from falling asleep while it works for the farm."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from renderd.host.dbus import Bus, Target

_LOGIND = Target(
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"
)
_NOBODY = "no systemd-logind here holds off sleep; switch sleep off in its power settings"
_CONTINUOUS, _SYSTEM_REQUIRED = 0x80000000, 1  # SetThreadExecutionState


class Awake:
    """Holds off sleep.  For one thread: Windows counts by threads."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._held: Any = None

    @property
    def is_held(self) -> bool:
        """Whether sleep is held off now."""
        return self._held is not None

    def hold(self, why: str) -> None:
        """Hold sleep off until `release` or the end of this process; raises OSError."""
        if self._held is not None:
            return
        if sys.platform == "win32":
            _windows(_CONTINUOUS | _SYSTEM_REQUIRED)
            self._held = True
        elif sys.platform == "darwin":
            words = ["/usr/bin/caffeinate", "-i", "-w", str(os.getpid())]
            self._held = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        else:
            self._held = self._logind(why)

    def release(self) -> None:
        """Let it sleep again."""
        held, self._held = self._held, None
        if isinstance(held, subprocess.Popen):
            held.terminate()
            held.wait()
        elif held is True:
            _windows(_CONTINUOUS)
        elif held is not None:
            os.close(held)

    def _logind(self, why: str) -> int:
        try:
            bus = Bus.system(self._environ)
        except (FileNotFoundError, ConnectionRefusedError):
            raise OSError(_NOBODY) from None
        try:
            bus.call(_LOGIND, "Inhibit", "ssss", "sleep:idle", "renderd", why, "block")
            return bus.take_fd()
        finally:
            bus.close()


def _windows(state: int) -> None:
    """By SetThreadExecutionState (untested)."""
    library = ctypes.windll.kernel32  # type: ignore[attr-defined]
    if not library.SetThreadExecutionState(state):
        raise OSError("Windows refuses to stay awake")
