"""Order among jobs, and what people do to them while they run."""

import signal

import pytest

from renderd.core.chunk import State
from renderd.core.control import Control
from renderd.core.wire import Op
from renderd.errors import OutputOwned
from renderd.spool import control, orders, view


def test_a_job_waits_for_the_jobs_it_comes_after(farm):
    first = farm.add(farm.info("--seconds=0.3", frames="1-3", name="sim", out="sim_####.png"))
    second = farm.add(farm.info(frames="1-3", after="sim"))
    assert farm.state(second) == "waiting"
    farm.up("ws1")
    assert farm.ended(second) == "done"
    assert farm.state(first) == "done"
    farm.until(lambda: farm.in_order() == [first, second], "the journal tells them in order")


def test_a_job_after_a_failed_one_stays_waiting_and_says_why(farm):
    first = farm.add(farm.info("--exit=1", frames="1", name="sim", retries=0, out="s#.png"))
    second = farm.add(farm.info(frames="1", after="sim"))
    farm.up("ws1")
    assert farm.ended(first) == "failed"
    assert farm.state(second) == "waiting"
    shown = next(j for j in view.read_jobs(farm.spool) if j.jid == second)
    assert first in shown.reason or "sim" in shown.reason


def test_higher_priority_goes_first(farm):
    mark = farm.folder / "mark"
    jids = {
        p: farm.add(
            farm.info(f"--mark={mark}", frames="1-2", chunk=1, priority=p, out=f"{p}_#.png")
        )
        for p in (10, 90, 50)
    }
    farm.up("ws1", "--once").wait()
    assert [farm.state(j) for j in jids.values()] == ["done"] * 3
    assert farm.in_order() == [jids[90], jids[50], jids[10]]


def test_of_two_jobs_of_one_priority_the_older_goes_first(farm):
    older = farm.add(farm.info(frames="1-3", chunk=1, out="older_#.png"))
    farm.tick()
    newer = farm.add(farm.info(frames="1-3", chunk=1, out="newer_#.png"))
    farm.up("ws1", "--once").wait()
    assert (farm.state(older), farm.state(newer)) == ("done", "done")
    assert farm.in_order() == [older, newer]


def test_a_held_job_finishes_what_runs_and_starts_nothing(farm):
    gate = farm.folder / "gate"
    jid = farm.add(farm.info(f"--gate={gate}", frames="1-8", chunk=2))
    daemon = farm.up("ws1")
    farm.until(lambda: farm.frames(), "a chunk runs")
    orders.hold(farm.spool, jid, "artist")
    farm.looked(daemon)
    gate.touch()
    farm.until(lambda: farm.tally(jid)[State.DONE] == 1, "the running chunk is done")
    farm.until(lambda: daemon.status()["state"] == "idle", "the node is idle")
    beats = daemon.status()["stats"]["beats"]
    farm.until(lambda: daemon.status()["stats"]["beats"] > beats, "it had time to claim")
    assert farm.tally(jid) == {State.DONE: 1, State.WAIT: 3}
    orders.release(farm.spool, jid)
    assert farm.ended(jid) == "done"


def test_a_job_published_on_hold_starts_when_released(farm):
    jid = farm.add(farm.info(frames="1-2", hold="yes"))
    farm.up("ws1")
    assert farm.state(jid) == "held"
    orders.release(farm.spool, jid)
    assert farm.ended(jid) == "done"


def test_cancel_stops_what_runs_and_gives_it_back(farm):
    jid = farm.add(farm.info("--child", "--hang", frames="1-20"))
    daemon = farm.up("ws1")
    farm.until(lambda: len(farm.commands(jid)) == 2, "command and child run")
    orders.cancel(farm.spool, jid)
    farm.until(lambda: not farm.commands(jid), "its processes are gone")
    farm.until(lambda: farm.tally(jid) == {State.WAIT: 2}, "the chunk is given back")
    assert farm.state(jid) == "cancelled"
    farm.until(lambda: "cancelled" in farm.errors(jid), "a note says why")
    farm.until(lambda: daemon.status()["state"] == "idle", "the node is free")
    other = farm.add(farm.info(frames="1", out="other_#.png"))
    assert farm.ended(other) == "done"


def test_no_more_nodes_than_the_limit_run_a_job(farm):
    text = farm.info("--seconds=0.3", frames="1-24", chunk=1, nodes=1)
    jid = farm.add(text)
    for name in ("ws1", "ws2", "ws3"):
        farm.up(name)
    most, kinds = 0, set()

    def is_done():
        nonlocal most
        owners = {c.owner for c in farm.running(jid)}
        kinds.update(owners)
        most = max(most, len(owners))
        return farm.state(jid) == "done"

    farm.until(is_done, "the job is done")
    # The limit is soft: who oversteps it gives back at its next beat.
    assert len({c.owner for c in farm.chunks(jid)}) <= 3
    assert most <= 3


def test_nodes_above_a_lowered_limit_give_back(farm):
    jid = farm.add(farm.info("--hang", frames="1-30"))
    for name in ("ws1", "ws2", "ws3"):
        farm.up(name)
    farm.until(lambda: len({c.owner for c in farm.running(jid)}) == 3, "all three work")
    control.edit(farm.spool, jid, lambda _: Control(nodes=1))
    farm.until(lambda: len({c.owner for c in farm.running(jid)}) == 1, "two gave back")
    assert sum(c.failures for c in farm.chunks(jid)) == 0


