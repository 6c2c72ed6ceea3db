"""Damaged files of every kind end in one clear error or a plain answer, never otherwise."""

import contextlib
from pathlib import Path

import pytest
from blendmaker import AGES, CAMERA, MODERN, OLD, Age, blend, gzipped, with_settings, zstded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shotmaker import shot

from renderd.blend import read, read_dependencies, read_settings, read_thumbnail
from renderd.errors import BlendError

SHARED = Path(__file__).parents[2].parent / "shared" / "blend"
VALUES = {"id.name": b"SCShot", "camera": CAMERA, "r.efra": 9, "r.frs_sec_base": 1.0}
ROWS = [(b"Alpha", 1, 10), (b"Beta", 5, 6)]
MADE = [
    *(blend(age, ROWS, (4, 2)) for age in AGES),
    with_settings(Age(306), MODERN, [VALUES], ROWS),
    with_settings(Age(249, 4, "big"), OLD, [VALUES], ROWS),
    with_settings(Age(502, is_large=True), MODERN, [VALUES], ROWS),
    shot([b"//a.png", b"/b.png"], cloth=True, unused=[b"//c.png"]),
]
REAL = [
    "generated/b341_single_zstd.blend",
    "generated/b341_datablocks_scene.blend",
    "generated/b501_datablocks_scene.blend",
    "synthetic/gzip_multi_member.blend",
    "render/light_vse.blend",
]
PACKS = [bytes, bytes, gzipped, zstded]

changes = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(["overwrite", "insert", "remove", "cut", "number"]),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=6,
)
NUMBERS = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\0\0", b"\1\0\0\0")


def damaged(data: bytes, plan, within: int) -> bytes:
    """The bytes with a few things wrong among the first within."""
    for where, kind, piece in plan:
        at = int(where * min(len(data), within))
        if kind == "overwrite":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "remove":
            data = data[:at] + data[at + len(piece) :]
        elif kind == "number":
            data = data[:at] + NUMBERS[piece[0] % len(NUMBERS)] + data[at + 4 :]
        else:
            data = data[:at]
    return data


def survives(path: str) -> None:
    for ask in (read, read_thumbnail, read_settings, read_dependencies):
        try:
            ask(path)
        except BlendError as error:
            words = str(error)
            assert words.startswith(path), words
            assert words.isprintable()


fuzz = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(st.sampled_from(MADE), st.sampled_from(PACKS), changes, changes)
@fuzz
def test_a_damaged_small_file_is_survived(saved, data, pack, inside, outside):
    data = pack(damaged(data, inside, len(data)))
    survives(saved(data if pack is bytes else damaged(data, outside[:1], len(data))))


@given(st.sampled_from(MADE), st.sampled_from(PACKS), changes)
@fuzz
def test_damage_inside_the_packing_is_survived(saved, data, pack, plan):
    survives(saved(pack(damaged(data, plan, len(data)))))


@given(st.sampled_from(REAL), changes, st.sampled_from([200, 4096, 1 << 20]))
@settings(parent=fuzz, max_examples=100)
def test_a_damaged_real_file_is_survived(saved, name, plan, within):
    if not (SHARED / name).exists():
        pytest.skip("../shared/blend is not here")
    survives(saved(damaged((SHARED / name).read_bytes(), plan, within)))


@given(
    st.sampled_from([b"", b"BLENDER-v306", b"BLENDER17-01v0500", b"\x1f\x8b\x08\0"]), st.binary()
)
@fuzz
def test_random_bytes_are_survived(saved, start, rest):
    survives(saved(start + rest))


@given(st.sampled_from(MADE), st.sampled_from(PACKS), st.data())
@fuzz
def test_what_a_cut_file_still_tells_is_true(saved, data, pack, draw):
    whole = pack(data)
    cut = whole[: draw.draw(st.integers(0, len(whole)))]
    with contextlib.suppress(BlendError):
        told = [(s.raw_name, s.start, s.end) for s in read(saved(cut)).scenes]
        assert told in (ROWS, [(b"Main", 1, 30)])
