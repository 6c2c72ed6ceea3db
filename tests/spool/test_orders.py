"""What a person may do to jobs and nodes, against daemons that move the same files."""

import errno
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from renderd.core import frames as ranges
from renderd.core import wire
from renderd.core.chunk import Chunk, State
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.errors import OutputOwned, RenderdError, ShareUnsure, UsageError
from renderd.spool import claims, control, frames, jobs, nodes, orders, tickets
from renderd.spool.layout import Spool
from renderd.spool.listing import chunks
from renderd.spool.moves import Outcome
from renderd.spool.share import PosixShare

INC = "ws07-0123abcd"


def states(spool: Spool, jid: str) -> dict[int, State]:
    return {c.index: c.state for c in chunks(spool, jid)}


def test_a_held_job_is_released_to_the_queue(spool: Spool, publish):
    jid = publish()
    assert orders.hold(spool, jid, "artist", "lunch").now == "held"
    assert control.read(spool, jid).reason == "held by artist: lunch"
    assert orders.release(spool, jid).now == "queue"
    assert control.read(spool, jid).reason == ""


def test_an_order_given_twice_changes_nothing_the_second_time(spool: Spool, publish):
    jid = publish()
    assert orders.hold(spool, jid, "artist").is_changed
    before = tickets.find(spool, jid)
    assert not orders.hold(spool, jid, "artist").is_changed
    assert tickets.find(spool, jid) == before


def test_a_held_job_that_waits_for_another_goes_back_to_waiting(spool: Spool, publish):
    first = publish("first")
    second = publish("second", after=(first,))
    orders.hold(spool, second, "artist")
    assert orders.release(spool, second).now == "waiting"


def test_releasing_forgives_the_failures_that_are_known(spool: Spool, publish, worker):
    jid = publish()
    worker.fail(jid, 1, 2)
    orders.hold(spool, jid, "artist", "2 chunks failed")
    orders.release(spool, jid)
    assert control.read(spool, jid).forgiven == 2


def writing(folder: Path) -> Draft:
    out = str(folder / "out" / "f_####.png")
    info = Info(commands=(("prog", "{out}"),), frames=ranges.parse("1-2"), out=out)
    return Draft(name="a", slug="a", info=info, runs=info.frames, out=out, writes=Writes.PRIVATE)


def test_a_job_held_for_anothers_output_is_not_released_while_that_is_open(
    spool: Spool, tmp_path: Path
):
    draft = writing(tmp_path)
    owner = jobs.publish(spool, draft, jobs.Order("me"))
    second = jobs.publish(spool, draft, jobs.Order("me", is_held=True, owns_output=False))
    with pytest.raises(OutputOwned):
        orders.release(spool, second)
    orders.cancel(spool, owner)
    assert orders.release(spool, second).now == "queue"


def test_a_cancelled_job_cannot_be_released(spool: Spool, publish):
    jid = publish()
    orders.cancel(spool, jid)
    with pytest.raises(UsageError, match="cancelled"):
        orders.release(spool, jid)


@pytest.mark.parametrize("held", [True, False])
def test_cancel_works_from_the_queue_and_from_held(spool: Spool, publish, held):
    jid = publish(held=held)
    assert orders.cancel(spool, jid).now == "cancelled"


def test_priority_renames_the_ticket_where_it_lies(spool: Spool, publish):
    jid = publish(held=True)
    turned = orders.set_priority(spool, jid, 70)
    assert (turned.now, turned.priority, turned.was_priority) == ("held", 70, 50)
    assert tickets.find(spool, jid)[1].priority == 70


def test_a_priority_out_of_range_is_refused(spool: Spool, publish):
    with pytest.raises(UsageError, match="100"):
        orders.set_priority(spool, publish(), 100)


def test_retry_revives_failed_chunks_with_a_clean_record_and_reopens_the_job(
    spool: Spool, publish, worker
):
    jid = publish()
    worker.fail(jid, 2)
    worker.finish(jid, 1, 3)
    worker.close(jid, has_failed=True)
    done = orders.retry(spool, jid)
    assert (done.indices, done.now) == ((2,), "queue")
    revived = chunks(spool, jid, {State.WAIT})[0]
    assert (revived.attempt, revived.failures, revived.losses) == (2, 0, 0)


def test_a_retry_that_was_cut_short_is_finished_by_the_next(spool: Spool, publish, worker):
    jid = publish()
    worker.fail(jid, 2)
    worker.finish(jid, 1, 3)
    worker.close(jid, has_failed=True)
    failed = chunks(spool, jid, {State.FAIL})[0]
    assert claims.retry(spool, jid, failed) is Outcome.WON  # and the tool dies here
    assert orders.retry(spool, jid).now == "queue"


