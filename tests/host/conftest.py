"""A guard, commands under it, and waiting for conditions."""

import os
import time

import pytest

from renderd.host.guard import Guard

LIMIT = 60.0  # seconds: only a broken test waits as long


@pytest.fixture(params=["forked", "spawned"])
def guard(request):
    """A guard that starts its next command by fork, or by posix_spawn after a short one."""
    with Guard.start() as started:
        if request.param == "spawned":
            with open(os.devnull, "wb") as sink:
                first = started.spawn(["true"], dict(os.environ), "/", sink.fileno())
            assert first.wait().is_success
        yield started


@pytest.fixture
def run(guard):
    """Start a shell line; returns the child and a reader of all its output."""
    children = []

    def start(line, env=None, argv=None, cwd="/"):
        reading, writing = os.pipe()
        env = {"PATH": os.environ["PATH"], **(env or {})}
        child = guard.spawn(argv or ["sh", "-c", line], env, cwd, writing)
        os.close(writing)
        output = os.fdopen(reading, "rb")
        children.append((child, output))
        return child, output

    yield start
    for child, output in children:
        child.close()
        output.close()


@pytest.fixture
def until():
    def wait_for(condition, limit=LIMIT):
        deadline = time.monotonic() + limit
        while not (found := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)
        return found

    return wait_for
