import os
import signal
import subprocess
import sys

import pytest

from renderd.host import process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def sleeper(**env):
    return subprocess.Popen(["sleep", "600"], env={**os.environ, **env}, start_new_session=True)


FORK_IN_A_THREAD = """
import subprocess, threading
thread = threading.Thread(target=subprocess.call, args=(["sh", "-c", "echo; sleep 600; :"],))
thread.start()
thread.join()
"""


def test_descendants_are_found_through_any_thread(until):
    top = subprocess.Popen([sys.executable, "-c", FORK_IN_A_THREAD], stdout=subprocess.PIPE)
    top.stdout.readline()
    found = until(lambda: (f := process.descendants(top.pid)) and len(f) == 2 and f)
    process.signal_all([*found, top.pid], signal.SIGKILL)
    top.wait()
    top.stdout.close()


SPIN_IN_A_THREAD = """
import threading, time
def spin():
    while True:
        pass
threading.Thread(target=spin, daemon=True).start()
time.sleep(600)
"""


@pytest.mark.parametrize("above", [(), ("env",), ("sh", "-c", '"$@"; :', "sh")])
def test_who_computes_in_whichever_thread_or_child_wants_the_processor(above, until):
    top = subprocess.Popen([*above, sys.executable, "-c", SPIN_IN_A_THREAD])
    until(lambda: process.wants_cpu(top.pid))
    below = process.descendants(top.pid)
    # Also where it gets none: the kernel has it wait for its turn, and a hung one for an event.
    process.signal_all([*below, top.pid], signal.SIGSTOP)
    until(lambda: not process.wants_cpu(top.pid))
    process.signal_all([*below, top.pid], signal.SIGKILL)
    top.wait()


def test_who_waits_for_something_does_not_want_the_processor(until):
    top = sleeper()
    until(lambda: not process.wants_cpu(top.pid))
    top.kill()
    top.wait()
    assert not process.wants_cpu(top.pid)


def test_a_process_is_known_by_its_start():
    assert process.alive(os.getpid(), process.start_time(os.getpid()))
    assert not process.alive(os.getpid(), (process.start_time(os.getpid()) or 0) + 1)


def test_a_zombie_is_not_alive(until):
    child = subprocess.Popen(["true"])
    until(lambda: process.read_stat(child.pid)[0] == b"Z")
    assert not process.alive(child.pid)
    child.wait()
    assert process.start_time(child.pid) is None


def test_the_strays_of_one_incarnation_are_ended_and_no_other():
    mine = [sleeper(RENDERD_INCARNATION="aaa") for _ in range(2)]
    other = sleeper(RENDERD_INCARNATION="aaab")
    assert process.end_strays("aaa") == 2
    assert [child.wait() for child in mine] == [-signal.SIGKILL] * 2
    assert process.alive(other.pid)
    other.kill()
    other.wait()


def test_no_strays_is_no_error():
    assert process.end_strays("nobody-ever") == 0


def test_signals_to_processes_that_are_gone_are_no_error():
    child = subprocess.Popen(["true"])
    child.wait()
    assert process.signal_all([child.pid], signal.SIGTERM) == 0
    assert not process.signal_group(child.pid, signal.SIGTERM)
