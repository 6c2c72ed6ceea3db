"""One owner a chunk: whoever renames it, and nobody who was declared dead."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from renderd.core.chunk import State
from renderd.spool import claims, nodes
from renderd.spool.layout import Spool
from renderd.spool.listing import chunks
from renderd.spool.moves import Outcome

Publish = Callable[..., str]


def states(spool: Spool, jid: str) -> list[str]:
    return sorted(
        f"{c.index}:{c.state}:{c.attempt}-{c.failures}-{c.losses}" for c in chunks(spool, jid)
    )


def test_of_two_claimers_one_wins(spool: Spool, publish: Publish, make_worker: Any) -> None:
    jid = publish(span="1-10")
    (waiting,) = chunks(spool, jid)
    one, two = (claims.prepare(spool, f"ws0{n}-0000000{n}", jid, waiting) for n in (1, 2))
    assert claims.take(spool, one, waiting) is Outcome.WON
    assert claims.take(spool, two, waiting) is Outcome.LOST


def test_a_claimed_chunk_says_what_will_run(spool: Spool, publish: Publish, worker: Any) -> None:
    held = worker.claim(publish(span="11-20"), 1)
    assert claims.read_text(spool, held) == b"prog 11 20\n"


def test_a_zombie_cannot_finish_its_chunk(spool: Spool, publish: Publish, worker: Any) -> None:
    jid = publish(span="1-10")
    held = worker.claim(jid, 1)
    assert nodes.declare(spool, worker.pulse.shard, worker.pulse.beat)
    assert claims.reclaim(spool, jid, held.chunk) is Outcome.WON
    assert claims.finish(spool, held) is Outcome.LOST
    assert states(spool, jid) == ["1:wait:2-0-1"]


def test_all_who_free_a_lost_chunk_free_it_to_one_name(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-10")
    held = worker.claim(jid, 1)
    assert claims.reclaim(spool, jid, held.chunk) is Outcome.WON
    assert claims.reclaim(spool, jid, held.chunk) is Outcome.WON  # it is there: ours or theirs
    assert states(spool, jid) == ["1:wait:2-0-1"]
    again = worker.claim(jid, 1)
    assert claims.reclaim(spool, jid, held.chunk) is Outcome.LOST
    assert states(spool, jid) == ["1:run:2-0-1"]
    assert claims.finish(spool, again) is Outcome.WON


def test_failures_count_and_interruptions_do_not(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-10")
    assert claims.give_back(spool, worker.claim(jid, 1), is_failure=True) is Outcome.WON
    assert claims.give_back(spool, worker.claim(jid, 1), is_failure=False) is Outcome.WON
    assert states(spool, jid) == ["1:wait:3-1-0"]
    assert claims.give_up(spool, worker.claim(jid, 1)) is Outcome.WON
    assert states(spool, jid) == ["1:fail:3-2-0"]
    (failed,) = chunks(spool, jid)
    assert claims.retry(spool, jid, failed) is Outcome.WON
    assert states(spool, jid) == ["1:wait:4-0-0"]


def test_a_skipped_chunk_is_done_by_nobody(spool: Spool, publish: Publish) -> None:
    jid = publish(span="1-10")
    (waiting,) = chunks(spool, jid)
    assert claims.skip(spool, jid, waiting) is Outcome.WON
    (done,) = chunks(spool, jid)
    assert (done.state, done.owner) == (State.DONE, "skip")


def test_a_note_that_cannot_be_written_stops_nothing(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-10")
    held = worker.claim(jid, 1)
    err = Path(spool.job(jid, "err"))
    err.rmdir()
    claims.note_error(spool, held, "fail: no folder\n")
    assert claims.give_back(spool, held, is_failure=True) is Outcome.WON


def test_an_intent_stands_before_the_claim(spool: Spool, publish: Publish, worker: Any) -> None:
    jid = publish(span="1-10")
    claims.declare_intent(spool, worker.inc, jid, "000")
    claims.declare_intent(spool, worker.inc, jid, "000")
    assert nodes.intents(spool, worker.inc) == [(jid, "000")]
