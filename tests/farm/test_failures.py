"""Commands that fail, crash, hang or lie, and what people are told."""

import pytest

from renderd.core.chunk import State
from renderd.core.wire import Op
from renderd.spool import control, orders


def test_a_failing_chunk_is_given_up_after_its_retries_with_a_note_for_each(farm):
    jid = farm.add(farm.info("--exit=3", frames="1-2", chunk=2, retries=2))
    daemon = farm.up("ws1")
    assert farm.ended(jid) == "failed"
    (chunk,) = farm.chunks(jid)
    assert (chunk.state, chunk.attempt, chunk.failures) == (State.FAIL, 3, 3)
    notes = farm.errors(jid)
    assert notes.count("fail: ") == 3
    assert "exit status 3" in notes or "exit code 3" in notes or "exited with 3" in notes
    assert "nothing works today" in notes
    assert "nothing works today" in farm.logs(jid)
    assert farm.commits(jid) == []
    farm.until(lambda: daemon.status()["stats"]["failures"] == 3, "it counts them")


def test_a_job_that_always_fails_ends_although_one_node_is_all_there_is(farm):
    jid = farm.add(farm.info("--exit=3", frames="1"))
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    assert farm.chunks(jid)[0].failures == 4


def test_a_chunk_that_fails_twice_and_then_works_is_done(farm):
    jid = farm.add(farm.info("--exit=3", "--until=2", frames="1-2"))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    (chunk,) = farm.chunks(jid)
    assert (chunk.attempt, chunk.failures) == (3, 2)


def test_retry_revives_a_failed_job(farm):
    jid = farm.add(farm.info("--exit=3", "--until=1", frames="1-20", retries=0))
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    assert len(orders.retry(farm.spool, jid).indices) == 2
    farm.until(lambda: farm.state(jid) == "done", "the job is done after all")
    assert len(farm.frames()) == 20


def test_a_job_stops_itself_when_a_tenth_of_it_failed(farm):
    jid = farm.add(farm.info("--exit=3", frames="1-100", chunk=2, retries=0))
    farm.up("ws1")
    farm.until(lambda: farm.state(jid) == "held", "the job holds itself")
    farm.until(lambda: not farm.running(jid), "nothing of it runs")
    tally = farm.tally(jid)
    assert tally[State.FAIL] < 10
    assert tally[State.WAIT] > 40
    assert "chunks failed" in control.read(farm.spool, jid).reason


def test_a_crash_is_named(farm):
    jid = farm.add(farm.info("--segfault", frames="1", retries=0))
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    assert "crashed" in farm.errors(jid)
    assert "SIGSEGV" in farm.errors(jid)


def test_a_program_that_is_not_there_is_named(farm):
    jid = farm.add("retries: 0\n\nno-such-renderer -frame 1\n")
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    assert "no-such-renderer" in farm.errors(jid)
    assert "not found" in farm.errors(jid)


def test_a_command_that_does_nothing_at_all_is_ended_as_hung(farm):
    jid = farm.add(farm.info("--hang", frames="1", retries=0))
    farm.up("ws1", "--hang", "3s")
    assert farm.ended(jid) == "failed"
    assert "timeout: it hangs" in farm.errors(jid)
    farm.until(lambda: not farm.commands(jid), "nothing of it is left")


def test_a_slow_but_busy_command_is_not_taken_for_hung(farm):
    work = (
        "import time; end = time.monotonic() + 25\nwhile time.monotonic() < end: sum(range(9999))"
    )
    (farm.folder / "busy.py").write_text(work)
    jid = farm.add(f"retries: 0\n\n{farm.command().split()[0]} -I -S {farm.folder}/busy.py\n")
    farm.up("ws1", "--hang", "3s")
    assert farm.ended(jid) == "done", farm.errors(jid)


def test_a_command_over_its_time_limit_is_ended(farm):
    jid = farm.add(farm.info("--seconds=600", frames="1", retries=0, timeout="2s"))
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    assert "timeout: over its limit of 2 s" in farm.errors(jid)
    farm.until(lambda: not farm.commands(jid), "nothing of it is left")


@pytest.mark.parametrize(
    ("ill", "says"),
    [("--skip=3", "was not written"), ("--torn=3", "not whole"), ("--then=7", "7")],
)
def test_success_is_every_frame_whole_and_in_place(farm, ill, says):
    jid = farm.add(farm.info(ill, frames="1-5", chunk=5, retries=0))
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    assert says in farm.errors(jid)
    # The whole frames of a failed attempt are kept; nothing torn ever has a frame's name.
    lost = 0 if ill == "--then=7" else 1
    assert len(farm.frames()) == 5 - lost
    assert (farm.out / "shot_0003.png").exists() != bool(lost)
    kind = "fail: " if ill == "--then=7" else "bad-output: "
    assert farm.errors(jid).startswith(kind)


def test_only_the_missing_frame_matters_after_a_torn_one(farm):
    jid = farm.add(farm.info("--torn=3", "--until=1", frames="1-5", chunk=5))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert len(farm.frames()) == 5
    farm.until(lambda: farm.litter() == [], "who closed the job tidies up")