def test_a_node_outside_the_pool_does_not_take_the_job(farm):
    jid = farm.add(farm.info(frames="1-2", pool="gpu"))
    farm.up("ws1", "--pools", "cpu", "--once").wait()
    assert farm.tally(jid) == {State.WAIT: 1}
    farm.up("ws2", "--pools", "cpu,gpu")
    assert farm.ended(jid) == "done"


def test_a_node_without_what_the_job_needs_does_not_take_it(farm):
    jid = farm.add(farm.info(frames="1-2", needs="tag=v-ray"))
    big = farm.add(farm.info(frames="1-2", needs="ram>=4000G", out="big_#.png"))
    farm.up("ws1", "--once").wait()
    assert farm.tally(jid) == farm.tally(big) == {State.WAIT: 1}
    farm.up("ws2", "--tags", "v-ray")
    assert farm.ended(jid) == "done"
    assert farm.state(big) == "queue"


def test_a_program_that_a_node_does_not_allow_is_not_run_there(farm):
    jid = farm.add(farm.info(frames="1-2"))
    farm.up("ws1", "--programs", "blender", "--once").wait()
    assert farm.tally(jid) == {State.WAIT: 1}
    assert not farm.frames()


def test_an_output_that_a_node_does_not_allow_is_not_written_there(farm):
    jid = farm.add(farm.info(frames="1-2"))
    farm.up("ws1", "--outputs", "/somewhere/else", "--once").wait()
    assert farm.tally(jid) == {State.WAIT: 1}
    assert not farm.frames()


def test_a_second_job_into_one_output_is_refused_when_added(farm):
    first = farm.add(farm.info(frames="1-2", hold="yes"))
    with pytest.raises(OutputOwned, match=first):
        farm.add(farm.info(frames="1-2"))


def test_a_second_job_into_one_output_is_held_when_dropped(farm):
    first = farm.add(farm.info(frames="1-2", hold="yes"))
    farm.drop(farm.info(frames="1-2", name="second"))
    farm.up("ws1")
    farm.until(lambda: farm.named("second"), "the drop is a job")
    second = farm.named("second")
    farm.until(lambda: farm.state(second) == "held", "it is held")
    assert first in control.read(farm.spool, second).reason
    orders.cancel(farm.spool, first)
    orders.release(farm.spool, second)
    assert farm.ended(second) == "done"
    assert len(farm.frames()) == 2


def test_a_skipped_chunk_is_not_run(farm):
    jid = farm.add(farm.info(frames="1-3", chunk=1))
    orders.skip(farm.spool, jid, lambda chunk: chunk.index == 2)
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert [p.name for p in farm.frames()] == ["shot_0001.png", "shot_0003.png"]


def test_a_node_with_two_slots_runs_two_chunks(farm):
    jid = farm.add(farm.info("--hang", frames="1-4", chunk=1))
    farm.up("ws1", "--slots", "2")
    farm.until(lambda: len(farm.commands(jid)) == 2, "two commands run")
    farm.send("ws1", Op.PAUSE, by="artist")
    farm.until(lambda: farm.tally(jid) == {State.WAIT: 4}, "both are given back")


def test_a_chunk_moved_by_hand_counts(farm):
    jid = farm.add(farm.info(frames="1-3", chunk=1, hold="yes"))
    folder = farm.root / "jobs" / jid / "000"
    (waiting,) = folder.glob("00002_*")
    waiting.rename(str(waiting).replace(".wait.", ".done.skip.abcd."))
    (held,) = (farm.root / "held").iterdir()
    held.rename(farm.root / "queue" / held.name.replace("~g0~", "~g1~"))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    assert len(farm.frames()) == 2


@pytest.mark.parametrize("frames", ["-3-3", "1-9x4,20", "5"])
def test_all_frames_of_a_range_are_rendered_and_no_other(farm, frames):
    words = ["--step={step}"]
    jid = farm.add(farm.info(*words, frames=frames, chunk=2))
    farm.up("ws1")
    assert farm.ended(jid) == "done"
    wanted = {"-3-3": range(-3, 4), "1-9x4,20": [1, 5, 9, 20], "5": [5]}[frames]
    names = {f"shot_{f:04d}.png" if f >= 0 else f"shot_-{-f:04d}.png" for f in wanted}
    assert {p.name for p in farm.frames()} == names


def test_once_ends_with_1_when_something_failed_and_with_0_when_all_is_done(farm):
    farm.add(farm.info("--exit=3", frames="1", retries=1))
    assert farm.up("ws1", "--once").wait() == 1
    farm.add(farm.info(frames="1"))
    assert farm.up("ws1", "--once").wait() == 0


def test_settings_are_read_again_without_losing_what_runs(farm):
    jid = farm.add(farm.info("--hang", frames="1"))
    gpu = farm.add(farm.info(frames="1", pool="gpu", out="gpu_#.png"))
    daemon = farm.up("ws1", "--slots", "2")
    farm.until(lambda: farm.commands(jid), "the command runs")
    left = farm.commands(jid)
    (farm.local / "config.toml").write_text('pools = ["gpu"]\n')
    daemon.signal(signal.SIGHUP)
    assert farm.ended(gpu) == "done"
    assert farm.commands(jid) == left
    (farm.local / "config.toml").write_text('poools = ["gpu"]\n')
    daemon.signal(signal.SIGHUP)
    farm.until(lambda: "poools" in daemon.text, "it says what is wrong")
    assert daemon.runs
