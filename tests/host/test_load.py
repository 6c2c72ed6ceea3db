import os
import subprocess
import sys

import psutil
import pytest

from renderd.core import recent
from renderd.host import facts, load
from renderd.host import load as load_module
from renderd.host.load import LoadSampler, available_bytes, oom_kills
from renderd.host.process_use import measure


def test_a_look_agrees_with_psutil(tmp_path):
    look = LoadSampler(str(tmp_path)).sample(1.0)
    memory = psutil.virtual_memory()
    assert look.memory_total_bytes == memory.total
    assert abs(look.memory_used_bytes - (memory.total - memory.available)) < memory.total // 5
    assert look.swap_total_bytes == psutil.swap_memory().total
    assert 0 < look.disk_free_bytes <= psutil.disk_usage(str(tmp_path)).total


def test_a_busy_processor_shows(until):
    sampler = LoadSampler()
    sampler.sample(1.0)
    until(lambda: sum(range(100_000)) and sampler.sample(2.0).cpu_percent > 0)


def test_the_first_look_has_no_rates():
    look = LoadSampler().sample(5.0)
    assert look.cpu_percent == look.swap_in_bytes_per_s == look.swap_out_bytes_per_s == 0


def test_swapping_is_a_rate(monkeypatch):
    vmstat = {"pswpin": 100, "pswpout": 1000, "oom_kill": 2}
    monkeypatch.setattr(load_module, "_read_counters", lambda path: dict(vmstat))
    sampler = LoadSampler()
    sampler.sample(10.0)
    vmstat.update(pswpin=140, pswpout=1000)
    look = sampler.sample(14.0)
    assert look.swap_in_bytes_per_s == 10 * os.sysconf("SC_PAGE_SIZE")
    assert look.swap_out_bytes_per_s == 0
    assert look.oom_kills == 2


def test_a_missing_disk_is_unknown(tmp_path):
    assert LoadSampler(str(tmp_path / "gone")).sample(1.0).disk_free_bytes is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux counts them")
def test_memory_kills_are_counted():
    assert oom_kills() is None or oom_kills() >= 0


def test_a_tree_is_measured_as_a_whole(until):
    line = "b = bytearray(50 << 20); print('ready', flush=True); input()"
    shell = subprocess.Popen(
        ["sh", "-c", f'{sys.executable} -c "{line}"; :'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    shell.stdout.readline()
    use = measure(shell.pid)
    shell.communicate(b"\n")
    assert use.processes == 2
    assert use.rss_bytes > 50 << 20
    assert use.peak_rss_bytes > 50 << 20
    assert use.io_bytes > 0


def test_a_process_that_is_gone_has_no_use():
    child = subprocess.Popen(["true"])
    child.wait()
    assert measure(child.pid) is None


def test_a_sleeping_command_is_not_active(until):
    child = subprocess.Popen(["sleep", "600"])
    try:
        until(lambda: measure(child.pid) == measure(child.pid))
        earlier = measure(child.pid)
        assert not measure(child.pid).is_active_since(earlier)
    finally:
        child.kill()
        child.wait()


def test_a_computing_command_is_active(until):
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        earlier = measure(child.pid)
        until(lambda: measure(child.pid).is_active_since(earlier))
    finally:
        child.kill()
        child.wait()


def test_what_is_available_is_part_of_what_there_is():
    assert 0 < available_bytes() <= facts.memory_sizes()[0]


def test_a_control_groups_limit_bounds_what_is_available(monkeypatch, tmp_path):
    group = tmp_path / "group"
    group.mkdir()
    (group / "memory.max").write_text(f"{100 << 20}\n")
    (group / "memory.current").write_text(f"{70 << 20}\n")
    (group / "memory.stat").write_text(f"anon 1\ninactive_file {10 << 20}\n")
    for module in (facts, load):
        monkeypatch.setattr(module, "control_group", lambda: str(group))
    assert available_bytes() == 40 << 20
    (group / "memory.max").write_text("max\n")
    assert available_bytes() > 40 << 20


def test_looks_leave_ten_minutes_of_memory_behind():
    sampler = load.LoadSampler()
    for at in range(3):
        found = sampler.sample(1000.0 + at * recent.STEP)
    said = recent.parts(found.memory_past)
    assert len(said) == 3
    assert said[-1] == pytest.approx(found.memory_used_bytes / found.memory_total_bytes, abs=0.01)
