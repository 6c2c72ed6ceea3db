"""The verbs that look: jobs, chunks, nodes, log, why, watch, stats."""

import argparse
import json
import time
from pathlib import Path

import pytest

from frontend import words
from frontend.cli import app, output
from renderd.core import frames as ranges
from renderd.core.infofile import Info
from renderd.core.job import Draft, Writes
from renderd.spool import control, history, jobs, moves, nodes, orders
from renderd.spool.layout import Spool

INC = "ws07-0123abcd"


@pytest.fixture
def ask(spool: Spool, capsys, monkeypatch):
    """Run a verb in this process; its status and its text, or JSON where that is asked."""
    monkeypatch.setenv("RENDERD_CONFIG", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")

    def run(*words: str):
        status = app.main(["--spool", spool.root, *words])
        text = capsys.readouterr().out
        return status, json.loads(text) if "--json" in words else text

    return run


def test_jobs_lists_what_is_open_and_says_what_is_not_shown(spool: Spool, publish, ask):
    publish("open job")
    gone = publish("gone")
    orders.cancel(spool, gone)
    _, text = ask("jobs")
    assert "open job" in text
    assert gone not in text
    assert "1 cancelled: render jobs --all" in text
    assert gone in ask("jobs", "--all")[1]


def test_jobs_as_json_has_stable_keys(publish, ask):
    jid = publish("shot 010", nodes=2, pool=("gpu",))
    status, value = ask("jobs", "--json")
    assert (status, value["schema"], value["code"]) == (0, 1, 0)
    [job] = value["jobs"]
    assert set(job) == {
        *("jid", "name", "slug", "state", "priority", "owner", "frames", "chunks", "done"),
        *(
            "running",
            "failed",
            "waiting",
            "pool",
            "needs",
            "after",
            "nodes",
            "note",
            "reason",
            "born_ns",
        ),
        "warning",
        *("age", "out", "eta", "eta_low", "eta_high"),
    }
    assert (job["jid"], job["state"], job["waiting"]) == (jid, "queue", 3)


def test_jobs_shows_when_a_job_will_be_ready(spool: Spool, publish, worker, ask):
    jid = publish("shot 010")
    assert "READY" in ask("jobs")[1]
    worker.finish(jid, 1)
    nodes.publish_status(spool, worker.inc, {"slots": 1, "paces": {jid: [10, 3600.0, 0.0]}})
    [job] = ask("jobs", "--json")[1]["jobs"]
    assert job["eta_low"] < job["eta"] < job["eta_high"]
    told = output.ready(job["eta"], None, None, time.time())
    assert told in ask("jobs")[1]
    assert told in ask("watch", "--once")[1]


@pytest.mark.parametrize(
    ("word", "count"), [("running", 1), ("queued", 1), ("held", 1), ("done", 0)]
)
def test_jobs_may_be_asked_for_by_the_state_that_is_shown(publish, worker, ask, word, count):
    publish("queued one")
    worker.claim(publish("running one"), 1)
    publish("held one", held=True)
    assert len(ask("jobs", "--state", word, "--json")[1]["jobs"]) == count


def test_jobs_are_found_by_name_prefix_or_id(publish, ask):
    jid = publish("shot 010")
    publish("other")
    for word in (jid, jid[:4], "shot 010", "shot-010"):
        assert [j["jid"] for j in ask("jobs", word, "--json")[1]["jobs"]] == [jid]


def test_chunks_shows_the_error_of_a_failed_one(publish, worker, ask):
    jid = publish()
    worker.fail(jid, 2, why="fail: out of memory")
    _, value = ask("chunks", "shot", "--state", "failed", "--json")
    assert value["job"] == jid
    [chunk] = value["chunks"]
    assert set(chunk) == {
        *("index", "frames", "state", "node", "attempt", "failures", "losses", "error")
    }
    assert (chunk["index"], chunk["error"]) == (2, "fail: out of memory")


def test_nodes_shows_what_a_node_runs_and_why_it_rests(spool: Spool, worker, ask):
    running = [{"job": "a" * 10, "name": "shot", "chunk": 3, "frame": 25, "percent": 40.0}]
    nodes.publish_status(
        spool,
        worker.inc,
        {"state": "paused", "reason": "paused by artist", "running": running, "pools": ["gpu"]},
    )
    _, text = ask("nodes")
    assert "ws07" in text
    assert "shot #3 frame 25 · 40 %" in text
    assert "paused by artist" in text
    [node] = ask("nodes", "--json")[1]["nodes"]
    assert set(node) == {"inc", "host", "node", "state", "period", "age", "status", "facts", "note"}


def test_nodes_shows_what_a_machine_lacks_and_does_not_see(spool: Spool, worker, ask):
    lacks = "lacks the add-on 'x' in Blender 3.4"
    facts = {"version": "0.1.0", "blenders": ["4.2.1", "3.4.1"], "faults": {"3.4.1": lacks}}
    moves.write(spool, spool.node(worker.inc, "node.info"), json.dumps(facts).encode())
    nodes.publish_status(spool, worker.inc, {"unseen": {"proj": "/p is empty"}})
    _, text = ask("nodes")
    assert "4.2.1, 3.4.1" in text
    assert lacks in text
    assert "does not see {proj}: /p is empty" in text
    assert "Several releases" not in text


def test_nodes_and_why_show_what_lacks_there_at_present(spool: Spool, worker, publish, ask):
    jid, short = publish(), "has only 0.3 GB free on /p/out (proj)"
    said = {"state": "waiting", "shortages": [short], "refuses": {jid: short}}
    nodes.publish_status(spool, worker.inc, said)
    _, text = ask("nodes")
    assert "waiting" in text
    assert short in text
    assert short in ask("why", jid)[1]


def test_nodes_warns_of_several_releases(spool: Spool, worker, ask):
    for inc, version in ((worker.inc, "0.1.0"), ("ws08-00000002", "0.2.0")):
        if inc != worker.inc:
            nodes.register(spool, inc, {}, 5)
        facts = {"node": inc.partition("-")[0], "version": version}
        moves.write(spool, spool.node(inc, "node.info"), json.dumps(facts).encode())
    _, text = ask("nodes")
    assert "Several releases are at work: 0.1.0 on ws07; 0.2.0 on ws08." in text
    assert "render node restart --all" in text


def test_a_job_that_no_node_can_take_says_so_in_the_list(spool: Spool, worker, publish, ask):
    jid = publish()
    [job] = ask("jobs", "--json")[1]["jobs"]
    assert job["reason"] == ""
    nodes.publish_status(spool, worker.inc, {"refuses": {jid: "does not see /p/shot.blend"}})
    [job] = ask("jobs", "--json")[1]["jobs"]
    said = f"no live node can take it: ws07 does not see /p/shot.blend; see: render why {jid}"
    assert job["reason"] == said
    [verdict] = ask("why", jid, "--json")[1]["nodes"]
    assert (verdict["takes"], verdict["reason"]) == (False, "does not see /p/shot.blend")


def test_dead_nodes_are_shown_when_asked_for(spool: Spool, worker, ask):
    nodes.certify(spool, worker.inc)
    assert ask("nodes", "--json")[1]["nodes"] == []
    assert [n["state"] for n in ask("nodes", "--all", "--json")[1]["nodes"]] == ["dead"]


def test_log_shows_the_last_lines_of_a_chunks_last_attempt(spool: Spool, publish, ask):
    jid = publish()
    for attempt in (1, 2, 10):
        path = Path(spool.job(jid, "log", f"00002.{attempt}.{INC}.log"))
        path.write_text(f"attempt {attempt}\nline\x1b[31m\nend\n")
    assert ask("log", jid, "2", "--lines", "2")[1] == "line\ufffd[31m\nend\n"
    assert ask("log", jid, "2")[1].startswith("attempt 10\n")
    assert ask("log", jid, "2", "--attempt", "1")[1].startswith("attempt 1\n")
    value = ask("log", jid, "2", "--json")[1]["log"]
    assert (value["chunk"], value["attempt"], value["node"]) == (2, 10, INC)


def test_log_errors_shows_why_attempts_failed(publish, worker, ask):
    jid = publish()
    worker.fail(jid, 2, why="fail: no camera\nadvice: add one")
    _, value = ask("log", jid, "--errors", "--json")
    assert [(e["chunk"], e["attempt"], e["node"]) for e in value["errors"]] == [(2, 1, INC)]
    assert "advice: add one" in value["errors"][0]["text"]


def test_a_chunk_that_never_ran_has_no_log(publish, ask):
    assert ask("log", publish(), "2")[0] == 2


def test_why_says_per_node_what_speaks_against_a_job(spool: Spool, publish, make_worker, ask):
    make_worker("ws01-00000001", pools=["cpu"])
    make_worker("ws02-00000002", pools=["gpu"])
    make_worker("ws03-00000003", pools=["gpu"])
    jid = publish(pool=("gpu",))
    control.block(spool, jid, "ws03")
    _, value = ask("why", jid, "--json")
    said = {n["node"]: (n["takes"], n["reason"]) for n in value["nodes"]}
    assert said["ws01"] == (False, "is not in pool gpu")
    assert said["ws02"] == (True, "")
    assert said["ws03"] == (False, "is blocked for this job")


def test_why_tells_a_resting_node_from_a_busy_one(spool: Spool, publish, make_worker, ask):
    resting, busy = make_worker("ws01-00000001"), make_worker("ws02-00000002")
    nodes.publish_status(spool, resting.inc, {"state": "paused", "reason": "paused by artist"})
    running = [{"job": "a" * 10, "name": "other", "chunk": 3}]
    nodes.publish_status(spool, busy.inc, {"state": "rendering", "slots": 1, "running": running})
    nodes_said = ask("why", publish(), "--json")[1]["nodes"]
    said = {n["node"]: (n["takes"], n["is_busy"], n["reason"]) for n in nodes_said}
    assert said["ws01"] == (False, False, "paused by artist")
    assert said["ws02"] == (True, True, "busy with other chunk 3")


def test_why_counts_the_failures_of_a_node_in_the_job(publish, worker, ask):
    jid = publish(span="1-100")
    worker.fail(jid, 1, 2, 3)
    [node] = ask("why", jid, "--json")[1]["nodes"]
    assert (node["takes"], node["reason"]) == (False, "failed 3 times in this job")


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (lambda s, j: orders.hold(s, j, "artist", "lunch"), "it is held: held by artist: lunch"),
        (lambda s, j: orders.cancel(s, j), "it was cancelled"),
    ],
)
def test_why_says_first_what_the_job_itself_waits_for(
    spool: Spool, publish, worker, ask, order, reason
):
    jid = publish()
    order(spool, jid)
    assert ask("why", jid, "--json")[1]["reasons"] == [reason]