def test_frames_of_another_size_than_the_jobs_first_are_refused(farm):
    text = farm.info(frames="1-2", chunk=1, retries=0).replace(
        "{end} {out}", "{end} {out} --side=1{start}"
    )
    jid = farm.add(text)
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    assert "the job's other frames have" in farm.errors(jid)
    assert len(farm.frames()) == 1


def test_a_chatty_renderer_cannot_fill_the_share(farm):
    jid = farm.add(farm.info("--chatty=200000", frames="1", retries=0))
    farm.up("ws1", "--log-cap", "1M")
    assert farm.ended(jid) == "done"
    folder = farm.root / "jobs" / jid / "log"
    assert sum(p.stat().st_size for p in folder.iterdir()) <= 1 << 20
    assert "line 00199999" in farm.logs(jid)


def test_a_broken_host_does_not_eat_the_retries_of_a_job(farm):
    farm.folder.joinpath("bad.d").mkdir()
    # Broken on ws1 alone: its own PATH lacks what the others have.
    script = farm.folder / "bad.d" / "tool"
    script.write_text('#!/bin/sh\n[ "$RENDERD_NODE" = ws1 ] && exit 9\nexit 0\n')
    script.chmod(0o755)
    able, broken = farm.up("ws2"), farm.up("ws1")
    farm.met(able, broken)
    jid = farm.add(f"frames: 1-12\nchunk: 1\nretries: 1\n\n{script} {{start}}\n")
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert {c.owner[:4] for c in farm.chunks(jid)} == {"ws2-"}
    assert farm.errors(jid).count("fail: tool: exit status 9") <= 3
    assert broken.runs


def started(farm, *names):
    """Daemons that have seen each other."""
    daemons = [farm.up(name) for name in names]
    farm.met(*daemons)
    return daemons


def test_one_bad_job_stops_itself_and_not_the_farm(farm):
    daemons = started(farm, "ws1", "ws2", "ws3")
    bad = farm.add(farm.info("--exit=3", frames="1-40", chunk=2, priority=90, name="bad"))
    good = farm.add(farm.info(frames="1-8", chunk=2, out="good_#.png", name="good"))
    assert farm.ended(good) == "done"
    farm.until(lambda: farm.state(bad) == "held", "the bad one holds itself")
    assert "hosts failed" in control.read(farm.spool, bad).reason
    for daemon in daemons:
        farm.until(lambda d=daemon: d.status()["state"] == "idle", "no node rests")


def test_a_chunk_that_fails_on_every_host_is_given_up_and_not_left_lying(farm):
    started(farm, "ws1", "ws2")
    jid = farm.add(farm.info("--exit=3", frames="1"))
    assert farm.ended(jid) == "failed"
    assert farm.chunks(jid)[0].failures == 4
    assert {inc.partition("-")[0] for inc in owners_of(farm, jid)} == {"ws1", "ws2"}


def owners_of(farm, jid):
    """The incarnations that left a note of failure."""
    return [p.name.split(".")[2] for p in (farm.root / "jobs" / jid / "err").iterdir()]


def test_two_commands_run_in_order_and_the_first_failure_ends_the_chunk(farm):
    mark = farm.folder / "trace"
    lines = [f"sh -c 'echo {n} >> {mark}'" for n in (1, 2)]
    jid = farm.add("retries: 0\n\n" + "\n".join([lines[0], "false", lines[1]]) + "\n")
    farm.up("ws1")
    assert farm.ended(jid) == "failed"
    assert mark.read_text() == "1\n"


def test_a_chunk_knows_what_it_is(farm):
    path = farm.folder / "env"
    jid = farm.add(
        f"frames: 5-6\nname: my shot\n\nsh -c 'env > {path}; cat /proc/self/stat > {path}.stat'\n"
    )
    daemon = farm.up("ws1")
    assert farm.ended(jid) == "done"
    known = dict(line.partition("=")[::2] for line in path.read_text().splitlines())
    wanted = {"JOB": jid, "CHUNK": "1", "FRAMES": "5-6", "ATTEMPT": "1", "NODE": "ws1"}
    assert {k: known[f"RENDERD_{k}"] for k in wanted} == wanted
    assert known["RENDERD_JOB_NAME"] == "my shot"
    assert known["RENDERD_INCARNATION"] == daemon.inc
    assert (farm.folder / "env.stat").read_text().split()[18] == "19", "it is nice"


def test_a_killed_chunk_goes_on_elsewhere_and_not_here_at_once(farm):
    jid = farm.add(farm.info("--seconds=600", "--until=1", frames="1-3", chunk=3))
    first = farm.up("ws1")
    farm.until(lambda: farm.commands(jid), "it runs")
    farm.met(first, farm.up("ws2"))
    with first.client() as client:
        client.order(Op.KILL, job=jid, chunk=1, by="artist")
    farm.until(lambda: any(c.attempt == 2 and c.owner for c in farm.chunks(jid)), "it runs again")
    (chunk,) = farm.chunks(jid)
    assert chunk.owner.startswith("ws2-")
