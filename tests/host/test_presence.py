"""How long nobody has used this machine: a real X server, real buses, a real logind."""

import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from renderd.host import desktop, wayland
from renderd.host.awake import Awake
from renderd.host.dbus import Bus, BusError, Target
from renderd.host.presence import Presence
from renderd.host.wayland import Compositor
from renderd.host.x11 import XServer

DESKTOP = Path(__file__).with_name("desktop.py")
LOGIND = "/lib/systemd/systemd-logind"
OWN = Target("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
LOGIN1 = Target(
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"
)


def lacking(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


def line_of(process, patience=60.0):
    """The next line that a process says."""
    ready, _, _ = select.select([process.stdout], [], [], patience)
    assert ready, "it says nothing"
    return process.stdout.readline().strip()


@pytest.fixture
def starts():
    """Start programs that end with the test."""
    begun = []

    def start(*words, **how):
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, **how}
        begun.append(subprocess.Popen(words, **how))
        return begun[-1]

    yield start
    for process in reversed(begun):
        process.kill()
        process.communicate()


@pytest.fixture
def display(starts):
    """An X server of its own."""
    server = starts("Xvfb", "-displayfd", "1", "-screen", "0", "320x200x24", "-nolisten", "tcp")
    return f":{line_of(server)}", server


def press(display):
    subprocess.run(["xdotool", "key", "a"], env={**os.environ, "DISPLAY": display}, check=True)


@lacking("Xvfb", "xdotool")
def test_an_x_server_tells_how_long_no_key_was_pressed(display, until):
    name, _ = display
    presence = Presence({"DISPLAY": name, "HOME": "/"})
    press(name)
    before = time.monotonic()
    grown = until(lambda: (idle := presence.idle()) and idle > 1.0 and idle)
    assert grown <= time.monotonic() - before + 1.0
    press(name)
    assert presence.idle() < 1.0
    presence.close()


@lacking("Xvfb", "xdotool")
def test_a_person_who_logs_out_takes_the_x_server_and_nothing_else_away(display):
    name, server = display
    clock = [0.0]
    presence = Presence({"DISPLAY": name, "HOME": "/"}, clock=lambda: clock[0])
    assert presence.idle() is not None
    server.kill()
    server.wait()
    assert presence.idle() is None
    clock[0] += 60
    assert presence.idle() is None  # asked again, and nobody answers
    presence.close()


@lacking("Xvfb", "xauth")
def test_a_server_with_a_key_is_asked_with_the_key(tmp_path, starts):
    key = tmp_path / "authority"
    for number in (":77", ":78"):  # the key of another display stands before it
        words = ["xauth", "-f", str(key), "add", number, ".", os.urandom(16).hex()]
        subprocess.run(words, check=True, capture_output=True)
    server = starts("Xvfb", ":78", "-auth", str(key), "-displayfd", "1", "-nolisten", "tcp")
    assert line_of(server) == "78"
    found = XServer.open(":78", str(key))
    assert found.idle() >= 0
    found.close()
    with pytest.raises(OSError, match="refuses"):
        XServer.open(":78", "")


def test_an_x_server_inside_a_wayland_session_is_not_believed():
    presence = Presence({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0", "HOME": "/"})
    assert presence._ask("x11", presence._x11) is None


@pytest.mark.parametrize("name", ["", "example.org:0", "localhost:10.0", ":abc", ":65000"])
def test_a_display_of_elsewhere_or_nowhere_is_refused(name):
    with pytest.raises(OSError, match=r"no display|No such file"):
        XServer.open(name, "")


@pytest.fixture
def session(starts, until):
    """Start a Wayland compositor without a screen; the variables of its session."""
    with tempfile.TemporaryDirectory(prefix="wl-") as folder:  # a socket's path is short

        def start(*words, **environ):
            environ = {"PATH": os.environ["PATH"], **environ, "HOME": folder}
            starts(*words, env={**environ, "XDG_RUNTIME_DIR": folder}, cwd=folder)
            (lock,) = until(lambda: list(Path(folder).glob("wayland-*.lock")))
            path = lock.with_suffix("")
            until(lambda: answers(path))
            nowhere = "unix:path=/nowhere"
            buses = {"DBUS_SESSION_BUS_ADDRESS": nowhere, "DBUS_SYSTEM_BUS_ADDRESS": nowhere}
            return {"XDG_RUNTIME_DIR": folder, "HOME": "/", "DISPLAY": "none", **buses}, path

        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        yield start


def answers(path):
    try:
        Compositor.open(str(path)).close()
    except ConnectionError:
        return False
    return True


@pytest.fixture
def sway(session):
    """A real one, which refuses to run as root."""
    how = {"WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1"}
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    return session(*(nobody if os.geteuid() == 0 else ()), "sway", "-c", "/dev/null", **how)


def type_into(environ, path):
    there = {"PATH": os.environ["PATH"], "WAYLAND_DISPLAY": path.name}
    before = time.monotonic()
    subprocess.run(["wtype", "a"], env={**environ, **there}, check=True)
    return before


@lacking("sway", "wtype", "setpriv")
def test_a_wlroots_compositor_tells_how_long_no_key_was_pressed(sway, until):
    environ, path = sway
    presence = Presence(environ)
    assert presence.idle() is not None
    until(lambda: presence.idle() > 2.0)
    typed = type_into(environ, path)
    until(lambda: presence.idle() <= time.monotonic() - typed + wayland.AFTER)
    until(lambda: presence.idle() > 1.0)
    presence.close()


@lacking("sway", "setpriv")
def test_a_person_who_logs_out_takes_the_compositor_and_nothing_else_away(sway, until):
    environ, path = sway
    clock = [0.0]
    presence = Presence({**environ, "WAYLAND_DISPLAY": path.name}, clock=lambda: clock[0])
    assert presence.idle() is not None
    assert wayland.sockets(environ) == [str(path)]
    subprocess.run(["swaymsg", "exit"], env={**os.environ, **environ, **ipc(path)}, check=False)
    until(lambda: presence.idle() is None)
    clock[0] += 60
    assert presence.idle() is None  # asked again, and nobody answers
    presence.close()


def ipc(path):
    (found,) = path.parent.glob("sway-ipc.*.sock")
    return {"SWAYSOCK": str(found)}


@lacking("sway", "dbus-daemon", "setpriv")
def test_kdes_word_that_somebody_is_there_is_no_answer_under_wayland(sway, bus, starts, until):
    words = (sys.executable, str(DESKTOP), "kde")  # says 0 as KDE does where it cannot know
    desktop = starts(*words, env={**os.environ, **bus}, stdin=subprocess.PIPE)
    assert line_of(desktop) == "ready"
    environ, _ = sway
    presence = Presence(
        {**bus, **environ, "DBUS_SESSION_BUS_ADDRESS": bus["DBUS_SESSION_BUS_ADDRESS"]}
    )
    until(lambda: (presence.idle() or 0.0) > 1.0)
    presence.close()


@lacking("kwin_wayland", "dbus-daemon")
@pytest.mark.parametrize("protocol", wayland._NOTIFIERS, ids=lambda one: one.interface.decode())
def test_kwin_tells_by_either_protocol(session, bus, until, monkeypatch, tmp_path, protocol):
    # A copy has no right to real time, which a container may not grant; its name counts.
    program = tmp_path / "kwin_wayland"
    program.write_bytes(Path(shutil.which("kwin_wayland")).read_bytes())
    program.chmod(0o755)
    words = (str(program), "--virtual", "--no-lockscreen", "--socket", "wayland-7")
    _, path = session(*words, KWIN_COMPOSE="Q", **bus)
    hand = by(wayland._NOTIFIERS[1], path, monkeypatch)
    watched = by(protocol, path, monkeypatch)
    until(lambda: watched.idle() > 2.0)
    before = time.monotonic()
    hand._send(wayland._FIRST_SEAT + 1, 1, b"")  # simulate_user_activity
    until(lambda: watched.idle() <= time.monotonic() - before + wayland.AFTER)
    until(lambda: watched.idle() > 1.0)
    watched.close()
    hand.close()


def by(protocol, path, monkeypatch):
    monkeypatch.setattr(wayland, "_NOTIFIERS", (protocol,))
    found = Compositor.open(str(path))
    monkeypatch.undo()
    return found


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "has ended"),
        (struct.pack("=II", 7, 0), "nonsense"),
        (struct.pack("=II", 1, 8 << 16), "refuses"),
        (struct.pack("=III", 3, 12 << 16, 0), "does not tell"),
        (struct.pack("=IIIII", 2, 20 << 16, 1, 8, 0), "timed out"),
    ],
)
def test_a_server_that_is_no_such_compositor_is_left_alone(tmp_path, monkeypatch, said, why):
    monkeypatch.setattr(wayland, "TIMEOUT", 0.5 if why == "timed out" else 60.0)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "w"))
        server.listen()
        talk = threading.Thread(target=lambda: answer(server, said, goes_on=bool(said)))
        talk.start()
        with pytest.raises(OSError, match=why):
            Compositor.open(str(tmp_path / "w"))
        talk.join()


