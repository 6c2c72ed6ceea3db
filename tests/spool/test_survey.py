"""What a node remembers of a job: hints to try, facts that stay."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from renderd.core.chunk import parse
from renderd.spool import claims
from renderd.spool.layout import Spool
from renderd.spool.survey import Survey

Publish = Callable[..., str]


def test_one_listing_serves_many_claims(spool: Spool, publish: Publish) -> None:
    survey = Survey(publish(span="1-30"), 3)
    assert survey.look(spool, "000").waiting == 3
    taken = {survey.take(spool) for _ in range(3)}
    assert {c.index for c in taken if c} == {1, 2, 3}
    assert survey.take(spool) is None


def test_a_big_job_is_looked_at_a_thousand_chunks_at_a_time(spool: Spool, publish: Publish) -> None:
    survey = Survey(publish(span="1-2005", chunk=1), 2005)
    assert survey.groups == ["000", "001", "002"]
    assert survey.look(spool, "001").waiting == 1000
    assert survey.look(spool, "002").waiting == 5
    assert survey.unseen() == ["000"]


def test_totals_add_up_over_a_pass(spool: Spool, publish: Publish, worker: Any) -> None:
    jid = publish(span="1-40")
    worker.finish(jid, 1)
    worker.fail(jid, 2)
    worker.claim(jid, 3)
    survey = Survey(jid, 4)
    survey.look(spool, "000")
    assert survey.totals() == (1, 1, 1, 1)


def test_a_done_group_is_a_fact_and_never_looked_at_again(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-20")
    worker.finish(jid, 1, 2)
    survey = Survey(jid, 2)
    survey.look(spool, "000")
    survey.begin_pass()
    assert survey.unseen() == []
    assert survey.totals() == (2, 0, 0, 0)


def test_an_empty_listing_is_no_evidence(spool: Spool) -> None:
    survey = Survey("abcdefghij", 2)
    sight = survey.look(spool, "000")
    assert (sight.done, sight.failed, sight.waiting) == (0, 0, 0)
    assert survey.totals() == (0, 0, 0, 0)


def test_the_outweighed_name_of_a_chunk_is_told(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-10")
    held = worker.claim(jid, 1)
    claims.finish(spool, held)
    old = parse("00001_1~10.1-0-0.wait.info")
    assert old
    spool.share.create(spool.chunk(jid, old), b"prog 1 10\n")  # a person's bare mv or cp
    sight = Survey(jid, 1).look(spool, "000")
    assert [c.name for c in sight.twins] == [old.name]
    assert (sight.done, sight.waiting) == (1, 0)


def test_a_file_of_another_group_or_job_does_not_count(
    spool: Spool, publish: Publish, worker: Any
) -> None:
    jid = publish(span="1-20")
    worker.finish(jid, 1)
    for stray in ("00003_21~30.1-0-0", "01500_1~1.1-0-0"):
        Path(spool.job(jid, "000", f"{stray}.done.skip.aaaa.info")).write_text("")
    sight = Survey(jid, 2).look(spool, "000")
    assert (sight.done, sight.waiting) == (1, 1)