def test_retry_turns_the_ticket_by_a_rename_of_its_own(spool: Spool, publish, worker):
    jid = publish()
    worker.fail(jid, 2)
    before = tickets.find(spool, jid)[1].g
    orders.retry(spool, jid)
    assert tickets.find(spool, jid)[1].g > before


def test_retry_of_a_job_that_a_person_held_leaves_it_held(spool: Spool, publish, worker):
    jid = publish()
    worker.fail(jid, 2)
    orders.hold(spool, jid, "artist", "wait for the new plate")
    assert orders.retry(spool, jid).now == "held"
    assert "plate" in control.read(spool, jid).reason


def test_retry_of_a_job_that_stopped_itself_lets_it_go_on(spool: Spool, publish, worker):
    jid = publish()
    worker.fail(jid, 1, 2)
    control.change(spool, jid, reason="2 of 3 chunks failed")
    tickets.turn_surely(spool, jid, "held")
    assert orders.retry(spool, jid, lambda c: c.index == 1).now == "queue"
    said = control.read(spool, jid)
    assert (said.reason, said.forgiven) == ("", 1)


class Meanwhile(PosixShare):
    """A share on which something happens just before a ticket comes back from failed/."""

    act: Callable[[], object] | None = None

    def rename(self, old: str, new: str) -> None:
        if "/failed/" in old and self.act is not None:
            act, self.act = self.act, None
            act()
        super().rename(old, new)


def test_a_job_whose_output_is_taken_while_it_is_retried_is_held_with_the_reason(
    spool: Spool, worker, tmp_path: Path
):
    jid = jobs.publish(spool, writing(tmp_path), jobs.Order("me"))
    worker.fail(jid, 1)
    worker.close(jid, has_failed=True)
    share = Meanwhile()
    share.act = lambda: jobs.publish(spool, writing(tmp_path), jobs.Order("me"))
    with pytest.raises(OutputOwned):
        orders.retry(replace(spool, share=share), jid)
    place = tickets.find(spool, jid)
    assert place
    assert place[0] == "held"
    assert "is being written by job" in control.read(spool, jid).reason


def test_retry_takes_the_output_back_from_a_job_that_is_over(spool: Spool, worker, tmp_path: Path):
    jid = jobs.publish(spool, writing(tmp_path), jobs.Order("me"))
    worker.fail(jid, 1)
    worker.close(jid, has_failed=True)
    other = jobs.publish(spool, writing(tmp_path), jobs.Order("me"))
    with pytest.raises(OutputOwned):
        orders.retry(spool, jid)
    assert states(spool, jid) == {1: State.FAIL}
    orders.cancel(spool, other)
    assert orders.retry(spool, jid).now == "queue"
    output = frames.locate(spool, jobs.read(spool, jid))
    assert output is not None
    assert frames.why_not_able(spool, output) == ""


def test_retry_of_some_leaves_the_others_failed(spool: Spool, publish, worker):
    jid = publish()
    worker.fail(jid, 1, 2)
    orders.retry(spool, jid, lambda c: c.index == 2)
    assert states(spool, jid)[1] is State.FAIL
    assert states(spool, jid)[2] is State.WAIT