def answer(server, said, *, goes_on):
    with server.accept()[0] as connected:
        connected.sendall(said)
        if not goes_on:
            connected.shutdown(socket.SHUT_WR)
        while connected.recv(4096):
            pass


@pytest.fixture
def bus(starts):
    """A session bus of its own: its variables."""
    daemon = starts("dbus-daemon", "--session", "--nofork", "--print-address=1", "--nopidfile")
    where = {"DBUS_SESSION_BUS_ADDRESS": line_of(daemon), "XDG_RUNTIME_DIR": "/nowhere"}
    return {**where, "HOME": "/", "DISPLAY": "none"}


@lacking("dbus-daemon")
@pytest.mark.parametrize("kind", ["gnome", "kde"])
def test_a_desktop_tells_on_the_sessions_bus(bus, starts, kind):
    words = (sys.executable, str(DESKTOP), kind)
    desktop = starts(*words, env={**os.environ, **bus}, stdin=subprocess.PIPE)
    assert line_of(desktop) == "ready"
    presence = Presence({**bus, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})
    for said in (61_500, 0):
        desktop.stdin.write(f"{said}\n")
        desktop.stdin.flush()
        assert line_of(desktop) == "heard"
        assert presence.idle() == said / 1000
    presence.close()


@lacking("dbus-daemon")
def test_an_answer_of_any_shape_is_read(bus):
    asked = Bus.session(bus)
    (names,) = asked.call(OWN, "ListNames")
    assert "org.freedesktop.DBus" in names
    assert asked.call(OWN, "NameHasOwner", "s", "org.freedesktop.DBus") == [True]
    assert asked.property(OWN, "Features") is not None
    (credentials,) = asked.call(OWN, "GetConnectionCredentials", "s", "org.freedesktop.DBus")
    assert dict(credentials)["UnixUserID"] == os.geteuid()
    with pytest.raises(BusError, match=r"nobody\.at\.all"):
        asked.call(OWN, "GetNameOwner", "s", "nobody.at.all")
    asked.close()


