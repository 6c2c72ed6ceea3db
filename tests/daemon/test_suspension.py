"""A chunk is held still and goes on, its clock with it, whenever its command comes and goes."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.daemon.suspension import Suspension
from renderd.host import process
from renderd.host.guard import Guard


@pytest.fixture
def child():
    with (
        Guard.start() as guard,
        open(os.devnull, "wb") as sink,
        guard.spawn(["sleep", "600"], dict(os.environ), "/", sink.fileno()) as started,
    ):
        assert started.pid
        yield started


def state(child):
    return process.read_stat(child.pid)[0]


@given(st.lists(st.tuples(st.sampled_from(["hold", "release", "wait"]), st.floats(0, 100))))
def test_only_the_time_that_it_was_held_is_counted(steps):
    now, held, since = 0.0, 0.0, None
    suspension = Suspension(lambda: now)
    for what, passed in steps:
        now += passed
        if what == "hold":
            assert suspension.hold("memory is short") is (since is None)
            since = now if since is None else since
        elif what == "release":
            assert suspension.release() is (since is not None)
            held, since = held + (now - since if since is not None else 0.0), None
        assert suspension.seconds == pytest.approx(held + (now - since if since is not None else 0))
        assert bool(suspension.reason) is (since is not None)


def test_a_command_that_starts_while_its_chunk_is_held_stands_still_at_once(child, wait):
    suspension = Suspension()
    suspension.hold("memory is short")
    suspension.begin(child)
    wait(lambda: state(child) == b"T")
    assert suspension.pid == child.pid
    suspension.release()
    wait(lambda: state(child) == b"S")


def test_a_command_that_is_over_is_left_alone(child, wait):
    suspension = Suspension()
    suspension.begin(child)
    suspension.hold("memory is short")
    wait(lambda: state(child) == b"T")
    suspension.end()
    assert suspension.pid == 0
    suspension.release()
    assert state(child) == b"T"
