"""The verbs that change jobs and order nodes about."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from frontend.cli import app
from renderd.core import wire
from renderd.core.chunk import State
from renderd.spool import claims, control, listing, nodes, orders, tickets
from renderd.spool.layout import Spool

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ask(spool: Spool, capsys, monkeypatch):
    """Run a verb in this process; its status, its JSON where there is any, and its stderr."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setenv("RENDERD_RUNTIME_DIR", "/nonexistent")

    def run(*words: str):
        status = app.main(["--spool", spool.root, *words, "--json"])
        said = capsys.readouterr()
        return status, json.loads(said.out), said.err

    return run


def test_hold_says_who_held_it_and_release_takes_it_back(spool: Spool, publish, ask):
    jid = publish()
    _, value, _ = ask("hold", jid, "--reason", "lunch")
    [job] = value["jobs"]
    assert (job["was"], job["state"], job["changed"]) == ("queue", "held", True)
    assert control.read(spool, jid).reason.startswith("held by ")
    assert control.read(spool, jid).reason.endswith(": lunch")
    assert ask("release", jid)[1]["jobs"][0]["state"] == "queue"
    assert control.read(spool, jid).reason == ""


def test_an_order_that_changes_nothing_succeeds_and_says_so(publish, ask):
    jid = publish(held=True)
    status, value, _ = ask("hold", jid)
    assert (status, value["jobs"][0]["changed"]) == (0, False)


def test_several_jobs_are_ordered_at_once_and_those_that_cannot_are_told(spool, publish, ask):
    first, second = publish("first"), publish("second")
    orders.cancel(spool, second)
    status, value, _ = ask("hold", first, second)
    assert (status, value["code"]) == (3, 3)
    assert [j["jid"] for j in value["jobs"]] == [first]
    assert [e["jid"] for e in value["errors"]] == [second]


def test_an_ambiguous_name_orders_nobody(spool: Spool, publish, ask):
    for _ in range(2):
        publish("same")
    status, value, _ = ask("cancel", "same")
    assert status == 2
    assert "means 2 jobs" in value["error"]
    assert not tickets.listed(spool, "cancelled")


def test_priority_is_changed_in_the_tickets_name(spool: Spool, publish, ask):
    jid = publish()
    assert ask("priority", "70", jid)[1]["jobs"][0]["priority"] == 70
    assert tickets.find(spool, jid)[1].priority == 70


def test_limit_changes_only_what_is_named(spool: Spool, publish, ask):
    jid = publish()
    ask("limit", jid, "--nodes", "4", "--block", "ws01", "--note", "mine")
    _, value, _ = ask("limit", jid, "--pool", "any", "--unblock", "ws01", "--ram", "16G")
    assert value["jobs"][0]["control"] == {
        "nodes": 4,
        "pool": [],
        "needs": None,
        "ram": 16 << 30,
        "blocked": [],
        "note": "mine",
    }


def test_limit_changes_what_a_node_must_have(spool: Spool, publish, ask):
    jid = publish()
    _, value, _ = ask("limit", jid, "--needs", "gpu, ram>=2G")
    assert value["jobs"][0]["control"]["needs"] == "ram>=2G, gpu"
    assert ask("jobs", "--json")[1]["jobs"][0]["needs"] == "ram>=2G, gpu"
    assert ask("limit", jid, "--needs", "any")[1]["jobs"][0]["control"]["needs"] == ""
    status, _, said = ask("limit", jid, "--needs", "pool=gpu")
    assert (status, "name it as a pool" in said) == (2, True)


def test_limit_waits_for_an_editor_that_holds_the_lock_a_moment(spool: Spool, publish, ask):
    jid = publish()
    code = (
        "import sys, time\nfrom renderd.spool.share import PosixShare\n"
        "held = PosixShare().lock(sys.argv[1])\nprint('held', flush=True)\ntime.sleep(0.5)\n"
    )
    words = [sys.executable, "-c", code, spool.job(jid, "control.lock")]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert ask("limit", jid, "--nodes", "2")[0] == 0
    assert control.read(spool, jid).nodes == 2


@pytest.mark.parametrize(
    ("options", "meant"),
    [((), {1, 2, 3}), (("--chunks", "1,3"), {1, 3}), (("--frames", "15-25"), {2, 3})],
)
def test_retry_takes_all_failed_chunks_or_those_that_are_named(
    spool: Spool, publish, worker, ask, options, meant
):
    jid = publish()
    worker.fail(jid, 1, 2, 3)
    assert set(ask("retry", jid, *options)[1]["jobs"][0]["chunks"]) == meant
    assert {c.index for c in listing.chunks(spool, jid, {State.WAIT})} == meant


def test_retry_may_forget_the_blocklist(spool: Spool, publish, worker, ask):
    jid = publish()
    control.block(spool, jid, "ws07")
    worker.fail(jid, 1)
    ask("retry", jid, "--unblock")
    assert control.read(spool, jid).blocked == ()


