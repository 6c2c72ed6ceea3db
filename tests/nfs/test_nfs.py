"""The short form: each fault once on one of the networks; `make nfs` tries all on all."""

from collections.abc import Iterator

import pytest

from tests.nfs import costs
from tests.nfs.matrix import SHORT, Trial, play
from tests.nfs.networks import Present

#: seconds, on a machine that does much else; two minutes are usual
pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="module")
def present() -> Iterator[Present]:
    network = Present()
    yield network
    network.end()


def test_the_server_is_asked_no_more_than_the_design_says(present: Present):
    found = costs.all_of(present.fleet("v4.2"), idle_for=40)
    assert not [str(cost) for cost in found.costs if not cost.is_met], found.kinds


@pytest.mark.parametrize("trial", SHORT, ids=str)
def test_nothing_is_lost_and_nobody_dies_of_it(present: Present, trial: Trial):
    outcome = play(present, trial)
    assert not outcome.complaints, "\n".join(outcome.complaints)
