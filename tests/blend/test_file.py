"""What a .blend tells up front, in files of every age made here."""

import contextlib
import struct

import pytest
from blendmaker import AGES, Age, blend, block, end, gzipped, header, rend, tail, thumb, zstded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renderd.blend import Size, read, read_thumbnail
from renderd.errors import BlendError

ROWS = [(b"Alpha", 1, 250), (b"Beta", -20, -3), (b"Gamma", 7, 7)]
NOW = Age(306)
PACKINGS = {
    "none": lambda data: data,
    "gzip": gzipped,
    "zstd": zstded,
}


def rows_of(file):
    return [(scene.raw_name, scene.start, scene.end) for scene in file.scenes]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("age", AGES, ids=str)
def test_every_age_and_packing_is_read_alike(age, packing, saved):
    file = read(saved(PACKINGS[packing](blend(age, ROWS, (8, 4)))))
    assert rows_of(file) == ROWS
    assert file.thumbnail == Size(8, 4)
    assert file.version_number == age.version
    assert (file.compression, file.pointer_size, file.endian) == (
        packing,
        age.pointer_size,
        age.endian,
    )


@pytest.mark.parametrize(
    ("number", "text"), [(249, "2.49"), (306, "3.6"), (405, "4.5"), (180, "1.80")]
)
def test_a_version_is_told_as_people_write_it(number, text, saved):
    assert read(saved(blend(Age(number)))).version == text


def test_a_large_version_is_told_as_people_write_it(saved):
    assert read(saved(blend(Age(502, is_large=True)))).version == "5.2"


@given(
    st.sampled_from(AGES),
    st.lists(
        st.tuples(
            st.binary(max_size=24).map(lambda raw: raw.replace(b"\0", b"")),
            st.integers(-(2**31), 2**31 - 1),
            st.integers(-(2**31), 2**31 - 1),
        ),
        max_size=5,
    ),
    st.sampled_from(sorted(PACKINGS)),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_name_and_any_frames_come_back_as_they_were(saved, age, rows, packing):
    assert rows_of(read(saved(PACKINGS[packing](blend(age, rows))))) == rows


def test_reading_stops_before_what_is_broken_behind_the_scenes(saved):
    data = blend(NOW, ROWS, rest=block(NOW, b"GLOB", bytes(8)) + b"\xff" * 1000)
    assert rows_of(read(saved(data))) == ROWS


def test_a_file_without_scenes_has_none(saved):
    assert read(saved(blend(NOW))).scenes == ()


def test_scenes_behind_the_thumbnail_are_found(saved):
    data = blend(NOW, [], (4, 4), rend(NOW, (b"Late", 1, 2)) + tail(NOW))
    assert rows_of(read(saved(data))) == [(b"Late", 1, 2)]


def test_a_name_may_fill_its_field(saved):
    full = [(b"ABCDEFGHIJKLMNOPQRSTUVWX", 1, 2)]
    assert rows_of(read(saved(blend(Age(249, 4), full)))) == full


def test_what_follows_the_nul_is_no_part_of_a_name(saved):
    data = header(NOW) + rend(NOW, (b"Real\0junk", 1, 2)) + tail(NOW)
    assert rows_of(read(saved(data))) == [(b"Real", 1, 2)]


def test_the_size_of_a_name_follows_the_block_not_the_version(saved):
    name = b"x" * 255
    data = header(Age(500)) + rend(Age(500), (name, 1, 2)) + tail(Age(500))
    assert rows_of(read(saved(data))) == [(name, 1, 2)]


def test_a_name_that_is_no_utf8_keeps_its_bytes(saved):
    scene = read(saved(blend(Age(249, 4), [(b"Sz\xe4ne", 1, 2)]))).scenes[0]
    assert scene.name.encode("utf-8", "surrogateescape") == b"Sz\xe4ne"


@pytest.mark.parametrize("length", [4, 8])
def test_an_end_mark_may_be_cut(length, saved):
    data = header(NOW) + rend(NOW, (b"S", 1, 2)) + block(NOW, b"ENDB")[:length]
    assert len(read(saved(data)).scenes) == 1


@pytest.mark.parametrize("cut", range(len(blend(NOW, ROWS[:1], (4, 4), b""))))
def test_a_file_cut_in_its_front_is_refused(cut, saved):
    with pytest.raises(BlendError, match=r"is incomplete|is empty"):
        read(saved(blend(NOW, ROWS[:1], (4, 4), b"")[:cut]))


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_packed_file_cut_anywhere_never_shows_half_its_scenes(packing, saved):
    data = PACKINGS[packing](blend(NOW, ROWS, (4, 4)))
    for cut in range(1, len(data)):
        with contextlib.suppress(BlendError):
            assert rows_of(read(saved(data[:cut]))) == ROWS


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"BLENDER*v306", "pointer size"),
        (b"BLENDER-x306", "byte order"),
        (b"BLENDER-vabc", "Blender version"),
        (b"BLENDER17-02v0600", "newer Blender"),
        (b"BLENDER17_01v0500", "newer Blender"),
        (b"BLENDER99-01v0900", "newer Blender"),
        (b"BLENDER17-01v05a0", "newer Blender"),
        (b"BLENDER17-01V0500", "newer Blender"),
        (b"BLENDES-v306", "no .blend"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture"),
        (b"PK\x03\x04", "zip archive"),
        (b"\0" * 12, "zeros"),
    ],
)
def test_what_is_no_header_is_named(start, words, saved):
    with pytest.raises(BlendError, match=words):
        read(saved(start + bytes(200)))


