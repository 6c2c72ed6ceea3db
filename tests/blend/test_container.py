"""Opening and unpacking: only files, only what was asked for, within limits."""

import gzip
import os
import struct
import subprocess
import sys
import zlib

import pytest
import zstandard
from blendmaker import Age, blend, block, gzipped, header, rend, zstded

from renderd.blend import read, read_settings
from renderd.errors import BlendError

NOW = Age(306)
ROWS = [(b"Alpha", 1, 10), (b"Beta", 5, 6)]
DATA = blend(NOW, ROWS, (16, 16))


def names(path):
    return [scene.name for scene in read(path).scenes]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dangling.blend", "link to /nowhere/at-all.blend"),
        ("loop.blend", "link to loop.blend"),
        ("devzero.blend", "is a device"),
        ("folder.blend", "is a folder"),
        ("fifo.blend", "is a named pipe"),
        ("socket.blend", "is a socket"),
        ("missing.blend", "no such file"),
        ("missing/too.blend", "no such file"),
        ("nul\0.blend", "holds a NUL"),
        ("x" * 300, "too long"),
        ("sparse_zero_bheads_3g.blend", "no block"),
    ],
)
def test_what_cannot_be_read_is_named(name, words, special):
    with pytest.raises(BlendError, match=words):
        read(os.path.join(special, name))


def test_a_file_one_may_not_read_is_named(saved):
    path = saved(DATA)
    os.chmod(path, 0)
    # Root may read everything, so it becomes nobody for a moment.
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        with pytest.raises(BlendError, match="permission denied"):
            read(path)
    finally:
        if is_root:
            os.seteuid(0)


def test_a_link_to_a_file_is_followed(saved, tmp_path):
    (tmp_path / "link").symlink_to(saved(DATA))
    assert names(tmp_path / "link") == ["Alpha", "Beta"]


def test_three_sparse_gigabytes_are_read_at_their_front(special):
    assert names(special / "sparse3g_v306.blend") == ["Alpha", "Beta"]


def test_no_descriptor_stays_open(saved):
    good, bad = saved(DATA, "good"), saved(zstded(b"no"), "bad")
    before = os.listdir("/dev/fd")
    for _ in range(5):
        read(good)
        with pytest.raises(BlendError):
            read(bad)
    assert len(os.listdir("/dev/fd")) == len(before)


def test_gzip_members_follow_each_other(saved):
    assert names(saved(gzipped(DATA, pieces=40))) == ["Alpha", "Beta"]


def test_junk_behind_gzip_is_no_part_of_the_file(saved):
    assert names(saved(gzipped(DATA) + b"junk" * 9)) == ["Alpha", "Beta"]


def test_gzip_may_carry_a_file_name(saved):
    packer = zlib.compressobj(wbits=-15)
    body = packer.compress(DATA) + packer.flush()
    start = b"\x1f\x8b\x08\x08" + bytes(6) + b"shot.blend\0"
    trailer = struct.pack("<II", zlib.crc32(DATA), len(DATA))
    assert names(saved(start + body + trailer)) == ["Alpha", "Beta"]


@pytest.mark.parametrize("frame", [1, 32, 1 << 20])
@pytest.mark.parametrize("has_table", [True, False])
def test_zstd_frames_follow_each_other(frame, has_table, saved):
    packed = zstded(DATA, frame, has_table=has_table)
    assert names(saved(packed)) == ["Alpha", "Beta"]


def test_zstd_may_carry_checksums_and_no_size(saved):
    packer = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    assert names(saved(packer.compress(DATA) + packer.flush())) == ["Alpha", "Beta"]


def test_a_skippable_frame_may_come_first(saved):
    packed = b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstded(DATA)
    assert names(saved(packed)) == ["Alpha", "Beta"]


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(gzip.compress(DATA, mtime=0), mtime=0),
        zstded(zstded(DATA)),
        zstded(gzip.compress(DATA, mtime=0)),
        gzip.compress(b"something else", mtime=0),
        zstded(b"something else"),
    ],
)
def test_only_a_blend_may_be_inside_and_only_packed_once(packed, saved):
    with pytest.raises(BlendError, match=r"is no .blend inside its"):
        read(saved(packed))


@pytest.mark.parametrize(
    "packed",
    [
        b"\x1f\x8b\x09" + bytes(200),
        gzipped(DATA)[:10] + b"\xff" * 100,
        zstded(DATA)[:9] + b"\xff" * 100,
        b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\0\0" * 9,  # a window of gigabytes
    ],
)
def test_spoiled_packing_is_told(packed, saved):
    with pytest.raises(BlendError, match="cannot be unpacked"):
        read(saved(packed))


def test_the_next_file_is_read_well_after_a_spoiled_one(saved):
    bad, good = saved(zstded(DATA)[:60] + b"\xff" * 50, "bad"), saved(zstded(DATA), "good")
    for _ in range(3):
        with pytest.raises(BlendError):
            read(bad)
        assert names(good) == ["Alpha", "Beta"]


def test_two_packed_files_may_be_open_at_once(saved):
    from renderd.blend.container import opened  # noqa: PLC0415

    with opened(saved(zstded(b"a" * 9000), "a")) as one, opened(saved(zstded(b"b" * 9000))) as two:
        for _ in range(8):
            assert one.take(1000, "it") == b"a" * 1000
            assert two.take(1000, "it") == b"b" * 1000


def test_a_packed_bomb_is_refused_before_it_bursts(saved):
    front = header(NOW) + rend(NOW, ROWS[0]) + block(NOW, b"DATA", length=1 << 30)
    with pytest.raises(BlendError, match="no Blender writes such a file"):
        read_settings(saved(zstded(front)))


def test_blocks_without_end_are_refused(saved):
    bomb = zstded(header(NOW) + block(NOW, b"DATA") * 300_000)
    with pytest.raises(BlendError, match="blocks"):
        read_settings(saved(bomb))


def test_gzip_members_of_nothing_are_refused(saved):
    bomb = gzip.compress(b"BLENDER", mtime=0) + gzip.compress(b"", mtime=0) * 30_000
    with pytest.raises(BlendError, match="more gzip members than content"):
        read(saved(bomb))


def test_padding_without_end_is_refused(tmp_path):
    path = tmp_path / "padded.blend"
    with path.open("wb") as file:
        file.write(b"\x50\x2a\x4d\x18\xff\xff\xff\xff")
        file.truncate(1 << 31)
    with pytest.raises(BlendError, match="padding"):
        read(path)


def test_without_zstandard_plain_files_are_read_and_packed_ones_name_it(saved):
    program = (
        "import sys; sys.modules['zstandard'] = None\n"
        "from renderd.blend import read\n"
        "from renderd.errors import BlendError\n"
        "assert read(sys.argv[1]).scenes\n"
        "try: read(sys.argv[2])\n"
        "except BlendError as error: print(error)\n"
    )
    words = [sys.executable, "-c", program, saved(DATA, "plain"), saved(zstded(DATA), "packed")]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "the Python module zstandard is missing" in said


def test_plain_files_do_not_pay_for_zstandard(saved):
    program = (
        "import sys; from renderd.blend import read; read(sys.argv[1]);"
        "sys.exit('zstandard' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, saved(DATA)], check=True, timeout=60)
