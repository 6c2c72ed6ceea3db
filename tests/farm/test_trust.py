"""Attacks on whole daemons: what must not run does not, and work goes on."""

import json
import os
import sys

import pytest

from renderd.core.chunk import State
from renderd.spool import orders

DEEP = "[" * 100_000


def allowing(farm, programs="", outputs=""):
    """A daemon on a farm that allows these programs and output roots."""
    lists = {"programs": programs or sys.executable, "outputs": outputs or str(farm.out)}
    text = "".join(f"{key} = {json.dumps([value])}\n" for key, value in lists.items())
    (farm.root / "farm.toml").write_text(f"[allow]\n{text}")
    return farm.up("ws1")


def test_a_chunks_own_file_starts_nothing_that_the_host_forbids(farm):
    daemon = allowing(farm)
    jid = farm.add(farm.info(frames="1-2", chunk=1, hold="yes"))
    first, second = sorted((farm.root / "jobs" / jid / "000").iterdir())
    first.write_text(f"touch {farm.folder}/touched\n")
    orders.release(farm.spool, jid)
    farm.until(lambda: farm.tally(jid)[State.DONE] == 1, "the other chunk is rendered")
    farm.until(lambda: farm.errors(jid), "the forged one is given back")
    assert "does not allow the program touch" in farm.errors(jid)
    assert not (farm.folder / "touched").exists()
    assert daemon.runs
    assert second.name[:5] in {f"{c.index:05d}" for c in farm.chunks(jid) if c.state is State.DONE}


def test_a_job_for_a_program_that_is_not_allowed_waits_and_says_why(farm):
    allowing(farm)
    farm.drop(f"touch {farm.folder}/touched\n", "forbidden.info")
    farm.until(lambda: farm.named("forbidden"), "it is a job")
    jid = farm.named("forbidden")
    farm.until(lambda: "does not allow the program touch" in farm.render("why", jid), "it is told")
    assert farm.state(jid) == "queue"
    assert not (farm.folder / "touched").exists()


#: dropped texts that must never become jobs, and a word of the reason
REFUSED = {
    "outside": ("out: {folder}/other/f_#.png\nframes: 1-2\n\n{command}", "is not allowed"),
    "dots": ("out: {out}/../other/f_#.png\nframes: 1-2\n\n{command}", "not allowed"),
    "linked": ("out: {out}/away/f_#.png\nframes: 1-2\n\n{command}", "is not allowed"),
    "loader": ("env: LD_PRELOAD=/tmp/x.so\n\ntrue", "may not set 'LD_PRELOAD'"),
    "path": ("env: PATH=/tmp\n\ntrue", "may not set 'PATH'"),
    "after": ("after: ../../queue\n\ntrue", "no job is called"),
    "nul": ("echo \0", "NUL"),
    "steering": ("name: a\x1b[2Jb\n\ntrue", "control character"),
    "key": ("x-sign: 00\n../x: 1\n\ntrue", "../x"),
}


def test_hostile_drops_are_refused_in_words_and_none_runs(farm):
    allowing(farm)
    (farm.folder / "other").mkdir()
    (farm.out / "away").symlink_to(farm.folder / "other")
    for name, (text, _) in REFUSED.items():
        filled = text.replace("{folder}", str(farm.folder)).replace("{out}", str(farm.out), 1)
        farm.drop(filled.replace("{command}", farm.command()) + "\n", f"{name}.info")
    with (farm.root / "huge.info").open("wb") as file:
        file.truncate(1 << 30)
    if os.geteuid() == 0:
        os.mknod(farm.root / "device.info", 0o020666, os.makedev(1, 5))
        assert "no regular" in farm.refused("device")
    assert "at most" in farm.refused("huge")
    for name, (_, reason) in REFUSED.items():
        assert reason in farm.refused(name), name
    assert os.listdir(farm.folder / "other") == []
    assert os.listdir(farm.root / "jobs") == []


def test_records_that_somebody_forged_stop_no_daemon(farm):
    farm.add("name: over\n\ntrue\n")
    daemon = farm.up("ws1")
    farm.until(lambda: list((farm.root / "done").iterdir()), "the first job is done")
    (farm.root / "history" / "sizes").write_text(DEEP)
    for number, text in enumerate((DEEP, '{"v": 1e999}', '{"v": 1, "op": "fly"}', "[]", "\0")):
        (farm.root / "nodes" / daemon.inc / "inbox" / f"{number}.order").write_text(text)
    os.mkfifo(farm.root / "nodes" / daemon.inc / "inbox" / "pipe.order")
    (farm.root / "nodes" / "x-00000000").symlink_to(farm.out)
    jid = farm.add(farm.info(frames="1-3", chunk=1, hold="yes"))
    receipt = farm.out / ".renderd" / jid / "ok" / "1"
    receipt.write_text(DEEP)
    (farm.root / "jobs" / jid / "control").write_bytes(b"nodes: \xd9\xa3\nneeds-ram: -1\n\xff: x\n")
    orders.release(farm.spool, jid)
    assert farm.ended(jid) == "done"
    assert len(farm.frames()) == 3
    assert daemon.runs
    assert len(daemon.incs) == 1, daemon.text


@pytest.mark.parametrize("place", ["", "own"])
def test_a_link_beside_the_frames_sends_nothing_anywhere(farm, place):
    (farm.folder / "victim").mkdir()
    jid = farm.add(farm.info(frames="1-2", hold="yes"))
    side = farm.out / ".renderd"
    target = side / jid if place else side
    os.rename(target, farm.folder / "moved")
    target.symlink_to(farm.folder / "victim")
    for name in os.listdir(farm.folder / "moved"):  # so that the job's marks are seen all the same
        os.rename(farm.folder / "moved" / name, farm.folder / "victim" / name)
    before = sorted(p.relative_to(farm.folder) for p in (farm.folder / "victim").rglob("*"))
    farm.up("ws1")
    orders.release(farm.spool, jid)
    farm.until(lambda: "no folder" in farm.errors(jid), "the attempt ends with the reason")
    assert farm.frames() == []
    after = sorted(p.relative_to(farm.folder) for p in (farm.folder / "victim").rglob("*"))
    assert after == before
