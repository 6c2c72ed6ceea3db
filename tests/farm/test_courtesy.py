"""A machine makes way for its person: real daemons, real commands held still."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from frontend.attendance import Attendance
from renderd import config
from renderd.core.chunk import State
from renderd.core.wire import Op, Request
from renderd.dialog import Dialog
from renderd.errors import RenderdError
from renderd.host import process
from renderd.host.presence import Presence
from tests.farm.workstation import RENDER

#: nobody else's X server or compositor tells of a person
ALONE = {"DISPLAY": "none", "WAYLAND_DISPLAY": "none", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/none"}


def is_stopped(pid):
    stat = process.read_stat(pid)
    return stat is not None and stat[0] == b"T"


class Session:
    """A person's session beside a daemon: it tells again and again how long they were idle."""

    def __init__(self, daemon):
        self.dialog = Dialog.open(str(daemon.home / "run" / f"{daemon.name}.sock"))
        self._lock = threading.Lock()
        self._idle = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell)
        self._thread.start()

    def _tell(self):
        while not self._over.wait(1.0):
            with contextlib.suppress(OSError, RenderdError), self._lock:
                if self._idle is not None:
                    self.dialog.ask(Request(Op.PRESENCE, {"idle": self._idle}))

    def idle(self, seconds):
        with self._lock:  # or what was so before could be told once more behind it
            self._idle = seconds
            return self.dialog.ask(Request(Op.PRESENCE, {"idle": seconds}))

    def order(self, op, **args):
        with self._lock:
            return self.dialog.ask(Request(op, args))

    def close(self):
        self._over.set()
        self._thread.join()
        self.dialog.close()


@pytest.fixture
def sit():
    """Sit down at a daemon's machine."""
    sessions = []

    def start(daemon):
        sessions.append(Session(daemon))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()


def stopped(farm, jid, wanted=True):
    """Whether every process of the job's commands stands still, or none."""
    found = farm.commands(jid)
    return bool(found) and all(is_stopped(pid) is wanted for pid in found)


def test_a_person_who_comes_back_finds_the_renderer_suspended_and_leaves_it_to_go_on(farm, sit):
    node = farm.up("ws07", "--when", "away", "--away", "60", env=ALONE)
    session = sit(node)
    assert session.idle(3600)["matters"]
    jid = farm.add(farm.info("--seconds=0.2", "--child", frames="1-900", chunk=900))
    farm.until(lambda: len(farm.commands(jid)) > 1, "the renderer and its child run")
    session.idle(0)
    farm.until(lambda: stopped(farm, jid), "all of the renderer stands still")
    said = farm.until(lambda: (s := node.status())["state"] == "suspended" and s, "it says so")
    assert "somebody uses this machine" in said["reason"]
    assert said["running"][0]["suspended"] == said["reason"]
    assert "paused: somebody uses this machine" in node.text
    frames = len(farm.frames())
    (held,) = farm.running(jid)
    session.idle(3600)
    farm.until(lambda: stopped(farm, jid, wanted=False), "it goes on")
    farm.until(lambda: len(farm.frames()) > frames, "more frames come")
    assert farm.running(jid) == [held]
    assert "works again after" in node.text


def test_a_machine_that_is_needed_when_it_starts_claims_nothing_before_it_noticed(farm):
    jid = farm.add(farm.info("--hang", frames="1-3"))
    with socket.socket(socket.AF_UNIX) as slow, tempfile.TemporaryDirectory() as folder:
        slow.bind(f"{folder}/wayland-0")  # a compositor that answers late: never
        slow.listen()
        own = {**ALONE, "WAYLAND_DISPLAY": f"{folder}/wayland-0"}
        node = farm.up("ws07", "--when", "away", "--away", "60", env=own)
        farm.until(lambda: "nothing tells" in node.status().get("reason", ""), "it says why not")
    farm.looked(node)
    assert farm.tally(jid)[State.WAIT] == 1
    assert "starts with chunk" not in node.text


