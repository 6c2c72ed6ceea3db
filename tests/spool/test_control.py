"""The control file: what may change while a job runs."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import control as record
from renderd.core.control import Control
from renderd.core.needs import Needs
from renderd.errors import LockTimeout, UsageError
from renderd.spool import control, jobs
from renderd.spool.layout import Spool

WORDS = st.lists(st.from_regex(r"[a-z0-9_-]{1,12}", fullmatch=True), unique=True, max_size=4)
TAGS = st.lists(st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,9}", fullmatch=True), unique=True)
LINES = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=40).map(str.strip)


@given(
    nodes=st.none() | st.integers(0, 999),
    pool=st.none() | WORDS.filter(lambda w: w != ["any"]).map(tuple),
    ram=st.none() | st.integers(1, 2**40),
    tags=st.none() | TAGS.map(tuple),
    blocked=WORDS.map(tuple),
)
def test_what_is_written_is_read_back(nodes, pool, ram, tags, blocked):
    needs = None if tags is None else Needs(gpu=True, tags=tags, blender=">=4.2", ram=ram)
    said = Control(nodes=nodes, pool=pool, needs=needs, needs_ram=ram, blocked=blocked, forgiven=7)
    assert record.parse(record.text(said).encode()) == said


def test_lines_that_cannot_be_read_are_kept_without_effect():
    said = record.parse(b"nodes: four\nflavour: plum\nnote: hello\n")
    assert said.nodes is None
    assert "nodes: four\n" in record.text(said)
    assert "flavour: plum\n" in record.text(said)


def test_needs_of_nothing_are_told_from_the_jobs_own(spool: Spool, publish):
    jid = publish(needs=Needs(gpu=True))
    job = jobs.read(spool, jid)
    assert control.read(spool, jid).applied(job) == job
    control.change(spool, jid, needs=Needs())
    assert control.read(spool, jid).applied(job).info.needs == Needs()
    control.change(spool, jid, needs=Needs(tags=("fast",)), needs_ram=4 << 30)
    assert control.read(spool, jid).wanted_now(job).text() == "ram>=4G, tag=fast"


@pytest.mark.parametrize("line", ["needs: pool=gpu", "needs: wings", "needs: ram>=lots"])
def test_needs_that_cannot_be_read_have_no_effect(line):
    said = record.parse(f"{line}\n".encode())
    assert said.needs is None
    assert line in record.text(said)


def test_a_job_without_a_control_file_has_its_own_terms(spool: Spool, publish):
    jid = publish(nodes=3)
    assert control.read(spool, jid) == Control()
    assert control.read(spool, jid).terms(jobs.read(spool, jid)).nodes == 3


def test_a_zero_lifts_the_jobs_own_limit(spool: Spool, publish):
    jid = publish(nodes=3)
    control.change(spool, jid, nodes=0)
    assert control.read(spool, jid).terms(jobs.read(spool, jid)).nodes is None


def test_a_change_replaces_an_unreadable_line_of_its_key(spool: Spool, publish):
    jid = publish()
    Path(spool.job(jid, "control")).write_text("nodes: four\nx-mine: 1\n")
    control.change(spool, jid, nodes=4)
    text = Path(spool.job(jid, "control")).read_text()
    assert "four" not in text
    assert "x-mine: 1" in text


def test_blocking_adds_to_the_nodes_that_are_blocked_already(spool: Spool, publish):
    jid = publish()
    control.block(spool, jid, "ws01")
    assert control.block(spool, jid, "ws02", "ws01").blocked == ("ws01", "ws02")
    assert control.unblock(spool, jid, "ws01").blocked == ("ws02",)
    assert control.unblock(spool, jid).blocked == ()


def test_a_lock_that_another_process_holds_is_said_at_once(spool: Spool, publish):
    jid = publish()
    code = (
        "import sys\nfrom renderd.spool.share import PosixShare\n"
        "held = PosixShare().lock(sys.argv[1])\nprint('held', flush=True)\nsys.stdin.read()\n"
    )
    words = [sys.executable, "-c", code, spool.job(jid, "control.lock")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockTimeout):
            control.change(spool, jid, note="mine")
        holder.stdin.close()
    assert control.read(spool, jid).note == ""
    assert control.change(spool, jid, note="mine").note == "mine"


def test_a_job_that_is_not_there_is_named(spool: Spool):
    with pytest.raises(UsageError, match="aaaaaaaaaa"):
        control.change(spool, "aaaaaaaaaa", note="x")


def test_a_lost_lock_file_is_made_again(spool: Spool, publish):
    jid = publish()
    Path(spool.job(jid, "control.lock")).unlink()
    assert control.change(spool, jid, note="still here").note == "still here"
