"""A job's end follows from its frames, its frame times, its nodes and what is ahead of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core.eta import KNOWN, Demand, Eta, Pace, forecast

NODES = ("a", "b", "c", "d")
times = st.lists(st.floats(0.5, 500.0), min_size=KNOWN, max_size=8)


def demand(jid: str = "j", chunks: int = 10, frames: float = 1.0, **said: Any) -> Demand:
    """A job on nodes a to d, each frame 10 s where nothing else is said."""
    said.setdefault("nodes", frozenset(NODES))
    said.setdefault("paces", {"a": Pace(KNOWN, 10.0)})
    return Demand(jid=jid, chunks=chunks, frames=frames, **said)


def end(*demands: Demand, slots: Mapping[str, int] | None = None, **busy: Any) -> float | None:
    """Seconds to the end of the last of them."""
    found = forecast(demands, slots or {"a": 1}, busy).get(demands[-1].jid)
    return found.at if found else None


@st.composite
def seen(draw: st.DrawFn) -> dict[str, Pace]:
    """Frame times of some nodes, at least three on each."""
    nodes = draw(st.sets(st.sampled_from(NODES), min_size=1))
    return {node: Pace.of(draw(times)) for node in sorted(nodes)}


@st.composite
def demanded(draw: st.DrawFn, jid: str = "j", **said: Any) -> Demand:
    return Demand(
        jid=jid,
        chunks=draw(st.integers(1, 60)),
        frames=draw(st.integers(1, 12)),
        nodes=frozenset(draw(st.sets(st.sampled_from(NODES), min_size=1))),
        paces=draw(seen()),
        running=tuple(
            (draw(st.sampled_from(NODES)), float(draw(st.integers(0, 12))))
            for _ in range(draw(st.integers(0, 3)))
        ),
        **said,
    )


farms = st.dictionaries(st.sampled_from(NODES), st.integers(1, 3), min_size=1)


def test_ten_frames_of_ten_seconds_on_one_node_take_a_hundred() -> None:
    assert end(demand()) == pytest.approx(100)


def test_two_nodes_take_half_as_long() -> None:
    assert end(demand(), slots={"a": 1, "b": 1}) == pytest.approx(50)


def test_a_chunk_is_never_shared_between_nodes() -> None:
    assert end(demand(chunks=1, frames=10), slots={"a": 1, "b": 1}) == pytest.approx(100)


def test_the_slow_node_does_less() -> None:
    paces = {"a": Pace(9, 10.0), "b": Pace(9, 40.0)}
    assert end(demand(paces=paces), slots={"a": 1, "b": 1}) == pytest.approx(80)


def test_chunks_in_work_end_where_they_run() -> None:
    paces = {"a": Pace(9, 10.0), "b": Pace(9, 40.0)}
    job = demand(chunks=0, paces=paces, running=(("b", 5.0),))
    assert end(job, slots={"a": 1, "b": 1}) == pytest.approx(200)


def test_what_is_ahead_comes_first() -> None:
    assert end(demand("ahead", 30), demand()) == pytest.approx(400)
    assert end(demand("ahead", 30, nodes=frozenset("b")), demand()) == pytest.approx(100)


def test_what_a_node_runs_beside_the_queue_ends_first() -> None:
    assert end(demand(), a=[70.0]) == pytest.approx(170)


def test_before_three_frames_nothing_is_said() -> None:
    assert end(demand(paces={"a": Pace(KNOWN - 1, 10.0)})) is None
    assert end(demand(paces={"a": Pace(1, 10.0), "b": Pace(2, 10.0)})) is not None


def test_behind_a_job_of_unknown_length_nothing_is_said() -> None:
    unknown = demand("ahead", paces={})
    assert end(unknown, demand()) is None
    one_chunk = demand("ahead", chunks=1, paces={})
    assert end(one_chunk, demand(), slots={"a": 1, "b": 1}) == pytest.approx(100)


def test_a_job_that_no_living_node_may_take_has_no_end() -> None:
    assert end(demand(nodes=frozenset("b"))) is None
    assert end(demand(nodes=frozenset())) is None


def test_a_limit_of_nodes_leaves_the_others_to_what_is_behind() -> None:
    slots = {"a": 1, "b": 1}
    limited = demand("ahead", 30, limit=1, running=(("b", 1.0),))
    assert end(limited, slots=slots) == pytest.approx(310)
    assert end(limited, demand(), slots=slots) == pytest.approx(100)


def test_skewed_frame_times_widen_the_range() -> None:
    even, skewed = Pace.of([10.0] * 10), Pace.of([1.0] * 9 + [91.0])
    assert even.mean == pytest.approx(skewed.mean)
    narrow, wide = (forecast([demand(paces={"a": pace})], {"a": 1})["j"] for pace in (even, skewed))
    assert narrow.at == pytest.approx(wide.at)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_more_frames_seen_narrow_the_range() -> None:
    few, many = Pace(4, 10.0, 3.0), Pace(400, 10.0, 3.0)
    wide, narrow = (forecast([demand(paces={"a": p})], {"a": 1})["j"] for p in (few, many))
    assert wide.high - wide.low > narrow.high - narrow.low


def test_a_slow_node_that_may_take_the_last_chunk_is_in_the_range() -> None:
    paces = {"a": Pace(9, 10.0), "b": Pace(9, 1000.0)}
    found = forecast([demand(paces=paces)], {"a": 1, "b": 1})["j"]
    assert found.at == pytest.approx(100)
    assert found.high > 1000


@given(demanded(), farms, st.sampled_from(NODES), st.integers(1, 3))
def test_a_further_node_never_makes_a_job_later(
    job: Demand, slots: dict[str, int], node: str, more: int
) -> None:
    before, after = end(job, slots=slots), end(job, slots={node: more} | slots)
    if before is not None:
        assert after is not None
        assert after <= before * (1 + 1e-6)


@given(demanded("ahead"), demanded(), farms, st.sampled_from(NODES))
def test_a_further_node_never_makes_a_job_behind_another_later(
    ahead: Demand, job: Demand, slots: dict[str, int], node: str
) -> None:
    before, after = end(ahead, job, slots=slots), end(ahead, job, slots={node: 1} | slots)
    if before is not None:
        assert after is not None
        assert after <= before * (1 + 1e-6)


@given(demanded(), farms, st.integers(1, 40))
def test_more_chunks_are_never_sooner_done(job: Demand, slots: dict[str, int], more: int) -> None:
    longer = replace(job, chunks=job.chunks + more)
    first, second = end(job, slots=slots), end(longer, slots=slots)
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert second >= first * (1 - 1e-6)


@given(demanded("ahead"), demanded(), farms)
def test_what_is_ahead_never_makes_a_job_sooner(
    ahead: Demand, job: Demand, slots: dict[str, int]
) -> None:
    begun = replace(ahead, chunks=0)
    first, second = end(begun, job, slots=slots), end(ahead, job, slots=slots)
    if first is not None and second is not None:
        assert second >= first * (1 - 1e-6)


@given(demanded(limit=1), farms)
def test_a_limit_never_makes_a_job_sooner(job: Demand, slots: dict[str, int]) -> None:
    limited, unlimited = end(job, slots=slots), end(replace(job, limit=None), slots=slots)
    if limited is not None:
        assert unlimited is not None
        assert limited >= unlimited * (1 - 1e-6)


@given(st.lists(demanded(), max_size=5), farms)
def test_the_range_holds_the_estimate(jobs: list[Demand], slots: dict[str, int]) -> None:
    named = [replace(job, jid=str(number)) for number, job in enumerate(jobs)]
    for found in forecast(named, slots).values():
        assert isinstance(found, Eta)
        assert 0 <= found.low <= found.at <= found.high < float("inf")