def test_skip_ends_a_job_whose_last_chunks_nobody_wants(spool: Spool, publish, worker, ask):
    jid = publish()
    worker.finish(jid, 1)
    worker.fail(jid, 2)
    _, value, _ = ask("skip", jid, "--failed", "--frames", "21-30")
    assert value["jobs"][0]["chunks"] == [2, 3]
    assert value["jobs"][0]["state"] == "done"


def test_rm_refuses_an_open_job_and_with_yes_cancels_it_first(spool: Spool, publish, ask):
    jid = publish()
    status, value, _ = ask("rm", jid)
    assert (status, value["remedy"]) == (2, "cancel it first, or say --yes")
    assert ask("rm", jid, "--yes")[1]["jobs"][0]["was"] == "cancelled"
    assert tickets.find(spool, jid) is None


def test_a_node_is_paused_for_a_length_of_its_own_clock(spool: Spool, worker, ask):
    status, value, _ = ask("node", "pause", "ws07", "--for", "2h30m")
    assert (status, value["sent"]) == (0, [{"node": "ws07", "incarnations": [worker.inc]}])
    [order] = nodes.receive(spool, worker.inc)
    request = wire.decode_request(json.dumps(order).encode())
    assert (request.op, request.args["for"]) == (wire.Op.PAUSE, 9000)


@pytest.mark.parametrize(
    "words",
    [
        ("drain", "ws07", "--for", "2h"),
        ("pause", "ws07", "--now"),
        ("pause", "ws07", "--until", "25:00"),
        ("pause", "ws07", "--until", "6pm"),
        ("pause", "ws07", "--for", "1h", "--until", "18:00"),
        ("pause", "ws08"),
        ("restart",),
        ("restart", "ws07", "--all"),
        ("undrain", "ws07", "--now"),
    ],
)
def test_an_order_that_makes_no_sense_is_sent_to_nobody(spool: Spool, worker, ask, words):
    assert ask("node", *words)[0] == 2
    assert nodes.receive(spool, worker.inc) == []


def test_all_means_every_live_node(spool: Spool, make_worker, worker, ask):
    other = make_worker("ws08-0123abcd")
    gone = make_worker("ws09-0123abcd")
    nodes.certify(spool, gone.inc)
    status, value, _ = ask("node", "restart", "--all", "--now")
    assert (status, value["order"]) == (0, "restart")
    assert [one["node"] for one in value["sent"]] == ["ws07", "ws08"]
    for inc in (worker.inc, other.inc):
        [order] = nodes.receive(spool, inc)
        assert wire.from_object(order).args["now"] is True
    assert nodes.receive(spool, gone.inc) == []


def test_kill_names_each_chunk_that_runs_there(spool: Spool, publish, worker, ask):
    first, second = publish("first"), publish("second")
    held = worker.claim(first, 1)
    worker.claim(second, 2)
    assert len(ask("node", "kill", "ws07")[1]["sent"]) == 2
    nodes.receive(spool, worker.inc)
    [sent] = ask("node", "kill", "ws07", "--job", "first")[1]["sent"]
    assert (sent["job"], sent["chunk"]) == (first, 1)
    claims.give_back(spool, held, is_failure=False)
    assert ask("node", "kill", "ws07", "--job", "first")[1]["sent"] == []


def _waiting(spool: Spool, *words: str) -> subprocess.Popen:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RENDERD_SPOOL": spool.root}
    command = [sys.executable, "-m", "frontend.cli.app", "wait", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True)


def test_rm_leaves_a_job_alone_that_another_waits_for(spool: Spool, publish, ask):
    first = publish("first")
    second = publish("second", after=(first,))
    status, value, _ = ask("rm", first, "--yes")
    assert status == 2
    assert f"{second} (second) waits for {first}" in json.dumps(value)
    assert tickets.find(spool, first)[0] == "queue"
    assert ask("rm", second, first, "--yes")[0] == 0
    assert tickets.everywhere(spool) == {}


def test_wait_ends_with_0_when_all_are_done(publish, worker, ask):
    jid = publish()
    worker.finish(jid, 1, 2, 3)
    worker.close(jid)
    status, value, _ = ask("wait", jid)
    assert (status, value["jobs"][0]["state"]) == (0, "done")


def test_wait_says_when_the_jobs_will_be_ready(spool: Spool, publish, worker):
    jid = publish()
    worker.finish(jid, 1)
    nodes.publish_status(spool, worker.inc, {"slots": 1, "paces": {jid: [10, 3600.0, 0.0]}})
    with _waiting(spool, jid, "--timeout", "1s") as waiting:
        said = waiting.stderr.read()
        assert waiting.wait(60) == 3
    assert re.search(r"1/3 chunks, .*ready (\w{3} )?\d\d:\d\d \(", said)


