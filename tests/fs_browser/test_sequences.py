"""Numbered files become rows that lose no file; fileseq, which studios use, agrees."""

import random

import pytest
from fileseq import FileSequence as Oracle
from hypothesis import given
from hypothesis import strategies as st

from fs_browser.core.kinds import Kind, of_file
from fs_browser.core.listing import Entry
from fs_browser.core.sequences import FileSequence, group
from renderd.core import frames


def entries(*names):
    return [Entry(name, of_file(name), 10, at) for at, name in enumerate(names)]


def rows(*names):
    """What stands in the rows: name and summary of a sequence, the name of a file alone."""
    return {
        f"{row.name} {row.summary}" if isinstance(row, FileSequence) else row.name
        for row in group(entries(*names))
    }


def numbered(prefix, numbers, suffix=".exr", width=4):
    return [f"{prefix}{'-' * (n < 0)}{abs(n):0{width}}{suffix}" for n in numbers]


def only(*names):
    (row,) = group(entries(*names))
    assert isinstance(row, FileSequence)
    return row


def test_the_example_of_the_reference():
    there = [n for n in range(1, 251) if n not in (17, 40, 41)]
    assert rows(*numbered("shot_", there)) == {"shot_####.exr 1-250, 3 missing"}


def test_a_number_larger_than_its_zeros_goes_on_in_the_same_row():
    names = numbered("shot_", [998, 999, 1000, 9999, 10000])
    assert rows(*names) == {"shot_####.exr 998-10000, 8,998 missing"}


def test_negative_frames_are_padded_as_blender_does():
    names = numbered("shot_", range(-3, 4))
    assert "shot_-0003.exr" in names
    assert rows(*names) == {"shot_####.exr -3-3"}


def test_a_frame_may_be_all_of_the_name():
    assert rows("-0001.png", "0000.png", "0001.png") == {"####.png -1-1"}


def test_a_hyphen_before_the_number_is_a_divider():
    assert rows("shot-0001.png", "shot-0002.png") == {"shot-####.png 1-2"}
    assert rows("2024-01-05.jpg", "2024-01-06.jpg") == {"2024-01-##.jpg 5-6"}


def test_a_hyphen_is_a_minus_where_the_sequence_without_it_is_there():
    names = numbered("shot", [-2, -1, 0, 1])
    assert rows(*names, "shot-0000.exr") == {"shot####.exr -2-1", "shot-0000.exr"}


def test_one_name_with_several_paddings_is_several_rows():
    assert rows("a.1.exr", "a.5.exr", "a.02.exr", "a.10.exr", "a.0100.exr", "a.2000.exr") == {
        "a.#.exr 1-5, 3 missing",
        "a.##.exr 2-10, 7 missing",
        "a.####.exr 100-2000, 1,899 missing",
    }


def test_frames_of_one_length_without_zeros_are_padded_to_it():
    assert rows("a1001.exr", "a1002.exr") == {"a####.exr 1001-1002"}
    assert rows("a9.exr", "a10.exr") == {"a#.exr 9-10"}


def test_every_second_frame_is_whole_with_step_two():
    assert rows(*numbered("a_", range(1, 10, 2))) == {"a_####.exr 1-9x2"}
    assert rows(*numbered("a_", [1, 3, 7, 9])) == {"a_####.exr 1-9x2, 1 missing"}


def test_two_files_are_the_ends_of_what_lies_between():
    assert rows(*numbered("a_", [1, 250])) == {"a_####.exr 1-250, 248 missing"}


def test_gaps_name_the_missing_frames():
    row = only(*numbered("a_", [1, 2, 5, 6, 8]))
    assert (row.missing, frames.text(row.gaps()), row.present) == (3, "3-4,7", "1-2,5-6,8")


def test_the_whole_of_a_sequence_has_all_bytes_and_the_newest_time():
    row = only(*numbered("a_", [3, 1, 2]))
    assert (row.size_bytes, row.mtime_ns, row.kind) == (30, 2, Kind.IMAGE)
    assert [entry.name for entry in row.entries] == numbered("a_", [1, 2, 3])


def test_files_of_unknown_size_and_time_still_make_a_row():
    (row,) = group([Entry(f"a_{n}.exr", Kind.IMAGE, None, None) for n in (1, 2)])
    assert (row.size_bytes, row.mtime_ns) == (0, None)


def test_both_eyes_of_a_stereo_render_are_a_row_each():
    names = numbered("a_", [1, 2], "_L.exr") + numbered("a_", [1, 2], "_R.exr")
    assert rows(*names) == {"a_####_L.exr 1-2", "a_####_R.exr 1-2"}


def test_endings_of_two_parts_belong_to_the_ending():
    names = ("v1.2.0001.bgeo.sc", "v1.2.0002.bgeo.sc")
    assert rows(*names) == {"v1.2.####.bgeo.sc 1-2"}