@pytest.mark.parametrize("address", ["", "tcp:host=localhost,port=1", "unix:path=/nowhere/bus"])
def test_without_a_bus_there_is_an_error_and_no_answer(address):
    environ = {"DBUS_SESSION_BUS_ADDRESS": address, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/none"}
    with pytest.raises(OSError):  # noqa: PT011  of several kinds
        Bus.session(environ)
    assert Presence({**environ, "DISPLAY": "none"}).idle() is None


CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>
"""


@pytest.fixture
def logind(tmp_path, starts, until):
    """A logind of its own on a system bus of its own: its variables."""
    (tmp_path / "bus.conf").write_text(CONFIG.format(path=tmp_path / "bus"))
    starts("dbus-daemon", f"--config-file={tmp_path / 'bus.conf'}", "--nofork", "--nopidfile")
    until((tmp_path / "bus").exists)
    environ = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path / 'bus'}", "DISPLAY": "none"}
    script = f"mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && exec {LOGIND}"
    starts("unshare", "-m", "sh", "-c", script, env={**os.environ, **environ})
    asked = Bus.system(environ)
    until(lambda: LOGIN1.service in asked.call(OWN, "ListNames")[0])
    asked.close()
    return environ


@lacking("dbus-daemon")
def test_a_message_is_shown_by_the_desktop(bus, starts):
    words = (sys.executable, str(DESKTOP), "notifications")
    shown = starts(*words, env={**os.environ, **bus}, stdin=subprocess.PIPE)
    assert line_of(shown) == "ready"
    desktop.tell("This machine does not render", "paused by anna 4h ago — größer", bus)
    assert line_of(shown) == "renderd: This machine does not render: paused by anna 4h ago — größer"


needs_logind = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists(LOGIND) or not shutil.which("dbus-daemon"),
    reason="needs root, systemd and dbus-daemon",
)


@needs_logind
def test_where_nobody_is_logged_in_nobody_is_disturbed(logind):
    presence = Presence(logind)
    assert presence.idle() == float("inf")
    presence.close()


@needs_logind
def test_sleep_is_held_off_until_it_is_let_go(logind):
    asked = Bus.system(logind)

    def held():
        return [one[:4] for one in asked.call(LOGIN1, "ListInhibitors")[0]]

    awake = Awake(logind)
    awake.hold("renders for the farm")
    awake.hold("renders for the farm")
    assert held() == [["sleep:idle", "renderd", "renders for the farm", "block"]]
    awake.release()
    assert not awake.is_held
    awake.release()
    deadline = time.monotonic() + 30
    while held():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    asked.close()


def test_where_nobody_can_hold_sleep_off_there_is_an_error_and_no_answer():
    with pytest.raises(OSError, match="no systemd-logind here"):
        Awake({"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"}).hold("renders")
