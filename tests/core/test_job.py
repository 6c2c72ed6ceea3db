"""A job's record and its chunks' own texts say the same, whatever words they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import frames, infofile, job, template
from renderd.core.frames import Run
from renderd.core.infofile import Info
from renderd.core.job import MAX_CHUNKS, Draft, Writes
from renderd.errors import InfoFileError

WORDS = st.lists(
    st.text(
        st.sampled_from("ab {}'\"\\$`!*?#;&|~()-=%é\t{start}{out}"),
        max_size=12,
    ),
    max_size=5,
).map(lambda words: ("prog", *words))


def draft(*commands, span="1-25", out="", writes=Writes.NOTHING, size=10, **said):
    runs = frames.parse(span) if span else None
    info = Info(commands=commands or (("prog", "{start}"),), frames=runs, **said)
    return Draft(name="shot", slug="shot", info=info, runs=runs, size=size, out=out, writes=writes)


def published(made, jid="abcdefghij", owner="artist@ws07"):
    record = job.record(made, owner, (), len(made.chunks()))
    return job.parse(jid, infofile.text(record).encode())


@given(st.lists(WORDS, min_size=1, max_size=3), st.sampled_from(["", "1-25", "1-9x2"]))
def test_a_chunks_text_says_what_its_job_says_whatever_the_words(commands, span):
    made = draft(*commands, span=span, out="/p/{proj}/{{x}}_####.png", writes=Writes.PRIVATE)
    told = published(made)
    for chunk in made.chunks():
        rebuilt = job.chunk_words(told.info, chunk.run, told.out)
        text = job.chunk_text(told.info, chunk.run, told.out)
        assert infofile.parse(text).commands == rebuilt


@given(st.text(st.sampled_from("ab{} ")))
def test_escaped_words_reach_the_program_as_they_were(word):
    made = draft(("prog", template.escape(word)), span="")
    (words,) = job.chunk_words(published(made).info, None, "")
    assert template.fill(words, {"a": "x", "b": "y"}) == ("prog", word)


def test_a_record_gives_back_what_was_drafted():
    made = draft(out="/p/o_####.png", writes=Writes.PRIVATE, priority=70, extra=(("x-mine", "1"),))
    told = published(made)
    assert (told.jid, told.name, told.owner, told.chunks) == (
        "abcdefghij",
        "shot",
        "artist@ws07",
        3,
    )
    assert (told.out, told.writes) == ("/p/o_####.png", Writes.PRIVATE)
    assert told.info.priority == 70
    assert dict(told.info.extra)["x-mine"] == "1"


def test_a_record_dropped_again_says_the_new_jobs_facts():
    first = job.record(draft(span="1-25"), "artist@ws07", (), 3)
    again = job.record(
        Draft(name="two", slug="two", info=first, runs=None), "animator@ws08", ("k2p9x7q4ab",), 1
    )
    told = job.parse("abcdefghij", infofile.text(again).encode())
    assert (told.chunks, told.owner, told.name) == (1, "animator@ws08", "two")
    assert told.info.after == ("k2p9x7q4ab",)


@pytest.mark.parametrize("said", ["", "x-chunks: none\n", "x-chunks: ²\n", "x-chunks: -1\n"])
def test_a_record_without_its_number_of_chunks_is_refused_by_job(said):
    text = f"priority: 50\n{said}\nprog\n".encode()
    with pytest.raises(InfoFileError, match=r"job\.info of abcdefghij"):
        job.parse("abcdefghij", text)


def test_a_way_of_writing_that_a_later_release_knows_is_taken_for_none():
    told = job.parse("abcdefghij", b"x-chunks: 1\nx-writes: telepathy\n\nprog\n")
    assert told.writes is Writes.NOTHING


@given(st.lists(st.tuples(st.integers(-99, 99), st.integers(0, 60), st.integers(1, 7))))
def test_the_number_of_chunks_is_known_without_making_them(ranges):
    runs = tuple(Run(a, a + n * s, s if n else 1) for a, n, s in ranges) or None
    for whole in (False, True):
        info = Info(commands=(("prog",),), whole=whole)
        made = Draft(name="x", slug="x", info=info, runs=runs, size=7)
        assert made.count() == len(list(made.pieces()))


def test_a_job_of_endless_chunks_is_refused_at_once():
    made = draft(span="1-10000000", size=1)
    with pytest.raises(InfoFileError, match="10,000,000 chunks"):
        made.chunks()
    assert len(draft(span=f"1-{MAX_CHUNKS}", size=1000).chunks()) == MAX_CHUNKS // 1000


def test_chunks_keep_the_phase_of_a_step_and_never_mix_ranges():
    made = draft(span="1-40x3,100", size=5)
    assert [str(c.run) for c in made.chunks()] == ["1-13x3", "16-28x3", "31-40x3", "100"]
    assert [c.index for c in made.chunks()] == [1, 2, 3, 4]


def test_the_output_is_the_pattern_or_the_one_frames_file():
    assert job.out_of("/p/o_##.png", Run(1, 2)) == "/p/o_##.png"
    assert job.out_of("/p/o_##.png", Run(-7, -7)) == "/p/o_-07.png"
    assert job.out_of("/p/o_##.png", None) == "/p/o_##.png"


def test_a_word_that_no_line_can_hold_is_refused_before_anything_is_written():
    with pytest.raises(InfoFileError, match="no command line can hold"):
        draft(("prog", "a\nb")).check()
    with pytest.raises(InfoFileError):
        draft(("prog", "{out}"), out="/p/a\nb_####", writes=Writes.PRIVATE).check()


def test_blenders_line_is_finished_with_range_and_output():
    made = draft(
        ("blender", "-b", "{proj}/a.blend", "-s", "1", "-e", "250", "-a"),
        out="{proj}/o_####",
        writes=Writes.PRIVATE,
    )
    (words,) = job.chunk_words(published(made).info, Run(11, 20), made.out)
    assert words == (
        *("blender", "-b", "{proj}/a.blend", "-o", "{proj}/o_####"),
        *("-s", "11", "-e", "20", "-j", "1", "-a"),
    )
