"""When a silent node is declared dead."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from driven import Driven

from renderd.spool import nodes
from renderd.spool.layout import Spool

HOLD = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""
SILENT = "ws99-0123abcd"


@contextmanager
def held(spool: Spool, inc: str) -> Iterator[None]:
    """Another process holds a node's lock, as its daemon does."""
    words = [sys.executable, "-c", HOLD, spool.node(inc, "alive")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.communicate()


def beats_until_dead(observer: Driven, spool: Spool) -> int:
    """Let the observer beat until the silent node has its certificate; how many beats that took."""
    before = observer.node.counts["beats"]
    while SILENT not in nodes.dead(spool):
        observer.tick(observer.node.pulse.beat.period)
        assert observer.node.counts["beats"] < before + 50
    return observer.node.counts["beats"] - before


@pytest.fixture
def observer(spool: Spool, make_node: Callable[..., Driven]) -> Driven:
    """A node that has just met a peer which will never beat again, and holds no lock."""
    nodes.register(spool, SILENT, {"node": "ws99"}, 10)
    return make_node()


def test_a_lock_that_came_free_halves_the_wait(spool: Spool, observer: Driven) -> None:
    with held(spool, SILENT):
        observer.tick(10)
    with_hint = beats_until_dead(observer, spool)
    assert with_hint == 2


def test_a_lock_that_nobody_ever_held_says_nothing(spool: Spool, observer: Driven) -> None:
    observer.tick(10)
    assert beats_until_dead(observer, spool) == 4


def test_a_silent_node_whose_lock_is_held_dies_all_the_same(spool: Spool, observer: Driven) -> None:
    with held(spool, SILENT):
        observer.tick(10)
        assert beats_until_dead(observer, spool) == 4