def test_wait_waits_for_a_file_that_was_just_dropped(spool: Spool, publish, ask):
    Path(spool.at("shot 7.info")).write_text("prog\n")
    status, _, said = ask("wait", "shot 7", "--timeout", "2")
    assert (status, "no job is called" in said) == (2, True)  # its time is over
    jid = publish("shot 7")
    orders.cancel(spool, jid)
    os.rename(spool.at("shot 7.info"), spool.at("tmp", "x"))
    assert ask("wait", "shot 7")[0] == 1


def test_wait_ends_with_1_when_one_failed(spool: Spool, publish, worker, ask):
    good, bad = publish("good"), publish("bad")
    for jid in (good, bad):
        worker.finish(jid, 1, 2)
    worker.finish(good, 3)
    worker.fail(bad, 3)
    worker.close(good)
    worker.close(bad, has_failed=True)
    assert ask("wait", good, bad)[0] == 1


def test_wait_does_not_wait_for_a_job_that_stopped_itself(spool: Spool, publish, worker, ask):
    jid = publish()
    worker.fail(jid, 1, 2)
    control.change(spool, jid, reason="2 of 3 chunks failed")
    tickets.turn_surely(spool, jid, "held")
    assert ask("wait", jid)[0] == 1


def test_wait_ends_where_the_hosts_failed_and_no_chunk_did_for_good(spool: Spool, publish, ask):
    jid = publish()
    orders.stop(spool, jid, "the first 2 hosts failed; see render log, then render release")
    assert ask("wait", jid, "--timeout", "60s")[0] == 1


def test_wait_says_that_a_job_was_removed(spool: Spool, publish):
    jid = publish()
    with _waiting(spool, jid) as waiting:
        assert waiting.stderr.readline()
        orders.cancel(spool, jid)
        orders.remove(spool, jid)
        assert waiting.wait(60) == 1


def test_wait_takes_an_unmounted_share_for_no_news(spool: Spool, publish, worker):
    jid = publish()
    with _waiting(spool, jid, "--timeout", "7s") as waiting:
        assert waiting.stderr.readline()
        away = Path(f"{spool.root}.away")
        Path(spool.root).rename(away)
        Path(spool.root).mkdir()
        assert waiting.wait(60) == 3
        Path(spool.root).rmdir()
        away.rename(spool.root)


def test_wait_gives_up_with_3_when_the_time_is_over(publish, ask):
    assert ask("wait", publish(), "--timeout", "1s")[0] == 3


def test_wait_sees_a_job_that_is_finished_meanwhile(spool: Spool, publish, worker):
    jid = publish()
    with _waiting(spool, jid) as waiting:
        assert waiting.stderr.readline() == "0/3 chunks, 0 running\n"
        worker.finish(jid, 1, 2, 3)
        worker.close(jid)
        assert waiting.wait(60) == 0
        assert "done, 3/3 chunks" in waiting.stdout.read()


def test_a_note_on_a_machine_shows_also_when_it_is_dead(spool: Spool, worker, ask):
    nodes.certify(spool, worker.inc)
    assert ask("node", "note", "ws07", "PSU", "fails")[1]["note"] == "PSU fails"
    [node] = ask("nodes", "--all")[1]["nodes"]
    assert (node["state"], node["note"]) == ("dead", "PSU fails")
    assert ask("node", "note", "ws07")[0] == 0
    assert ask("nodes", "--all")[1]["nodes"][0]["note"] == ""


def test_a_note_is_of_the_machine_and_not_of_one_run_of_its_daemon(spool, make_worker, worker, ask):
    ask("node", "note", "ws07", "loud fan")
    nodes.certify(spool, worker.inc)
    make_worker("ws07-00000002")
    assert {node["note"] for node in ask("nodes", "--all")[1]["nodes"]} == {"loud fan"}


@pytest.mark.parametrize(
    "words",
    [("note",), ("note", "ws07", "x" * 201), ("note", "ws09", "x"), ("wake",), ("wake", "ws07")],
)
def test_notes_and_calls_that_make_no_sense_are_refused(worker, ask, words):
    assert ask("node", *words)[0] == 2


def test_a_dead_machine_is_sent_the_packet_that_wakes_its_card(spool, make_worker, ask):
    gone = make_worker("ws08-00000001", card="00:1a:2b:3c:4d:5e")
    nodes.certify(spool, gone.inc)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as card:
        card.bind(("127.0.0.1", 0))
        card.settimeout(60)
        to = f"127.0.0.1:{card.getsockname()[1]}"
        assert ask("node", "wake", "ws08", "--to", to)[1]["woken"] == ["ws08"]
        assert card.recv(200) == b"\xff" * 6 + bytes.fromhex("001a2b3c4d5e") * 16