def test_why_says_that_the_output_is_another_jobs_now(spool: Spool, ask, tmp_path: Path):
    out = str(tmp_path / "out" / "f_####.png")
    info = Info(commands=(("prog", "{out}"),), frames=ranges.parse("1-2"), out=out)
    draft = Draft(name="a", slug="a", info=info, runs=info.frames, out=out, writes=Writes.PRIVATE)
    jid = jobs.publish(spool, draft, jobs.Order("me"))
    assert ask("why", jid, "--json")[1]["reasons"] == ["no node is alive; start one with: renderd"]
    (owner,) = (tmp_path / "out" / ".renderd").glob("*.owner")
    owner.write_text("zzzzzzzzzz")
    assert "belongs to job zzzzzzzzzz now" in ask("why", jid, "--json")[1]["reasons"][-1]


def test_why_says_that_no_node_is_alive(publish, ask):
    assert "no node is alive; start one with: renderd" in ask("why", publish())[1]


def test_watch_can_look_once_as_text_and_as_a_line_of_json(publish, worker, ask, capsys):
    jid = publish()
    _, text = ask("watch", "--once")
    assert jid in text
    assert "ws07" in text
    _, line = ask("watch", "--once", "--json-lines")
    value = json.loads(line)
    assert (value["schema"], value["jobs"][0]["jid"]) == (1, jid)


