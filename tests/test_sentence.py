"""The farm in one sentence, in all its cases."""

import pytest

from frontend import sentence
from renderd.spool.records import JobView, NodeView

NOW = 1_800_000_000.0


def node(state="idle", *, is_dead=False, running=()):
    status = {"state": state, "running": list(running)}
    name = f"n{id(status)}"
    return NodeView(
        inc=name, host=name, node=name, state="dead" if is_dead else "alive", status=status
    )


def job(state="queue", running=0, eta=None):
    return JobView(
        jid=state, name="shot", slug="shot", state=state, priority=50, running=running, eta=eta
    )


@pytest.mark.parametrize(
    ("jobs", "nodes", "says"),
    [
        ([], [], "no machine is on, nothing to render"),
        ([job()], [node(is_dead=True)], "no machine is on, 1 job"),
        ([], [node(), node("waiting")], "2 machines idle, nothing to render"),
        ([job(), job("held")], [node("paused")], "1 machine paused, 1 job, 1 held"),
        (
            [job("failed")],
            [node(), node("draining")],
            "2 machines idle, 1 of them paused, nothing to render, 1 failed",
        ),
        (
            [job(running=1), job("waiting")],
            [node("rendering"), node()],
            "1 of 2 machines rendering, 2 jobs",
        ),
        ([job("done"), job("cancelled")], [node()], "1 machine idle, nothing to render"),
        ([job()], [node("draining", running=[{"job": "x"}])], "1 of 1 machine rendering, 1 job"),
    ],
)
def test_every_case_has_its_sentence(jobs, nodes, says):
    assert sentence.tell(jobs, nodes, NOW) == says


def test_the_end_is_that_of_the_last_job():
    ends = [job(running=1, eta=NOW + 60), job(running=1, eta=NOW + 60)]
    assert "done ≈ " in sentence.tell(ends, [node("rendering")], NOW)


def test_a_job_without_an_end_leaves_the_whole_open():
    said = sentence.tell([job(running=1, eta=NOW + 60), job("waiting")], [node("rendering")], NOW)
    assert "done after " in said


def test_a_farm_without_machines_promises_no_end():
    assert "done" not in sentence.tell([job(eta=NOW)], [node(is_dead=True)], NOW)
