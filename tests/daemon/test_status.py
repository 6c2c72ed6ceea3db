"""What a node says of itself is what the reference of the socket tells."""

import json
import random
import re
from pathlib import Path

import pytest

from renderd.core.policy import Able
from renderd.daemon import status
from renderd.daemon.node import Node
from renderd.daemon.shortages import Shortages
from renderd.daemon.work import Work
from renderd.host.load import LoadSampler
from renderd.spool import jobs, trust
from renderd.spool.adopt import Adopter

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "socket.md"


@pytest.fixture
def node(spool, worker, publish):
    """A node that runs the first chunk of a job."""
    jid = publish()
    one = Node(
        spool=spool,
        inc=worker.inc,
        name="ws07",
        slots=1,
        able=Able(name="ws07", inc=worker.inc),
        pulse=worker.pulse,
        adopter=Adopter(spool, worker.inc, lambda *_: None, trust.policy_of(spool)),
        shortages=Shortages(spool, "linux", "/tmp"),
        start=lambda _work: None,
        rng=random.Random(1),
        started=0.0,
    )
    job = jobs.read(spool, jid)
    work = Work(claim=worker.claim(jid, 1), job=job, commands=(), output=None, started=5.0)
    one.running.append(work)
    return one


@pytest.fixture
def said(node, tmp_path):
    sampler = LoadSampler(str(tmp_path))
    return status.snapshot(node, sampler.sample(1.0), 10.0)


def named(heading):
    section = PAGE.read_text("utf-8").split(heading)[1].split("\n\n")[0]
    return set(re.findall("`([a-z_0-9]+)`", section))


def test_every_key_of_the_status_is_in_the_reference(said):
    assert set(said) <= named("| key | means |\n| --- | --- |\n| `node`") | {"node"}


def test_every_key_of_a_running_chunk_is_in_the_reference(said):
    (running,) = said["running"]
    assert set(running) == named("| of `running` | means |")


def test_every_key_of_the_load_is_in_the_reference(said):
    row = next(r for r in PAGE.read_text("utf-8").splitlines() if r.startswith("| `load` |"))
    assert set(said["load"]) == set(re.findall("`([a-z_0-9]+)`", row)) - {"load"}


def test_a_status_is_json_and_says_what_runs(said):
    assert json.loads(json.dumps(said)) == said
    assert (said["state"], said["running"][0]["elapsed"]) == ("rendering", 5.0)
