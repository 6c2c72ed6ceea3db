"""Daemons that die, freeze and come back, and what becomes of their work."""

import contextlib
import os
import signal
import time

import psutil
import pytest

from renderd.core.chunk import State
from renderd.core.wire import Op
from renderd.spool import history, nodes


def chunk_of(farm, daemon, jid):
    """The chunk that a daemon holds."""
    return next((c for c in farm.running(jid) if c.owner == daemon.inc), None)


def tree(daemon):
    """A daemon, its guard and its commands."""
    return [daemon.pid, *(p.pid for p in psutil.Process(daemon.pid).children(recursive=True))]


def signal_all(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def test_a_command_dies_with_its_killed_daemon(farm):
    jid = farm.add(farm.info("--child", "--hang"))
    daemon = farm.up("ws1")
    farm.until(lambda: len(farm.commands(jid)) == 2, "the command and its own child run")
    daemon.kill()
    farm.until(lambda: not farm.strays(), "nothing of the daemon is left")


def test_a_command_dies_when_daemon_and_guard_are_killed_and_the_node_starts_again(farm):
    jid = farm.add(farm.info("--hang", "--until=1", frames="1-10"))
    first = farm.up("ws1")
    farm.until(lambda: farm.commands(jid), "the command runs")
    left = farm.commands(jid)
    signal_all(tree(first)[:2], signal.SIGKILL)
    first.process.wait()
    farm.up("ws1")
    farm.until(lambda: not set(left) & set(farm.strays()), "what was left of the first is gone")
    assert farm.ended(jid) == "done"


def test_a_killed_guard_costs_its_daemon_no_chunk(farm):
    jid = farm.add(farm.info("--hang", "--until=1", frames="1-10"))
    daemon = farm.up("ws1")
    farm.until(lambda: farm.commands(jid), "the command runs")
    os.kill(tree(daemon)[1], signal.SIGKILL)
    assert farm.ended(jid) == "done"
    assert [(c.attempt, c.failures) for c in farm.chunks(jid)] == [(2, 0)]
    assert daemon.runs


def test_a_restarted_daemon_frees_its_predecessors_chunk_at_once(farm):
    jid = farm.add(farm.info("--hang", "--until=1", frames="1-10"))
    first = farm.up("ws1")
    farm.until(lambda: farm.running(jid), "a chunk runs")
    first.kill()
    second = farm.up("ws1")
    farm.until(lambda: farm.tally(jid)[State.DONE] == 1, "the chunk is done by the second")
    assert first.inc in nodes.dead(farm.spool)
    assert "lost" in farm.errors(jid)
    second.signal(signal.SIGTERM)
    second.wait()
    told = [e["ev"] for e in history.events(farm.spool)]
    assert "reclaimed" in told
    assert "declared" not in told, "nobody had to count beats that stand still"


def test_a_daemon_does_not_certify_a_namesake_of_another_host(farm):
    jid = farm.add(farm.info("--hang", frames="1-10"))
    first = farm.up("ws1")
    farm.until(lambda: farm.running(jid), "a chunk runs")
    first.kill()
    (first.home / "state").rename(first.home / "state of another host")
    (first.home / "state").mkdir()
    second = farm.up("ws1")
    farm.until(lambda: second.status()["stats"].get("beats"), "the second is at work")
    assert first.inc not in nodes.dead(farm.spool)
    assert [c.owner for c in farm.running(jid)] == [first.inc]


@pytest.mark.parametrize("whole", [True, False], ids=["the whole machine", "the daemon alone"])
def test_a_zombie_cannot_finish_its_chunk(farm, whole):
    mark = farm.folder / "mark"
    words = ("--seconds=4", f"--mark={mark}", "--child")
    jid = farm.add(farm.info(*words, frames="1-3", chunk=3))
    zombie = farm.up("ws1")
    old = farm.until(lambda: chunk_of(farm, zombie, jid), "it holds the chunk")
    farm.until(lambda: farm.frames(), "its first frame is in place")
    first = zombie.inc
    pids = tree(zombie) if whole else [zombie.pid]
    left = farm.commands(jid)
    signal_all(pids, signal.SIGSTOP)
    other = farm.busy("ws2")
    farm.until(lambda: first in nodes.dead(farm.spool), "it is declared dead")
    farm.until(lambda: chunk_of(farm, other, jid), "the other takes its chunk")
    signal_all(pids, signal.SIGCONT)
    farm.until(lambda: len(zombie.incs) == 2, "it starts as a new incarnation")
    farm.until(lambda: not set(left) & set(farm.commands()), "its old command is gone")
    assert farm.ended(jid) == "done"
    (done,) = farm.chunks(jid)
    assert (done.owner, done.losses, done.attempt) == (other.inc, 1, old.attempt + 1)
    farm.until(lambda: farm.commits(jid), "the commit is in a journal")
    assert [e["inc"] for e in farm.commits(jid)] == [other.inc]
    assert zombie.runs
    farm.until(lambda: zombie.inc in farm.alive(), "the new incarnation beats")
    assert "lost" in farm.errors(jid)
    farm.until(lambda: farm.litter() == [], "nothing is left beside the frames")


def test_a_daemon_that_froze_for_a_moment_goes_on_as_if_nothing_was(farm):
    jid = farm.add(farm.info("--seconds=1", frames="1-8", chunk=8))
    daemon = farm.up("ws1")
    farm.up("ws2")
    farm.until(lambda: farm.frames(), "a frame is in place")
    holder = next(d for d in farm.daemons if chunk_of(farm, d, jid))
    holder.freeze()
    time.sleep(3)  # shorter than a beat: nobody can have noticed
    holder.thaw()
    assert farm.ended(jid) == "done"
    (done,) = farm.chunks(jid)
    assert (done.owner, done.attempt) == (holder.inc, 1)
    assert not nodes.dead(farm.spool)
    assert daemon.runs


def test_sigterm_gives_the_chunk_back_with_its_finished_frames(farm):
    gate = farm.folder / "gate"
    jid = farm.add(farm.info(f"--gate={gate}", "--behind=2", frames="1-4", chunk=4))
    daemon = farm.up("ws1")
    farm.until(lambda: len(farm.frames()) == 2, "two frames are in place")
    kept = {p: p.stat().st_mtime_ns for p in farm.frames()}
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    gate.touch()
    (chunk,) = farm.chunks(jid)
    assert (chunk.state, chunk.attempt, chunk.failures, chunk.losses) == (State.WAIT, 2, 0, 0)
    assert not nodes.dead(farm.spool)
    assert not nodes.everyone(farm.spool)
    farm.until(lambda: not farm.strays(), "the guard is gone, too")
    assert "killed: renderd was stopped" in farm.errors(jid)
    farm.up("ws2")
    assert farm.ended(jid) == "done"
    assert {p: p.stat().st_mtime_ns for p in kept} == kept


def test_a_stubborn_command_is_killed_so_that_the_daemon_can_leave(farm):
    jid = farm.add(farm.info("--child", "--hang"))
    daemon = farm.up("ws1")
    farm.until(lambda: len(farm.commands(jid)) == 2, "command and child run")
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    farm.until(lambda: not farm.strays(), "nothing of it is left")
    assert farm.tally(jid) == {State.WAIT: 2}


def test_under_a_patient_watchdog_it_leaves_as_soon_as_its_loop_has_ended(farm):
    daemon = farm.up("ws1", env={"WATCHDOG_USEC": "600000000", "NOTIFY_SOCKET": "@nobody"})
    daemon.signal(signal.SIGTERM)
    assert daemon.wait(60) == 0  # its watchdog would have let it sleep for five minutes


def test_a_second_sigterm_ends_it_at_once(farm):
    jid = farm.add(farm.info("--child", "--hang"))
    daemon = farm.up("ws1")
    farm.until(lambda: len(farm.commands(jid)) == 2, "command and child run")
    daemon.signal(signal.SIGTERM)
    time.sleep(0.3)  # two signals in one instant are one
    daemon.signal(signal.SIGTERM)
    daemon.wait()
    farm.until(lambda: not farm.strays(), "nothing of it is left")
    farm.up("ws1")
    farm.until(lambda: farm.running(jid), "the work goes on")


def test_an_idle_daemon_leaves_without_a_death_certificate(farm):
    daemon = farm.up("ws1")
    daemon.signal(signal.SIGINT)
    assert daemon.wait() == 0
    assert not nodes.everyone(farm.spool)
    assert not nodes.dead(farm.spool)


def test_drain_leaves_at_the_end_of_the_chunk(farm):
    gate = farm.folder / "gate"
    jid = farm.add(farm.info(f"--gate={gate}", frames="1-8", chunk=4))
    daemon = farm.up("ws1")
    farm.until(lambda: farm.frames(), "a frame is in place")
    with daemon.client() as client:
        client.order(Op.DRAIN, by="artist")
    farm.until(lambda: daemon.status()["state"] == "draining", "it was told")
    gate.touch()
    assert daemon.wait() == 0
    assert farm.tally(jid) == {State.DONE: 1, State.WAIT: 1}
    assert len(farm.frames()) == 4


@pytest.mark.parametrize("way", ["socket", "inbox"])
def test_pause_gives_back_and_survives_a_restart(farm, way):
    gate = farm.folder / "gate"
    jid = farm.add(farm.info(f"--gate={gate}", "--behind=2", frames="1-8", chunk=8))
    daemon = farm.up("ws1")
    farm.until(lambda: len(farm.frames()) >= 2, "two frames are in place")

    def order(op):
        if way == "inbox":
            farm.send("ws1", op, by="artist")
        else:
            with daemon.client() as client:
                client.order(op, by="artist")

    order(Op.PAUSE)
    farm.until(lambda: farm.tally(jid)[State.WAIT] == 1, "the chunk is given back")
    farm.until(lambda: daemon.status()["state"] == "paused", "it says so")
    assert "artist" in daemon.status()["reason"]
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    daemon = farm.up("ws1")
    farm.until(lambda: daemon.status()["state"] == "paused", "it is still paused")
    farm.until(lambda: daemon.status()["stats"].get("beats"), "it had time to claim")
    assert farm.tally(jid) == {State.WAIT: 1}
    gate.touch()
    order(Op.RESUME)
    assert farm.ended(jid) == "done"
    (done,) = farm.chunks(jid)
    assert (done.attempt, done.failures) == (2, 0)


def test_quit_through_the_inbox_leaves_and_gives_back(farm):
    jid = farm.add(farm.info("--hang", frames="1-4"))
    daemon = farm.up("ws1")
    farm.until(lambda: farm.commands(jid), "the command runs")
    farm.send("ws1", Op.QUIT, by="artist")
    assert daemon.wait() == 0
    assert farm.tally(jid) == {State.WAIT: 1}
    farm.until(lambda: not farm.strays(), "nothing of it is left")


def test_a_killed_chunk_is_given_back_without_a_failure(farm):
    jid = farm.add(farm.info("--hang", "--until=1", frames="1-4"))
    daemon = farm.up("ws1")
    farm.until(lambda: farm.commands(jid), "the command runs")
    with daemon.client() as client:
        client.order(Op.KILL, job=jid, chunk=1, by="artist")
    farm.until(lambda: farm.chunks(jid)[0].attempt == 2, "it is given back")
    assert farm.chunks(jid)[0].failures == 0
    farm.until(lambda: "killed by artist" in farm.errors(jid), "a note says who did it")


def test_a_second_daemon_of_one_name_is_refused_on_one_host(farm):
    farm.up("ws1")
    second = farm.start("ws1")
    assert second.wait() != 0
    assert "already works for this spool on this machine" in second.text
