"""How long nobody has used this machine: asked of its desktop and logind, never of input."""

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from renderd.host.dbus import Bus, BusError, Target
from renderd.host.wayland import Compositor, sockets
from renderd.host.x11 import XServer, displays

AGAIN_AFTER = 10.0  #: seconds until somebody who could not be asked is asked again
SESSIONS_EVERY = 1.0  #: seconds for which what logind said is believed
_MUTTER = Target(
    "org.gnome.Mutter.IdleMonitor",
    "/org/gnome/Mutter/IdleMonitor/Core",
    "org.gnome.Mutter.IdleMonitor",
)
_SAVER = Target("org.kde.screensaver", "/ScreenSaver", "org.freedesktop.ScreenSaver")
_LOGIND = Target(
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"
)
_SESSION = "org.freedesktop.login1.Session"

Source = Callable[[], float | None]


class Presence:
    """Asks everybody who may know.  Not for several threads at once."""

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._environ, self._clock, self._wall = environ, clock, wall
        self._closers: dict[str, Any] = {}
        self._not_before: dict[str, float] = {}
        self._logins: tuple[float, float | None] = float("-inf"), None

    def idle(self) -> float | None:
        """Seconds since a person's last input; inf where nobody is logged in; None: not told."""
        if sys.platform == "win32":
            return self._ask("windows", _windows)
        if sys.platform == "darwin":
            return self._ask("macos", _macos)
        exact = [self._ask("x11", self._x11), self._ask("wayland", self._wayland)]
        if exact[-1] is None:  # else KDE would say 0, which is no answer: it cannot under Wayland
            exact.append(self._ask("desktop", self._desktop))
        known = [one for one in exact if one is not None]
        logged_in = self._ask("logind", lambda: self._logind(has_exact=bool(known)))
        return min([*known, *([] if logged_in is None else [logged_in])], default=None)

    def close(self) -> None:
        """Hang up everywhere."""
        for one in self._closers.values():
            one.close()
        self._closers.clear()

    def _ask(self, name: str, source: Source) -> float | None:
        """What a source says; one that fails is left alone for some seconds."""
        now = self._clock()
        if now < self._not_before.get(name, 0.0):
            return None
        try:
            return source()
        except (OSError, AttributeError, ValueError, TypeError):
            self._not_before[name] = now + AGAIN_AFTER
            held = self._closers.pop(name, None)
            if held is not None:
                held.close()
            return None

    def _x11(self) -> float | None:
        server = self._closers.get("x11")
        if server is None:
            server = self._closers["x11"] = self._open_x()
        return float(server.idle())

    def _open_x(self) -> XServer:
        if (
            self._environ.get("WAYLAND_DISPLAY")
            or self._environ.get("XDG_SESSION_TYPE") == "wayland"
        ):
            raise OSError("an X server inside a Wayland session hears of few keys")
        home = os.path.join(self._environ.get("HOME", ""), ".Xauthority")
        authority = self._environ.get("XAUTHORITY", "") or home
        for display in displays(self._environ.get("DISPLAY", "")):
            with contextlib.suppress(OSError):
                return XServer.open(display, authority)
        raise OSError("no X server answers")

    def _wayland(self) -> float | None:
        compositor = self._closers.get("wayland")
        if compositor is None:
            compositor = self._closers["wayland"] = self._open_compositor()
        return float(compositor.idle())

    def _open_compositor(self) -> Compositor:
        for path in sockets(self._environ):
            with contextlib.suppress(OSError):
                return Compositor.open(path, self._clock)
        raise OSError("no Wayland compositor tells")

    def _desktop(self) -> float | None:
        """GNOME's word, else KDE's; both in milliseconds."""
        bus = self._closers.get("desktop")
        if bus is None:
            bus = self._closers["desktop"] = Bus.session(self._environ)
        for target, member in ((_MUTTER, "GetIdletime"), (_SAVER, "GetSessionIdleTime")):
            with contextlib.suppress(BusError):
                return float(bus.call(target, member)[0] / 1000)
        raise OSError("no desktop tells")

    def _logind(self, *, has_exact: bool) -> float | None:
        now = self._clock()
        if now - self._logins[0] < SESSIONS_EVERY:
            return self._logins[1]
        bus = self._closers.get("logind")
        if bus is None:
            bus = self._closers["logind"] = Bus.system(self._environ)
        (sessions,) = bus.call(_LOGIND, "ListSessions")
        found = [self._session(bus, str(s[4]), int(s[1]), has_exact=has_exact) for s in sessions]
        idle = min((one for one in found if one is not None), default=float("inf"))
        self._logins = now, idle
        return idle

    def _session(self, bus: Bus, path: str, uid: int, *, has_exact: bool) -> float | None:
        """For how long a session says that it is idle; None for one that no person sits at."""
        target = Target(_LOGIND.service, path, _SESSION)
        try:
            said = {n: bus.property(target, n) for n in ("Class", "Type", "State")}
            if said["Class"] != "user" or said["State"] == "closing":
                return None
            is_idle, since = (bus.property(target, n) for n in ("IdleHint", "IdleSinceHint"))
        except BusError:
            return None  # it has just ended
        for_s = self._wall() - since / 1e6 if since else 0.0
        if said["Type"] == "tty":  # logind knows when its terminal was last typed at
            return max(for_s, 0.0)
        if has_exact and uid == os.geteuid():
            return None
        return max(for_s, 0.0) if is_idle else 0.0


def _windows() -> float | None:
    """By GetLastInputInfo (untested)."""

    class LastInput(ctypes.Structure):
        _fields_ = (("size", ctypes.c_uint), ("tick", ctypes.c_uint))

    said = LastInput(ctypes.sizeof(LastInput), 0)
    library = ctypes.windll  # type: ignore[attr-defined]
    if not library.user32.GetLastInputInfo(ctypes.byref(said)):
        return None
    return float(((library.kernel32.GetTickCount() - said.tick) & 0xFFFFFFFF) / 1000)


def _macos() -> float | None:
    """By CGEventSourceSecondsSinceLastEventType (untested)."""
    path = "/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics"
    ask = ctypes.CDLL(path).CGEventSourceSecondsSinceLastEventType
    ask.restype, ask.argtypes = ctypes.c_double, (ctypes.c_int32, ctypes.c_uint32)
    return float(ask(1, 0xFFFFFFFF))  # the hardware's state, any event
