"""What a running command and all it started use: is it alive, or does it hang?"""

import contextlib
import os
from dataclasses import dataclass

from renderd.host import process

_TICK = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """Sums over a tree of processes, those that ended included where the kernel adds them up."""

    processes: int
    cpu_seconds: float
    rss_bytes: int
    peak_rss_bytes: int  #: the largest that any one of them was
    io_bytes: int  #: through read and write, files, pipes and caches alike

    def is_active_since(self, earlier: "ProcessUse") -> bool:
        """Whether it computed, read or wrote anything, or started or ended a process."""
        return (
            self.processes != earlier.processes
            or self.io_bytes != earlier.io_bytes
            or self.cpu_seconds - earlier.cpu_seconds >= 2 * _TICK
        )


def measure(pid: int) -> ProcessUse | None:
    """What `pid` and its descendants use now; None when it is gone."""
    if not process.ON_LINUX:
        return _measure_elsewhere(pid)
    parts = [use for use in map(_measure_one, [pid, *process.descendants(pid)]) if use]
    if not parts:
        return None
    return ProcessUse(
        len(parts),
        sum(part.cpu_seconds for part in parts),
        sum(part.rss_bytes for part in parts),
        max(part.peak_rss_bytes for part in parts),
        sum(part.io_bytes for part in parts),
    )


def _measure_one(pid: int) -> ProcessUse | None:
    stat = process.read_stat(pid)
    if stat is None:
        return None
    ticks = sum(int(field) for field in stat[11:15])  # user, system, and of reaped children
    fields: dict[bytes, int] = {}
    for name in ("io", "status"):  # io is only for the same user
        with contextlib.suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:
            fields.update(_numbers(file.read()))
    io = fields.get(b"rchar", 0) + fields.get(b"wchar", 0)
    rss = int(stat[21]) * _PAGE
    return ProcessUse(1, ticks * _TICK, rss, fields.get(b"VmHWM", rss // 1024) * 1024, io)


def _numbers(text: bytes) -> dict[bytes, int]:
    """The 'name: number' lines of a kernel file."""
    pairs = (line.split()[:2] for line in text.splitlines())
    return {p[0].rstrip(b":"): int(p[1]) for p in pairs if len(p) == 2 and p[1].isdigit()}


def _measure_elsewhere(pid: int) -> ProcessUse | None:
    """By psutil (untested)."""
    import psutil  # noqa: PLC0415

    cpu, rss, peak, count = 0.0, 0, 0, 0
    for one in [pid, *process.descendants(pid)]:
        with contextlib.suppress(psutil.Error):
            times, memory = psutil.Process(one).cpu_times(), psutil.Process(one).memory_info()
            cpu, rss, count = cpu + times.user + times.system, rss + memory.rss, count + 1
            peak = max(peak, memory.rss)
    return ProcessUse(count, cpu, rss, peak, 0) if count else None
