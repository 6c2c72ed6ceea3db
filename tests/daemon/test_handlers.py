"""Each op does what the reference says, over a real spool and a real socket."""

import re
import time
from pathlib import Path

import pytest

from renderd.core import wire
from renderd.core.wire import Event, Kind, Op
from renderd.daemon.handlers import HANDLERS
from renderd.daemon.tail import Tail
from renderd.spool import view


@pytest.fixture
def peer(serve, dial):
    serve()
    return dial()


def value(answer):
    assert "error" not in answer, answer["error"]
    return answer["value"]


def test_every_op_but_subscribe_has_a_handler():
    assert set(Op) - set(HANDLERS) == {Op.SUBSCRIBE}


def test_hello_tells_the_spool_by_its_id(peer, spool):
    said = value(peer.call("hello"))
    assert said["server"] == "renderd"
    assert said["versions"] == [1]
    assert said["spool"] == {"id": spool.identity.id, "root": spool.root}


def test_status_is_the_latest_snapshot(peer, standin):
    standin.become(state="rendering", running=[{"job": "a", "chunk": 1}])
    assert value(peer.call("status")) == standin.snapshot()


def test_the_farm_is_counted_by_state(peer, publish, worker):
    publish()
    publish("other", held=True)
    said = value(peer.call("farm"))
    assert said["jobs"]["queue"] == 1
    assert said["jobs"]["held"] == 1
    assert (said["alive"], said["dead"]) == (1, 0)


def test_jobs_chunks_and_nodes_are_what_the_spool_shows(peer, spool, publish, worker):
    jid = publish()
    worker.finish(jid, 1)
    jobs = value(peer.call("jobs"))
    assert [(j["jid"], j["done"], j["waiting"]) for j in jobs] == [(jid, 1, 2)]
    chunks = value(peer.call("chunks", job=jid))
    assert [c["state"] for c in chunks] == ["done", "wait", "wait"]
    assert [c["index"] for c in chunks] == [c.index for c in view.read_chunks(spool, jid)]
    assert [n["inc"] for n in value(peer.call("nodes"))] == [worker.inc]


def put_log(spool, jid, name, text):
    spool.share.append(spool.job(jid, "log", name), text.encode())


def test_a_log_is_that_of_the_last_attempt_of_its_chunk(peer, spool, publish):
    jid = publish()
    put_log(spool, jid, "00001.1.ws07-0123abcd.log", "one\n")
    put_log(spool, jid, "00001.10.ws08-0123abcd.log", "ten\n")
    put_log(spool, jid, "00001.9.ws07-0123abcd.log", "nine\n")
    said = value(peer.call("log", job=jid, chunk=1))
    assert (said["text"], said["attempt"], said["node"]) == ("ten\n", 10, "ws08-0123abcd")
    assert value(peer.call("log", job=jid, chunk=1, attempt=9))["text"] == "nine\n"


def test_the_tail_of_a_log_begins_with_a_whole_line(peer, spool, publish):
    jid = publish()
    put_log(spool, jid, "00001.1.ws07-0123abcd.log", "first line\nsecond\nthird\n")
    said = value(peer.call("log", job=jid, tail=10))
    assert said["text"] == "third\n"
    assert said["start"] == said["size"] - len("third\n")


def test_a_log_that_is_not_there_is_said_in_words(peer, publish):
    error = peer.call("log", job=publish(), chunk=2)["error"]
    assert error["kind"] == "failed"
    assert error["exit"] == 2
    assert "chunk 2" in error["message"]


def test_follow_gives_the_lines_kept_then_those_that_come_and_ends_with_the_attempt(
    peer, standin, publish
):
    jid = publish()
    tail = standin.tails[jid, 1] = Tail()
    tail.append("before")
    peer.ask("follow", job=jid, chunk=1)
    assert peer.hear()["value"] == {"lines": ["before"], "lost": 0}
    tail.append("after")
    assert peer.hear()["value"] == {"lines": ["after"], "lost": 0}
    tail.append("last")
    del standin.tails[jid, 1]
    assert peer.hear()["value"]["lines"] == ["last"]
    assert peer.hear()["event"] == "end"


