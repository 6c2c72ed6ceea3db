"""Whatever is written in a spool, no verb lets it steer the terminal that shows it."""

import contextlib
import json
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from frontend.cli import app, verbs
from renderd.spool import nodes, orders
from renderd.spool.layout import Spool
from tests.conftest import INC, Publish, Worker

#: clears the screen, sets the title, turns what follows around, forges a line
EVIL = "\x1b[31m\x1b[2J\x1b]0;owned\x07\u202egnp.exe\x9b31m\rall is well"
TURNED = "owned \u202egnp.exe\u2028root: forged"  #: all that an info file lets through
EVIL_LINE = EVIL.replace("\r", "")  #: of a text file
LINE = EVIL + "\nroot: forged"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
DEEP = b"[" * 100_000


@pytest.fixture
def say(spool: Spool, capsys, monkeypatch) -> Callable[..., str]:
    """Run a verb in this process; all that it wrote to both streams."""
    monkeypatch.setenv("RENDERD_CONFIG", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setenv("RENDERD_RUNTIME_DIR", os.path.join(spool.root, "no-daemon"))

    def run(*words: str) -> str:
        with contextlib.suppress(SystemExit):
            app.main(["--spool", spool.root, *words])
        told = capsys.readouterr()
        return str(told.out + told.err)

    return run


def put(path: str, data: str | bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data if isinstance(data, bytes) else data.encode())


def forged_status(value: object) -> bytes:
    body = json.dumps(value).encode().ljust(nodes.STATUS_BYTES - 10)
    return body + b"\n%08x\n" % zlib.crc32(body)


@pytest.fixture
def hostile(spool: Spool, publish: Publish, worker: Worker) -> str:
    """A spool in which everything that can be written holds signs for terminals; its job."""
    jid = publish("shot", "1-40")
    worker.fail(jid, 1, why=LINE)
    worker.claim(jid, 2)
    info = Path(spool.job(jid, "job.info"))
    head, commands = info.read_text().split("\n\n", 1)
    head = re.sub("^x-(name|owner): .*", lambda m: f"x-{m[1]}: {TURNED}", head, flags=re.M)
    put(str(info), f"{head}\nx-redo: {TURNED}\n\n{commands}")
    said = "".join(f"{key}: {EVIL_LINE}\n" for key in ("note", "reason", "warning", "pool"))
    put(spool.job(jid, "control"), said)
    put(spool.job(jid, "log", f"00001.1.{INC}.log"), LINE)
    facts: dict[str, object] = dict.fromkeys(("node", "host", "version", "gpu"), EVIL)
    facts |= {"blenders": [EVIL], "faults": {EVIL: EVIL}, "lacks": [EVIL]}
    put(spool.node(INC, "node.info"), json.dumps(facts))
    run = dict.fromkeys(("name", "chunk", "frame", "percent", "eta"), EVIL)
    status: dict[str, object] = dict.fromkeys(("state", "reason", "trouble"), EVIL)
    status |= {"pools": [EVIL], "running": [run], "shortages": [EVIL]}
    status |= {"refuses": {jid: EVIL}, "unseen": {EVIL: EVIL}}
    put(spool.node(INC, "status"), forged_status(status))
    event = {"ev": "done", "jid": EVIL, "frames": 1, "wall": 1.0}
    events = json.dumps(event), json.dumps({**event, "jid": jid})
    put(spool.at("history", f"{INC}.jsonl"), "\n".join(events))
    return jid


#: how each verb is asked about the hostile job; those that ask nothing of it are not here
ASKED = {
    "jobs": [("--all",), ("--quiet",)],
    "chunks": [("JID",)],
    "nodes": [("--all",)],
    "log": [("JID",), ("JID", "1"), ("JID", "--errors")],
    "why": [("JID",), ("JID", "--all")],
    "watch": [("--once",)],
    "wait": [("JID", "--timeout", "1")],
    "stats": [(), ("--by", "job")],
    "verify": [("JID",)],
    "hold": [("JID",), (EVIL,)],
    "release": [("JID",)],
    "retry": [("JID",)],
    "redo": [("JID", "--frames", "1")],
    "skip": [("JID", "3")],
    "priority": [("JID", "60")],
    "limit": [("JID", "--nodes", "2"), ("JID", "--note", "x")],
    "video": [("JID",)],
    "node": [("pause", EVIL), ("pause", "--all")],
    "cancel": [("JID",)],
    "rm": [("JID",)],
    "add": [("/nowhere/" + EVIL,)],
    "info": [("/nowhere/" + EVIL,)],
    "config": [()],
}


def test_what_is_written_in_such_a_spool_is_shown_at_all(hostile, say):
    for words in (("jobs",), ("nodes",), ("why", hostile), ("stats", "--by", "job")):
        assert "owned" in say(*words), words
    assert "forged" in say("log", hostile)


def test_every_verb_is_asked():
    assert set(ASKED) == set(verbs.NAMES)


@pytest.mark.parametrize("verb", ASKED)
def test_no_verb_passes_on_what_steers_a_terminal(hostile, say, verb):
    for words in ASKED[verb]:
        told = say(verb, *(hostile if word == "JID" else word for word in words))
        assert "Traceback" not in told
        assert STEERING.findall(told) == [], (words, told)


@pytest.mark.parametrize("verb", ["jobs", "nodes", "why", "stats", "chunks"])
def test_json_escapes_what_steers_a_terminal(hostile, say, verb):
    words = [hostile] if verb in ("why", "chunks") else []
    told = say(verb, *words, "--json")
    assert json.loads(told[: told.rindex("}") + 1])["schema"] == 1
    assert STEERING.findall(told) == []


ODD: dict[str, object] = {
    "a number": 7,
    "nothing": None,
    "a text": "x",
    "a list": [[1]],
    "an object": {"a": {"b": 1}},
    "infinite": float("inf"),
    "no number": float("nan"),
    "a long number": 10**400,
}
FIELDS = (
    *("node", "host", "version", "blenders", "gpu", "gpus", "ram", "programs", "faults", "lacks"),
    *("state", "running", "load", "pools", "paces", "slots", "refuses", "unseen", "shortages"),
    *("reason", "trouble", "ram_free", "tags"),
)


@pytest.mark.parametrize("kind", ODD)
def test_a_nodes_odd_word_on_itself_costs_nobody_a_list(spool, publish, worker, say, kind):
    jid = publish("shot", "1-40")
    worker.finish(jid, 1)
    value = ODD[kind]
    whole = dict.fromkeys(FIELDS, value)
    runs = {"running": [dict.fromkeys(("job", "frame", "percent", "eta", "done", "total"), value)]}
    loads = {"load": dict.fromkeys(("load1", "memory_used", "memory_total", "gpu_percent"), value)}
    for said in (whole, {**whole, **runs, **loads, "paces": {jid: [value] * 3}, "slots": 1}):
        put(spool.node(INC, "node.info"), json.dumps(said))
        put(spool.node(INC, "status"), forged_status(said))
        for words in (("jobs",), ("nodes",), ("why", jid), ("watch", "--once")):
            assert jid in say("jobs")
            assert "Traceback" not in say(*words)


PLACES = {
    "node.info": lambda s, j: s.node(INC, "node.info"),
    "journal": lambda s, j: s.at("history", f"{INC}.jsonl"),
    "inbox": lambda s, j: s.node(INC, "inbox", "aaaaaaaa.order"),
    "sizes": lambda s, j: s.at("history", "sizes"),
    "frames.jsonl": lambda s, j: s.job(j, "frames.jsonl"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("data", [DEEP, b"{" * 70_000, b'{"a":1e999}', b"\xff\xfe", b"[1e400]"])
def test_a_record_that_is_no_json_costs_nobody_a_list(spool, publish, worker, say, place, data):
    jid = publish("shot", "1-40")
    put(PLACES[place](spool, jid), data)
    for words in (("jobs",), ("nodes",), ("why", jid), ("stats",)):
        assert "Traceback" not in say(*words)
    assert jid in say("jobs")
    assert nodes.receive(spool, INC) == []
    assert orders.where(spool, jid)
