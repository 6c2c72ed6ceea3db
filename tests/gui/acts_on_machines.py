"""What every action on machines, and on this one, changes on a farm with a real daemon."""

import socket
from collections.abc import Callable
from types import SimpleNamespace

import psutil
import pytest
from stage import NODE, Stage

from frontend.gui import menus
from renderd.host import wake
from renderd.spool import nodes, notes


def pauses(on: Stage, key: str, *, has_end: bool = False) -> None:
    on.do(key)
    on.until(lambda: on.state() == "paused")
    assert bool(on.daemon.status().get("until")) is has_end
    resumes(on, "here-resume" if key.startswith("here") else "resume")


def resumes(on: Stage, key: str) -> None:
    if on.state() != "paused":
        on.do("here-pause" if key.startswith("here") else "pause")
        on.until(lambda: on.state() == "paused")
    on.until(lambda: on.desk.machines.records[on.daemon.inc].status.get("state") == "paused")
    on.do(key)
    on.until(lambda: on.state() == "idle")


def undrain(on: Stage) -> None:
    jid = on.running()  # a machine without work leaves at once
    on.do("drain")
    on.until(lambda: on.state() == "draining")
    on.until(lambda: on.desk.machines.records[on.daemon.inc].status.get("state") == "draining")
    on.do("undrain")
    on.until(lambda: on.state() == "rendering")
    on.do("cancel", jid)
    on.ends(jid, "cancelled")


def restart(on: Stage) -> None:
    before = on.daemon.inc
    on.do("restart")
    on.until(lambda: on.daemon.inc != before)
    on.until(lambda: on.daemon.inc in on.desk.machines.records)
    on.until(lambda: on.desk.daemon is not None and on.desk.daemon.inc == on.daemon.inc)


def kill(on: Stage) -> None:
    jid = on.running()
    [pid] = on.farm.commands(jid)
    on.until(lambda: on.desk.machines.records[on.daemon.inc].status.get("running"))
    on.do("kill")
    on.until(lambda: pid not in on.farm.commands(jid))
    on.do("cancel", jid)
    on.ends(jid, "cancelled")


def leaves_the_farm(on: Stage, key: str) -> None:
    other = on.farm.up("ws02")
    on.until(lambda: other.inc in on.desk.machines.records)
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
        on.until(lambda: inc in on.desk.machines.records)
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


#: by key: what is set up, done, and expected of the farm
CASES: dict[str, Callable[[Stage], None]] = {
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
}
