"""The walk over data blocks: what leads where, and catalogues that lie about it."""

import struct

import pytest
from blendmaker import block, dna1, end
from shotmaker import AGE, CAMERA, CLOTH, FIRST, MODIFIER, STRUCTS, shot

from renderd.blend import read_dependencies
from renderd.blend.graph import read_graph
from renderd.errors import BlendError

NOTHING = frozenset[str]()


def test_only_what_the_scene_leads_to_is_reached(saved):
    path = saved(shot([b"//a.png"], unused=[b"//b.png"], cloth=True))
    graph = read_graph(path, NOTHING, NOTHING)
    assert set(graph.items) == {64, FIRST, FIRST + 1, CAMERA, CLOTH}
    assert set(graph.reached([64])) == {64, FIRST, CLOTH}
    assert graph.reached([MODIFIER]) == {}, "a part is no data block"


def test_data_is_kept_of_what_was_asked_for_only(saved):
    path = saved(shot([b"//a.png"], cloth=True))
    graph = read_graph(path, frozenset({"Image"}), frozenset({"PointCache"}))
    assert b"//a.png" in graph.items[FIRST].data
    assert graph.items[CLOTH].data == b""
    assert [part.kind for part in graph.items[CLOTH].parts] == ["PointCache"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"*picture0\0", b"*p[99999]\0"),  # a wide field
        (b"im_format\0", b"id[99999]\0"),  # many structs in one
        (b"modifier\0", b"thing[9]\0"),
        (b"RenderData\0", b"Scene\0rata\0"),  # a struct in itself
    ],
)
def test_a_catalogue_that_lies_ends_in_an_answer_or_one_error(saved, old, new):
    data = shot([b"//a.png"], cloth=True)
    assert old in data
    path = saved(data.replace(old, new))
    try:
        found = read_dependencies(path)
    except BlendError as error:
        assert str(error).startswith(path)  # noqa: PT017  either way is right
    else:
        assert len(found.references) <= 1


def test_structs_smaller_than_their_fields_are_refused(saved):
    whole = dna1(AGE, STRUCTS)
    at = whole.index(b"TLEN") + 4
    kinds = whole[whole.index(b"TYPE") + 8 : at].split(b"\0")
    place = at + 2 * kinds.index(b"Pictures")
    lie = whole[:place] + struct.pack("<H", 2) + whole[place + 2 :]
    with pytest.raises(BlendError, match="broken DNA1"):
        read_dependencies(saved(shot(cloth=True).replace(whole, lie)))


def test_a_file_without_catalogue_is_cut(saved):
    data = shot()
    with pytest.raises(BlendError, match="DNA1"):
        read_dependencies(saved(data.replace(dna1(AGE, STRUCTS), b"")))


def test_blocks_behind_the_end_mark_are_no_part_of_the_file(saved):
    path = saved(shot() + block(AGE, b"IM", bytes(400), address=7, kind=6) + end(AGE))
    assert 7 not in read_graph(path, NOTHING, NOTHING).items
