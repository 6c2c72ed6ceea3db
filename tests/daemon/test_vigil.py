"""A machine stays awake for work, and a pause without an end is not forgotten."""

import logging
import os

import pytest

from renderd.core.courtesy import Cause, Standing
from renderd.daemon.node import Rest
from renderd.daemon.vigil import LINGER, REMIND_EVERY, Vigil
from renderd.host.awake import Awake

HOUR = 3600.0


class Bed(Awake):
    """A machine that can be kept awake, or that refuses."""

    def __init__(self):
        super().__init__({})
        self.is_refusing = False

    def _logind(self, why):
        if self.is_refusing:
            raise PermissionError("only who sits here may")
        return os.open(os.devnull, os.O_RDONLY)


@pytest.fixture
def driven(make_node, publish):
    node = make_node()
    node.tick(10.0)
    return node


@pytest.fixture
def bed():
    made = Bed()
    yield made
    made.release()


def vigil(driven, bed, wall=None):
    return Vigil(driven.node, bed, lambda: driven.time[0], lambda: (wall or [0.0])[0])


def test_it_stays_awake_while_a_chunk_runs_and_a_moment_longer(driven, bed, publish):
    watch = vigil(driven, bed)
    watch.look()
    assert not bed.is_held
    publish()
    driven.run(12)
    assert driven.works
    watch.look()
    assert bed.is_held
    assert driven.node.is_awake
    driven.work_off()
    driven.tick(1.0)
    watch.look()
    assert bed.is_held
    driven.time[0] += LINGER
    watch.look()
    assert not bed.is_held


def test_it_may_sleep_while_it_makes_way_or_rests(driven, bed, publish):
    publish()
    driven.run(12)
    watch = vigil(driven, bed)
    driven.node.standing = Standing(cause=Cause.BATTERY, says="runs on battery")
    watch.look()
    assert not bed.is_held
    driven.node.standing = Standing()
    watch.look()
    assert bed.is_held


def test_a_refusal_is_told_and_tried_again_later(driven, bed, publish, caplog):
    publish()
    driven.run(12)
    bed.is_refusing = True
    watch = vigil(driven, bed)
    with caplog.at_level(logging.INFO):
        watch.look()
        watch.look()
        driven.time[0] += 301
        watch.look()
    assert caplog.text.count("may fall asleep while it renders: only who sits here may") == 1
    bed.is_refusing = False
    driven.time[0] += 301
    watch.look()
    assert bed.is_held


def test_a_pause_without_an_end_reminds_every_few_hours(driven, caplog):
    wall = [1000.0]
    watch = vigil(driven, None, wall)
    driven.node.rest = Rest("paused by anna", since=1000.0)
    watch.look()
    assert not caplog.text
    for times in (1, 2):
        wall[0] = 1000.0 + times * REMIND_EVERY + 1
        watch.look()
        watch.look()
        assert caplog.text.count("paused by anna") == times
    assert "paused by anna 8h ago, without an end; go on with: render node resume" in caplog.text


@pytest.mark.parametrize(
    "rest",
    [
        Rest(),
        Rest("paused by anna", until=1e9, since=0.0),
        Rest("draining", is_drain=True, since=0.0),
        Rest("3 chunks in a row failed here"),
    ],
)
def test_what_ends_by_itself_reminds_nobody(driven, caplog, rest):
    driven.node.rest = rest
    vigil(driven, None, [1e8]).look()
    assert not caplog.text