def test_two_people_who_retry_at_once_revive_each_chunk_once(spool: Spool, publish, worker):
    jid = publish(span="1-200")
    worker.fail(jid, *range(1, 21))
    found: list[orders.Chunks] = []
    threads = [
        threading.Thread(target=lambda: found.append(orders.retry(spool, jid))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {i for one in found for i in one.indices} == set(range(1, 21))
    assert [c.attempt for c in chunks(spool, jid, {State.WAIT})] == [2] * 20


def test_skipping_the_last_waiting_chunk_closes_the_job(spool: Spool, publish, worker):
    jid = publish()
    worker.finish(jid, 1, 3)
    done = orders.skip(spool, jid, lambda c: c.index == 2)
    assert (done.indices, done.now) == ((2,), "done")


def test_skipping_what_failed_closes_a_failed_job_as_done(spool: Spool, publish, worker):
    jid = publish()
    worker.fail(jid, 2)
    worker.finish(jid, 1, 3)
    worker.close(jid, has_failed=True)
    done = orders.skip(spool, jid, lambda c: c.state is State.FAIL)
    assert (done.indices, done.now) == ((2,), "done")


def test_a_skip_that_was_cut_short_is_finished_by_another(spool: Spool, publish, worker):
    jid = publish(span="1-10")
    worker.fail(jid, 1)
    worker.close(jid, has_failed=True)
    (failed,) = chunks(spool, jid)
    claims.retry(spool, jid, failed)
    claims.skip(spool, jid, failed.retried())  # and here the first one's share went away
    assert orders.skip(spool, jid, lambda c: True).now == "done"


def test_a_skip_whose_first_step_is_in_doubt_says_so(spool: Spool, publish, worker):
    """Told as skipped, or as nothing to skip, the chunk would wait in failed/ for ever."""
    jid = publish(span="1-10")
    worker.fail(jid, 1)
    worker.close(jid, has_failed=True)

    class Slow(PosixShare):
        def rename(self, path: str, to: str) -> None:
            if ".fail." in path:
                raise TimeoutError(errno.ETIMEDOUT, "timed out", path)
            super().rename(path, to)

    with pytest.raises(ShareUnsure, match=f"1 chunk of {jid} could not be skipped"):
        orders.skip(replace(spool, share=Slow()), jid, lambda c: True)
    assert orders.skip(spool, jid, lambda c: True).now == "done"


def test_skip_leaves_a_running_chunk_alone(spool: Spool, publish, worker):
    jid = publish()
    worker.claim(jid, 1)
    assert orders.skip(spool, jid, lambda c: True).indices == (2, 3)
    assert states(spool, jid)[1] is State.RUN


def test_an_open_job_is_not_removed(spool: Spool, publish):
    with pytest.raises(UsageError, match="queued"):
        orders.remove(spool, publish())


def test_a_cancelled_job_is_removed_with_its_folder(spool: Spool, publish):
    jid = publish()
    orders.cancel(spool, jid)
    assert orders.remove(spool, jid).is_swept
    assert not Path(spool.job(jid)).exists()
    assert tickets.find(spool, jid) is None


def test_a_job_is_not_removed_before_its_nodes_saw_that_it_was_cancelled(
    spool: Spool, publish, worker
):
    jid = publish()
    held = worker.claim(jid, 1)
    orders.cancel(spool, jid)
    with pytest.raises(RenderdError, match=INC):
        orders.remove(spool, jid)
    claims.give_back(spool, held, is_failure=False)
    assert orders.remove(spool, jid).was == "cancelled"


def test_a_chunk_of_a_dead_node_does_not_keep_a_job_from_being_removed(
    spool: Spool, publish, worker
):
    jid = publish()
    worker.claim(jid, 1)
    nodes.certify(spool, INC)
    orders.cancel(spool, jid)
    assert orders.remove(spool, jid).is_swept


def test_a_removed_job_is_removed_only_once(spool: Spool, publish):
    jid = publish()
    orders.cancel(spool, jid)
    orders.remove(spool, jid)
    with pytest.raises(UsageError, match="not in this spool"):
        orders.remove(spool, jid)


def test_a_limit_is_refused_for_a_job_that_is_over(spool: Spool, publish):
    jid = publish()
    orders.cancel(spool, jid)
    with pytest.raises(UsageError, match="cancelled"):
        orders.limit(spool, jid, lambda c: c)


@pytest.mark.parametrize("word", ["ws07", INC, "left corner"])
def test_a_node_is_ordered_by_host_incarnation_or_name(spool: Spool, word):
    nodes.register(spool, INC, {"node": "left corner"}, 5)
    sent = orders.send(spool, word, wire.Request(wire.Op.PAUSE, {"for": 60.0}))
    assert sent.incarnations == (INC,)
    order = nodes.receive(spool, INC)[0]
    again = wire.decode_request(json.dumps(order).encode())
    assert (again.op, dict(again.args)) == (wire.Op.PAUSE, {"for": 60.0})


def test_an_order_reaches_every_live_incarnation_of_a_host(spool: Spool):
    for inc in (INC, "ws07-00000001", "ws08-00000002"):
        nodes.register(spool, inc, {}, 5)
    nodes.certify(spool, "ws07-00000001")
    sent = orders.send(spool, "ws07", wire.Request(wire.Op.DRAIN))
    assert sent.incarnations == (INC,)


def test_an_unknown_node_is_answered_with_the_nearest(spool: Spool):
    nodes.register(spool, INC, {}, 5)
    with pytest.raises(UsageError, match="did you mean 'ws07'"):
        orders.send(spool, "ws7", wire.Request(wire.Op.DRAIN))


def test_what_a_node_holds_is_found_by_its_intents(spool: Spool, publish, worker, make_worker):
    jid = publish()
    held = worker.claim(jid, 2)
    make_worker("ws08-00000002").claim(jid, 3)
    assert orders.held_by(spool, INC) == [(jid, held.chunk)]


def test_a_skipped_chunk_never_counts_as_a_nodes(spool: Spool, publish):
    jid = publish()
    orders.skip(spool, jid, lambda c: c.index == 1)
    skipped: Chunk = chunks(spool, jid, {State.DONE})[0]
    assert skipped.owner == "skip"
