"""What every action on jobs' frames changes on a farm with a real daemon."""

import os
import signal
from collections.abc import Callable

import psutil
from stage import NODE, Stage

from renderd.spool import jobs, tickets


def redo(on: Stage) -> None:
    jid = on.rendered()
    on.ask.typed = "2"
    on.do("redo", jid)
    on.until(lambda: on.farm.state(on.redo_of(jid)) == "done")
    assert jobs.read(on.farm.spool, on.redo_of(jid)).chunks == 1


def redo_missing(on: Stage) -> None:
    several = [on.rendered(), on.rendered()]
    for jid in several:
        on.file(jid, 1).unlink()
    on.do("redo-missing", *several)
    on.until(lambda: all(on.file(jid, 1).exists() for jid in several))


def redo_broken(on: Stage, key: str = "redo-broken") -> None:
    jid, whole = on.rendered(), on.rendered()
    size = on.file(jid, 2).stat().st_size
    os.truncate(on.file(jid, 2), 20)
    on.file(jid, 1).unlink()
    on.do(key, jid, whole)
    on.until(lambda: on.file(jid, 2).stat().st_size == size)
    on.until(lambda: on.farm.state(on.redo_of(jid)) == "done")
    assert on.file(jid, 1).exists() is (key == "redo-faulty")
    assert not on.redo_of(whole)


def verify(on: Stage) -> None:
    jid = on.rendered()
    os.truncate(on.file(jid, 2), 20)
    assert [row[:2] for row in on.report("verify", jid).rows] == [("broken", "2")]


def frames(on: Stage) -> None:
    jid = on.rendered()
    on.ask.typed = "1-3"
    on.do("frames", jid)
    on.until(lambda: on.file(jid, 3).exists())


def duplicate(on: Stage) -> None:
    several = [on.parked(), on.parked()]
    on.ask.typed = "v2_"
    assert on.said("duplicate", *several) == "Queued and held: copies of 2 jobs"
    copies = [j for j in on.desk.open().share.listdir(on.farm.spool.at("held")) if j]
    assert len(copies) >= 2
    names = [on.file(jid, 1) for jid in several]
    jids = [j for j, (where, _) in tickets.everywhere(on.farm.spool).items() if where == "held"]
    outs = {jobs.read(on.farm.spool, jid).out for jid in jids}
    assert {str(n.with_name("v2_f_####.png")) for n in names} <= outs


def folder(on: Stage) -> None:
    jid = on.shown()
    on.do("folder", jid)
    on.until(lambda: on.ask.opened == str(on.file(jid, 1).parent))


def copies(on: Stage, key: str, expected: Callable[[str], str]) -> None:
    jid = on.parked()
    on.do(key, jid)
    on.until(lambda: on.ask.copied)
    assert on.ask.copied == expected(jid)


def copy_command(on: Stage) -> None:
    several = [on.parked(), on.parked()]
    on.do("copy-command", *several)
    on.until(lambda: on.ask.copied)
    lines = on.ask.copied.splitlines()
    assert [line.split()[-3:-1] for line in lines] == [["1", "2"]] * 2


def log(on: Stage) -> None:
    jid = on.shown()
    on.do("log", jid)
    on.until(lambda: "Saved: " in on.window.log.text.toPlainText())


def preview(on: Stage) -> None:
    jid = on.shown()
    on.window.preview_dock.hide()
    on.do("preview", jid)
    on.until(lambda: on.window.preview_dock.isVisible() and on.window.preview.view.image)


def why(on: Stage) -> None:
    found = on.report("why", on.parked())
    assert found.says == f"No machine can take it: {NODE} is not in pool nobody."


def frame_open(on: Stage) -> None:
    jid = on.shown()
    on.see(jid)
    on.do("frame-open")
    on.until(lambda: on.ask.opened == str(on.file(jid, 1)))


def frame_play(on: Stage) -> None:
    jid, told = on.shown(), on.farm.local / "played"
    told.mkdir()
    on.window.preferences.play_with = f"cp -t {told}"
    on.see(jid)
    on.do("frame-play")
    on.until((told / "f_0001.png").exists)


def frame_show(on: Stage) -> None:
    jid = on.shown()
    path = str(on.file(jid, 1))
    on.see(jid)
    on.do("frame-show")
    on.until(lambda: showing(path))
    for pid in showing(path):
        os.kill(pid, signal.SIGKILL)


def showing(path: str) -> list[int]:
    """The file browsers that were asked to show a file."""
    words = [(p.pid, p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]
    return [pid for pid, line in words if path in line and "fs_browser.app" in line]


def frame_copy(on: Stage) -> None:
    jid = on.shown()
    on.see(jid)
    on.do("frame-copy")
    assert on.ask.copied == str(on.file(jid, 1))


def frame_redo(on: Stage) -> None:
    jid = on.rendered()
    on.see(jid)
    on.do("frame-redo")
    on.until(lambda: on.farm.state(on.redo_of(jid)) == "done")


def out_of(on: Stage) -> Callable[[str], str]:
    return lambda jid: jobs.read(on.farm.spool, jid).out


#: by key: what is set up, done, and expected of the farm
CASES: dict[str, Callable[[Stage], None]] = {
    **{"redo": redo, "redo-missing": redo_missing, "redo-broken": redo_broken},
    "redo-faulty": lambda on: redo_broken(on, "redo-faulty"),
    **{"verify": verify, "frames": frames, "duplicate": duplicate},
    **{"folder": folder, "copy-command": copy_command, "log": log, "preview": preview},
    "copy-path": lambda on: copies(on, "copy-path", out_of(on)),
    "copy-id": lambda on: copies(on, "copy-id", str),
    **{"why": why, "frame-open": frame_open, "frame-play": frame_play},
    **{"frame-show": frame_show, "frame-copy": frame_copy, "frame-redo": frame_redo},
}
