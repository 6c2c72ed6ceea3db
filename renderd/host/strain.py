"""What strains this machine now: short memory, others' work, battery, heat."""

import contextlib
import glob
import os
import sys
from collections import deque
from typing import NamedTuple

from renderd.core.courtesy import Readings

WINDOW = 1.0  #: seconds over which rates are taken
HEAT_EVERY = 2.0  #: seconds; some sensors answer slowly
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class _Counts(NamedTuple):
    at: float
    stalled_us: int
    pages_in: int
    user: int  #: ticks of programs of normal priority
    total: int


class StrainMeter:
    """Takes looks, about 0.3 ms each; remembers the counters in between."""

    def __init__(self, proc: str = "/proc", sys_: str = "/sys") -> None:
        """Reads below these two folders."""
        self._proc, self._sys = proc, sys_
        self._past: deque[_Counts] = deque(maxlen=64)
        self._sensors: list[tuple[str, float]] | None = None
        self._heat: tuple[float | None, float | None] = None, None
        self._heat_read = float("-inf")

    def read(self, now: float) -> Readings:
        """Look once; `now` is any clock in seconds that does not jump."""
        counts = self._counts(now)
        while len(self._past) > 1 and now - self._past[1].at >= WINDOW:
            self._past.popleft()
        then = self._past[0] if self._past else counts
        self._past.append(counts)
        passed = max(now - then.at, 1e-9)
        stalled = (counts.stalled_us - then.stalled_us) / 1e6 / passed
        pages = (counts.pages_in - then.pages_in) / passed
        ticks = counts.total - then.total
        celsius, critical = self._hottest(now)
        return Readings(
            stalled=min(max(stalled, 0.0), 1.0),
            free=self._free(),
            swap_in=max(pages, 0.0) * _PAGE,
            load=max(0.0, (counts.user - then.user) / ticks) if ticks > 0 else 0.0,
            battery=self._battery(),
            celsius=celsius,
            critical=critical,
        )

    def _counts(self, now: float) -> _Counts:
        ticks = [int(word) for word in self._line("proc/stat", b"cpu ").split()[1:9]] or [0] * 8
        stalled = self._line("proc/pressure/memory", b"some").rpartition(b"total=")[2]
        pages = self._line("proc/vmstat", b"pswpin ").split()[1:]
        return _Counts(now, int(stalled or 0), int(pages[0]) if pages else 0, ticks[0], sum(ticks))

    def _free(self) -> float:
        if not sys.platform.startswith("linux"):
            import psutil  # noqa: PLC0415

            memory = psutil.virtual_memory()
            return float(memory.available / memory.total)
        total, free = (self._line("proc/meminfo", n).split()[1:2] for n in (b"MemTotal:", b"MemAv"))
        return int(free[0]) / max(int(total[0]), 1) if total and free else 1.0

    def _battery(self) -> float | None:
        """Percent left where the machine runs on battery; None on the mains."""
        if not sys.platform.startswith("linux"):
            import psutil  # noqa: PLC0415

            found = psutil.sensors_battery()
            return found.percent if found is not None and not found.power_plugged else None
        left = None
        for folder in glob.glob(f"{self._sys}/class/power_supply/*"):
            kind, scope = _text(f"{folder}/type"), _text(f"{folder}/scope")
            if kind in ("Mains", "USB") and _text(f"{folder}/online") == "1":
                return None
            # A mouse has a battery too, of scope Device.
            is_ours = kind == "Battery" and scope != "Device"
            if is_ours and _text(f"{folder}/status") == "Discharging":
                left = _number(f"{folder}/capacity") or 0.0
        return left

    def _hottest(self, now: float) -> tuple[float | None, float | None]:
        """The sensor nearest to its own critical value, and that value."""
        if now - self._heat_read < HEAT_EVERY:
            return self._heat
        self._heat_read = now
        if self._sensors is None:
            self._sensors = list(self._find_sensors())
        found = [(v / 1000, limit) for f, limit in self._sensors if (v := _number(f)) is not None]
        self._heat = max(found, key=lambda one: one[0] - one[1], default=(None, None))
        return self._heat

    def _find_sensors(self) -> list[tuple[str, float]]:
        pairs = [
            (crit.removesuffix("_crit") + "_input", crit)
            for crit in glob.glob(f"{self._sys}/class/hwmon/hwmon*/temp*_crit")
        ]
        for kind in glob.glob(f"{self._sys}/class/thermal/thermal_zone*/trip_point_*_type"):
            if _text(kind) == "critical":
                zone = os.path.dirname(kind)
                pairs.append((f"{zone}/temp", kind.removesuffix("_type") + "_temp"))
        found = [(file, _number(limit)) for file, limit in pairs]
        # Cards without a probe say 0, -273 or 255 °C.
        return [(f, c / 1000) for f, c in found if c is not None and 40e3 <= c <= 130e3]

    def _line(self, name: str, start: bytes) -> bytes:
        """The line of a kernel file that begins so; empty where there is none."""
        with contextlib.suppress(OSError):
            path = self._proc + name.removeprefix("proc")
            with open(path, "rb", buffering=0) as file:
                whole = b"\n" + file.read(1 << 20)
            place = whole.find(b"\n" + start)
            if place >= 0:
                return whole[place + 1 :].partition(b"\n")[0]
        return b""


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _number(path: str) -> float | None:
    try:
        return float(_text(path))
    except ValueError:
        return None
