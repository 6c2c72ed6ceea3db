import re

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.host.facts import host_slug, read_facts
from renderd.host.gpu import Gpu, GpuMeter, find_gpus, parse_smi


@given(st.text(max_size=60))
def test_any_name_makes_a_slug(name):
    assert re.fullmatch(r"[a-z0-9_-]{1,24}", host_slug(name))


@given(st.text(max_size=60))
def test_a_slug_of_a_slug_is_the_same(name):
    assert host_slug(host_slug(name)) == host_slug(name)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Büro-7", "buro-7"),
        ("render_01", "render_01"),
        ("WS 3.studio.local", "ws-3-studio-local"),
        ("東京", "node"),
    ],
)
def test_slugs_stay_readable(name, slug):
    assert host_slug(name) == slug


def test_the_facts_agree_with_psutil():
    facts = read_facts()
    assert 0 < facts.ram_bytes <= psutil.virtual_memory().total
    assert facts.swap_bytes == psutil.swap_memory().total
    assert 1 <= facts.cores <= psutil.cpu_count()
    assert all((facts.host, facts.system, facts.kernel, facts.boot_id))


def test_the_boot_has_one_name():
    assert read_facts().boot_id == read_facts().boot_id


def test_nvidias_lines_are_read():
    text = "NVIDIA GeForce RTX 4090, 24564, 550.54\nNVIDIA A2, [N/A], 550.54\nFailed to start\n"
    assert parse_smi(text) == (
        Gpu("NVIDIA GeForce RTX 4090", 24564 << 20, "550.54"),
        Gpu("NVIDIA A2", 0, "550.54"),
    )


def test_a_hanging_driver_is_given_up(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert all(gpu.driver == "amdgpu" for gpu in find_gpus(timeout=0.1))


def test_a_machine_without_gpus_says_nothing_or_a_percentage():
    percent = GpuMeter().percent()
    assert percent is None or 0 <= percent <= 100