@pytest.mark.parametrize("length", [-(2**31), -1, 0, 7, 8, 2049, 2**31 - 1])
def test_a_scene_of_impossible_length_is_refused(length, saved):
    data = header(NOW) + block(NOW, b"REND", bytes(5000), length=length)
    with pytest.raises(BlendError, match=r"REND block of .* at byte 12"):
        read(saved(data))


@pytest.mark.parametrize("length", [-1, 1 << 62, (1 << 63) - 1])
def test_a_scene_of_impossible_64_bit_length_is_refused(length, saved):
    age = Age(500, is_large=True)
    data = header(age) + block(age, b"REND", bytes(300), length=length)
    with pytest.raises(BlendError, match="at byte 17"):
        read(saved(data))


def test_zeros_instead_of_blocks_are_refused_not_walked(saved):
    with pytest.raises(BlendError, match="no block"):
        read(saved(header(NOW) + bytes(10_000)))


def test_a_wrong_byte_order_is_refused(saved):
    lie = header(Age(306, endian="big")) + blend(NOW, ROWS)[12:]
    with pytest.raises(BlendError, match="damaged"):
        read(saved(lie))


def test_ten_thousand_scenes_are_read_and_one_more_refused(saved):
    rows = [(b"S%05d" % number, number, number + 9) for number in range(10_000)]
    assert rows_of(read(saved(blend(NOW, rows)))) == rows
    with pytest.raises(BlendError, match="too many REND blocks"):
        read(saved(blend(NOW, [*rows, (b"one", 1, 2)])))


@pytest.mark.parametrize("length", [0, 8])
def test_thumbnails_without_end_are_refused(length, saved):
    nothing = block(NOW, b"TEST", bytes(length)) * 100_000
    with pytest.raises(BlendError, match="too many TEST blocks"):
        read(saved(zstded(blend(NOW, rest=nothing))))
    assert read_thumbnail(saved(zstded(blend(NOW, rest=nothing)))) is None


def test_a_thumbnail_behind_scenes_without_end_is_not_looked_for(saved):
    bomb = zstded(header(NOW) + rend(NOW, ROWS[0]) * 100_000)
    with pytest.raises(BlendError, match="too many REND blocks"):
        read_thumbnail(saved(bomb))


@pytest.mark.parametrize(
    ("width", "height", "pixels"),
    [
        (2**31 - 1, 2**31 - 1, 16),
        (-1, -1, 4),
        (0, 0, 0),
        (0, 128, 8),
        (128, 128, 100),
        (1025, 1, 4100),
        (1, 1025, 4100),
        (-2, -2, 16),
    ],
)
def test_a_broken_thumbnail_is_dropped_and_the_scenes_kept(width, height, pixels, saved):
    data = blend(NOW, ROWS, rest=thumb(NOW, width, height, bytes(pixels)) + tail(NOW))
    file = read(saved(data))
    assert rows_of(file) == ROWS
    assert file.thumbnail is None
    assert read_thumbnail(saved(data)) is None


@pytest.mark.parametrize("length", [0, 4])
def test_a_thumbnail_without_a_size_is_dropped(length, saved):
    data = blend(NOW, ROWS, rest=block(NOW, b"TEST", bytes(length)) + tail(NOW))
    assert read(saved(data)).thumbnail is None


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("age", [Age(306), Age(263, 4, "big"), Age(500, is_large=True)], ids=str)
def test_a_thumbnail_comes_with_its_first_row_on_top(age, packing, saved):
    bottom, top = b"\1\2\3\4" * 3, b"\5\6\7\x08" * 3
    data = blend(age, ROWS, rest=thumb(age, 3, 2, bottom + top) + tail(age))
    picture = read_thumbnail(saved(PACKINGS[packing](data)))
    assert (picture.width, picture.height, picture.pixels) == (3, 2, top + bottom)


def test_a_file_without_a_thumbnail_has_none(saved):
    assert read_thumbnail(saved(blend(NOW, ROWS))) is None


def test_a_cut_thumbnail_is_an_error_not_half_a_picture(saved):
    with pytest.raises(BlendError, match="inside its thumbnail"):
        read_thumbnail(saved(blend(NOW, ROWS, (8, 8), b"")[:-1]))


def test_nothing_but_a_header_and_an_end_is_a_file(saved):
    assert read(saved(header(NOW) + end(NOW))).scenes == ()


def test_errors_are_one_line_whatever_the_file_is_called(saved):
    with pytest.raises(BlendError) as caught:
        read(saved(b"nothing", "two\nlines \x1b[31m\udcff.blend"))
    assert str(caught.value).isprintable()


def test_a_size_in_the_file_is_never_believed(saved):
    claim = struct.pack("<ii", 1024, 1024)
    data = header(NOW) + block(NOW, b"TEST", claim, length=8 + 4 * 1024 * 1024)
    with pytest.raises(BlendError, match="incomplete"):
        read(saved(data))
