"""What strains a machine, read of kernel files as the kernel writes them."""

import os
import sys
from pathlib import Path

import pytest

from renderd.host import gpu
from renderd.host.strain import StrainMeter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the files are Linux's")


class Machine:
    """A /proc and a /sys whose numbers a test sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = self.nice = self.idle = self.stalled = self.pages = 0
        self.free = 8_000_000

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def settle(self) -> None:
        times = f"{self.user} {self.nice} 0 {self.idle} 0 0 0 0 0 0"
        self.write("proc/stat", f"cpu  {times}\ncpu0 {times}\nintr 1 2\n")
        some = f"some avg10=0.00 avg60=0.00 avg300=0.00 total={self.stalled}\n"
        self.write("proc/pressure/memory", some + some.replace("some", "full"))
        self.write("proc/vmstat", f"nr_free_pages 1\npswpin {self.pages}\npswpout 9\n")
        self.write("proc/meminfo", f"MemTotal: 16000000 kB\nMemAvailable: {self.free} kB\n")

    def meter(self) -> StrainMeter:
        self.settle()
        return StrainMeter(f"{self.folder}/proc", f"{self.folder}/sys")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_rates_are_those_of_the_last_second_or_so(machine):
    meter = machine.meter()
    meter.read(100.0)
    for now in (100.5, 101.0, 101.5, 102.0):
        machine.stalled += 100_000  # us: a fifth of half a second
        machine.pages += 256
        machine.user, machine.nice = machine.user + 30, machine.nice + 70
        machine.settle()
        seen = meter.read(now)
    assert seen.stalled == pytest.approx(0.2)
    assert seen.swap_in == pytest.approx(512 * os.sysconf("SC_PAGE_SIZE"))
    assert seen.load == pytest.approx(0.3)  # what runs at nice 19 is no load of others
    assert seen.free == pytest.approx(0.5)


def test_a_change_shows_within_a_second_and_a_half(machine):
    meter = machine.meter()
    now = 0.0
    for _ in range(20):
        meter.read(now := now + 0.4)
    for _ in range(3):
        machine.stalled += 400_000
        machine.settle()
        seen = meter.read(now := now + 0.4)
    assert seen.stalled > 0.9


def test_a_machine_without_these_files_is_not_strained(tmp_path):
    meter = StrainMeter(str(tmp_path), str(tmp_path))
    meter.read(1.0)
    seen = meter.read(2.0)
    assert (seen.stalled, seen.swap_in, seen.load, seen.free) == (0.0, 0.0, 0.0, 1.0)
    assert (seen.battery, seen.celsius) == (None, None)


def battery(machine, status, kind="Battery", scope="", name="BAT0"):
    for key, text in {"type": kind, "status": status, "capacity": "71", "scope": scope}.items():
        machine.write(f"sys/class/power_supply/{name}/{key}", f"{text}\n")


def test_a_discharging_battery_counts_where_no_mains_are_on(machine):
    battery(machine, "Discharging")
    assert machine.meter().read(1.0).battery == 71.0
    machine.write("sys/class/power_supply/AC/type", "Mains\n")
    machine.write("sys/class/power_supply/AC/online", "1\n")
    assert machine.meter().read(1.0).battery is None
    machine.write("sys/class/power_supply/AC/online", "0\n")
    assert machine.meter().read(1.0).battery == 71.0


@pytest.mark.parametrize(
    ("status", "scope"), [("Charging", ""), ("Full", ""), ("Discharging", "Device")]
)
def test_a_mouse_and_a_battery_that_charges_are_no_reason(machine, status, scope):
    battery(machine, status, scope=scope)
    assert machine.meter().read(1.0).battery is None


def test_the_sensor_nearest_to_its_own_limit_is_told(machine):
    for chip, now, crit in (("hwmon0", 60_000, 100_000), ("hwmon1", 80_000, 85_000)):
        machine.write(f"sys/class/hwmon/{chip}/temp1_input", f"{now}\n")
        machine.write(f"sys/class/hwmon/{chip}/temp1_crit", f"{crit}\n")
    machine.write("sys/class/hwmon/hwmon2/temp1_input", "127000\n")  # names no limit
    machine.write("sys/class/hwmon/hwmon3/temp1_input", "-128000\n")
    machine.write("sys/class/hwmon/hwmon3/temp1_crit", "0\n")
    seen = machine.meter().read(1.0)
    assert (seen.celsius, seen.critical) == (80.0, 85.0)


def test_a_thermal_zone_counts_by_its_critical_trip(machine):
    zone = "sys/class/thermal/thermal_zone0"
    machine.write(f"{zone}/temp", "96000\n")
    for number, (kind, degrees) in enumerate((("passive", 80_000), ("critical", 98_000))):
        machine.write(f"{zone}/trip_point_{number}_type", f"{kind}\n")
        machine.write(f"{zone}/trip_point_{number}_temp", f"{degrees}\n")
    seen = machine.meter().read(1.0)
    assert (seen.celsius, seen.critical) == (96.0, 98.0)


def test_this_machine_itself_can_be_read():
    meter = StrainMeter()
    meter.read(0.0)
    sum(n * n for n in range(2_000_000))
    seen = meter.read(1.0)
    assert 0 < seen.free < 1
    assert 0 < seen.load <= 1


def test_the_memory_of_a_gpu_is_read_as_the_kernel_documents_it():
    amd = "pos:\t0\ndrm-driver:\tamdgpu\ndrm-memory-vram:\t51200 KiB\ndrm-memory-gtt: 10 KiB\n"
    xe = "drm-driver: xe\ndrm-total-vram0: 0\ndrm-resident-vram0:\t3 MiB\n"
    intel = "drm-driver:\ti915\ndrm-resident-system0:\t512 MiB\n"
    assert gpu.video_memory(amd) == 50 << 20
    assert gpu.video_memory(xe) == 3 << 20
    assert gpu.video_memory(intel) is None
    assert not gpu.holds_memory(os.getpid())