def test_stats_adds_up_the_journals(spool: Spool, publish, ask):
    jid = publish()
    done = {"ev": "done", "jid": jid, "attempt": 1, "frames": 10, "wall": 20.0, "cpu": 40.0}
    fail = {"ev": "fail", "jid": jid, "attempt": 1, "wall": "odd"}
    history.append(spool, INC, [done, done | {"t": 2.0}, fail, {"ev": "declared"}])
    _, value = ask("stats", "--json")
    assert (value["total"]["chunks"], value["total"]["frames"]) == (2, 20)
    assert (value["total"]["failed"], value["rows"][0]["node"]) == (1, "ws07")
    assert ask("stats", "--by", "job", "--json")[1]["rows"][0]["job"] == jid
    assert ask("stats", publish("other"), "--json")[1]["rows"] == []


def test_tables_align_wide_letters_and_leave_out_empty_columns():
    lines = output.table(("A", "B", "N"), [("日本", "", "1"), ("x", "", "20")], right=(2,))
    assert lines == ["A      N", "日本   1", "x     20"]


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (None, ""),
        (0, "0s"),
        (59, "59s"),
        (61, "1m1s"),
        (3600, "1h"),
        (5400, "1h30m"),
        (90000, "1d1h"),
    ],
)
def test_ages_are_said_in_one_or_two_units(seconds, says):
    assert words.age(seconds) == says


def test_no_color_counts_unless_the_flag_says_otherwise(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.has_colour(argparse.Namespace(color=None))
    assert output.has_colour(argparse.Namespace(color=True))


def test_why_of_a_failed_job_says_what_it_died_of(worker, publish, ask):
    jid = publish(span="1-10")
    worker.fail(jid, 1, why="fail: the scene has no camera")
    worker.close(jid, has_failed=True)
    assert "chunk 1: fail: the scene has no camera" in ask("why", jid)[1]


def test_why_of_a_job_that_is_over_asks_no_nodes(worker, publish, ask):
    jid = publish()
    assert "TAKES IT" in ask("why", jid)[1]
    ask("cancel", jid)
    assert "TAKES IT" not in ask("why", jid)[1]
