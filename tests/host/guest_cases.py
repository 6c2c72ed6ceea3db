"""What only a machine of its own can show: run in a guest by guest.py."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from renderd.host import process
from renderd.host.strain import StrainMeter

sys.path.insert(0, str(Path(__file__).parents[1] / "farm"))
from farm import Farm

ROOT = Path("/sys/fs/cgroup")
LIMIT = 120.0
HOG = """
import os, sys
open(sys.argv[1] + "/cgroup.procs", "w").write(str(os.getpid()))
held = bytearray(int(sys.argv[2]) << 20)
while True:
    held[::4096] = b"x" * len(held[::4096])
"""


def hog():
    """A program that needs twice the memory it may have: it alone swaps, and without an end."""
    group = ROOT / "hog"
    (ROOT / "cgroup.subtree_control").write_text("+memory")
    group.mkdir(exist_ok=True)
    (group / "memory.max").write_text(str(48 << 20))
    words = [sys.executable, "-I", "-S", "-c", HOG, str(group), "96"]
    return subprocess.Popen(words)


def until(claim, what):
    deadline = time.monotonic() + LIMIT
    while not (found := claim()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def group_of(pid):
    return ROOT / Path(f"/proc/{pid}/cgroup").read_text().strip().partition("::/")[2]


@pytest.fixture(params=["root", "delegated"])
def place(request):
    """The control group that a daemon starts in."""
    if request.param == "delegated":
        (ROOT / "unit").mkdir(exist_ok=True)
        for name in ("cpu", "io", "memory"):
            (ROOT / "cgroup.subtree_control").write_text(f"+{name}")
    return ROOT / ("unit" if request.param == "delegated" else "")


IN_A_GROUP = """
import os, sys, time
open(sys.argv[1] + "/cgroup.procs", "w").write(str(os.getpid()))
from renderd.host import cgroup, facts
from renderd.host.guard import Guard
def read(name): return open(name).read().strip()
def where(pid): return "/sys/fs/cgroup" + read(f"/proc/{pid}/cgroup").partition("::")[2]
guard = Guard.start()
guard.memory_bytes = 64 << 20
sink = os.open(os.devnull, os.O_WRONLY)
for how in ("forked", "spawned"):
    child = guard.spawn(["sh", "-c", "sleep 600 & sleep 600"], dict(os.environ), "/", sink)
    while "/command-" not in where(child.pid): time.sleep(0.02)  # it moves there itself
    group = where(child.pid)
    assert os.path.dirname(group) == sys.argv[1].rstrip("/"), group
    assert read(group + "/cpu.idle") == "1"
    assert read(group + "/memory.high") == str(64 << 20)
    while len(read(group + "/cgroup.procs").split()) < 3: time.sleep(0.02)
    child.suspend()
    while "frozen 1" not in read(group + "/cgroup.events"): time.sleep(0.02)
    child.resume()
    while "frozen 0" not in read(group + "/cgroup.events"): time.sleep(0.02)
    child.suspend()
    assert child.stop(30.0) is not None
    while os.path.exists(group): time.sleep(0.02)
    assert guard.spawn(["true"], dict(os.environ), "/", sink).wait().is_success
from renderd.host import load
assert load._own_group().rstrip("/") == sys.argv[1].rstrip("/")
guard.close()
print("well", where(os.getpid()))
"""


def test_each_command_has_an_idle_group_is_frozen_in_it_and_leaves_none(place):
    line = [sys.executable, "-c", IN_A_GROUP, str(place)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    expected = "renderd" if place != ROOT else ""
    assert done.stdout.split()[1].rstrip("/").endswith(f"{place}/{expected}".rstrip("/"))
    assert not list(place.glob("command-*"))


def test_a_group_that_others_live_in_is_left_alone():
    (ROOT / "shared").mkdir()
    with subprocess.Popen(["sleep", "600"]) as other:
        (ROOT / "shared/cgroup.procs").write_text(str(other.pid))
        code = (
            "import os; open('/sys/fs/cgroup/shared/cgroup.procs', 'w').write(str(os.getpid()))\n"
        )
        code += "from renderd.host import cgroup; assert cgroup.settle() == '' == cgroup.base()"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
        other.kill()


def test_swapping_is_read_as_it_happens():
    meter = StrainMeter()
    meter.read(time.monotonic())
    with hog() as eater:
        seen = until(lambda: (r := meter.read(time.monotonic())).swap_in > 1e6 and r, "it swaps")
        assert seen.free > 0.2
        eater.kill()


def test_a_machine_that_swaps_suspends_its_renderer_and_goes_on_when_that_is_over():
    farm = Farm()
    try:
        farm.init()
        (farm.local / "config.toml").write_text('yields = ["memory"]\n')
        node = farm.up("ws07")
        jid = farm.add(farm.info("--hang", frames="1-3"))
        farm.until(lambda: farm.commands(jid), "the renderer runs")
        with hog() as eater:
            farm.until(lambda: "memory is short" in node.status()["reason"], "it makes way")
            (pid,) = farm.commands(jid)
            until(lambda: process.read_stat(pid)[0] == b"T", "the renderer stands still")
            assert "frozen 1" in (group_of(pid) / "cgroup.events").read_text()
            eater.kill()
        farm.until(lambda: node.status()["state"] == "rendering", "it goes on")
        until(lambda: process.read_stat(pid)[0] == b"S", "the renderer runs again")
        print([line for line in node.text.splitlines() if "memory is short" in line])
    except AssertionError:
        print(farm.evidence())
        raise
    finally:
        farm.close()
