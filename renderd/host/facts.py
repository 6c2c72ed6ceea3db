"""What this machine is: name, system, cores, memory; read once at start."""

import os
import platform
import re
import socket
import sys
import unicodedata
from dataclasses import dataclass

from renderd.host.gpu import Gpu

SLUG_LENGTH = 24
LEAF = "renderd"  #: the control group of a daemon that keeps its commands in others beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """The lasting facts of a machine; `gpus` is filled in later (`gpu.find_gpus` is slow)."""

    host: str
    system: str
    kernel: str
    machine: str
    cores: int
    ram_bytes: int
    swap_bytes: int
    boot_id: str
    gpus: tuple[Gpu, ...] = ()


def read_facts() -> NodeFacts:
    """The facts of this machine without its GPUs; takes about a millisecond."""
    ram, swap = memory_sizes()
    return NodeFacts(
        host=host_name(),
        system=_system(),
        kernel=platform.release(),
        machine=platform.machine(),
        cores=core_count(),
        ram_bytes=ram,
        swap_bytes=swap,
        boot_id=boot_id(),
    )


def host_name() -> str:
    """This machine's name without its domain."""
    return socket.gethostname().partition(".")[0] or "localhost"


def host_slug(name: str) -> str:
    """A node name as it may stand in file names: [a-z0-9_-], 1 to 24 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-")[:SLUG_LENGTH].rstrip("-")
    return slug or "node"


def core_count() -> int:
    """How many processors we may use, which in a container can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_sizes() -> tuple[int, int]:
    """Bytes of memory (no more than our control group may use) and of swap."""
    info = read_meminfo()
    if not info:
        import psutil  # noqa: PLC0415  # 10 ms that no Linux start should pay

        return psutil.virtual_memory().total, psutil.swap_memory().total
    return min(info["MemTotal"], group_limit() or info["MemTotal"]), info.get("SwapTotal", 0)


def read_meminfo() -> dict[str, int]:
    """/proc/meminfo in bytes; empty where there is none."""
    try:
        with open("/proc/meminfo", "rb", buffering=0) as file:
            lines = file.read().decode().splitlines()
    except OSError:
        return {}
    pairs = (line.split()[:2] for line in lines)
    return {name.rstrip(":"): int(value) * 1024 for name, value in pairs}


def control_group() -> str:
    """The folder of the control group (version 2) that holds us and our commands, or nothing."""
    own = own_group()
    # The daemon's own leaf, see cgroup.py: kills and limits are told by the group around it.
    return own.removesuffix(f"/{LEAF}")


def own_group() -> str:
    """The folder of the control group (version 2) of this very process, or an empty string."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                if line.startswith("0::"):
                    return "/sys/fs/cgroup" + line[3:].rstrip("\n")
    except OSError:
        pass
    return ""


def group_limit() -> int | None:
    """Bytes of memory that our control group may use; None where it has no limit."""
    folder = control_group()
    try:
        with open(f"{folder}/memory.max", encoding="ascii") as file:
            text = file.read().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def boot_id() -> str:
    """A name of this boot of this kernel: equal means no restart of the machine since."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        import psutil  # noqa: PLC0415

        return f"{host_name()}-{psutil.boot_time():.0f}"


def _system() -> str:
    """The operating system as people call it: 'Debian GNU/Linux 12', 'macOS 14.5'."""
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