def test_time_spent_suspended_is_neither_a_hang_nor_over_the_limit_nor_a_frames(farm, sit):
    node = farm.up("ws07", "--hang", "15", "--when", "away", "--away", "60", env=ALONE)
    session = sit(node)
    session.idle(3600)
    began = time.monotonic()
    gate = farm.folder / "gate"
    jid = farm.add(farm.info(f"--gate={gate}", "--seconds=0.5", frames="1-6", timeout=25))
    farm.until(lambda: farm.frames(), "the first frame is there")
    session.idle(0)
    farm.until(lambda: stopped(farm, jid), "the renderer stands still")
    held = farm.until(
        lambda: (r := node.status()["running"]) and r[0]["held"] > 26 and r[0], "26 s pass"
    )
    elapsed = held["elapsed"]
    time.sleep(1.0)
    assert node.status()["running"][0]["elapsed"] == pytest.approx(elapsed, abs=0.3)
    gate.touch()
    session.idle(3600)
    assert farm.ended(jid) == "done"
    assert [c.attempt for c in farm.chunks(jid)] == [1]
    (done,) = farm.until(lambda: farm.commits(jid), "its journal is written")
    assert done["wall"] + 26 < time.monotonic() - began
    said = farm.until(lambda: not (s := node.status())["running"] and s, "it says that it ended")
    ((frames, mean, _),) = said["paces"].values()
    assert frames * mean == pytest.approx(done["wall"], abs=0.1)


def test_never_gives_back_at_once_and_keeps_the_frames_that_are_done(farm, sit):
    node = farm.up("ws07")
    gate = farm.folder / "gate"  # nobody opens it
    jid = farm.add(farm.info(f"--gate={gate}", "--behind=3", frames="1-9"))
    farm.until(lambda: len(farm.frames()) > 2, "some frames are there")
    farm.render("node", "courtesy", "ws07", "--when", "never")
    farm.until(lambda: not farm.commands(jid), "the renderer is gone")
    farm.until(lambda: farm.tally(jid)[State.WAIT] == 1, "its chunk is given back")
    assert [c.failures for c in farm.chunks(jid)] == [0]
    assert len(farm.frames()) > 2
    farm.until(lambda: "never" in farm.errors(jid), "a note says why")
    farm.until(lambda: node.status()["state"] == "yielding", "it says so")
    farm.until(lambda: "never renders" in farm.render("nodes"), "others are told")
    assert "never renders" in farm.render("why", jid)


def test_a_courtesy_that_was_ordered_survives_a_restart_and_can_be_taken_back(farm, sit):
    node = farm.up("ws07")
    sit(node).order(Op.COURTESY, when="away", away=120.0, by="artist@ws07")
    farm.until(lambda: node.status()["policy"]["when"] == "away", "it obeys")
    node.kill()
    node = farm.up("ws07")
    said = farm.until(lambda: node.status().get("policy"), "it says its policy")
    assert (said["when"], said["away"], said["ordered"]) == ("away", 120.0, True)
    farm.render("node", "courtesy", "ws07", "--when", "configured")
    farm.until(lambda: not node.status()["policy"]["ordered"], "its own settings hold again")


def test_a_suspended_renderer_dies_with_its_daemon(farm, sit):
    node = farm.up("ws07", "--when", "away", "--away", "60", env=ALONE)
    session = sit(node)
    session.idle(3600)
    jid = farm.add(farm.info("--hang", "--child", frames="1-3"))
    farm.until(lambda: len(farm.commands(jid)) > 1, "the renderer and its child run")
    session.idle(0)
    farm.until(lambda: stopped(farm, jid), "all of it stands still")
    node.kill()
    farm.until(lambda: not farm.commands(jid), "nothing of it is left")


def test_a_pause_ends_what_is_suspended(farm, sit):
    node = farm.up("ws07", "--when", "away", "--away", "60", env=ALONE)
    session = sit(node)
    session.idle(3600)
    jid = farm.add(farm.info("--hang", frames="1-3"))
    farm.until(lambda: farm.commands(jid), "the renderer runs")
    session.idle(0)
    farm.until(lambda: stopped(farm, jid), "it stands still")
    session.order(Op.PAUSE, by="artist@ws07")
    farm.until(lambda: farm.tally(jid)[State.WAIT] == 1, "its chunk is given back")
    farm.until(lambda: not farm.commands(jid), "nothing of it is left")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--when", "sometimes"), "always, away, off-hours, never, configured"),
        ((), "needs --when"),
        (("--when", "off-hours", "--office", "9"), "mon-fri 9:00-18:00"),
        (("--when", "never", "--away", "5m"), "goes with --when away"),
    ],
)
def test_a_courtesy_that_makes_no_sense_is_refused_in_a_sentence(farm, words, says):
    assert says in farm.render("node", "courtesy", "ws07", *words, status=2)


