"""Memory that a job needs: promised before it is used, learnt where there was too little."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from driven import Driven

from renderd.core import control as record
from renderd.core.chunk import State
from renderd.core.needs import Needs
from renderd.daemon.loop import Nudge
from renderd.daemon.work import Ending
from renderd.host import load
from renderd.spool import control, moves, reasons, tickets
from renderd.spool.layout import HELD, QUEUE, Spool
from renderd.spool.listing import chunks

Publish = Callable[..., str]
MakeNode = Callable[..., Driven]
MB = 1 << 20
KILLED = "blender crashed: killed (SIGKILL), out of memory"


def waiting(spool: Spool, jid: str) -> list[tuple[int, int]]:
    """Attempt and failures of the chunks that wait."""
    return [(c.attempt, c.failures) for c in chunks(spool, jid, {State.WAIT})]


def note(spool: Spool, jid: str) -> str:
    folder = spool.job(jid, "err")
    return "\n".join(
        spool.share.read(f"{folder}/{name}").decode() for name in spool.share.listdir(folder)
    )


def test_what_ran_out_of_memory_goes_to_a_larger_node_and_is_no_failure(
    spool: Spool, publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-10")
    small, large = (
        make_node("small-0123abcd", ram_bytes=100 * MB),
        make_node("large-0123abcd", ram_bytes=300 * MB),
    )
    small.tick(0.0, Nudge())
    small.end(Ending.MEMORY, KILLED, peak=90 * MB)
    assert control.read(spool, jid).needs_ram == 108 * MB
    assert waiting(spool, jid) == [(2, 0)]
    assert f"memory: {KILLED}; it needs 108 MB from now on" in note(spool, jid)
    small.run(30)
    assert small.works == []
    said = small.node.jobs[jid].why_not
    assert said == "has 100 MB of memory, the job needs 108 MB"
    large.tick(0.0, Nudge())
    assert [work.job.jid for work in large.works] == [jid]
    assert large.works[0].ram == 108 * MB


def test_a_job_that_no_node_has_the_memory_for_is_held_with_the_sentence(
    spool: Spool, publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-10")
    small, _larger = (
        make_node("small-0123abcd", ram_bytes=100 * MB),
        make_node("big-0123abcd", ram_bytes=105 * MB),
    )
    small.tick(0.0, Nudge())
    small.end(Ending.MEMORY, KILLED, peak=90 * MB)
    place = tickets.find(spool, jid)
    assert place is not None
    assert place[0] == HELD
    assert control.read(spool, jid).reason == "needs 108 MB, the largest node has 105 MB"
    assert waiting(spool, jid) == [(2, 0)]
    assert KILLED in note(spool, jid)


def test_a_larger_node_of_another_pool_is_none(
    spool: Spool, publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-10", pool=("film",))
    small = make_node("small-0123abcd", ram_bytes=100 * MB, pools=frozenset({"film"}))
    make_node("large-0123abcd", ram_bytes=900 * MB)
    write_facts(spool, small, pools=["film"], ram=100 * MB)
    small.tick(0.0, Nudge())
    small.end(Ending.MEMORY, KILLED, peak=90 * MB)
    assert control.read(spool, jid).reason == "needs 108 MB, the largest node has 100 MB"


def write_facts(spool: Spool, driven: Driven, **facts: object) -> None:
    path = spool.node(driven.node.inc, "node.info")
    moves.write(spool, path, json.dumps({"node": driven.node.name, **facts}).encode())


def test_running_out_of_what_was_promised_is_a_failure(
    spool: Spool, publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-10", needs=Needs(ram=120 * MB))
    driven = make_node("large-0123abcd", ram_bytes=300 * MB)
    driven.tick(0.0, Nudge())
    driven.end(Ending.MEMORY, KILLED, peak=90 * MB)
    assert control.read(spool, jid).needs_ram is None
    assert [chunk.failures for chunk in chunks(spool, jid)] == [1]
    assert f"fail: {KILLED}" in note(spool, jid)


def test_of_what_several_nodes_learn_the_most_holds(
    spool: Spool, publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-10")
    driven = make_node("large-0123abcd", ram_bytes=300 * MB)
    driven.tick(0.0, Nudge())
    control.edit(spool, jid, lambda c: replace(c, needs_ram=200 * MB))
    driven.end(Ending.MEMORY, KILLED, peak=90 * MB)
    assert control.read(spool, jid).needs_ram == 200 * MB
    assert record.parse(record.text(control.read(spool, jid)).encode()).needs_ram == 200 * MB


def test_two_chunks_that_would_not_fit_together_run_one_after_the_other(
    spool: Spool, publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-20", needs=Needs(ram=60 * MB))
    driven = make_node("a-0123abcd", slots=2, ram_bytes=100 * MB)
    driven.tick(0.0, Nudge())
    assert len(driven.works) == 1
    driven.works[0].rss_bytes = 55 * MB  # it uses most of what it was promised
    driven.run(30)
    assert len(driven.works) == 1
    said = driven.node.jobs[jid].why_not
    assert said == "has 40 MB of 100 MB free now, the job needs 60 MB"
    place = tickets.find(spool, jid)
    assert place is not None
    assert place[0] == QUEUE
    [verdict] = reasons.read(spool, place)[2]
    assert (verdict.takes, verdict.reason) == (False, said)
    driven.end()
    assert len(driven.works) == 1
    assert driven.work_off() == 1


def test_a_small_job_runs_beside_one_that_reserves_memory(
    publish: Publish, make_node: MakeNode
) -> None:
    publish("large", span="1-10", needs=Needs(ram=60 * MB), priority=90)
    publish("small", span="1-10")
    driven = make_node("a-0123abcd", slots=2, ram_bytes=100 * MB)
    driven.tick(0.0, Nudge())
    assert len(driven.works) == 2


def test_memory_that_others_use_is_not_given_away(
    publish: Publish, make_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    jid = publish(span="1-10", needs=Needs(ram=8 << 30))
    driven = make_node("a-0123abcd", ram_bytes=16 << 30)
    monkeypatch.setattr(load, "available_bytes", lambda: 3 << 30)
    driven.tick(0.0, Nudge())
    said = "has 3 GB of 16 GB free now, the job needs 8 GB"
    assert (driven.works, driven.node.jobs[jid].why_not) == ([], said)
    monkeypatch.setattr(load, "available_bytes", lambda: 9 << 30)
    driven.run(20)
    assert len(driven.works) == 1
