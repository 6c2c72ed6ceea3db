"""Why a job waits, in one sentence, and the machines in the order in which they come near it."""

import pytest

from frontend import verdicts
from renderd.spool.reasons import Verdict
from renderd.spool.records import JobView


def job(**said):
    said = {"state": "queue", "waiting": 3, "chunks": 3, **said}
    return JobView(jid="abcdefghij", name="shot", slug="shot", priority=50, **said)


def says(node, reason="", **said):
    said = {"takes": not reason, **said}
    return Verdict(node=node, inc=f"{node}-00000001", reason=reason, **said)


PAUSED = says("ws04", "paused by me@here")
FAR = says("ws01", "is not in pool gpu", lasts=True)
SMALL = says("ws02", "has 16 GB of memory, the job needs 900 GB", lasts=True)
BUSY = says("ws03", "busy with other chunk 1", takes=True, is_busy=True)
FREE = says("ws05")
GPUS = "is still finding out which GPUs it has"
AT_WORK = says("ws06", runs=2)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([FAR], "No machine can take it: ws01 is not in pool gpu."),
        (
            [FAR, says("ws09", "is not in pool gpu", lasts=True), SMALL],
            "No machine can take it: 2 are not in pool gpu, 1 has too little memory.",
        ),
        (
            [SMALL, says("ws09", "has 8 GB of memory, the job needs 900 GB", lasts=True)],
            "No machine can take it: 2 have too little memory.",
        ),
        (
            [says("ws08", GPUS), says("ws09", GPUS), FAR],
            "No machine can take it: 2 are still finding out which GPUs they have, "
            "1 is not in pool gpu.",
        ),
        (
            [says("ws08", GPUS)],
            "No machine can take it: ws08 is still finding out which GPUs it has.",
        ),
        (
            [says("ws08", GPUS), FAR],
            "No machine can take it: 1 is still finding out which GPUs it has, "
            "1 is not in pool gpu.",
        ),
        ([PAUSED, FAR], "No machine can take it: 1 is paused, 1 is not in pool gpu."),
        ([PAUSED], "No machine can take it: ws04 is paused by me@here."),
        ([FAR, BUSY], "It waits for its turn: ws03 would take it and is busy."),
        ([FREE, FAR], "ws05 takes it within seconds."),
        ([AT_WORK, FREE], "It renders on ws06."),
        ([], verdicts.NOBODY),
    ],
)
def test_the_headline_answers_why_it_waits(found, told):
    assert verdicts.headline(job(), [], found) == told


def test_what_the_job_itself_is_comes_before_what_machines_say():
    told = verdicts.headline(job(state="held"), ["it is held: held by me"], [FREE])
    assert told == "It is held: held by me."
    over = ["no chunk waits: 0 run, 3 done, 0 failed"]
    assert verdicts.headline(job(waiting=0), over, [FREE]).startswith("No chunk waits")


def test_machines_that_nearly_take_it_come_first():
    found = verdicts.ordered([FAR, PAUSED, BUSY, FREE, AT_WORK, SMALL])
    assert [v.node for v in found] == ["ws06", "ws05", "ws03", "ws04", "ws01", "ws02"]


def test_a_machine_that_rests_is_told_from_one_that_cannot():
    marks = [verdicts.mark(v) for v in (AT_WORK, FREE, BUSY, PAUSED, FAR)]
    assert [(glyph, word) for glyph, word, _ in marks] == [
        ("▶", "runs 2"),
        ("✔", "yes"),
        ("◔", "when free"),
        ("◔", "not now"),
        ("✘", "no"),
    ]


def test_what_a_job_asks_for_is_told():
    assert verdicts.asks(job()) == ""
    told = verdicts.asks(job(pool=("gpu", "big"), needs="ram>=900G, blender==3.4"))
    assert told == "It asks for pool gpu or big, ram>=900G, blender==3.4."


@pytest.mark.parametrize(
    ("found", "tried", "told"),
    [
        ([FREE, FAR], [], "next on ws05"),
        ([FREE, says("ws02")], [], "next on ws02 or ws05"),
        ([FREE, BUSY], [], "next on ws05"),
        ([BUSY, FAR], [], "next on ws03 when it is free"),
        ([says(f"ws{n}") for n in range(20, 25)], [], "next on any of 5 machines"),
        ([FREE, BUSY], [FREE.inc], "next on ws03 when it is free"),
        ([FREE, FAR], [FREE.inc], "next on ws05 again, after a while"),
        ([PAUSED], [], "no machine takes it now: ws04 is paused by me@here"),
        ([], [], "no machine is there"),
    ],
)
def test_where_a_failed_chunk_runs_next(found, tried, told):
    assert verdicts.prospect(job(), [], found, tried) == told


def test_a_failed_chunk_of_a_held_job_waits_for_its_person():
    own = ["it is held: held by me@here"]
    told = verdicts.prospect(job(state="held"), own, [FREE], [])
    assert told == "waits: it is held: held by me@here"
