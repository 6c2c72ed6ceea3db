"""How busy this machine is now: processors, memory, swapping, heat, disk."""

import contextlib
import functools
import glob
import os
import re
from dataclasses import dataclass, replace

from renderd.core.recent import Recent
from renderd.host.facts import control_group, group_limit, read_meminfo
from renderd.host.gpu import GpuMeter

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_PLAUSIBLE_CELSIUS = (1.0, 150.0)  # sensors without a probe answer 0, -273 or 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One look at the machine; None where it does not say.  Rates are since the last look."""

    load1: float
    cpu_percent: float  #: of all cores together, 0 to 100
    memory_used_bytes: int
    memory_total_bytes: int
    swap_used_bytes: int
    swap_total_bytes: int
    swap_in_bytes_per_s: float = 0.0
    swap_out_bytes_per_s: float = 0.0
    celsius: float | None = None  #: the hottest sensor
    disk_free_bytes: int | None = None
    gpu_percent: float | None = None
    oom_kills: int | None = None  #: so far; one more after a SIGKILL says why
    memory_past: str = ""  #: part used in the last ten minutes, as letters of core.recent
    swap_past: str = ""


class LoadSampler:
    """Takes looks at the machine, about 0.3 ms each; remembers the counters in between."""

    def __init__(self, disk_path: str = "") -> None:
        """`disk_path` must be local: asking a share that hangs would hang the sampler."""
        self._disk_path = disk_path
        self._gpu = GpuMeter()
        self._sensors: list[str] | None = None
        self._then = 0.0
        self._cpu = (0, 0)
        self._swap = (0, 0)
        self._past = Recent(), Recent()  #: of memory and swap

    def sample(self, now: float) -> Load:
        """Look once; `now` is any clock in seconds that does not jump."""
        info = read_meminfo()
        if not info:
            return self._remember(self._sample_elsewhere(), now)
        total, swap_total = info["MemTotal"], info.get("SwapTotal", 0)
        vmstat = _read_counters("/proc/vmstat")
        swap_in, swap_out = self._swap_rates(vmstat, now)
        load = Load(
            load1=os.getloadavg()[0],
            cpu_percent=self._cpu_percent(),
            memory_used_bytes=total - info.get("MemAvailable", info.get("MemFree", 0)),
            memory_total_bytes=total,
            swap_used_bytes=swap_total - info.get("SwapFree", 0),
            swap_total_bytes=swap_total,
            swap_in_bytes_per_s=swap_in,
            swap_out_bytes_per_s=swap_out,
            celsius=self._hottest(),
            disk_free_bytes=self._disk_free(),
            gpu_percent=self._gpu.percent(),
            oom_kills=_group_oom_kills(vmstat),
        )
        self._then = now
        return self._remember(load, now)

    def _remember(self, load: Load, now: float) -> Load:
        memory, swap = self._past
        memory.add(now, _part(load.memory_used_bytes, load.memory_total_bytes))
        swap.add(now, _part(load.swap_used_bytes, load.swap_total_bytes))
        return replace(load, memory_past=memory.told(), swap_past=swap.told())

    def _sample_elsewhere(self) -> Load:
        """Without /proc: by psutil (untested)."""
        import psutil  # noqa: PLC0415

        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        return Load(
            load1=psutil.getloadavg()[0],
            cpu_percent=psutil.cpu_percent(),
            memory_used_bytes=memory.total - memory.available,
            memory_total_bytes=memory.total,
            swap_used_bytes=swap.used,
            swap_total_bytes=swap.total,
            disk_free_bytes=self._disk_free(),
            gpu_percent=self._gpu.percent(),
        )

    def _cpu_percent(self) -> float:
        try:
            with open("/proc/stat", "rb") as file:
                times = [int(field) for field in file.readline().split()[1:9]]
        except OSError:
            return 0.0
        idle, total = times[3] + times[4], sum(times)
        past_idle, past_total = self._cpu
        self._cpu = (idle, total)
        if not past_total or total <= past_total:
            return 0.0
        return max(0.0, 100.0 * (1 - (idle - past_idle) / (total - past_total)))

    def _swap_rates(self, vmstat: dict[str, int], now: float) -> tuple[float, float]:
        past, self._swap = self._swap, (vmstat.get("pswpin", 0), vmstat.get("pswpout", 0))
        passed = now - self._then
        if not self._then or passed <= 0:
            return 0.0, 0.0
        pages_in, pages_out = (new - old for new, old in zip(self._swap, past, strict=True))
        return pages_in * _PAGE / passed, pages_out * _PAGE / passed

    def _hottest(self) -> float | None:
        if self._sensors is None:
            self._sensors = glob.glob("/sys/class/thermal/thermal_zone*/temp")
            self._sensors += glob.glob("/sys/class/hwmon/hwmon*/temp*_input")
        degrees = []
        for sensor in self._sensors:
            with contextlib.suppress(OSError, ValueError), open(sensor, "rb") as file:
                degrees.append(int(file.read()) / 1000)
        low, high = _PLAUSIBLE_CELSIUS
        return max((value for value in degrees if low <= value <= high), default=None)

    def _disk_free(self) -> int | None:
        if not self._disk_path or not hasattr(os, "statvfs"):
            return None
        try:
            disk = os.statvfs(self._disk_path)
        except OSError:
            return None
        return disk.f_bavail * disk.f_frsize


def available_bytes() -> int:
    """Memory that new programs can have without swapping, in our control group or the machine."""
    info = read_meminfo()
    if not info:
        import psutil  # noqa: PLC0415

        return int(psutil.virtual_memory().available)
    available = info.get("MemAvailable", info.get("MemFree", 0))
    limit, folder = group_limit(), control_group()
    if limit is None:
        return available
    try:
        with open(f"{folder}/memory.current", encoding="ascii") as file:
            used = int(file.read())
    except (OSError, ValueError):
        return available
    # Clean file pages count as used there, and are given up when somebody needs the room.
    used -= _read_counters(f"{folder}/memory.stat").get("inactive_file", 0)
    return max(0, min(available, limit - used))


def oom_kills() -> int | None:
    """How often the kernel killed for memory, in our control group or else on the machine.

    A command that died by SIGKILL while this grew since an earlier `Load` ran out of memory.
    """
    return _group_oom_kills(None)


def _group_oom_kills(vmstat: dict[str, int] | None) -> int | None:
    kills = _counter(f"{_own_group()}/memory.events")
    if kills is not None:
        return kills
    return _counter("/proc/vmstat") if vmstat is None else vmstat.get("oom_kill")


@functools.cache  # asked before each command, and nobody moves a daemon to another group
def _own_group() -> str:
    return control_group()


def _counter(path: str, name: bytes = b"oom_kill") -> int | None:
    """One number of such a file, a fifth of the work of reading them all."""
    try:
        with open(path, "rb", buffering=0) as file:
            found = re.search(rb"^%s (\d+)" % name, file.read(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def _read_counters(path: str) -> dict[str, int]:
    """A kernel file of 'name number' lines; empty where there is none."""
    try:
        with open(path, "rb", buffering=0) as file:
            words = file.read().decode().split()
    except OSError:
        return {}
    return {name: int(value) for name, value in zip(words[::2], words[1::2], strict=False)}


def _part(used: int, total: int) -> float | None:
    return used / total if total else None