@pytest.fixture
def display():
    """An X server of its own."""
    words = ("Xvfb", "-displayfd", "1", "-screen", "0", "320x200x24", "-nolisten", "tcp")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        yield f":{server.stdout.readline().decode().strip()}"
        server.kill()


def press(display):
    subprocess.run(["xdotool", "key", "a"], env={**os.environ, "DISPLAY": display}, check=True)
    return True


@pytest.mark.skipif(not shutil.which("Xvfb") or not shutil.which("xdotool"), reason="needs both")
@pytest.mark.parametrize("is_service", [False, True])
def test_a_key_pressed_suspends_the_renderer_also_where_only_the_session_sees_it(
    farm, display, is_service
):
    own = ALONE if is_service else {**ALONE, "DISPLAY": display, "WAYLAND_DISPLAY": ""}
    node = farm.up("ws07", "--when", "away", "--away", "3", env=own)
    if is_service:
        settings = config.Settings(node="ws07", runtime_dir=str(node.home / "run"))
        session = Attendance(settings, Presence({"DISPLAY": display, "HOME": "/"}))
        session.start()
    try:
        jid = farm.add(farm.info("--hang", frames="1-3"))
        farm.until(lambda: farm.commands(jid), "it renders when nobody pressed a key for a while")
        # Again and again: three seconds after the last it goes on, seen or not.
        farm.until(lambda: press(display) and stopped(farm, jid), "the renderer stands still")
        farm.until(lambda: stopped(farm, jid, wanted=False), "it goes on by itself")
    finally:
        if is_service:
            session.stop()
            session.join()


@pytest.mark.parametrize(
    ("answer", "is_open_ended", "hour"), [("2", False, 9), ("3", True, None), ("", False, None)]
)
def test_a_pause_at_a_terminal_asks_for_how_long(farm, answer, is_open_ended, hour):
    node = farm.up("ws07")
    ours, theirs = os.openpty()
    env = {**os.environ, "RENDERD_SPOOL": str(farm.root), "HOME": str(farm.local)}
    env["RENDERD_CONFIG"] = str(farm.local / "config.toml")
    words = [str(RENDER), "node", "pause", "ws07"]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as asked:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        assert asked.wait(60) == 0
    os.close(ours)
    said = farm.until(lambda: (s := node.status())["state"] == "paused" and s, "it pauses")
    assert (said["until"] is None) is is_open_ended
    assert said["since"] == pytest.approx(time.time(), abs=100)
    if hour is not None:
        assert (time.localtime(said["until"] + 5).tm_hour) == hour
    if is_open_ended:
        farm.until(lambda: re.search(r"paused by \S+ \d+s ago", farm.render("nodes")), "it shows")


def limits(farm, **settings):
    """What all machines of the farm make way for, and from where on."""
    lines = [f"{key} = {value}\n" for key, value in settings.items()]
    (farm.local / "config.toml").write_text("awake = false\n" + "".join(lines))


def test_a_machine_short_of_memory_leaves_the_work_to_the_others(farm):
    limits(farm, yields='["memory"]', yield_free=100)
    short = farm.up("ws07")
    said = farm.until(lambda: (s := short.status())["state"] == "yielding" and s, "it makes way")
    assert "memory is short" in said["reason"]
    jid = farm.add(farm.info(frames="1-4"))
    limits(farm, yields="[]")
    farm.up("ws08")
    assert farm.ended(jid) == "done"
    assert "starts with" not in short.text


def test_a_renderer_is_suspended_while_others_use_the_processors(farm):
    limits(farm, yields='["load"]', yield_load=1)
    node = farm.up("ws07")
    jid = farm.add(farm.info("--hang", frames="1-3"))
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        farm.until(lambda: stopped(farm, jid), "the renderer stands still")
        assert "other programs use" in node.status()["reason"]
        other.kill()
