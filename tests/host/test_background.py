import os
import subprocess
import sys
from pathlib import Path

import pytest

import renderd
from renderd.host import background

ROOT = str(Path(renderd.__file__).parents[1])
NOBODY = 65534
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the settings are Linux's")

AS_NOBODY = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from renderd.host import background, process  # while its files can be read
from renderd.host.guard import Guard
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
with Guard.start() as guard, open(os.devnull, "wb") as sink:
    env = {"PATH": "/usr/bin:/bin"}
    children = [guard.spawn(["sleep", "600"], env, "/", sink.fileno()) for _ in range(4)]
    deadline = time.monotonic() + 60
    while not all(background.verify(child.pid).is_complete for child in children):
        assert time.monotonic() < deadline, [background.verify(c.pid) for c in children]
        time.sleep(0.02)
    assert all(os.stat(f"/proc/{c.pid}").st_uid == os.geteuid() != 0 for c in children)
    assert all(child.stop() for child in children)
    line = "(setsid env -i sleep 600 &); (setsid sleep 600 &); true"
    assert guard.spawn(["sh", "-c", line], env, "/", sink.fileno()).wait().is_success
    assert process.descendants(guard.pid) == []
print("well")
"""


def test_a_command_runs_with_every_background_setting(run, until):
    child, _ = run("sleep 600")
    facts = until(lambda: (f := background.verify(child.pid)).is_complete and f)
    assert facts.nice == 19
    assert facts.is_sched_idle
    assert facts.is_io_idle
    assert facts.oom_score_adj == max(500, background.oom_score(os.getpid()))
    if os.path.exists("/proc/self/autogroup"):
        assert facts.autogroup_nice == 19


def test_what_a_command_starts_runs_in_the_background_too(run, until):
    child, output = run("sleep 600 & echo $!; wait")
    inner = int(output.readline())
    until(lambda: background.verify(inner).is_complete)
    assert child.stop() is not None


def test_a_command_has_the_shortest_turns_that_the_kernel_grants(run, until):
    usual = background.turn(os.getpid())
    child, output = run("echo up; sleep 600")
    output.readline()
    until(lambda: background.verify(child.pid).is_complete)
    if os.geteuid() == 0:  # an idle task does not tell, and others may not wake it up
        os.sched_setscheduler(child.pid, os.SCHED_OTHER, os.sched_param(0))
        told = background.turn(child.pid)
    else:
        idler = subprocess.Popen(["sleep", "600"])
        background.shorten(idler.pid)
        told = background.turn(idler.pid)
        idler.kill()
        idler.wait()
    assert told == (background.TURN_NS if usual else None)


def test_the_daemon_itself_keeps_its_priority(run):
    before = background.verify(os.getpid())
    run("true")[0].wait()
    assert background.verify(os.getpid()) == before


def test_a_process_in_the_foreground_is_told_from_one_in_the_background():
    assert not background.verify(os.getpid()).is_complete


def test_a_process_of_no_autogroup_has_no_nice_value_of_one():
    for pid in [int(name) for name in os.listdir("/proc") if name.isdecimal()]:
        try:
            words = Path(f"/proc/{pid}/autogroup").read_text().split()
        except OSError:
            continue
        if not words:  # init, kernel threads, and all that never left init's session
            assert background.verify(pid).autogroup_nice is None
    if os.path.exists("/proc/self/autogroup"):
        session = subprocess.Popen(["sleep", "600"], start_new_session=True)
        facts = background.verify(session.pid)
        session.kill()
        session.wait()
        assert facts.autogroup_nice == 0


def test_settings_that_fail_are_passed_over():
    assert background.apply_to(2**22 + 1)  # no such process


def test_it_all_works_for_an_unprivileged_user():
    command = [sys.executable, "-W", "error", "-c", AS_NOBODY, ROOT]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.stdout == "well\n", done.stderr


def test_on_macos_a_command_starts_in_the_systems_band_for_the_background():
    code = (
        "import sys; sys.platform = 'darwin'",
        "from renderd.host import background; print(*background.PREFIX)",
    )
    words = [sys.executable, "-c", "\n".join(code)]
    said = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout == "/usr/sbin/taskpolicy -b\n"


class WindowsProcess:
    """Notes what is asked of it, as psutil asks a process on Windows."""

    def __init__(self):
        self.asked = []

    def nice(self, value):
        self.asked.append(("class", value))

    def ionice(self, ioclass):
        self.asked.append(("disk", ioclass))


def test_on_windows_a_command_gets_the_idle_class_and_the_disk_last():
    it = WindowsProcess()
    background.put_into_idle_class(it)
    # subprocess.IDLE_PRIORITY_CLASS and psutil.IOPRIO_VERYLOW, which only Windows' modules have.
    assert it.asked == [("class", 0x40), ("disk", 0)]
