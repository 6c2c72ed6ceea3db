"""Every action of the window against a real daemon: what it changes on the farm."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from PyQt6.QtCore import QCoreApplication, QSettings, QTimer

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "farm"))
sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

from farm import Farm
from shotmaker import shot
from stage import DEEDS, Stage

from frontend.gui import menus
from frontend.gui.desk import Desk
from frontend.gui.views.add import AddDialog
from frontend.gui.views.settings import SettingsDialog
from frontend.gui.views.window import Window
from frontend.gui.views.wizard import Wizard
from fs_browser import theme
from renderd import config
from renderd.host import wake
from renderd.spool import jobs, nodes, notes, tickets

pytestmark = pytest.mark.farm
NODE = "ws01"


@pytest.fixture(scope="module")
def stage(qapp, tmp_path_factory) -> Iterator[Stage]:
    """The farm and the window that all actions share."""
    home = tmp_path_factory.mktemp("home")
    farm = Farm()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RENDERD_CONFIG", "")
        patch.setenv("XDG_CONFIG_HOME", str(home))
        patch.setenv("HOME", str(home))
        patch.delenv("RENDERD_SPOOL", raising=False)
        window = None
        try:
            farm.init()
            daemon = farm.up(NODE, "--slots", "2")
            runs = str(daemon.home / "run")
            settings = config.load({"spool": str(farm.root), "node": NODE, "runtime_dir": runs})
            kept = QSettings(str(home / "render.ini"), QSettings.Format.IniFormat)
            theme.of(qapp)
            window = Window(Desk(settings, kept))
            window.desk.start()
            window.show()
            window.jobs.states["cancelled"].setChecked(True)
            yield Stage(farm, window)
        finally:
            if window is not None:
                window.stop()
                window.close()
                window.deleteLater()
            farm.close()


# -- jobs -----------------------------------------------------------------------------------


def hold(on: Stage) -> None:
    jid = on.parked()
    on.do("hold", jid)
    on.ends(jid, "held")


def release(on: Stage) -> None:
    jid = on.ends(on.frames(hold="yes"), "held")
    on.do("release", jid)
    on.ends(jid, "done")


def retry(on: Stage, key: str = "retry") -> None:
    jid, flag = on.failed()
    flag.touch()
    on.do(key, jid)
    on.ends(jid, "done")


def skip(on: Stage, key: str = "skip") -> None:
    jid, _ = on.failed()
    on.do(key, jid)
    on.ends(jid, "done")


def cancel(on: Stage) -> None:
    jid = on.running()
    on.do("cancel", jid)
    on.ends(jid, "cancelled")
    on.until(lambda: not on.farm.commands(jid))


def remove(on: Stage) -> None:
    jid = on.running()
    on.do("remove", jid)
    on.look(lambda: jid not in on.desk.jobs.records)
    assert tickets.find(on.farm.spool, jid) is None
    assert not on.farm.commands(jid)


def priority(on: Stage, key: str, by: int) -> None:
    jid = on.parked()
    before = tickets.find(on.farm.spool, jid)[1].priority
    on.do(key, jid)
    on.look(lambda: on.desk.jobs.records[jid].priority == before + by)


def terms(on: Stage) -> None:
    jid = on.frames(pool="nobody", needs="tag=unheard-of")
    on.ask.typed = ["", ""]
    on.do("terms", jid)
    on.ends(jid, "done")


def undo(on: Stage) -> None:
    jid = on.parked()
    on.said("hold", jid)
    on.until(lambda: on.farm.state(jid) == "held")
    on.do("undo")
    on.ends(jid, "queue")


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
    several = [on.rendered(), on.rendered()]
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


def next_failed(on: Stage) -> None:
    jid, _ = on.failed()
    on.desk.pick(jobs=[jid])
    on.look(lambda: on.desk.chunks.rowCount() == 1)
    on.do("next-failed")
    on.look(lambda: [c.state for c in on.desk.chosen_chunks()] == ["fail"])


def chunk_kill(on: Stage) -> None:
    jid = on.running()
    [pid] = on.farm.commands(jid)
    on.do("chunk-kill", jid)
    on.until(lambda: pid not in on.farm.commands(jid))
    on.do("cancel", jid)
    on.ends(jid, "cancelled")


def chunk_copy(on: Stage) -> None:
    jid = on.shown()
    on.do("chunk-copy", jid)
    assert on.ask.copied.split("\t")[:2] == ["1", "1-2"]


# -- frames ---------------------------------------------------------------------------------


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


# -- machines -------------------------------------------------------------------------------


def pauses(on: Stage, key: str, *, has_end: bool = False) -> None:
    on.do(key)
    on.until(lambda: on.state() == "paused")
    assert bool(on.daemon.status().get("until")) is has_end
    resumes(on, "here-resume" if key.startswith("here") else "resume")


def resumes(on: Stage, key: str) -> None:
    if on.state() != "paused":
        on.do("here-pause" if key.startswith("here") else "pause")
        on.until(lambda: on.state() == "paused")
    on.look(lambda: on.desk.machines.records[on.daemon.inc].status.get("state") == "paused")
    on.do(key)
    on.until(lambda: on.state() == "idle")


def undrain(on: Stage) -> None:
    jid = on.running()  # a machine without work leaves at once
    on.do("drain")
    on.until(lambda: on.state() == "draining")
    on.look(lambda: on.desk.machines.records[on.daemon.inc].status.get("state") == "draining")
    on.do("undrain")
    on.until(lambda: on.state() == "rendering")
    on.do("cancel", jid)
    on.ends(jid, "cancelled")


def restart(on: Stage) -> None:
    before = on.daemon.inc
    on.do("restart")
    on.until(lambda: on.daemon.inc != before)
    on.look(lambda: on.daemon.inc in on.desk.machines.records)
    on.look(lambda: on.desk.daemon is not None and on.desk.daemon.inc == on.daemon.inc)


def kill(on: Stage) -> None:
    jid = on.running()
    [pid] = on.farm.commands(jid)
    on.look(lambda: on.desk.machines.records[on.daemon.inc].status.get("running"))
    on.do("kill")
    on.until(lambda: pid not in on.farm.commands(jid))
    on.do("cancel", jid)
    on.ends(jid, "cancelled")


def leaves_the_farm(on: Stage, key: str) -> None:
    other = on.farm.up("ws02")
    on.look(lambda: other.inc in on.desk.machines.records)
    on.desk.pick(machines=[other.inc])
    on.do(key)
    on.until(lambda: not other.runs)
    assert other.wait() == 0


def wakes(on: Stage) -> None:
    inc, mac = "ws09-00000001", "00:1a:2b:3c:4d:5e"
    nodes.register(on.farm.spool, inc, {"node": "ws09", "card": mac}, 5)
    nodes.certify(on.farm.spool, inc)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as card,
        pytest.MonkeyPatch.context() as p,
    ):
        card.bind(("127.0.0.1", 0))
        card.settimeout(60)
        p.setattr(wake, "PORT", card.getsockname()[1])
        only = SimpleNamespace(family=socket.AF_INET, broadcast="127.0.0.1")
        p.setattr(psutil, "net_if_addrs", lambda: {"lo": [only]})
        on.look(lambda: inc in on.desk.machines.records)
        on.desk.pick(machines=[inc])
        assert on.said("wake").startswith("Called ws09")
        assert card.recv(200) == wake.magic(mac)


def note(on: Stage) -> None:
    on.ask.typed = "loud fan"
    on.do("note")
    on.until(lambda: notes.read_all(on.farm.spool) == {NODE: "loud fan"})


def copy_machine(on: Stage) -> None:
    on.do("copy-machine")
    assert on.ask.copied == NODE


def works(on: Stage, key: str) -> None:
    when = key.partition("-")[2]
    if when == "always":
        on.do(key.replace("always", "off-hours"))
        on.until(lambda: on.daemon.status()["policy"]["when"] == "off-hours")
    on.do(key)
    on.until(lambda: on.daemon.status()["policy"]["when"] == when)
    if when != "always":
        on.do("here-always")
        on.until(lambda: on.daemon.status()["policy"]["when"] == "always")


# -- the window -----------------------------------------------------------------------------


def add(on: Stage) -> None:
    path = on.farm.local / "shot.blend"
    path.write_bytes(shot())
    on.ask.chosen = (str(path),)
    on.do("add")
    [dialog] = (d for d in on.window.findChildren(AddDialog) if d.isVisible())
    on.until(lambda: [entry.path for entry in dialog.adding.scenes.entries] == [str(path)])
    dialog.close()


def opens(on: Stage, key: str, kind: type) -> None:
    on.do(key)
    [dialog] = (d for d in on.window.findChildren(kind) if d.isVisible())
    dialog.close()


def leaves(on: Stage) -> None:
    action = on.window.actions_["leave"]
    QTimer.singleShot(0, action.trigger)
    assert QCoreApplication.exec() == 0  # comes back only where the program is told to end
    assert not on.window.isVisible()
    assert on.daemon.runs
    on.window.show()


def told(on: Stage, key: str) -> None:
    on.do(key)
    on.until(lambda: on.reports())
    [dialog] = on.reports()
    dialog.close()


def copy_report(on: Stage) -> None:
    on.do("copy-report")
    on.until(lambda: str(on.farm.root) in on.ask.copied)


def out_of(on: Stage) -> Callable[[str], str]:
    return lambda jid: jobs.read(on.farm.spool, jid).out


#: by key: what is set up, done, and expected of the farm
CASES: dict[str, Callable[[Stage], None]] = {
    **{"hold": hold, "release": release, "cancel": cancel, "remove": remove, "terms": terms},
    **{"retry": retry, "skip": skip, "undo": undo, "redo": redo, "redo-missing": redo_missing},
    "up": lambda on: priority(on, "up", 10),
    "down": lambda on: priority(on, "down", -10),
    "redo-faulty": lambda on: redo_broken(on, "redo-faulty"),
    **{"redo-broken": redo_broken, "verify": verify, "frames": frames, "duplicate": duplicate},
    **{"folder": folder, "copy-command": copy_command, "log": log, "preview": preview},
    "copy-path": lambda on: copies(on, "copy-path", out_of(on)),
    "copy-id": lambda on: copies(on, "copy-id", str),
    **{"why": why, "next-failed": next_failed},
    "chunk-retry": lambda on: retry(on, "chunk-retry"),
    "chunk-skip": lambda on: skip(on, "chunk-skip"),
    **{"chunk-kill": chunk_kill, "chunk-copy": chunk_copy, "frame-open": frame_open},
    **{"frame-play": frame_play, "frame-show": frame_show, "frame-copy": frame_copy},
    "frame-redo": frame_redo,
    **{key: lambda on, key=key: pauses(on, key) for key in ("pause", "here-pause")},
    **{
        key: lambda on, key=key: pauses(on, key, has_end=True)
        for key in ("pause-hour", "pause-morning", "here-hour", "here-morning")
    },
    "resume": lambda on: resumes(on, "resume"),
    "here-resume": lambda on: resumes(on, "here-resume"),
    **{"undrain": undrain, "restart": restart, "kill": kill},
    **{key: lambda on, key=key: leaves_the_farm(on, key) for key in ("drain", "quit")},
    **{"wake": wakes, "note": note, "copy-machine": copy_machine},
    **{key: lambda on, key=key: works(on, key) for key in (*menus.WORKS, *menus.WORKS_HERE)},
    "add": add,
    "settings": lambda on: opens(on, "settings", SettingsDialog),
    "set-up": lambda on: opens(on, "set-up", Wizard),
    "leave": leaves,
    **{key: lambda on, key=key: told(on, key) for key in ("steps", "keys", "states", "about")},
    "copy-report": copy_report,
}


def test_no_line_is_about_an_action_that_is_gone():
    assert CASES.keys() <= DEEDS.keys()


@pytest.mark.parametrize("key", DEEDS)
def test_every_action_does_on_the_farm_what_it_says(stage, qtbot, key):
    assert key in CASES, f"{key} has no line in CASES: say what it changes on a farm"
    stage.begin(qtbot)
    CASES[key](stage)
