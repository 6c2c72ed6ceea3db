import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import renderd
from renderd.host import process
from renderd.host.guard import Guard, GuardDied

ROOT = str(Path(renderd.__file__).parents[1])
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 1; done"
DAEMON = """
import os, sys
from renderd.host.guard import Guard
guard = Guard.start()
reading, writing = os.pipe()
child = guard.spawn(["sh", "-c", sys.argv[1]], dict(os.environ), "/", writing)
os.close(writing)
print(guard.pid, child.pid, os.read(reading, 6).decode().strip(), flush=True)
child.wait()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the guard is tested on Linux")


def start_daemon(line, tag):
    env = {**os.environ, "PYTHONPATH": ROOT, "TAG": tag}
    command = [sys.executable, "-c", DAEMON, line]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def test_a_command_reports_its_exit_code_and_output(run):
    child, output = run("echo out; echo err >&2; exit 3")
    assert output.read() == b"out\nerr\n"
    ended = child.wait()
    assert (ended.code, ended.pid, ended.is_success) == (3, child.pid, False)


def test_an_exit_carries_processor_time_and_peak_memory(run):
    line = f"{sys.executable} -c 'b = bytearray(80 << 20); [None for _ in range(2000000)]'"
    ended = run(line)[0].wait()
    assert ended.is_success
    assert ended.cpu_seconds > 0.01
    assert ended.peak_rss_bytes > 80 << 20


def test_a_signal_is_named(run):
    assert "segmentation fault (SIGSEGV)" in run("kill -SEGV $$")[0].wait().describe()


def test_a_missing_command_is_no_exit_code(run):
    ended = run("", argv=["no-such-renderer", "-b"])[0].wait()
    assert ended.describe() == "command not found: no-such-renderer"


def test_a_file_that_is_no_program_is_named(run, tmp_path):
    plain = tmp_path / "scene.blend"
    plain.write_text("BLENDER")
    assert run("", argv=[str(plain)])[0].wait().describe() == f"not executable: {plain}"
    plain.chmod(0o755)
    assert "not a program" in run("", argv=[str(plain)])[0].wait().describe()


def test_a_missing_working_folder_is_told(run, tmp_path):
    ended = run("true", cwd=str(tmp_path / "gone"))[0].wait()
    assert ended.describe() == "cannot enter the working folder: No such file or directory"


def test_a_command_is_found_on_its_own_path(run, tmp_path):
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    child, output = run("", argv=["tool"], env={"PATH": f"/nowhere:{tmp_path}:/bin:/usr/bin"})
    assert output.read() == b"found\n"
    assert child.wait().is_success


def test_a_command_gets_its_environment_and_folder_and_nothing_more(run, tmp_path):
    child, output = run("pwd; env", env={"RENDERD_JOB": "é\n2"}, cwd=str(tmp_path))
    folder, *lines = output.read().decode().splitlines()
    assert folder == str(tmp_path)
    assert "RENDERD_JOB=é" in lines
    assert not any(line.startswith("PYTEST_CURRENT_TEST") for line in lines)
    assert child.wait().is_success


def test_a_large_environment_arrives_whole(run):
    env = {f"V{i}": "x" * 10_000 for i in range(100)}
    child, output = run("echo $V0$V99 | wc -c", env=env)
    assert output.read().strip() == b"20001"
    assert child.wait().is_success


@pytest.mark.parametrize("argv", [["a\0b"], []])
def test_what_cannot_be_a_command_is_refused_at_once(guard, argv):
    with pytest.raises(ValueError, match="program"):
        guard.spawn(argv, {}, "/", 1)
    assert guard.is_alive()


def test_an_impossible_environment_fails_that_command_only(run):
    assert run("true", env={"": "x"})[0].wait().start_failure
    assert run("true")[0].wait().is_success


def test_no_descriptor_leaks_into_a_command(run):
    leaked = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leaked, True)  # noqa: FBT003
    child, output = run("for fd in /proc/self/fd/*; do echo $fd $(readlink $fd); done")
    lines = [line.split() for line in output.read().decode().splitlines()]
    os.close(leaked)
    assert child.wait().is_success
    assert lines[0] == ["/proc/self/fd/0", "/dev/null"]
    assert {line[0].rpartition("/")[2] for line in lines if len(line) > 1} <= {"0", "1", "2"}


def test_the_guard_keeps_nothing_open_of_the_daemons(until):
    reading, writing = os.pipe()
    with Guard.start() as guard:
        os.close(writing)
        assert os.read(reading, 1) == b""  # the end: the guard let go of its copy
        assert guard.is_alive()
    os.close(reading)


def test_a_command_leads_its_own_session_with_no_signal_blocked_or_ignored(run):
    child, output = run("cat /proc/self/status; cat /proc/$$/stat")
    text = output.read().decode()
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    assert int(fields["SigBlk"], 16) == 0
    assert int(fields["SigIgn"], 16) & 0x7FFFFFFF == 0  # above are the C library's own two
    stat = text.splitlines()[-1].rpartition(")")[2].split()
    assert int(stat[2]) == int(stat[3]) == child.pid  # group, session
    assert child.wait().is_success


def test_what_a_command_leaves_behind_ends_with_it(run, guard):
    line = "(setsid sleep 600 &) ; (setsid env -i sleep 600 &) ; sleep 600 & echo done"
    child, output = run(line)
    assert output.read() == b"done\n"  # the end of the output: nobody holds it open
    assert child.wait().is_success
    assert process.descendants(guard.pid) == []


def test_what_another_command_started_is_left_alone(run, guard, until):
    long, output = run("(setsid sh -c 'echo $$; exec sleep 600' &) ; exec sleep 600")
    orphan = int(output.readline())
    until(lambda: orphan in process.children(guard.pid))
    assert run("(setsid sleep 600 &) ; true")[0].wait().is_success
    assert process.alive(orphan)
    assert long.stop().code == -signal.SIGTERM
    assert not process.alive(orphan)


def test_stop_ends_a_willing_command_by_term(run):
    child, _ = run("sleep 600")
    assert child.stop().code == -signal.SIGTERM


def test_stop_kills_a_command_that_ignores_term_and_all_below_it(run, guard):
    child, output = run(
        f'(setsid sh -c "{STUBBORN}" &) ; (setsid sh -c "{STUBBORN}" >&2 &) ; {STUBBORN}'
    )
    assert [output.readline() for _ in range(3)] == [b"ready\n"] * 3
    assert child.stop(grace=0.1).code == -signal.SIGKILL
    assert process.descendants(guard.pid) == []


def test_term_reaches_those_that_left_the_group(run):
    inner = 'trap "echo told; exit" TERM; echo ready; while :; do sleep 0.1; done'
    child, output = run(f"trap : TERM; setsid sh -c '{inner}' & wait; wait")
    assert output.readline() == b"ready\n"
    child.stop()
    assert b"told\n" in output.read()


def test_a_suspended_command_stands_still_until_resumed(run, until):
    child, output = run("echo ready; read x < /dev/null; sleep 600 & wait")
    assert output.readline() == b"ready\n"
    tree = [*until(lambda: process.descendants(child.pid)), child.pid]
    child.suspend()
    until(lambda: all(process.read_stat(pid)[0] == b"T" for pid in tree))
    child.resume()
    until(lambda: all(process.read_stat(pid)[0] != b"T" for pid in tree))
    child.suspend()
    assert child.stop().code == -signal.SIGTERM


def test_wait_gives_none_when_the_time_is_over(run):
    child, _ = run("sleep 600")
    assert child.wait(0.01) is None
    assert child.stop() is child.wait()


def test_several_threads_may_wait_for_one_command(run):
    child, _ = run("sleep 600")
    with ThreadPoolExecutor(4) as pool:
        waits = [pool.submit(child.wait) for _ in range(3)]
        ended = child.stop()
        assert {id(wait.result()) for wait in waits} == {id(ended)}


def test_a_hundred_commands_run_at_once(run, guard):
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda i: run(f"exec sleep 600; {i}")[0], range(100)))
        assert len({child.pid for child in started}) == 100
        assert {child.stop().code for child in started} == {-signal.SIGTERM}
    assert process.descendants(guard.pid) == []


def test_letting_go_of_a_command_ends_it(run, until):
    child, _ = run("sleep 600")
    pid = child.pid
    child.close()
    until(lambda: not process.alive(pid))


def test_closing_the_guard_ends_its_commands():
    with open(os.devnull, "wb") as sink:
        guard = Guard.start()
        child = guard.spawn(["sleep", "600"], {"PATH": os.environ["PATH"]}, "/", sink.fileno())
        pid = child.pid
        assert guard.close()
    assert not process.alive(pid)
    child.close()


def test_a_closed_guard_starts_nothing_more():
    guard = Guard.start()
    guard.close()
    reading, writing = os.pipe()
    with pytest.raises(GuardDied, match="none is started any more"):
        guard.spawn(["true"], dict(os.environ), "/", writing)
    assert not guard.is_alive()
    os.close(reading)
    os.close(writing)


def test_the_death_of_the_guard_ends_its_commands_and_the_next_has_a_new_one(run, guard):
    line = "(setsid sleep 600 &) ; sleep 600 & echo ready; sleep 600"
    child, output = run(line, env={"TAG": "orphaned-by-guard"})
    assert output.readline() == b"ready\n"
    old = guard.pid
    os.kill(old, signal.SIGKILL)
    with pytest.raises(GuardDied):
        child.wait()
    assert process.marked("TAG=orphaned-by-guard") == []
    assert run("true")[0].wait().is_success
    assert guard.pid not in (0, old)


def test_everybody_who_asks_after_a_command_is_told_that_the_guard_died(run, guard):
    child, _ = run("sleep 600")
    assert child.pid
    with ThreadPoolExecutor(3) as pool:
        waits = [pool.submit(child.wait) for _ in range(3)]
        os.kill(guard.pid, signal.SIGKILL)
        assert {type(wait.exception()) for wait in waits} == {GuardDied}
    with pytest.raises(GuardDied):
        child.stop(0.0)
    after, _ = run("sleep 600")
    with pytest.raises(GuardDied):
        child.wait(0.0)
    assert after.wait(0.0) is None, "the new guard is not taken for the dead one"


def test_a_guard_can_be_replaced_while_threads_run(run, guard):
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        os.kill(guard.pid, signal.SIGKILL)
        os.waitpid(guard.pid, 0)
        assert run("true")[0].wait().is_success
    finally:
        release.set()
        thread.join()


def test_a_daemon_killed_leaves_no_process_however_deep(until):
    tag = f"daemon-{os.getpid()}"
    line = f"(setsid sh -c '(setsid sleep 600 &)' &) ; (setsid env -i sleep 600 &) ; {STUBBORN}"
    daemon = start_daemon(line, tag)
    guard_pid, child_pid, word = daemon.stdout.readline().split()
    assert word == "ready"
    below = process.descendants(int(guard_pid))
    assert int(child_pid) in below
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()
    until(lambda: not process.alive(int(guard_pid)))
    assert not any(process.alive(pid) for pid in below)
    assert process.marked(f"TAG={tag}") == []


def test_the_guard_takes_no_notice_of_a_terminals_signals(guard, run):
    run("true")[0].wait()  # it serves: before that it had no time to close its ears
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        os.kill(guard.pid, number)
    assert run("true")[0].wait().is_success
    assert os.getsid(guard.pid) == guard.pid


def test_the_guard_shows_its_own_name(guard, run):
    run("true")[0].wait()
    assert Path(f"/proc/{guard.pid}/comm").read_text().startswith("command-guard")
    assert Path(f"/proc/{guard.pid}/cmdline").read_bytes().startswith(b"command-guard")
