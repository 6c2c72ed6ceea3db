"""What the table of jobs tells of the time: when one is ready or why not, and how long it took."""

from dataclasses import replace

import pytest

from frontend.gui.models.jobs import outlook
from frontend.gui.models.spans import Spans, SpansReading
from renderd import config
from renderd.spool import history
from renderd.spool.records import JobView

PATIENCE = 30_000
JOB = JobView(jid="j1", name="shot", slug="shot", state="queue", priority=50, chunks=4, waiting=4)
WS = "ws07-0123abcd"
NONE = "no live node can take it"


@pytest.mark.parametrize(
    ("said", "words", "ink"),
    [
        ({}, "waits for its turn", "faint"),
        ({"running": 1}, "first frames in work", "faint"),
        (
            {"reason": f"{NONE}: each of 2 nodes is not in pool a; see: render why j1"},
            "not in pool a (each of 2 machines)",
            "waiting",
        ),
        (
            {"reason": "no live node can take it: ws07 has too little memory, and 1 other reason"},
            "has too little memory, and 1 other reason (ws07)",
            "waiting",
        ),
        ({"state": "failed", "failed": 2}, "2 chunks failed", "failed"),
        ({"warning": "ws07 has another font"}, "ws07 has another font", "warning"),
        ({"state": "done"}, "", "faint"),
    ],
)
def test_a_job_says_why_it_is_not_ready(said, words, ink):
    found = outlook(replace(JOB, **said), 0.0)
    assert words in found[0]
    assert "render why" not in found[0]
    assert found[1] == ink


def test_a_job_that_waits_for_another_names_it(show, spool, publish):
    first = publish(name="layout")
    publish(name="lighting", after=(first,))
    view = show(spool).jobs.jobs
    model, column = view.model(), view.column("ready")
    said = [model.index(row, column).data() for row in range(model.rowCount())]
    assert "waits for layout" in said


def test_elapsed_goes_from_the_first_begin_to_the_last_end():
    spans = Spans()
    spans.take({"j1": (1000.0, 1060.0)})
    spans.take({"j1": (900.0, 950.0)})
    assert spans.seconds(JOB, 5000.0) == 160.0
    assert spans.seconds(replace(JOB, running=1), 5000.0) == 4100.0
    assert spans.seconds(replace(JOB, jid="j2"), 5000.0) is None


def test_a_chunk_that_runs_tells_when_its_job_began():
    spans = Spans()
    spans.hear([("j1", 30.0), ("j1", 50.0), ("j1", None)], 1000.0)
    assert spans.seconds(replace(JOB, running=2), 1000.0) == 50.0


def test_every_journal_has_its_turn(spool):
    for at in range(70):
        event = {"t": 2000.0 + at, "ev": "done", "jid": f"j{at}", "chunk": 1, "wall": 10.0}
        history.append(spool, f"ws{at:02}-0123abcd", [event])
    read, found = SpansReading(config.load({"spool": spool.root})), {}
    for _ in range(3):
        found |= read()
    assert found == {f"j{at}": (1990.0 + at, 2000.0 + at) for at in range(70)}
    assert read() == {}
