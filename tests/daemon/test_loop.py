"""The loop's steps, tick by tick, on a real spool with a clock of our own and no threads."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from driven import Driven

from renderd.core.wire import Op, Request
from renderd.daemon import sight
from renderd.daemon.loop import Leave, Nudge
from renderd.daemon.work import Ending, Result
from renderd.spool import control, nodes, orders, tickets
from renderd.spool.layout import CANCELLED, DONE, FAILED, HELD, QUEUE, Spool
from renderd.spool.listing import chunks
from renderd.spool.share import PosixShare

Publish = Callable[..., str]
MakeNode = Callable[..., Driven]


@pytest.fixture
def driven(make_node: MakeNode) -> Driven:
    return make_node()


def place(spool: Spool, jid: str) -> str:
    found = tickets.find(spool, jid)
    return found[0] if found else ""


def test_a_job_is_claimed_worked_off_and_closed(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-50")
    assert driven.work_off() == 5
    assert place(spool, jid) == DONE


def test_only_as_many_chunks_run_as_there_are_slots(publish: Publish, make_node: MakeNode) -> None:
    publish(span="1-50")
    driven = make_node(slots=2)
    driven.tick(0.0, Nudge())
    assert len(driven.works) == 2


def test_the_higher_priority_runs_first(publish: Publish, driven: Driven) -> None:
    low, high = publish("low", "1-10", priority=10), publish("high", "1-10", priority=90)
    driven.tick(0.0, Nudge())
    assert [w.job.jid for w in driven.works] == [high]
    driven.end()
    assert [w.job.jid for w in driven.works] == [low]


def test_a_failing_chunk_is_tried_again_and_then_given_up(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-10", retries=2)
    assert driven.work_off(Ending.FAIL) == 3
    driven.run(5)
    assert place(spool, jid) == FAILED
    (failed,) = chunks(spool, jid)
    assert (failed.attempt, failed.failures) == (3, 3)
    assert len(os.listdir(spool.job(jid, "err"))) == 3


def test_a_node_avoids_a_job_after_three_failures_there(
    spool: Spool, publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-100", retries=9)
    bad, good = make_node("ws01-00000001"), make_node("ws02-00000001")
    bad.run(6)
    good.run(6)
    assert bad.work_off(Ending.FAIL, most=20) <= 3
    assert "failed 3 times" in bad.node.jobs[jid].why_not or bad.node.rest.reason
    good.work_off()
    driven = good
    driven.run(70)
    driven.work_off()
    assert place(spool, jid) == DONE


def test_a_chunk_given_back_by_the_artist_is_no_failure(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-10")
    driven.tick(0.0, Nudge())
    driven.tick(0.0, Request(Op.PAUSE, {"by": "artist"}))
    assert driven.works[0].stopping.is_set()
    driven.end(Ending.KILLED, "paused")
    (chunk,) = chunks(spool, jid)
    assert (chunk.state, chunk.attempt, chunk.failures) == ("wait", 2, 0)
    driven.run(30)
    assert driven.works == []
    driven.tick(0.0, Request(Op.RESUME, {}), Nudge())
    assert len(driven.works) == 1


def test_a_pause_with_an_end_ends(publish: Publish, driven: Driven) -> None:
    publish(span="1-10")
    driven.loop.wall = lambda: driven.time[0]
    driven.tick(0.0, Request(Op.PAUSE, {"until": driven.time[0] + 60}), Nudge())
    driven.run(50)
    assert driven.works == []
    driven.run(30)
    assert len(driven.works) == 1


def test_a_cancelled_job_is_stopped_and_given_back(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-20")
    driven.tick(0.0, Nudge())
    orders.cancel(spool, jid)
    driven.run(12)
    assert driven.works[0].stop_reason == "the job was cancelled"
    driven.end(Ending.KILLED)
    assert place(spool, jid) == CANCELLED
    assert {c.state for c in chunks(spool, jid)} == {"wait"}
    driven.run(30)
    assert driven.works == []


def test_a_held_job_whose_last_chunk_ends_is_closed(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-10")
    driven.tick(0.0, Nudge())
    orders.hold(spool, jid, "artist")
    driven.run(15)
    driven.end()
    assert place(spool, jid) == DONE


def test_a_draining_node_closes_the_job_that_it_ends(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-10")
    driven.tick(0.0, Nudge())
    driven.tick(0.0, Request(Op.DRAIN, {"by": "artist"}))
    driven.end()
    assert place(spool, jid) == DONE


def test_a_held_job_starts_nothing_more_but_ends_what_runs(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-30")
    driven.tick(0.0, Nudge())
    orders.hold(spool, jid, by="artist")
    driven.run(15)
    driven.end()
    assert driven.works == []
    orders.release(spool, jid)
    assert driven.work_off() == 2
    assert place(spool, jid) == DONE


def test_a_dead_nodes_chunk_goes_to_another_and_the_dead_one_is_fenced(
    spool: Spool, publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-10")
    lost, other = make_node("ws01-00000001"), make_node("ws02-00000001")
    lost.tick(0.0, Nudge())
    assert len(lost.works) == 1
    other.run(120)  # only the other lives on
    assert nodes.dead(spool) == {"ws01-00000001"}
    assert len(other.works) == 1
    lost.end()  # the zombie comes back and reports success
    lost.run(20)
    assert lost.node.is_fenced
    assert lost.node.counts.get("done", 0) == 0
    other.end()
    assert place(spool, jid) == DONE
    assert [c.owner for c in chunks(spool, jid)] == ["ws02-00000001"]


def test_two_nodes_that_live_declare_nobody(publish: Publish, make_node: MakeNode) -> None:
    pair = [make_node(f"ws0{n}-00000001") for n in (1, 2)]
    for _ in range(400):
        for driven in pair:
            driven.tick(0.25)
    assert nodes.dead(pair[0].node.spool) == set()
    assert all(d.node.counts["beats"] > 10 for d in pair)


def test_an_own_pause_declares_nobody_dead(make_node: MakeNode) -> None:
    one, two = make_node("ws01-00000001"), make_node("ws02-00000001")
    for _ in range(40):
        one.tick(0.5)
        two.tick(0.5)
    one.tick(3600.0)  # slept, and wakes first
    for _ in range(60):
        one.tick(0.5)
        two.tick(0.0)
    assert nodes.dead(one.node.spool) == set()


def test_a_run_name_of_mine_that_nobody_holds_is_given_back(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-10")
    driven.tick(0.0, Nudge())
    work = driven.works.pop()
    driven.node.running.remove(work)
    driven.node.held.clear()  # the rename happened after we judged it lost
    driven.run(150)
    (chunk,) = chunks(spool, jid)
    assert (chunk.state, chunk.attempt) == ("run", 2)  # given back, and claimed again
    assert driven.node.counts["leftovers"] == 1


def test_a_chunk_whose_owner_nobody_knows_is_freed(
    spool: Spool, publish: Publish, driven: Driven, worker: Any, make_worker: Callable[..., Any]
) -> None:
    jid = publish(span="1-10")
    ghost = make_worker("ws99-00000009")
    ghost.claim(jid, 1)
    os.unlink(spool.at("beat", ghost.pulse.shard, ghost.pulse.beat.name))
    driven.run(600, step=2.0)
    assert "ws99-00000009" in nodes.dead(spool)
    assert len(driven.works) == 1


def test_a_job_that_goes_wrong_holds_itself(
    spool: Spool, publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-300", retries=0, chunk=10)
    driven = make_node(slots=1)
    for _ in range(40):
        driven.tick(700.0, Nudge())  # past every forbearance
        if driven.works:
            driven.node.jobs[jid].failures_here = 0
            driven.end(Ending.FAIL, "made to fail")
    assert place(spool, jid) == HELD


def test_a_job_that_must_wait_for_a_person_is_held_and_its_chunk_given_back(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-20", retries=0)
    driven.tick(0.0, Nudge())
    driven.end(Ending.HELD, "cloth of 'Cube' is not baked: bake it or use --whole")
    driven.run(5)
    assert place(spool, jid) == HELD
    assert driven.works == []
    found = chunks(spool, jid)
    assert {(c.state.value, c.failures) for c in found} == {("wait", 0)}
    assert "not baked" in control.read(spool, jid).reason
    orders.release(spool, jid)
    assert driven.work_off() == 2


def test_a_dropped_file_runs(spool: Spool, driven: Driven) -> None:
    with open(spool.at("x.info"), "w") as file:
        file.write("echo hello\n")
    os.chmod(spool.at("x.info"), 0o644)
    driven.run(15)
    assert [w.commands for w in driven.works] == [(("echo", "hello"),)]
    driven.end()
    assert [t.slug for t in tickets.listed(spool, DONE)] == ["x"]


@pytest.mark.parametrize("left", [b"", b"pr", b"prog 11", b"prog 11 20"])
def test_a_torn_chunk_file_is_rebuilt_from_the_job(
    spool: Spool, publish: Publish, driven: Driven, left: bytes
) -> None:
    jid = publish(span="11-20")
    (waiting,) = chunks(spool, jid)
    with open(spool.chunk(jid, waiting), "wb") as file:
        file.write(left)  # a power cut left the name and no text, or the start of one
    driven.tick(0.0, Nudge())
    assert driven.works[0].commands == (("prog", "11", "20"),)


def test_a_share_that_fails_ends_the_round_and_not_the_loop(
    spool: Spool, publish: Publish, driven: Driven, tmp_path: Any
) -> None:
    os.rename(spool.root, tmp_path / "away")
    driven.run(10)
    assert driven.node.trouble
    os.rename(tmp_path / "away", spool.root)
    publish(span="1-10")
    driven.run(20)
    assert driven.node.trouble == ""
    assert len(driven.works) == 1


def test_leaving_stops_the_work_and_gives_it_back(
    spool: Spool, publish: Publish, driven: Driven
) -> None:
    jid = publish(span="1-10")
    driven.tick(0.0, Nudge())
    driven.tick(0.0, Leave("renderd was stopped"))
    assert driven.works[0].stopping.is_set()
    assert not driven.loop.is_over()
    driven.end(Ending.KILLED, "renderd was stopped")
    assert driven.loop.is_over()
    assert [c.state for c in chunks(spool, jid)] == ["wait"]


def test_a_drained_node_ends_its_chunk_and_leaves(publish: Publish, driven: Driven) -> None:
    publish(span="1-30")
    driven.tick(0.0, Nudge())
    driven.tick(0.0, Request(Op.DRAIN, {"by": "artist"}))
    assert not driven.works[0].stopping.is_set()
    assert not driven.loop.is_over()
    driven.end()
    assert driven.loop.is_over()


def test_a_job_limited_to_one_node_is_left_alone_by_the_others(
    publish: Publish, make_node: MakeNode
) -> None:
    jid = publish(span="1-50", nodes=1)
    one, two = make_node("ws01-00000001"), make_node("ws02-00000001")
    one.tick(0.0, Nudge())
    two.tick(0.0, Nudge())
    assert (len(one.works), len(two.works)) == (1, 0)
    assert "its limit is 1" in two.node.jobs[jid].why_not


def test_after_a_sleep_the_beat_goes_on_under_the_same_name(driven: Driven) -> None:
    driven.run(20)
    driven.tick(7200.0)
    driven.run(10)
    assert not driven.node.is_fenced
    assert QUEUE


def test_a_frame_far_beyond_the_usual_is_told_and_not_killed(
    publish: Publish, driven: Driven
) -> None:
    publish(span="1-30")
    driven.tick(0.0, Nudge())
    driven.end()  # 10 frames in one second
    driven.run(8)
    assert driven.loop.snapshot["running"][0]["slow"] == ""
    driven.run(12)
    assert "times the job's usual 0.1 s" in driven.loop.snapshot["running"][0]["slow"]
    assert not driven.works[0].stopping.is_set()


def test_once_waits_for_what_another_node_is_adopting(spool: Spool, driven: Driven) -> None:
    driven.node.is_once = True
    path = spool.at("adopting", "ws09-00000001~abcdefghij~shot.info")
    with open(path, "w") as file:
        file.write("echo\n")
    driven.run(10)
    assert not driven.loop.is_over()
    os.unlink(path)
    driven.run(10)
    assert driven.loop.is_over()


def test_the_daemons_own_log_tells_what_it_does(
    publish: Publish, driven: Driven, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    jid = publish("turntable", span="1-20", retries=0)
    driven.tick(0.0, Nudge())
    first = driven.works[0].claim.chunk
    driven.end()
    driven.end(Ending.FAIL, "prog: exit status 3")
    said = [record.getMessage() for record in caplog.records]
    frames = f"{first.run.first} to {first.run.last}" if first.run else ""
    assert said[0] == f"turntable ({jid}): starts with chunk {first.index} ({frames})"
    assert said[1] == f"turntable chunk {first.index} ({frames}) done in 1.0 s"
    assert said[2].endswith("fail in 1.0 s: prog: exit status 3")


def test_a_restart_takes_no_more_and_leaves_with_the_frame_in_work(
    publish: Publish, driven: Driven
) -> None:
    publish(span="1-30")
    driven.tick(0.0, Nudge())
    driven.tick(0.0, Request(Op.RESTART, {"by": "artist"}))
    (work,) = driven.works
    assert work.last_frame
    assert not work.stopping.is_set()
    driven.run(3)
    assert driven.loop.snapshot["state"] == "restarting"
    driven.end(Ending.KILLED, work.last_frame)
    assert driven.works == []
    assert driven.loop.is_over()
    assert driven.node.restarts


def test_a_resume_takes_a_restart_back(publish: Publish, driven: Driven) -> None:
    publish(span="1-30")
    driven.tick(0.0, Nudge())
    driven.tick(0.0, Request(Op.RESTART, {"by": "artist"}))
    driven.tick(0.0, Request(Op.RESUME, {"by": "artist"}))
    assert not driven.works[0].last_frame
    driven.end()
    assert len(driven.works) == 1
    assert not driven.loop.is_over()


def test_a_restart_of_a_draining_node_leaves_it_draining(publish: Publish, driven: Driven) -> None:
    publish(span="1-30")
    driven.tick(0.0, Nudge())
    driven.tick(0.0, Request(Op.DRAIN, {"by": "artist", "now": True}))
    assert driven.works[0].last_frame
    driven.tick(0.0, Request(Op.RESTART, {"by": "artist", "now": True}))
    assert driven.works[0].stopping.is_set()
    assert driven.node.rest.is_drain
    assert driven.node.restarts


def test_another_release_on_the_farm_is_warned_about_once(
    spool: Spool, driven: Driven, caplog: pytest.LogCaptureFixture
) -> None:
    nodes.register(spool, "ws08-0123abcd", {"node": "ws08", "version": "9.9.9"}, 5)
    driven.run(200)
    said = [record.message for record in caplog.records if "renderd 9.9.9" in record.message]
    assert len(said) == 1
    assert "ws08" in said[0]


@pytest.mark.parametrize(
    ("cause", "rests"), [("", True), ("missing-file", True), ("driver", False)]
)
def test_jobs_that_fail_on_every_node_alike_do_not_make_a_node_rest(
    publish: Publish, make_node: MakeNode, cause: str, rests: bool
) -> None:
    for name in ("a", "b", "c", "d", "e"):
        publish(name, "1-10", retries=0)
    node, other = make_node("ws01-00000001"), make_node("ws02-00000001")
    node.run(6)
    other.tick()
    for _ in range(3):
        (work,) = node.works
        node.works.clear()
        node.tick(0.0, Result(work=work, ending=Ending.FAIL, cause=cause, wall=1.0))
    node.run(12)
    assert bool(node.node.rest.reason) is rests
    assert bool(node.works) is not rests


def test_an_order_that_comes_after_a_quiet_time_is_obeyed(spool: Spool, driven: Driven) -> None:
    driven.run(60)
    orders.send(spool, driven.node.inc, Request(Op.PAUSE, {}))
    driven.run(15)
    assert driven.node.rest.reason


def test_a_quiet_inbox_is_asked_whether_it_changed_and_not_listed(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    driven.run(60)
    listed: list[str] = []
    listdir = PosixShare.listdir
    monkeypatch.setattr(
        PosixShare, "listdir", lambda share, path: listed.append(path) or listdir(share, path)
    )
    driven.run(60)
    assert [path for path in listed if "/beat/" in path]
    assert not [path for path in listed if path.endswith("/inbox")]


class Later(sight.Sight):
    """Has the answer to a question only when it is asked a second time."""

    def __init__(self) -> None:
        self.asked: set[sight.Subject] = set()

    def ask(self, about: sight.Subject, question: sight.Question) -> str:
        if about in self.asked:
            return super().ask(about, question)
        self.asked.add(about)
        return f"{sight.LOOKING} {about[1]}"


def test_what_a_slow_share_answers_late_is_asked_again_at_once(
    publish: Publish, driven: Driven
) -> None:
    driven.run(20)  # idle for long: its polls are seldom
    driven.node.sight = Later()
    publish()
    driven.tick(0.0, Nudge())
    assert not driven.works
    driven.run(0.5)
    assert driven.works


def test_a_node_says_what_it_is_before_its_first_turn(driven: Driven) -> None:
    assert driven.loop.snapshot["state"] == "idle"
    assert driven.loop.snapshot["stats"] == {}