def test_the_number_may_end_the_name():
    assert rows("a.0001", "a.0002", "file1", "file2") == {"a.#### 1-2", "file# 1-2"}


@pytest.mark.parametrize(
    "names",
    [
        ("a_v001.blend", "a_v002.blend"),  # each has scenes to show
        ("a.blend1", "a.blend2"),
        ("0001-0125.mp4", "0001-0250.mp4"),  # Blender puts a movie's range into its name
        ("track01.flac", "track02.flac"),
        ("a.mp3", "a.mp4"),
        ("mesh.x3", "mesh.x4"),
        ("a_1.exr", "b_1.exr"),
        ("a_0001.exr", "a_0002.EXR"),
        ("a#1.exr", "a#2.exr"),  # its pattern could not be told from a#
        ("id_4000000000.png", "id_4000000001.png"),  # no frame fits 32 bits
        ("a_٣.png", "a_٤.png"),
    ],
)
def test_what_is_no_sequence_stays_apart(names):
    assert rows(*names) == set(names)


def test_folders_are_never_grouped():
    folders = [Entry(f"shot_{n:03}", Kind.FOLDER, None, 0) for n in (1, 2)]
    assert set(group(folders)) == set(folders)


def test_the_ends_of_all_numbers_make_one_row():
    row = only(*numbered("a_", [-frames.MAX_FRAME, 0, frames.MAX_FRAME - 1, frames.MAX_FRAME]))
    assert row.missing == 2 * frames.MAX_FRAME - 3


NAMES = st.from_regex(r"\A[aé_.# -]{0,3}-?[0-9]{0,5}(_L)?(\.(exr|mp4|blend|7z|x1))?\Z")


@given(st.sets(NAMES.filter(bool), max_size=40))
def test_every_file_is_in_one_row_under_the_name_its_frame_has(names):
    found = []
    for row in group(entries(*names)):
        if isinstance(row, FileSequence):
            assert [row.file_of(frame) for frame in row.frames] == [e.name for e in row.entries]
            assert list(row.frames) == sorted(set(row.frames))
            assert len(row.frames) > 1
        found += [e.name for e in row.entries] if isinstance(row, FileSequence) else [row.name]
    assert sorted(found) == sorted(names)


@given(st.sets(NAMES.filter(bool), max_size=40))
def test_the_rows_do_not_depend_on_the_order_of_the_folder(names):
    shuffled = list(names)
    random.shuffle(shuffled)
    assert rows(*shuffled) == rows(*sorted(names))


@given(st.sets(st.integers(-300, 300), min_size=2))
def test_frames_and_gaps_together_are_the_span(numbers):
    row = only(*numbered("a_", numbers))
    gaps = [frame for run in row.gaps() for frame in run]
    assert sorted([*row.frames, *gaps]) == list(row.span)
    assert len(gaps) == row.missing
    assert [f for run in frames.parse(row.present) for f in run] == sorted(numbers)


def by_oracle(names):
    """fileseq's sequences as (prefix, ending, frames)."""
    return {
        (found.basename(), found.extension(), tuple(map(int, found.frameSet() or ())))
        for found in Oracle.findSequencesInList(names)
        if len(found) > 1
    }


def by_us(names):
    return {
        (row.prefix, row.suffix, row.frames)
        for row in group(entries(*names))
        if isinstance(row, FileSequence)
    }


PREFIXES = st.sampled_from(["", "a", "shot_", "v1.2.", "x 1_", "é."])
ENDINGS = st.sampled_from([".exr", ".png", ".bgeo.sc", ".tar.gz", ".7z"])


def written(widths):
    """Names of files whose numbers are padded to a width drawn from `widths`."""
    number = st.tuples(st.integers(0, 20_000), st.sampled_from(widths))
    parts = st.tuples(PREFIXES, number, ENDINGS)
    return st.sets(parts.map(lambda p: f"{p[0]}{p[1][0]:0{p[1][1]}}{p[2]}"), max_size=60)


@pytest.mark.parametrize("width", [1, 3, 4, 6])
def test_fileseq_finds_the_same_rows_of_one_padding(width):
    @given(written([width]))
    def compare(names):
        assert by_us(names) == by_oracle(names)

    compare()


@given(st.sets(st.integers(0, 9), max_size=9), st.sets(st.integers(0, 400), max_size=60))
def test_fileseq_finds_the_same_rows_of_mixed_padding(short, long):
    # Two free digits never meet two with a zero here: fileseq puts those where it met them first.
    names = {f"a_{n}.exr" for n in short} | {f"a_{n:04}.exr" for n in long}
    assert by_us(names) == by_oracle(names)


@given(st.sets(st.integers(-400, 400), max_size=60))
def test_fileseq_finds_the_same_negative_frames(numbers):
    # Padded ones differ: fileseq counts the minus as a digit, Blender does not.
    names = [f"a_{n}.exr" for n in numbers]
    assert by_us(names) == by_oracle(names)
