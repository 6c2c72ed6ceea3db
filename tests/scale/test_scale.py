"""A farm of many nodes: what each asks of the server does not grow, and no work stays lost."""

import functools

import pytest

from renderd.spool import nodes
from tests.scale.crowd import Crowd

SMALL, LARGE = 40, 160
STRETCH = 60.0


@functools.cache
def asked_when_idle(count: int) -> float:
    """Requests a second of one node of so many that have nothing to do."""
    crowd = Crowd(seed=count)
    crowd.enter(count, within=10.0)
    crowd.run(100.0)
    crowd.tally.clear()
    crowd.run(STRETCH)
    return crowd.tally.rates(STRETCH)[0] / count


def test_an_idle_node_of_a_large_farm_asks_no_more_than_one_of_a_small_farm() -> None:
    # What is shared out among the nodes costs each of them less, if anything.
    assert asked_when_idle(LARGE) < 1.1 * asked_when_idle(SMALL)


def test_an_idle_node_asks_about_one_thing_a_second() -> None:
    assert asked_when_idle(LARGE) < 1.5


@pytest.fixture(scope="module")
def bereaved() -> tuple[Crowd, set[str], int]:
    """A busy farm of three shards, some time after a tenth of it lost power; who, and holding
    how many chunks."""
    crowd = Crowd(seed=1)
    crowd.enter(LARGE, within=10.0)
    crowd.publish(20 * LARGE, "film")
    crowd.run(60.0)
    crowd.kill(0.1)
    victims = {inc for inc, member in crowd.members.items() if member.is_dead}
    held = sum(len(crowd.members[inc].node.running) for inc in victims)
    crowd.run(180.0)
    return crowd, victims, held


def test_the_dead_alone_are_declared_dead(bereaved: tuple[Crowd, set[str], int]) -> None:
    crowd, victims, _ = bereaved
    assert nodes.dead(crowd.desk) == victims


def test_what_the_dead_held_is_free_again(bereaved: tuple[Crowd, set[str], int]) -> None:
    crowd, victims, held = bereaved
    assert held == len(victims) == crowd.count("reclaimed")
    assert not any(nodes.intents(crowd.desk, inc) for inc in victims)


def test_a_first_attempt_lists_nothing_of_others() -> None:
    # Each node that renders a job has a folder beside the frames: a list of them grows with the
    # farm, and every chunk would pay it; so does one of all receipts with the job.
    crowd = Crowd(seed=2)
    crowd.enter(SMALL, within=10.0)
    crowd.run(20.0)
    crowd.publish(SMALL, "film")
    crowd.tally.clear()
    crowd.run(40.0)
    assert sum(len(member.node.running) for member in crowd.members.values()) == SMALL
    assert crowd.tally.places["listdir film/.renderd/*"] == 0
