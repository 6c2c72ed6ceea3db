"""The client gives the same records whether a daemon answers or the spool is read."""

import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from renderd.client import Client, sockets
from renderd.config import Settings
from renderd.core.wire import Op
from renderd.daemon.tail import Tail
from renderd.errors import DaemonNotRunning, ShareHangs, UsageError
from renderd.spool import nodes


@pytest.fixture
def settings(path):
    return Settings(runtime_dir=os.path.dirname(path), node="ws07")


@pytest.fixture
def client(settings, spool):
    with Client(settings, spool) as one:
        yield one


@pytest.fixture(params=["daemon", "spool"])
def either(request, client, serve):
    """A client that a daemon answers, then one that reads the spool."""
    if request.param == "daemon":
        serve()
        assert client.daemon
    else:
        assert client.daemon is None
    return client


def test_jobs_chunks_nodes_and_farm_are_the_same_records(client, serve, publish, worker):
    jid = publish()
    worker.finish(jid, 1)
    worker.fail(jid, 2)
    read = client.jobs(), client.chunks(jid), client.nodes(), client.farm()
    assert client.daemon is None
    serve()
    client.close()
    asked = client.jobs(), client.chunks(jid), client.nodes(), client.farm()
    assert client.daemon
    timeless = [[replace(x, age=None) for x in pair] for pair in (read[0], asked[0])]
    assert timeless[0] == timeless[1]
    assert asked[1] == read[1]
    assert [n.inc for n in asked[2]] == [n.inc for n in read[2]]
    assert asked[3] == read[3]


def test_a_log_reads_the_same(either, spool, publish):
    jid = publish()
    spool.share.append(spool.job(jid, "log", "00001.1.ws07-0123abcd.log"), b"one\ntwo\n")
    log = either.log(jid, 1)
    assert (log.chunk, log.attempt, log.node, log.text) == (1, 1, "ws07-0123abcd", "one\ntwo\n")


def test_a_log_that_is_not_there_is_the_same_error(either, publish):
    with pytest.raises(UsageError, match="no such log"):
        either.log(publish(), 3)


def test_status_is_the_daemons_own(client, serve, standin):
    serve()
    standin.become(state="draining")
    assert client.status()["state"] == "draining"


def test_without_a_daemon_the_status_is_what_the_node_last_wrote(client, spool, worker):
    nodes.publish_status(spool, worker.inc, {"state": "rendering"})
    assert client.status() == {"inc": worker.inc, "state": "rendering"}


def test_a_daemon_of_another_spool_is_not_asked(settings, make_spool, serve, publish):
    publish()
    serve()
    with Client(settings, make_spool()) as other:
        assert other.daemon is None
        assert other.jobs() == []


def test_one_of_several_daemons_is_found_by_its_spool(settings, spool, serve):
    serve()
    with Client(replace(settings, node="another"), spool) as client:
        assert client.daemon
        assert client.daemon.node == "ws07"


def test_without_daemon_and_spool_the_error_names_the_remedy(settings):
    with Client(settings) as client, pytest.raises(DaemonNotRunning, match="renderd"):
        client.jobs()


def test_a_daemon_that_says_the_share_hangs_is_believed(client, serve, hang):
    serve(hang=0.2)
    hang()
    with pytest.raises(ShareHangs, match="hangs since"):
        client.jobs()
    assert client.status()["node"] == "ws07"


def test_a_daemon_that_dies_in_between_is_replaced_by_the_spool(client, serve, publish):
    server = serve()
    assert client.jobs() == []
    server.stop()
    jid = publish()
    assert [j.jid for j in client.jobs()] == [jid]


def test_a_socket_that_answers_nonsense_is_passed_over(client, path, publish):
    os.makedirs(os.path.dirname(path), mode=0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as liar:
        liar.bind(path)
        liar.listen()

        def lie():
            accepted, _ = liar.accept()
            with accepted:
                accepted.recv(100)
                accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=lie, daemon=True).start()
        jid = publish()
        assert [j.jid for j in client.jobs()] == [jid]


