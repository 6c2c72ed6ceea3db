"""A person's day at the window, with nothing but a keyboard: queue, watch, lose a machine, mend."""

import os
import subprocess
from functools import partial
from pathlib import Path

import psutil
from farm import Farm
from screen import PATIENCE, Screen, until

from renderd.core.names import host_of
from renderd.spool import image, view
from tests.farm.workstation import RENDER, Daemon

FRAMES = 12
SKY = (255, 0, 188)  #: what the shot of make_shot.py shows, in sRGB


def test_a_shot_goes_from_the_file_to_its_frames_by_keys_although_a_machine_dies(
    screen: Screen, farm: Farm, shot: Path
):
    daemons = {name: farm.up(name, "--slots", "2") for name in ("ws01", "ws02")}
    window = open_window(screen, farm)
    jid = add(screen, farm, shot)
    lost, chunks = lose_a_machine(farm, daemons, jid)
    farm.add(f"name: lights\npriority: 90\nretries: 0\n\ntest -e {farm.out}/lights.ok\n")
    mend(screen, farm)
    see_it_die(screen, lost)
    assert farm.ended(jid) == "done", farm.errors(jid)
    assert sum(chunk.losses for chunk in farm.chunks(jid)) == chunks
    look_at_frames(screen, farm)
    assert set(farm.alive()) == {d.inc for d in daemons.values() if d.name != lost}
    screen.press("ctrl+q")
    assert window.wait(PATIENCE) == 0
    assert said(screen) == "", "nothing was complained of"
    left = [name for name, daemon in daemons.items() if daemon.runs]
    assert left == [name for name in daemons if name != lost], "the farm goes on"


def open_window(screen: Screen, farm: Farm) -> subprocess.Popen[bytes]:
    """Start `render` as a person who never did."""
    home = farm.local / "person"
    home.mkdir(mode=0o700)
    env = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "QT_QPA_PLATFORM": "xcb",
        "XDG_RUNTIME_DIR": str(home),
        "RENDERD_CONFIG": str(farm.local / "config.toml"),
        "RENDERD_RUNTIME_DIR": str(home / "run"),
        "RENDERD_SPOOL": str(farm.root),
    }
    window = screen.start([str(RENDER)], "render.log", env)
    screen.await_front("– Render")
    return window


def said(screen: Screen) -> str:
    """What the window's program printed."""
    return (screen.folder / "render.log").read_text()


def add(screen: Screen, farm: Farm, shot: Path) -> str:
    """Queue the shot; the jid of its one job."""
    screen.press("ctrl+o")
    screen.await_front("Choose .blend files")
    screen.press("ctrl+l")
    screen.type(str(shot.parent))
    screen.press("Return")
    until(lambda: pressed(screen, "Down") == str(shot), "the shot can be selected")
    screen.press("Return")
    screen.await_front("Add jobs")
    screen.press("alt+o", "ctrl+a")
    screen.type(f"{farm.out}/sky_####")
    until(lambda: leaves(screen, "Add jobs", "ctrl+Return"), "the job is queued")
    (job,) = until(lambda: view.read_jobs(farm.spool), "the job is in the spool")
    assert (job.name, job.frames, job.chunks) == ("sky", f"1-{FRAMES}", FRAMES)
    row = until(lambda: row_of(screen, "sky"), "the new job is selected in the table")
    assert f"/{FRAMES}" in row, row
    return str(job.jid)


def lose_a_machine(farm: Farm, daemons: dict[str, Daemon], jid: str) -> tuple[str, int]:
    """Kill a machine's daemon while chunks of the job are its own; its name, and how many."""

    def caught() -> Daemon | None:
        for chunk in farm.running(jid):
            daemon = daemons[host_of(chunk.owner)]
            daemon.freeze()
            farm.until(partial(is_stopped, daemon), "it stands still")
            if chunk in farm.running(jid):
                return daemon
            daemon.thaw()
        return None

    daemon = farm.until(caught, "a machine renders")
    owned = [chunk for chunk in farm.running(jid) if host_of(chunk.owner) == daemon.name]
    daemon.kill()
    return str(daemon.name), len(owned)


def is_stopped(daemon: Daemon) -> bool:
    """Whether the kernel has taken every thread of it off."""
    return bool(psutil.Process(daemon.pid).status() == psutil.STATUS_STOPPED)


def mend(screen: Screen, farm: Farm) -> None:
    """See that a job failed, mend what was wrong, and have it run again."""
    find(screen, "lights", "failed")
    assert screen.pixels(SKY) == 0, "a job without frames shows none"
    (farm.out / "lights.ok").touch()
    screen.press("ctrl+r")
    assert farm.until(lambda: farm.state(farm.named("lights")) == "done", "it is done")
    until(lambda: row_of(screen, "lights").startswith("done"), "the window says so")


def see_it_die(screen: Screen, lost: str) -> None:
    """See on the page of machines that one is dead."""
    screen.press("ctrl+2")
    until(lambda: f"dead\t{lost}" in pressed(screen, "ctrl+a"), "the window tells of the death")


def find(screen: Screen, name: str, state: str) -> str:
    """Filter the jobs until this one is left, select it, and wait for its state; the row."""
    screen.press("ctrl+f", "ctrl+a")
    screen.type(name)
    screen.press("Return")

    def row() -> str:
        if not row_of(screen, name):
            screen.press("Down")  # it may have come into the table after Enter
        found = row_of(screen, name)
        return found if found.startswith(state) else ""

    return str(until(row, f"{name} is selected and {state}"))


def look_at_frames(screen: Screen, farm: Farm) -> None:
    """See that all frames are there, and one as large as its panel."""
    for number in range(1, FRAMES + 1):
        image.verify_file(farm.spool.share, str(farm.out / f"sky_{number:04d}.png"))
    screen.press("ctrl+1")
    row = find(screen, "sky", "done")
    assert f"{FRAMES}/{FRAMES}" in row.split("\t"), row
    screen.press("ctrl+p")
    least = 160 * 90
    until(lambda: screen.pixels(SKY) > least, "the frame is shown")


def pressed(screen: Screen, key: str) -> str:
    """What is selected after a key."""
    screen.press(key)
    return screen.copied()


def leaves(screen: Screen, title: str, key: str) -> bool:
    """Whether a window has gone after a key that may come too early."""
    if screen.front() == title:
        screen.press(key)
    return screen.front() != title


def row_of(screen: Screen, name: str) -> str:
    """The selected row, where it is of this name."""
    row = screen.copied()
    return row if name in row.split("\t") else ""