def test_lines_that_came_too_fast_to_be_kept_are_counted():
    tail = Tail(kept=3)
    for n in range(10):
        tail.append(str(n))
    lines = tail.since(2)
    assert (lines.texts, lines.next, lines.lost) == (("7", "8", "9"), 10, 5)
    assert tail.since(10).texts == ()


def test_a_chunk_that_does_not_run_here_cannot_be_followed_or_killed(peer, publish, standin):
    jid = publish()
    for op in ("follow", "kill"):
        assert peer.call(op, job=jid, chunk=1)["error"]["kind"] == "not-here"
    assert standin.orders == []


def test_subscribers_hear_the_snapshot_then_what_changed_and_what_went(peer, standin):
    peer.ask("subscribe")
    first = peer.hear()
    assert (first["event"], first["value"]) == ("snapshot", standin.snapshot())
    standin.become(state="draining", load=1.5)
    change = peer.hear()
    assert change["event"] == "change"
    assert change["value"] == {"state": "draining", "load": 1.5}
    standin.become(load=None)
    assert peer.hear()["value"] == {"load": None}


def test_changes_that_a_subscriber_misses_melt_into_one(peer, standin):
    peer.ask("subscribe")
    peer.hear()
    for n in range(1000):
        standin.become(n=n)
    heard = 0
    while peer.hear()["value"]["n"] != 999:
        heard += 1
    assert heard < 100


def test_a_subscriber_that_leaves_is_no_longer_called(peer, standin, wait):
    peer.ask("subscribe")
    peer.hear()
    assert len(standin.listeners) == 1
    peer.close()
    wait(lambda: standin.listeners == [])


def test_a_nudge_reaches_the_daemon(peer, standin):
    assert value(peer.call("nudge")) == {"accepted": "nudge"}
    assert standin.nudges == 1


@pytest.mark.parametrize("op", ["resume", "drain", "undrain"])
def test_an_order_is_posted_as_the_inbox_would_hold_it(peer, standin, op):
    value(peer.call(op, by="artist@desk"))
    (order,) = standin.orders
    assert (order.op, order.args) == (Op(op), {"by": "artist@desk"})


def test_a_pause_for_some_time_becomes_one_until_a_time(peer, standin):
    before = time.time()
    value(peer.call("pause", **{"for": 3600}))
    (order,) = standin.orders
    assert before + 3600 <= order.args["until"] <= time.time() + 3600
    assert "for" not in order.args


def test_quit_says_whether_now(peer, standin):
    value(peer.call("quit", now=True))
    assert standin.orders[0].args == {"now": True}


def test_a_kill_names_the_chunk_that_runs_here(peer, standin, publish):
    jid = publish()
    standin.tails[jid, 2] = Tail()
    value(peer.call("kill", job=jid, chunk=2))
    assert standin.orders[0].args == {"job": jid, "chunk": 2}


def test_stats_count_the_daemons_and_the_sockets_work(peer, standin):
    standin.become(stats={"claims": 3})
    said = value(peer.call("stats"))
    assert said["daemon"] == {"claims": 3}
    assert said["socket"]["requests"] == 1


def test_a_job_that_is_not_in_the_spool_has_no_chunks(peer):
    assert value(peer.call("chunks", job="abcdefghij")) == []


def test_the_reference_names_every_op_argument_kind_and_event():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "socket.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*?)\|", page, re.MULTILINE)
    named = dict(rows)
    assert {op.value for op in Op} | {kind.value for kind in Kind} <= set(named)
    for op, (required, optional) in wire.ARGUMENTS.items():
        assert set(re.findall("`([a-z]+)`", named[op.value])) == {*required, *optional}, op
    assert all(f"`{event.value}`" in page for event in Event)
