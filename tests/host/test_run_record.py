import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

import renderd
from renderd.host import process, run_record
from renderd.host.run_record import NodeLock, NodeNameTaken, RunRecord

ROOT = str(Path(renderd.__file__).parents[1])


@pytest.fixture
def mine():
    return RunRecord.of_this_process("node-1", "node", "spool-a", guard_pid=7)


def dead(record, **changes):
    child = subprocess.Popen(["true"])
    started = process.start_time(child.pid) or 1.0
    child.wait()
    return dataclasses.replace(record, pid=child.pid, started=started, **changes)


def test_a_record_is_read_as_written(tmp_path, mine):
    run_record.write(str(tmp_path), mine)
    assert run_record.read_all(str(tmp_path)) == [mine]


def test_a_running_daemon_is_nobodys_predecessor(tmp_path, mine):
    run_record.write(str(tmp_path), mine)
    assert run_record.predecessors(str(tmp_path), "spool-a") == []


def test_a_dead_daemon_is_a_predecessor_on_its_own_spool_only(tmp_path, mine):
    gone = dead(mine)
    run_record.write(str(tmp_path), gone)
    assert run_record.predecessors(str(tmp_path), "spool-a") == [gone]
    assert run_record.predecessors(str(tmp_path), "spool-b") == []


def test_a_pid_used_again_is_another_process(tmp_path, mine):
    reused = dataclasses.replace(mine, started=mine.started - 1)
    run_record.write(str(tmp_path), reused)
    assert run_record.predecessors(str(tmp_path), "spool-a") == [reused]


@pytest.mark.parametrize("change", [{"boot_id": "another"}, {"namespace": "pid:[1]"}])
def test_a_record_of_another_boot_or_container_proves_nothing(tmp_path, mine, change):
    run_record.write(str(tmp_path), dead(mine, **change))
    assert run_record.predecessors(str(tmp_path), "spool-a") == []
    assert len(run_record.read_all(str(tmp_path))) == 1


def test_a_record_of_another_boot_is_forgotten_after_a_month(tmp_path, mine):
    run_record.write(str(tmp_path), dead(mine, boot_id="another"))
    (path,) = (tmp_path / "running").iterdir()
    os.utime(path, (0, 0))
    run_record.predecessors(str(tmp_path), "spool-a")
    assert run_record.read_all(str(tmp_path)) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "\0" * 20])
def test_a_broken_record_is_passed_over(tmp_path, mine, text):
    run_record.write(str(tmp_path), mine)
    (tmp_path / "running" / "broken.json").write_text(text)
    assert run_record.read_all(str(tmp_path)) == [mine]


def test_a_record_of_a_later_release_is_read(tmp_path, mine):
    run_record.write(str(tmp_path), mine)
    (path,) = (tmp_path / "running").iterdir()
    path.write_text(path.read_text().replace("{", '{"shoe_size": 43, ', 1))
    assert run_record.read_all(str(tmp_path)) == [mine]


def test_removing_twice_is_no_error(tmp_path, mine):
    run_record.write(str(tmp_path), mine)
    run_record.remove(str(tmp_path), mine.incarnation)
    run_record.remove(str(tmp_path), mine.incarnation)
    assert run_record.read_all(str(tmp_path)) == []


HOLD = """
import sys
sys.path.insert(0, sys.argv[1])
from renderd.host.run_record import NodeLock
with NodeLock(sys.argv[2], "spool", "node"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_node_name_is_held_by_one_daemon_until_it_is_gone(tmp_path):
    command = [sys.executable, "-c", HOLD, ROOT, str(tmp_path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(NodeNameTaken, match=f"process {other.pid}"):
        NodeLock(str(tmp_path), "spool", "node")
    with NodeLock(str(tmp_path), "spool", "second"), NodeLock(str(tmp_path), "other", "node"):
        pass
    other.kill()
    other.communicate()
    with NodeLock(str(tmp_path), "spool", "node"):
        pass