def test_follow_hears_what_runs_here(client, serve, standin, publish):
    serve()
    jid = publish()
    tail = standin.tails[jid, 1] = Tail()
    tail.append("one")
    lines = client.follow(jid, 1)
    assert next(lines) == "one"
    tail.append("two")
    assert next(lines) == "two"
    del standin.tails[jid, 1]
    assert list(lines) == []


def test_follow_reads_the_log_of_a_chunk_that_runs_elsewhere(either, spool, publish, worker):
    jid = publish()
    held = worker.claim(jid, 1)
    path = spool.job(jid, "log", held.stem + ".log")
    spool.share.append(path, b"one\n")
    lines = either.follow(jid, 1, every=0.01)
    assert next(lines) == "one"
    spool.share.append(path, b"two\nhalf")
    assert next(lines) == "two"
    spool.share.append(path, b" a line\n")
    assert next(lines) == "half a line"
    spool.share.rename(path, path + ".1")
    spool.share.append(path, b"new\n")
    assert next(lines) == "new"
    spool.share.append(path, b"end\n")
    spool.share.rename(spool.chunk(jid, held.chunk), spool.chunk(jid, held.chunk.finished()))
    assert list(lines) == ["end"]


def test_subscribe_gives_the_whole_status_at_each_change(client, serve, standin):
    serve()
    standin.become(load=1.0)
    heard = client.subscribe()
    assert next(heard) == standin.snapshot()
    standin.become(state="draining", load=None)
    assert next(heard) == standin.snapshot()


def test_subscribe_ends_with_the_daemon(client, serve):
    server = serve()
    heard = client.subscribe()
    next(heard)
    server.stop()
    assert list(heard) == []


def test_without_a_daemon_subscribe_polls_what_the_node_writes(client, spool, worker):
    nodes.publish_status(spool, worker.inc, {"state": "idle"})
    heard = client.subscribe(every=0.01)
    assert next(heard)["state"] == "idle"
    nodes.publish_status(spool, worker.inc, {"state": "rendering"})
    assert next(heard)["state"] == "rendering"


def test_questions_may_be_asked_while_a_stream_is_read(client, serve):
    serve()
    heard = client.subscribe()
    next(heard)
    assert client.jobs() == []


def test_a_nudge_says_whether_somebody_heard_it(client, serve, standin):
    assert not client.nudge()
    client.close()
    serve()
    assert client.nudge()
    assert standin.nudges == 1


def test_an_order_goes_to_the_daemon(client, serve, standin):
    serve()
    assert client.order(Op.PAUSE, by="artist")["accepted"] == "pause"
    assert standin.orders[0].args == {"by": "artist"}


def test_without_a_daemon_an_order_waits_in_the_inbox(client, spool, worker):
    assert client.order(Op.DRAIN)["incarnations"] == [worker.inc]
    (order,) = nodes.receive(spool, worker.inc)
    assert order["op"] == "drain"


def test_killing_what_does_not_run_here_is_an_error_and_no_order(
    client, serve, standin, spool, publish, worker
):
    serve()
    with pytest.raises(UsageError, match="does not run"):
        client.order(Op.KILL, job=publish(), chunk=1)
    assert standin.orders == []
    assert nodes.receive(spool, worker.inc) == []


def test_a_set_socket_is_the_only_one_tried(settings, serve, path):
    serve()
    assert sockets(replace(settings, socket="/nowhere")) == ["/nowhere"]
    assert sockets(settings) == [path]


def test_the_client_imports_nothing_heavy():
    code = (
        "import sys, json, renderd.client as c;"
        "print(json.dumps([m for m in sys.modules if m.partition('.')[0] in"
        " ('psutil', 'portalocker', 'PyQt6', 'rich', 'watchdog')]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == []
