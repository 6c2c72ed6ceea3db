"""Graphics processors: which there are and how busy; every question soft and limited."""

import glob
import importlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from renderd.host import process

_NVIDIA = "/proc/driver/nvidia/version"
_COMPUTES = re.compile(r"/dev/(?:nvidia\d+|kfd)")
_DRM_MEMORY = re.compile(
    r"^drm-(?:memory|resident)-(?:vram|local)\d*:\s*(\d+)\s*(KiB|MiB|)$", re.MULTILINE
)
_SMI_LIMIT = 10.0  # the first call after boot loads the driver


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics processor; 0 and '' where the machine does not say."""

    name: str
    memory_bytes: int = 0
    driver: str = ""


def find_gpus(timeout: float = _SMI_LIMIT) -> tuple[Gpu, ...]:
    """All GPUs worth rendering on; may take `timeout` seconds, so ask from a thread."""
    return _nvidia_gpus(timeout) + _amd_gpus()


def _nvidia_gpus(timeout: float) -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    fields = "--query-gpu=name,memory.total,driver_version"
    try:
        answer = subprocess.run(
            [program, fields, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_smi(answer.stdout)


def parse_smi(text: str) -> tuple[Gpu, ...]:
    """The GPUs in nvidia-smi's 'name, MiB, driver' lines; lines of another kind are skipped."""
    found = []
    for line in text.splitlines():
        name, comma, rest = line.partition(",")
        memory, _, driver = rest.partition(",")
        if comma:
            size = int(memory) << 20 if memory.strip().isdigit() else 0
            found.append(Gpu(name.strip(), size, driver.strip()))
    return tuple(found)


def _amd_gpus() -> tuple[Gpu, ...]:
    found = []
    for folder in sorted(glob.glob("/sys/class/drm/card[0-9]*/device")):
        size = _number(f"{folder}/mem_info_vram_total")
        if size:
            found.append(Gpu(_text(f"{folder}/product_name") or "AMD GPU", size, "amdgpu"))
    return tuple(found)


class GpuMeter:
    """How busy the busiest GPU is: by NVML where the `gpu` extra is there, else by sysfs."""

    def __init__(self) -> None:
        self._files: list[str] | None = None
        self._nvml: Any = None
        self._handles: list[Any] = []

    def percent(self) -> float | None:
        """0 to 100, or None when no GPU tells; the first call may take 0.1 s."""
        if self._files is None:
            self._files = glob.glob("/sys/class/drm/card[0-9]*/device/gpu_busy_percent")
            if os.path.exists(_NVIDIA):
                self._open_nvml()
        values = [_number(file) for file in self._files]
        values += [self._nvidia_percent(handle) for handle in self._handles]
        known = [float(value) for value in values if value is not None]
        return max(known) if known else None

    def _open_nvml(self) -> None:
        try:
            self._nvml = importlib.import_module("pynvml")
            self._nvml.nvmlInit()
            count = self._nvml.nvmlDeviceGetCount()
            self._handles = [self._nvml.nvmlDeviceGetHandleByIndex(i) for i in range(count)]
        except Exception:  # its own error classes exist only where it does
            self._handles = []

    def _nvidia_percent(self, handle: Any) -> int | None:
        try:
            return int(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        except Exception:
            return None


def holds_memory(pid: int) -> bool:
    """Whether a process or one below it has memory on a GPU, as far as the kernel tells.

    NVIDIA's and ROCm's drivers do not say how much: there an open device counts.
    """
    return any(_holds_memory(one) for one in (pid, *process.descendants(pid)))


def _holds_memory(pid: int) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:
            continue
        if _COMPUTES.fullmatch(target):
            return True
        if target.startswith("/dev/dri/") and video_memory(_text(f"/proc/{pid}/fdinfo/{name}")):
            return True
    return False


def video_memory(fdinfo: str) -> int | None:
    """Bytes of its own memory that a GPU gave an open file (drm-usage-stats); None: not told."""
    found = _DRM_MEMORY.findall(fdinfo)
    units = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20}
    return max((int(size) * units[unit] for size, unit in found), default=None)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _number(path: str) -> int | None:
    text = _text(path)
    return int(text) if text.isdigit() else None
