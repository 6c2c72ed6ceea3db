"""A chunk's name is its state, and only legal moves can be named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core.chunk import MAX_LOSSES, Chunk, State, parse, standing
from renderd.core.frames import Run

OWNER = "ws07-3f2a9c10"


@st.composite
def runs(draw: st.DrawFn) -> Run | None:
    if draw(st.booleans()):
        return None
    first = draw(st.integers(-(10**6), 10**6))
    step = draw(st.integers(1, 50))
    last = first + step * draw(st.integers(0, 400))
    return Run(first, last, step if last > first else 1)


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    state = draw(st.sampled_from(list(State)))
    counts = [draw(st.integers(0, 99)) for _ in range(3)]
    owned = state is not State.WAIT
    return Chunk(
        draw(st.integers(1, 999_000)),
        draw(runs()),
        counts[0] + 1,
        counts[1],
        counts[2],
        state,
        OWNER if owned else "",
        "k2p9" if owned else "",
    )


@given(chunks())
def test_a_name_says_everything_of_its_chunk(chunk: Chunk) -> None:
    assert parse(chunk.name) == chunk


@given(chunks())
def test_a_name_fits_the_spool(chunk: Chunk) -> None:
    assert len(chunk.name) <= 120
    assert set(chunk.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_~.-")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "notes.txt",
        ".nfs000000001",
        "00001_1~10.1-0-0.wait.info~",
        "00001_10~1.1-0-0.wait.info",
        "00001_1~10~x4.1-0-0.wait.info",
        "00001_1~10.1-0-0.run.info",
        "00001_1~10.1-0-0.wait.ws07-3f2a9c10.k2p9.info",
        "00001_1~10.1-0-0.run.skip.k2p9.info",
        "00001_1~10.1-0-0.done.WS07-3f2a9c10.k2p9.info",
        "00001_1~10.1-0-0.wait.info\n",
        "../00001_1~10.1-0-0.wait.info",
    ],
)
def test_a_strange_name_is_no_chunk(name: str) -> None:
    assert parse(name) is None


@given(st.text(max_size=80))
def test_any_text_is_a_chunk_or_none(text: str) -> None:
    found = parse(text)
    assert found is None or found.name == text


def test_the_names_of_the_design_are_read() -> None:
    assert parse("00003_21~30.1-0-0.run.ws07-3f2a9c10.k2p9.info") == Chunk(
        3, Run(21, 30), state=State.RUN, owner=OWNER, nonce="k2p9"
    )
    assert parse("00001_once.2-1-0.wait.info") == Chunk(1, None, 2, 1, 0)


WAITING = Chunk(7, Run(1, 10))
RUNNING = WAITING.claimed(OWNER, "k2p9")


def test_a_thousand_chunks_share_a_folder() -> None:
    assert [Chunk(i, None).group for i in (1, 1000, 1001)] == ["000", "000", "001"]


def test_every_return_to_waiting_has_a_new_name() -> None:
    back = RUNNING.given_back(is_failure=True)
    assert (back.attempt, back.failures, back.losses, back.state) == (2, 1, 0, State.WAIT)
    lost = back.claimed(OWNER, "aaaa").reclaimed()
    assert (lost.attempt, lost.failures, lost.losses) == (3, 1, 1)


def test_a_shutdown_is_no_failure() -> None:
    assert RUNNING.given_back(is_failure=False).failures == 0


def test_a_chunk_lost_too_often_fails() -> None:
    chunk = WAITING
    for _ in range(MAX_LOSSES):
        chunk = chunk.claimed(OWNER, "k2p9").reclaimed()
        assert chunk.state is State.WAIT
    assert chunk.claimed(OWNER, "k2p9").reclaimed().state is State.FAIL


def test_a_retry_has_a_clean_record_and_a_new_attempt() -> None:
    revived = RUNNING.given_up().retried()
    assert (revived.attempt, revived.failures, revived.losses) == (2, 0, 0)


@pytest.mark.parametrize(
    "move",
    [
        lambda: RUNNING.claimed(OWNER, "aaaa"),
        lambda: WAITING.finished(),
        lambda: WAITING.given_back(is_failure=False),
        lambda: RUNNING.retried(),
        lambda: RUNNING.skipped("aaaa"),
        lambda: RUNNING.finished().reclaimed(),
    ],
)
def test_an_illegal_move_cannot_be_named(move: object) -> None:
    with pytest.raises(ValueError, match="is not in state"):
        move()  # type: ignore[operator]


def test_of_two_names_the_one_that_counts_stands() -> None:
    done = RUNNING.finished()
    later = RUNNING.given_back(is_failure=False)
    assert standing([later, done]) == {7: done}
    assert standing([WAITING, later]) == {7: later}
    assert standing([WAITING, RUNNING]) == {7: RUNNING}
    assert standing([RUNNING, RUNNING.given_up()]) == {7: RUNNING.given_up()}


@pytest.mark.parametrize(
    "name",
    [
        "00001_01~10.1-0-0.wait.info",
        "00001_1~10~x1.1-0-0.wait.info",
        "00001_-0~10.1-0-0.wait.info",
        "000001_1~10.1-0-0.wait.info",
        "00001_1~10.01-0-0.wait.info",
        "00001_1~10.1-00-0.wait.info",
        "00001_1~1\u0660.1-0-0.wait.info",
    ],
)
def test_a_name_that_no_program_writes_is_ignored(name: str) -> None:
    assert parse(name) is None
