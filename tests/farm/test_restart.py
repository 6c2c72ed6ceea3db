"""A node restarts at the end of a frame: nothing is rendered twice, nothing else is lost."""

import os
import socket
import sys
from pathlib import Path

import pytest

from renderd.core.chunk import State
from renderd.core.wire import Op
from renderd.spool import nodes
from tests.farm.workstation import PATIENCE

SLOW = "--seconds=1.5"


def whole_and_kept(farm, kept):
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert [int(p.stem[-4:]) for p in farm.frames()] == list(range(1, 7))


def guards(daemon):
    """Its guards, dead ones included, and nothing else that it may just have asked a question."""
    children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
    names = {pid: Path(f"/proc/{pid}/comm") for pid in children}
    return [pid for pid, name in names.items() if name.exists() and "guard" in name.read_text()]


@pytest.mark.parametrize("way", ["socket", "inbox"])
def test_a_restart_keeps_every_finished_frame_and_the_process(farm, way):
    gate, mark = farm.folder / "gate", farm.folder / "starts"
    jid = farm.add(
        farm.info(SLOW, f"--gate={gate}", "--behind=2", f"--mark={mark}", frames="1-6", chunk=6)
    )
    daemon = farm.up("ws1")
    before = Path(f"/proc/{daemon.pid}/stat").read_text().split()[21]
    farm.until(lambda: len(farm.frames()) == 2, "two frames are in place")
    if way == "inbox":
        farm.send("ws1", Op.RESTART, by="artist")
    else:
        with daemon.client() as client:
            client.order(Op.RESTART, by="artist")
    farm.until(lambda: daemon.status()["state"] == "restarting", "the order is read")
    gate.touch()
    farm.until(lambda: len(daemon.incs) == 2, "it begins anew")
    frames = len(farm.frames())
    kept = {p: p.stat().st_mtime_ns for p in farm.frames()}
    assert 3 <= frames < 6, "it waited for the frame in work and for no more than one other"
    assert farm.ended(jid) == "done"
    whole_and_kept(farm, kept)
    (chunk,) = farm.chunks(jid)
    assert (chunk.attempt, chunk.failures, chunk.losses) == (2, 0, 0)
    assert daemon.runs
    assert Path(f"/proc/{daemon.pid}/stat").read_text().split()[21] == before
    assert farm.alive() == {daemon.inc}
    assert not nodes.dead(farm.spool)
    assert len(mark.read_text().splitlines()) == 2


def test_an_idle_node_restarts_with_its_old_surroundings(farm):
    daemon = farm.up("ws1", umask=0o022)
    farm.send("ws1", Op.RESTART, by="artist")
    farm.until(lambda: len(daemon.incs) == 2, "it begins anew")
    text = f"{sys.executable} -c 'import os; print(oct(os.umask(0)), sorted(os.environ))'"
    jid = farm.add(f"name: look\n\n{text}\n")
    assert farm.ended(jid) == "done"
    farm.logged(jid, "0o22 ")
    assert "BEGINS_ANEW" not in farm.logs(jid)
    assert len(guards(daemon)) == 1, "one guard, and no dead one"


def test_a_restart_now_gives_the_frame_in_work_back(farm):
    jid = farm.add(farm.info("--hang", "--until=1", frames="1-2", chunk=2))
    daemon = farm.up("ws1")
    farm.until(lambda: farm.commands(jid), "a frame is in work that never ends")
    farm.send("ws1", Op.RESTART, by="artist", now=True)
    farm.until(lambda: len(daemon.incs) == 2, "it begins anew")
    assert farm.ended(jid) == "done"
    (chunk,) = farm.chunks(jid)
    assert (chunk.attempt, chunk.failures) == (2, 0)


def test_a_pause_outlives_a_restart(farm):
    daemon = farm.up("ws1")
    farm.send("ws1", Op.PAUSE, by="artist")
    farm.until(lambda: daemon.status()["state"] == "paused", "it is paused")
    farm.send("ws1", Op.RESTART, by="artist")
    farm.until(lambda: len(daemon.incs) == 2, "it begins anew")
    farm.until(lambda: daemon.status()["state"] == "paused", "it is paused still")


def test_a_share_that_is_away_while_it_begins_anew_is_waited_for(farm):
    jid = farm.add(farm.info("--hang", "--until=1", frames="1-2", chunk=2))
    daemon = farm.up("ws1")
    farm.until(lambda: farm.commands(jid), "a chunk runs")
    identity = farm.root / "SPOOL"
    text = identity.read_bytes()
    farm.send("ws1", Op.RESTART, by="artist")
    farm.until(lambda: daemon.status()["state"] == "restarting", "the order is read")
    identity.write_bytes(b"")
    for pid in farm.commands(jid):
        os.kill(pid, 9)
    farm.until(lambda: "begins anew" in daemon.text, "it has left")
    farm.until(lambda: daemon.text.split("begins anew")[1].strip(), "it says what is wrong")
    assert daemon.runs
    identity.write_bytes(text)
    assert farm.ended(jid) == "done"
    assert daemon.runs


def test_drain_now_leaves_at_the_end_of_the_frame(farm):
    gate = farm.folder / "gate"
    jid = farm.add(farm.info(SLOW, f"--gate={gate}", "--behind=2", frames="1-6", chunk=6))
    daemon = farm.up("ws1")
    farm.until(lambda: len(farm.frames()) == 2, "two frames are in place")
    farm.send("ws1", Op.DRAIN, now=True, by="artist")
    farm.until(lambda: daemon.status()["state"] == "draining", "the order is read")
    gate.touch()
    assert daemon.wait() == 0
    kept = {p: p.stat().st_mtime_ns for p in farm.frames()}
    assert 3 <= len(kept) < 6
    (chunk,) = farm.chunks(jid)
    assert (chunk.state, chunk.attempt, chunk.failures) == (State.WAIT, 2, 0)
    again = farm.up("ws1")
    assert again.status()["state"] == "draining"
    farm.up("ws2")
    assert farm.ended(jid) == "done"
    whole_and_kept(farm, kept)
    assert farm.chunks(jid)[0].owner.startswith("ws2")


def test_to_systemd_a_restart_is_a_reload_and_no_stop(farm):
    path = str(farm.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(PATIENCE)
        daemon = farm.up("ws1", env={"NOTIFY_SOCKET": path})
        farm.send("ws1", Op.RESTART, by="artist")
        said = ""
        while said.count("READY=1") < 2:
            said += manager.recv(4096).decode() + "\n"
        assert len(daemon.incs) == 2
    begun, _, anew = said.partition("RELOADING=1")
    assert "READY=1" in begun
    assert "MONOTONIC_USEC=" in anew
    assert "STOPPING" not in said
